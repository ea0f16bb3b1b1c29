"""Running another program: an argument list, never a shell; a time limit; a bound on what it may say."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence

from device.errors import Fault

SAID = 2000  #: characters of a program's complaint that are kept


class ProgramMissing(Fault):
    """The program is not installed."""

    hint = "Install it; the system's package manager knows which package it is in."

    def __init__(self, program: str) -> None:
        super().__init__(f"{program} is not installed.")
        self.program = program


class ProgramFailed(Fault):
    """The program ended with an error. `code`: negative for a signal; `said`: what it complained of; `printed`: its
    standard output."""

    def __init__(self, program: str, code: int, said: str, printed: str) -> None:
        complaint = said.strip() or printed.strip()[-SAID:]  # chronyc complains on its standard output
        super().__init__(f"{program} ended with {code}: {complaint or 'without a word'}")
        self.program = program
        self.code = code
        self.said = said
        self.printed = printed


class ProgramHung(Fault):
    """The program did not end in time, or said more than was expected of it. It was killed."""

    transient = True

    def __init__(self, program: str, why: str) -> None:
        super().__init__(f"{program} was killed: {why}.")
        self.program = program


async def run(argv: Sequence[str], *, within: float, most: int = 1 << 20, stdin: bytes = b"") -> str:
    """Run a program to its end; its standard output. Messages are asked for in English.

    `within`: seconds; `most`: octets of output. Raises ProgramMissing, ProgramFailed, ProgramHung. When the caller is
    cancelled the program is killed.
    """
    name = argv[0].rpartition("/")[2]
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env={**os.environ, "LC_ALL": "C"},
            start_new_session=True,  # so that what it started ends with it
        )
    except (FileNotFoundError, PermissionError):
        raise ProgramMissing(argv[0]) from None
    reading = [
        asyncio.create_task(_bounded(name, stream, most)) for stream in (process.stdout, process.stderr)
    ]
    feeding = asyncio.create_task(_feed(process.stdin, stdin))
    try:
        async with asyncio.timeout(within):
            said, complained = await asyncio.gather(*reading)
            code = await process.wait()
    except TimeoutError:
        raise ProgramHung(name, f"it did not end within {within:g} s") from None
    finally:
        if process.returncode is None:
            await _kill(process, reading)
        feeding.cancel()
    if code:
        raise ProgramFailed(
            name, code, complained.decode("utf-8", "replace")[-SAID:], said.decode("utf-8", "replace")
        )
    return said.decode("utf-8", "replace")


async def _kill(process: asyncio.subprocess.Process, reading: Sequence[asyncio.Task[bytes]]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    for task in reading:
        task.cancel()
    await asyncio.gather(*reading, return_exceptions=True)
    for stream in (
        process.stdout,
        process.stderr,
    ):  # its end is only noticed when its pipes are read to theirs
        while stream is not None and await stream.read(65_536):
            continue
    await process.wait()


async def _bounded(name: str, stream: asyncio.StreamReader | None, most: int) -> bytes:
    """All that comes. Raises ProgramHung where it is too much."""
    assert stream is not None
    parts, length = [], 0
    while part := await stream.read(65_536):
        parts.append(part)
        length += len(part)
        if length > most:
            raise ProgramHung(name, f"it said more than {most} octets")
    return b"".join(parts)


async def _feed(stream: asyncio.StreamWriter | None, data: bytes) -> None:
    assert stream is not None
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it need not read what it is given
        stream.write(data)
        await stream.drain()
    stream.close()
