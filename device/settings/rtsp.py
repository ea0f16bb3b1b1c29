"""Video out over RTSP."""

from __future__ import annotations

from enum import Enum
from ipaddress import IPv4Network

from pydantic import field_validator

from device.accounts.role import Role
from device.settings.section import N_, Field, Interrupts, Keep, Section


class Digest(Enum):
    """Which digest algorithms a client is offered (RFC 7616 s3.2)."""

    BOTH = "md5+sha256"
    SHA256 = "sha256"


class Rtsp(Section, section="rtsp", heading=N_("RTSP"), restore=Keep.NO, role=Role.ADMINISTRATOR):
    """The RTSP server."""

    enabled: bool = Field(
        True,
        title=N_("Serve RTSP"),
        help=N_("Browsers and exports do without it."),
        interrupts=Interrupts.SESSIONS,
    )
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
    sessions: int = Field(
        256,
        title=N_("Sessions"),
        help=N_("So many may watch at once; who comes then is refused."),
        unit="sessions",
        ge=1,
        le=4096,
        interrupts=Interrupts.SESSIONS,
    )
    multicast: bool = Field(
        False,
        title=N_("Multicast"),
        help=N_("Clients may ask for live video to be sent once for all who watch it. It is not encrypted."),
        interrupts=Interrupts.SESSIONS,
    )
    multicast_range: str = Field(
        "239.192.77.0/24",
        title=N_("Multicast addresses"),
        help=N_("Each stream takes one of them while it is watched."),
        max_length=18,
        when="multicast",
        interrupts=Interrupts.SESSIONS,
    )
    multicast_port: int = Field(
        5004,
        title=N_("First multicast port"),
        help=N_("Even, from 1024 to 65000. Each track of a stream takes two."),
        when="multicast",
        interrupts=Interrupts.SESSIONS,
    )
    multicast_ttl: int = Field(
        1,
        title=N_("Multicast reach"),
        help=N_("Routers that it may pass; 1 stays in the recorder's own network."),
        unit="hops",
        ge=1,
        le=255,
        when="multicast",
        interrupts=Interrupts.SESSIONS,
    )

    @field_validator("multicast_range")
    @classmethod
    def _multicast(cls, text: str) -> str:
        network = IPv4Network(text)
        if not network.is_multicast or network.prefixlen < 16:
            raise ValueError("addresses from 224.0.0.0 to 239.255.255.255, at most a /16 of them")
        return str(network)

    @field_validator("multicast_port")
    @classmethod
    def _even(cls, port: int) -> int:
        if port % 2 or not 1024 <= port <= 65_000:
            raise ValueError("even, since RTCP takes the odd one behind it, and from 1024 to 65000")
        return port
