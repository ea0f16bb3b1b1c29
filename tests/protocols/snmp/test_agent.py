"""GET, GETNEXT, GETBULK and SET, in v1 and v2c: RFC 3416 s4.2, RFC 1157, RFC 3584."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from device.errors import Fault
from protocols.snmp import ber
from protocols.snmp.agent import Agent, Limits
from protocols.snmp.ber import COUNTER64, OCTETS, Oid, integer, tlv
from protocols.snmp.message import V1, V2C, community_message, pdu
from protocols.snmp.syntax import Value
from protocols.snmp.writers import Setter, Setters, Undo
from tests.protocols.snmp.rig import (
    BASE,
    EMPTY,
    GATES,
    HOUSE,
    START,
    Answer,
    agent,
    ask,
    bulk,
    gates,
    get,
    set_,
    varbind,
)

NAME: Oid = (*BASE, 1, 1, 0)
LEVEL: Oid = (*BASE, 1, 5, 0)
OBJECT, INSTANCE, END = b"\x80\x00", b"\x81\x00", b"\x82\x00"


def walk(to: Agent, version: int = V2C, start: Oid = (1, 3)) -> list[Oid]:
    """All names, by GETNEXT."""
    found: list[Oid] = []
    while True:
        answer = get(to, start, kind=0xA1, version=version)
        if answer.status or answer.varbinds[0][1] == END:
            return found
        start = answer.names[0]
        found.append(start)


def walk_bulk(to: Agent, repetitions: int) -> list[Oid]:
    """All names, by GETBULK."""
    found: list[Oid] = []
    start: Oid = (1, 3)
    while True:
        answer = ask(to, bulk(1, 0, repetitions, [start]))
        assert answer is not None
        assert answer.status == 0
        for name, value in answer.varbinds:
            if value == END:
                return found
            found.append(name)
        start = answer.names[-1]


# ------------------------------------------------------------------------------------------------ reading


def test_a_value_is_answered_with_its_type() -> None:
    assert get(agent(), NAME).varbinds == [(NAME, tlv(OCTETS, b"villa"))]


def test_request_id_and_community_come_back() -> None:
    to = agent()
    for number in (0, -1, 2147483647, -2147483648):
        answer = ask(to, pdu(0xA0, number, [varbind(NAME)]))
        assert answer is not None
        assert answer.request == number


def test_what_is_not_there_is_told_from_what_cannot_be() -> None:
    found = get(
        agent(), (*BASE, 2, 1, 2, 77), (*BASE, 1, 1, 1), (*BASE, 77, 1, 0), (*BASE, 3, 1, 1, 1), (1, 3)
    ).varbinds
    assert [value for _, value in found] == [INSTANCE, INSTANCE, OBJECT, INSTANCE, OBJECT]


def test_v1_names_the_first_that_is_not_there() -> None:
    answer = get(agent(), NAME, (*BASE, 77, 0), NAME, version=V1)
    assert (answer.status, answer.index) == (2, 2)
    assert answer.names == [NAME, (*BASE, 77, 0), NAME]


def test_v1_does_not_know_counter64() -> None:
    to = agent()
    assert get(to, (*BASE, 1, 3, 0), version=V1).status == 2
    assert get(to, (*BASE, 1, 2, 0), kind=0xA1, version=V1).names == [(*BASE, 1, 4, 0)]
    assert get(to, (*BASE, 1, 3, 0)).varbinds[0][1][0] == COUNTER64


def test_counters_and_ticks_wrap_and_gauges_stay() -> None:
    to = agent()
    to.tree.replace(GATES, [type(gates(1)[0])(1, "much", 1, 1 << 40)])
    assert get(to, (*BASE, 1, 4, 0)).varbinds[0][1] == integer(0, ber.TIMETICKS)
    assert get(to, (*BASE, 2, 1, 6, 1)).varbinds[0][1] == integer(0xFFFFFFFF, ber.GAUGE32)


def test_a_column_may_lack_an_instance() -> None:
    to = agent()
    assert get(to, (*BASE, 2, 1, 5, 2)).varbinds[0][1] == tlv(OCTETS, b"gate 2")
    assert get(to, (*BASE, 2, 1, 5, 1)).varbinds[0][1] == INSTANCE


def test_numbers_that_move_are_read_every_time_and_what_stands_once_for_a_snapshot() -> None:
    to = agent()
    name: Oid = (*BASE, 1, 2, 0)
    first, second = get(to, name).varbinds, get(to, name).varbinds
    assert first != second
    row = gates(1)[0]
    to.tree.replace(GATES, [row])
    standing, moving = (*BASE, 2, 1, 2, 1), (*BASE, 2, 1, 4, 1)
    before = get(to, standing, moving).varbinds
    row.passed, row.name = 5, "another"
    after = get(to, standing, moving).varbinds
    assert after[0] == before[0]
    assert after[1] == (moving, tlv(COUNTER64, b"\5"))
    to.tree.replace(GATES, [row])
    assert get(to, (*BASE, 2, 1, 4, 1)).varbinds[0][1] == integer(5, COUNTER64)


@pytest.mark.parametrize("repetitions", [1, 2, 7, 50, 2000])
def test_a_walk_by_getbulk_is_the_walk_by_getnext(repetitions: int) -> None:
    to = agent(rows=40)
    names = walk(to)
    assert names == sorted(set(names))
    assert walk_bulk(to, repetitions) == names


def test_a_walk_goes_on_in_order_while_rows_come_and_go() -> None:
    to = agent(rows=20)
    seen: list[Oid] = []
    start: Oid = (1, 3)
    for step in range(200):
        to.tree.replace(GATES, [row for row in gates(25) if (row.index + step) % 3])
        answer = get(to, start, kind=0xA1)
        if answer.varbinds[0][1] == END:
            break
        start = answer.names[0]
        seen.append(start)
    assert seen == sorted(set(seen))
    assert seen[-1] == (*BASE, 2, 1, 6, 25) or seen[-1] > (*BASE, 2, 1, 6, 20)


def test_v1_and_v2c_end_a_walk_in_their_own_way() -> None:
    to = agent()
    last = walk(to)[-1]
    assert get(to, last, kind=0xA1).varbinds == [(last, END)]
    answer = get(to, last, kind=0xA1, version=V1)
    assert (answer.status, answer.index) == (2, 1)


def test_an_empty_table_is_passed_over() -> None:
    assert get(agent(), (*BASE, 3), kind=0xA1).varbinds[0][1] == END
    assert EMPTY.entry == (*BASE, 3, 1)


# ------------------------------------------------------------------------------------------------ GETBULK


@pytest.mark.parametrize(
    ("non_repeaters", "repetitions"), [(0, 0), (-5, 0), (0, -1), (7, 0), (-1, -2147483648)]
)
def test_getbulk_of_nothing_is_answered(non_repeaters: int, repetitions: int) -> None:
    answer = ask(agent(), bulk(1, non_repeaters, repetitions, [(1, 3)]))
    assert answer is not None
    assert (answer.status, len(answer.varbinds)) == (
        0,
        min(max(non_repeaters, 0), 1),
    )


def test_getbulk_takes_non_repeaters_once_and_the_others_by_rows() -> None:
    answer = ask(agent(), bulk(1, 1, 2, [(*BASE, 1), (*BASE, 2, 1, 1), (*BASE, 2, 1, 3)]))
    assert answer is not None
    assert answer.names == [
        NAME,
        (*BASE, 2, 1, 1, 1),
        (*BASE, 2, 1, 3, 1),
        (*BASE, 2, 1, 1, 2),
        (*BASE, 2, 1, 3, 2),
    ]


def test_getbulk_says_the_end_with_the_last_name() -> None:
    to = agent()
    last = walk(to)[-1]
    answer = ask(to, bulk(1, 0, 10, [walk(to)[-2]]))
    assert answer is not None
    assert answer.varbinds[1:] == [(last, END)]
    both = ask(to, bulk(1, 0, 10, [last, last]))
    assert both is not None
    assert both.varbinds == [(last, END), (last, END)]


def test_getbulk_that_does_not_fit_is_cut_and_no_error() -> None:
    to = agent(rows=500)
    reply = to.handle(community_message(V2C, b"public", bulk(1, 0, 2147483647, [(1, 3)])), "peer", START)
    assert reply is not None
    assert 1200 < len(reply) <= 1400
    answer = ask(to, bulk(1, 0, 2147483647, [(1, 3)]))
    assert answer is not None
    assert answer.status == 0
    assert len(answer.varbinds) > 20


def test_an_answer_to_a_community_is_not_much_larger_than_what_was_asked() -> None:
    to = agent(rows=500)
    question = community_message(V2C, b"public", bulk(1, 0, 1000, [(1, 3)]))
    reply = to.handle(question, "peer", START)
    assert reply is not None
    assert len(reply) < 60 * len(question)


def test_a_get_that_does_not_fit_is_too_big() -> None:
    to = agent()
    to.tree.replace(GATES, [type(gates(1)[0])(1, "x" * 255, 2, 1)])
    answer = get(to, *[(*BASE, 2, 1, 2, 1)] * 30)
    assert (answer.status, answer.index, answer.varbinds) == (1, 0, [])


def test_more_varbinds_than_are_answered_are_too_big() -> None:
    answer = ask(agent(), pdu(0xA0, 9, [varbind(NAME)] * 1100))
    assert answer is not None
    assert (answer.request, answer.status) == (9, 1)


def test_getbulk_does_not_exist_in_v1() -> None:
    to = agent()
    assert ask(to, bulk(1, 0, 5, [(1, 3)]), V1) is None
    assert to.counters.parse_errors == 1


# ------------------------------------------------------------------------------------------------ access


def test_what_a_view_hides_is_not_there() -> None:
    to = agent()
    hidden: Oid = (*BASE, 4, 1, 0)
    assert get(to, hidden).varbinds[0][1] == OBJECT
    assert get(to, (*BASE, 2, 1, 2, 3)).varbinds[0][1] == INSTANCE
    assert get(to, (*BASE, 2, 1, 2, 2), kind=0xA1).names == [(*BASE, 2, 1, 2, 4)]
    assert hidden not in walk(to)
    assert hidden not in walk_bulk(to, 50)


def test_a_wrong_community_is_not_answered_but_counted() -> None:
    to = agent()
    assert ask(to, pdu(0xA0, 1, [varbind(NAME)]), community=b"guess") is None
    assert to.counters.bad_communities == 1
    assert to.refused == ["192.0.2.1"]


def test_a_community_without_rights_is_told_so() -> None:
    assert get(agent(), NAME, community=b"strange").status == 16
    assert get(agent(), NAME, community=b"strange", version=V1).status == 2


def test_another_version_is_counted() -> None:
    to = agent()
    assert ask(to, pdu(0xA0, 1, [varbind(NAME)]), version=2) is None
    assert to.counters.bad_versions == 1


@pytest.mark.parametrize("kind", [0xA2, 0xA6, 0xA7, 0xA8])
def test_pdus_that_are_not_for_an_agent_are_not_answered(kind: int) -> None:
    to = agent()
    assert ask(to, pdu(kind, 1, [varbind(NAME)])) is None
    assert to.counters.unknown_handlers == 1


def test_an_address_that_asks_too_often_is_not_answered_until_it_has_paused() -> None:
    to = agent(Limits(rate=10, burst=5, addresses=2))
    question = community_message(V2C, b"public", pdu(0xA0, 1, [varbind(NAME)]))
    answered = [to.handle(question, "one", START) is not None for _ in range(8)]
    assert answered == [True] * 5 + [False] * 3
    assert to.handle(question, "other", START) is not None
    assert to.handle(question, "one", START + 0.11) is not None
    assert to.handle(question, "one", START + 0.11) is None
    for number in range(50):
        to.handle(question, f"peer {number}", START)
    assert len(to._buckets) <= 2


# ------------------------------------------------------------------------------------------------ SET


class Broken(Fault):
    """The disk is full."""


def settable(to: Agent, fail: bool = False) -> dict[str, object]:
    """Let the house be changed; what it is now."""
    values: dict[str, object] = {"houseName": b"villa", "houseLevel": -3}

    def setter(name: str, accepts: Callable[[Oid, Value], bool], broken: bool) -> Setter:
        def apply(_: Oid, value: Value) -> Undo:
            if broken:
                raise Broken("disk full")
            before = values[name]
            values[name] = value
            return lambda: values.__setitem__(name, before)

        return Setter(accepts, apply)

    setters = {
        "houseName": setter("houseName", lambda _, value: value != b"bad", False),
        "houseLevel": setter("houseLevel", lambda _, value: value != 4, fail),
    }
    to.tree.write_with(HOUSE, Setters(HOUSE, setters, lambda index: index == (0,)))
    return values


def test_set_changes_everything_that_it_names() -> None:
    to = agent()
    values = settable(to)
    answer = set_(to, (NAME, tlv(OCTETS, b"hut")), (LEVEL, integer(2)))
    assert (answer.status, answer.index) == (0, 0)
    assert answer.varbinds == [(NAME, tlv(OCTETS, b"hut")), (LEVEL, integer(2))]
    assert values == {"houseName": b"hut", "houseLevel": 2}


@pytest.mark.parametrize(
    ("change", "status", "v1"),
    [
        ((NAME, integer(1)), 7, 3),  # wrongType
        ((NAME, tlv(OCTETS, bytes(256))), 8, 3),  # wrongLength
        ((LEVEL, integer(6)), 10, 3),  # wrongValue: its limit
        ((LEVEL, integer(4)), 10, 3),  # wrongValue: what stands behind it refuses
        ((LEVEL, tlv(2, b"")), 9, 3),  # wrongEncoding
        (((*BASE, 1, 1, 1), tlv(OCTETS, b"x")), 11, 2),  # noCreation: no such instance
        (((*BASE, 1, 77, 0), tlv(OCTETS, b"x")), 11, 2),  # noCreation: no such object
        (((*BASE, 1, 2, 0), integer(1, ber.COUNTER32)), 17, 2),  # notWritable
        (((*BASE, 2, 1, 2, 1), tlv(OCTETS, b"x")), 6, 2),  # noAccess: outside the view for writing
    ],
    ids=lambda value: str(value) if isinstance(value, int) else "",
)
def test_a_change_that_may_not_be_names_its_reason_and_nothing_is_changed(
    change: tuple[Oid, bytes], status: int, v1: int
) -> None:
    to = agent()
    values = settable(to)
    first = (NAME, tlv(OCTETS, b"hut"))
    answer = set_(to, first, change)
    assert (answer.status, answer.index) == (status, 2)
    answer = set_(to, first, change, version=V1)
    assert (answer.status, answer.index) == (v1, 2)
    assert values == {"houseName": b"villa", "houseLevel": -3}


def test_who_may_only_read_cannot_set() -> None:
    to = agent()
    values = settable(to)
    answer: Answer = set_(to, (NAME, tlv(OCTETS, b"hut")), community=b"public")
    assert (answer.status, answer.index) == (6, 1)
    assert to.counters.bad_uses == 1
    assert values["houseName"] == b"villa"


def test_what_was_done_is_taken_back_where_the_rest_fails() -> None:
    to = agent()
    values = settable(to, fail=True)
    answer = set_(to, (NAME, tlv(OCTETS, b"hut")), (LEVEL, integer(2)))
    assert answer.status in (13, 14)
    assert values["houseName"] == b"villa"
