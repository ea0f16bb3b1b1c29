"""The Axis personality: the published objects and alarms, where somebody asks for them."""

from __future__ import annotations

import pytest

from device.chassis.driver import Fan, Supply, Temperature
from device.chassis.messages import ChassisShown
from device.events.catalogue import CameraId, CameraOnline
from device.events.event import Seconds
from device.events.journal import Entry
from protocols.snmp import ber
from protocols.snmp.agent import Agent
from protocols.snmp.ber import Oid, integer
from protocols.snmp.projection import axis
from tests.protocols.snmp.recorder import NOW, OFFLINE, RECORDER, recorder
from tests.protocols.snmp.rig import get

BOX = ChassisShown(
    "simulated",
    True,
    "",
    (
        Temperature("cpu", 41.4, 80.0, 95.0),
        Temperature("board", None, 60.0, 70.0),
        Temperature("drives", 61.0, 55.0, 65.0),
    ),
    (Fan("1", 1200, True), Fan("2", 0, False)),
    (Supply("1", True), Supply("2", False)),
    (),
    False,
)


def shown() -> tuple[Agent, dict[Oid, bytes]]:
    """What lies below the vendor's arc."""
    agent, projection = recorder()
    projection.axis.turn(True)
    projection.names("villa", "", "")
    projection.chassis(BOX)
    projection.recorder(RECORDER)
    found: dict[Oid, bytes] = {}
    name = axis.AXIS
    while True:
        name, value = get(agent, name, kind=0xA1).varbinds[0]
        if name[: len(axis.AXIS)] != axis.AXIS:
            return agent, found
        found[name] = value


def test_it_is_off_unless_somebody_asks_for_it() -> None:
    agent, projection = recorder()
    projection.chassis(BOX)
    name, _ = get(agent, axis.AXIS, kind=0xA1).varbinds[0]
    assert name[: len(axis.AXIS)] != axis.AXIS
    assert get(agent, (1, 3, 6, 1, 2, 1, 1, 2, 0)).varbinds[0][1] != ber.name(axis.PRODUCT)


def test_parts_channels_and_storages_are_where_templates_look_for_them() -> None:
    _, found = shown()
    video = axis.VIDEO
    assert [found[(*video, 1, 1, 1, 3, 1, n)] for n in (1, 2)] == [integer(1), integer(2)]
    assert [found[(*video, 1, 2, 1, 3, 1, n)] for n in (1, 2)] == [integer(1), integer(2)]
    assert [found[(*video, 1, 3, 1, 3, 1, n)] for n in (1, 2, 3)] == [integer(1), integer(2), integer(3)]
    assert found[(*video, 1, 3, 1, 4, 1, 1)] == integer(41)
    assert (*video, 1, 3, 1, 4, 1, 2) not in found  # a broken sensor tells nothing
    assert [found[(*video, 1, 4, 1, 2, n)] for n in (1, 2)] == [integer(1), integer(2)]
    assert found[(*video, 1, 8, 1, 3, 1)] == integer(1)


def test_it_is_recognised_by_description_and_identity() -> None:
    agent, _ = shown()
    description, identity = get(agent, (1, 3, 6, 1, 2, 1, 1, 1, 0), (1, 3, 6, 1, 2, 1, 1, 2, 0)).varbinds
    assert b"AXIS compatible Holdfast; Video Server" in description[1]
    assert identity[1] == ber.name(axis.PRODUCT)


def test_turned_off_again_nothing_of_it_is_left() -> None:
    agent, projection = recorder()
    projection.axis.turn(True)
    projection.chassis(BOX)
    projection.axis.turn(False)
    projection.chassis(BOX)
    name, _ = get(agent, axis.AXIS, kind=0xA1).varbinds[0]
    assert name[: len(axis.AXIS)] != axis.AXIS


BACK = Entry(18, NOW, "recording:2", 1, 17, CameraOnline(CameraId("c-yard"), "main", Seconds(5.0)))


@pytest.mark.parametrize(
    ("entry", "name", "number"),
    [(OFFLINE, axis.ALARM_NEW, 17), (BACK, axis.ALARM_CLEARED, 17)],
    ids=["raised", "cleared"],
)
def test_alarms_come_in_pairs_under_one_number(entry: Entry, name: Oid, number: int) -> None:
    told = axis.notification(entry, None)
    assert told is not None
    assert told.name == name
    assert [each for each, _ in told.varbinds] == [(*axis.VIDEO, 2, n, 0) for n in (1, 2, 3)]
    assert told.varbinds[0][1] == integer(number, ber.GAUGE32)
    assert b"camera.offline" in told.varbinds[1][1]
    assert b"c-yard" in told.varbinds[2][1]


def test_a_name_that_is_too_long_loses_its_middle() -> None:
    assert axis.short("Array") == "Array"
    assert axis.short("a" * 20 + "b" * 20) == "a" * 15 + ".." + "b" * 15
