"""The ports of virtual hosts: opened as the settings say, each with its gate."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from collections.abc import Callable

from aiohttp import web

from device.accounts.store import DigestSecrets
from device.events.catalogue import EndpointBack, EndpointFailed
from device.settings.virtual_hosts import VirtualHost
from device.vault import Vault
from device.waiting import woken
from integration.plane import Plane
from protocols.http.assets import Assets
from protocols.http.endpoint import Endpoint, Listen, Mounts
from protocols.http.house import House
from protocols.http.virtual import Gate

BY = "virtual hosts"
AGAIN = 10.0  #: seconds until a port that was not to be had is tried again


class VirtualHosts:
    """All of them. They serve pages and API, and nothing that other protocols mount."""

    def __init__(
        self,
        own: Plane,
        house: House,
        routes: web.RouteTableDef,
        assets: Assets,
        address: str,
        tls: Callable[[], ssl.SSLContext],
    ) -> None:
        self._own = own
        self._house = house
        self._routes = routes
        self._assets = assets
        self._address = address
        self._tls = tls
        self._changed = asyncio.Event()
        self._gates: list[Gate] = []
        self._endpoints: list[Endpoint] = []

    def change(self) -> None:
        """Settings or certificates are others: the ports are opened anew."""
        self._changed.set()

    def forget(self) -> None:
        """An account is another."""
        for gate in self._gates:
            gate.forget()

    @property
    def connections(self) -> list[object]:
        """Those that are open."""
        return [each for endpoint in self._endpoints for each in endpoint.connections]

    async def run(self) -> None:
        """Until cancelled."""
        own = self._own
        secrets = DigestSecrets(own.folder.accounts, Vault.at(own.folder.key), own.identity.serial)
        try:
            while True:
                self._changed.clear()
                async with contextlib.AsyncExitStack() as stack:
                    failed = [
                        text for port in self._ports() if (text := await self._open(stack, port, secrets))
                    ]
                    if failed:
                        own.bus.publish(EndpointFailed(BY, "; ".join(failed)))
                    else:
                        own.bus.publish(EndpointBack(BY))
                    await woken(self._changed, AGAIN if failed else None)
                self._gates.clear()
                self._endpoints.clear()
        finally:
            secrets.close()

    def _ports(self) -> list[int]:
        return sorted({host.port for host in self._hosts().values()})

    def _hosts(self) -> dict[str, VirtualHost]:
        hosts = self._own.settings.entries(VirtualHost)
        return {name: host for name, host in hosts.items() if host.enabled}

    async def _open(self, stack: contextlib.AsyncExitStack, port: int, secrets: DigestSecrets) -> str:
        """Serve the hosts of a port; why not, where it is not to be had."""
        hosts = {name: host for name, host in self._hosts().items() if host.port == port}
        gate = Gate(self._house, secrets, hosts)
        listen = [Listen(self._address, port, self._tls())]
        endpoint = Endpoint(self._routes, Mounts(), self._assets, listen, hsts=False, gate=gate)
        try:
            await stack.enter_async_context(endpoint)
        except OSError as error:
            return f"{self._address}, port {port}: {os.strerror(error.errno or 0)}"
        self._gates.append(gate)
        self._endpoints.append(endpoint)
        return ""
