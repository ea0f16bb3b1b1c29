"""Every event has its row; what a row names is what HOLDFAST-MIB says; traps are written as the RFCs say."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

import device.events
from device.cameras.source import Cause
from device.events.catalogue import CameraId, CameraOffline, CameraOnline, SettingsChanged
from device.events.event import events
from device.events.journal import Entry
from device.media import Utc
from protocols.snmp import ber
from protocols.snmp.ber import COUNTER64, OCTETS, Oid, integer, tlv
from protocols.snmp.message import V1, V2C, V3
from protocols.snmp.notify import Notification, Outbox, Target, Varbind
from protocols.snmp.projection.notifications import BY_EVENT, ROWS, Objects, Silent, Told, notification
from protocols.snmp.projection.oids import HF_NOTIFICATIONS, HF_OBJECTS, HF_RECORDER, SNMP_TRAPS
from protocols.snmp.usm import Engine
from protocols.snmp.vacm import Family, Level, View
from tests.protocols.snmp.rig import ALL, BASE, ENGINE, START, read_answer, secret

for module in pkgutil.iter_modules(device.events.__path__):
    importlib.import_module(f"device.events.{module.name}")  # declares its events

MIB = (Path(__file__).parents[3] / "mib" / "HOLDFAST-MIB").read_text(encoding="ascii")
DEFINED = {
    name: (int(number), objects)
    for name, objects, number in re.findall(
        r"(\w+) NOTIFICATION-TYPE\s+OBJECTS\s+\{([^}]*)\}.*?::= \{ hfNotifications (\d+) \}", MIB, re.DOTALL
    )
}


@pytest.mark.parametrize("name", sorted(events()))
def test_every_event_has_a_row_of_the_table(name: str) -> None:
    assert name in BY_EVENT, (
        "add a row to protocols/snmp/projection/notifications.py, and a notification to the MIB"
    )


def test_every_row_is_of_an_event_and_there_is_one_for_each() -> None:
    assert len(BY_EVENT) == len(ROWS)
    assert BY_EVENT.keys() <= events().keys()


def test_who_is_silent_says_why() -> None:
    assert all(row.because for row in ROWS if isinstance(row, Silent))


OWN = [row for row in ROWS if isinstance(row, Told) and not row.standard]


def test_the_mib_defines_the_notifications_of_the_table_and_no_others() -> None:
    assert {row.notification: row.name[-1] for row in OWN} == {
        name: number for name, (number, _) in DEFINED.items()
    }
    assert all(row.name[:-1] == HF_NOTIFICATIONS for row in OWN)


@pytest.mark.parametrize("row", OWN, ids=lambda row: row.notification)
def test_a_notification_carries_the_objects_that_the_mib_names_in_their_order(row: Told) -> None:
    named = [name.strip() for name in DEFINED[row.notification][1].split(",")]
    assert named[7:] == list(row.objects.columns if row.objects is not None else ())
    assert all(name.startswith("hfEvent") for name in named[:7])


def test_what_raises_and_what_clears_are_both_told_or_neither() -> None:
    told = {row.event for row in ROWS if isinstance(row, Told)}
    raising = {kind.raises: name for name, kind in events().items() if kind.raises}
    for name, kind in events().items():
        for state in kind.clears:
            assert (raising[state] in told) == (name in told)


def nothing(objects: Objects, value: object) -> Sequence[Varbind]:
    return [((*objects.table.entry, 2, 5), tlv(OCTETS, str(value).encode()))]


def test_an_event_says_its_number_its_raise_and_whom_it_is_about() -> None:
    offline = CameraOffline(CameraId("c-1"), "main", Cause.UNREACHABLE, "no route")
    told = notification(Entry(12, Utc(1_790_000_000_000_000), "recording:1", 3, 0, offline), nothing)
    assert told is not None
    values = {name[len(HF_OBJECTS) :]: value for name, value in told.varbinds}
    assert told.name == (*HF_NOTIFICATIONS, 4)
    assert values[9, 1, 0] == integer(12, ber.GAUGE32)
    assert values[9, 2, 0] == integer(0, ber.GAUGE32)
    assert values[9, 3, 0] == bytes.fromhex("040b07ea09150e0d1400") + b"+\0\0"
    assert values[9, 4, 0] == integer(4)
    assert values[9, 5, 0] == tlv(OCTETS, b"camera.offline")
    assert values[9, 6, 0] == tlv(OCTETS, b"c-1 main")
    assert values[9, 7, 0] == tlv(OCTETS, b"cause=unreachable detail=no route")
    assert told.varbinds[7][1] == tlv(OCTETS, b"c-1")
    online = notification(
        Entry(15, Utc(0), "recording:1", 4, 12, CameraOnline(CameraId("c-1"), "main", 3.0)), nothing
    )
    assert online is not None
    assert online.varbinds[1][1] == integer(12, ber.GAUGE32)


def test_several_values_of_a_field_are_separated_by_commas() -> None:
    entry = Entry(1, Utc(0), "control:1", 1, 0, SettingsChanged("snmp", "", ("traps", "rate"), "anna"))
    told = notification(entry, nothing)
    assert told is not None
    assert told.varbinds[6][1] == tlv(OCTETS, b"fields=traps,rate by=anna")


# ------------------------------------------------------------------------------------------------ as bytes


def target(version: int, view: View = ALL, inform: bool = False) -> Target:
    keys = secret("anna") if version == V3 else None
    level = Level.PRIVACY if version == V3 else Level.NO_AUTH
    return Target(
        "t", ("192.0.2.7", 162), version, b"public", keys, level, inform, 2.0, 2, view, bytes((10, 0, 0, 1))
    )


def outbox(*targets: Target) -> Outbox:
    return Outbox(Engine(ENGINE, 1, 1), START, HF_RECORDER, 100, targets)


WIDE = Notification((*BASE, 0, 3), (((*BASE, 1, 3, 0), integer(1, COUNTER64)),))
COLD = Notification((*SNMP_TRAPS, 1), ())
OWN_TRAP = Notification((*BASE, 0, 3), (((*BASE, 1, 1, 0), tlv(OCTETS, b"x")),))


def test_v2c_begins_with_the_time_and_the_name_and_ends_with_the_enterprise() -> None:
    [(address, datagram)] = outbox(target(V2C)).send(OWN_TRAP, START + 12.5)
    assert address == ("192.0.2.7", 162)
    sent = read_answer(datagram)
    assert sent.kind == 0xA7
    assert sent.varbinds[0] == ((1, 3, 6, 1, 2, 1, 1, 3, 0), integer(1250, ber.TIMETICKS))
    assert sent.varbinds[1] == ((1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0), ber.name((*BASE, 0, 3)))
    assert sent.varbinds[-1] == ((1, 3, 6, 1, 6, 3, 1, 1, 4, 3, 0), ber.name(HF_RECORDER))


@pytest.mark.parametrize(
    ("what", "enterprise", "generic", "specific"), [(COLD, HF_RECORDER, 0, 0), (OWN_TRAP, BASE, 6, 3)]
)
def test_v1_is_written_as_rfc_3584_says(
    what: Notification, enterprise: Oid, generic: int, specific: int
) -> None:
    [(_, datagram)] = outbox(target(V1)).send(what, START + 1)
    expected = (
        ber.name(enterprise)
        + tlv(ber.IP_ADDRESS, bytes((10, 0, 0, 1)))
        + integer(generic)
        + integer(specific)
        + integer(100, ber.TIMETICKS)
    )
    assert expected in datagram


def test_v1_cannot_say_counter64_and_a_view_hides() -> None:
    hides = View("hides", (Family((1,), True), Family((*BASE, 1), False)))
    box = outbox(target(V1), target(V2C, hides))
    assert box.send(WIDE, START) == []
    assert box.tally.passed_over == 2


def test_an_inform_is_repeated_until_it_is_acknowledged() -> None:
    box = outbox(target(V2C, inform=True))
    [(_, first)] = box.send(OWN_TRAP, START)
    assert box.due() == START + 2
    assert box.tick(START + 1.9) == []
    assert box.tick(START + 2) == [(("192.0.2.7", 162), first)]
    answer = first.replace(b"\xa6", b"\xa2", 1)
    assert box.receive(answer, ("192.0.2.8", 162), START + 2.1) == []
    assert box.due() is not None
    box.receive(answer, ("192.0.2.7", 162), START + 2.1)
    assert box.due() is None
    assert box.tally.acknowledged == 1


def test_an_inform_that_nobody_acknowledges_is_given_up() -> None:
    box = outbox(target(V2C, inform=True))
    box.send(OWN_TRAP, START)
    sent = [len(box.tick(START + 2.0 * n)) for n in range(1, 5)]
    assert sent == [1, 1, 0, 0]
    assert (box.tally.given_up, box.due()) == (1, None)


def test_what_waits_is_bounded() -> None:
    box = outbox(target(V2C, inform=True))
    for _ in range(600):
        box.send(OWN_TRAP, START)
    assert len(box._waiting) == 512
    assert box.tally.given_up == 88


def test_an_inform_of_v3_first_asks_who_the_receiver_is() -> None:
    box = outbox(target(V3, inform=True))
    [(_, question)] = box.send(OWN_TRAP, START)
    assert b"x" not in question
    assert bytes.fromhex("020103") in question  # version 3 ...
    assert b"\x04\x01\x04\x02\x01\x03" in question  # ... without authentication, to be answered by a report
