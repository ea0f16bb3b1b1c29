"""RTSP sessions with a camera, RFC 2326, the client's side. Everything that we take from aiortsp is behind
this page.

aiortsp gives the connection, numbers the requests, and matches the responses to them. What it lacks or does
otherwise than cameras need is here or in the pure modules beside: authentication, session descriptions,
several tracks, channels that the camera chose, keep-alive, redirects. The octets never pass through it: see
`interleaved.py`.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import re
import secrets
import socket
import ssl
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit, urlunsplit

from aiortsp.rtsp.auth import Auth
from aiortsp.rtsp.connection import RTSPConnection
from aiortsp.rtsp.errors import RTSPConnectionError, RTSPError, RTSPResponseError, RTSPTimeoutError

from device import digest
from device.cameras.source import Address, Cause, SessionEnded
from device.errors import PeerFault
from protocols.rtsp import sdp, transport
from protocols.rtsp.health import Patience
from protocols.rtsp.interleaved import Interleaved, NotInterleaved
from protocols.rtsp.message import REASONS, VERSION, Headers, Request, Response
from protocols.rtsp.message import headers as make_headers

if TYPE_CHECKING:
    from asyncio.trsock import TransportSocket

DEFAULT_TIMEOUT = 60  #: seconds, RFC 2326 s12.37
PORTS = {"rtsp": 554, "rtsps": 322}
LIVE = MappingProxyType({"Range": "npt=0.000-"})  #: PLAY of what the camera sees now
_NOTHING: Mapping[str, str] = MappingProxyType({})
READS = 8  #: of one socket in a row, then it is the others' turn: no camera, however fast, keeps the loop

_NUMBER = re.compile(r"[0-9]{1,9}")
_TIMEOUT = re.compile(r"timeout\s*=\s*\"?([0-9]{1,6})")

# aiortsp tells in a log what it also raises, and at debug level the credentials.
_quiet = logging.getLogger("protocols.rtsp.session")
_quiet.addHandler(logging.NullHandler())
_quiet.propagate = False
_quiet.setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect, and as whom."""

    url: str  #: without credentials
    host: str  #: without brackets
    port: int
    tls: bool
    user: str
    password: str


def target_of(address: Address) -> Target:
    """The parts of an address. Credentials may stand in the URL too, percent-escaped (RFC 3986 s3.2.1)."""
    try:
        parts = urlsplit(address.url)
        port = parts.port
    except ValueError as error:
        raise SessionEnded(Cause.PROTOCOL, f"not a URL: {error}") from error
    scheme = parts.scheme.lower()
    if scheme not in PORTS or not parts.hostname:
        raise SessionEnded(Cause.PROTOCOL, f"not an RTSP URL: {parts.scheme}://{parts.hostname or ''}")
    host = parts.hostname
    shown = f"[{host}]" if ":" in host else host
    netloc = shown if port is None else f"{shown}:{port}"
    url = urlunsplit((scheme, netloc, parts.path, parts.query, ""))
    return Target(
        url,
        unquote(host),
        port or PORTS[scheme],
        scheme == "rtsps",
        address.user or unquote(parts.username or ""),
        address.password or unquote(parts.password or ""),
    )


class Redirected(Exception):
    """The camera sends us elsewhere (RFC 2326 s11.3)."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.location = location


class Refusal(PeerFault):
    """A request was answered with a status that is no success. Never 401, 403 or a redirection."""

    def __init__(self, method: str, status: int) -> None:
        super().__init__(f"{method} answered {status} {REASONS.get(status, '')}".rstrip())
        self.status = status


class Credentials(Auth):  # type: ignore[misc]  # aiortsp ships no types
    """Answers challenges (RFC 7616, RFC 7617): the strongest Digest that is offered, Basic where nothing
    else is.
    """

    def __init__(self, target: Target) -> None:
        super().__init__()
        self._target = target
        self._challenge: digest.Challenge | None = None
        self._accepted = False
        self._refused: set[str] = set()  # algorithms whose answer was refused
        self._secret = ""
        self._count = 0

    def challenged(self, values: list[str]) -> bool:
        """A 401 came. Returns whether to try once more: with a fresh nonce, or with the next algorithm."""
        before = self._challenge
        offered = digest.challenges(values)
        if not offered or not (self._target.user or self._target.password):
            return False
        if before is not None:
            renewed = next((c for c in offered if _name(c) == _name(before)), None)
            old = renewed is not None and renewed.nonce != before.nonce and (self._accepted or renewed.stale)
            if not old:
                self._refused.add(_name(before))
        # A password that Digest was refused with is not then sent in clear.
        left = [c for c in offered if _name(c) not in self._refused]
        if not left or (self._refused and left[0].scheme == "basic" and not self._target.tls):
            return False
        best = self._challenge = left[0]
        self._accepted = False
        self._count = 0
        if best.scheme == "digest":
            self._secret = digest.secret_of(
                self._target.user, best.realm, self._target.password, best.algorithm
            )
        return True

    def make_auth(self, method: str, url: str, headers: dict[str, str]) -> None:
        """Called by aiortsp for each request."""
        challenge = self._challenge
        if challenge is None:
            return
        self._count += 1
        user = self._target.user
        if challenge.scheme == "basic":
            pair = f"{user}:{self._target.password}".encode()
            headers["Authorization"] = "Basic " + b64encode(pair).decode()
        else:
            headers["Authorization"] = digest.authorization(
                challenge, user, self._secret, method, url, self._count, secrets.token_hex(8)
            )

    def handle_ok(self, headers: object) -> None:  # noqa: ARG002 - aiortsp names it
        """Called by aiortsp when a request passed."""
        self._accepted = True


class Connection(RTSPConnection, asyncio.BufferedProtocol):  # type: ignore[misc]  # aiortsp ships no types
    """An RTSP connection whose octets go through `Interleaved`; only messages reach aiortsp."""

    def __init__(self, target: Target, timeout: float, tls: ssl.SSLContext | None) -> None:
        super().__init__(target.host, target.port, logger=_quiet, ssl=tls, timeout=timeout)
        self._auth = Credentials(target)
        self.result.add_done_callback(_retrieve)
        self.on_octets: Callable[[int], None] = _ignore
        self.on_junk: Callable[[], None] = _ignore_junk
        self.on_end: Callable[[SessionEnded], None] = _ignore_end
        self.stream = Interleaved(lambda count: self.on_octets(count), self._message, lambda: self.on_junk())

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio names it
        """asyncio asks where to put what comes."""
        return self.stream.vacant()

    def read(self) -> bool:
        """Take what waits at the socket, without the loop's being woken for it. False: only the loop can, for TLS
        stands between; or the connection is ending.
        """
        transport = self._transport
        if transport is None or transport.is_closing() or transport.get_extra_info("ssl_object") is not None:
            return False
        number = transport.get_extra_info("socket").fileno()
        try:
            for _ in range(READS):
                room = self.stream.vacant()
                count = os.readv(number, (room,))
                if count:
                    self.buffer_updated(count)
                if count < len(room) or transport.is_closing():
                    break  # at the end of the stream too, which the loop sees as well
        except BlockingIOError:
            pass
        except OSError as error:
            self.on_end(SessionEnded(Cause.LINK_LOST, str(error)))
            self.close()
        return True

    def buffer_updated(self, nbytes: int) -> None:
        """asyncio has put it there."""
        try:
            self.stream.received(nbytes)
        except NotInterleaved as error:
            self.on_end(SessionEnded(Cause.PROTOCOL, str(error)))
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the connection is gone, whoever ended it."""
        super().connection_lost(exc)
        self.on_end(SessionEnded(Cause.LINK_LOST, str(exc) if exc else "the camera closed the connection"))

    def handle_401(self, resp: Any) -> bool:
        """aiortsp asks whether to repeat a request that was answered 401."""
        given = resp.headers.get("www-authenticate", [])
        return self._auth.challenged(given if isinstance(given, list) else [given])

    async def request(self, method: str, url: str, headers: dict[str, str]) -> Response:
        """One request, repeated once for each challenge that can be answered. Raises SessionEnded,
        Redirected, or Refusal.
        """
        if not self.running:
            raise SessionEnded(Cause.LINK_LOST, f"no connection for {method}")
        try:
            answer = await self.send_request(method, url, headers)
        except RTSPResponseError as error:
            self._raise(method, error.response)
            raise SessionEnded(Cause.PROTOCOL, f"{method}: unreadable answer") from error
        except RTSPTimeoutError as error:
            raise SessionEnded(Cause.UNREACHABLE, f"{method} was not answered") from error
        except (RTSPError, OSError) as error:
            raise SessionEnded(Cause.LINK_LOST, f"the connection ended during {method}") from error
        return _response(answer)

    def interleave(self, channel: int, data: bytes) -> None:
        """Send one packet on a channel."""
        if self.running:
            self.send_binary(channel, data)

    def hold(self, held: bool) -> None:
        """Read nothing more, or go on: who sends faster than he may has to wait."""
        if self._transport is not None and not self._transport.is_closing():
            (self._transport.pause_reading if held else self._transport.resume_reading)()

    @property
    def endpoint(self) -> TransportSocket | None:
        """The socket under the connection, TLS or not."""
        return self._transport.get_extra_info("socket") if self._transport else None

    def addresses(self) -> tuple[socket.AddressFamily, str, str]:
        """Family, our address and the camera's, without ports. Raises SessionEnded."""
        sock = self.endpoint
        if sock is None:
            raise SessionEnded(Cause.LINK_LOST, "the camera closed the connection")
        return socket.AddressFamily(sock.family), sock.getsockname()[0], sock.getpeername()[0]

    def certificate(self) -> bytes:
        """The peer's certificate, DER; empty without TLS."""
        tls = self._transport.get_extra_info("ssl_object") if self._transport else None
        return (tls.getpeercert(binary_form=True) or b"") if tls else b""

    def _raise(self, method: str, answer: Any) -> None:
        status = answer.status if answer is not None else 0
        if status in (401, 403):
            raise SessionEnded(Cause.REJECTED, f"{method} answered {status} {REASONS[status]}")
        location = answer.headers.get("location") if answer is not None else None
        if 300 <= status < 400 and isinstance(location, str):
            raise Redirected(location)
        if status:
            raise Refusal(method, status)

    def _message(self, message: Request | Response, octets: bytes) -> None:
        """A message among the frames. aiortsp asserts what it expects of one, so it gets no other."""
        number = message.headers.get("CSeq") or ""
        if isinstance(message, Response):
            waiting = self.active_requests.get(int(number)) if _NUMBER.fullmatch(number) else None
            if waiting is None or waiting.done() or message.version != VERSION:
                self.on_junk()
            else:
                self.data_received(octets)
        elif message.method == "REDIRECT":
            self.on_end(SessionEnded(Cause.LINK_LOST, "the camera sent us elsewhere"))
        elif self._transport is not None:
            fields = [("CSeq", number)] if _NUMBER.fullmatch(number) else []
            status = 200 if message.method in ("OPTIONS", "GET_PARAMETER") else 551
            self._transport.write(Response(status, make_headers(fields)).encode())


class CameraSession:
    """One RTSP session: DESCRIBE, SETUP of the tracks that are wanted, PLAY, keep-alive, TEARDOWN."""

    def __init__(self, connection: Connection, target: Target) -> None:
        self._connection = connection
        self._url = self._base = target.url
        self._methods: set[str] = set()
        self._session = ""
        self.timeout = DEFAULT_TIMEOUT  #: seconds without a request after which a session may end

    async def describe(self) -> sdp.SessionDescription:
        """OPTIONS and DESCRIBE. Raises SessionEnded, Redirected."""
        try:
            options = await self._connection.request("OPTIONS", self._url, {})
            public = ",".join(options.headers.all("Public"))
            self._methods = {word.strip().upper() for word in public.split(",")} - {""}
        except Refusal:
            self._methods = set()  # a camera that does not know OPTIONS may know everything else
        try:
            answer = await self._connection.request("DESCRIBE", self._url, {"Accept": "application/sdp"})
            description = sdp.parse(answer.body)
        except (Refusal, sdp.MalformedDescription) as error:
            raise SessionEnded(Cause.PROTOCOL, str(error)) from error
        fields = answer.headers
        # RFC 2326 appendix C.1.1: Content-Base, else Content-Location, else the URL of the request.
        base = fields.get("Content-Base") or fields.get("Content-Location") or self._url
        base = base if base.lower().startswith("rtsp") else self._url
        self._base = base
        control = sdp.control_url(base, description.control)
        self._url = control if control.lower().startswith("rtsp") else self._url
        return description

    async def setup(
        self, media: sdp.Media, wanted: transport.Transport, more: Mapping[str, str] = _NOTHING
    ) -> transport.Transport:
        """SETUP of one track. Returns what the camera chose. Raises SessionEnded, or Refusal (461 above
        all).
        """
        headers = {"Transport": wanted.encode(), **more}
        if self._session:
            headers["Session"] = self._session
        url = sdp.control_url(self._base, media.control)
        answer = await self._request("SETUP", url, headers)
        session, _, rest = (answer.headers.get("Session") or "").partition(";")
        if session.strip():
            self._session = session.strip()
        found = _TIMEOUT.search(rest)
        if found is not None:
            self.timeout = max(2, min(3600, int(found[1])))
        chosen = transport.parse(answer.headers.get("Transport") or "")
        if not chosen or not self._session:
            raise SessionEnded(Cause.PROTOCOL, "SETUP was answered without session or transport")
        if chosen[0].tcp != wanted.tcp:
            raise SessionEnded(Cause.PROTOCOL, "SETUP was answered with another transport")
        return chosen[0]

    async def play(self, how: Mapping[str, str] = LIVE) -> None:
        """PLAY: from now on, or as these headers say. Raises SessionEnded."""
        try:
            await self._request("PLAY", self._url, {"Session": self._session, **how})
        except Refusal as error:
            if error.status not in (456, 457):
                raise SessionEnded(Cause.PROTOCOL, str(error)) from error
            await self._last("PLAY")

    async def keep_alive(self) -> None:
        """Tell the camera that we are there: GET_PARAMETER (RFC 2326 s10.8), or OPTIONS where it is not
        known.

        A refusal is no end: media tell whether the session lives. Raises SessionEnded with the connection.
        """
        method = "GET_PARAMETER" if not self._methods or "GET_PARAMETER" in self._methods else "OPTIONS"
        try:
            await self._request(method, self._url, {"Session": self._session})
        except Refusal as error:
            if error.status == 454:
                raise SessionEnded(Cause.LINK_LOST, "the camera ended the session") from error
            self._methods = {"OPTIONS"}

    async def teardown(self) -> None:
        """End the session, as far as the camera lets us."""
        if self._session and self._connection.running:
            await self._last("TEARDOWN")

    async def _last(self, method: str) -> None:
        try:
            await self._request(method, self._url, {"Session": self._session})
        except Refusal as error:
            raise SessionEnded(Cause.PROTOCOL, str(error)) from error

    async def _request(self, method: str, url: str, headers: dict[str, str]) -> Response:
        try:
            return await self._connection.request(method, url, headers)
        except Redirected as redirected:
            raise SessionEnded(Cause.PROTOCOL, f"{method} was redirected") from redirected


async def connect(target: Target, address: Address, patience: Patience) -> Connection:
    """Open the connection, and check the camera's certificate before anything is said. Raises
    SessionEnded.
    """
    tls = _context(address) if target.tls else None
    connection = Connection(target, patience.connect, tls)
    try:
        await connection.prepare()
    except (RTSPConnectionError, ssl.SSLError, ValueError) as error:
        cause = error.__cause__ or error
        secured = isinstance(cause, ssl.SSLError)
        raise SessionEnded(Cause.PROTOCOL if secured else Cause.UNREACHABLE, _said(cause)) from error
    connection.default_timeout = patience.answer
    pinned = address.fingerprint.replace(":", "").lower()
    if target.tls and pinned and hashlib.sha256(connection.certificate()).hexdigest() != pinned:
        connection.close()
        raise SessionEnded(Cause.PROTOCOL, "the camera's certificate is not the one that was pinned")
    return connection


def _context(address: Address) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not address.verify_tls:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _said(error: BaseException) -> str:
    if isinstance(error, asyncio.TimeoutError):
        return "the camera did not answer in time"
    if isinstance(error, socket.gaierror) and error.strerror:
        return error.strerror
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) and error.errno:
        return os.strerror(error.errno)  # asyncio's own text is for programmers
    return str(error) or type(error).__name__


def _name(challenge: digest.Challenge) -> str:
    return challenge.algorithm if challenge.scheme == "digest" else "basic"


def _response(answer: Any) -> Response:
    """aiortsp's response as ours: header values are one text, or a list of them."""
    fields = [
        (name, text)
        for name, value in answer.headers.items()
        for text in (value if isinstance(value, list) else [value])
    ]
    return Response(answer.status, Headers(tuple(fields)), answer.data)


def _retrieve(result: asyncio.Future[object]) -> None:
    if not result.cancelled():
        result.exception()


def _ignore(count: int) -> None:
    """Octets came before anyone listens."""


def _ignore_junk() -> None:
    """Junk came before anyone listens."""


def _ignore_end(ended: SessionEnded) -> None:
    """The connection ended before anyone listens: the request in flight tells."""
