"""A file by which another program is told what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from device.durable import write_durably


class KeptFile:
    """The file, and whether the program has taken it. That may refuse: then it is asked again the next time."""

    def __init__(self, path: Path, take: Callable[[], Awaitable[object]]) -> None:
        """`take` lets the program read the file."""
        self._path = path
        self._take = take
        self._taken: bytes | None = None  #: what it has read, as far as we know

    async def hold(self, data: bytes) -> None:
        """Let the file be so, for all to read, and have it taken. Raises OSError, and what `take` raises."""
        if not self._path.exists() or self._path.read_bytes() != data:
            await asyncio.to_thread(write_durably, self._path, data, mode=0o644)
        if self._taken != data:
            await self._take()
            self._taken = data
