"""Video out over RTSP."""

from __future__ import annotations

from enum import Enum

from device.accounts.role import Role
from device.settings.section import N_, Field, Interrupts, Keep, Section


class Digest(Enum):
    """Which digest algorithms a client is offered (RFC 7616 s3.2)."""

    BOTH = "md5+sha256"
    SHA256 = "sha256"


class Rtsp(Section, section="rtsp", heading=N_("RTSP"), restore=Keep.NO, role=Role.ADMINISTRATOR):
    """The RTSP server."""

    session_timeout: int = Field(
        60,
        title=N_("Session timeout"),
        help=N_("A client that says nothing for so long is gone."),
        unit="s",
        ge=10,
        le=3600,
    )
    digest: Digest = Field(
        Digest.BOTH,
        title=N_("Digest algorithms"),
        help=N_("MD5 is all that most players know."),
        interrupts=Interrupts.SESSIONS,
    )
    anonymous: bool = Field(
        False,
        title=N_("Viewing without an account"),
        help=N_("Anybody who reaches the recorder can watch live and recorded video."),
        interrupts=Interrupts.SESSIONS,
    )
