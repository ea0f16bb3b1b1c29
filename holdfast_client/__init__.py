"""A recorder, from a program of somebody else: typed, asynchronous, over the caller's own HTTP session.

    async with aiohttp.ClientSession() as session:
        recorder = Holdfast("https://recorder.example", session, token="hf_...")
        for camera in (await recorder.cameras.cameras())["cameras"]:
            print(camera["name"], [stream["well"] for stream in camera["streams"]])
        async for topic, data in recorder.live("cameras", "event"):
            ...

It imports nothing of the recorder. Each subject of the API is an attribute; the methods are those of its table of
routes. What is refused is raised as a `Problem`, whose class says of which kind.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp

from holdfast_client.api import Parts
from holdfast_client.connection import Connection, Trust
from holdfast_client.errors import (
    BadValue,
    ChangedMeanwhile,
    FieldError,
    HoldfastError,
    NotAllowed,
    NotFound,
    NotLoggedIn,
    Problem,
    RecorderFault,
    Refused,
    TooManyTries,
    Unreachable,
)

__all__ = [
    "BadValue",
    "ChangedMeanwhile",
    "FieldError",
    "Holdfast",
    "HoldfastError",
    "NotAllowed",
    "NotFound",
    "NotLoggedIn",
    "Problem",
    "RecorderFault",
    "Refused",
    "TooManyTries",
    "Unreachable",
]


class Holdfast(Parts):
    """One recorder."""

    def __init__(
        self, url: str, session: aiohttp.ClientSession, *, token: str = "", trust: Trust = True
    ) -> None:
        """`url`: https://HOST. `token`: empty where one logs in with `access.login`, whose session is a cookie of the
        HTTP session. `trust`: a context with an authority, or `aiohttp.Fingerprint` of a self-signed certificate."""
        self._connection = Connection(url, session, token, trust)
        super().__init__(self._connection)

    def live(self, *topics: str) -> AsyncIterator[tuple[str, Any]]:
        """State as it changes: a topic, and what its GET answers, whole, at once and whenever it has changed; `event`:
        each event as it happens. Without topics: all.

        Raises Unreachable when the connection ends: begin again, nothing is lost but events. Raises NotLoggedIn.
        """
        return self._connection.live(topics)
