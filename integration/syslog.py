"""Syslog in the control plane: every server of the settings is told, each at its own pace."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import ssl
from datetime import UTC

from device.audit.keeper import Keeper
from device.errors import BadValue, HoldfastError
from device.outbox.delivery import deliver
from device.outbox.feed import feed
from device.outbox.outbox import Box, Limits, Outbox
from device.planes.link import Server
from device.planes.outward import AllTried, Tried, TrySyslog
from device.settings.recorder import Recorder
from device.settings.section import check_key, validate
from device.settings.syslog import Syslog, Transport
from integration.certificates import ClientTls
from integration.destinations import serve_each
from integration.plane import Plane
from integration.version import VERSION
from integration.zone import local_zone
from protocols.syslog.catalogue import origin, trial
from protocols.syslog.connection import connect
from protocols.syslog.message import Manner, encode
from protocols.syslog.sender import LONGEST, Sender, drafts

LIMITS = Limits(octets=64_000_000, seconds=7 * 86_400)  #: of what waits for one server
_PREFIX = "syslog/"  # of the names of the boxes


class SyslogPlane:
    """The servers."""

    def __init__(self, own: Plane, outbox: Outbox, keeper: Keeper, tls: ClientTls) -> None:
        self._own = own
        self._outbox = outbox
        self._keeper = keeper
        self._tls = tls
        self._speaker = origin(VERSION)

    def answer(self, server: Server) -> None:
        """Let `server` test servers."""
        server.on(TrySyslog, self._test)

    async def run(self) -> None:
        """For ever."""
        await serve_each(
            self._own.settings, self._outbox, Syslog, _PREFIX, lambda server: server.enabled, self._serve
        )

    async def _serve(self, key: str, settings: Syslog) -> None:
        own = self._own
        box = self._outbox.box(f"{_PREFIX}{key}", LIMITS)
        end = await feed(own.bus, box, lambda entry: drafts(entry, settings))
        try:
            await self._tls.renewed(
                settings.authorities,
                settings.certificate,
                box.fails,
                lambda tls: self._deliver(box, settings, tls),
            )
        finally:
            end()

    async def _deliver(self, box: Box, settings: Syslog, tls: ssl.SSLContext) -> None:
        own = self._own
        sender = Sender(settings, _manner(settings), tls, self._speaker, self._keeper.receipt)
        try:
            await deliver(box, sender, own.clock, own.bus.publish, random.random)
        finally:
            await sender.close()

    async def _test(self, request: TrySyslog) -> AllTried:
        servers = _servers(request.servers) if request.servers else self._own.settings.entries(Syslog)
        return AllTried(tuple(await asyncio.gather(*(self._try(key, each) for key, each in servers.items()))))

    async def _try(self, key: str, settings: Syslog) -> Tried:
        name = self._own.settings.get(Recorder).name
        said = encode(trial(self._own.clock.utc(), self._speaker, name), _manner(settings))
        host, port = settings.address
        try:
            tls = self._tls.context(settings.authorities, settings.certificate)
            connection = await connect(settings.address, settings.transport, tls)
            try:
                await connection.send([said])
            finally:
                await connection.close()
        except HoldfastError as error:
            return Tried(key, False, str(error))
        how = "sent; UDP does not tell whether it arrives" if settings.transport is Transport.UDP else "taken"
        return Tried(key, True, f"{host}, port {port}/{settings.transport.value}: {how}")


def _servers(text: str) -> dict[str, Syslog]:
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict) or not all(isinstance(values, dict) for values in given.values()):
        raise BadValue("servers", "must be a JSON object of keys and values")
    for key in given:
        check_key(Syslog, key)
    return {key: validate(Syslog, key, values) for key, values in given.items()}


def _manner(settings: Syslog) -> Manner:
    zone = UTC if settings.utc else local_zone()
    return Manner(settings.form, settings.name or socket.gethostname(), zone, LONGEST[settings.transport])
