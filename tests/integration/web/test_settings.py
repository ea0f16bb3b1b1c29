"""Settings by the API: schema, changed fields only, versions, history, and errors at the field."""

from __future__ import annotations

import pytest

from device.accounts.rights import Media, Rights
from device.accounts.role import Role
from device.settings.section import about_fields
from device.settings.sections import SECTIONS
from tests.integration.web.rig import Web

GATE = {"main": "rtsp://192.0.2.1/s", "name": "Gate", "password": "hush-hush"}


async def test_each_section_has_a_schema_with_what_a_form_needs(served: Web) -> None:
    async with await served.owner() as owner:
        sections = (await owner.get("/api/settings"))["sections"]
        assert [each["section"] for each in sections] == [kind.about.section for kind in SECTIONS]
        for kind in SECTIONS:
            schema = await owner.get(f"/api/settings/{kind.about.section}/schema")
            assert list(schema["properties"]) == list(kind.model_fields)
            for name, field in about_fields(kind).items():
                told = schema["properties"][name]["x-ui"]
                assert (told["unit"], told["when"], told["secret"]) == (field.unit, field.when, field.secret)


async def test_only_changed_fields_are_sent_and_a_stale_version_is_refused(served: Web) -> None:
    async with await served.owner() as owner:
        first = await owner.ask("GET", "/api/settings/recording")
        tag = first.headers["ETag"]
        change = {"durability": 2.0}
        got = await owner.ask("PATCH", "/api/settings/recording", change, headers={"If-Match": tag})
        assert (got.status, got.json["fields"]) == (200, ["durability"])
        assert got.headers["ETag"] != tag
        late = await owner.ask("PATCH", "/api/settings/recording", change, headers={"If-Match": tag})
        assert late.status == 412
        assert (await owner.get("/api/settings/recording"))["values"]["durability"] == 2.0


@pytest.mark.parametrize(
    ("section", "change", "pointer", "code"),
    [
        ("recording", {"durability": 99}, "/durability", "out_of_range"),
        ("recording", {"durability": "much"}, "/durability", "type"),
        ("recording", {"colour": "red"}, "/colour", "unknown"),
        ("recorder", {"name": "x" * 65}, "/name", "too_long"),
        ("recorder", {"name": " "}, "/name", "pattern"),
        ("snmp", {"version": "v9"}, "/version", "choice"),
        ("raid", {"bays": ["a/b"]}, "/bays/0", "value"),
    ],
)
async def test_an_error_points_to_its_field_and_says_the_limit(
    served: Web, section: str, change: dict[str, object], pointer: str, code: str
) -> None:
    async with await served.owner() as owner:
        got = await owner.ask("PATCH", f"/api/settings/{section}", change)
        assert (got.status, got.errors()) == (422, {pointer: code})


async def test_a_secret_goes_in_and_never_comes_out(served: Web) -> None:
    async with await served.owner() as owner:
        made = await owner.ask("POST", "/api/settings/cameras/entries", GATE)
        assert made.status == 201
        path = f"/api/settings/cameras/entries/{made.json['key']}"
        shown = await owner.ask("GET", path)
        assert shown.json["values"]["password"] == {"set": True}
        everything = [shown.text, (await owner.ask("GET", f"{path}/history")).text]
        got = await owner.ask("PATCH", path, {"name": "Door", "password": {"set": True}})
        assert got.json["fields"] == ["name"]
        assert not any("hush-hush" in text for text in everything)


async def test_history_leads_back(served: Web) -> None:
    async with await served.owner() as owner:
        for name in ("One", "Two"):
            await owner.ask("PATCH", "/api/settings/recorder", {"name": name})
        versions = (await owner.get("/api/settings/recorder/history"))["versions"]
        assert [(each["version"], each["by"]) for each in versions] == [(2, "anna"), (1, "anna")]
        assert (await owner.ask("POST", "/api/settings/recorder/restore", {"version": 1})).status == 200
        assert (await owner.get("/api/settings/recorder"))["values"]["name"] == "One"
        assert (await owner.ask("POST", "/api/settings/recorder/restore", {"version": 77})).status == 404


async def test_an_entry_comes_and_goes(served: Web) -> None:
    async with await served.owner() as owner:
        made = await owner.ask("POST", "/api/settings/cameras/entries", GATE)
        path = f"/api/settings/cameras/entries/{made.json['key']}"
        again = await owner.ask("POST", "/api/settings/cameras/entries", {**GATE, "key": made.json["key"]})
        assert again.errors() == {"/key": "value"}
        assert (await owner.ask("DELETE", path)).status == 204
        assert (await owner.ask("GET", path)).status == 404
        assert (await owner.ask("PATCH", path, {"name": "x"})).status == 404
        assert (await owner.ask("GET", "/api/settings/cameras")).status == 404
        assert (await owner.ask("GET", "/api/settings/recorder/entries")).status == 404


@pytest.mark.proves("M-275", "M-276", "M-277")
async def test_an_operator_changes_cameras_and_no_system_settings(served: Web) -> None:
    async with await served.owner(), await served.somebody("olga", Role.OPERATOR) as olga:
        seen = {each["section"] for each in (await olga.get("/api/settings"))["sections"]}
        assert seen == {kind.about.section for kind in SECTIONS if kind.about.role is not Role.ADMINISTRATOR}
        assert (await olga.ask("PATCH", "/api/settings/recorder", {"name": "x"})).status == 403
        assert (await olga.ask("GET", "/api/settings/snmp")).status == 403
        assert (await olga.ask("POST", "/api/settings/cameras/entries", GATE)).status == 201
    async with await served.somebody("vera", Role.VIEWER) as vera:
        assert (await vera.ask("GET", "/api/settings")).status == 403


async def test_an_account_limited_to_a_camera_sees_that_one(served: Web) -> None:
    async with await served.owner() as owner:
        keys = [
            (await owner.ask("POST", "/api/settings/cameras/entries", GATE)).json["key"] for _ in range(2)
        ]
        limited = Rights(Role.OPERATOR, False, frozenset(keys[:1]), frozenset(Media))
        async with await served.somebody("olga", limited) as olga:
            assert [each["id"] for each in (await olga.get("/api/cameras"))["cameras"]] == keys[:1]
            entries = (await olga.get("/api/settings/cameras/entries"))["entries"]
            assert [each["key"] for each in entries] == keys[:1]
            assert (await olga.ask("GET", f"/api/settings/cameras/entries/{keys[1]}")).status == 404
            assert (await olga.ask("POST", f"/api/cameras/{keys[1]}/trigger", {"why": "x"})).status == 404
            assert (await olga.ask("POST", "/api/settings/cameras/entries", GATE)).status == 403
