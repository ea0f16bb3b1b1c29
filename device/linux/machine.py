"""The machine that a driver drives: programs, and small files of /sys and /proc. This one, or a guest in the tests."""

from __future__ import annotations

import asyncio
import contextlib
import glob
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from device.linux import run


class Machine(Protocol):
    """A Linux machine. Reading never raises: what cannot be read is not there."""

    async def run(self, argv: Sequence[str], *, within: float, stdin: bytes = b"") -> str:
        """Run a program; what it printed. Raises what `device.linux.run.run` raises. `within`: seconds."""

    async def read(self, path: str) -> bytes | None:
        """A small file; None where it cannot be read."""

    async def write(self, path: str, text: str) -> None:
        """Write to a file that is there, as those of /sys. Raises OSError."""

    async def link(self, path: str) -> str | None:
        """Where a symbolic link leads, resolved; None where that is nothing that exists."""

    async def find(self, pattern: str) -> list[str]:
        """The paths that match, sorted."""

    async def room(self, path: str) -> tuple[int, int]:
        """Bytes of the file system there: all, and those that an ordinary user can still take. Raises OSError."""


class ThisMachine:
    """Implements `Machine`. What may hang on a dying disk is done in a thread."""

    async def run(self, argv: Sequence[str], *, within: float, stdin: bytes = b"") -> str:
        """Machine."""
        return await run.run(argv, within=within, stdin=stdin)

    async def read(self, path: str) -> bytes | None:
        """Machine."""
        with contextlib.suppress(OSError):
            return Path(path).read_bytes()  # noqa: ASYNC240 - /sys answers from memory
        return None

    async def write(self, path: str, text: str) -> None:
        """Machine."""
        await asyncio.to_thread(Path(path).write_text, text, "ascii")

    async def link(self, path: str) -> str | None:
        """Machine."""
        with contextlib.suppress(OSError):
            return os.path.realpath(path, strict=True)  # noqa: ASYNC240 - likewise
        return None

    async def find(self, pattern: str) -> list[str]:
        """Machine."""
        return sorted(glob.glob(pattern))  # noqa: PTH207 - the pattern is absolute

    async def room(self, path: str) -> tuple[int, int]:
        """Machine."""
        found = await asyncio.to_thread(os.statvfs, path)
        return found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize
