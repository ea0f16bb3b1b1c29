"""Recipients in the control plane: what is sent to them waits in the outbox, each recipient at its own pace."""

from __future__ import annotations

import asyncio
import importlib
import json
import random
import secrets
from collections.abc import Awaitable, Callable, Sequence

from device.errors import HoldfastError, NotFound, Refused
from device.outbox.delivery import Undeliverable, deliver
from device.outbox.outbox import Box, Draft, Letter, Limits, Outbox
from device.planes.link import Server
from device.planes.outward import AllTried, Tried, TryRecipient
from device.recipients.errors import RecipientRefuses, RecipientUnreachable
from device.recipients.parcel import Parcel, file_name, temporary
from device.records import BadRecord, from_json, to_json
from device.settings.recipients import Kind, Recipient
from device.settings.recorder import Recorder
from device.settings.section import validate
from integration.destinations import serve_each
from integration.plane import Plane
from protocols import ftp, mail, tcp, webhook
from protocols.smb.errors import ShareUnreachable
from protocols.smb.share import Place, Share

LIMITS = Limits(octets=256_000_000, seconds=7 * 86_400)  #: of what waits for one recipient
_PREFIX = "recipient/"  # of the names of the boxes

Send = Callable[[Recipient, Parcel], Awaitable[str]]


async def _to_share(recipient: Recipient, parcel: Parcel) -> str:
    try:
        return await asyncio.to_thread(_put, recipient, parcel)
    except ShareUnreachable as error:
        raise RecipientUnreachable(str(error)) from error
    except Refused as error:
        raise RecipientRefuses(str(error)) from error


def _put(recipient: Recipient, parcel: Parcel) -> str:
    host, port = recipient.address
    password = recipient.password.get_secret_value()
    folder = recipient.folder.replace("/", "\\").strip("\\")
    place = Place(host, port, recipient.share, recipient.user, password, encrypt=False)
    with Share(place) as share:
        share.names(folder)  # it is not made by us
        path = f"{folder}\\{parcel.name}" if folder else parcel.name
        first = f"{folder}\\{temporary(parcel.name)}".lstrip("\\") if recipient.temporary else path
        step = share.chunk()
        pieces = (parcel.data[at : at + step] for at in range(0, len(parcel.data), step))
        share.write(first, 0, pieces, on_written=_unheard)
        if recipient.temporary:
            share.rename(first, path)
    return f"{parcel.name} is in {place.unc}\\{folder}"


def _unheard(_written: int) -> None:
    """Nobody follows how far a small file is."""


async def _by_sftp(recipient: Recipient, parcel: Parcel) -> str:
    # An SSH library is large: who sends nothing this way does not hold it in memory.
    sftp = await asyncio.to_thread(importlib.import_module, "protocols.sftp")
    done: str = await sftp.send(recipient, parcel)
    return done


#: How something is sent to each kind of recipient.
SENDS: dict[Kind, Send] = {
    Kind.FTP: ftp.send,
    Kind.SFTP: _by_sftp,
    Kind.HTTP: webhook.send,
    Kind.HTTPS: webhook.send,
    Kind.EMAIL: mail.send,
    Kind.TCP: tcp.send,
    Kind.STORAGE: _to_share,
}


class _Sender:
    """`device.outbox.delivery.Sender`, for one recipient."""

    window = 1

    def __init__(self, recipient: Recipient) -> None:
        self._recipient = recipient

    async def send(self, letters: Sequence[Letter]) -> int:
        try:
            await SENDS[self._recipient.kind](self._recipient, from_json(Parcel, letters[0].body))
        except (RecipientRefuses, BadRecord) as error:
            raise Undeliverable(str(error)) from error
        return 1


class RecipientsPlane:
    """The recipients of the settings."""

    def __init__(self, own: Plane, outbox: Outbox) -> None:
        self._own = own
        self._outbox = outbox
        self._number = secrets.randbelow(1_000_000)  #: of the next test's file

    def send(self, key: str, parcel: Parcel) -> None:
        """Have something sent: it waits on the disk until the recipient has it. Raises NotFound where there is no such
        recipient, TooLarge."""
        if key not in self._own.settings.keys(Recipient):
            raise NotFound("recipient", key)
        self._box(key).put([Draft(parcel.name, to_json(parcel))])

    def say(self, key: str, subject: str, text: str) -> None:
        """Have a message sent; where recipients keep files, as one. Raises NotFound, TooLarge."""
        self._number += 1
        name = file_name(subject, self._own.clock.utc(), self._number, ".txt")
        self.send(key, Parcel(name, "text/plain", subject, text, text.encode()))

    def answer(self, server: Server) -> None:
        """Let `server` try recipients."""
        server.on(TryRecipient, self._try)

    async def run(self) -> None:
        """For ever."""
        await serve_each(self._own.settings, self._outbox, Recipient, _PREFIX, lambda _: True, self._serve)

    def _box(self, key: str) -> Box:
        return self._outbox.box(f"{_PREFIX}{key}", LIMITS)

    async def _serve(self, key: str, recipient: Recipient) -> None:
        own = self._own
        await deliver(self._box(key), _Sender(recipient), own.clock, own.bus.publish, random.random)

    async def _try(self, request: TryRecipient) -> AllTried:
        recipient = self._candidate(request)
        name = self._own.settings.get(Recorder).name
        self._number += 1
        text = f"This is a test of the recorder {name}."
        file = file_name("test", self._own.clock.utc(), self._number, ".txt")
        parcel = Parcel(file, "text/plain", f"Test of {name}", text, text.encode() + b"\n")
        try:
            said = await SENDS[recipient.kind](recipient, parcel)
        except HoldfastError as error:
            return AllTried((Tried(request.key, False, f"{error} {error.hint}".rstrip()),))
        return AllTried((Tried(request.key, True, said),))

    def _candidate(self, request: TryRecipient) -> Recipient:
        if not request.values:
            return self._own.settings.get(Recipient, request.key)
        try:
            values = json.loads(request.values)
        except ValueError:
            values = None
        if not isinstance(values, dict):
            raise Refused("What is to be tried must be a JSON object of settings.")
        return validate(Recipient, request.key, values)
