"""A control plane that serves the web, and browsers and programs that ask it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
from argon2 import PasswordHasher

from device.accounts.lockout import Lockout
from device.accounts.rights import Rights
from device.accounts.role import Role
from device.accounts.store import Accounts
from device.audit.keeper import Keeper
from device.audit.trail import Trail
from device.certificates.store import Certificates
from device.errors import NotFound
from device.folder import DataFolder
from device.jobs import Jobs
from device.outbox.outbox import Outbox
from device.planes.control import serve_accounts, serve_jobs, serve_settings
from device.planes.leash import Leash
from device.planes.link import Client
from device.settings.rules import Publish
from device.settings.sections import SECTIONS
from device.vault import Vault
from integration.certificates import ClientTls
from integration.clips import Clips
from integration.exports import signer
from integration.http import HttpPlane
from integration.machine import MachinePlane
from integration.mqtt import MqttOff
from integration.outbox import serve_outbox
from integration.plane import Plane, plane
from integration.poe import PoePlane
from integration.raid import RaidPlane
from integration.recipients import RecipientsPlane
from integration.rules import Reach, RulesPlane
from integration.shares import SharesPlane
from integration.syslog import SyslogPlane

HERE = "127.0.0.1"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
OWNER = ("anna", "correct horse")


@dataclass(frozen=True, slots=True)
class Got:
    """An answer."""

    status: int
    headers: Mapping[str, str]
    text: str
    json: Any

    def errors(self) -> dict[str, str]:
        """Code by pointer, of a problem."""
        return {each["pointer"]: each["code"] for each in self.json["errors"]}


class Browser:
    """One who keeps cookies, and says where his requests come from as browsers do."""

    def __init__(self, url: str, *, token: str = "", site: str | None = "same-origin") -> None:
        self.url = url
        headers = {"User-Agent": "A browser"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        elif site is not None:
            headers["Sec-Fetch-Site"] = site
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=False),
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            headers=headers,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.session.close()

    async def ask(self, method: str, path: str, body: object = None, **more: Any) -> Got:
        """Send a request; `body` as JSON."""
        if body is not None:
            more["json"] = body
        async with self.session.request(method, self.url + path, allow_redirects=False, **more) as got:
            text = await got.text(errors="replace")
            parsed = await got.json(content_type=None) if "json" in got.content_type and text else None
            return Got(got.status, got.headers, text, parsed)

    async def get(self, path: str, **more: Any) -> Any:
        """The JSON of a GET that succeeds."""
        got = await self.ask("GET", path, **more)
        assert got.status == 200, got.text
        return got.json

    async def login(self, name: str, password: str) -> Got:
        """Log in."""
        return await self.ask("POST", "/api/session", {"name": name, "password": password})


@dataclass(frozen=True, slots=True)
class Web:
    """What is served."""

    own: Plane
    accounts: Accounts
    jobs: Jobs
    http: HttpPlane
    machine: MachinePlane  #: which is not run: it would set this machine up
    url: str

    def browser(self, **more: Any) -> Browser:
        """Another browser."""
        return Browser(self.url, **more)

    async def owner(self) -> Browser:
        """The first administrator's browser, logged in."""
        if self.accounts.is_empty():
            await self.accounts.create_first(*OWNER)
        return await self.logged_in(*OWNER)

    async def somebody(self, name: str, rights: Rights | Role) -> Browser:
        """An account, and its browser, logged in."""
        wanted = rights if isinstance(rights, Rights) else Rights(rights)
        await self.accounts.create(name, f"{name}'s", wanted, by="anna")
        return await self.logged_in(name, f"{name}'s")

    async def logged_in(self, name: str, password: str) -> Browser:
        """A browser of an account that there is."""
        browser = self.browser()
        got = await browser.login(name, password)
        assert got.status == 200, got.text
        return browser


@contextlib.asynccontextmanager
async def web(folder: Path) -> AsyncIterator[Web]:
    """The control plane's web on free ports, without the other planes."""
    data = DataFolder(folder / "data")
    data.make()
    async with (
        plane("control", data.path, Leash(None, None), SECTIONS) as own,
        contextlib.AsyncExitStack() as stack,
    ):
        vault = Vault.at(data.key)
        accounts = Accounts(data.accounts, vault, own.identity.serial, own.clock, own.bus.publish, CHEAP)
        stack.callback(accounts.close)
        jobs = Jobs(data.jobs, own.clock, own.bus.publish)
        stack.push_async_callback(jobs.close)
        certificates = Certificates(data.certificates, vault, own.identity.serial, own.clock)
        tls = ClientTls(own.settings, certificates)
        serve_settings(own.server, own.settings, own.bus)
        serve_accounts(own.server, accounts)
        serve_jobs(own.server, jobs)
        clients = [Client(data.socket(name), within=0.2) for name in ("recording", "streaming")]
        for client in clients:
            await stack.enter_async_context(client)
        recording, streaming = clients
        raid = RaidPlane(own, jobs, recording)
        poe = PoePlane(own, limit=lambda: None)
        raid.answer(own.server)
        poe.answer(own.server)
        outbox = Outbox(data.outbox, own.clock, own.bus.publish)
        stack.callback(outbox.close)
        serve_outbox(own.server, outbox)
        trail = Trail(data.audit, signer(data))
        stack.callback(trail.close)
        keeper = Keeper(own.bus, trail)
        recipients = RecipientsPlane(own, outbox)
        clips = Clips(own, outbox, recipients, clients[1], _blind)
        reach = Reach(
            clients[0], lambda: poe.service, _nowhere, recipients.say, clips.pictures, clips.clip, _unmoved
        )
        rules = RulesPlane(own, reach)
        shares = SharesPlane(own, clients[0])
        for each in (recipients, rules, shares, SyslogPlane(own, outbox, keeper, tls)):
            each.answer(own.server)
        keeping = asyncio.create_task(keeper.run())
        machine = MachinePlane(own, lambda: http.connections())
        http = HttpPlane(
            own,
            HERE,
            (0, 0),
            accounts,
            Lockout(),
            certificates,
            tls,
            jobs,
            recording,
            streaming,
            machine.trial,
        )
        ready: asyncio.Future[Mapping[str, str]] = asyncio.get_running_loop().create_future()
        running = asyncio.create_task(http.run(ready.set_result))
        try:
            told = await asyncio.wait_for(ready, 30)
            yield Web(own, accounts, jobs, http, machine, f"https://{HERE}:{told['https']}")
        finally:
            for task in (running, keeping):
                task.cancel()
            await asyncio.gather(running, keeping, return_exceptions=True)


async def _blind(camera: str, stream: str) -> bytes:
    """No camera takes pictures here."""
    del stream
    raise NotFound("camera", camera)


async def _unmoved(camera: str, preset: str, by: str) -> None:
    """No camera can be moved here."""
    del preset, by
    raise NotFound("camera", camera)


def _nowhere(what: Publish) -> None:
    """There is no broker here."""
    raise MqttOff(f"MQTT is off: {what.topic} cannot be published.")
