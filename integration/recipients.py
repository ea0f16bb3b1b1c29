"""Recipients in the control plane: what is sent to them waits in the outbox, each recipient at its own pace."""

from __future__ import annotations

import asyncio
import importlib
import json
import random
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from device.errors import HoldfastError, NotFound, Refused
from device.outbox.delivery import Undeliverable, deliver
from device.outbox.outbox import Box, Draft, Letter, Limits, Outbox
from device.planes.link import Server
from device.planes.outward import AllTried, Tried, TryRecipient
from device.recipients.errors import RecipientRefuses, RecipientUnreachable
from device.recipients.parcel import Parcel, file_name
from device.records import BadRecord, from_json, to_json
from device.settings.recipients import Kind, Recipient
from device.settings.recorder import Recorder
from device.settings.section import validate
from integration.destinations import serve_each
from integration.plane import Plane
from protocols import ftp, mail, tcp, webhook
from protocols.smb.errors import ShareUnreachable
from protocols.smb.share import Place, Share

LIMITS = Limits(octets=1_000_000_000, seconds=7 * 86_400)  #: of what waits for one recipient, files included
SLOW = 900.0  #: seconds for which a recipient may take a file before it is said to fail
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
    with Share(place) as share, parcel.open() as data:
        share.names(folder)  # it is not made by us
        path = f"{folder}\\{parcel.name}" if folder else parcel.name
        first = f"{folder}\\{parcel.temporary}".lstrip("\\") if recipient.temporary else path
        step = share.chunk()
        at = parcel.begin(share.size(first)) if recipient.temporary else 0
        data.seek(at)
        share.write(first, at, iter(partial(data.read, step), b""), on_written=_unheard)
        if recipient.temporary:
            share.rename(first, path)
    return f"{parcel.name} is in {place.unc}\\{folder}"


def _unheard(_written: int) -> None:
    """Nobody follows how far it is."""


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

    def __init__(self, recipient: Recipient, spool: Path) -> None:
        self._recipient = recipient
        self._spool = spool

    async def send(self, letters: Sequence[Letter]) -> int:
        try:
            parcel = from_json(Parcel, letters[0].body)
            if parcel.file:
                parcel = replace(parcel, file=str(self._spool / parcel.file))
            await SENDS[self._recipient.kind](self._recipient, parcel)
        except (RecipientRefuses, BadRecord) as error:
            raise Undeliverable(str(error)) from error
        except FileNotFoundError as error:
            raise Undeliverable(f"{parcel.name} is not on the recorder's disk any more.") from error
        return 1


class RecipientsPlane:
    """The recipients of the settings."""

    def __init__(self, own: Plane, outbox: Outbox) -> None:
        self._own = own
        self._outbox = outbox
        self._number = secrets.randbelow(1_000_000)

    def number(self) -> int:
        """Of the next file: one higher each time."""
        self._number += 1
        return self._number

    def send(self, key: str, *parcels: Parcel) -> None:
        """Have things sent, all or none: they wait on the disk until the recipient has them. A file is named by its
        path in the spool. Raises NotFound where there is no such recipient, TooLarge."""
        self.check(key)
        spool = self._own.folder.spool
        self._box(key).put(
            [
                Draft(
                    each.file or each.name,
                    to_json(each),
                    (spool / each.file).stat().st_size if each.file else 0,
                )
                for each in parcels
            ]
        )

    def check(self, key: str) -> None:
        """Raises NotFound where there is no such recipient."""
        if key not in self._own.settings.keys(Recipient):
            raise NotFound("recipient", key)

    def waiting(self, key: str) -> set[str]:
        """What waits for a recipient: names, or paths in the spool."""
        return self._box(key).heads()

    def say(self, key: str, subject: str, text: str) -> None:
        """Have a message sent; where recipients keep files, as one. Raises NotFound, TooLarge."""
        name = file_name(subject, self._own.clock.utc(), self.number(), ".txt")
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
        sender = _Sender(recipient, own.folder.spool)
        await deliver(self._box(key), sender, own.clock, own.bus.publish, random.random, slow=SLOW)

    async def _try(self, request: TryRecipient) -> AllTried:
        recipient = self._candidate(request)
        name = self._own.settings.get(Recorder).name
        text = f"This is a test of the recorder {name}."
        file = file_name("test", self._own.clock.utc(), self.number(), ".txt")
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
