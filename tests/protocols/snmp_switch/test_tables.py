"""What a switch's cells mean, those that make no sense too."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.poe.port import MOST_PORTS, Detection, Trouble
from device.poe.power import watts
from protocols.snmp_switch.tables import (
    ADMIN,
    CLASS,
    COLUMNS,
    IF_ADMIN,
    IF_OPER,
    IF_SPEED,
    MAIN,
    METERS,
    PORTS,
    STATUS,
    Cells,
    Tables,
    Value,
)

TP_LINK = next(meter for meter in METERS if meter.vendor == "TP-Link")


def cells(port: int, **columns: int) -> dict[tuple[int, ...], Value]:
    """Cells of one port in group 1."""
    known = {"admin": ADMIN, "status": STATUS, "power_class": CLASS, "shorts": 14}
    return {(*PORTS, known[name], 1, port): value for name, value in columns.items()}


@pytest.mark.parametrize(
    ("status", "detection"),
    [
        (1, Detection.DISABLED),
        (2, Detection.SEARCHING),
        (3, Detection.DELIVERING),
        (4, Detection.FAULT),
        (5, Detection.SEARCHING),
        (6, Detection.FAULT),
        (99, Detection.SEARCHING),
    ],
)
def test_each_detection_status_of_rfc_3621_has_its_meaning(status: int, detection: Detection) -> None:
    (port,) = Tables(1, (), None).reading(cells(4, admin=1, status=status)).ports
    assert (port.port, port.on, port.detection) == (4, True, detection)


def test_a_class_counts_only_while_power_is_delivered() -> None:
    tables = Tables(1, (), None)
    assert tables.reading(cells(1, admin=1, status=3, power_class=5)).ports[0].power_class == 4
    assert tables.reading(cells(1, admin=1, status=2, power_class=5)).ports[0].power_class is None


def test_a_vendor_that_counts_in_tenths_of_a_watt_is_read_so() -> None:
    told = {**cells(2, admin=1, status=3), (*TP_LINK.column, 2): 75}
    assert Tables(1, (), TP_LINK).reading(told).ports[0].drawn == watts(7.5)


def test_a_fault_without_a_counter_that_grew_is_an_other_one() -> None:
    tables = Tables(1, (), None)
    assert tables.reading(cells(1, admin=1, status=4, shorts=7)).ports[0].trouble is Trouble.OTHER
    assert tables.reading(cells(1, admin=1, status=4, shorts=8)).ports[0].trouble is Trouble.SHORT


def test_ports_of_other_groups_are_not_ours() -> None:
    told: Cells = {(*PORTS, STATUS, 2, 1): 3, **cells(1, status=2), (*PORTS, STATUS, 1, MOST_PORTS + 1): 3}
    assert [each.port for each in Tables(1, (), None).reading(told).ports] == [1]


KEYS = st.builds(
    lambda base, index: (*base, *index),
    st.sampled_from(
        [*((*PORTS, each) for each in COLUMNS), (*MAIN, 2), IF_ADMIN, IF_OPER, IF_SPEED, METERS[0].column]
    ),
    st.lists(st.integers(0, 60), max_size=3),
)
VALUES = st.integers(-(2**31), 2**64) | st.text(max_size=80)


@given(st.lists(st.dictionaries(KEYS, VALUES, max_size=60), min_size=1, max_size=3))
def test_whatever_a_switch_says_a_reading_comes_of_it(several: list[Cells]) -> None:
    tables = Tables(1, range(1, 17), METERS[0])
    for told in several:
        reading = tables.reading(told)
        numbers = [each.port for each in reading.ports]
        assert numbers == sorted(set(numbers))
        assert all(1 <= number <= MOST_PORTS for number in numbers)
        assert all(each.power_class is None or 0 <= each.power_class <= 8 for each in reading.ports)
        assert all(each.drawn is None or each.drawn >= 0 for each in reading.ports)
        assert reading.capacity is None or reading.capacity > 0
