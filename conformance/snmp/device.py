"""The agent under test: where it is, what it told at the first contact, and what a case may do with it."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import socket
import time
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from conformance.case import Failed, expect, provided
from conformance.snmp import ber
from conformance.snmp.ber import Oid
from conformance.snmp.usm import CIPHERS, HASHES, Keys
from conformance.snmp.wire import (
    AUTH,
    GET,
    GETBULK,
    GETNEXT,
    NO_ERROR,
    NO_SUCH_NAME,
    PRIV,
    REPORTABLE,
    RESPONSE,
    SET,
    V1,
    V2C,
    V3,
    VERSIONS,
    Answer3,
    Message3,
    Pdu,
    Varbind,
    message,
    pdu,
    read_message,
    read_v3,
    varbind,
)
from conformance.suite import Unreachable
from conformance.transcript import Transcript

ANSWER_SECONDS = 5.0  #: for one answer
SET_SECONDS = 15.0  #: for the answer to a SET, which may have to be on a disk first
SILENCE_SECONDS = 0.5  #: without an answer: there is none
MOST_ROWS = 50_000  #: of a walk; more of them and it goes in circles
DATAGRAM = 65535
SYS_DESCR: Oid = (1, 3, 6, 1, 2, 1, 1, 1, 0)
MODULES: Oid = (1, 3, 6, 1, 6, 3)
EVERYTHING = AUTH | PRIV | REPORTABLE


@dataclass(frozen=True, slots=True)
class Address:
    """What a person says on the command line."""

    host: str
    port: int
    community: bytes  #: empty: none
    write: bytes  #: the community that may SET; empty: none
    user: str
    password: str
    authentication: str
    privacy: str
    privacy_password: str
    trap_port: int | None  #: where the device is set to send traps of v1 or v2c


@dataclass(slots=True)
class Facts:
    """What the device told at the first contact."""

    versions: frozenset[int] = frozenset()
    engine: bytes = b""
    boots: int = 0
    epoch: float = 0.0  #: our monotonic clock when its engine time was 0
    keys: Keys | None = None
    description: str = ""
    rows: tuple[Varbind, ...] = ()  #: all that it shows by the version that cases use
    hidden: Varbind | None = None  #: what the user of v3 sees and the community does not
    values: asyncio.Lock = field(default_factory=asyncio.Lock)  #: of cases that SET the same objects
    receivers: asyncio.Lock = field(default_factory=asyncio.Lock)  #: of cases that set who is told


@dataclass(slots=True)
class Device:
    """What one case works with."""

    address: Address
    facts: Facts
    transcript: Transcript
    _sockets: list[socket.socket] = field(default_factory=list)
    _folders: list[TemporaryDirectory[str]] = field(default_factory=list)
    _numbers: itertools.count[int] = field(
        default_factory=lambda: itertools.count(secrets.randbelow(1 << 30) + 1)
    )

    # ------------------------------------------------------------------------------------- datagrams

    def socket(self) -> socket.socket:
        """One of our own, connected: what comes from another address or port is not taken."""
        family, kind, _, _, where = socket.getaddrinfo(
            self.address.host, self.address.port, type=socket.SOCK_DGRAM
        )[0]
        sock = socket.socket(family, kind)
        sock.setblocking(False)
        sock.connect(where)
        self._sockets.append(sock)
        return sock

    async def exchange(self, data: bytes, seconds: float, what: str) -> bytes | None:
        """Send a datagram; the first that comes back, or None."""
        loop = asyncio.get_running_loop()
        sock = self.socket()
        self.transcript.sent(what, self._legible(data))
        try:
            with suppress(ConnectionRefusedError):
                await loop.sock_sendall(sock, data)
                with suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        answer = await loop.sock_recv(sock, DATAGRAM)
                        self.transcript.received(what, self._legible(answer))
                        return answer
        finally:  # a case may ask ten thousand times
            self._sockets.remove(sock)
            sock.close()
        self.transcript.note("no answer")
        return None

    def _legible(self, data: bytes) -> bytes:
        """The octets in hexadecimal, the communities blackened."""
        text = data.hex()
        for word in (self.address.write, self.address.community):
            if word:
                text = text.replace(word.hex(), "**" * len(word))
        return text.encode()

    async def silent(self, data: bytes, what: str) -> None:
        """There is no answer, and the agent lives on. Raises Failed."""
        answer = await self.exchange(data, SILENCE_SECONDS, what)
        expect(answer is None, f"{what}: answered with {len(answer or b'')} octets")
        await self.alive()

    async def alive(self) -> None:
        """A good request is answered. Raises Failed."""
        (await self.get(SYS_DESCR)).only()

    # ------------------------------------------------------------------------------------- requests

    @property
    def version(self) -> int:
        """The version that a case uses where it does not matter."""
        return next((each for each in (V2C, V3, V1) if each in self.facts.versions), V2C)

    def number(self) -> int:
        """A request-id that was not used before."""
        return next(self._numbers)

    async def ask(
        self,
        kind: int,
        varbinds: Sequence[bytes],
        *,
        first: int = 0,
        second: int = 0,
        version: int | None = None,
        community: bytes | None = None,
    ) -> Pdu:
        """The Response. Raises Failed: there is none, or it is not to this request."""
        version = self.version if version is None else version
        number = self.number()
        body = pdu(kind, number, varbinds, first, second)
        for _ in range(1 if kind == SET else 2):  # a datagram may be lost
            found = await self._once(version, community, body, SET_SECONDS if kind == SET else ANSWER_SECONDS)
            if found is not None:
                break
        else:
            raise Failed("no answer")
        expect(found.kind == RESPONSE, f"answered {found.said}")
        expect(found.request == number, f"request-id {number} was answered with {found.request}")
        return found

    async def _once(self, version: int, community: bytes | None, body: bytes, seconds: float) -> Pdu | None:
        if version == V3:
            answer = await self.secured(self.template(body), seconds)
            return None if answer is None else answer.pdu
        word = self.address.community if community is None else community
        reply = await self.exchange(message(version, word, body), seconds, VERSIONS[version])
        if reply is None:
            return None
        told, echoed, found = read_message(reply)
        expect(told == version, f"{VERSIONS[version]} was answered with version {told}")
        expect(echoed == word, "another community came back")
        return found

    async def get(self, *names: Oid, version: int | None = None, community: bytes | None = None) -> Pdu:
        """GET. Raises Failed."""
        return await self.ask(GET, [varbind(each) for each in names], version=version, community=community)

    async def next(self, *names: Oid, version: int | None = None, community: bytes | None = None) -> Pdu:
        """GETNEXT. Raises Failed."""
        return await self.ask(
            GETNEXT, [varbind(each) for each in names], version=version, community=community
        )

    async def bulk(
        self, non_repeaters: int, repetitions: int, *names: Oid, version: int | None = None
    ) -> Pdu:
        """GETBULK. Raises Failed."""
        listed = [varbind(each) for each in names]
        return await self.ask(GETBULK, listed, first=non_repeaters, second=repetitions, version=version)

    @property
    def writer(self) -> tuple[int, bytes | None]:
        """Version and community of requests that may SET. Raises NotApplicable."""
        if self.address.write and V2C in self.facts.versions:
            return V2C, self.address.write
        provided(V3 in self.facts.versions, "nobody was given who may SET (--write-community, or --user)")
        return V3, None

    @property
    def maker(self) -> tuple[int, bytes | None]:
        """Who may make rows: the user, where there is one. Raises NotApplicable."""
        return (V3, None) if V3 in self.facts.versions else self.writer

    async def make(self, *changes: tuple[Oid, bytes]) -> Pdu:
        """SET by whoever may make rows. Raises Failed."""
        version, community = self.maker
        return await self.ask(
            SET, [varbind(*change) for change in changes], version=version, community=community
        )

    async def set(self, *changes: tuple[Oid, bytes], version: int | None = None) -> Pdu:
        """SET by whoever may. Raises Failed."""
        usual, community = self.writer
        listed = [varbind(*change) for change in changes]
        return await self.ask(SET, listed, version=usual if version is None else version, community=community)

    async def walk(
        self,
        root: Oid,
        *,
        repetitions: int = 0,
        version: int | None = None,
        community: bytes | None = None,
    ) -> list[Varbind]:
        """All of `steps`. Raises Failed."""
        steps = self.steps(root, repetitions, version, community)
        return [each async for each in steps]

    async def steps(
        self, root: Oid, repetitions: int, version: int | None, community: bytes | None
    ) -> AsyncIterator[Varbind]:
        """All below `root`, () for everything; by GETNEXT, or by GETBULK of so many.

        Raises Failed: names that do not grow, or do not end.
        """
        name = root or (0, 0)
        for _ in range(MOST_ROWS):
            if repetitions:
                listed = [varbind(name)]
                answer = await self.ask(
                    GETBULK, listed, second=repetitions, version=version, community=community
                )
            else:
                answer = await self.next(name, version=version, community=community)
            if answer.status == NO_SUCH_NAME:
                return
            expect(answer.status == NO_ERROR, f"answered {answer.said} after {ber.dotted(name)}")
            expect(bool(answer.varbinds), f"no varbind after {ber.dotted(name)}")
            for each in answer.varbinds:
                if each.value.tag == ber.END_OF_VIEW or each.name[: len(root)] != root:
                    return
                expect(each.name > name, f"after {ber.dotted(name)} came {ber.dotted(each.name)}")
                yield each
                name = each.name
        raise Failed(f"more than {MOST_ROWS} rows")

    # ------------------------------------------------------------------------------------- v3

    def template(self, body: bytes, flags: int = EVERYTHING) -> Message3:
        """A right message of the user."""
        facts = self.facts
        return Message3(
            body,
            message_id=self.number(),
            flags=flags,
            engine=facts.engine,
            boots=facts.boots,
            time=max(0, int(time.monotonic() - facts.epoch)),
            user=self.address.user.encode(),
            keys=facts.keys,
        )

    async def secured(self, asked: Message3, seconds: float | None = None) -> Answer3 | None:
        """What is answered to a message of v3; None: nothing. Raises Failed."""
        reply = await self.exchange(asked.write(), ANSWER_SECONDS if seconds is None else seconds, "v3")
        if reply is None:
            return None
        found = read_v3(reply, asked.keys)
        expect(
            found.message_id == asked.message_id,
            f"msgID {asked.message_id} was answered with {found.message_id}",
        )
        return found

    async def reported(self, asked: Message3, counter: Oid) -> Answer3:
        """It is answered with a Report of that counter. Raises Failed."""
        found = await self.secured(asked)
        if found is None:
            raise Failed("no answer")
        expect(found.pdu.kind == 0xA8, f"answered {found.pdu.said}")
        expect(
            found.pdu.names == [counter],
            f"reported {[ber.dotted(each) for each in found.pdu.names]}, not {ber.dotted(counter)}",
        )
        found.pdu.varbinds[0].value.number(ber.COUNTER32)
        return found

    async def discover(self) -> Answer3 | None:
        """Ask who it is (RFC 3414 s4). Raises Failed."""
        return await self.secured(Message3(pdu(GET, self.number(), ()), message_id=self.number()))

    # ------------------------------------------------------------------------------------- what is there

    def row(self, wanted: Oid) -> Varbind | None:
        """What it showed of an instance at the first contact."""
        return next((each for each in self.facts.rows if each.name == wanted), None)

    def below(self, root: Oid) -> list[Varbind]:
        """What it showed below a name at the first contact."""
        return [each for each in self.facts.rows if each.name[: len(root)] == root]

    def folder(self) -> Path:
        """A new one, for as long as the case lasts."""
        made: TemporaryDirectory[str] = TemporaryDirectory(prefix="conformance-snmp-")
        self._folders.append(made)
        return Path(made.name)

    def close(self) -> None:
        """Leave nothing open."""
        for sock in self._sockets:
            sock.close()
        for folder in self._folders:
            folder.cleanup()


@dataclass(frozen=True, slots=True)
class Contacted:
    """The agent after the first contact."""

    address: Address
    facts: Facts

    @property
    def title(self) -> str:
        """The agent and what it says of itself."""
        spoken = ", ".join(VERSIONS[each] for each in sorted(self.facts.versions))
        return f"{self.address.host}:{self.address.port} ({self.facts.description[:100]}; {spoken})"

    @asynccontextmanager
    async def session(self, transcript: Transcript) -> AsyncIterator[Device]:
        """What one case works with."""
        device = Device(self.address, self.facts, transcript)
        try:
            yield device
        finally:
            device.close()


def arguments(parser: ArgumentParser) -> None:
    """What the SNMP suite asks for."""
    parser.add_argument("--host", required=True, metavar="H", help="name or IP address of the agent")
    parser.add_argument("--port", type=int, default=161, metavar="N", help="its UDP port (%(default)s)")
    parser.add_argument(
        "--community", default="", metavar="C", help="one that may read, of v1 and v2c; without it only v3"
    )
    parser.add_argument(
        "--write-community", default="", metavar="C", help="one that may SET sysContact; without it --user"
    )
    parser.add_argument("--auth", choices=HASHES, default="SHA-256", help="of --user (%(default)s)")
    parser.add_argument("--priv", choices=CIPHERS, default="AES", help="of --user (%(default)s)")
    parser.add_argument("--priv-password", metavar="P", help="of --user; without the option it is --password")
    parser.add_argument(
        "--trap-port",
        type=int,
        metavar="N",
        help="a port of this machine to which the agent sends traps of v1 or v2c; without it those cases do not apply",
    )


async def contact(given: Namespace) -> Contacted:
    """The first contact: a GET of each version, a discovery, and a walk. Raises Unreachable."""
    address = Address(
        given.host,
        given.port,
        given.community.encode(),
        given.write_community.encode(),
        given.user,
        given.password,
        given.auth,
        given.priv,
        given.priv_password or given.password,
        given.trap_port,
    )
    if not address.community and not address.user:
        raise Unreachable("neither --community nor --user: nobody would be answered")
    facts = Facts()
    device = Device(address, facts, Transcript())
    try:
        versions = await _communities(device) if address.community else set()
        if address.user:
            versions |= await _user(device)
        facts.versions = frozenset(versions)
        if not versions:
            raise Unreachable(f"{address.host}:{address.port} answers neither the community nor the user")
        facts.description = (await device.get(SYS_DESCR)).only().value.octets().decode("utf-8", "replace")
        facts.rows = tuple(await _rows(device))
        facts.hidden = await _hidden(device)
    except (Failed, OSError) as error:
        raise Unreachable(
            f"{address.host}:{address.port} does not answer as an SNMP agent: {error}"
        ) from None
    finally:
        device.close()
    return Contacted(address, facts)


async def _communities(device: Device) -> set[int]:
    found = set()
    for version in (V1, V2C):
        with suppress(Failed):
            (await device.get(SYS_DESCR, version=version)).only()
            found.add(version)
    return found


async def _user(device: Device) -> set[int]:
    """Raises Failed: there is an engine, and it does not let the user in."""
    told = await device.discover()
    if told is None:
        return set()
    facts, address = device.facts, device.address
    facts.engine = told.engine
    facts.keys = Keys.of(
        address.authentication, address.password, address.privacy, address.privacy_password, told.engine
    )
    facts.boots, facts.epoch = told.boots, time.monotonic() - told.time
    # Engines that do not tell their time to strangers tell it to the user (RFC 3414 s4).
    answer = await device.secured(device.template(pdu(GET, device.number(), [varbind(SYS_DESCR)])))
    if answer is not None and answer.pdu.kind == 0xA8:
        facts.boots, facts.epoch = answer.boots, time.monotonic() - answer.time
        answer = await device.secured(device.template(pdu(GET, device.number(), [varbind(SYS_DESCR)])))
    expect(
        answer is not None and answer.pdu.kind == RESPONSE,
        f"the user {address.user} is not let in: {'no answer' if answer is None else answer.pdu.said}",
    )
    return {V3}


async def _rows(device: Device) -> list[Varbind]:
    """All that it shows, as far as a walk goes: where that ends too early, a case says so. Raises Failed: nothing."""
    found: list[Varbind] = []
    try:
        async for each in device.steps((), 0 if device.version == V1 else 20, None, None):
            found.append(each)  # noqa: PERF401 - those before a failure count
    except Failed:
        if not found:
            raise
    return found


async def _hidden(device: Device) -> Varbind | None:
    """Something below snmpModules that the user sees and the community does not."""
    if not {V2C, V3} <= device.facts.versions:
        return None
    shown = {each.name for each in device.below(MODULES)}
    return next(
        (each for each in await device.walk(MODULES, repetitions=10, version=V3) if each.name not in shown),
        None,
    )
