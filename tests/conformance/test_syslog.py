"""The syslog suite: our messages pass it, and each fault fails its own case."""

from __future__ import annotations

import argparse
import asyncio
import socket
import ssl
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from conformance.case import Result
from conformance.suite import Unreachable, run
from conformance.syslog import SUITE
from conformance.syslog.receiver import Heard, Message, Sender, contact
from conformance.transcript import Transcript
from device.settings.syslog import Form, Transport
from protocols.syslog.catalogue import message, origin
from protocols.syslog.connection import connect
from protocols.syslog.message import Manner, encode
from tests.protocols.syslog.authority import Authority
from tests.protocols.syslog.test_message import ENTRY

GOOD = b'<27>1 2026-11-28T14:05:07.123456+01:00 nvr app 7 ID [meta sequenceId="1"][x@1 a="b"] text'
OLD = b"<27>Nov 28 14:05:07 nvr app[7]: text"


async def judged(
    *messages: Message, broken: tuple[str, ...] = (), tls: tuple[str, ...] = ()
) -> dict[str, Result]:
    """How each case came out that applies."""
    heard = Heard(Transcript(), list(messages), list(broken), list(tls))
    outcomes = await run(SUITE.cases, Sender(heard), 1, lambda outcome: None)  # noqa: ARG005 - nobody is told
    return {each.id: each.result for each in outcomes if each.result is not Result.NOT_APPLICABLE}


def udp(octets: bytes) -> Message:
    return Message("udp", 0, octets)


@pytest.mark.parametrize(
    ("octets", "case"),
    [
        (
            GOOD.replace(
                b"<27>1 2026-11-28T14:05:07.123456+01:00", b"<27>1 2026-11-28T14:05:07.1234567+01:00"
            ),
            "header.time",
        ),
        (GOOD.replace(b"<27>1 2026-11", b"<27>1 2026-13"), "header.time"),
        (GOOD.replace(b"<27>1 2026-11-28T14:05:07.123456+01:00", b"<27>1 -"), "header.time-known"),
        (GOOD.replace(b"<27>", b"<192>"), "header.priority"),
        (GOOD.replace(b"<27>", b"<027>"), "header.syntax"),
        (GOOD.replace(b">1 ", b">12 "), "header.version"),
        (GOOD.replace(b" nvr ", b" - "), "header.host"),
        (GOOD.replace(b" ID ", b" - "), "header.message-id"),
        (GOOD.replace(b"[meta ", b"[x@1 "), "data.unique"),
        (GOOD.replace(b"[x@1 ", b"[x "), "data.names"),
        (GOOD.replace(b'a="b"', b'a="b]"'), "header.syntax"),
        (GOOD.replace(b'="1"', b'="0"'), "data.sequence"),
        (GOOD + "ü".encode(), "text.utf8"),
        (GOOD + b"\xff", "text.utf8"),
        (GOOD + b"\n<13>forged", "text.controls"),
        (GOOD + b"x" * 3000, "frame.udp-size"),
        (OLD.replace(b"Nov 28", b"2026-11-28"), "old.header"),
        (OLD.replace(b"app[7]:", b"(app)"), "old.tag"),
        (OLD + b"x" * 1024, "old.size"),
    ],
)
async def test_each_fault_fails_its_case_and_no_other(octets: bytes, case: str) -> None:
    found = await judged(udp(octets))
    assert [name for name, result in found.items() if result is Result.FAIL] == [case]


async def test_what_only_several_messages_show() -> None:
    two = await judged(udp(GOOD), udp(GOOD.replace(b" nvr ", b" other ").replace(b'="1"', b'="3"')))
    assert [name for name, result in two.items() if result is Result.FAIL] == [
        "header.one-host",
        "data.sequence",
    ]
    lost = await judged(broken=("tcp: no length", "tls: no length"), tls=("TLSv1",))
    assert set(lost) == {"frame.counted", "frame.tls-counted", "frame.tls-version"}
    assert set(lost.values()) == {Result.FAIL}
    long = await judged(Message("tcp", 1, GOOD + b"x" * 9000))
    assert long["frame.stream-size"] is Result.FAIL


async def test_a_good_message_passes_everything() -> None:
    assert set((await judged(udp(GOOD), udp(OLD))).values()) == {Result.PASS}


def free(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


async def test_ours_pass_over_every_transport(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    ports = {
        Transport.UDP: free(socket.SOCK_DGRAM),
        Transport.TCP: free(socket.SOCK_STREAM),
        Transport.TLS: free(socket.SOCK_STREAM),
    }
    given = argparse.Namespace(
        listen="127.0.0.1",
        udp=ports[Transport.UDP],
        tcp=ports[Transport.TCP],
        tls=ports[Transport.TLS],
        certificate=str(authority.server.certificate),
        key=str(authority.server.key),
        wait=60.0,
        messages=9,
    )
    listening = asyncio.create_task(contact(given))
    tls = ssl.create_default_context(cadata=authority.pem)
    for transport, port in ports.items():
        while True:
            try:
                connection = await connect(("127.0.0.1", port), transport, tls)
                await connection.send(
                    [
                        encode(
                            message(ENTRY, None, number, origin("1")),
                            Manner(form, "nvr", ZoneInfo("Asia/Tokyo"), 2048),
                        )
                        for number, form in enumerate((Form.RFC5424, Form.RFC5424, Form.RFC3164), 1)
                    ]
                )
            except Exception:
                await asyncio.sleep(0.05)
                assert not listening.done()
            else:
                break
        if transport is not Transport.UDP:
            await connection.close()
    sender = await asyncio.wait_for(listening, 60)
    assert "holdfast on nvr, 9 messages" in sender.title
    outcomes = await run(SUITE.cases, sender, 1, lambda outcome: None)  # noqa: ARG005 - nobody is told
    assert {each.id: each.detail for each in outcomes if each.result is Result.FAIL} == {}
    assert sum(each.result is Result.PASS for each in outcomes) >= 19


async def test_nothing_that_comes_is_no_verdict() -> None:
    given = argparse.Namespace(
        listen="127.0.0.1", udp=free(socket.SOCK_DGRAM), tcp=None, tls=None, wait=0.1, messages=1
    )
    with pytest.raises(Unreachable, match="nothing came"):
        await contact(given)
