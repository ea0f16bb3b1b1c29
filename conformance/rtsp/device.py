"""The device under test: where it is, what it told at the first contact, and what a case may do with it."""

from __future__ import annotations

import asyncio
import ssl
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from conformance.case import Failed, NotApplicable, expect, provided
from conformance.rtsp import digest, sdp
from conformance.rtsp.client import Connection, Fields, Login
from conformance.rtsp.presentation import (
    Presentation,
    Session,
    channels_of,
    good,
    session_of,
    transport_of,
)
from conformance.rtsp.udp import Ports, bind
from conformance.rtsp.wire import Answer
from conformance.suite import Unreachable
from conformance.transcript import Transcript

CONNECT_SECONDS = 8.0
_GOODBYE_SECONDS = 2.0
PORTS = {"rtsp": 554, "rtsps": 322}
_PORTS = {**PORTS, "ws": 80, "wss": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """What a person says on the command line."""

    live: str  #: URL
    replay: str | None  #: URL
    user: str
    password: str
    tunnel_port: int | None  #: None: the port of the URL
    patience: float  #: seconds: the longest session timeout that is waited for
    websocket: str | None = None  #: URL; None: on the port of the live stream


@dataclass(frozen=True, slots=True)
class Facts:
    """What the device told at the first contact."""

    server: str  #: as it calls itself
    public: frozenset[str]  #: methods
    challenges: tuple[digest.Challenge, ...]  #: empty: it asked for no account
    live: sdp.Description | None
    replay: sdp.Description | None


@dataclass(slots=True)
class Device:
    """What one case works with."""

    address: Address
    facts: Facts | None  #: None at the first contact
    transcript: Transcript
    _connections: list[Connection] = field(default_factory=list)
    _ports: list[Ports] = field(default_factory=list)
    _sessions: list[Session] = field(default_factory=list)

    @property
    def known(self) -> Facts:
        """What was told at the first contact."""
        assert self.facts is not None, "only the first contact is without"
        return self.facts

    @property
    def secure(self) -> bool:
        """RTSP over TLS."""
        return urlsplit(self.address.live).scheme == "rtsps"

    @property
    def replay_url(self) -> str:
        """Raises NotApplicable."""
        provided(self.address.replay is not None, "no URL of a recording was given (--replay-url)")
        return self.address.replay or ""

    async def connect(
        self, url: str | None = None, *, login: bool = True, name: str | None = None
    ) -> Connection:
        """A new connection; without `login` it answers no challenge. Raises Failed."""
        target = url if url is not None else self.address.live
        parts = urlsplit(target)
        secure = parts.scheme in ("rtsps", "wss")
        reader, writer = await self.open(parts.hostname or "", parts.port or _PORTS[parts.scheme], secure)
        account = Login(self.address.user, self.address.password) if login and self.address.user else None
        label = name or str(len(self._connections) + 1)
        connection = Connection(label, target, reader, writer, self.transcript, account)
        self._connections.append(connection)
        return connection

    async def open(
        self, host: str, port: int, secure: bool
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A bare connection. Raises Failed."""
        context = None
        if secure:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # a device signs its own
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                return await asyncio.open_connection(host, port, ssl=context)
        except TimeoutError:
            raise Failed(f"no connection to {host}:{port} within {CONNECT_SECONDS:g} s") from None
        except OSError as error:
            raise Failed(f"no connection to {host}:{port}: {error}") from None

    async def describe(self, connection: Connection) -> Presentation:
        """The presentation of the connection's URL. Raises Failed."""
        answer = good(await connection.ask("DESCRIBE", None, [("Accept", "application/sdp")]), "DESCRIBE")
        return Presentation(connection.url, answer, sdp.read(answer.body))

    def ports(self, connection: Connection) -> Ports:
        """A pair of UDP ports at our address of the connection, open. Raises NotApplicable."""
        pair = bind(connection.local, self.transcript)
        self.keep(pair)
        return pair

    def keep(self, ports: Ports) -> None:
        """Open the ports, and close them when the case ends."""
        ports.open()
        self._ports.append(ports)

    async def session(
        self, url: str | None = None, *, udp: bool = False, tracks: int | None = None
    ) -> Session:
        """A new connection with a session: the first `tracks` of the presentation, None for all, as players do
        it. Video comes first. Raises Failed, and NotApplicable where UDP is refused."""
        connection = await self.connect(url)
        presentation = await self.describe(connection)
        return await self.setup(connection, presentation, udp=udp, tracks=tracks, channel=0)

    async def playing(self, pictures: int, *, udp: bool = False) -> Session:
        """A session of all tracks of the live stream, of which so many pictures have come. Raises as `session` does."""
        session = await self.session(udp=udp)
        await session.play()
        await session.pictures(pictures)
        return session

    async def setup(
        self,
        connection: Connection,
        presentation: Presentation,
        *,
        udp: bool = False,
        tracks: int | None = None,
        channel: int = 0,
        fields: Fields = (),
    ) -> Session:
        """A new session on a connection; interleaved channels are asked for from `channel` on. `fields` go with each
        SETUP."""
        media = presentation.sdp.media
        expect(bool(media), "the description has no media")
        numbers = sorted(range(len(media)), key=lambda n: (media[n].kind != "video", n))[:tracks]
        session: Session | None = None
        for number in numbers:
            ports = self.ports(connection) if udp else None
            first = channel + 2 * numbers.index(number)
            offer = (
                f"RTP/AVP;unicast;client_port={ports.numbers[0]}-{ports.numbers[1]}"
                if ports
                else f"RTP/AVP/TCP;unicast;interleaved={first}-{first + 1}"
            )
            named = [("Session", session.id)] if session else []
            answer = await connection.ask(
                "SETUP", presentation.tracks[number], [("Transport", offer), *named, *fields]
            )
            if answer.status == 461:
                raise NotApplicable(
                    f"the device refuses {'UDP' if udp else 'interleaved'} transport with 461"
                )
            good(answer, "SETUP")
            if session is None:
                session = Session(connection, presentation, *session_of(answer), [])
            session.tracks.append(number)
            session.transports.append(transport_of(answer))
            if ports:
                session.ports.append(ports)
            else:
                session.channels[channels_of(session.transports[-1])[0]] = number
        assert session is not None
        self._sessions.append(session)
        return session

    async def close(self) -> None:
        """End the sessions that would outlive their connection, hang up and listen no more."""
        for session in self._sessions:
            if session.ports:
                session.connection.transcript = Transcript()  # not the case's any more
                with suppress(Failed, OSError, TimeoutError):
                    async with asyncio.timeout(_GOODBYE_SECONDS):
                        await session.ask("TEARDOWN")
        for ports in self._ports:
            ports.close()
        for connection in self._connections:
            await connection.close()


@dataclass(frozen=True, slots=True)
class Contacted:
    """The device after the first contact."""

    address: Address
    facts: Facts

    @property
    def title(self) -> str:
        """The device and what it says of itself."""
        urls = " and ".join(url for url in (self.address.live, self.address.replay) if url)
        return f"{urls} ({self.facts.server})" if self.facts.server else urls

    @asynccontextmanager
    async def session(self, transcript: Transcript) -> AsyncIterator[Device]:
        """What one case works with."""
        device = Device(self.address, self.facts, transcript)
        try:
            yield device
        finally:
            await device.close()


def arguments(parser: ArgumentParser) -> None:
    """What the RTSP suite asks for."""
    parser.add_argument(
        "--url", required=True, metavar="URL", help="a live stream: rtsp://HOST[:PORT]/PATH, or rtsps"
    )
    parser.add_argument(
        "--replay-url",
        metavar="URL",
        help="a recording of a minute or more; without it those cases do not apply",
    )
    parser.add_argument(
        "--http-port",
        type=int,
        metavar="N",
        help="where RTSP is tunnelled through HTTP (the port of the URL)",
    )
    parser.add_argument(
        "--websocket-url",
        metavar="URL",
        help="where RTSP goes through a WebSocket: ws://HOST[:PORT]/PATH, or wss (the port of the URL)",
    )
    parser.add_argument(
        "--patience",
        type=float,
        default=90,
        metavar="S",
        help="the longest session timeout, in seconds, that is waited for (%(default)g)",
    )


async def contact(given: Namespace) -> Contacted:
    """The first contact: OPTIONS, DESCRIBE without an account, DESCRIBE with one. Raises Unreachable."""
    for url in (given.url, given.replay_url):
        parts = urlsplit(url or "rtsp://none")
        if parts.scheme not in PORTS or not parts.hostname or parts.username is not None:
            raise Unreachable(
                f"{url} is not of the form rtsp://HOST[:PORT]/PATH; --user and --password are apart"
            )
    if urlsplit(given.websocket_url or "ws://none").scheme not in ("ws", "wss"):
        raise Unreachable(f"{given.websocket_url} is not of the form ws://HOST[:PORT]/PATH")
    address = Address(
        given.url,
        given.replay_url,
        given.user,
        given.password,
        given.http_port,
        given.patience,
        given.websocket_url,
    )
    device = Device(address, None, Transcript())
    try:
        options = await (await device.connect()).ask("OPTIONS")
        refused = await (await device.connect(login=False)).ask("DESCRIBE")
        live = await _described(device, address.live)
        replay = await _described(device, address.replay) if address.replay else None
    except (Failed, OSError) as error:
        raise Unreachable(f"{given.url} does not answer as an RTSP server: {error}") from None
    finally:
        await device.close()
    if live.status in (401, 403):
        raise Unreachable(f"{given.url} does not let {address.user or 'anybody without an account'} in")
    if live.status != 200:
        raise Unreachable(f"{given.url} cannot be described: {live.said}")
    challenges = digest.challenges(refused.all("WWW-Authenticate")) if refused.status == 401 else []
    server = options.get("Server") or refused.get("Server") or ""
    public = frozenset(options.words("Public") | options.words("Allow"))
    return Contacted(address, Facts(server, public, tuple(challenges), _read(live), _read(replay)))


async def _described(device: Device, url: str) -> Answer:
    return await (await device.connect(url)).ask("DESCRIBE", None, [("Accept", "application/sdp")])


def _read(answer: Answer | None) -> sdp.Description | None:
    return sdp.read(answer.body) if answer is not None and answer.status == 200 else None
