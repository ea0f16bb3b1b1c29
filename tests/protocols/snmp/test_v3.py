"""SNMPv3: RFC 3412 s7, RFC 3414 s3.2."""

from __future__ import annotations

import random

import pytest

from protocols.snmp.agent import Limits
from protocols.snmp.ber import OCTETS, SEQUENCE, Malformed, Oid, element, read_integer, tlv
from protocols.snmp.message import AUTH, PRIV, REPORTABLE, Header, Secured, pdu, read_v3
from protocols.snmp.usm import MOST_BOOTS, NOBODY, Authentication, Privacy, User
from tests.protocols.snmp.fuzz import mutated
from tests.protocols.snmp.rig import (
    BASE,
    ENGINE,
    START,
    Manager,
    agent,
    bulk,
    manager,
    secret,
    varbind,
)

NAME: Oid = (*BASE, 1, 1, 0)
GET = pdu(0xA0, 4711, [varbind(NAME)])
USM: Oid = (1, 3, 6, 1, 6, 3, 15, 1, 1)


@pytest.mark.proves("M-211")
def test_an_encrypted_request_has_an_encrypted_answer() -> None:
    found = manager().ask(agent(), GET)
    assert found is not None
    message, answer = found
    assert message.header.flags == AUTH | PRIV
    assert (message.header.engine, message.header.boots, message.header.time) == (ENGINE, 7, 0)
    assert (answer.kind, answer.request, answer.varbinds) == (0xA2, 4711, [(NAME, tlv(OCTETS, b"villa"))])


def test_who_asks_who_we_are_is_told() -> None:
    stranger = Manager(NOBODY, boots=0, engine=b"", flags=REPORTABLE)
    found = stranger.ask(agent(), GET)
    assert found is not None
    message, answer = found
    assert (message.header.engine, message.header.boots, message.header.flags) == (ENGINE, 7, 0)
    assert (answer.kind, answer.request, answer.names) == (0xA8, 4711, [(*USM, 4, 0)])


def _weak() -> Manager:
    return Manager(User(secret("plain", None, None), ENGINE), flags=AUTH | REPORTABLE)


@pytest.mark.parametrize(
    ("asker", "counter"),
    [
        (Manager(User(secret("admin", Authentication.MD5), ENGINE)), 5),
        (Manager(User(secret("nobody"), ENGINE)), 3),
        (Manager(User(secret("plain"), ENGINE)), 1),
        (Manager(User(secret("admin"), ENGINE), boots=6), 2),
        (Manager(User(secret("admin"), ENGINE), boots=8), 2),
        (Manager(User(secret("admin"), ENGINE), time=151), 2),
        (Manager(User(secret("admin", privacy=Privacy.AES256), ENGINE)), 6),
    ],
    ids=["digest", "user", "level", "boots before", "boots ahead", "time", "cipher"],
)
def test_what_is_wrong_is_counted_and_reported(asker: Manager, counter: int) -> None:
    to = agent()
    reply = to.handle(asker.write(GET), "peer", START)
    assert reply is not None
    assert to.counters.usm[counter] == 1
    right = manager()
    _, answer = right.read(reply) if counter == 2 else Manager(NOBODY).read(reply)
    assert (answer.kind, answer.names) == (0xA8, [(*USM, counter, 0)])


def test_a_report_about_time_is_authentic_and_lets_a_manager_recover() -> None:
    to = agent()
    asker = manager()
    asker.boots, asker.time = 3, 99
    found = asker.ask(to, GET, START + 500)
    assert found is not None
    assert found[0].header.flags == AUTH
    asker.boots, asker.time = found[0].header.boots, found[0].header.time
    assert asker.time == 500
    again = asker.ask(to, GET, START + 501)
    assert again is not None
    assert again[1].kind == 0xA2


@pytest.mark.parametrize("ahead", [-150, 150])
def test_the_window_is_of_150_seconds(ahead: int) -> None:
    asker = manager()
    asker.time = 1000 + ahead
    found = asker.ask(agent(), GET, START + 1000)
    assert found is not None
    assert found[1].kind == 0xA2


def test_after_the_last_boot_nothing_is_authentic() -> None:
    to = agent()
    to.engine.boots = MOST_BOOTS
    asker = manager()
    asker.boots = MOST_BOOTS
    found = asker.ask(to, GET)
    assert found is not None
    assert found[1].names == [(*USM, 2, 0)]


def test_nobody_is_told_who_does_not_ask_to_be() -> None:
    silent = Manager(User(secret("nobody"), ENGINE), flags=AUTH | PRIV)
    assert silent.ask(agent(), GET) is None


@pytest.mark.parametrize("size", [0, 1, 4, 11, 13, 20])
def test_only_a_digest_of_its_whole_length_is_one(size: int) -> None:
    to = agent()
    whole = manager().write(GET)
    start = whole.index(b"\x04\x0c")
    digest = whole[start + 2 : start + 14].ljust(20, b"\0")
    forged = _relength(whole[:start] + bytes((4, size)) + digest[:size] + whole[start + 14 :], size - 12)
    assert to.handle(forged, "peer", START) is not None
    assert to.counters.usm[5] == 1
    assert to.counters.kinds[0] == 0


def _relength(message: bytes, by: int) -> bytes:
    """Lengths of the elements that hold the security parameters."""
    data = bytearray(message)
    assert data[1] == 0x81
    data[2] += by
    at = 3 + 3 + 2 + data[7]  # message, version, header
    for where in (at + 1, at + 3):
        assert data[where] < 0x80
        data[where] += by
    return bytes(data)


def test_privacy_without_authentication_is_no_level() -> None:
    to = agent()
    whole = bytearray(manager().write(GET))
    at = whole.index(b"\x04\x01\x07")
    whole[at + 2] = PRIV | REPORTABLE
    assert to.handle(bytes(whole), "peer", START) is None
    assert to.counters.invalid == 1


def test_another_security_model_is_counted() -> None:
    to = agent()
    whole = manager().write(GET).replace(b"\x04\x01\x07\x02\x01\x03", b"\x04\x01\x07\x02\x01\x02")
    assert to.handle(whole, "peer", START) is None
    assert to.counters.unknown_models == 1


def test_another_context_is_reported() -> None:
    asker = manager()
    asker.context = b"other"
    found = asker.ask(agent(), GET)
    assert found is not None
    assert found[1].names == [(1, 3, 6, 1, 6, 3, 12, 1, 5, 0)]
    asker.context, asker.context_engine = b"", b"\x80\0\0\0\1\2"
    found = asker.ask(agent(), GET)
    assert found is not None
    assert found[1].names == [(1, 3, 6, 1, 6, 3, 11, 2, 1, 3, 0)]


def test_rights_are_of_a_level() -> None:
    asker = manager()
    asker.flags = REPORTABLE
    found = asker.ask(agent(), GET)
    assert found is not None
    assert (found[1].kind, found[1].status) == (0xA2, 16)


def test_a_user_without_keys_sees_its_own_view() -> None:
    plain = Manager(User(secret("plain", None, None), ENGINE), flags=REPORTABLE)
    found = plain.ask(agent(), pdu(0xA1, 1, [varbind((*BASE, 2))]))
    assert found is not None
    assert found[1].varbinds[0][1] == b"\x82\x00"


@pytest.mark.parametrize("size", [484, 500, 1400, 65507])
def test_an_answer_is_no_larger_than_its_asker_can_take(size: int) -> None:
    asker = manager()
    asker.max_size = size
    to = agent(rows=2000)
    reply = to.handle(asker.write(bulk(1, 0, 900, [(1, 3)])), "peer", START)
    assert reply is not None
    assert len(reply) <= size
    _, answer = asker.read(reply)
    assert answer.status == 0
    assert len(answer.varbinds) >= 8


def test_a_size_below_484_is_no_size() -> None:
    asker = manager()
    asker.max_size = 483
    to = agent()
    assert asker.ask(to, GET) is None
    assert to.counters.parse_errors == 1


def test_the_time_of_the_engine_goes_on() -> None:
    found = manager().ask(agent(Limits(1e6, 1e6, 9)), GET, START + 149.9)
    assert found is not None
    assert found[0].header.time == 149


def test_no_answer_is_encrypted_like_another() -> None:
    to, asker = agent(), manager()
    replies = {to.handle(asker.write(GET), "peer", START) for _ in range(5)}
    assert len(replies) == 5


def test_a_weak_user_cannot_claim_authentication() -> None:
    to = agent()
    whole = _weak().write(GET)
    assert to.handle(whole, "peer", START) is not None
    assert to.counters.usm[1] == 1


def test_the_header_before_hides_nothing_of_the_next() -> None:
    """What was read of the last message is taken over only where it is read the same again."""
    chance = random.Random(7)
    header = _read(manager().write(GET))
    assert isinstance(header, Secured)
    seeds = [manager().write(GET), Manager(NOBODY, engine=b"", flags=REPORTABLE).write(GET)]
    for _ in range(3000):
        data = mutated(chance, seeds)
        assert _read(data, header.header) == _read(data), data.hex()


def _read(data: bytes, last: Header | None = None) -> Secured | None:
    try:
        start, end = element(data, 0, len(data), SEQUENCE)
        _, at = read_integer(data, start, end)
        return read_v3(data, at, end, last)
    except Malformed:
        return None


def test_who_asks_the_same_again_has_its_own_answer() -> None:
    to, asker = agent(), manager()
    names = (*BASE, 1, 2, 0)  # counts how often it is read
    found = [asker.ask(to, pdu(0xA0, number, [varbind(names)])) for number in (5, 6)]
    assert [each[1].request for each in found if each is not None] == [5, 6]
    assert [each[1].varbinds[0][1] for each in found if each is not None] == [
        b"\x41\x01\x01",
        b"\x41\x01\x02",
    ]
