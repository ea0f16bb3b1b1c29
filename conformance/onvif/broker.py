"""A broker of MQTT 3.1.1 and 5.0 for one device at a time, which keeps what it is told (MQTT 5.0 s2, s3). It forwards
nothing: what a case wants to know is what the device sent, octet by octet."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ipaddress
import socket
import ssl
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import WSMsgType, web
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from conformance.case import Failed
from conformance.transcript import Transcript

CONNECT, PUBLISH, PUBREL, SUBSCRIBE, PINGREQ, DISCONNECT = 1, 3, 6, 8, 12, 14
FIVE = 5  #: protocol level
REFUSED = {True: 0x86, False: 4}  #: bad user name or password: in MQTT 5.0 s3.2.2.2, and in 3.1.1 s3.2.2.3
_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Publication:
    """What was published."""

    topic: str
    payload: bytes
    qos: int
    retain: bool


@dataclass(slots=True)
class Visit:
    """One connection of the device."""

    user: str | None = None  #: None: none was told
    password: bytes | None = None
    connected: bool = False
    said_goodbye: bool = False  #: DISCONNECT came before the end
    over: bool = False
    published: list[Publication] = field(default_factory=list)


class _Packet:
    """What stands in a packet behind its length."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._at = 0

    def take(self, count: int) -> bytes:
        """Raises Failed."""
        taken = self._octets[self._at : self._at + count]
        if len(taken) < count:
            raise Failed("a packet of MQTT that ends too soon")
        self._at += count
        return taken

    def number(self, octets: int) -> int:
        return int.from_bytes(self.take(octets), "big")

    def binary(self) -> bytes:
        return self.take(self.number(2))

    def text(self) -> str:
        return self.binary().decode()

    def skip_properties(self) -> None:
        """Of MQTT 5.0: behind a length of one to four octets."""
        length = shift = 0
        while True:
            octet = self.number(1)
            length |= (octet & 0x7F) << shift
            shift += 7
            if octet < 0x80:
                break
        self.take(length)

    def rest(self) -> bytes:
        return self.take(len(self._octets) - self._at)

    def __bool__(self) -> bool:
        return self._at < len(self._octets)


Read = Callable[[int], Awaitable[bytes]]
Write = Callable[[bytes], Awaitable[None]]


class Broker:
    """Made by `broker`."""

    def __init__(self, transcript: Transcript, user: str, password: str) -> None:
        self.address = ""
        self.visits: list[Visit] = []
        self._transcript = transcript
        self._user = user
        self._password = password.encode()
        self._news = asyncio.Event()

    async def until(self, wanted: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait until it holds of what came. Raises Failed."""
        try:
            async with asyncio.timeout(seconds):
                while not wanted():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise Failed(f"{what} within {seconds:g} s") from None

    async def serve(self, read: Read, write: Write) -> None:
        """One connection, to its end."""
        visit = Visit()
        self.visits.append(visit)
        try:
            five = await self._greet(visit, read, write)
            while visit.connected and not visit.said_goodbye:
                await self._packet(visit, five, read, write)
                self._news.set()
        except (Failed, OSError, EOFError, UnicodeDecodeError) as error:
            self._transcript.note(f"MQTT: the connection ended: {error}")
        finally:
            visit.over = True
            self._news.set()

    async def _greet(self, visit: Visit, read: Read, write: Write) -> bool:
        kind, _, packet = await _read_packet(read)
        if kind != CONNECT:
            raise Failed(f"a packet of type {kind} in place of CONNECT")
        packet.text()
        five = packet.number(1) == FIVE
        flags = packet.number(1)
        packet.number(2)
        if five:
            packet.skip_properties()
        packet.text()
        if flags & 0x04:  # a will
            if five:
                packet.skip_properties()
            packet.binary()
            packet.binary()
        visit.user = packet.text() if flags & 0x80 else None
        visit.password = packet.binary() if flags & 0x40 else None
        visit.connected = (visit.user, visit.password) == (self._user, self._password)
        self._transcript.note(f"MQTT: CONNECT as {visit.user!r}")
        code = 0 if visit.connected else REFUSED[five]
        await write(bytes([0x20, 3, 0, code, 0] if five else [0x20, 2, 0, code]))
        self._news.set()
        return five

    async def _packet(self, visit: Visit, five: bool, read: Read, write: Write) -> None:
        kind, flags, packet = await _read_packet(read)
        if kind == PUBLISH:
            await self._publish(visit, flags, packet, five, write)
        elif kind == PUBREL:
            await write(bytes([0x70, 2]) + packet.take(2))
        elif kind == SUBSCRIBE:
            number = packet.take(2)
            if five:
                packet.skip_properties()
            granted = b""
            while packet:
                packet.binary()
                packet.number(1)
                granted += b"\0"
            inside = number + (b"\0" if five else b"") + granted
            await write(bytes([0x90, len(inside)]) + inside)
        elif kind == PINGREQ:
            await write(bytes([0xD0, 0]))
        elif kind == DISCONNECT:
            self._transcript.note("MQTT: DISCONNECT")
            visit.said_goodbye = True

    async def _publish(self, visit: Visit, flags: int, packet: _Packet, five: bool, write: Write) -> None:
        topic, qos = packet.text(), flags >> 1 & 3
        number = packet.take(2) if qos else b""
        if five:
            packet.skip_properties()
        told = Publication(topic, packet.rest(), qos, bool(flags & 1))
        self._transcript.received("broker", f"{topic} {told.payload.decode(errors='replace')}".encode())
        visit.published.append(told)
        if qos:
            await write(bytes([0x40 if qos == 1 else 0x50, 2]) + number)


async def _read_packet(read: Read) -> tuple[int, int, _Packet]:
    """Its type, its flags, and what is in it (MQTT 5.0 s2.1)."""
    first = (await read(1))[0]
    length = shift = 0
    while True:
        octet = (await read(1))[0]
        length |= (octet & 0x7F) << shift
        shift += 7
        if octet < 0x80:
            break
        if shift > 21:
            raise Failed("a packet of MQTT whose length has more than four octets")
    return first >> 4, first & 0x0F, _Packet(await read(length))


@contextlib.asynccontextmanager
async def broker(
    scheme: str, device: str, transcript: Transcript, user: str, password: str
) -> AsyncIterator[Broker]:
    """A broker at the address from which `device` (a host) is reached, on a port of its own. `scheme`: mqtt, mqtts, ws
    or wss. Who comes with another user or password is refused."""
    made = Broker(transcript, user, password)
    host = await asyncio.to_thread(_towards, device)
    tls = _tls(host) if scheme in ("mqtts", "wss") else None
    port = 0
    async with contextlib.AsyncExitStack() as stack:
        if scheme in ("mqtt", "mqtts"):
            server = await asyncio.start_server(
                lambda reader, writer: _plain(made, reader, writer), host, 0, ssl=tls
            )
            stack.push_async_callback(_closed, server)
            port = server.sockets[0].getsockname()[1]
        else:
            application = web.Application()
            application.router.add_get("/{path:.*}", lambda request: _websocket(made, request))
            runner = web.AppRunner(application, access_log=None, shutdown_timeout=0)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, host, 0, ssl_context=tls).start()
            port = runner.addresses[0][1]
        made.address = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
        yield made


async def _closed(server: asyncio.Server) -> None:
    server.close()


async def _plain(made: Broker, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    async def write(octets: bytes) -> None:
        writer.write(octets)
        await writer.drain()

    try:
        await made.serve(reader.readexactly, write)
    finally:
        writer.close()


async def _websocket(made: Broker, request: web.Request) -> web.WebSocketResponse:
    """MQTT 5.0 s6: packets in binary frames, however they are cut."""
    answer = web.WebSocketResponse(protocols=("mqtt",))
    await answer.prepare(request)
    waiting = bytearray()

    async def read(count: int) -> bytes:
        while len(waiting) < count:
            message = await answer.receive()
            if message.type is not WSMsgType.BINARY:
                raise EOFError("closed")
            waiting.extend(message.data)
        taken = bytes(waiting[:count])
        del waiting[:count]
        return taken

    await made.serve(read, answer.send_bytes)
    await answer.close()
    return answer


def _towards(host: str) -> str:
    """Our address on the way to a host."""
    family, kind, _, _, address = socket.getaddrinfo(host, 9, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind) as probe:
        probe.connect(address)
        return str(probe.getsockname()[0])


def _tls(host: str) -> ssl.SSLContext:
    """With a certificate that it signs itself: without a validation policy a device does not judge it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + _DAY)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False
        )
        .sign(key, SHA256())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "broker.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file.touch(mode=0o600)
        file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        context.load_cert_chain(file)
    return context
