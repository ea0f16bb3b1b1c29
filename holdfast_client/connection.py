"""Requests, streams and sockets: what the parts of the API stand on."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import aiohttp

from holdfast_client.errors import NotLoggedIn, Problem, Unreachable, problem_of

Query = Mapping[str, str | int | float | bool | None]
Trust = ssl.SSLContext | aiohttp.Fingerprint | bool
SESSION_ENDED = 4401  #: close code of a WebSocket whose session has ended
CONNECT_SECONDS = 30.0


class Connection:
    """One recorder, over somebody's HTTP session."""

    def __init__(self, url: str, session: aiohttp.ClientSession, token: str, trust: Trust) -> None:
        self._url = url.rstrip("/")
        self._session = session
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._trust = trust

    async def ask(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: object = None,
        match: int | None = None,
    ) -> Any:  # Any: JSON; each route says what
        """The answer; None where there is none. Raises Problem, Unreachable."""
        more: dict[str, Any] = {"headers": {} if match is None else {"If-Match": f'"{match}"'}}
        if body is not None:
            more["json"] = body
        async with self.open(method, path, query=query, **more) as answer:
            try:
                text = await answer.text()
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise _unreachable(self._url, error) from error
            return json.loads(text) if text else None

    @asynccontextmanager
    async def open(
        self, method: str, path: str, *, query: Query | None = None, **more: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer whose body is read by the caller. Raises Problem, Unreachable."""
        headers = {**self._headers, **more.pop("headers", {})}
        request = self._session.request(
            method,
            self._url + path,
            params=_given(query),
            headers=headers,
            ssl=self._trust,
            allow_redirects=False,
            **more,
        )
        try:
            answer = await request
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unreachable(self._url, error) from error
        async with answer:
            if answer.status >= 300:
                raise await _problem(answer)
            yield answer

    async def follow(
        self, path: str, *, query: Query | None = None, last: str = ""
    ) -> AsyncIterator[tuple[str, Any]]:
        """Server-sent events: the id of each, to be given as `last` when one begins again, and its JSON.

        Raises Problem, Unreachable when the connection breaks.
        """
        headers = {"Last-Event-ID": last} if last else {}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
        async with self.open("GET", path, query=query, headers=headers, timeout=timeout) as answer:
            fields: dict[str, str] = {}
            try:
                async for line in answer.content:
                    text = line.decode().rstrip("\r\n")
                    name, _, value = text.partition(":")
                    if text and name:
                        fields[name] = value.removeprefix(" ")
                    elif "data" in fields:
                        yield fields.get("id", ""), json.loads(fields["data"])
                    if not text:
                        fields = {}
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise _unreachable(self._url, error) from error
        raise Unreachable(f"{self._url}: the stream ended.")

    @asynccontextmanager
    async def socket(
        self, path: str, *, query: Query | None = None
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """A WebSocket. Raises Problem, Unreachable."""
        try:
            socket = await self._session.ws_connect(
                self._url + path, params=_given(query), headers=self._headers, ssl=self._trust, heartbeat=30.0
            )
        except aiohttp.WSServerHandshakeError as error:
            raise problem_of(error.status, {"detail": f"{path}: {error.status}"}) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unreachable(self._url, error) from error
        async with socket:
            yield socket

    async def live(self, topics: tuple[str, ...]) -> AsyncIterator[tuple[str, Any]]:
        """See `Holdfast.live`."""
        async with self.socket("/api/live") as socket:
            if topics:
                await socket.send_json({"topics": list(topics)})
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    told = json.loads(message.data)
                    yield told["topic"], told["data"]
            if socket.close_code == SESSION_ENDED:
                raise NotLoggedIn({"detail": "The session has ended."}, 401)
        raise Unreachable(f"{self._url}: the connection ended.")


def segment(value: object) -> str:
    """A value as one segment of a path."""
    return quote(str(value), safe="")


def _given(query: Query | None) -> dict[str, str]:
    """What is asked for; what is None is not."""
    chosen = {name: value for name, value in (query or {}).items() if value is not None}
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in chosen.items()
    }


async def _problem(answer: aiohttp.ClientResponse) -> Problem:
    try:
        told = json.loads(await answer.text())
    except (TimeoutError, ValueError, aiohttp.ClientError, OSError):
        told = None
    return problem_of(answer.status, told)


def _unreachable(url: str, error: BaseException) -> Unreachable:
    return Unreachable(f"{url}: {str(error) or type(error).__name__}")
