"""What rsyslog makes of our messages, over every transport and in every form."""

from __future__ import annotations

import asyncio
import signal
import ssl
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from device.cameras.source import Cause
from device.events.catalogue import CameraId, CameraOffline
from device.events.journal import Entry
from device.media import Utc
from device.settings.syslog import Form, Transport
from protocols.syslog.catalogue import message, origin
from protocols.syslog.connection import Connection, ServerUnreachable, connect
from protocols.syslog.message import Manner, encode
from tests.protocols.syslog.authority import Authority
from tests.protocols.syslog.rsyslog import Rsyslog

DETAIL = 'Grüße "von" [der] \\ Kamera\nNov 28 root: forged'
ENTRY = Entry(
    17,
    Utc(1_795_867_507_123_456),
    "recording:abcd",
    3,
    0,
    CameraOffline(CameraId("c-aaaa"), "main", Cause.UNREACHABLE, DETAIL),
)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Rsyslog]:
    with Rsyslog(tmp_path_factory.mktemp("rsyslog"), authority) as running:
        yield running


def said(form: Form, text: str) -> bytes:
    """A message that can be told from the others by its host."""
    manner = Manner(form, text, ZoneInfo("Europe/Berlin"), 8192)
    return encode(message(ENTRY, None, 9, origin("1.0")), manner)


async def connected(server: Rsyslog, transport: Transport, authority: Authority) -> Connection:
    port = {Transport.UDP: server.udp, Transport.TCP: server.tcp, Transport.TLS: server.tls}[transport]
    return await connect(("127.0.0.1", port), transport, ssl.create_default_context(cadata=authority.pem))


async def _until_refused(connection: Connection, text: bytes) -> None:
    """What the server's end of the connection is worth is known a moment later."""
    for _ in range(1000):
        await connection.send([text])
        await asyncio.sleep(0.02)


CASES = [
    pytest.param(transport, form, marks=pytest.mark.proves(*lines, *forms))
    for transport, lines in (
        (Transport.UDP, ("M-380",)),
        (Transport.TCP, ("M-381",)),
        (Transport.TLS, ("M-382", "M-387")),
    )
    for form, forms in ((Form.RFC5424, ("M-379",)), (Form.RFC3164, ("M-378",)), (Form.AXIS, ("M-377",)))
]


@pytest.mark.parametrize(("transport", "form"), CASES)
@pytest.mark.proves("M-388")
async def test_rsyslog_reads_every_field(
    server: Rsyslog, authority: Authority, transport: Transport, form: Form
) -> None:
    host = f"nvr-{transport.value}-{form.value}"
    server.forget()
    connection = await connected(server, transport, authority)
    await connection.send([said(form, host), said(form, host)])
    await connection.close()
    found = await asyncio.to_thread(
        server.until, lambda messages: sum(each["host"] == host for each in messages) == 2
    )
    told = next(each for each in found if each["host"] == host)
    assert (told["severity"], told["facility"]) == ("err", "daemon")
    assert told["input"] == transport.value
    if form is Form.AXIS:  # no standard: to rsyslog the word before the program is text
        assert "[ ERR     ] holdfast[recording]: No picture" in told["raw"]
    else:
        assert told["app"] == "holdfast"
    assert "No picture comes from a camera. camera=c-aaaa" in told["text"]
    if form is Form.RFC5424:
        assert told["version"] == "1"
        assert told["time"] == "2026-11-28T13:05:07.123456+01:00"
        assert (told["process"], told["name"]) == ("recording", "CAMERA-OFFLINE")
        assert 'detail="Grüße \\"von\\" [der\\] \\\\ Kamera Nov 28 root: forged"' in told["data"]
        assert '[meta sequenceId="9"]' in told["data"]
    if form is Form.RFC3164:
        assert "T13:05:07" in told["time"]


@pytest.mark.parametrize("transport", [Transport.TCP, Transport.TLS])
async def test_a_connection_is_used_again_and_again(
    server: Rsyslog, authority: Authority, transport: Transport
) -> None:
    server.forget()
    connection = await connected(server, transport, authority)
    host = f"often-{transport.value}"
    for count in range(1, 30):
        await connection.send([said(Form.RFC5424, host)] * count)
    await connection.send([said(Form.RFC5424, host)] * 3000)
    await connection.close()
    await asyncio.to_thread(
        server.until, lambda messages: sum(each["host"] == host for each in messages) == 29 * 15 + 3000
    )


async def test_no_part_of_a_message_becomes_another(server: Rsyslog, authority: Authority) -> None:
    connection = await connected(server, Transport.TCP, authority)
    await connection.send([said(Form.RFC5424, "whole")])
    await connection.close()
    found = await asyncio.to_thread(server.until, lambda all_: any(each["host"] == "whole" for each in all_))
    assert not [each for each in found if each["text"].startswith("forged") or each["app"] == "root"]


@pytest.mark.proves("M-387")
async def test_a_server_of_another_authority_is_not_spoken_to(server: Rsyslog, tmp_path: Path) -> None:
    stranger = Authority(tmp_path / "stranger", "Another authority")
    with pytest.raises(ServerUnreachable, match="certificate is not trusted"):
        await connected(server, Transport.TLS, stranger)


async def test_nobody_there_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(ServerUnreachable, match="port 1/tcp: Connect"):
        await connect(("127.0.0.1", 1), Transport.TCP, ssl.create_default_context())


async def test_a_server_that_ends_is_noticed_before_anything_is_lost(
    tmp_path: Path, authority: Authority
) -> None:
    with Rsyslog(tmp_path, authority) as own:
        connection = await connected(own, Transport.TCP, authority)
        await connection.send([said(Form.RFC5424, "before")])
        await asyncio.to_thread(own.until, lambda found: len(found) >= 1)
        await asyncio.to_thread(own.stop, signal.SIGKILL)
        with pytest.raises(ServerUnreachable):
            await _until_refused(connection, said(Form.RFC5424, "after"))
        await connection.close()


async def test_a_server_that_asks_who_comes_is_shown_a_certificate(
    tmp_path: Path, authority: Authority
) -> None:
    with Rsyslog(tmp_path, authority, ask_client=True) as own:
        ours = authority.pair("recorder")
        tls = ssl.create_default_context(cadata=authority.pem)
        tls.load_cert_chain(ours.certificate, ours.key)
        connection = await connect(("127.0.0.1", own.tls), Transport.TLS, tls)
        await connection.send([said(Form.RFC5424, "known")])
        await connection.close()
        await asyncio.to_thread(own.until, lambda found: [each["host"] for each in found] == ["known"])
        bare = await connect(
            ("127.0.0.1", own.tls), Transport.TLS, ssl.create_default_context(cadata=authority.pem)
        )
        with pytest.raises(ServerUnreachable):
            await _until_refused(bare, said(Form.RFC5424, "stranger"))
        await bare.close()
        assert "stranger" not in {each["host"] for each in own.messages()}
