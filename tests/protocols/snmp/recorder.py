"""A recorder with everything in it, as a tree: made-up snapshots of all that the projection shows."""

from __future__ import annotations

import ipaddress

from device.cameras.source import Cause
from device.events.catalogue import CameraId, CameraOffline
from device.events.journal import Entry
from device.linux import host
from device.media import Utc
from device.poe.budget import Priority
from device.poe.port import Counters, Detection, Mode, PortReading, PortRules, PortStatus, State, Status
from device.poe.power import Milliwatts
from device.settings.snmp import Snmp, SnmpVersion
from protocols.snmp.access import access, secret_of
from protocols.snmp.agent import Agent, Limits
from protocols.snmp.kept import Kept
from protocols.snmp.projection import holdfast
from protocols.snmp.projection import recorder as projection
from protocols.snmp.tree import Tree
from protocols.snmp.usm import Engine
from tests.protocols.snmp.rig import ENGINE, START

NOW = Utc(1_790_000_000_000_000)
DAY = 86_400
PASSWORD = "a long password"
SETTINGS = Snmp.model_validate(
    {
        "version": SnmpVersion.ALL,
        "read_community": "public",
        "write_community": "write",
        "initial_password": PASSWORD,
    }
)


def interface(number: int, name: str, octets: int = 5_000_000_000, *, up: bool = True) -> host.Interface:
    """A network card of 1 Gbit/s."""
    traffic = host.Traffic(octets, 1000, 1, 2, 10)
    return host.Interface(
        number, name, f"to {name}", 1, True, bytes((2, 0, 0, 0, 0, number)), 1500, 1_000_000_000, True, True, up,
        6 if up else 2, False, traffic, traffic, 3,
    )  # fmt: skip


def machine(*interfaces: host.Interface, read: float = START) -> host.Host:
    """A machine with these."""
    ours = (
        host.Address(1, ipaddress.ip_address("192.0.2.10"), 24, "manual"),
        host.Address(1, ipaddress.ip_address("2001:db8::10"), 64, "dhcp"),
    )
    theirs = (host.Neighbour(1, ipaddress.ip_address("192.0.2.1"), b"\2\0\0\0\0\x63", True, False),)
    return host.Host(
        read,
        read + 100_000,
        interfaces or (interface(1, "eth0"), interface(2, "eth1")),
        ours,
        theirs,
        False,
        host.Memory(8 << 30, 1 << 30, 4 << 30, 1 << 20, 1 << 30, 1 << 30, 1 << 29),
        host.Load(((100, 1000), (200, 1000)), (0.5, 0.25, 0.125), 150),
        (host.Disk("sda", "WDC WD161PURP", 16_000_000_000_000, False, False),),
        (host.Sensor("k10temp Tctl", "C", 45_500), host.Sensor("nct6775 fan1", "rpm", 1_200_000)),
    )


def port(number: int, state: State) -> PortStatus:
    """A PoE port."""
    reading = PortReading(number, True, Detection.DELIVERING, 4, Milliwatts(12_300), device="AXIS P3245")
    rules = PortRules(Mode.BOTH, Priority.HIGH, name=f"Gate {number}")
    return PortStatus(number, rules, state, reading, Milliwatts(30_000), None, 5.0, Counters())


STORAGE = holdfast.StorageRow(
    1, "Array", "/srv/video", "0" * 36, "ok", 40 * 10**12, 10**12, 39 * 10**12, 2 * 10**12, ""
)
RECORDER = projection.Recorder(
    START,
    True,
    (
        holdfast.CameraRow(
            1, "Gate", "c-gate", "192.0.2.20", "online", "", NOW, "continuous", 9, 1, 5_000, 4_000
        ),
        holdfast.CameraRow(
            2, "Yard", "c-yard", "192.0.2.21", "offline", "unreachable", NOW, "event", 0, 0, 0, 0
        ),
    ),
    (
        holdfast.RecordingRow(1, "c-gate", 1, "main", "recording", 10**13, NOW, NOW, DAY, 0),
        holdfast.RecordingRow(2, "c-yard", 2, "main", "gap", 10**12, NOW, NOW, DAY * 3 // 4, DAY // 4),
    ),
    (holdfast.GapRow(2, Cause.UNREACHABLE, DAY // 4, 3),),
    (STORAGE,),
)
OFFLINE = Entry(
    17, NOW, "recording:1", 1, 0, CameraOffline(CameraId("c-yard"), "main", Cause.UNREACHABLE, "no route")
)


def recorder() -> tuple[Agent, projection.Projection]:
    """The agent and its projection, filled."""
    tree = Tree(projection.TABLES)
    agent = Agent(tree, Engine(ENGINE, 7, 1), START, Limits(1e6, 1e6, 64))
    kept = Kept(boots=7)
    for number, key in enumerate(("c-gate", "c-yard"), 1):
        assert kept.number("camera", key, 0) == number
        assert kept.number("recording", key, 0) == number
    shown = projection.Projection(
        tree, agent, kept, projection.Chassis("HF0123456789", "1.0", "Holdfast", "Recorder"), lambda: NOW
    )
    given = access(SETTINGS, secret_of(SETTINGS), ENGINE)
    agent.configure(given)
    shown.access(given)
    shown.names("villa", "anna", "cellar")
    shown.switches()
    shown.host(machine())
    shown.recorder(RECORDER)
    shown.alarms([OFFLINE], 17)
    status = Status(
        (port(1, State.POWERED), port(2, State.DENIED)), *map(Milliwatts, (305_000, 305_000, 60_000, 24_600))
    )
    shown.poe(status, 80)
    shown.raid(
        [holdfast.RaidRow(1, "video", "raid5", "degraded", 1234, 4, 1, 0, 48 * 10**12, True, True)],
        [holdfast.DriveRow(1, "online", "WDC", "X1", 16 * 10**12, "passed", 38, 1000, 0, 1)],
    )
    return agent, shown
