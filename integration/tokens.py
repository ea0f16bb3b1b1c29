"""How a camera's streams and their recordings are called."""

from __future__ import annotations

STREAMS = ("main", "sub")


def token_of(camera: str, stream: str) -> str:
    """The recording's token of a camera's stream: `c-7f3k2m`, `c-7f3k2m.sub`. Never changes."""
    return camera if stream == "main" else f"{camera}.{stream}"
