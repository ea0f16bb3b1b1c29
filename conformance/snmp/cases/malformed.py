"""Malformed input: it is dropped, and the agent lives on (RFC 3417 s8, RFC 1157 s4.1, RFC 3416 s4)."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import suppress

from conformance.case import Requirement, expect
from conformance.snmp import ber, needs
from conformance.snmp.ber import integer, octets, sequence, tlv
from conformance.snmp.device import SYS_DESCR, Device
from conformance.snmp.suite import case
from conformance.snmp.wire import (
    GET,
    GETNEXT,
    INFORM,
    REPORT,
    RESPONSE,
    TRAP,
    TRAP_V1,
    V2C,
    message,
    pdu,
    varbind,
)

MANDATORY, OPTIONAL = Requirement.MANDATORY, Requirement.OPTIONAL
_NAME = ber.name_body(SYS_DESCR)
_TICKS = b"\x43\x01\x00"


def _get(name: bytes) -> bytes:
    """A GET PDU of a name whose element is given."""
    return tlv(GET, integer(7) + integer(0) + integer(0) + sequence(sequence(name, b"\x05\x00")))


def _in(body: bytes) -> Callable[[bytes], bytes]:
    """The PDU in a message of v2c with the right community."""
    return lambda word: message(V2C, word, body)


_GOOD = pdu(GET, 7, [varbind(SYS_DESCR)])
_REQUEST = integer(7) + integer(0) + integer(0)

#: name, what is sent, clause, how much it is insisted on, and the datagram for a community.
INPUTS: tuple[tuple[str, str, str, Requirement, Callable[[bytes], bytes]], ...] = (
    ("empty", "An empty datagram", "RFC 3417 s8", MANDATORY, lambda _: b""),
    ("zero", "A datagram of zeros", "RFC 3417 s8", MANDATORY, lambda _: bytes(200)),
    ("text", "A line of text", "RFC 3417 s8", MANDATORY, lambda _: b"GET / HTTP/1.1\r\n\r\n"),
    ("large", "60 000 octets of nothing", "RFC 3417 s8", MANDATORY, lambda _: b"\x30" + bytes(60_000)),
    (
        "no-sequence",
        "A message that is no SEQUENCE",
        "RFC 1157 s4",
        MANDATORY,
        lambda word: b"\x31" + message(V2C, word, _GOOD)[1:],
    ),
    (
        "cut",
        "A message that ends too early",
        "RFC 3417 s8",
        MANDATORY,
        lambda word: message(V2C, word, _GOOD)[:-3],
    ),
    (
        "trailing",
        "Octets behind the message",
        "RFC 3417 s8",
        OPTIONAL,
        lambda word: message(V2C, word, _GOOD) + b"\0\0",
    ),
    (
        "indefinite",
        "An indefinite length",
        "RFC 3417 s8 (1)",
        MANDATORY,
        lambda word: b"\x30\x80" + message(V2C, word, _GOOD)[2:] + b"\0\0",
    ),
    (
        "length-five",
        "A length of five octets",
        "RFC 3417 s8",
        OPTIONAL,
        lambda word: b"\x30\x85\0\0\0\0" + message(V2C, word, _GOOD)[1:],
    ),
    (
        "length-huge",
        "A length of 4 GB",
        "RFC 3417 s8",
        MANDATORY,
        lambda word: b"\x30\x84\xff\xff\xff\xff" + message(V2C, word, _GOOD)[2:],
    ),
    ("version-missing", "No version", "RFC 1157 s4", MANDATORY, lambda word: sequence(octets(word), _GOOD)),
    (
        "version-string",
        "A version that is a string",
        "RFC 1157 s4",
        MANDATORY,
        lambda word: sequence(octets(b"\x01"), octets(word), _GOOD),
    ),
    (
        "version-empty",
        "A version without octets",
        "RFC 1157 s4",
        MANDATORY,
        lambda word: sequence(b"\x02\x00", octets(word), _GOOD),
    ),
    (
        "community-integer",
        "A community that is a number",
        "RFC 1157 s4",
        MANDATORY,
        lambda _: sequence(integer(V2C), integer(7), _GOOD),
    ),
    (
        "community-constructed",
        "A community in pieces",
        "RFC 3417 s8 (3)",
        MANDATORY,
        lambda word: sequence(integer(V2C), tlv(0x24, octets(word)), _GOOD),
    ),
    (
        "pdu-missing",
        "A message without a PDU",
        "RFC 1157 s4",
        MANDATORY,
        lambda word: sequence(integer(V2C), octets(word)),
    ),
    (
        "pdu-unknown",
        "A PDU that nobody knows",
        "RFC 3416 s3",
        MANDATORY,
        _in(tlv(0xAA, _REQUEST + sequence(varbind(SYS_DESCR)))),
    ),
    (
        "pdu-primitive",
        "A PDU that says that it is primitive",
        "RFC 3416 s3",
        MANDATORY,
        _in(b"\x80" + _GOOD[1:]),
    ),
    ("pdu-empty", "A PDU without anything in it", "RFC 3416 s3", MANDATORY, _in(b"\xa0\x00")),
    (
        "request-missing",
        "A PDU without a request-id",
        "RFC 3416 s3",
        MANDATORY,
        _in(tlv(GET, integer(0) + integer(0) + sequence(varbind(SYS_DESCR)))),
    ),
    (
        "request-long",
        "A request-id of six octets",
        "RFC 3416 s3",
        MANDATORY,
        _in(tlv(GET, b"\x02\x06\x01\0\0\0\0\0" + integer(0) + integer(0) + sequence(varbind(SYS_DESCR)))),
    ),
    (
        "request-string",
        "A request-id that is a string",
        "RFC 3416 s3",
        MANDATORY,
        _in(tlv(GET, octets(b"7") + integer(0) + integer(0) + sequence(varbind(SYS_DESCR)))),
    ),
    ("list-missing", "A PDU without a list of varbinds", "RFC 3416 s3", MANDATORY, _in(tlv(GET, _REQUEST))),
    (
        "list-set",
        "A list of varbinds that is a SET",
        "RFC 3416 s3",
        MANDATORY,
        _in(tlv(GET, _REQUEST + tlv(0x31, varbind(SYS_DESCR)))),
    ),
    (
        "varbind-lone",
        "A varbind without a value",
        "RFC 3416 s3",
        MANDATORY,
        _in(tlv(GET, _REQUEST + sequence(sequence(ber.name(SYS_DESCR))))),
    ),
    (
        "varbind-three",
        "A varbind of three elements",
        "RFC 3416 s3",
        OPTIONAL,
        _in(tlv(GET, _REQUEST + sequence(sequence(ber.name(SYS_DESCR), b"\x05\x00", b"\x05\x00")))),
    ),
    (
        "varbind-long",
        "A varbind that reaches beyond the list",
        "RFC 3417 s8",
        MANDATORY,
        _in(tlv(GET, _REQUEST + b"\x30\x0e\x30\x20" + ber.name(SYS_DESCR) + b"\x05\x00")),
    ),
    ("name-empty", "A name without octets", "RFC 2578 s3.5", OPTIONAL, _in(_get(b"\x06\x00"))),
    ("name-string", "A name that is a string", "RFC 3416 s3", MANDATORY, _in(_get(octets(_NAME)))),
    (
        "name-cut",
        "A name whose last sub-identifier does not end",
        "X.690 s8.19",
        MANDATORY,
        _in(_get(tlv(6, _NAME[:-1] + b"\x81"))),
    ),
    (
        "name-padded",
        "A sub-identifier that begins with 0x80",
        "X.690 s8.19.2",
        OPTIONAL,
        _in(_get(tlv(6, _NAME[:-1] + b"\x80\x00"))),
    ),
    (
        "name-33-bits",
        "A sub-identifier of more than 32 bits",
        "RFC 2578 s3.5",
        MANDATORY,
        _in(_get(tlv(6, _NAME[:-1] + b"\x90\x80\x80\x80\x00"))),
    ),
    (
        "name-129",
        "A name of 129 sub-identifiers",
        "RFC 2578 s3.5",
        MANDATORY,
        _in(_get(tlv(6, b"\x2b" + b"\x01" * 127))),
    ),
    (
        "name-long",
        "A name of 50 000 octets",
        "RFC 2578 s3.5",
        MANDATORY,
        _in(_get(tlv(6, b"\x2b" + b"\x01" * 50_000))),
    ),
    ("tag-long", "A tag of several octets", "RFC 3417 s8", MANDATORY, _in(_get(b"\x1f\x81\x01\x00"))),
    (
        "response",
        "A Response, which is not for agents",
        "RFC 3413 s3.2",
        MANDATORY,
        _in(pdu(RESPONSE, 7, [varbind(SYS_DESCR)])),
    ),
    (
        "trap",
        "A v2 Trap, which is not for agents",
        "RFC 3413 s3.2",
        MANDATORY,
        _in(pdu(TRAP, 7, [varbind((1, 3, 6, 1, 2, 1, 1, 3, 0), _TICKS)])),
    ),
    (
        "report",
        "A Report in a message of v2c",
        "RFC 3416 s3",
        MANDATORY,
        _in(pdu(REPORT, 7, [varbind(SYS_DESCR)])),
    ),
    (
        "inform",
        "An Inform to an agent that receives none",
        "RFC 3413 s3.4",
        OPTIONAL,
        _in(pdu(INFORM, 7, [varbind((1, 3, 6, 1, 2, 1, 1, 3, 0), _TICKS)])),
    ),
    (
        "trap-v1",
        "A v1 Trap in a message of v2c",
        "RFC 3416 s3",
        MANDATORY,
        _in(
            tlv(
                TRAP_V1,
                ber.name((1, 3, 6, 1))
                + b"\x40\x04\x7f\0\0\1"
                + integer(6)
                + integer(1)
                + _TICKS
                + sequence(),
            )
        ),
    ),
    (
        "nested",
        "Elements in elements, 200 deep",
        "RFC 3417 s8",
        MANDATORY,
        lambda word: message(V2C, word, _deep(200)),
    ),
)


def _deep(count: int) -> bytes:
    body = b""
    for _ in range(count):
        body = tlv(0x30, body)
    return tlv(GET, body)


def _input(name: str, title: str, clause: str, insisted: Requirement, data: Callable[[bytes], bytes]) -> None:
    @case(f"malformed.{name}", f"{title} is dropped, and the agent lives on", clause, insisted)
    async def malformed(device: Device) -> str:
        await device.silent(data(device.address.community or b"public"), title)
        return "no answer"


for _each in INPUTS:
    _input(*_each)


@case("malformed.prefixes", "None of a message's beginnings is answered", "RFC 3417 s8", MANDATORY, needs.v2c)
async def prefixes(device: Device) -> str:
    whole = message(V2C, device.address.community, _GOOD)
    loopback = device.socket()
    for size in range(1, len(whole)):
        loopback.send(whole[:size])
    # The answer to a good one comes after all that would have come before.
    await device.alive()
    try:
        stray = loopback.recv(65535)
    except BlockingIOError:
        return f"{len(whole) - 1} of them"
    except ConnectionRefusedError:
        return "the port is closed"
    expect(False, f"answered with {stray.hex()}")
    return ""


@case("malformed.random", "A thousand mutated messages do no harm", "RFC 3417 s8", MANDATORY)
async def mutated(device: Device) -> str:
    chance = random.Random(20261122)  # noqa: S311 - the same ones each time
    word = device.address.community or b"public"
    seeds = [message(V2C, word, pdu(kind, 7, [varbind(SYS_DESCR)])) for kind in (GET, GETNEXT, 0xA5)]
    sock = device.socket()
    for number in range(1000):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(1, 5)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        with suppress(BlockingIOError, ConnectionRefusedError):
            sock.send(data)
        if number % 50 == 49:
            await device.alive()
    return "a good GET was answered after each fifty"


@case(
    "malformed.flood-unknown",
    "One large datagram of an unknown community does not keep others waiting",
    "RFC 3584 s5.2.1",
    OPTIONAL,
)
async def flood_unknown(device: Device) -> str:
    body = pdu(GET, 7, [varbind((1, 3))] * 5900)
    sock = device.socket()
    began = time.monotonic()
    await device.alive()
    usual = time.monotonic() - began
    waits = []
    for _ in range(5):
        sock.send(message(V2C, b"nobody-knows-me", body))
        began = time.monotonic()
        await device.alive()
        waits.append(time.monotonic() - began)
    # The shortest: one that waited for something else says nothing.
    expect(
        min(waits) < usual + 0.1,
        f"a GET waited {min(waits) * 1000:.0f} ms behind 5900 varbinds, usually {usual * 1000:.1f} ms",
    )
    return f"a GET waited {min(waits) * 1000:.1f} ms"
