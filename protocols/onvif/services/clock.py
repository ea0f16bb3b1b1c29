"""The rows of the Device service about the clock (ONVIF Core s8.2, s8.3): its time, its zone, and whom it follows.

Where the machine's clock is its system's to keep, what is asked is checked and then refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from enum import Enum
from typing import Protocol

from device.clock.zone import posix, read_zone
from device.media import Utc
from device.settings.clock import ClockKeeper, DateAndTime, TimeSource
from device.settings.network import DOMAIN
from device.settings.section import InvalidSettings
from protocols.onvif.faults import BAD_ARGUMENT, UNKNOWN_ACTION, Refusal, invalid
from protocols.onvif.names import TDS, TT
from protocols.onvif.operations import Access, Call, Operation
from protocols.onvif.services.network import Values, address_of, check_addresses, host, ip_of
from protocols.onvif.xml import Element, find, flag, member, need, sub, whole

BAD_ZONE = invalid("InvalidTimeZone", "The time zone is not one")
BAD_TIME = invalid("InvalidDateTime", "The date or time is not one")
NO_SERVER = invalid("NtpServerUndefined", "No time server is set")
BAD_NAME = invalid("InvalidDnsName", "The name is not one")
FOLLOWS = invalid("TimeSyncedToNtp", "The clock follows a time server")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class DateTimeType(Enum):
    """tt:SetDateTimeType."""

    MANUAL = "Manual"
    NTP = "NTP"


class Timekeeper(Protocol):
    """What the rows need of whoever keeps the clock."""

    def wanted(self) -> DateAndTime:
        """How it shall be kept."""

    def zone(self) -> tuple[str, tzinfo]:
        """The recorder's zone, as POSIX writes it, too."""

    async def now(self) -> Utc:
        """The time that is shown."""

    async def leased(self) -> tuple[str, ...]:
        """The servers that DHCP names."""

    async def change(self, values: Values, *, by: str) -> None:
        """Let it be kept otherwise. Raises InvalidSettings, Fault."""

    async def set(self, utc: Utc, *, by: str) -> None:
        """Set it. Raises Fault, Refused."""


class ClockRows:
    """Rows of the Device service."""

    def __init__(self, keeper: Timekeeper) -> None:
        self._keeper = keeper
        reads, writes = Access.READ_SYSTEM, Access.WRITE_SYSTEM
        self.operations = (
            Operation("GetSystemDateAndTime", Access.PRE_AUTH, self.get_time),
            Operation("SetSystemDateAndTime", writes, self.set_time),
            Operation("GetNTP", reads, self.get_ntp),
            Operation("SetNTP", writes, self.set_ntp),
        )

    @property
    def settable(self) -> bool:
        """Whether the recorder keeps the clock."""
        return self._keeper.wanted().keeper is not ClockKeeper.SYSTEM

    def _ours(self) -> None:
        """Raises Refusal."""
        if not self.settable:
            raise Refusal(UNKNOWN_ACTION, "The machine's clock is kept by its system: recordings rely on it.")

    async def get_time(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - carries nothing
        """GetSystemDateAndTime (s8.3.5). A clock that is the system's to keep is told as one that follows a server."""
        rule, zone = self._keeper.zone()
        now = _EPOCH + timedelta(microseconds=await self._keeper.now())
        here = now.astimezone(zone)
        by_hand = self.settable and not self._keeper.wanted().synchronized
        told = sub(reply, TDS.SystemDateAndTime)
        sub(told, TT.DateTimeType, DateTimeType.MANUAL if by_hand else DateTimeType.NTP)
        sub(told, TT.DaylightSavings, bool(here.dst()))
        sub(sub(told, TT.TimeZone), TT.TZ, rule)
        _moment(sub(told, TT.UTCDateTime), now)
        _moment(sub(told, TT.LocalDateTime), here)

    async def set_time(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - nothing is told
        """SetSystemDateAndTime (s8.3.6). Summer time follows the zone, whatever DaylightSavings says."""
        by_hand = member(DateTimeType, call.body, TDS.DateTimeType) is DateTimeType.MANUAL
        flag(call.body, TDS.DaylightSavings)
        values: Values = {"synchronized": not by_hand}
        zone = call.body.find(TDS.TimeZone)
        if zone is not None:
            values |= self._zone(need(zone, TT.TZ))
        given = call.body.find(TDS.UTCDateTime)
        moment = None if given is None else _read_moment(given)
        if by_hand and moment is None:
            raise Refusal(BAD_TIME, "UTCDateTime is missing: a clock that is set by hand needs one.")
        self._ours()
        try:
            await self._keeper.change(values, by=call.account)
        except InvalidSettings as error:
            raise Refusal(BAD_ARGUMENT if by_hand else NO_SERVER, str(error)) from None
        if by_hand and moment is not None:
            await self._keeper.set(moment, by=call.account)

    def _zone(self, rule: str) -> Values:
        """A zone that is told back as it was read is not another one. Raises Refusal."""
        try:
            read_zone(rule)
        except ValueError:
            raise Refusal(BAD_ZONE, f"{rule[:80]!r} is no time zone of POSIX 1003.1.") from None
        return {} if posix(rule) == self._keeper.zone()[0] else {"zone": rule}

    async def get_ntp(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - carries nothing
        """GetNTP (s8.2.5)."""
        wanted = self._keeper.wanted()
        automatic = self.settable and wanted.source is TimeSource.DHCP
        told = sub(reply, TDS.NTPInformation)
        sub(told, TT.FromDHCP, automatic)
        servers = await self._keeper.leased() if automatic else wanted.servers if self.settable else ()
        for server in servers:
            shown, ip = sub(told, TT.NTPFromDHCP if automatic else TT.NTPManual), ip_of(server)
            if ip is not None:
                host(shown, ip)
            else:
                sub(shown, TT.Type, "DNS")
                sub(shown, TT.DNSname, server)

    async def set_ntp(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - nothing is told
        """SetNTP (s8.2.6)."""
        check_addresses(call.body)
        find(call.body, TDS.FromDHCP)
        servers = [_server(each) for each in call.body.iterfind(TDS.NTPManual)]
        values: Values = {"source": TimeSource.DHCP.value}
        if not flag(call.body, TDS.FromDHCP):
            values = {"source": TimeSource.NTP.value, "servers": servers}
        self._ours()
        if self._keeper.wanted().synchronized and values["source"] != TimeSource.DHCP.value and not servers:
            raise Refusal(FOLLOWS, "The clock follows a time server: one must be named.")
        try:
            await self._keeper.change(values, by=call.account)
        except InvalidSettings as error:
            raise Refusal(BAD_ARGUMENT, str(error)) from None


def _server(given: Element) -> str:
    """tt:NetworkHost. Raises Refusal."""
    if need(given, TT.Type) != "DNS":
        return address_of(given)
    name = need(given, TT.DNSname)
    if len(name) > 253 or not DOMAIN.fullmatch(name):
        raise Refusal(BAD_NAME, f"{name[:80]!r} is no host name (RFC 1123 s2.1).")
    return name


def _moment(parent: Element, moment: datetime) -> None:
    """tt:DateTime."""
    time, date = sub(parent, TT.Time), sub(parent, TT.Date)
    for element, names in ((time, ("Hour", "Minute", "Second")), (date, ("Year", "Month", "Day"))):
        for name in names:
            sub(element, TT.name(name), int(getattr(moment, name.lower())))


def _read_moment(parent: Element) -> Utc:
    """tt:DateTime. Raises Refusal where there is no such instant."""
    date, time = find(parent, TT.Date), find(parent, TT.Time)
    year, month, day = (whole(date, TT.name(name)) or 0 for name in ("Year", "Month", "Day"))
    hour, minute, second = (whole(time, TT.name(name)) or 0 for name in ("Hour", "Minute", "Second"))
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        raise Refusal(BAD_TIME, "There is no such date or time.") from None
    if not 1970 <= year < 2200:
        raise Refusal(BAD_TIME, "The clock can be set to the years from 1970 to 2199.")
    return Utc((moment - _EPOCH) // timedelta(microseconds=1))
