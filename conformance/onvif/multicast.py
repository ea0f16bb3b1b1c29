"""WS-Discovery from a client's side (WS-Discovery 1.0 of April 2005): probes out, matches and hellos in."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from lxml import etree

from conformance.case import Failed
from conformance.onvif.names import DISCOVERY
from conformance.transcript import Transcript

GROUP, PORT = "239.255.255.250", 3702
ANONYMOUS = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"
TO = "urn:schemas-xmlsoap-org:ws:2005:04:discovery"
PROBE = "http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe"
_SPACES = " ".join(f'xmlns:{prefix}="{space}"' for prefix, space in DISCOVERY.items())


def name(short: str) -> str:
    """`wsd:Types` as lxml writes it."""
    prefix, _, local = short.partition(":")
    return f"{{{DISCOVERY[prefix]}}}{local}"


@dataclass(frozen=True, slots=True)
class Told:
    """A ProbeMatch, a Hello or a Bye."""

    kind: str  #: ProbeMatch, Hello, Bye, or Fault
    relates: str
    endpoint: str
    types: frozenset[str]  #: `{namespace}name`
    scopes: frozenset[str]
    addresses: tuple[str, ...]
    sender: str

    def of(self, url: str) -> bool:
        """Whether it speaks of the device at a URL."""
        wanted = urlsplit(url)
        return any(
            (there.hostname, there.port or 80) == (wanted.hostname, wanted.port or 80)
            for there in map(urlsplit, self.addresses)
            if there.scheme == wanted.scheme
        )


def read(octets: bytes, sender: str) -> list[Told]:
    """What a datagram says; nothing where it is none of ours. Raises Failed where it is no XML."""
    try:
        root = etree.fromstring(octets, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError as error:
        raise Failed(f"a datagram from {sender} is no XML: {error}") from None
    relates = (root.findtext(f".//{name('wsa4:RelatesTo')}") or "").strip()
    found = []
    for kind, short in (("ProbeMatch", "wsd:ProbeMatch"), ("Hello", "wsd:Hello"), ("Bye", "wsd:Bye")):
        for each in root.iter(name(short)):
            types = each.find(name("wsd:Types"))
            found.append(
                Told(
                    kind,
                    relates,
                    (each.findtext(f"{name('wsa4:EndpointReference')}/{name('wsa4:Address')}") or "").strip(),
                    frozenset() if types is None else frozenset(_qualified(types)),
                    frozenset((each.findtext(name("wsd:Scopes")) or "").split()),
                    tuple((each.findtext(name("wsd:XAddrs")) or "").split()),
                    sender,
                )
            )
    if root.find(f".//{name('env:Fault')}") is not None:
        found.append(Told("Fault", relates, "", frozenset(), frozenset(), (), sender))
    return found


def _qualified(element: Any) -> list[str]:
    """The names in a text, by the prefixes that are in scope. Raises Failed."""
    found = []
    for word in (element.text or "").split():
        prefix, _, local = word.rpartition(":")
        if (prefix or None) not in element.nsmap:
            raise Failed(f"the prefix of {word} is not declared")
        found.append(f"{{{element.nsmap[prefix or None]}}}{local}")
    return found


def probe(message: str, types: str = "", scopes: str = "", match: str = "") -> bytes:
    """A Probe as most clients write it."""
    rule = f' MatchBy="{match}"' if match else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><env:Envelope {_SPACES}><env:Header>'
        f"<wsa4:MessageID>{message}</wsa4:MessageID><wsa4:To>{TO}</wsa4:To><wsa4:Action>{PROBE}</wsa4:Action>"
        f"</env:Header><env:Body><wsd:Probe>{f'<wsd:Types>{types}</wsd:Types>' if types else ''}"
        f"{f'<wsd:Scopes{rule}>{scopes}</wsd:Scopes>' if scopes else ''}</wsd:Probe></env:Body></env:Envelope>"
    ).encode()


def new_message() -> str:
    """A MessageID."""
    return f"urn:uuid:{uuid.uuid4()}"


class Listener(asyncio.DatagramProtocol):
    """A socket for probes and their answers; with `group`, one that hears hellos."""

    def __init__(self, device_host: str, transcript: Transcript, *, group: bool = False) -> None:
        self._host = device_host
        self._transcript = transcript
        self._group = group
        self._queue: asyncio.Queue[tuple[bytes, str]] = asyncio.Queue()
        self._transport: asyncio.DatagramTransport | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        infos = await loop.getaddrinfo(self._host, PORT, family=socket.AF_INET, type=socket.SOCK_DGRAM)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
            trial.connect(infos[0][4])
            own = trial.getsockname()[0]
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(own))
        if self._group:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((GROUP, PORT))
            place = struct.pack("4s4s", socket.inet_aton(GROUP), socket.inet_aton(own))
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, place)
        else:
            sock.bind(("", 0))
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, sock=sock)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._transport is not None:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """asyncio.DatagramProtocol."""
        self._queue.put_nowait((data, addr[0]))

    def send(self, octets: bytes, to: tuple[str, int] = (GROUP, PORT)) -> None:
        """Send a datagram."""
        assert self._transport is not None
        self._transcript.sent(f"{to[0]}:{to[1]}", octets)
        self._transport.sendto(octets, to)

    async def until(self, wanted: Callable[[Told], bool], seconds: float) -> Told | None:
        """The first that is wanted; None: none came."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                async with asyncio.timeout(left):
                    octets, sender = await self._queue.get()
            except TimeoutError:
                break
            for told in read(octets, sender):
                if wanted(told):
                    self._transcript.received(sender, octets)
                    return told
        return None
