"""Accounts that a real OpenID provider keeps: people who log in there, programs that bring its tokens."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from device.events.catalogue import LoginFailed
from device.events.event import Event
from tests.integration.web.provider import AUDIENCE, CLIENT, Provider, with_query
from tests.integration.web.rig import Browser, Got, Web, web
from tests.integration.web.test_virtual_hosts import Host, make, until

CALLBACK = "/api/session/oidc/callback"
GROUPS = {"carl": "chiefs", "hanna": "hands", "eva": "eyes", "nils": "none"}
ROLES = {"administrator": "recorder=chiefs", "operator": "recorder=hands", "viewer": "recorder=eyes"}


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with Provider(tmp_path_factory.mktemp("provider")) as running:
        asyncio.run(_fill(running))
        yield running


async def _fill(provider: Provider) -> None:
    for name, group in GROUPS.items():
        await provider.person(name, group)
        await provider.program(f"{name}-robot", group)


@pytest.fixture
async def served(tmp_path: Path, provider: Provider) -> AsyncIterator[Web]:
    async with web(tmp_path) as serving:
        async with await serving.owner() as owner:
            await configure(owner, provider)
        yield serving


async def configure(owner: Browser, provider: Provider) -> None:
    """As an administrator does it."""
    pem = base64.b64encode(provider.ca.encode()).decode()
    authority = await owner.ask("POST", "/api/certificates/upload", {"name": "CA", "certificate": pem})
    assert authority.status == 201, authority.text
    common = {"enabled": True, "authorities": [authority.json["id"]], **ROLES}
    people = {"provider": provider.issuer, "client_id": CLIENT[0], "client_secret": CLIENT[1]}
    people["scopes"] = "openid recorder"
    got = await owner.ask("PATCH", "/api/settings/openid", {**common, **people})
    assert got.status == 200, got.text
    programs = {"verification": f"{provider.issuer}/.well-known/openid-configuration", "audience": AUDIENCE}
    got = await owner.ask("PATCH", "/api/settings/client_credentials", {**common, **programs})
    assert got.status == 200, got.text


async def begin(browser: Browser) -> str:
    """Where the recorder sends a browser that wants to log in."""
    begun = await browser.ask("GET", "/api/session/oidc")
    assert begun.status == 302
    return begun.headers["Location"]


async def log_in(served: Web, browser: Browser, provider: Provider, name: str) -> Got:
    """The whole way there and back."""
    there = await begin(browser)
    await provider.allow(f"{served.url}{CALLBACK}")
    back = await provider.log_in(name, there)
    assert back.startswith(f"{served.url}{CALLBACK}?")
    return await browser.ask("GET", back.removeprefix(served.url))


@pytest.mark.parametrize(
    ("name", "role"), [("carl", "administrator"), ("hanna", "operator"), ("eva", "viewer")]
)
async def test_a_person_comes_in_with_the_role_that_the_provider_says(
    served: Web, provider: Provider, name: str, role: str
) -> None:
    async with served.browser() as browser:
        assert (await browser.get("/api/session"))["oidc"] is True
        back = await log_in(served, browser, provider, name)
        assert (back.status, back.headers["Location"]) == (302, "/")
        who = (await browser.get("/api/session"))["account"]
        assert (who["name"], who["role"]) == (f"openid:{name}", role)
        assert (await browser.ask("GET", "/api/accounts")).status == (200 if role == "administrator" else 403)
        # What a provider keeps is changed there.
        password = {"current": "x", "password": "y", "repeat": "y"}
        assert (await browser.ask("PUT", "/api/session/password", password)).status == 403
        assert (await browser.ask("POST", "/api/tokens", {"name": "x", "scopes": ["all"]})).status == 403
        assert (await browser.ask("DELETE", "/api/session")).status == 204
        assert (await browser.get("/api/session"))["account"] is None


async def test_who_has_no_role_is_not_let_in_and_that_is_said(served: Web, provider: Provider) -> None:
    heard: list[Event] = []
    end = served.own.bus.subscribe(lambda entry: heard.append(entry.event))
    async with served.browser() as browser:
        back = await log_in(served, browser, provider, "nils")
        assert (back.status, back.headers["Location"]) == (302, "/?login=role")
        assert (await browser.get("/api/session"))["account"] is None
    end()
    assert heard == [LoginFailed("openid:nils", "127.0.0.1", "openid")]


async def test_a_login_belongs_to_the_browser_that_began_it_and_counts_once(
    served: Web, provider: Provider
) -> None:
    async with served.browser() as eve, served.browser() as hanna:
        there = await begin(eve)
        asked = parse_qs(urlsplit(there).query)
        assert asked["code_challenge_method"] == ["S256"]
        await provider.allow(f"{served.url}{CALLBACK}")
        back = (await provider.log_in("hanna", there)).removeprefix(served.url)
        for browser, path in (
            (hanna, back),  # it was eve who began it: nobody is logged in as somebody else
            (eve, with_query(back, state="x" * 43)),
            (eve, with_query(back, iss="https://evil.example")),
            (eve, back),  # its state is used up
        ):
            got = await browser.ask("GET", path)
            assert got.headers["Location"].startswith("/?login="), path
            assert (await browser.get("/api/session"))["account"] is None
        assert (await log_in(served, eve, provider, "hanna")).headers["Location"] == "/"


async def test_other_settings_end_what_came_by_them(served: Web, provider: Provider) -> None:
    async with await served.logged_in("anna", "correct horse") as owner, served.browser() as browser:
        await log_in(served, browser, provider, "hanna")
        got = await owner.ask("PATCH", "/api/settings/openid", {"operator": "recorder=others"})
        assert got.status == 200, got.text
        assert (await browser.get("/api/session"))["account"] is None
        assert (await owner.get("/api/session"))["account"]["name"] == "anna"
        await owner.ask("PATCH", "/api/settings/openid", {"authorities": []})
        began = await browser.ask("GET", "/api/session/oidc")  # nobody vouches for its certificate
        assert began.headers["Location"] == "/?login=provider"
        await owner.ask("PATCH", "/api/settings/openid", {"enabled": False})
        assert (await browser.get("/api/session"))["oidc"] is False


@pytest.mark.proves("M-290", "M-291", "M-292", "M-293", "M-294", "M-295")
async def test_a_program_comes_in_with_an_access_token(served: Web, provider: Provider) -> None:
    for name, code in (("carl", 200), ("hanna", 403), ("eva", 403), ("nils", 401)):
        async with served.browser(token=await provider.token(f"{name}-robot")) as program:
            assert (await program.ask("GET", "/api/accounts")).status == code, name
            settings = {"carl": 200, "hanna": 200, "eva": 403, "nils": 401}[name]
            assert (await program.ask("GET", "/api/settings")).status == settings, name
    token = await provider.token("carl-robot")
    head, payload, signature = token.split(".")
    for wrong in (
        f"{head}.{payload}.{signature[:-4]}AAAA",
        f"eyJhbGciOiJub25lIn0.{payload}.",
        await provider.token("carl-robot", scope="elsewhere"),  # for another audience
        "x.y.z",
    ):
        async with served.browser(token=wrong) as program:
            assert (await program.ask("GET", "/api/accounts")).status == 401, wrong
    async with await served.logged_in("anna", "correct horse") as owner:
        await owner.ask("PATCH", "/api/settings/client_credentials", {"require": "client_id=hanna-robot"})
    async with served.browser(token=token) as program:
        assert (await program.ask("GET", "/api/accounts")).status == 401
    async with served.browser(token=await provider.token("hanna-robot")) as program:
        assert (await program.get("/api/session"))["account"]["name"] == "openid:hanna-robot"


@pytest.mark.proves("M-288")
async def test_a_virtual_host_of_the_provider_takes_its_tokens(served: Web, provider: Provider) -> None:
    async with await served.logged_in("anna", "correct horse") as owner:
        port = await make(owner, "openid", "sso")
        await until(port, open_=True)
        async with Host(port, "sso").browser as host:
            bearer = {"Host": f"sso:{port}", "Authorization": f"Bearer {await provider.token('carl-robot')}"}
            assert (await host.ask("GET", "/api/accounts", headers=bearer)).status == 200
            began = await host.ask("GET", "/api/session/oidc", headers={"Host": f"sso:{port}"})
            redirect = parse_qs(urlsplit(began.headers["Location"]).query)["redirect_uri"]
            assert redirect == [f"https://sso:{port}{CALLBACK}"]


async def test_a_provider_that_changes_its_keys_is_asked_for_them(
    served: Web, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("protocols.http.openid.provider.AGAIN", 0.0)
    old = await provider.token("eva-robot")
    async with served.browser(token=old) as program:
        assert (await program.ask("GET", "/api/cameras")).status != 401
    await provider.new_keys()
    async with served.browser(token=await provider.token("eva-robot")) as program:
        assert (await program.ask("GET", "/api/cameras")).status != 401
    async with served.browser(token=old) as program:
        assert (await program.ask("GET", "/api/cameras")).status == 401
