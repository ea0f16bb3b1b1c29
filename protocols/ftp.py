"""FTP (RFC 959, RFC 2428), outwards. With the standard library's client, in a thread: aioftp knows no active mode."""

from __future__ import annotations

import asyncio
import ftplib

from device.recipients.errors import RecipientRefuses, RecipientUnreachable
from device.recipients.parcel import Parcel
from device.settings.recipients import Recipient

SECONDS = 30.0


async def send(recipient: Recipient, parcel: Parcel) -> str:
    """Upload a file; what was done. Raises RecipientUnreachable, RecipientRefuses."""
    return await asyncio.to_thread(_send, recipient, parcel)


def _send(recipient: Recipient, parcel: Parcel) -> str:
    host, port = recipient.address
    where = f"{host}, port {port}"
    try:
        with ftplib.FTP(timeout=SECONDS) as client:  # noqa: S321 - the recipient has nothing better
            client.connect(host, port)
            client.login(recipient.user or "anonymous", recipient.password.get_secret_value())
            client.set_pasv(recipient.passive)
            if recipient.folder:
                client.cwd(recipient.folder)
            if recipient.temporary:
                _store(client, parcel, parcel.temporary, parcel.begin(_size(client, parcel.temporary)))
                client.rename(parcel.temporary, parcel.name)
            else:
                _store(client, parcel, parcel.name, 0)
    except (ftplib.error_perm, ValueError) as error:  # 5yz: the same command will fail again (RFC 959 s4.2)
        raise RecipientRefuses(f"{where}: {error}") from error
    except (OSError, ftplib.Error, EOFError) as error:
        raise RecipientUnreachable(f"{where}: {str(error) or 'the server ended the connection'}") from error
    return f"{parcel.name} is in {recipient.folder or 'the first folder'} of {where}"


def _store(client: ftplib.FTP, parcel: Parcel, name: str, at: int) -> None:
    """Upload from an octet on; from the first where the server cannot go on (RFC 3659 s5.3)."""
    with parcel.open() as data:
        data.seek(at)
        try:
            client.storbinary(f"STOR {name}", data, rest=at or None)
        except ftplib.error_perm:
            if not at:
                raise
            data.seek(0)
            client.storbinary(f"STOR {name}", data)


def _size(client: ftplib.FTP, name: str) -> int | None:
    """Octets of a file (RFC 3659 s4); None where there is none, or the server does not tell."""
    try:
        client.voidcmd("TYPE I")
        return client.size(name)
    except ftplib.error_perm:
        return None
