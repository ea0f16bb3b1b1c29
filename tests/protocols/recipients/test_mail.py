"""Mail, to a real server: Debian's aiosmtpd."""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from device.recipients.errors import NotTheRecipient, RecipientRefuses, RecipientUnreachable
from device.recipients.parcel import Parcel
from device.settings.recipients import Recipient
from device.settings.section import validate
from protocols import mail
from tests.protocols.syslog.authority import Authority

PICTURE = Parcel(
    "gate.jpg", "image/jpeg", "Somebody is\nat the gate", "Größe: 2 m", b"\xff\xd8 a picture \xff\xd9"
)
USER, PASSWORD = "nvr", 'secret "]\\'


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where it is, and what it got."""

    folder: Path
    starttls: int
    tls: int

    def got(self) -> dict[str, Any]:
        """The last mail."""
        files = sorted(self.folder.glob("*.json"), key=lambda path: int(path.stem))
        found: dict[str, Any] = json.loads(files[-1].read_text())
        return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    with mail_server(tmp_path_factory) as running:
        yield running


@contextmanager
def mail_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    """One that runs until the block ends."""
    folder = tmp_path_factory.mktemp("mail")
    pair = Authority(tmp_path_factory.mktemp("authority")).server
    script = Path(__file__).with_name("smtp_server.py")
    argv = [
        "/usr/bin/python3",
        str(script),
        str(folder),
        str(pair.certificate),
        str(pair.key),
        USER,
        PASSWORD,
    ]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "the mail server did not start"
        try:
            yield MailServer(folder, *json.loads(line))
        finally:
            process.kill()


def recipient(port: int, **more: object) -> Recipient:
    values: dict[str, object] = {
        "name": "Office",
        "kind": "email",
        "host": "localhost",
        "port": port,
        "to": "anna@example.org, otto@example.org",
        "sender": "nvr@example.org",
        "user": USER,
        "password": PASSWORD,
        "verify": False,
    }
    return validate(Recipient, "office", values | more)


@pytest.mark.proves("M-332", "M-333", "M-334", "M-335", "M-337")
@pytest.mark.parametrize("encryption", ["tls", "ssl"])
async def test_a_mail_with_a_picture_arrives_over_tls(server: MailServer, encryption: str) -> None:
    port = server.tls if encryption == "ssl" else server.starttls
    said = await mail.send(recipient(port, encryption=encryption), PICTURE)
    assert "took it" in said
    got = server.got()
    assert got["from"] == "nvr@example.org"
    assert got["to"] == ["anna@example.org", "otto@example.org"]
    assert got["tls"]
    read = email.message_from_bytes(got["mail"].encode(), policy=email.policy.default)
    assert read["Subject"] == "Somebody is at the gate"
    assert read["To"] == "anna@example.org, otto@example.org"
    body, attached = list(read.walk())[1:]
    assert body.get_content().strip() == "Größe: 2 m"
    assert (attached.get_filename(), attached.get_content_type()) == ("gate.jpg", "image/jpeg")
    assert attached.get_content() == PICTURE.data


async def test_a_file_that_is_too_large_for_mail_is_named_in_it(server: MailServer, tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    with path.open("wb") as file:
        file.truncate(1_500_000)
    clip = Parcel("gate.mkv", "video/matroska", "Gate", "Somebody", file=str(path))
    await mail.send(recipient(server.starttls, attachment_mb=1), clip)
    read = email.message_from_bytes(server.got()["mail"].encode(), policy=email.policy.default)
    assert not read.is_multipart()
    assert "gate.mkv has 1.5 MB" in read.get_content()
    await mail.send(recipient(server.starttls, attachment_mb=2), clip)
    read = email.message_from_bytes(server.got()["mail"].encode(), policy=email.policy.default)
    (attached,) = read.iter_attachments()
    assert attached.get_content() == path.read_bytes()


@pytest.mark.proves("M-338")
async def test_a_certificate_that_nobody_vouches_for_is_refused(server: MailServer) -> None:
    with pytest.raises(NotTheRecipient, match="not trusted"):
        await mail.send(recipient(server.starttls, verify=True), PICTURE)


@pytest.mark.proves("M-334")
async def test_a_wrong_password_is_said(server: MailServer) -> None:
    with pytest.raises(RecipientRefuses, match="535"):
        await mail.send(recipient(server.starttls, password="wrong"), PICTURE)


async def test_somebody_whom_the_server_does_not_know_is_named(server: MailServer) -> None:
    said = await mail.send(recipient(server.starttls, to="anna@example.org, nobody@example.org"), PICTURE)
    assert "nobody@example.org: 550" in said
    with pytest.raises(RecipientRefuses, match=r"nobody@example\.org: 550"):
        await mail.send(recipient(server.starttls, to="nobody@example.org"), PICTURE)


async def test_no_server_is_said() -> None:
    with pytest.raises(RecipientUnreachable):
        await mail.send(recipient(1), PICTURE)


@asynccontextmanager
async def post_office(seen: list[str]) -> AsyncIterator[int]:
    """A POP3 server (RFC 1939) that only notes who logs in."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"+OK\r\n")
        while line := (await reader.readline()).decode().strip():
            seen.append(line)
            answer = "-ERR" if line == "PASS wrong" else "+OK\r\n." if line == "CAPA" else "+OK"
            writer.write(f"{answer}\r\n".encode())
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        yield listening.sockets[0].getsockname()[1]


@pytest.mark.proves("M-339")
async def test_pop_comes_before_smtp(server: MailServer) -> None:
    seen: list[str] = []
    async with post_office(seen) as port:
        began = time.time()
        pop = {"pop": True, "pop_host": f"127.0.0.1:{port}"}
        await mail.send(recipient(server.starttls, **pop), PICTURE)
        assert seen[-2:] == [f"USER {USER}", f"PASS {PASSWORD}"]
        assert max(file.stat().st_mtime for file in server.folder.glob("*.json")) >= began - 1
        with pytest.raises(RecipientRefuses, match="ERR"):
            await mail.send(recipient(server.starttls, password="wrong", **pop), PICTURE)
