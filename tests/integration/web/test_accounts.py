"""Accounts by the API: up to 100, three roles, PTZ, and limits to cameras and to live or recorded."""

from __future__ import annotations

import pytest

from device.accounts.rights import Rights
from device.accounts.role import Role
from tests.integration.web.rig import Web

BEN = {"name": "ben", "password": "pw", "repeat": "pw", "role": "viewer"}


@pytest.mark.proves("M-270", "M-271")
async def test_a_hundred_accounts_and_no_more(served: Web) -> None:
    async with await served.owner() as owner:
        for number in range(98):
            await served.accounts.create(f"u{number}", "x", Rights(Role.VIEWER), by="anna")
        assert (await owner.ask("POST", "/api/accounts", BEN)).status == 201
        taken = await owner.ask("POST", "/api/accounts", {**BEN, "name": "BEN"})
        assert taken.status == 409
        full = await owner.ask("POST", "/api/accounts", {**BEN, "name": "one-more"})
        assert full.status == 409
        assert len((await owner.get("/api/accounts"))["accounts"]) == 100


@pytest.mark.proves("M-272", "M-273", "M-274")
@pytest.mark.parametrize(
    ("password", "repeat", "pointer"),
    [
        ("", "", "/password"),
        ("x" * 65, "x" * 65, "/password"),
        ("tab\t", "tab\t", "/password"),
        ("\x7f", "\x7f", "/password"),
        ("käse", "käse", "/password"),
        ("one", "two", "/repeat"),
    ],
)
async def test_what_is_no_password_is_said_at_its_field(
    served: Web, password: str, repeat: str, pointer: str
) -> None:
    async with await served.owner() as owner:
        got = await owner.ask("POST", "/api/accounts", {**BEN, "password": password, "repeat": repeat})
        assert (got.status, list(got.errors())) == (422, [pointer])


@pytest.mark.proves("M-275", "M-276", "M-277")
@pytest.mark.parametrize("role", [Role.OPERATOR, Role.VIEWER])
async def test_only_administrators_govern_accounts(served: Web, role: Role) -> None:
    async with await served.owner(), await served.somebody("ben", role) as ben:
        for method, path, body in (
            ("GET", "/api/accounts", None),
            ("POST", "/api/accounts", {**BEN, "name": "eve"}),
            ("PATCH", "/api/accounts/ben", {"role": "administrator"}),
            ("DELETE", "/api/accounts/anna", None),
        ):
            assert (await ben.ask(method, path, body)).status == 403


@pytest.mark.proves("M-279", "M-280")
async def test_rights_change_at_once(served: Web) -> None:
    async with await served.owner() as owner, await served.somebody("ben", Role.VIEWER) as ben:
        assert (await ben.get("/api/session"))["account"]["ptz"] is False
        change = {"ptz": True, "cameras": ["c-gate1"], "media": ["live"]}
        got = await owner.ask("PATCH", "/api/accounts/ben", change)
        assert got.status == 200, got.text
        me = (await ben.get("/api/session"))["account"]
        assert (me["ptz"], me["cameras"], me["media"]) == (True, ["c-gate1"], ["live"])
        got = await owner.ask("PATCH", "/api/accounts/ben", {"role": "administrator"})
        assert (got.json["role"], got.json["cameras"]) == ("administrator", None)
        assert (await ben.ask("GET", "/api/accounts")).status == 200


@pytest.mark.proves("M-281")
async def test_the_last_administrator_stays(served: Web) -> None:
    async with await served.owner() as owner, await served.somebody("ben", Role.VIEWER) as ben:
        assert (await owner.ask("DELETE", "/api/accounts/anna")).status == 409
        assert (await owner.ask("PATCH", "/api/accounts/anna", {"role": "viewer"})).status == 409
        assert (await owner.ask("DELETE", "/api/accounts/ben")).status == 204
        assert (await ben.ask("GET", "/api/sessions")).status == 401
        assert (await owner.ask("GET", "/api/accounts/ben")).status == 404
