"""The sockets: HTTPS with everything, and HTTP with what other protocols mount and a way to HTTPS."""

from __future__ import annotations

import re
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType

from aiohttp import web

from protocols.http.assets import Asset, Assets
from protocols.http.headers import HSTS, NO_CONTENT_POLICY, SECURITY
from protocols.http.problem import problem
from protocols.http.serve import tell

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Gate = Callable[[web.Request], Awaitable[web.StreamResponse | None]]

LARGEST = 1 << 20  #: octets of a request's body, where a route does not say otherwise
END_SECONDS = 1.0  #: that requests in progress have when the endpoint ends
_HOST = re.compile(r"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?")
_READ = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Listen:
    """An address and a port, 0: any free one. `tls`: None on the port without TLS."""

    address: str
    port: int
    tls: ssl.SSLContext | None


class Mounts:
    """What other protocols serve here, by the beginning of the path, on both ports. Each knows itself who may come in.

    mounts.add("/onvif/", handler)      # async def handler(request: web.Request) -> web.StreamResponse
    """

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}

    def add(self, prefix: str, handler: Handler) -> Callable[[], None]:
        """Let `handler` answer for every path that begins with `prefix`, at once; returns what ends it."""
        if prefix in self._handlers or not prefix.startswith("/"):
            raise ValueError(f"{prefix!r} is mounted already, or is no path")
        self._handlers[prefix] = handler

        def end() -> None:
            self._handlers.pop(prefix, None)

        return end

    def find(self, path: str) -> Handler | None:
        """Who answers for a path."""
        fitting = [prefix for prefix in self._handlers if path.startswith(prefix)]
        return self._handlers[max(fitting, key=len)] if fitting else None


class Endpoint:
    """Serves until closed.

    async with Endpoint(app, mounts, Assets(), [Listen("::", 443, tls), Listen("::", 80, None)], hsts=False, gate=None):
        ...
    """

    def __init__(
        self,
        routes: web.RouteTableDef,
        mounts: Mounts,
        assets: Assets,
        listen: Sequence[Listen],
        *,
        hsts: bool,
        gate: Gate | None,
    ) -> None:
        """`routes`: answered on ports with TLS alone. `hsts`: the certificate is one that browsers trust. `gate`: asked
        before all else; what it answers is the answer."""
        self._gate = gate
        self._mounts = mounts
        self._assets = assets
        self._listen = list(listen)
        self._more: Mapping[str, str] = {**SECURITY, **HSTS} if hsts else SECURITY
        self._app = web.Application(client_max_size=LARGEST, middlewares=[self._front])
        self._app.add_routes(routes)
        # With any method: what is mounted would else be looked up as an error first.
        self._app.router.add_route("*", "/{path:.*}", self._file)
        self._app.on_response_prepare.append(self._prepare)
        self._runner = web.AppRunner(self._app, access_log=None, shutdown_timeout=END_SECONDS)
        self.addresses: list[tuple[str, int]] = []  #: in the order of `listen`
        self._secure_port = 0

    async def __aenter__(self) -> Endpoint:
        """Raises OSError: an address or port is not to be had; then nothing is served."""
        await self._runner.setup()
        try:
            for listen in self._listen:
                site = web.TCPSite(
                    self._runner, listen.address, listen.port, ssl_context=listen.tls, reuse_address=True
                )
                await site.start()
                host, port = self._runner.addresses[-1][:2]
                self.addresses.append((host, port))
                if listen.tls is not None and not self._secure_port:
                    self._secure_port = port
        except BaseException:
            await self._runner.cleanup()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    @property
    def connections(self) -> Sequence[object]:
        """Those that are open; a request has its own as `request.protocol`."""
        return self._runner.server.connections if self._runner.server is not None else ()

    # ------------------------------------------------------------------------------------------ within

    @web.middleware
    async def _front(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self._gate is not None and (refused := await self._gate(request)) is not None:
            return refused
        mounted = self._mounts.find(request.path)
        if mounted is not None:
            return await mounted(request)
        if not request.secure:
            return self._to_https(request)
        try:
            return await handler(request)
        except web.HTTPException as error:
            if error.status < 400 or not request.path.startswith("/api/"):
                raise
            return tell(problem(error.status, f"{request.method} {request.path[:200]} is not there."))

    def _to_https(self, request: web.Request) -> web.Response:
        """A page is shown the way. Anything else has sent what it should not have in the clear, and is told so."""
        host = _HOST.fullmatch(request.headers.get("Host", ""))
        if host is None:
            return web.Response(status=400, text="The Host header is missing, or names no host.\n")
        if request.method not in _READ:
            return web.Response(status=403, text="Use HTTPS: this port answers only GET.\n")
        port = "" if self._secure_port == 443 else f":{self._secure_port}"
        target = f"https://{host[1]}{port}{request.rel_url.raw_path_qs}"
        return web.Response(status=308, headers={"Location": target})

    async def _file(self, request: web.Request) -> web.StreamResponse:
        if request.method not in _READ:
            raise web.HTTPMethodNotAllowed(request.method, _READ)
        asset = self._assets.get(request.path)
        if asset is None and request.path.startswith(("/a/", "/api/")):
            raise web.HTTPNotFound(text="There is no such file.\n")
        return answer(request, asset or self._assets.index)

    async def _prepare(self, request: web.Request, response: web.StreamResponse) -> None:
        if self._mounts.find(request.path) is not None:
            response.headers["Server"] = SECURITY["Server"]
            return
        for name, value in self._more.items():
            response.headers[name] = value
        response.headers.setdefault("Content-Security-Policy", NO_CONTENT_POLICY)
        response.headers.setdefault("Cache-Control", "no-store")


def answer(request: web.Request, asset: Asset) -> web.Response:
    """A file, or that it is as it was (RFC 9110 s15.4.5)."""
    headers = {"Cache-Control": asset.cache, "ETag": asset.tag, "Vary": "Accept-Encoding"}
    if asset.policy:
        headers["Content-Security-Policy"] = asset.policy
    if asset.tag in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    headers["Content-Type"] = asset.type
    if not asset.packed or "gzip" not in request.headers.get("Accept-Encoding", ""):
        return web.Response(body=asset.plain(), headers=headers)
    return web.Response(body=asset.body, headers={**headers, "Content-Encoding": "gzip"})
