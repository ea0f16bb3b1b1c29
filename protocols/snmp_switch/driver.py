"""The switch as a PoE driver: asks and orders with pysnmp."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pysnmp.error import PySnmpError
from pysnmp.hlapi.v3arch.asyncio import (
    CommunityData,
    ContextData,
    Integer32,
    ObjectIdentity,
    ObjectType,
    SnmpEngine,
    Udp6TransportTarget,
    UdpTransportTarget,
    UsmUserData,
    bulk_cmd,
    set_cmd,
    usmAesCfb128Protocol,
    usmHMAC192SHA256AuthProtocol,
)

from device.errors import NotFound
from device.poe.driver import PoeUnavailable
from device.poe.port import Reading
from protocols.snmp_switch.tables import (
    ADMIN,
    COLUMNS,
    DISABLED,
    DOWN,
    ENABLED,
    IF_ADMIN,
    IF_OPER,
    IF_SPEED,
    MAIN,
    MAIN_POWER,
    METERS,
    PORTS,
    UP,
    Meter,
    Oid,
    Tables,
    Value,
)

ANSWER_SECONDS = 2.0
RETRIES = 1
CELLS = 48  #: asked for at once, so that an answer fits into one packet
MOST_CELLS = 20_000  #: of one walk; more are no PoE tables


@dataclass(frozen=True, slots=True)
class Community:
    """SNMP v2c."""

    community: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class User:
    """SNMP v3: USM with SHA-256 and AES (RFC 7860, RFC 3826)."""

    name: str
    auth: str = field(repr=False)
    privacy: str = field(repr=False)


class SwitchPse:
    """Implements `PoeDriver` for any switch that has the POWER-ETHERNET-MIB.

    Class 0 to 4 is all that this MIB can tell; ports of IEEE 802.3bt then count as class 4.
    """

    autonomous = True
    interval = 2.0

    def __init__(
        self, host: str, port: int, login: Community | User, group: int, interfaces: Sequence[int]
    ) -> None:
        """`group`: pethPsePortGroupIndex; `interfaces`: the ifIndex of ports 1, 2, 3 ...: without it the network of a
        port cannot be switched, nor its link be seen."""
        self._address = (host, port)
        self._auth = _auth(login)
        self._group = group
        self._interfaces = interfaces
        self._engine = SnmpEngine()
        self._target: UdpTransportTarget | Udp6TransportTarget | None = None
        self._meter: Meter | None = None
        self._tables: Tables | None = None  #: None: the switch has not answered yet

    async def read(self) -> Reading:
        """PoeDriver."""
        if self._tables is None:
            self._meter = await self._find_meter()
            self._tables = Tables(self._group, self._interfaces, self._meter)
        columns = [(*PORTS, column) for column in COLUMNS] + [(*MAIN, MAIN_POWER)]
        if self._meter is not None:
            columns.append(self._meter.column)
        if self._interfaces:
            columns += [IF_ADMIN, IF_OPER, IF_SPEED]
        cells = await self._walk(columns)
        reading = self._tables.reading(cells)
        if not reading.ports:
            raise PoeUnavailable(
                f"{self._address[0]} shows no PoE port in group {self._group} of its POWER-ETHERNET-MIB."
            )
        return reading

    async def set_power(self, port: int, on: bool) -> None:
        """PoeDriver."""
        await self._set((*PORTS, ADMIN, self._group, port), ENABLED if on else DISABLED)

    async def set_ethernet(self, port: int, on: bool) -> None:
        """PoeDriver."""
        interface = None if self._tables is None else self._tables.interface(port)
        if interface is None:
            raise NotFound("port with a known interface", str(port))
        await self._set((*IF_ADMIN, interface), UP if on else DOWN)

    async def close(self) -> None:
        """PoeDriver."""
        self._engine.close_dispatcher()

    # --- the wire ---

    async def _find_meter(self) -> Meter | None:
        for meter in METERS:
            if await self._walk([meter.column]):
                return meter
        return None

    async def _walk(self, columns: Sequence[Oid]) -> dict[Oid, Value]:
        """All cells of some columns, side by side; none of a column that the switch does not have."""
        cells: dict[Oid, Value] = {}
        last = {column: column for column in columns}  #: of the columns that may have more
        while last:
            going = list(last)
            bound = await self._bulk(list(last.values()))
            for place, (key, value) in enumerate(bound):
                column = going[place % len(going)]
                if column not in last:
                    continue
                if (
                    key[: len(column)] != column or key <= last[column]
                ):  # the column is over, or the switch is confused
                    del last[column]
                    continue
                last[column] = key
                if value is not None:
                    cells[key] = value
            if not bound or len(cells) > MOST_CELLS:
                raise PoeUnavailable(f"{self._address[0]} answers a walk with nothing, or without end.")
        return cells

    async def _bulk(self, after: Sequence[Oid]) -> list[tuple[Oid, Value | None]]:
        """The cells that follow, row by row (RFC 3416 s4.2.3)."""
        target = await self._reach()
        try:
            wrong, status, _, bound = await bulk_cmd(
                self._engine,
                self._auth,
                target,
                ContextData(),
                0,
                max(CELLS // len(after), 1),
                *(ObjectType(ObjectIdentity(each)) for each in after),
                lookupMib=False,
            )
        except PySnmpError as error:
            raise PoeUnavailable(f"{self._address[0]}: {error}") from None
        self._check(wrong, status)
        return [(tuple(name), _plain(value)) for name, value in bound]

    async def _set(self, where: Oid, value: int) -> None:
        target = await self._reach()
        try:
            wrong, status, _, _ = await set_cmd(
                self._engine,
                self._auth,
                target,
                ContextData(),
                ObjectType(ObjectIdentity(where), Integer32(value)),
                lookupMib=False,
            )
        except PySnmpError as error:
            raise PoeUnavailable(f"{self._address[0]}: {error}") from None
        self._check(wrong, status)

    def _check(self, wrong: object, status: object) -> None:
        if wrong:
            raise PoeUnavailable(f"{self._address[0]}: {wrong}")
        if status and int(status):  # type: ignore[call-overload]  # an INTEGER of pysnmp, 0 without an error
            raise PoeUnavailable(f"{self._address[0]} refused: {status.prettyPrint()}")  # type: ignore[attr-defined]  # the same

    async def _reach(self) -> UdpTransportTarget | Udp6TransportTarget:
        if self._target is None:
            kind = Udp6TransportTarget if ":" in self._address[0] else UdpTransportTarget
            try:
                self._target = await kind.create(self._address, timeout=ANSWER_SECONDS, retries=RETRIES)
            except (PySnmpError, OSError) as error:
                raise PoeUnavailable(f"{self._address[0]} is not found: {error}") from None
        return self._target


def _auth(login: Community | User) -> CommunityData | UsmUserData:
    if isinstance(login, Community):
        return CommunityData(login.community, mpModel=1)  # noqa: S508 - all that many a switch knows
    return UsmUserData(
        login.name,
        login.auth,
        login.privacy,
        authProtocol=usmHMAC192SHA256AuthProtocol,
        privProtocol=usmAesCfb128Protocol,
    )


def _plain(value: object) -> Value | None:
    """The value of a cell; None for an exception of RFC 3416 s4.2.3, and for types that no cell here has."""
    octets = getattr(value, "asOctets", None)
    if octets is not None:
        return bytes(octets()).decode("utf-8", "replace")
    try:
        return int(value)  # type: ignore[call-overload,no-any-return]  # an INTEGER of pysnmp is one
    except (TypeError, ValueError):
        return None
