"""The archive: a share to which recordings are copied or moved."""

from __future__ import annotations

from device.accounts.role import Role
from device.settings.schedule import Span
from device.settings.section import N_, Field, Keep, Section
from device.settings.shares import OnShare


class Archive(
    OnShare, Section, section="archive", heading=N_("Archive"), restore=Keep.NO, role=Role.ADMINISTRATOR
):
    """Where, and when. `holdfast archive claim` makes an empty folder of the share ours."""

    enabled: bool = Field(False, title=N_("Copy recordings to a share"))
    bandwidth: float | None = Field(
        200.0, title=N_("Bandwidth"), help=N_("None: as fast as it goes."), unit="Mbit/s", ge=0.1, le=100_000
    )
    after: float = Field(
        0.0,
        title=N_("Copy what is older than"),
        help=N_("0: as soon as it is finished."),
        unit="h",
        ge=0,
        le=87_600,
    )
    move_after: float | None = Field(
        None,
        title=N_("Keep here what is not older than"),
        help=N_(
            "What is older lies in the archive alone, and is read there. None: it is copied, and stays here."
        ),
        unit="h",
        ge=0,
        le=87_600,
    )
    schedule: tuple[Span, ...] = Field(
        (), title=N_("Schedule"), help=N_("When it may be copied; empty: always."), max_length=100
    )
