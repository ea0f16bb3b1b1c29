"""HTTP in the control plane: pages, API and mounts on HTTPS; on HTTP a way there, and the mounts."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from collections.abc import Callable, Mapping

from aiohttp import web

from device.certificates import own_certificate
from device.events.catalogue import EndpointBack, EndpointFailed
from integration.plane import Plane
from protocols.http.assets import Assets
from protocols.http.endpoint import Endpoint, Listen, Mounts

BY = "http"
AGAIN = 10.0  #: seconds until a port that was not to be had is tried again


class HttpPlane:
    """What is served, and where."""

    def __init__(self, own: Plane, address: str, https: int, http: int) -> None:
        """A port of 0 takes a free one."""
        self._own = own
        self._address = address
        self._ports = https, http
        self._assets = Assets()
        self._changed = asyncio.Event()
        self.mounts = Mounts()

    async def run(self, ready: Callable[[Mapping[str, str]], None]) -> None:
        """Until cancelled. `ready` is called once, with the ports where there are any."""
        told = False
        while True:
            self._changed.clear()
            async with contextlib.AsyncExitStack() as stack:
                endpoint = await self._open(stack)
                if not told:
                    told = True
                    ready(_details(endpoint))
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), AGAIN if endpoint is None else None)

    @property
    def ports(self) -> tuple[int, int]:
        """Of HTTPS and of HTTP, once they are open."""
        return self._ports

    async def _open(self, stack: contextlib.AsyncExitStack) -> Endpoint | None:
        """The endpoint; None where a port is not to be had: that is said, and tried again."""
        https, http = self._ports
        listen = [Listen(self._address, https, self._tls()), Listen(self._address, http, None)]
        endpoint = Endpoint(web.RouteTableDef(), self.mounts, self._assets, listen, hsts=False)
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


def _details(endpoint: Endpoint | None) -> dict[str, str]:
    if endpoint is None:
        return {}
    (host, https), (_, http) = endpoint.addresses
    return {"https": str(https), "http": str(http), "http_address": host}
