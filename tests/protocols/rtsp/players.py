"""Players that are not ours, as commands."""

from __future__ import annotations

import asyncio

LIMIT = 40.0  #: seconds for one player


async def run(*command: str, forgive: str | None = None) -> bytes:
    """A player, to its end. Its standard output; a failure fails the test, unless it complains of `forgive`."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(LIMIT):
            out, complaints = await process.communicate()
    except BaseException:
        if process.returncode is None:
            process.kill()
        await process.wait()
        raise
    forgiven = forgive is not None and forgive in complaints.decode()
    assert process.returncode == 0 or forgiven, complaints.decode()[-2000:]
    return out
