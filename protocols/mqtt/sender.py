"""Letters of the outbox as publications."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence

from device.errors import HoldfastError
from device.media import MICROSECONDS, Utc
from device.outbox.delivery import Undeliverable
from device.outbox.outbox import Draft, Letter
from protocols.mqtt.connection import Connection
from protocols.mqtt.errors import BrokerRefuses


def draft(topic: str, payload: bytes, *, retain: bool = False, fresh: float | None = None) -> Draft:
    """A publication that waits for its broker. `fresh`: it is of no use after so many seconds, and is left out."""
    head: dict[str, object] = {"topic": topic}
    if retain:
        head["retain"] = True
    if fresh is not None:
        head["fresh"] = fresh
    return Draft(json.dumps(head, ensure_ascii=False, separators=(",", ":")), payload)


class MqttSender:
    """Implements `device.outbox.delivery.Sender`."""

    window = 500

    def __init__(
        self,
        connection: Connection,
        ready: Callable[[], Awaitable[object]],
        now: Callable[[], Utc],
        *,
        qos: int = 1,
    ) -> None:
        """`ready`: waits until the broker is there, and knows what events are about."""
        self._connection = connection
        self._ready = ready
        self._now = now
        self._qos = qos
        self._published: dict[
            int, asyncio.Future[None]
        ] = {}  #: by letter; none is published twice in one session

    async def send(self, letters: Sequence[Letter]) -> int:
        """Sender. Waits for the broker as long as it takes: the connection itself tries again."""
        await self._ready()
        first = letters[0].id
        self._published = {id_: done for id_, done in self._published.items() if id_ >= first}
        for letter in letters:
            if letter.id not in self._published:
                self._published[letter.id] = self._publish(letter)
                self._published[letter.id].add_done_callback(_seen)
        for count, letter in enumerate(letters):
            try:
                await asyncio.shield(self._published[letter.id])
            except HoldfastError as error:
                if count:
                    return count
                del self._published[letter.id]
                if isinstance(error, BrokerRefuses) and not error.transient:
                    raise Undeliverable(str(error)) from error
                raise
        return len(letters)

    def _publish(self, letter: Letter) -> asyncio.Future[None]:
        head = json.loads(letter.head)
        fresh = head.get("fresh")
        if fresh is not None and self._now() - letter.utc > fresh * MICROSECONDS:
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            done.set_result(None)
            return done
        retain = head.get("retain", False)
        return self._connection.publish(head["topic"], letter.body, retain=retain, qos=self._qos)


def _seen(done: asyncio.Future[None]) -> None:
    """That it failed is told when its turn comes; where nobody waits for it any more it is no defect."""
    if not done.cancelled():
        done.exception()
