"""What the routes stand on: the recorder as the control plane has it, and who may ask it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, TypeVar

from aiohttp import web

from device.accounts.lockout import Lockout
from device.accounts.rights import Rights
from device.accounts.sessions import PREFIX, NotLoggedIn, Sessions
from device.accounts.store import Account, Accounts, WrongPassword
from device.certificates.store import OWN, Certificates
from device.clock import Clock
from device.errors import NotAuthorized, NotFound
from device.events.bus import Bus
from device.folder import DataFolder
from device.identity import Identity
from device.jobs import Jobs, Work
from device.media import Utc
from device.network.trial import Trial
from device.planes.messages import ExportSpan
from device.recording.catalogue import CatalogueReader
from device.settings.store import Store
from device.settings.tls import Tls
from protocols.http.caller import COOKIE, GUEST, PROVIDER_ONLY, Caller, bearer
from protocols.http.live import LiveStreams
from protocols.http.openid.desk import Desk
from protocols.http.planes import Asker, Streams

T = TypeVar("T")

BY = "https"


class TooManyTries(NotAuthorized):
    """This address gave wrong passwords. `retry_after`: seconds."""

    wire = NotAuthorized.wire.__class__(
        429, 403, "ter:NotAuthorized", "authorizationError", NotAuthorized.wire.syslog
    )
    transient = True

    def __init__(self, seconds: float) -> None:
        super().__init__(f"Too many wrong passwords came from this address. Wait {seconds:.0f} s.")
        self.retry_after = round(seconds, 1)


class Catalogue:
    """The catalogue, read in threads of its own so that nobody else waits for a disk."""

    def __init__(self, folder: DataFolder, threads: ThreadPoolExecutor) -> None:
        self._folder = folder
        self._threads = threads
        self._reader: CatalogueReader | None = None

    async def read(self, work: Callable[[CatalogueReader], T]) -> T:
        """What `work` reads. Raises what it raises; Fault where there is no catalogue yet."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, work)

    def _read(self, work: Callable[[CatalogueReader], T]) -> T:
        if self._reader is None:
            self._reader = CatalogueReader(self._folder.catalogue)
        return work(self._reader)

    def close(self) -> None:
        """Let go of it."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        if self._reader is not None:
            self._reader.close()


@dataclass
class House:
    """The recorder, for the routes."""

    identity: Identity
    version: str
    folder: DataFolder
    clock: Clock
    zone: tzinfo
    since: Utc  #: start of this process
    settings: Store
    accounts: Accounts
    sessions: Sessions
    certificates: Certificates
    jobs: Jobs
    bus: Bus
    catalogue: Catalogue
    control: Asker  #: this very plane
    recording: Asker
    streaming: Streams
    live: LiveStreams  #: of that plane, shared by all who watch
    export: Callable[[ExportSpan], Work]  #: what a job does that exports; raises BadValue
    description: Callable[[], dict[str, Any]]  #: OpenAPI. Any: JSON
    desk: Desk  #: for those whose account a provider keeps
    ports: Callable[[], tuple[int, int]]  #: of HTTPS and of HTTP
    lockout: Lockout  #: of all wires of this plane
    trial: Trial  #: of what could cut people off the network

    def own_certificate(self) -> bool:
        """Whether HTTPS shows the recorder's own certificate, which no browser trusts by itself."""
        return self.settings.get(Tls).https == OWN

    def needs_setup(self) -> bool:
        """Whether there is no account yet."""
        return self.accounts.is_empty()

    async def caller(self, request: web.Request, *, use: bool) -> Caller:
        """Who asks, with the rights that the account has now. Raises NotLoggedIn; ProviderFault where a provider
        cannot be asked whose token it is."""
        peer = peer_of(request)
        guest = request.get(GUEST)
        if guest is not None:
            account = self._account(guest)
            return Caller(account.name, account.rights, peer)
        caller = await self._caller(request, peer, use)
        if request.get(PROVIDER_ONLY) and not caller.remote:
            raise NotLoggedIn("Here only those come in who log in at the provider.")
        return caller

    async def _caller(self, request: web.Request, peer: str, use: bool) -> Caller:
        secret = bearer(request)
        if secret is not None:
            return await self._program(secret, peer)
        cookie = request.cookies.get(COOKIE)
        if not cookie:
            raise NotLoggedIn("Log in first.")
        session = self.sessions.find(cookie, use=use)
        if session.remote is not None:
            return Caller(session.account, Rights(session.remote), peer, session=session, remote=True)
        account = self._account(session.account)
        return Caller(account.name, account.rights, peer, session=session)

    async def _program(self, secret: str, peer: str) -> Caller:
        """By our own token, or by a provider's."""
        if self.desk.takes_tokens and not secret.startswith(PREFIX):
            try:
                remote = await self.desk.program(secret)
            except NotAuthorized as error:
                raise NotLoggedIn(str(error)) from None
            return Caller(remote.name, remote.rights, peer, remote=True)
        token = self.sessions.find_token(secret)
        return Caller(token.account, self._account(token.account).rights, peer, token=token)

    async def check(self, name: str, password: str, peer: str) -> Account:
        """Whose name and password these are. Raises WrongPassword, TooManyTries."""
        monotonic = self.clock.monotonic
        verdict = self.lockout.ask(name, peer, monotonic())
        if verdict.wait > 0:
            raise TooManyTries(verdict.wait)
        if verdict.pause:
            await asyncio.sleep(verdict.pause)
        try:
            account = await self.accounts.verify(name, password, peer=peer, protocol=BY)
        except WrongPassword:
            self.lockout.failed(name, peer, monotonic())
            raise
        self.lockout.succeeded(account.name, peer)
        return account

    def _account(self, name: str) -> Account:
        try:
            return self.accounts.get(name)
        except NotFound:
            raise NotLoggedIn("The account is gone.") from None


def peer_of(request: web.Request) -> str:
    """The address of who asks. No header is believed: anybody can write X-Forwarded-For."""
    return (request.remote or "")[:64]
