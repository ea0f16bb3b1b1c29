"""The recorder as a tree: snapshots in, rows out. Pure; who takes the snapshots, and when, is decided elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from device.chassis.messages import ChassisShown
from device.errors import Severity
from device.events.journal import Entry
from device.linux.host import Host, Interface, Sensor
from device.media import Utc
from device.poe.port import PortStatus, State, Status
from protocols.snmp.agent import Access, Agent
from protocols.snmp.ber import Oid
from protocols.snmp.kept import Kept
from protocols.snmp.notify import Notification, Varbind
from protocols.snmp.projection import (
    axis,
    entity,
    framework,
    holdfast,
    host,
    interfaces,
    ip,
    lldp,
    log,
    power,
    system,
    targets,
)
from protocols.snmp.projection.notifications import Objects, about, text
from protocols.snmp.projection.oids import HF_RECORDER
from protocols.snmp.tree import Table, Tree
from protocols.snmp.vacm import View

#: Any: each table has rows of a type of its own, and a tree holds them all.
TABLES: Final[tuple[Table[Any], ...]] = (
    *system.TABLES,
    *interfaces.TABLES,
    *ip.TABLES,
    *host.TABLES,
    *entity.TABLES,
    *power.TABLES,
    *lldp.TABLES,
    *log.TABLES,
    *framework.TABLES,
    *targets.TABLES,
    *axis.TABLES,
    *holdfast.TABLES,
)
CHASSIS = 1  #: entPhysicalIndex of the recorder itself
_DEVICE_SPACE = 4096  #: hrDeviceIndex of interfaces and disks begin at multiples of it
_NO_MAC = b"\0" * 6


@dataclass(frozen=True, slots=True)
class Chassis:
    """The recorder as a thing."""

    serial: str
    version: str
    maker: str
    model: str


@dataclass(frozen=True, slots=True)
class Recorder:
    """What the recording plane and the settings say, all at one time."""

    taken: float  #: monotonic seconds
    known: bool  #: the recording plane has answered
    cameras: tuple[holdfast.CameraRow, ...]
    recordings: tuple[holdfast.RecordingRow, ...]
    gaps: tuple[holdfast.GapRow, ...]
    storages: tuple[holdfast.StorageRow, ...]


class Projection:
    """Keeps a tree's rows as the recorder is."""

    def __init__(
        self, tree: Tree, agent: Agent, kept: Kept, chassis: Chassis, utc: Callable[[], Utc]
    ) -> None:
        self.tree = tree
        self._agent = agent
        self._kept = kept
        self._chassis = chassis
        self._utc = utc
        self._host: Host | None = None
        self._recorder: Recorder | None = None
        self._alarms: Sequence[Entry] = ()
        self._box: ChassisShown | None = None
        self._switch: Sequence[PortStatus] = ()
        self._bays: Sequence[holdfast.DriveRow] = ()
        self.axis = axis.Personality(tree)
        self._log = log.Log(agent.engine.identity)
        self._shown = -1  #: notifications of the log that the tree has
        self._name = ""
        self._count = interfaces.Totals(0, 0)
        self._ports: Sequence[lldp.LocalPort] = ()
        self._addresses: Sequence[lldp.LocalAddress] = ()
        self._macs: Sequence[bytes] = ()
        self._changed: dict[str, tuple[tuple[bool, int], int]] = {}  # of interfaces: how they are, since when
        self.links: dict[str, bool] = {}  #: interfaces -> whether they work
        self._finders: dict[str, Callable[[object], Oid | None]] = {
            holdfast.CAMERAS.name: lambda key: self._number("camera", key),
            holdfast.RECORDINGS.name: lambda token: self._number("recording", token),
            holdfast.STORAGES.name: lambda volume: self._number("storage", volume),
            holdfast.POE_PORTS.name: _plain,
            holdfast.DRIVES.name: _plain,
            power.PORTS.name: lambda port: (power.GROUP, port) if isinstance(port, int) else None,
            power.MAIN.name: lambda _: (power.GROUP,),
            holdfast.POE.name: lambda _: (0,),
        }
        engine = framework.EngineState(
            agent.engine.identity, agent.engine.boots, lambda: agent.engine_time(agent.now), agent.counters
        )
        for table in (framework.ENGINE, framework.PROCESSING, framework.CONTEXTS, framework.USM_STATS):
            tree.replace(table, [engine])
        tree.replace(system.RESOURCES, [(n, *each) for n, each in enumerate(system.MODULES, 1)])
        tree.replace(framework.VACM_CONTEXTS, [""])
        for each in (log.LIMITS, log.LOGS):
            tree.replace(each, [self._log])
        self.log()

    def ticks(self) -> int:
        """sysUpTime."""
        return int((self._agent.now - self._agent.started) * 100)

    # ------------------------------------------------------------------------------------- who we are

    def names(self, name: str, contact: str, location: str) -> None:
        """What people call the recorder."""
        about_us, identity = axis.description(self._chassis.version), axis.PRODUCT
        if not self.axis.on:
            about_us, identity = f"Holdfast network video recorder {self._chassis.version}", HF_RECORDER
        row = system.System(about_us, contact, name, location, self.ticks, identity)
        self.tree.replace(system.SYSTEM, [row])
        self._name = name
        self._describe_lldp()

    def switches(self) -> None:
        """What managers have switched: authentication traps, the serial number of SETs."""
        state = system.SnmpState(self._agent.counters, self._kept.authentication_traps)
        self.tree.replace(system.SNMP, [state])
        self.tree.replace(system.SERIAL, [self._kept.serial])

    def access(self, given: Access) -> None:
        """Who may come in."""
        engine = self._agent.engine.identity
        self.tree.replace(framework.USERS, [framework.UserRow(engine, user) for user in given.users])
        self.tree.replace(framework.GROUPS, given.vacm.members)
        self.tree.replace(framework.ACCESS, given.vacm.rights)
        views: dict[str, View] = {}
        for right in given.vacm.rights:
            for view in (right.read, right.write, right.notify):
                if view.name:
                    views[view.name] = view
        families = [(view, family) for view in views.values() for family in view.families]
        self.tree.replace(framework.VIEWS, families)

    # ------------------------------------------------------------------------------------ the machine

    def host(self, now: Host) -> list[interfaces.Row]:
        """A new reading of the machine. The interfaces whose link came or went since the last one."""
        before, self._host = self._host, now
        rows = {each.number: self._interface(each) for each in now.interfaces}
        turned = [row for row in rows.values() if self._turned(row)]
        replace = self.tree.replace
        if replace(interfaces.INTERFACES, rows.values()):
            self._count = interfaces.Totals(len(rows), self.ticks())
        for table in (interfaces.NUMBER, interfaces.CHANGES, interfaces.STACK_CHANGES):
            replace(table, [self._count])
        replace(interfaces.EXTENSION, rows.values())
        replace(interfaces.DUPLEX, rows.values())
        stack = [pair for row in rows.values() for pair in ((0, row.index), (row.index, 0))]
        replace(interfaces.STACK, stack)
        replace(ip.FORWARDING, [ip.Forwarding(now.forwarding)])
        addresses = [
            ip.AddressRow(rows[each.interface].index, each.ip, each.prefix, each.origin)
            for each in now.addresses
            if each.interface in rows
        ]
        unique = list({row.ip: row for row in addresses}.values())
        replace(ip.ADDRESSES, unique)
        replace(ip.ADDRESSES_V4, [row for row in unique if row.ip.version == 4])
        neighbours = [
            ip.NeighbourRow(rows[each.interface].index, each.ip, each.mac, each.reachable, each.permanent)
            for each in now.neighbours
            if each.interface in rows
        ]
        replace(ip.NEIGHBOURS, neighbours)
        replace(ip.NEIGHBOURS_V4, [row for row in neighbours if row.ip.version == 4])
        self._resources(now, before, list(rows.values()))
        self._entities(now)
        self._ports = [lldp.LocalPort(row.index, row.is_.name) for row in rows.values() if row.is_.physical]
        self._addresses = [
            lldp.LocalAddress(row.ip, row.interface) for row in unique if not row.ip.is_loopback
        ]
        self._macs = [row.is_.mac for row in rows.values() if row.is_.physical and len(row.is_.mac) == 6]
        self._describe_lldp()
        return turned if before is not None else []

    def _interface(self, each: Interface) -> interfaces.Row:
        index = self._kept.number("interface", each.name, each.number)
        how = (each.up, each.operational)
        known = self._changed.get(each.name)
        if known is None or known[0] != how:
            known = (how, 0 if known is None else self.ticks())
            self._changed[each.name] = known
        return interfaces.Row(index, each, known[1], each.name not in self._kept.quiet_links)

    def _turned(self, row: interfaces.Row) -> bool:
        works = interfaces.operational(row) == 1
        before = self.links.get(row.is_.name)
        self.links[row.is_.name] = works
        return before is not None and before != works

    def _describe_lldp(self) -> None:
        chassis = self._macs[0] if self._macs else _NO_MAC
        about_us = f"Holdfast network video recorder {self._chassis.version}"
        self.tree.replace(lldp.LOCAL, [lldp.Local(chassis, self._name, about_us)])
        self.tree.replace(lldp.LOCAL_PORTS, self._ports)
        self.tree.replace(lldp.LOCAL_ADDRESSES, self._addresses)
        self.tree.replace(lldp.STATISTICS, [lldp.Statistics(0, 0, 0, 0)])

    def _resources(self, now: Host, before: Host | None, rows: Sequence[interfaces.Row]) -> None:
        up_ahead = now.up - now.read
        state = host.HostState(
            lambda: int((self._agent.now + up_ahead) * 100), self._utc, now.load.processes, now.memory
        )
        for table in (host.SYSTEM, host.MEMORY, host.UCD_MEMORY):
            self.tree.replace(table, [state])
        self.tree.replace(host.LOADS, host.loads(now.load))
        processors = []
        for number, (busy, total) in enumerate(now.load.processors):
            was = (
                before.load.processors[number] if before and number < len(before.load.processors) else (0, 0)
            )
            share = round(100 * (busy - was[0]) / (total - was[1])) if total > was[1] else 0
            processors.append(
                host.Device(
                    number + 1,
                    host.PROCESSOR,
                    f"Processor {number + 1}",
                    True,
                    share,
                    None,
                    False,
                    False,
                    None,
                )
            )
        networks = [
            host.Device(
                _DEVICE_SPACE + row.index,
                host.NETWORK,
                f"network interface {row.is_.name}",
                interfaces.operational(row) == 1,
                None,
                None,
                False,
                False,
                row.index,
            )
            for row in rows
        ]
        disks = [
            host.Device(
                2 * _DEVICE_SPACE + self._kept.number("disk", disk.name, 0),
                host.DISK,
                f"{disk.model} {disk.name}".strip(),
                True,
                None,
                disk.size,
                disk.removable,
                disk.read_only,
                None,
            )
            for disk in now.disks
        ]
        self.tree.replace(host.DEVICES, [*processors, *networks, *disks])
        self.tree.replace(host.PROCESSORS, processors)
        self.tree.replace(host.NETWORKS, networks)
        self.tree.replace(host.DISKS, disks)
        self._spaces()

    def _spaces(self) -> None:
        spaces = []
        if self._host is not None:
            memory = self._host.memory
            spaces += [
                host.Space(1, host.RAM, "Physical memory", memory.total, memory.total - memory.available),
                host.Space(
                    3, host.VIRTUAL, "Swap space", memory.swap_total, memory.swap_total - memory.swap_free
                ),
            ]
        for storage in self._recorder.storages if self._recorder is not None else ():
            used = storage.size - storage.free
            index = 30 + storage.index
            spaces.append(host.Space(index, host.FIXED_DISK, storage.path, storage.size, used))
        self.tree.replace(host.STORAGE, spaces)

    def _entities(self, now: Host) -> None:
        chassis = self._chassis
        whole = entity.Part(
            CHASSIS,
            0,
            -1,
            entity.Kind.CHASSIS,
            "Recorder",
            f"Holdfast network video recorder {chassis.version}",
            "",
            chassis.version,
            chassis.serial,
            chassis.maker,
            chassis.model,
            False,
            entity.Oper.ENABLED,
            self._alarm_bits(),
            Utc(0),
            None,
        )
        parts, readings = [whole], []
        for position, sensor in enumerate(self._sensors(now), 1):
            index = self._kept.number("sensor", sensor.name, 1000 + position)
            oper = entity.Oper.UNKNOWN if sensor.value is None else entity.Oper.ENABLED
            parts.append(_part(index, position, entity.Kind.SENSOR, sensor.name, "Sensor", oper, None))
            readings.append(entity.Reading(index, sensor.unit, sensor.value, self.ticks()))
        parts += self._box_parts()
        # What is in a bay is shown there; the kernel's name of it is not known here, its model and size are.
        in_bays = {(bay.model, bay.size) for bay in self._bays}
        elsewhere = [disk for disk in now.disks if (disk.model, disk.size) not in in_bays]
        for position, disk in enumerate(elsewhere, 1):
            index = self._kept.number("drive", disk.name, 2000 + position)
            kind, oper = entity.Kind.DRIVE, entity.Oper.ENABLED
            parts.append(_part(index, position, kind, disk.name, disk.model or "Disk", oper, None))
        physical = [each for each in now.interfaces if each.physical]
        for position, each in enumerate(physical, 1):
            index = self._kept.number("port", each.name, 3000 + position)
            oper = entity.Oper.ENABLED if each.up else entity.Oper.DISABLED
            number = self._kept.number("interface", each.name, each.number)
            parts.append(_part(index, position, entity.Kind.PORT, each.name, "Network port", oper, number))
        parts += self._switch_parts()
        parts += self._bay_parts()
        changed = self.tree.replace(entity.PARTS, parts)
        self.tree.replace(entity.ALIASES, parts)
        self.tree.replace(entity.STATES, parts)
        self.tree.replace(entity.SENSORS, readings)
        if changed:
            self.tree.replace(entity.CHANGES, [entity.General(self.ticks())])

    def _sensors(self, now: Host) -> list[Sensor]:
        """The box's own temperatures and fans where there is a box, else the kernel's; and all others of the
        kernel's."""
        box = self._box
        if box is None:
            return list(now.sensors)
        found = [
            Sensor(each.name, "C", None if each.celsius is None else round(each.celsius * 1000))
            for each in box.temperatures
        ]
        found += [
            Sensor(f"Fan {fan.name}", "rpm", None if fan.rpm is None else fan.rpm * 1000) for fan in box.fans
        ]
        return found + [each for each in now.sensors if each.unit not in ("C", "rpm")]

    def _box_parts(self) -> list[entity.Part]:
        """Fans and power supplies, as things that work or do not."""
        if self._box is None:
            return []
        found = []
        for kind, things in (
            (entity.Kind.FAN, [(f"Fan {fan.name}", fan.ok) for fan in self._box.fans]),
            (
                entity.Kind.POWER_SUPPLY,
                [(f"Power supply {supply.name}", supply.ok) for supply in self._box.supplies],
            ),
        ):
            for position, (name, ok) in enumerate(things, 1):
                index = self._kept.number(kind.name.lower(), name, kind * 1000 + position)
                oper = entity.Oper.ENABLED if ok else entity.Oper.DISABLED
                found.append(_part(index, position, kind, name, name, oper, None))
        return found

    def _switch_parts(self) -> list[entity.Part]:
        """The switch, and its ports by the numbers that are printed on the box."""
        if not self._switch:
            return []
        kind, about_us = entity.Kind.MODULE, f"PoE switch of {len(self._switch)} ports"
        inside = self._kept.number("switch", "PoE", 4000)
        found = [_part(inside, 1, kind, "Switch", about_us, entity.Oper.ENABLED, None)]
        for each in self._switch:
            index = self._kept.number("switch port", str(each.port), 4000 + each.port)
            oper = entity.Oper.DISABLED if each.state is State.OFF else entity.Oper.ENABLED
            name = f"PoE port {each.port}"
            part = _part(index, each.port, entity.Kind.PORT, name, each.rules.name or name, oper, None)
            found.append(replace(part, within=inside))
        return found

    def _bay_parts(self) -> list[entity.Part]:
        """The drive bays, and the drives in them."""
        found = []
        for bay in self._bays:
            inside = self._kept.number("bay", str(bay.bay), 5000 + bay.bay)
            name, kind = f"Bay {bay.bay}", entity.Kind.CONTAINER
            found.append(_part(inside, bay.bay, kind, name, "Drive bay", entity.Oper.ENABLED, None))
            if bay.state == "empty":
                continue
            index = self._kept.number("bay drive", str(bay.bay), 5500 + bay.bay)
            oper = entity.Oper.DISABLED if bay.state == "failed" else entity.Oper.ENABLED
            name, kind = f"Drive {bay.bay}", entity.Kind.DRIVE
            part = _part(index, 1, kind, name, bay.model or "Drive", oper, None)
            found.append(replace(part, within=inside, serial=bay.serial, model=bay.model, replaceable=True))
        return found

    def chassis(self, box: ChassisShown | None) -> None:
        """What the box tells of itself; None: there is none. Shown with the next reading of the machine."""
        self._box = box
        self.axis.box(box)

    def _alarm_bits(self) -> int:
        worst = self._worst()
        if worst is None or worst > Severity.WARNING:
            return 0
        return {Severity.WARNING: 0x04, Severity.ERROR: 0x10}.get(worst, 0x20)

    # ----------------------------------------------------------------------------------- the recorder

    def recorder(self, now: Recorder) -> None:
        """A new reading of cameras, recordings and storages."""
        self._recorder = now
        self.tree.replace(holdfast.CAMERAS, now.cameras)
        self.tree.replace(holdfast.RECORDINGS, now.recordings)
        self.tree.replace(holdfast.GAPS, now.gaps)
        self.tree.replace(holdfast.STORAGES, now.storages)
        self.axis.recorder(now.cameras, now.storages)
        self._spaces()
        self._overall()

    def alarms(self, active: Sequence[Entry], last: int) -> None:
        """The states that hold now, and the number of the last event that raised or cleared one."""
        self._alarms = active
        rows = [
            holdfast.AlarmRow(
                entry.seq,
                entry.utc,
                type(entry.event).severity,
                type(entry.event).raises,
                about(entry.event),
                text(entry.event),
            )
            for entry in active
        ]
        self.tree.replace(holdfast.ALARMS, rows)
        self.tree.replace(holdfast.ALARM_STATE, [last])
        self._overall()

    def poe(self, now: Status | None, threshold: int) -> None:
        """The ports that give power; None: there are none. `threshold`: per cent of the budget."""
        self._switch = ports = () if now is None else now.ports
        self.tree.replace(power.PORTS, ports)
        self.tree.replace(holdfast.POE_PORTS, ports)
        self.tree.replace(power.MAIN, [] if now is None else [(now, threshold)])
        self.tree.replace(power.CONTROL, [] if now is None else [True])
        self.tree.replace(holdfast.POE, [] if now is None else [now])

    def raid(self, arrays: Sequence[holdfast.RaidRow], drives: Sequence[holdfast.DriveRow]) -> None:
        """Arrays and drive bays."""
        self._bays = drives
        self.tree.replace(holdfast.RAIDS, arrays)
        self.tree.replace(holdfast.DRIVES, drives)

    def _worst(self) -> Severity | None:
        return min((type(entry.event).severity for entry in self._alarms), default=None)

    def _overall(self) -> None:
        now, chassis, agent = self._recorder, self._chassis, self._agent
        enabled = [] if now is None else [each for each in now.cameras if each.state != "disabled"]
        storages = () if now is None else now.storages

        def age() -> int:
            return -1 if now is None or not now.known else max(0, int(agent.now - now.taken))

        row = holdfast.RecorderRow(
            chassis.serial,
            chassis.version,
            self._worst(),
            len(self._alarms),
            len(enabled),
            sum(each.state == "online" for each in enabled),
            sum(each.bitrate for each in enabled),
            sum(each.size for each in storages),
            0 if now is None else sum(each.size for each in now.recordings),
            age,
        )
        self.tree.replace(holdfast.SYSTEM, [row])

    # ---------------------------------------------------------------------------------- notifications

    def told(self, what: Notification) -> None:
        """It is told now, and belongs in the log."""
        self._log.add(what, self.ticks(), self._utc())

    def log(self) -> None:
        """Show what was told. Its rows are many, so they are made when somebody may look, and not for each of
        a hundred notifications in a row."""
        if self._shown != self._log.logged:
            self._shown = self._log.logged
            for table in (log.TOTALS, log.STATISTICS):
                self.tree.replace(table, [self._log.totals()])
            self.tree.replace(log.ENTRIES, self._log.entries)
            self.tree.replace(log.VARIABLES, self._log.variables())

    def find(self, objects: Objects, value: object) -> list[Varbind]:
        """The objects that a notification carries, as they are now."""
        table = objects.table
        index = self._finders[table.name](value)
        if index is None:
            return []
        found = (self.tree.value(table, column, index) for column in objects.columns)
        return [each for each in found if each is not None]

    def link(self, row: interfaces.Row) -> list[Varbind]:
        """The objects of linkUp and linkDown (RFC 2863)."""
        columns = ("ifIndex", "ifAdminStatus", "ifOperStatus")
        found = (self.tree.value(interfaces.INTERFACES, column, (row.index,)) for column in columns)
        return [each for each in found if each is not None]

    def _number(self, kind: str, name: object) -> Oid | None:
        known: Mapping[str, int] = self._kept.numbers.get(kind, {})
        number = known.get(str(name))
        return None if number is None else (number,)


def _plain(value: object) -> Oid | None:
    return (value,) if isinstance(value, int) else None


def _part(
    index: int,
    position: int,
    kind: entity.Kind,
    name: str,
    description: str,
    oper: entity.Oper,
    interface: int | None,
) -> entity.Part:
    """A part of the recorder of which no more is known."""
    return entity.Part(
        index,
        CHASSIS,
        position,
        kind,
        name,
        description,
        "",
        "",
        "",
        "",
        "",
        False,
        oper,
        0,
        Utc(0),
        interface,
    )
