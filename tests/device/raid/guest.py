"""A guest as the machine that the Linux driver drives."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from dataclasses import dataclass

from device.linux.run import ProgramFailed, ProgramHung, ProgramMissing
from tests.guest.machine import Guest, Said


@dataclass(frozen=True, slots=True)
class GuestMachine:
    """Implements `Machine`."""

    guest: Guest

    async def run(self, argv: Sequence[str], *, within: float, stdin: bytes = b"") -> str:
        """Machine."""
        said = await asyncio.to_thread(self.guest.run, *argv, stdin=stdin, timeout=within * 4)  # emulated
        name = argv[0]
        if said.code == -1 and "FileNotFoundError" in said.err:
            raise ProgramMissing(name)
        if said.code == -1:
            raise ProgramHung(name, said.err)
        if said.code:
            raise ProgramFailed(name, said.code, said.err, said.out)
        return said.out

    async def read(self, path: str) -> bytes | None:
        """Machine."""
        said = await self._look("read", path)
        return base64.b64decode(said.out) if not said.code else None

    async def write(self, path: str, text: str) -> None:
        """Machine."""
        said = await self._look("write", path, text)
        if said.code:
            raise OSError(said.code, said.err)

    async def link(self, path: str) -> str | None:
        """Machine."""
        said = await self._look("link", path)
        return said.out if not said.code else None

    async def find(self, pattern: str) -> list[str]:
        """Machine."""
        return (await self._look("find", pattern)).out.split()

    async def room(self, path: str) -> tuple[int, int]:
        """Machine."""
        said = await self._look("room", path)
        if said.code:
            raise OSError(said.code, said.err)
        size, free = said.out.split()
        return int(size), int(free)

    async def _look(self, what: str, path: str, text: str = "") -> Said:
        return await asyncio.to_thread(self.guest.look, what, path, text)
