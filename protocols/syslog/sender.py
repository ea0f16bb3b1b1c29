"""Carries the recorder's events to one syslog server: letters of the outbox in, messages out."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Sequence

from device.audit.logs import Log, log_of
from device.audit.trail import Receipt
from device.events.event import dump, load
from device.events.journal import Entry
from device.outbox.delivery import Undeliverable
from device.outbox.outbox import Draft, Letter
from device.planes.messages import EventItem
from device.records import BadRecord, from_json, to_json
from device.settings.syslog import Syslog, Transport
from protocols.syslog.catalogue import message
from protocols.syslog.connection import Connection, ServerUnreachable, connect
from protocols.syslog.message import Element, Manner, encode

#: Octets of one message. What receivers should take: RFC 5426 s3.2, RFC 5425 s4.3.1.
LONGEST = {Transport.UDP: 2048, Transport.TCP: 8192, Transport.TLS: 8192}

#: Where an entry of the journal stands in the audit trail.
Receipts = Callable[[int], Awaitable[Receipt | None]]


def drafts(entry: Entry, settings: Syslog) -> list[Draft]:
    """What leaves for a server on account of an event: the entry, or nothing."""
    if (
        type(entry.event).severity > settings.severity.severity
        or log_of(entry.event.name) not in settings.logs
    ):
        return []
    item = EventItem(entry.seq, entry.utc, entry.origin, entry.origin_seq, entry.raised, dump(entry.event))
    return [Draft("", to_json(item))]


class Sender:
    """`device.outbox.delivery.Sender`. Messages are written when they leave, so that they carry their place in the
    audit trail, and the number that RFC 5424 s7.3.1 wants to begin with each start."""

    window = 100

    def __init__(
        self, settings: Syslog, manner: Manner, tls: ssl.SSLContext, speaker: Element, receipts: Receipts
    ) -> None:
        self._settings = settings
        self._manner = manner
        self._tls = tls
        self._speaker = speaker
        self._receipts = receipts
        self._sent = 0
        self._connection: Connection | None = None

    async def send(self, letters: Sequence[Letter]) -> int:
        """Raises ServerUnreachable, Undeliverable."""
        messages: list[bytes] = []
        for letter in letters:
            try:
                entry = _entry(letter)
            except BadRecord as error:  # of a newer version of the recorder, before it was taken back
                if messages:
                    break
                raise Undeliverable(str(error)) from None
            receipt = await self._receipts(entry.seq) if log_of(entry.event.name) is Log.AUDIT else None
            sequence = self._sent + len(messages) + 1
            messages.append(encode(message(entry, receipt, sequence, self._speaker), self._manner))
        try:
            if self._connection is None:
                self._connection = await connect(self._settings.address, self._settings.transport, self._tls)
            await self._connection.send(messages)
        except ServerUnreachable:
            await self.close()
            raise
        self._sent += len(messages)
        return len(messages)

    async def close(self) -> None:
        """End the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


def _entry(letter: Letter) -> Entry:
    item = from_json(EventItem, letter.body)
    return Entry(item.seq, item.utc, item.origin, item.origin_seq, item.raised, load(item.event))
