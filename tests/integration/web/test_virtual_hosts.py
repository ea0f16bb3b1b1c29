"""Virtual hosts on real ports: by name, each with its own way to come in."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from device.accounts.lockout import FREE
from device.accounts.role import Role
from device.digest import authorization, challenges, secret_of
from tests.integration.web.rig import OWNER, Browser, Got, Web
from tests.protocols.mqtt.broker import free_port

NAME = "Recorder-2"
WITHIN = 60.0


class Host:
    """A virtual host, as a client that resolves its name reaches it."""

    def __init__(self, port: int, name: str = NAME) -> None:
        self.name = f"{name.lower()}.example.com:{port}"
        self.browser = Browser(f"https://127.0.0.1:{port}")

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> Got:
        """A request to it."""
        return await self.browser.ask(method, path, body, headers={"Host": self.name, **headers})

    async def basic(self, method: str, path: str, who: tuple[str, str], **headers: str) -> Got:
        """With a password."""
        header = aiohttp.encode_basic_auth(*who, "utf-8")
        return await self.ask(method, path, {} if method == "POST" else None, Authorization=header, **headers)


async def until(port: int, *, open_: bool) -> None:
    """Until somebody listens there, or nobody does."""
    async with asyncio.timeout(WITHIN):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                there = True
            except OSError:
                there = False
            if there is open_:
                return
            await asyncio.sleep(0.05)


async def make(owner: Browser, authentication: str, name: str = NAME, **more: Any) -> int:
    """A new one; its port."""
    port = free_port()
    body = {"key": name, "port": port, "authentication": authentication, **more}
    got = await owner.ask("POST", "/api/settings/virtual_hosts/entries", body)
    assert got.status == 201, got.text
    return port


async def holds(owner: Browser, name: str) -> list[str]:
    """Which states of that name there are."""
    active = (await owner.get("/api/events/active"))["events"]
    return [each["name"] for each in active if each["name"] == name]


@pytest.mark.proves("M-287", "M-288")
async def test_basic_lets_in_who_has_the_password_and_nobody_else(served: Web) -> None:
    async with await served.owner() as owner, await served.somebody("ben", Role.VIEWER):
        port = await make(owner, "basic")
        await until(port, open_=True)
        host = Host(port)
        async with host.browser:
            for path in ("/", "/api/session", "/api/accounts"):
                got = await host.ask("GET", path)
                assert (got.status, got.headers["WWW-Authenticate"].partition(" ")[0]) == (401, "Basic")
            assert (await host.basic("GET", "/", OWNER)).status == 200
            who = (await host.basic("GET", "/api/session", OWNER)).json["account"]
            assert (who["name"], who["role"]) == (OWNER[0], "administrator")
            assert (await host.basic("GET", "/api/accounts", ("ben", "ben's"))).status == 403
            # What a browser sends by itself is not taken from a page of somebody else.
            elsewhere = {"Sec-Fetch-Site": "cross-site"}
            assert (await host.basic("POST", "/api/accounts", OWNER, **elsewhere)).status == 403
            assert (await host.basic("POST", "/api/accounts", OWNER)).status == 422
            # Another password counts at once, although the old one was right a moment ago.
            await served.accounts.change_password(OWNER[0], "another", by="anna")
            assert (await host.basic("GET", "/api/session", OWNER)).status == 401
            assert (await host.basic("GET", "/api/session", (OWNER[0], "another"))).status == 200
            for _ in range(FREE + 1):
                wrong = await host.basic("GET", "/", (OWNER[0], "guess"))
            assert wrong.status == 429
            assert int(wrong.headers["Retry-After"]) >= 1


@pytest.mark.proves("M-288")
async def test_digest_takes_a_proof_for_one_request(served: Web) -> None:
    async with await served.owner() as owner:
        port = await make(owner, "digest")
        await until(port, open_=True)
        host = Host(port)
        async with host.browser:
            for algorithm in ("SHA-256", "MD5"):
                asked = await host.ask("GET", "/api/session")
                assert asked.status == 401
                offered = challenges(asked.headers.getall("WWW-Authenticate"))  # type: ignore[attr-defined]  # a multidict
                chosen = next(each for each in offered if each.algorithm == algorithm)
                ha1 = secret_of(OWNER[0], chosen.realm, OWNER[1], algorithm)
                proof = authorization(chosen, OWNER[0], ha1, "GET", "/api/session", 1, "abcdef")
                got = await host.ask("GET", "/api/session", Authorization=proof)
                assert got.json["account"]["name"] == OWNER[0]
                assert (await host.ask("GET", "/api/accounts", Authorization=proof)).status == 401
                assert (await host.ask("GET", "/api/session", Authorization=proof)).status == 401  # again
            assert (await host.basic("GET", "/api/session", OWNER)).status == 401


@pytest.mark.proves("M-288")
async def test_at_a_host_of_the_provider_no_own_account_comes_in(served: Web) -> None:
    async with await served.owner() as owner:
        token = (await owner.ask("POST", "/api/tokens", {"name": "x", "scopes": ["all"]})).json["token"]
        port = await make(owner, "openid")
        await until(port, open_=True)
        host = Host(port)
        async with host.browser:
            assert (await host.ask("GET", "/")).status == 200  # the page with the way to the provider
            assert (await host.ask("GET", "/api/accounts", Authorization=f"Bearer {token}")).status == 401
            await host.ask("POST", "/api/session", {"name": OWNER[0], "password": OWNER[1]})
            assert (await host.ask("GET", "/api/session")).json["account"] is None


@pytest.mark.proves("M-285", "M-286", "M-289")
async def test_hosts_are_named_changed_switched_off_and_removed(served: Web) -> None:
    async with await served.owner() as owner:
        for name in ("a.b", "a_b", "", "ä", "a" * 64):
            got = await owner.ask("POST", "/api/settings/virtual_hosts/entries", {"key": name, "port": 1})
            assert got.status == 422, name
        got = await owner.ask("POST", "/api/settings/virtual_hosts/entries", {"key": "x", "port": 65_536})
        assert got.errors() == {"/port": "value"}
        port = await make(owner, "basic")
        await until(port, open_=True)
        async with Host(port, "another").browser as other:
            got = await other.ask("GET", "/", headers={"Host": f"another:{port}"})
            assert got.status == 421
        entry = f"/api/settings/virtual_hosts/entries/{NAME}"
        moved = free_port()
        assert (await owner.ask("PATCH", entry, {"port": moved})).status == 200
        await until(port, open_=False)
        await until(moved, open_=True)
        assert (await owner.ask("PATCH", entry, {"enabled": False})).status == 200
        await until(moved, open_=False)
        shown = (await owner.get("/api/settings/virtual_hosts/entries"))["entries"]
        assert [(each["key"], each["values"]["enabled"]) for each in shown] == [(NAME, False)]
        assert (await owner.ask("DELETE", entry)).status == 204
        # A port that is not to be had is said, and disturbs nobody.
        taken = int(served.url.rpartition(":")[2])
        body = {"key": NAME, "port": taken}
        assert (await owner.ask("POST", "/api/settings/virtual_hosts/entries", body)).status == 201
        async with asyncio.timeout(WITHIN):
            while await holds(owner, "endpoint.failed") == []:
                pass
        assert (await owner.get("/api/session"))["account"]["name"] == OWNER[0]
