"""The web: who is logged in for how long."""

from __future__ import annotations

from device.accounts.role import Role
from device.settings.section import N_, Field, Keep, Section


class Web(Section, section="web", heading=N_("Web"), restore=Keep.NO, role=Role.ADMINISTRATOR):
    """Pages and API."""

    session_idle: int = Field(
        30,
        title=N_("Session ends unused"),
        help=N_("Who does nothing for so long must log in again."),
        unit="min",
        ge=5,
        le=1440,
    )
    session_longest: int = Field(
        12, title=N_("Session ends at last"), help=N_("However much it is used."), unit="h", ge=1, le=720
    )
    viewers_stay: bool = Field(
        True,
        title=N_("Viewers stay logged in"),
        help=N_("A wall of screens that nobody touches goes on showing video, for a year at most."),
    )
