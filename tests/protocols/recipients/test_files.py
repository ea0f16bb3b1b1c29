"""FTP to a real vsftpd, SFTP to asyncssh's server."""

from __future__ import annotations

import hashlib
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh
import pytest

from device.recipients.errors import NotTheRecipient, RecipientRefuses, RecipientUnreachable
from device.recipients.parcel import Parcel
from device.settings.recipients import Recipient
from device.settings.section import validate
from protocols import ftp, sftp

PICTURE = Parcel("gate-000017.jpg", "image/jpeg", "Gate", "Gate", b"\xff\xd8" + bytes(range(256)) * 4000)


class Vsftpd:
    """A real FTP server for anybody, on loopback."""

    def __init__(self, home: Path) -> None:
        self.root = home / "root"
        (self.root / "in").mkdir(parents=True)
        self._home = home
        self.port = 0

    def reserve(self) -> None:
        """Choose the port on which it will listen."""
        with socket.create_server(("127.0.0.1", 0)) as sock:
            self.port = sock.getsockname()[1]

    def __enter__(self) -> Vsftpd:
        if not self.port:
            self.reserve()
        configuration = self._home / "vsftpd.conf"
        configuration.write_text(
            f"listen=YES\nlisten_address=127.0.0.1\nlisten_port={self.port}\nrun_as_launching_user=YES\n"
            "anonymous_enable=YES\nlocal_enable=NO\nwrite_enable=YES\nanon_upload_enable=YES\n"
            f"anon_other_write_enable=YES\nanon_root={self.root}\nallow_writeable_chroot=YES\nanon_umask=022\n"
            "seccomp_sandbox=NO\nbackground=NO\nport_enable=YES\npasv_enable=YES\nconnect_from_port_20=NO\n"
        )
        self._process = subprocess.Popen(["vsftpd", str(configuration)])
        began = time.monotonic()
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return self
            except OSError:
                assert time.monotonic() - began < 30
                assert self._process.poll() is None
                time.sleep(0.02)

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(30)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vsftpd]:
    with Vsftpd(tmp_path_factory.mktemp("ftp")) as running:
        yield running


def recipient(kind: str, port: int, **more: object) -> Recipient:
    values: dict[str, object] = {
        "name": "Files",
        "kind": kind,
        "host": "127.0.0.1",
        "port": port,
        "folder": "in",
    }
    return validate(Recipient, "files", values | more)


@pytest.mark.proves("M-309", "M-310", "M-312", "M-314")
@pytest.mark.parametrize("passive", [True, False])
@pytest.mark.parametrize("temporary", [True, False])
async def test_a_file_is_uploaded_by_ftp(server: Vsftpd, passive: bool, temporary: bool) -> None:
    told = await ftp.send(recipient("ftp", server.port, passive=passive, temporary=temporary), PICTURE)
    assert PICTURE.name in told
    there = server.root / "in" / PICTURE.name
    assert there.read_bytes() == PICTURE.data
    assert [each.name for each in (server.root / "in").iterdir()] == [PICTURE.name]
    there.unlink()


@pytest.mark.proves("M-311")
async def test_a_folder_that_is_not_there_is_said_and_not_made(server: Vsftpd) -> None:
    with pytest.raises(RecipientRefuses, match="550"):
        await ftp.send(recipient("ftp", server.port, folder="nowhere"), PICTURE)
    assert not (server.root / "nowhere").exists()


async def test_a_wrong_user_is_said(server: Vsftpd) -> None:
    with pytest.raises(RecipientRefuses, match="530"):
        await ftp.send(recipient("ftp", server.port, user="otto", password="x"), PICTURE)


@pytest.mark.proves("M-313")
async def test_an_upload_that_breaks_leaves_no_file_of_that_name(server: Vsftpd) -> None:
    folder = server.root / "in"
    folder.chmod(0o755)
    (folder / PICTURE.name).mkdir()  # the renaming fails
    with pytest.raises(RecipientRefuses):
        await ftp.send(recipient("ftp", server.port), PICTURE)
    (folder / PICTURE.name).rmdir()
    for left in folder.iterdir():
        assert left.name == f".{PICTURE.name}.part"
        left.unlink()


def clip(folder: Path) -> Parcel:
    """A file in the spool."""
    path = folder / "17-c-gate.mkv"
    path.write_bytes(bytes(range(256)) * 4000)
    return Parcel("gate-000018.mkv", "video/matroska", "Gate", "Gate", file=str(path))


def half(parcel: Parcel, folder: Path) -> bytes:
    """What an upload that broke has left, told from what would be sent; and what is there when it has gone on."""
    first = b"?" * (parcel.size // 2)
    (folder / parcel.temporary).write_bytes(first)
    return first + whole(parcel)[len(first) :]


def whole(parcel: Parcel) -> bytes:
    with parcel.open() as data:
        return data.read()


async def test_ftp_goes_on_where_an_upload_broke(server: Vsftpd, tmp_path: Path) -> None:
    parcel, folder = clip(tmp_path), server.root / "in"
    expected = half(parcel, folder)
    await ftp.send(recipient("ftp", server.port), parcel)
    assert (folder / parcel.name).read_bytes() == expected
    (folder / parcel.temporary).write_bytes(b"?" * (parcel.size + 1))  # not the beginning of this one
    await ftp.send(recipient("ftp", server.port), parcel)
    assert (folder / parcel.name).read_bytes() == whole(parcel)
    (folder / parcel.name).unlink()
    assert list(folder.iterdir()) == []


async def test_sftp_goes_on_where_an_upload_broke(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    parcel = clip(tmp_path)
    expected = half(parcel, tmp_path / "in")
    async with ssh(tmp_path, "ssh-ed25519") as (port, keys):
        one = recipient("sftp", port, user="nvr", password="secret", fingerprint=shown(keys[0]))
        for there in (expected, whole(parcel)):  # the second takes the place of the first
            await sftp.send(one, parcel)
            assert [each.name for each in (tmp_path / "in").iterdir()] == [parcel.name]
            assert (tmp_path / "in" / parcel.name).read_bytes() == there


async def test_no_server_is_said() -> None:
    for kind, send in (("ftp", ftp.send), ("sftp", sftp.send)):
        more = {"fingerprint": "a" * 43} if kind == "sftp" else {}
        with pytest.raises(RecipientUnreachable):
            await send(recipient(kind, 1, **more), PICTURE)


class _Door(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("nvr", "secret")


@asynccontextmanager
async def ssh(root: Path, *algorithms: str) -> AsyncIterator[tuple[int, list[asyncssh.SSHKey]]]:
    """An SFTP server with a key of each algorithm; its port, and the keys."""
    keys = [asyncssh.generate_private_key(each) for each in algorithms]

    def files(channel: asyncssh.SSHServerChannel[bytes]) -> asyncssh.SFTPServer:
        return asyncssh.SFTPServer(channel, chroot=str(root).encode())

    async with await asyncssh.listen(
        "127.0.0.1", 0, server_factory=_Door, server_host_keys=keys, sftp_factory=files
    ) as listening:
        yield listening.get_port(), keys


def shown(key: asyncssh.SSHKey) -> str:
    """As ssh-keygen prints it."""
    return key.get_fingerprint("sha256")


@pytest.mark.proves("M-323", "M-325", "M-326", "M-329")
@pytest.mark.parametrize("algorithm", ["ssh-rsa", "ecdsa-sha2-nistp256", "ssh-ed25519", "ssh-dss"])
async def test_a_file_is_uploaded_by_sftp(tmp_path: Path, algorithm: str) -> None:
    (tmp_path / "in").mkdir()
    async with ssh(tmp_path, algorithm) as (port, keys):
        one = recipient("sftp", port, user="nvr", password="secret", fingerprint=shown(keys[0]))
        await sftp.send(one, PICTURE)
    assert [each.name for each in (tmp_path / "in").iterdir()] == [PICTURE.name]
    assert (tmp_path / "in" / PICTURE.name).read_bytes() == PICTURE.data


@pytest.mark.proves("M-324")
async def test_md5_will_do_too(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    async with ssh(tmp_path, "ssh-ed25519") as (port, keys):
        md5 = hashlib.md5(keys[0].public_data, usedforsecurity=False).hexdigest()
        await sftp.send(recipient("sftp", port, user="nvr", password="secret", fingerprint=md5), PICTURE)
    assert (tmp_path / "in" / PICTURE.name).exists()


@pytest.mark.proves("M-327")
async def test_rsa_is_preferred_and_then_ecdsa(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    async with ssh(tmp_path, "ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa") as (port, keys):
        await sftp.send(
            recipient("sftp", port, user="nvr", password="secret", fingerprint=shown(keys[2])), PICTURE
        )
    (tmp_path / "in" / PICTURE.name).unlink()
    async with ssh(tmp_path, "ssh-ed25519", "ecdsa-sha2-nistp256") as (port, keys):
        await sftp.send(
            recipient("sftp", port, user="nvr", password="secret", fingerprint=shown(keys[1])), PICTURE
        )


@pytest.mark.proves("M-328")
async def test_another_key_gets_neither_password_nor_file(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    async with ssh(tmp_path, "ssh-ed25519") as (port, _):
        with pytest.raises(NotTheRecipient, match="another fingerprint"):
            await sftp.send(
                recipient("sftp", port, user="nvr", password="secret", fingerprint="a" * 43), PICTURE
            )
    assert list((tmp_path / "in").iterdir()) == []


@pytest.mark.proves("M-323")
async def test_sftp_says_what_is_wrong(tmp_path: Path) -> None:
    async with ssh(tmp_path, "ssh-ed25519") as (port, keys):
        one = {"user": "nvr", "password": "secret", "fingerprint": shown(keys[0])}
        with pytest.raises(RecipientRefuses, match="no folder 'in'"):
            await sftp.send(recipient("sftp", port, **one), PICTURE)
        with pytest.raises(RecipientRefuses, match="user or password"):
            await sftp.send(recipient("sftp", port, **(one | {"password": "wrong"})), PICTURE)
