"""HTTP in the control plane: pages, API and mounts on HTTPS; on HTTP a way there, and the mounts."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import sys
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from device.accounts.role import Role
from device.accounts.sessions import Limits, Sessions
from device.accounts.store import Accounts
from device.certificates import own_certificate
from device.errors import NotFound
from device.events.catalogue import EndpointBack, EndpointFailed
from device.jobs import Jobs
from device.media import MICROSECONDS
from device.planes.link import Client
from device.settings.web import Web
from integration.plane import Plane
from integration.version import VERSION
from integration.zone import local_zone
from protocols.http.api import ROUTES
from protocols.http.assets import Assets
from protocols.http.endpoint import Endpoint, Listen, Mounts
from protocols.http.house import Catalogue, House
from protocols.http.serve import Serving

BY = "http"
AGAIN = 10.0  #: seconds until a port that was not to be had is tried again
READERS = 2  #: threads that read the catalogue
MINUTES = 60 * MICROSECONDS
YEAR = 365 * 24 * 60 * MINUTES


class HttpPlane:
    """What is served, and where."""

    def __init__(
        self,
        own: Plane,
        address: str,
        ports: tuple[int, int],
        accounts: Accounts,
        jobs: Jobs,
        recording: Client,
        streaming: Client,
    ) -> None:
        """`ports`: of HTTPS and HTTP; 0 takes a free one."""
        self._own = own
        self._accounts = accounts
        self._sessions = Sessions(own.folder.sessions, own.clock, self._limits)
        self._catalogue = Catalogue(own.folder, ThreadPoolExecutor(READERS, thread_name_prefix="catalogue"))
        self._house = House(
            own.identity,
            VERSION,
            own.folder,
            own.clock,
            local_zone(),
            own.since,
            own.settings,
            accounts,
            self._sessions,
            jobs,
            own.bus,
            self._catalogue,
            own.server,
            recording,
            streaming,
        )
        self._serving = Serving(self._house, ROUTES, _complain)
        self._address = address
        self._ports = ports
        self._assets = Assets()
        self._changed = asyncio.Event()
        self.mounts = Mounts()

    async def run(self, ready: Callable[[Mapping[str, str]], None]) -> None:
        """Until cancelled. `ready` is called once, with the ports where there are any."""
        told = False
        try:
            while True:
                self._changed.clear()
                async with contextlib.AsyncExitStack() as stack:
                    endpoint = await self._open(stack)
                    stack.push_async_callback(self._serving.close)
                    if not told:
                        told = True
                        ready(_details(endpoint))
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._changed.wait(), AGAIN if endpoint is None else None)
        finally:
            self._sessions.close()
            self._catalogue.close()

    def _limits(self, account: str) -> Limits:
        """How long the sessions of an account live."""
        how = self._own.settings.get(Web)
        try:
            viewer = self._accounts.get(account).role is Role.VIEWER
        except NotFound:
            viewer = False
        if viewer and how.viewers_stay:
            return Limits(None, YEAR)
        return Limits(how.session_idle * MINUTES, how.session_longest * 60 * MINUTES)

    @property
    def ports(self) -> tuple[int, int]:
        """Of HTTPS and of HTTP, once they are open."""
        return self._ports

    async def _open(self, stack: contextlib.AsyncExitStack) -> Endpoint | None:
        """The endpoint; None where a port is not to be had: that is said, and tried again."""
        https, http = self._ports
        listen = [Listen(self._address, https, self._tls()), Listen(self._address, http, None)]
        endpoint = Endpoint(self._serving.definitions, self.mounts, self._assets, listen, hsts=False)
        try:
            await stack.enter_async_context(endpoint)
        except OSError as error:
            at = f"{self._address}, port {https} (HTTPS) or {http} (HTTP)"
            self._own.bus.publish(EndpointFailed(BY, f"{at}: {os.strerror(error.errno or 0)}"))
            return None
        self._ports = endpoint.addresses[0][1], endpoint.addresses[1][1]  # a free port stays the same
        self._own.bus.publish(EndpointBack(BY))
        return endpoint

    def _tls(self) -> ssl.SSLContext:
        own = self._own
        pair = own_certificate(own.folder.certificates, own.identity.serial, own.clock)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.minimum_version = ssl.TLSVersion.TLSv1_2
        tls.load_cert_chain(pair.certificate, pair.key)
        tls.set_alpn_protocols(["http/1.1"])
        return tls


def _complain(number: str, error: BaseException) -> None:
    """A defect of ours, for the system's log, under the number that the client was told."""
    where = "".join(traceback.format_exception(error))
    sys.stderr.write(f"Answering a request failed, number {number}: {where}")


def _details(endpoint: Endpoint | None) -> dict[str, str]:
    if endpoint is None:
        return {}
    (host, https), (_, http) = endpoint.addresses
    return {"https": str(https), "http": str(http), "http_address": host}
