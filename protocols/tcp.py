"""Plain TCP, outwards: a connection, the text on one line and the data behind it, and the end."""

from __future__ import annotations

import asyncio
import contextlib

from device.recipients.errors import RecipientUnreachable
from device.recipients.parcel import Parcel
from device.settings.recipients import Recipient

SECONDS = 30.0
PIECE = 1 << 18  #: octets that are held at once


async def send(recipient: Recipient, parcel: Parcel) -> str:
    """Send it; what was done. Raises RecipientUnreachable."""
    host, port = recipient.address
    try:
        async with asyncio.timeout(parcel.within(SECONDS)):
            _, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(" ".join(parcel.text.split()).encode() + b"\n")
                with parcel.open() as data:
                    while piece := await asyncio.to_thread(data.read, PIECE):
                        writer.write(piece)
                        await writer.drain()
                writer.write_eof()
            finally:
                writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
    except (OSError, TimeoutError) as error:
        raise RecipientUnreachable(f"{host}, port {port}: {str(error) or 'no answer'}") from error
    return f"{host}, port {port} was sent {parcel.size} octets and the text"
