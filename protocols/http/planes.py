"""What the routes need of the other planes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

from device.planes.wire import Request, Subscription

R = TypeVar("R")


class Asker(Protocol):
    """A plane that answers."""

    async def call(self, request: Request[R]) -> R:
        """Ask it. Raises what it raises, or PlaneDown."""


class Streams(Asker, Protocol):
    """A plane that also streams."""

    def stream(
        self, request: Subscription[R], *, limit: int
    ) -> AbstractAsyncContextManager[AsyncIterator[R]]:
        """Ask it for a stream. `limit`: octets that may wait here."""
