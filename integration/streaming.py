"""The streaming plane: video out. Reads the catalogue and the files, and taps the recording plane while somebody
watches."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import socket
import sys
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from ipaddress import IPv4Network
from pathlib import Path

from device.accounts.lockout import Lockout
from device.accounts.rights import Rights
from device.accounts.role import Role
from device.accounts.store import DigestSecrets
from device.certificates.contexts import server_context
from device.certificates.store import Certificates
from device.clock import Clock
from device.digest import Credentials
from device.errors import Fault
from device.events.bus import Bus
from device.events.catalogue import LoginFailed, SessionClosed, SessionId, SessionOpened
from device.planes.exports import serve_exports
from device.planes.handover import Handed, Taking
from device.planes.leash import Leash, attach
from device.planes.link import Client
from device.planes.messages import AskStreaming, SessionStatus, StreamingStatus
from device.recording.catalogue import CatalogueReader
from device.settings.clock import DateAndTime
from device.settings.rtsp import Digest, Rtsp
from device.settings.tls import Tls
from device.vault import Vault
from integration.afar import reading
from integration.browser import BrowserVideo
from integration.config import Listen
from integration.exports import about, signer
from integration.library import RecorderLibrary
from integration.plane import FOLLOW_SECONDS, Plane, plane, until
from integration.zone import local_zone
from protocols.rtsp import endpoint as rtsp
from protocols.rtsp.registry import End, Groups, Limits, Peer, Session

ANSWER_SECONDS = 5.0  #: for the recording plane, its restart included
REFUSED_SECONDS = 10.0  #: between two events about wrong passwords for one account from one address
REFUSED_REMEMBERED = 1024
ANYBODY = Rights(Role.VIEWER)  #: what who needs no account may do
SECTIONS = (Rtsp, Tls, DateAndTime)
WAIT_SECONDS = 0.1  #: between looks for what another plane makes at the first start


class CannotListen(Fault):
    """An address or port is not to be had. The supervisor tries again; nobody is served, and recording goes on."""

    transient = True


class OfferedDigests:
    """The digest secrets, without the algorithms that a person has switched off."""

    def __init__(self, secrets: DigestSecrets, offered: Digest) -> None:
        self.realm = secrets.realm
        self._secrets = secrets
        self._offered = offered

    def ha1(self, user: str, algorithm: str) -> str | None:
        """`device.digest.Credentials`."""
        if self._offered is Digest.SHA256 and algorithm != "SHA-256":
            return None
        return self._secrets.ha1(user, algorithm)


class Notices:
    """Who came, went and was refused, as events."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._told: OrderedDict[tuple[str, str], float] = OrderedDict()

    def opened(self, session: Session) -> None:
        """`protocols.rtsp.registry.Observer`."""
        how = "interleaved" if session.tcp else "multicast" if session.group is not None else "udp"
        self._bus.publish(SessionOpened(*_who(session), transport=how))

    def closed(self, session: Session, why: End, seconds: float) -> None:
        """Observer."""
        self._bus.publish(SessionClosed(*_who(session), reason=why.value, after=round(seconds, 3)))

    def refused(self, account: str, peer: Peer) -> None:
        """Observer. Who tries many passwords fills no journal with it."""
        now, key = self._clock.monotonic(), (account[:64], peer.host)
        if now - self._told.pop(key, -REFUSED_SECONDS) < REFUSED_SECONDS:
            self._told[key] = now
            return
        self._told[key] = now
        while len(self._told) > REFUSED_REMEMBERED:
            self._told.popitem(last=False)
        self._bus.publish(LoginFailed(*key, _protocol(peer)))


def _who(session: Session) -> tuple[SessionId, str, str, str, str]:
    # The name that the protocol uses lets its bearer command the session: it is not for the journal.
    known = SessionId(hashlib.sha256(session.id.encode()).hexdigest()[:12])
    return known, session.account, session.peer.host, _protocol(session.peer), session.path


def _protocol(peer: Peer) -> str:
    return "rtsps" if peer.secure else "rtsp"


class StreamingPlane:
    """Serves RTSP, and begins anew when its settings change."""

    def __init__(self, own: Plane, listen: Listen) -> None:
        self._own = own
        self._listen = listen
        self._endpoint: rtsp.Endpoint | None = None
        self._lockout = Lockout()
        self._changed = asyncio.Event()
        self._notices = Notices(own.bus, own.clock)
        self._far = reading(own.folder, own.clock)

    async def serve(self, leash: Leash) -> None:
        """Until cancelled."""
        async with AsyncExitStack() as stack:
            recording = await stack.enter_async_context(
                Client(self._own.folder.socket("recording"), within=ANSWER_SECONDS)
            )
            stack.callback(self._far.close)
            catalogue = stack.enter_context(await self._catalogue())
            vault = Vault.at(self._own.folder.key)
            secrets = DigestSecrets(self._own.folder.accounts, vault, self._own.identity.serial)
            stack.callback(secrets.close)
            library = RecorderLibrary(
                recording, catalogue, self._own.clock, lambda user: secrets.rights(user) if user else ANYBODY
            )
            stack.push_async_callback(library.close)
            BrowserVideo(library, self._own.clock).answer(self._own.server)
            serve_exports(
                self._own.server,
                lambda: CatalogueReader(self._own.folder.catalogue, self._far),
                signer(self._own.folder),
                partial(about, self._own.folder, self._own.clock),
                self._own.bus.publish,
            )
            while True:
                self._changed.clear()
                if not self._own.settings.get(Rtsp).enabled:
                    self._endpoint = None
                    ports = {"rtsp": str(self._listen.rtsp), "rtsps": str(self._listen.rtsps)}
                    leash.ready({"address": self._listen.address, **ports})
                    await self._changed.wait()
                    continue
                async with self._serving(library, secrets) as endpoint:
                    self._endpoint = endpoint
                    (host, rtsp_port), (_, rtsps_port) = endpoint.addresses
                    leash.ready({"address": host, "rtsp": str(rtsp_port), "rtsps": str(rtsps_port)})
                    await self._changed.wait()
                    # The ports stay what they are: players have them in their lists.
                    self._listen = self._listen.model_copy(update={"rtsp": rtsp_port, "rtsps": rtsps_port})

    @contextlib.asynccontextmanager
    async def _serving(
        self, library: RecorderLibrary, secrets: DigestSecrets
    ) -> AsyncIterator[rtsp.Endpoint]:
        own, how = self._own, self._own.settings.get(Rtsp)
        chosen = own.settings.get(Tls)
        certificates = Certificates(
            own.folder.certificates, Vault.at(own.folder.key), own.identity.serial, own.clock
        )
        tls = server_context(certificates, chosen.rtsps, chosen.policy)
        credentials: Credentials | None = None if how.anonymous else OfferedDigests(secrets, how.digest)
        listen = [
            rtsp.Listen(self._listen.address, self._listen.rtsp),
            rtsp.Listen(self._listen.address, self._listen.rtsps, tls),
        ]
        limits = Limits(session_seconds=how.session_timeout, sessions=how.sessions)
        groups: Groups | None = None
        if how.multicast:
            groups = Groups(IPv4Network(how.multicast_range), how.multicast_port, how.multicast_ttl)
        endpoint = rtsp.Endpoint(
            library,
            credentials,
            listen,
            own.clock,
            limits=limits,
            groups=groups,
            observer=self._notices,
            lockout=self._lockout,
            holds=lambda session: library.holds(session.account, session.path),
        )
        try:
            await endpoint.__aenter__()
        except OSError as error:
            at = f"{self._listen.address}, port {self._listen.rtsp} (RTSP) or {self._listen.rtsps} (RTSPS)"
            raise CannotListen(f"Cannot listen on {at}: {os.strerror(error.errno or 0)}.") from error
        adopting: set[asyncio.Task[None]] = set()

        def take(handed: Handed, sock: socket.socket) -> None:
            whose = Peer(handed.host, handed.local, handed.secure)
            task = asyncio.create_task(endpoint.adopt(sock, handed.received, whose))
            adopting.add(task)
            task.add_done_callback(adopting.discard)

        try:
            with Taking(own.folder.connections, take):
                yield endpoint
        finally:
            await asyncio.gather(*adopting, return_exceptions=True)  # then they are among those that are cut
            await endpoint.close()

    async def _catalogue(self) -> CatalogueReader:
        """The catalogue, once the recording plane has made it."""
        while True:
            try:
                return CatalogueReader(self._own.folder.catalogue, self._far)
            except Fault:
                await asyncio.sleep(WAIT_SECONDS)

    async def follow(self, position: int) -> None:
        """Serve anew when a setting of RTSP changes, for ever."""
        async for changed in self._own.settings.follow(position, every=FOLLOW_SECONDS):
            of_tls = changed.section == Tls.about.section and {"rtsps", "policy"} & set(changed.fields)
            local_zone().heed(changed, self._own.settings)
            if of_tls or changed.section == Rtsp.about.section:
                self._changed.set()

    def answer(self) -> None:
        """Register the answers of this plane."""
        self._own.server.on(AskStreaming, self._status)

    async def _status(self, request: AskStreaming) -> StreamingStatus:  # noqa: ARG002 - carries nothing
        sessions: tuple[SessionStatus, ...] = ()
        ports = (0, 0)
        if self._endpoint is not None:
            (_, plain), (_, secure) = self._endpoint.addresses
            ports = (plain, secure)
            sessions = tuple(
                SessionStatus(_protocol(session.peer), session.peer.host, session.account, session.path)
                for session in self._endpoint.registry
            )
        return StreamingStatus(self._own.since, sessions, *ports)


async def run(data: Path, listen: Listen, leash: Leash) -> None:
    """The plane, until it is told to stop."""
    async with plane("streaming", data, leash, SECTIONS) as own:
        position = own.settings.position()
        streaming = StreamingPlane(own, listen)
        streaming.answer()
        serving = asyncio.create_task(streaming.serve(leash))
        await until(own.stop, serving, asyncio.create_task(streaming.follow(position)))


def main(data: str, listen: str) -> None:
    """The process. `listen`: JSON of `integration.config.Listen`."""
    leash = attach()
    try:
        asyncio.run(run(Path(data), Listen.model_validate_json(listen), leash))
    except CannotListen as error:
        sys.exit(str(error))
