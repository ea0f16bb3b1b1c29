"""What the recorder shows of itself: the points where agents are usually wrong."""

from __future__ import annotations

import pytest

from device.chassis.driver import Fan, Supply, Temperature
from device.chassis.messages import ChassisShown
from device.media import Utc
from protocols.snmp import ber
from protocols.snmp.agent import Agent
from protocols.snmp.ber import OCTETS, Oid, integer, tlv
from protocols.snmp.kept import Kept, decode
from protocols.snmp.message import pdu
from protocols.snmp.projection import holdfast, host
from protocols.snmp.projection.notifications import notification
from protocols.snmp.projection.recorder import Recorder
from protocols.snmp.syntax import date_and_time
from tests.protocols.snmp.recorder import OFFLINE, RECORDER, interface, machine, recorder
from tests.protocols.snmp.rig import START, ask, get, varbind

IF: Oid = (1, 3, 6, 1, 2, 1, 2, 2, 1)
IFX: Oid = (1, 3, 6, 1, 2, 1, 31, 1, 1, 1)
HF: Oid = (1, 3, 6, 1, 4, 1, 32473, 1, 1)


def value(agent: Agent, name: Oid) -> bytes:
    return get(agent, name).varbinds[0][1]


def number(agent: Agent, name: Oid) -> int:
    return _number(value(agent, name))


def _number(encoded: bytes) -> int:
    return int.from_bytes(encoded[2:], "big", signed=True)


def test_counters_of_64_and_of_32_bits_agree() -> None:
    agent, _ = recorder()
    wide, narrow = number(agent, (*IFX, 6, 1)), number(agent, (*IF, 10, 1))
    assert (wide, narrow) == (5_000_000_000, 5_000_000_000 % 2**32)


def test_speeds_are_told_in_both_units() -> None:
    agent, _ = recorder()
    assert (number(agent, (*IF, 5, 1)), number(agent, (*IFX, 15, 1))) == (1_000_000_000, 1000)


def test_an_interface_keeps_its_index_whatever_the_kernel_calls_it() -> None:
    agent, shown = recorder()
    shown.host(machine(interface(1, "eth1"), interface(2, "wlan0"), interface(3, "eth0")))
    names = [value(agent, (*IFX, 1, index)) for index in (1, 2, 3)]
    assert names == [tlv(OCTETS, b"eth0"), tlv(OCTETS, b"eth1"), tlv(OCTETS, b"wlan0")]


def test_indexes_are_never_given_to_others_and_survive_a_restart() -> None:
    kept = Kept()
    assert [kept.number("camera", name, 0) for name in ("a", "b", "a")] == [1, 2, 1]
    again = decode(kept.encode())
    assert again.number("camera", "c", 1) == 3
    assert again.number("camera", "b", 0) == 2


def test_a_link_that_comes_or_goes_is_noticed_once() -> None:
    _, shown = recorder()
    assert shown.host(machine()) == []
    turned = shown.host(machine(interface(1, "eth0", up=False), interface(2, "eth1")))
    assert [row.is_.name for row in turned] == ["eth0"]
    assert shown.host(machine(interface(1, "eth0", up=False), interface(2, "eth1"))) == []


def test_large_storages_fit_into_an_integer32() -> None:
    for size in (0, 1, 8 << 40, 40 * 10**12, 10**16):
        space = host.Space(1, host.FIXED_DISK, "/srv", size, size // 2)
        assert size // space.unit < 1 << 31
        assert abs(size // space.unit * space.unit - size) < space.unit


@pytest.mark.parametrize("name", [(1, 3, 6, 1, 2, 1, 1, 3, 0), (1, 3, 6, 1, 2, 1, 25, 1, 1, 0)])
def test_times_go_on_between_snapshots(name: Oid) -> None:
    agent, _ = recorder()
    first, later = (ask(agent, pdu(0xA0, 1, [varbind(name)]), now=START + seconds) for seconds in (1, 6))
    assert first is not None
    assert later is not None
    assert _number(later.varbinds[0][1]) - _number(first.varbinds[0][1]) == 500


def test_ticks_wrap_after_497_days() -> None:
    agent, shown = recorder()
    agent.now = START + 498 * 86_400
    assert 0 <= shown.ticks() & 0xFFFFFFFF < shown.ticks()


def test_poe_is_in_watts_where_the_standard_says_watts_and_else_in_milliwatts() -> None:
    agent, _ = recorder()
    assert number(agent, (1, 3, 6, 1, 2, 1, 105, 1, 3, 1, 1, 2, 1)) == 305
    assert number(agent, (1, 3, 6, 1, 2, 1, 105, 1, 3, 1, 1, 4, 1)) == 25
    assert number(agent, (*HF, 2, 1, 0)) == 305_000


def test_sensors_have_the_unit_that_they_say() -> None:
    agent, _ = recorder()
    rows = [
        (number(agent, (1, 3, 6, 1, 2, 1, 99, 1, 1, 1, column, part)))
        for part in (1001, 1002)
        for column in (1, 2, 4)
    ]
    assert rows == [8, 8, 45_500, 10, 9, 1200]  # celsius, milli; rpm, units


def test_the_boxs_own_sensors_take_the_place_of_the_kernels() -> None:
    agent, shown = recorder()
    fans, supplies = (Fan("1", 1800, True), Fan("2", None, False)), (Supply("1", True),)
    shown.chassis(
        ChassisShown("box", True, "", (Temperature("board", 41.5, 60, 70),), fans, supplies, (), False)
    )
    shown.host(machine())
    names: Oid = (1, 3, 6, 1, 2, 1, 47, 1, 1, 1, 1, 7)
    found: dict[bytes, int] = {}
    start = names
    while (answer := get(agent, start, kind=0xA1).varbinds[0])[0][: len(names)] == names:
        found[answer[1][2:]] = answer[0][-1]
        start = answer[0]
    assert {b"board", b"Fan 1", b"Fan 2", b"Power supply 1"} < found.keys()
    assert b"k10temp Tctl" not in found
    assert number(agent, (1, 3, 6, 1, 2, 1, 99, 1, 1, 1, 4, found[b"board"])) == 41_500
    assert number(agent, (1, 3, 6, 1, 2, 1, 131, 1, 1, 1, 3, found[b"Power supply 1"])) == 3  # enabled


def test_completeness_is_recorded_of_due() -> None:
    agent, _ = recorder()
    assert [number(agent, (*HF, 7, 1, 1, 12, index)) for index in (1, 2)] == [10_000, 7_500]
    assert holdfast.RecordingRow(1, "t", 1, "main", "idle", 0, Utc(0), Utc(0), 0, 0).completeness == 10_000


def test_an_alarm_is_there_while_it_lasts() -> None:
    agent, shown = recorder()
    assert value(agent, (*HF, 8, 2, 1, 4, 17)) == tlv(OCTETS, b"camera.offline")
    assert (number(agent, (*HF, 1, 3, 0)), number(agent, (*HF, 1, 4, 0))) == (3, 1)
    shown.alarms([], 18)
    assert value(agent, (*HF, 8, 2, 1, 4, 17)) == b"\x81\x00"
    assert (number(agent, (*HF, 1, 3, 0)), number(agent, (*HF, 8, 1, 0))) == (1, 18)


def test_what_a_community_must_not_see_it_does_not() -> None:
    agent, _ = recorder()
    users: Oid = (1, 3, 6, 1, 6, 3, 15, 1, 2)
    assert get(agent, users, kind=0xA1).varbinds == [(users, b"\x82\x00")]  # nothing of it, nor behind it
    assert value(agent, (1, 3, 6, 1, 6, 3, 15, 1, 1, 3, 0))[0] == ber.COUNTER32


def test_an_unknown_instant_is_eight_zeros() -> None:
    assert date_and_time(Utc(0)) == bytes(8)


@pytest.mark.parametrize("taken", [START - 30, START])
def test_the_age_of_what_is_shown_is_told(taken: float) -> None:
    agent, shown = recorder()
    shown.recorder(Recorder(taken, True, RECORDER.cameras, (), (), ()))
    assert number(agent, (*HF, 1, 10, 0)) == START - taken
    shown.recorder(Recorder(taken, False, (), (), (), ()))
    assert number(agent, (*HF, 1, 10, 0)) == -1


def test_the_name_of_a_thing_finds_its_row_in_a_notification() -> None:
    _, shown = recorder()
    told = notification(OFFLINE, shown.find)
    assert told is not None
    assert told.varbinds[7:] == (
        ((*HF, 6, 1, 1, 2, 2), tlv(OCTETS, b"Yard")),
        ((*HF, 6, 1, 1, 5, 2), integer(3)),
    )
