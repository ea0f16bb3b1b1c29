"""What managers may change by SET, and what becomes of it: settings, switches that are kept, ports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from device.errors import BadValue, Fault, NotFound
from device.poe.budget import Priority
from device.poe.errors import PortProtected
from device.poe.port import Mode
from device.settings.ports import Poe, Port, PriorityName
from device.settings.recorder import Recorder
from device.settings.section import Section, validate
from device.settings.snmp import Snmp
from device.settings.store import Store
from protocols.snmp.ber import Oid
from protocols.snmp.kept import Kept
from protocols.snmp.projection import holdfast, interfaces, power, system
from protocols.snmp.syntax import Value
from protocols.snmp.tree import Table, Tree
from protocols.snmp.writers import Setter, Setters, Undo

BY = "snmp"  #: who changes settings that a manager has SET


class CannotKeep(Fault):
    """What a manager has set cannot be written to the disk."""


class Changes:
    """Takes the SETs of a tree's scalars and of the columns whose rows are not made by managers."""

    def __init__(
        self,
        store: Store,
        tree: Tree,
        kept: Kept,
        keep: Callable[[], None],
        show: Callable[[], None],
        cycle: Callable[[int, str], None],
    ) -> None:
        """`keep` writes `kept` to the disk, or raises CannotKeep. `show` makes the tree show what was changed.
        `cycle` power-cycles a port for somebody, or raises Refused."""
        self._store = store
        self._tree = tree
        self._kept = kept
        self._keep = keep
        self._show = show
        self._cycle_port = cycle
        self._write(
            system.SYSTEM,
            {
                "sysContact": self._setting(Snmp, "contact"),
                "sysLocation": self._setting(Snmp, "location"),
                "sysName": self._setting(Recorder, "name"),
            },
            _scalar,
        )
        self._write(system.SNMP, {"snmpEnableAuthenTraps": Setter(_any, self._authentication_traps)}, _scalar)
        serial = Setter(lambda _, value: value == kept.serial, self._count)
        self._write(system.SERIAL, {"snmpSetSerialNo": serial}, _scalar)
        links = Setter(_any, self._link_traps)
        self._write(
            interfaces.EXTENSION,
            {"ifLinkUpDownTrapEnable": links},
            lambda index: self._interface(index) is not None,
        )
        self._write(
            power.PORTS,
            {
                "pethPsePortAdminEnable": Setter(
                    _any, lambda index, value: self._mode(index, value, _ENABLE)
                ),
                "pethPsePortPowerPriority": Setter(_any, self._priority),
            },
            self._is_port,
        )
        threshold = Setter(lambda _, value: isinstance(value, int), self._threshold)
        self._write(
            power.MAIN, {"pethMainPseUsageThreshold": threshold}, lambda index: index == (power.GROUP,)
        )
        self._write(
            holdfast.POE_PORTS,
            {
                "hfPoePortMode": Setter(_any, lambda index, value: self._mode(index, value, _MODES)),
                "hfPoePortCycle": Setter(lambda _, value: value == holdfast.CYCLE, self._cycle),
            },
            self._is_port,
        )

    def _write(self, table: Table[Any], setters: Mapping[str, Setter], exists: Callable[[Oid], bool]) -> None:
        self._tree.write_with(table, Setters(table, setters, exists))

    # ------------------------------------------------------------------------------------ settings

    def _setting(self, kind: type[Section], field: str) -> Setter:
        def accepts(_: Oid, value: Value) -> bool:
            try:
                validate(kind, "", {field: _text(value)})
            except (BadValue, UnicodeDecodeError):
                return False
            return True

        return Setter(accepts, lambda _, value: self._patch(kind, "", field, _text(value)))

    def _patch(self, kind: type[Section], key: str, field: str, value: object) -> Undo:
        """Change one field; what takes that back. Raises BadValue."""
        store = self._store
        try:
            before = getattr(store.get(kind, key), field)
        except NotFound:  # a port of which nothing was ever said
            before = kind.model_fields[field].default

        def put(wanted: object) -> None:
            store.patch(kind, {field: getattr(wanted, "value", wanted)}, key=key, by=BY)
            self._show()

        put(value)
        return lambda: put(before)

    def _threshold(self, _: Oid, value: Value) -> Undo:
        assert isinstance(value, int)
        return self._patch(Poe, "", "usage_threshold", float(value))

    # ------------------------------------------------------------------------------------ ports

    def _is_port(self, index: Oid) -> bool:
        """The last of an index is the port: pethPsePortTable has its group before it."""
        ports = self._tree.indexes(holdfast.POE_PORTS)
        return index[-1:] in ports and index[:-1] in ((), (power.GROUP,))

    def _mode(self, index: Oid, value: Value, modes: Mapping[int, Mode | None]) -> Undo:
        assert isinstance(value, int)
        key = str(index[-1])
        now = self._port(key)
        wanted = modes[value]
        if wanted is None:  # to be on: as it is, or as it was meant
            wanted = Mode.BOTH if now.mode is Mode.OFF else now.mode
        if now.protected and wanted is not Mode.BOTH:
            raise PortProtected(index[-1])
        return self._patch(Port, key, "mode", wanted)

    def _priority(self, index: Oid, value: Value) -> Undo:
        assert isinstance(value, int)
        name = PriorityName[_PRIORITIES[value].name]
        return self._patch(Port, str(index[-1]), "priority", name)

    def _port(self, key: str) -> Port:
        return self._store.entries(Port).get(key, Port())

    def _cycle(self, index: Oid, value: Value) -> Undo:
        del value  # there is but one
        self._cycle_port(index[-1], BY)
        return _nothing  # its power comes back by itself

    # ------------------------------------------------------------------------------------ switches that are kept

    def _authentication_traps(self, _: Oid, value: Value) -> Undo:
        before, self._kept.authentication_traps = self._kept.authentication_traps, value == 1
        return self._switched(lambda: setattr(self._kept, "authentication_traps", before))

    def _count(self, _: Oid, value: Value) -> Undo:
        assert isinstance(value, int)
        self._kept.serial = 0 if value == 2147483647 else value + 1  # TestAndIncr (RFC 2579)
        return self._switched(lambda: setattr(self._kept, "serial", value))

    def _link_traps(self, index: Oid, value: Value) -> Undo:
        name = self._interface(index)
        before = list(self._kept.quiet_links)
        others = [each for each in before if each != name]
        self._kept.quiet_links = others if value == 1 or name is None else [*others, name]
        return self._switched(lambda: setattr(self._kept, "quiet_links", before))

    def _switched(self, restore: Callable[[], None]) -> Undo:
        """Keep and show what was switched; what takes it back."""

        def undo() -> None:
            restore()
            self._keep()
            self._show()

        try:
            self._keep()
        except Fault:
            restore()
            raise
        self._show()
        return undo

    def _interface(self, index: Oid) -> str | None:
        known = self._kept.numbers.get("interface", {})
        return next((name for name, number in known.items() if (number,) == index), None)


_ENABLE: Mapping[int, Mode | None] = {1: None, 2: Mode.OFF}  #: pethPsePortAdminEnable -> mode
_MODES: Mapping[int, Mode | None] = dict(enumerate(holdfast.POE_MODES, 1))  #: hfPoePortMode -> mode
_PRIORITIES = {1: Priority.CRITICAL, 2: Priority.HIGH, 3: Priority.LOW}  #: pethPsePortPowerPriority


def _scalar(index: Oid) -> bool:
    return index == (0,)


def _any(index: Oid, value: Value) -> bool:  # noqa: ARG001 - its syntax says all
    return True


def _nothing() -> None:
    """There is nothing to take back."""


def _text(value: Value) -> str:
    assert isinstance(value, bytes)
    return value.decode()
