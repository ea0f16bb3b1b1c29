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
from functools import cache, partial

from device.accounts.lockout import Lockout
from device.accounts.role import Role
from device.accounts.sessions import Limits, Sessions
from device.accounts.store import Accounts
from device.certificates.contexts import Renewable, server_context
from device.certificates.store import Certificates
from device.errors import NotFound
from device.events.catalogue import AccountChanged, AccountDeleted, EndpointBack, EndpointFailed
from device.events.journal import Entry
from device.jobs import Jobs
from device.media import MICROSECONDS
from device.network.trial import Trial
from device.planes.exports import export_work
from device.planes.link import Client
from device.settings.openid import OpenId
from device.settings.store import Changed
from device.settings.tls import Tls
from device.settings.virtual_hosts import VirtualHost
from device.settings.web import Web
from device.waiting import woken
from integration.certificates import ClientTls
from integration.plane import Plane
from integration.rtsp_websocket import PATH as RTSP
from integration.rtsp_websocket import RtspWebSocket
from integration.version import VERSION
from integration.virtual_hosts import VirtualHosts
from integration.zone import local_zone
from protocols.http.api import ROUTES
from protocols.http.assets import Assets
from protocols.http.endpoint import Endpoint, Listen, Mounts
from protocols.http.house import Catalogue, House
from protocols.http.live import LiveStreams
from protocols.http.openapi import document
from protocols.http.openid.desk import Desk
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
        lockout: Lockout,
        certificates: Certificates,
        tls: ClientTls,
        jobs: Jobs,
        recording: Client,
        streaming: Client,
        trial: Trial,
    ) -> None:
        """`ports`: of HTTPS and HTTP; 0 takes a free one."""
        self._own = own
        self._accounts = accounts
        self.sessions = Sessions(own.folder.sessions, own.clock, self._limits)
        self._catalogue = Catalogue(own.folder, ThreadPoolExecutor(READERS, thread_name_prefix="catalogue"))
        self.certificates = certificates
        self._tls: Renewable | None = None
        self._desk = Desk(own.settings, own.clock, lambda how: tls.context(how.authorities, ""))
        self._house = House(
            own.identity,
            VERSION,
            own.folder,
            own.clock,
            local_zone(),
            own.since,
            own.settings,
            accounts,
            self.sessions,
            certificates,
            jobs,
            own.bus,
            self._catalogue,
            own.server,
            recording,
            streaming,
            LiveStreams(streaming),
            partial(export_work, streaming),
            cache(partial(document, ROUTES, VERSION)),
            self._desk,
            lambda: self._ports,
            lockout,
            trial,
        )
        self._serving = Serving(self._house, ROUTES, _complain)
        self._address = address
        self._ports = ports
        self._assets = Assets()
        self._changed = asyncio.Event()
        self._endpoint: Endpoint | None = None
        self.mounts = Mounts()
        self._rtsp = RtspWebSocket(own.folder.connections)
        self.mounts.add(RTSP, self._rtsp.handle)
        self._hosts = VirtualHosts(
            own, self._house, self._serving.definitions, self._assets, address, self._new_context
        )

    async def run(self, ready: Callable[[Mapping[str, str]], None]) -> None:
        """Until cancelled. `ready` is called once, with the ports where there are any."""
        told = False
        ends = [
            self._own.settings.subscribe(self._setting_changed),
            self.certificates.subscribe(self._renew),
            self._own.bus.subscribe(self._heard),
        ]
        hosts = asyncio.create_task(self._hosts.run())
        try:
            while True:
                self._changed.clear()
                async with contextlib.AsyncExitStack() as stack:
                    self._endpoint = endpoint = await self._open(stack)
                    stack.push_async_callback(self._serving.close)
                    stack.push_async_callback(self._rtsp.close)
                    if not told:
                        told = True
                        ready(_details(endpoint))
                    await woken(self._changed, AGAIN if endpoint is None else None)
        finally:
            hosts.cancel()
            await asyncio.gather(hosts, return_exceptions=True)
            for end in ends:
                end()
            await self._house.live.close()
            self.sessions.close()
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

    def connections(self) -> list[object]:
        """Those that are open, on all ports."""
        return [*(self._endpoint.connections if self._endpoint else ()), *self._hosts.connections]

    async def _open(self, stack: contextlib.AsyncExitStack) -> Endpoint | None:
        """The endpoint; None where a port is not to be had: that is said, and tried again."""
        https, http = self._ports
        self._tls = Renewable(self._new_context)
        listen = [Listen(self._address, https, self._tls.context), Listen(self._address, http, None)]
        endpoint = Endpoint(
            self._serving.definitions, self.mounts, self._assets, listen, hsts=False, gate=None
        )
        try:
            await stack.enter_async_context(endpoint)
        except OSError as error:
            at = f"{self._address}, port {https} (HTTPS) or {http} (HTTP)"
            self._own.bus.publish(EndpointFailed(BY, f"{at}: {os.strerror(error.errno or 0)}"))
            return None
        self._ports = endpoint.addresses[0][1], endpoint.addresses[1][1]  # a free port stays the same
        self._own.bus.publish(EndpointBack(BY))
        return endpoint

    def _new_context(self) -> ssl.SSLContext:
        how = self._own.settings.get(Tls)
        context = server_context(self.certificates, how.https, how.policy)
        context.set_alpn_protocols(["http/1.1"])
        return context

    def _heard(self, entry: Entry) -> None:
        """Whichever wire removed an account or gave it another password: what it opened is closed. Who changes his own
        password stays where he is; the route sees to his other sessions."""
        event = entry.event
        if isinstance(event, AccountDeleted | AccountChanged):
            self._hosts.forget()
        if isinstance(event, AccountDeleted):
            self.sessions.forget(event.account, tokens=True)
        elif isinstance(event, AccountChanged) and event.what == "password" and event.by != event.account:
            self.sessions.forget(event.account)

    def _setting_changed(self, changed: Changed) -> None:
        """Another certificate is shown at the next handshake; another policy needs the ports anew. Who came by another
        provider, or by claims that mean something else now, comes again."""
        if changed.section in (VirtualHost.about.section, Tls.about.section):
            self._hosts.change()
        if changed.section == OpenId.about.section:
            self.sessions.forget_remote()
        if changed.section == Tls.about.section:
            if "policy" in changed.fields:
                self._desk.forget()
                self._changed.set()
            else:
                self._renew("")

    def _renew(self, id_: str) -> None:  # noqa: ARG002 - whichever it was, what is shown is read again
        self._hosts.change()
        self._desk.forget()
        if self._tls is not None:
            self._tls.renew()


def _complain(number: str, error: BaseException) -> None:
    """A defect of ours, for the system's log, under the number that the client was told."""
    where = "".join(traceback.format_exception(error))
    sys.stderr.write(f"Answering a request failed, number {number}: {where}")


def _details(endpoint: Endpoint | None) -> dict[str, str]:
    if endpoint is None:
        return {}
    (host, https), (_, http) = endpoint.addresses
    return {"https": str(https), "http": str(http), "http_address": host}
