"""How video is written."""

from __future__ import annotations

from device.accounts.role import Role
from device.settings.section import N_, Field, Interrupts, Keep, Section


class Recording(
    Section, section="recording", heading=N_("Recording"), restore=Keep.NO, role=Role.ADMINISTRATOR
):
    """What holds for every camera."""

    durability: float = Field(
        1.0,
        title=N_("Durability"),
        help=N_("The most video that a power cut can take from a camera. Less costs more writes."),
        unit="s",
        ge=0.5,
        le=10,
    )
    segment: int = Field(
        60,
        title=N_("Segment length"),
        help=N_("About how much video one file holds."),
        unit="s",
        ge=10,
        le=600,
        interrupts=Interrupts.NOTHING,
    )
