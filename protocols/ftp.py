"""FTP (RFC 959, RFC 2428), outwards. With the standard library's client, in a thread: aioftp knows no active mode."""

from __future__ import annotations

import asyncio
import ftplib
import io

from device.recipients.errors import RecipientRefuses, RecipientUnreachable
from device.recipients.parcel import Parcel, temporary
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
            name = temporary(parcel.name) if recipient.temporary else parcel.name
            client.storbinary(f"STOR {name}", io.BytesIO(parcel.data))
            if recipient.temporary:
                client.rename(name, parcel.name)
    except (ftplib.error_perm, ValueError) as error:  # 5yz: the same command will fail again (RFC 959 s4.2)
        raise RecipientRefuses(f"{where}: {error}") from error
    except (OSError, ftplib.Error, EOFError) as error:
        raise RecipientUnreachable(f"{where}: {str(error) or 'the server ended the connection'}") from error
    return f"{parcel.name} is in {recipient.folder or 'the first folder'} of {where}"
