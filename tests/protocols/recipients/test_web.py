"""HTTP, HTTPS and plain TCP, to real servers."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web

from device.media import Utc
from device.recipients.errors import NotTheRecipient, RecipientRefuses, RecipientUnreachable
from device.recipients.naming import PATTERN, Facts, check, expand
from device.recipients.parcel import Parcel, file_name
from device.settings.recipients import Recipient
from device.settings.section import InvalidSettings, validate
from protocols import tcp, webhook
from tests.protocols.syslog.authority import Authority

PICTURE = Parcel("gate.jpg", "image/jpeg", "Gate", "Gate", b"\xff\xd8 a picture \xff\xd9")
Got = tuple[str, str, bytes, dict[str, str]]


@asynccontextmanager
async def served(
    statuses: Sequence[int], tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[int, list[Got]]]:
    """A web server that answers so; its port, and what it got."""
    got: list[Got] = []
    answers = iter(statuses)

    async def handle(request: web.BaseRequest) -> web.Response:
        got.append((request.method, request.raw_path, await request.read(), dict(request.headers)))
        return web.Response(status=next(answers), headers={"Location": "http://127.0.0.1:1/"})

    runner = web.ServerRunner(web.Server(handle))
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        yield runner.addresses[0][1], got
    finally:
        await runner.cleanup()


def recipient(url: str, **more: object) -> Recipient:
    values: dict[str, object] = {"name": "Web", "kind": url.partition(":")[0], "url": url}
    return validate(Recipient, "web", values | more)


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.proves("M-315", "M-316")
async def test_a_picture_is_posted_with_name_and_password() -> None:
    async with served([204, 200]) as (port, got):
        one = recipient(f"http://127.0.0.1:{port}/cgi-bin/notify.cgi?a=b", user="nvr", password='pä"]')
        assert "answered 204" in await webhook.send(one, PICTURE)
        method, path, data, headers = got[0]
        assert (method, path, data) == ("POST", "/cgi-bin/notify.cgi?a=b", PICTURE.data)
        assert headers["Authorization"] == basic("nvr", 'pä"]')
        assert headers["Content-Type"] == "image/jpeg"
        await webhook.send(one, Parcel("", "", "Gate", "Größe", b""))
        assert got[1][2] == "Größe".encode()


async def test_a_clip_is_posted_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "17.mp4"
    path.write_bytes(bytes(range(256)) * 4000)
    async with served([200]) as (port, got):
        one = recipient(f"http://127.0.0.1:{port}/")
        await webhook.send(one, Parcel("gate.mp4", "video/mp4", "Gate", "Gate", file=str(path)))
        _, _, data, headers = got[0]
        assert data == path.read_bytes()
        assert headers["Content-Length"] == str(path.stat().st_size)
        assert headers["Content-Disposition"] == 'attachment; filename="gate.mp4"'


@pytest.mark.proves("M-317", "M-320")
async def test_a_proxy_is_asked_with_its_own_password() -> None:
    async with served([200]) as (port, got):
        proxy = {"proxy": f"http://127.0.0.1:{port}", "proxy_user": "out", "proxy_password": "door"}
        await webhook.send(recipient("http://192.0.2.1/notify", user="nvr", password="x", **proxy), PICTURE)
        _, path, data, headers = got[0]
        assert path == "http://192.0.2.1/notify"
        assert headers["Proxy-Authorization"] == basic("out", "door")
        assert data == PICTURE.data


@pytest.mark.proves("M-318", "M-319", "M-320")
async def test_https_checks_the_certificate_unless_told_not_to(tmp_path: Path) -> None:
    pair = Authority(tmp_path).server
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pair.certificate, pair.key)
    async with served([200], tls) as (port, got):
        url = f"https://localhost:{port}/notify"
        with pytest.raises(NotTheRecipient, match="not trusted"):
            await webhook.send(recipient(url), PICTURE)
        assert got == []
        await webhook.send(recipient(url, verify=False, user="nvr", password="x"), PICTURE)
        assert got[0][3]["Authorization"] == basic("nvr", "x")


async def test_what_the_server_says_decides_whether_it_is_tried_again() -> None:
    async with served([404, 503, 429, 302]) as (port, _):
        one = recipient(f"http://127.0.0.1:{port}/", user="nvr", password="x")
        with pytest.raises(RecipientRefuses, match="answered 404"):
            await webhook.send(one, PICTURE)
        for status in (503, 429, 302):  # nobody is led elsewhere with our password
            with pytest.raises(RecipientUnreachable, match=f"answered {status}"):
                await webhook.send(one, PICTURE)
    with pytest.raises(RecipientUnreachable):
        await webhook.send(recipient("http://127.0.0.1:1/"), PICTURE)


@pytest.mark.proves("M-340")
async def test_tcp_gets_the_text_and_the_data() -> None:
    got: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.set_result(await reader.read())
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        one = validate(Recipient, "t", {"name": "T", "kind": "tcp", "host": "127.0.0.1", "port": port})
        await tcp.send(one, PICTURE)
        assert await asyncio.wait_for(got, 30) == b"Gate\n" + PICTURE.data
    with pytest.raises(RecipientUnreachable):
        await tcp.send(
            validate(Recipient, "t", {"name": "T", "kind": "tcp", "host": "127.0.0.1", "port": 1}), PICTURE
        )


@pytest.mark.proves("M-308")
def test_file_names_carry_a_number() -> None:
    assert (
        file_name("Gate/../1", Utc(1_700_000_000_000_000), 17, ".jpg")
        == "Gate_.._1-20231114T221320Z-000017.jpg"
    )


WHEN = Facts(datetime(2026, 11, 28, 14, 15, 0, 42_000, tzinfo=UTC), 17, "c-gate", "The/Gate", "Door")


@pytest.mark.proves("M-308")
@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (PATTERN, "c-gate-20261128-141500-000017.jpg"),
        ("#n_%y-%f", "The_Gate_26-042.jpg"),
        ("#r#c##%%", "Doorc-gate__.jpg"),  # no server shall stumble over a name
        ("../x", "__x.jpg"),
        ("...", "_.jpg"),
    ],
)
def test_file_names_follow_a_pattern(pattern: str, expected: str) -> None:
    assert expand(check(pattern), WHEN, ".jpg") == expected


BASE = {"name": "X", "kind": "email", "host": "h", "to": "a@b", "sender": "c@d"}


@pytest.mark.proves("M-324", "M-325", "M-332", "M-336")
@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"kind": "sftp"}, "fingerprint is needed for sftp"),
        ({"fingerprint": "ab"}, "32 hexadecimal figures"),
        ({"fingerprint": "a" * 42}, "43 characters of base64"),
        ({"to": "a@b, c"}, "'c' is no mail address"),
        ({"port": 65536}, "must be 0 to 65535"),
        ({"port": -1}, "must be 0 to 65535"),
        ({"kind": "https", "url": "http://h/"}, "url must begin with https://"),
        ({"kind": "http", "url": "http://u:p@h/"}, "without user and password"),
        ({"kind": "storage"}, "share is needed"),
        ({"kind": "tcp"}, "port is needed"),
        ({"pop": True}, "pop_host is needed"),
        ({"kind": "sip"}, "'ftp', 'sftp'"),
    ],
)
def test_the_limits_are_said(values: dict[str, object], problem: str) -> None:
    with pytest.raises(InvalidSettings, match=problem):
        validate(Recipient, "x", BASE | values)


@pytest.mark.proves("M-310", "M-323", "M-336")
def test_the_ports_are_those_of_the_manual() -> None:
    given = BASE | {"fingerprint": "MD5:" + ":".join(["AB"] * 16), "share": "s", "url": "http://h/"}
    ports = {
        kind: validate(Recipient, "x", given | {"kind": kind}).address[1] for kind in ("ftp", "sftp", "email")
    }
    assert ports == {"ftp": 21, "sftp": 22, "email": 587}
    assert validate(Recipient, "x", given | {"port": 0}).address[1] == 0
    assert validate(Recipient, "x", given).fingerprint == "ab" * 16
