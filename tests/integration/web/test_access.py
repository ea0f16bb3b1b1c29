"""Coming in: the first administrator, log in and out, sessions, tokens, and who is kept out."""

from __future__ import annotations

import sqlite3

import pytest

from device.accounts.lockout import FREE
from device.accounts.role import Role
from protocols.http.caller import COOKIE
from tests.integration.web.rig import OWNER, Browser, Web

ALL_PRINTABLE = "".join(chr(code) for code in range(32, 127))
FORM = {"name": "anna", "password": "x", "repeat": "x", "licence": True}


@pytest.mark.proves("M-010", "M-012")
async def test_nothing_answers_before_the_first_administrator(served: Web) -> None:
    async with served.browser() as guest:
        for method, path in (("GET", "/api/accounts"), ("POST", "/api/session"), ("GET", "/api/sessions")):
            got = await guest.ask(method, path, {} if method == "POST" else None)
            assert (got.status, got.json["detail"]) == (403, "Make the first administrator first.")
        assert (await guest.get("/api/session"))["setup"] is True
        assert (await guest.ask("GET", "/")).status == 200


@pytest.mark.proves("M-010", "M-011", "M-014", "M-015")
async def test_the_first_administrator_is_made_over_tls_with_any_password(served: Web) -> None:
    async with served.browser() as guest:
        for wrong, pointer in (
            ({"licence": False}, "/licence"),
            ({"repeat": "y"}, "/repeat"),
            ({"password": "", "repeat": ""}, "/password"),
            ({"name": "a:b"}, "/name"),
        ):
            got = await guest.ask("POST", "/api/setup", {**FORM, **wrong})
            assert (got.status, list(got.errors())) == (422, [pointer])
        got = await guest.ask("POST", "/api/setup", FORM)
        assert got.status == 201
        assert got.json["account"]["role"] == "administrator"
        cookie = got.headers["Set-Cookie"]
        assert cookie.startswith(f"{COOKIE}=")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Strict"} <= set(cookie.split("; "))
        assert "Domain" not in cookie
        assert (await guest.get("/api/session"))["account"]["name"] == "anna"
        again = await guest.ask("POST", "/api/setup", {**FORM, "name": "eve"})
        assert again.status == 409


@pytest.mark.proves("M-009")
async def test_it_is_reached_by_address_and_by_host_name(served: Web) -> None:
    _, http = served.http.ports
    for host in ("127.0.0.1", "localhost"):
        async with Browser(served.url.replace("127.0.0.1", host)) as browser:
            assert (await browser.ask("GET", "/")).status == 200
            got = await browser.ask("POST", "/api/session", {}, headers={"Origin": browser.url})
            assert got.json["detail"] == "Make the first administrator first."  # and not: of somebody else
        async with Browser(f"http://{host}:{http}") as plain:
            led = await plain.ask("GET", "/recordings")
            assert (led.status, led.headers["Location"]) == (308, f"{browser.url}/recordings")


@pytest.mark.proves("M-272", "M-273")
async def test_a_password_of_all_printable_characters_opens(served: Web) -> None:
    halves = ALL_PRINTABLE[:64], ALL_PRINTABLE[31:]
    await served.accounts.create_first("anna", halves[0])
    for password in halves:
        await served.accounts.change_password("anna", password, by="anna")
        async with served.browser() as browser:
            assert (await browser.login("anna", password)).status == 200


async def test_the_database_holds_nothing_that_opens(served: Web) -> None:
    async with await served.owner() as owner:
        made = await owner.ask("POST", "/api/tokens", {"name": "ha", "scopes": ["all"]})
        secrets = [made.json["token"], *(cookie.value for cookie in owner.session.cookie_jar)]
    text = "".join(sqlite3.connect(served.own.folder.sessions).iterdump())
    assert len(secrets) == 2
    assert not any(secret in text for secret in secrets)


async def test_a_page_of_somebody_else_changes_nothing(served: Web) -> None:
    async with await served.owner() as owner:
        for headers in (
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"},
            {"Origin": "null"},
        ):
            got = await owner.ask("POST", "/api/tokens", {"name": "x", "scopes": ["all"]}, headers=headers)
            assert got.status == 403, headers
        plain = {"Content-Type": "text/plain"}
        got = await owner.ask("POST", "/api/tokens", data='{"name": "x", "scopes": ["all"]}', headers=plain)
        assert got.status == 415
        assert (await owner.get("/api/tokens"))["tokens"] == []


async def test_sessions_are_listed_and_revoked(served: Web) -> None:
    async with await served.owner() as owner, await served.logged_in(*OWNER) as other:
        ben = await served.somebody("ben", Role.VIEWER)
        async with ben:
            seen = (await owner.get("/api/sessions"))["sessions"]
            assert sorted(each["account"] for each in seen) == ["anna", "anna", "ben"]
            assert [each["account"] for each in (await ben.get("/api/sessions"))["sessions"]] == ["ben"]
            theirs = next(each for each in seen if each["account"] == "anna" and not each["own"])
            assert (await ben.ask("DELETE", f"/api/sessions/{theirs['id']}")).status == 403
            assert (await owner.ask("DELETE", f"/api/sessions/{theirs['id']}")).status == 204
            assert (await other.ask("GET", "/api/sessions")).status == 401
            assert (await owner.ask("DELETE", "/api/session")).status == 204
            assert (await owner.get("/api/session"))["account"] is None


async def test_another_password_ends_the_other_sessions(served: Web) -> None:
    async with await served.owner() as owner, await served.logged_in(*OWNER) as other:
        body = {"current": "wrong", "password": "new", "repeat": "new"}
        assert (await owner.ask("PUT", "/api/session/password", body)).errors() == {"/current": "value"}
        body["current"] = OWNER[1]
        assert (await owner.ask("PUT", "/api/session/password", body)).status == 204
        assert (await owner.get("/api/session"))["account"]["name"] == "anna"
        assert (await other.get("/api/session"))["account"] is None


async def test_a_token_does_what_it_is_for(served: Web) -> None:
    async with await served.owner() as owner:
        made = await owner.ask("POST", "/api/tokens", {"name": "look", "scopes": ["read"], "days": 30})
        assert made.status == 201
        async with served.browser(token=made.json["token"]) as program:
            assert len((await program.get("/api/accounts"))["accounts"]) == 1
            assert (await program.ask("DELETE", "/api/accounts/anna")).status == 403
            assert (await owner.ask("DELETE", f"/api/tokens/{made.json['id']}")).status == 204
            assert (await program.ask("GET", "/api/accounts")).status == 401


async def test_wrong_passwords_wait_and_the_right_one_is_forgiven(served: Web) -> None:
    async with await served.owner(), served.browser() as guest:
        codes = [(await guest.login("anna", "wrong")).status for _ in range(FREE + 1)]
        assert codes[0] == 401
        assert codes[-1] == 429
        late = await guest.login("anna", OWNER[1])
        assert late.status == 429
        assert late.json["retry_after"] > 0
        assert int(late.headers["Retry-After"]) >= 1


@pytest.mark.parametrize("name", ["nobody", "anna"])
async def test_a_wrong_name_and_a_wrong_password_look_alike(served: Web, name: str) -> None:
    async with await served.owner(), served.browser() as guest:
        got = await guest.login(name, "wrong")
        assert (got.status, got.json["detail"]) == (401, "Name or password is wrong.")
