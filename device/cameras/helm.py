"""Steers one camera: one order after the other, and no movement longer than somebody holds on to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from device.cameras.control import Unreachable
from device.cameras.ptz import Head, Vector
from device.clock import Clock
from device.errors import HoldfastError

T = TypeVar("T")

LONGEST_HOLD = 5.0  #: seconds that one order may move a camera
RUN = 10.0  #: seconds that the camera itself is told: it stops even where the recorder is gone
AGAIN = (0.5, 1.0, 2.0)  #: seconds from one try to the next of stopping a camera that does not answer
LEAVE = 2.0  #: seconds that a camera, and who talks with it, may take when nobody steers it any more


class Helm:
    """One camera's. A movement is renewed by whoever holds on; where nobody does, it is stopped."""

    def __init__(self, head: Head, clock: Clock) -> None:
        self._head = head
        self._clock = clock
        self._lock = asyncio.Lock()
        self._going = Vector()
        self._renew = 0.0  #: monotonic seconds from which on a movement that goes on is told the camera anew
        self._watch: asyncio.Task[None] | None = None
        self._left = False

    async def move(self, velocity: Vector, seconds: float) -> None:
        """Move from now on for so many seconds, unless there is another order. Raises what `Head.move` raises."""
        if not velocity:
            await self.stop()
            return
        async with self._turn() as head:
            self._let_go()
            # Watched before it is told: the camera may move although its answer does not come.
            self._watch = asyncio.create_task(self._hold(seconds), name="a movement")
            now = self._clock.monotonic()
            if velocity != self._going or now >= self._renew:
                self._going, self._renew = velocity, now
                await head.move(velocity, RUN)
                self._renew = now + RUN / 2

    async def stop(self) -> None:
        """Stand still. Raises what `Head.stop` raises; then it is tried again when the movement's time is over."""
        async with self._turn() as head:
            await head.stop()
            self._let_go()
            self._going = Vector()

    async def go(self, order: Callable[[Head], Awaitable[None]]) -> None:
        """Go somewhere, which ends a movement. Raises what the order raises."""
        async with self._turn() as head:
            await order(head)
            self._let_go()
            self._going = Vector()

    async def ask(self, question: Callable[[Head], Awaitable[T]]) -> T:
        """What moves nothing. Raises what the question raises."""
        async with self._turn() as head:
            return await question(head)

    async def close(self) -> None:
        """Leave it, standing still if it can be reached."""
        self._left = True
        self._let_go()
        with suppress(HoldfastError, TimeoutError):
            async with asyncio.timeout(LEAVE), self._lock:
                if self._going:
                    await self._head.stop()

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[Head]:
        """One order after the other. Raises Unreachable: while this one waited, the camera was given up."""
        async with self._lock:
            if self._left:
                raise Unreachable("The camera did not answer the order before this one.")
            yield self._head

    def _let_go(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    async def _hold(self, seconds: float) -> None:
        for pause in (seconds, *AGAIN):
            await asyncio.sleep(pause)
            async with self._lock:
                with suppress(HoldfastError):
                    await self._head.stop()
                    self._going = Vector()
                    return
        self._going = Vector()  # it has stopped by itself, or nobody reaches it
