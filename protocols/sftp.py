"""SFTP (draft-ietf-secsh-filexfer-02, version 3), outwards. The server is known by its key's fingerprint alone."""

from __future__ import annotations

import asyncio
import contextlib
import posixpath

import asyncssh

from device.recipients.errors import NotTheRecipient, RecipientRefuses, RecipientUnreachable
from device.recipients.parcel import Parcel
from device.settings.recipients import Recipient

SECONDS = 30.0
PIECE = 1 << 18  #: octets that are held at once
#: Host keys in the order in which we like them; RSA with SHA-2 before the old one.
HOST_KEYS = (
    "rsa-sha2-256",
    "rsa-sha2-512",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-ed25519",
    "ssh-dss",
)
_MD5 = 32  # figures


async def send(recipient: Recipient, parcel: Parcel) -> str:
    """Upload a file; what was done. Raises RecipientUnreachable, RecipientRefuses, NotTheRecipient."""
    host, port = recipient.address
    where = f"{host}, port {port}"
    try:
        async with asyncio.timeout(parcel.within(SECONDS)):
            await _send(recipient, parcel)
    except asyncssh.HostKeyNotVerifiable as error:
        raise NotTheRecipient(f"{where}: the server's key has another fingerprint.") from error
    except asyncssh.PermissionDenied as error:
        raise RecipientRefuses(f"{where}: user or password is wrong.") from error
    except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath) as error:
        raise RecipientRefuses(f"{where}: there is no folder {recipient.folder!r}.") from error
    except asyncssh.SFTPError as error:
        raise RecipientRefuses(f"{where}: {error.reason}") from error
    except (OSError, asyncssh.Error) as error:
        raise RecipientUnreachable(f"{where}: {str(error) or 'no answer'}") from error
    return f"{parcel.name} is in {recipient.folder or 'the first folder'} of {where}"


async def _send(recipient: Recipient, parcel: Parcel) -> None:
    host, port = recipient.address

    class Client(asyncssh.SSHClient):
        def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002
            return fingerprint(key, md5=len(recipient.fingerprint) == _MD5) == recipient.fingerprint

    async with (
        asyncssh.connect(
            host,
            port,
            config=None,
            client_factory=Client,
            known_hosts=b"",  # nobody else vouches for a server
            server_host_key_algs=HOST_KEYS,
            username=recipient.user,
            password=recipient.password.get_secret_value(),
            client_keys=None,
            agent_path=None,
        ) as connection,
        connection.start_sftp_client() as sftp,
    ):
        path = posixpath.join(recipient.folder, parcel.name)
        if not recipient.temporary:
            await _write(sftp, parcel, path, 0)
            return
        first = posixpath.join(recipient.folder, parcel.temporary)
        there = (await sftp.stat(first)).size if await sftp.exists(first) else None
        await _write(sftp, parcel, first, parcel.begin(there))
        with contextlib.suppress(asyncssh.SFTPNoSuchFile):
            await sftp.remove(path)  # version 3 renames onto nothing that is there (s6.5)
        await sftp.rename(first, path)


async def _write(sftp: asyncssh.SFTPClient, parcel: Parcel, path: str, at: int) -> None:
    with parcel.open() as data:
        data.seek(at)
        async with sftp.open(path, "r+b" if at else "wb") as file:
            await file.seek(at)
            while piece := await asyncio.to_thread(data.read, PIECE):
                await file.write(piece)


def fingerprint(key: asyncssh.SSHKey, *, md5: bool) -> str:
    """As the settings keep it: MD5 in hexadecimal without colons, SHA-256 in base64 without padding."""
    shown = key.get_fingerprint("md5" if md5 else "sha256").partition(":")[2]
    return shown.replace(":", "") if md5 else shown
