"""The cases, a module for each part of the standard; importing them registers them.

What a case demands is said by its decorator: there is no other docstring.
"""

from conformance.rtsp.cases import (
    accounts,
    description,
    malformed,
    media,
    messages,
    methods,
    player,
    ranges,
    replay,
    sessions,
    transports,
    tunnel,
    websocket,
)

__all__ = [
    "accounts",
    "description",
    "malformed",
    "media",
    "messages",
    "methods",
    "player",
    "ranges",
    "replay",
    "sessions",
    "transports",
    "tunnel",
    "websocket",
]
