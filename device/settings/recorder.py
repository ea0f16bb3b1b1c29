"""The recorder as a whole."""

from __future__ import annotations

from device.accounts.role import Role
from device.settings.section import N_, Field, Keep, Section


class Recorder(Section, section="recorder", heading=N_("Recorder"), restore=Keep.NO, role=Role.ADMINISTRATOR):
    """What people call it."""

    name: str = Field("Holdfast", title=N_("Name"), max_length=64, pattern=r"^\S(.*\S)?$")
