"""The receiver: it listens where the device was told to send, for a while, and keeps what comes."""

from __future__ import annotations

import asyncio
import re
import ssl
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from conformance.case import provided
from conformance.suite import Unreachable
from conformance.syslog.reading import New, Old, Wrong, read_new, read_old
from conformance.transcript import Transcript

FRAME_LIMIT = 1 << 20  #: octets
_SHOWN = 5  # messages that a report shows of each case


@dataclass(frozen=True, slots=True)
class Message:
    """What came, whole."""

    transport: str  #: udp, tcp or tls
    line: int  #: the connection, or 0
    octets: bytes


@dataclass(slots=True)
class Heard:
    """What one case works with: everything that came."""

    transcript: Transcript
    messages: list[Message] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)  #: streams whose framing could not be followed, and why
    tls: list[str] = field(default_factory=list)  #: version of each TLS connection

    def some(self, messages: list[Message], why_not: str) -> list[Message]:
        """These, shown in the report. Raises NotApplicable where there are none."""
        provided(bool(messages), why_not)
        for each in messages[:_SHOWN]:
            self.transcript.received(each.transport, each.octets)
        return messages

    def over(self, *transports: str) -> list[Message]:
        """Those that came so. Raises NotApplicable."""
        found = [each for each in self.messages if each.transport in transports]
        return self.some(found, f"nothing came over {' or '.join(transports)}")

    def new(self) -> list[tuple[Message, New | Wrong]]:
        """Messages that say that they are of RFC 5424 (`<PRI>1 `). Raises NotApplicable."""
        found = [each for each in self.messages if _is_new(each.octets)]
        self.some(found, "no message of RFC 5424 came")
        return [(each, read_new(each.octets)) for each in found]

    def good(self) -> list[New]:
        """Those of them that can be read: of the others header.syntax tells. Raises NotApplicable."""
        found = [each for _, each in self.new() if isinstance(each, New)]
        provided(bool(found), "no message of RFC 5424 can be read")
        return found

    def old(self) -> list[tuple[Message, Old | Wrong]]:
        """All other messages. Raises NotApplicable."""
        found = [each for each in self.messages if not _is_new(each.octets)]
        self.some(found, "every message is of RFC 5424")
        return [(each, read_old(each.octets)) for each in found]


def _is_new(octets: bytes) -> bool:
    """Behind its priority there is a version, where RFC 3164 has a month."""
    return re.match(rb"<[^>]{0,8}>[0-9]{1,3} ", octets) is not None


def arguments(parser: ArgumentParser) -> None:
    """Where to listen, and for how long."""
    parser.add_argument(
        "--listen", default="127.0.0.1", metavar="ADDRESS", help="where to listen (%(default)s)"
    )
    for name, about in (("udp", "UDP"), ("tcp", "TCP"), ("tls", "TLS")):
        parser.add_argument(
            f"--{name}", type=int, metavar="PORT", help=f"the device sends over {about} to this port"
        )
    parser.add_argument("--certificate", metavar="FILE", help="PEM, for TLS")
    parser.add_argument("--key", metavar="FILE", help="PEM, for TLS")
    parser.add_argument(
        "--wait", type=float, default=60.0, metavar="S", help="seconds to listen (%(default)g)"
    )
    parser.add_argument(
        "--messages", type=int, default=20, metavar="N", help="so many are enough (%(default)s)"
    )


async def contact(given: Namespace) -> Sender:
    """Listen. Raises Unreachable where nothing came."""
    if given.udp is None and given.tcp is None and given.tls is None:
        raise Unreachable("say where the device sends: --udp, --tcp or --tls PORT")
    heard = Heard(Transcript())
    enough = asyncio.Event()

    def keep(message: Message) -> None:
        heard.messages.append(message)
        if len(heard.messages) >= given.messages:
            enough.set()

    async with AsyncExitStack() as stack:
        try:
            await _listen(given, heard, keep, stack)
        except (OSError, ssl.SSLError) as error:
            raise Unreachable(f"cannot listen: {error}") from None
        try:
            async with asyncio.timeout(given.wait):
                await enough.wait()
        except TimeoutError:
            if not heard.messages and not heard.broken:
                raise Unreachable(f"nothing came within {given.wait:g} s") from None
    return Sender(heard)


async def _listen(
    given: Namespace, heard: Heard, keep: Callable[[Message], None], stack: AsyncExitStack
) -> None:
    lines = 0

    def serve(transport: str) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
        async def follow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal lines
            lines += 1
            line = lines
            if transport == "tls":
                heard.tls.append(writer.get_extra_info("ssl_object").version())
            try:
                async for octets in frames(reader):
                    keep(Message(transport, line, octets))
            except Wrong as error:
                heard.broken.append(f"{transport}: {error}")
            except OSError:
                pass
            finally:
                writer.close()

        return follow

    if given.udp is not None:
        loop = asyncio.get_running_loop()
        udp, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(keep), local_addr=(given.listen, given.udp)
        )
        stack.callback(udp.close)
    for transport, port in (("tcp", given.tcp), ("tls", given.tls)):
        if port is not None:
            tls = _context(given) if transport == "tls" else None
            server = await asyncio.start_server(serve(transport), given.listen, port, ssl=tls)
            stack.callback(server.close)


def _context(given: Namespace) -> ssl.SSLContext:
    if not given.certificate or not given.key:
        raise Unreachable("TLS needs --certificate and --key")
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(given.certificate, given.key)
    return made


async def frames(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Messages of a stream with octet counting (RFC 6587 s3.4.1). Raises Wrong where it is none."""
    while True:
        try:
            count = await reader.readuntil(b" ")
        except asyncio.IncompleteReadError as error:
            if error.partial:
                raise Wrong(f"the stream ends with {error.partial[:40]!r}, which is no length") from None
            return
        except asyncio.LimitOverrunError:
            raise Wrong("no length before a message") from None
        digits = count[:-1]
        if not digits.isdigit() or digits.startswith(b"0"):
            raise Wrong(f"{count[:40]!r} is no length")
        if int(digits) > FRAME_LIMIT:
            raise Wrong(f"a message of {int(digits)} octets")
        try:
            yield await reader.readexactly(int(digits))
        except asyncio.IncompleteReadError as error:
            raise Wrong(f"{int(digits)} octets were promised, {len(error.partial)} came") from None


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, keep: Callable[[Message], None]) -> None:
        self._keep = keep

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:  # noqa: ARG002 - asyncio's
        self._keep(Message("udp", 0, data))


class Sender:
    """The device: what it sent."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard

    @property
    def title(self) -> str:
        """Who it says it is."""
        read = [read_new(each.octets) for each in self._heard.messages]
        names = sorted({f"{each.app} on {each.host}" for each in read if isinstance(each, New)})
        return f"{', '.join(names) or 'a device'}, {len(self._heard.messages)} messages"

    @asynccontextmanager
    async def session(self, transcript: Transcript) -> AsyncIterator[Heard]:
        """What was heard, with a transcript of the case's own."""
        heard = self._heard
        yield Heard(transcript, heard.messages, heard.broken, heard.tls)
