"""What outlives a restart: how often we started, the numbers of things, and what managers have set."""

from __future__ import annotations

from dataclasses import dataclass, field

from device.records import from_json, record, to_json

KeptRow = tuple[list[int], dict[str, int | str | list[int]]]  #: index, and values by column; octets in hex


@record
@dataclass(slots=True)
class Kept:
    """The whole of it."""

    boots: int = 0  #: snmpEngineBoots of the last start
    numbers: dict[str, dict[str, int]] = field(default_factory=dict)  #: kind -> name -> index
    authentication_traps: bool = True  #: snmpEnableAuthenTraps
    quiet_links: list[str] = field(
        default_factory=list
    )  #: interfaces whose ifLinkUpDownTrapEnable is disabled
    serial: int = 0  #: snmpSetSerialNo
    tables: dict[str, list[KeptRow]] = field(default_factory=dict)  #: of SNMP-TARGET-MIB and others

    def number(self, kind: str, name: str, wanted: int) -> int:
        """The number of a thing: what it always was, or `wanted` where nothing else has it, or a new one.
        Numbers of things that are gone are not given to others."""
        known = self.numbers.setdefault(kind, {})
        if name not in known:
            taken = set(known.values())
            known[name] = wanted if wanted > 0 and wanted not in taken else max(taken, default=0) + 1
        return known[name]

    def encode(self) -> bytes:
        """As JSON."""
        return to_json(self)


def decode(data: bytes) -> Kept:
    """What was kept. Raises BadRecord."""
    return from_json(Kept, data.decode("utf-8", "replace"))
