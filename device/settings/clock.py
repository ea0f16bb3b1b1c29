"""The recorder's clock: who keeps it right, and the zone that its people live in."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from pydantic import AfterValidator, model_validator

from device.accounts.role import Role
from device.clock.zone import read_zone
from device.settings.hosts import HostName
from device.settings.section import N_, Field, Keep, Section

MOST_SERVERS = 2
GIVEN = "keeper != 'system' and synchronized"


def _zone(text: str) -> str:
    if text:
        read_zone(text)
    return text


def _server(text: str) -> str:
    if not text:
        raise ValueError("must name a server")
    return text


Zone = Annotated[str, AfterValidator(_zone)]
TimeServer = Annotated[HostName, AfterValidator(_server)]


class ClockKeeper(Enum):
    """Who sets the machine's clock."""

    SYSTEM = "system"  #: whoever manages the machine; the settings of its clock do nothing
    CHRONY = "chrony"  #: Holdfast, by chrony
    SIMULATED = "simulated"


class TimeSource(Enum):
    """Whom the clock is synchronized with."""

    DHCP = "dhcp"  #: the servers that DHCP names
    NTP = "ntp"  #: RFC 5905
    NTS = "nts"  #: RFC 8915


class Poll(Enum):
    """How often a server is asked: powers of two, in seconds."""

    S16 = "16"
    S32 = "32"
    S64 = "64"
    S128 = "128"
    S256 = "256"
    S512 = "512"
    S1024 = "1024"
    S2048 = "2048"
    S4096 = "4096"

    @property
    def exponent(self) -> int:
        """Of two: RFC 5905 s7.3."""
        return int(self.value).bit_length() - 1


class DateAndTime(
    Section, section="clock", heading=N_("Date and time"), restore=Keep.YES, role=Role.ADMINISTRATOR
):
    """The clock and its zone."""

    keeper: ClockKeeper = Field(
        ClockKeeper.SYSTEM,
        title=N_("Who sets it"),
        help=N_("While the system does, only the time zone below has an effect."),
        box=True,
    )
    zone: Zone = Field(
        "",
        title=N_("Time zone"),
        help=N_(
            "Such as Europe/Stockholm, or as POSIX writes it: CET-1CEST,M3.5.0,M10.5.0/3. Empty: the machine's."
        ),
        max_length=80,
    )
    synchronized: bool = Field(
        True,
        title=N_("Set by the network"),
        help=N_("Recommended. Otherwise it is set by hand."),
        when="keeper != 'system'",
    )
    source: TimeSource = Field(TimeSource.DHCP, title=N_("Time servers"), when=GIVEN)
    servers: tuple[TimeServer, ...] = Field(
        (),
        title=N_("Addresses of the servers"),
        help=N_("One or two; with two the time follows both."),
        max_length=MOST_SERVERS,
        when=f"{GIVEN} and source != 'dhcp'",
    )
    fallback: tuple[TimeServer, ...] = Field(
        (),
        title=N_("Servers where DHCP names none"),
        max_length=MOST_SERVERS,
        when=f"{GIVEN} and source == 'dhcp'",
    )
    shortest_poll: Poll = Field(Poll.S64, title=N_("Servers are asked at most every"), unit="s", when=GIVEN)
    longest_poll: Poll = Field(Poll.S1024, title=N_("Servers are asked at least every"), unit="s", when=GIVEN)

    @model_validator(mode="after")
    def _whole(self) -> DateAndTime:
        if self.shortest_poll.exponent > self.longest_poll.exponent:
            raise ValueError("the shortest time between two questions is longer than the longest")
        if self.synchronized and self.source is not TimeSource.DHCP and not self.servers:
            raise ValueError("at least one server must be named")
        return self
