"""Server-sent events (HTML s9.2): a stream of lines that a browser resumes by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import web

KEEPALIVE = 20.0  #: seconds after which a comment is sent, so that whoever left is noticed


@dataclass(frozen=True, slots=True)
class Message:
    """One event. `data` is on one line."""

    data: str
    id: str = ""
    event: str = ""

    def encode(self) -> bytes:
        """As it goes over the wire."""
        lines = [f"{name}: {value}" for name, value in (("id", self.id), ("event", self.event)) if value]
        return "\n".join([*lines, f"data: {self.data}", "", ""]).encode("utf-8", "replace")


async def stream(request: web.Request, messages: AsyncIterator[Message]) -> web.StreamResponse:
    """Send what comes, until the client leaves or there is no more."""
    headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    await response.write(b": here\n\n")
    following = asyncio.ensure_future(anext(messages, None))
    try:
        while True:
            done, _ = await asyncio.wait([following], timeout=KEEPALIVE)
            if not done:
                await response.write(b": still here\n\n")
                continue
            message = following.result()
            if message is None:
                break
            await response.write(message.encode())
            following = asyncio.ensure_future(anext(messages, None))
    except ConnectionResetError:
        pass  # whoever listened is gone
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    return response
