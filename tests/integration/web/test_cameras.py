"""Cameras over the API: asked, added, shown, restarted."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from device.accounts.rights import Rights
from device.accounts.role import Role
from device.events.cameras import CameraMoved, How, PresetChange, PresetChanged
from device.planes.link import Client
from integration.cameras import CamerasPlane
from integration.virtual_camera.onvif.face import Face
from tests.integration.test_cameras import PASSWORD, USER, WITHIN, a_camera
from tests.integration.web.rig import Browser, Web, web


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Web]:
    """The web, and who talks with cameras."""
    async with web(tmp_path) as serving, Client(serving.own.folder.socket("recording"), within=0.2) as nobody:
        cameras = CamerasPlane(serving.own, nobody)
        cameras.answer(serving.own.server)
        running = asyncio.create_task(cameras.run())
        try:
            yield serving
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
async def gate() -> AsyncIterator[Face]:
    """A camera."""
    async with a_camera() as face:
        yield face


@pytest.mark.proves("M-371", "M-372")
async def test_a_camera_is_asked_added_shown_and_restarted(gate: Face, served: Web) -> None:
    login = {"onvif": gate.url, "user": USER, "password": PASSWORD}
    async with await served.owner() as owner:
        asked = (await owner.ask("POST", "/api/cameras/probe", login)).json
        assert (asked["model"], asked["main"], asked["sub"]) == ("Virtual camera", "main", "sub")
        assert [each["url"] for each in asked["profiles"]] == [gate.camera.url, gate.camera.sub_url]
        key = (await owner.ask("POST", "/api/cameras/onvif", {**login, "name": "Gate"})).json["id"]
        made = (await owner.get(f"/api/settings/cameras/entries/{key}"))["values"]
        assert (made["name"], made["main"], made["onvif"]) == ("Gate", gate.camera.url, gate.url)
        async with asyncio.timeout(WITHIN):
            while (shown := await owner.get(f"/api/cameras/{key}/onvif"))["state"] != "up":  # noqa: ASYNC110 - it is asked over HTTP
                await asyncio.sleep(0.05)
        assert shown["portrait"]["serial"] == asked["serial"]
        picture = await owner.ask("GET", f"/api/cameras/{key}/picture")
        assert (picture.status, picture.headers["Content-Type"]) == (200, "image/jpeg")
        await _reports_have_pictures(owner, key)
        told = (await owner.ask("POST", f"/api/cameras/{key}/restart", {})).json
        assert told == {"text": "The camera restarts."}


async def _reports_have_pictures(owner: Browser, key: str) -> None:
    """Of that camera, and why there is none of another; the crash report has all of the server report."""
    blind = {"key": "c-blind", "main": "rtsp://127.0.0.1:1/"}
    assert (await owner.ask("POST", "/api/settings/cameras/entries", blind)).status == 201
    found = {}
    for name in ("download", "crash"):
        async with owner.session.get(f"{owner.url}/api/report/{name}") as got:
            assert (got.status, got.content_type) == (200, "application/zip")
            archive = zipfile.ZipFile(io.BytesIO(await got.read()))
        found[name] = set(archive.namelist())
        assert archive.read(f"pictures/{key}.jpg").startswith(b"\xff\xd8")
        assert b"has no ONVIF address" in archive.read("pictures/c-blind.txt")
        assert "## Settings" in archive.read("report.txt").decode()
    assert {"journal.jsonl", "control/status"} <= found["crash"] - found["download"]
    assert found["download"] <= found["crash"]


async def test_what_cannot_be_asked_says_whose_fault_it_is(gate: Face, served: Web) -> None:
    async with await served.owner() as owner:
        wrong = {"onvif": gate.url, "user": USER, "password": "wrong"}
        refused = await owner.ask("POST", "/api/cameras/probe", wrong)
        assert (refused.status, "refuses the user 'recorder'" in refused.text) == (409, True), refused.text
        nobody = await owner.ask("POST", "/api/cameras/onvif", {"onvif": "127.0.0.1:1"})
        assert (nobody.status, "cannot be reached" in nobody.text) == (502, True), nobody.text
        bad = await owner.ask("POST", "/api/cameras/probe", {"onvif": "ftp://gate"})
        assert (bad.status, "onvif" in bad.text) == (422, True), bad.text
        assert (await owner.ask("GET", "/api/cameras/c-nobody/onvif")).status == 404
        assert (await owner.get("/api/cameras"))["cameras"] == []
    async with await served.somebody("vera", Role.VIEWER) as viewer:
        assert (await viewer.ask("POST", "/api/cameras/probe", wrong)).status == 403


async def at_rest(browser: Browser, key: str) -> dict[str, float]:
    """Wait until a camera stands still; where."""
    async with asyncio.timeout(WITHIN):
        while (head := (await browser.get(f"/api/cameras/{key}/ptz"))["head"])["moving"]:  # noqa: ASYNC110 - it is asked over HTTP
            await asyncio.sleep(0.05)
    found: dict[str, float] = head["at"]
    return found


@pytest.mark.proves("M-279")
async def test_a_camera_is_moved_by_those_who_may_and_stops_when_nobody_holds_on(
    gate: Face, served: Web
) -> None:
    login = {"onvif": gate.url, "user": USER, "password": PASSWORD}
    said: list[object] = []
    served.own.bus.subscribe(lambda entry: said.append(entry.event))
    async with await served.owner() as owner:
        key = (await owner.ask("POST", "/api/cameras/onvif", {**login, "name": "Gate"})).json["id"]
        base = f"/api/cameras/{key}/ptz"
        head = (await owner.get(base))["head"]
        assert (head["pan_tilt"], head["zoom"], head["moving"]) == (True, True, False)
        assert {"token": "1", "name": "Overview"} in head["presets"]
        made = await owner.ask("POST", f"{base}/presets", {"name": "Grind"})
        assert (made.status, made.json["token"]) == (200, "4")
        assert (await owner.ask("PUT", f"{base}/home")).status == 204
        bad = await owner.ask("POST", f"{base}/move", {"pan": 2})
        assert (bad.status, "/pan" in bad.errors()) == (422, True), bad.text
        for number in range(12):
            assert (await owner.ask("POST", f"{base}/presets", {"name": f"More {number}"})).status == 200
        full = await owner.ask("POST", f"{base}/presets", {"name": "One too many"})
        assert (full.status, "refuses SetPreset: There is room for 16" in full.text) == (409, True), full.text
        gone = await owner.ask("POST", f"{base}/presets/gone/recall")
        assert (gone.status, "no preset 'gone'" in gone.text) == (404, True), gone.text
    async with await served.somebody("vera", Role.VIEWER) as viewer:
        for path in ("/move", "/stop", "/home"):
            assert (await viewer.ask("POST", base + path, {})).status == 403
        assert (await viewer.ask("GET", base)).status == 403
    async with await served.somebody("pete", Rights(Role.VIEWER, ptz=True)) as pete:
        for _ in range(3):
            assert (await pete.ask("POST", f"{base}/move", {"pan": 0.1, "seconds": 0.5})).status == 204
        there = await at_rest(pete, key)  # he does not stop it
        assert 0 < there["pan"] < 0.5, "the camera alone would have gone on for ten seconds"
        assert (await pete.ask("POST", f"{base}/place", {"zoom": 0.5})).status == 204
        assert await at_rest(pete, key) == {"pan": 0, "tilt": 0, "zoom": 0.5}
        assert (await pete.ask("POST", f"{base}/place", {"tilt": 0.5, "relative": True})).status == 204
        assert await at_rest(pete, key) == {"pan": 0, "tilt": 0.5, "zoom": 0.5}
        assert (await pete.ask("POST", f"{base}/presets/Left%20side/recall")).status == 204
        assert await at_rest(pete, key) == {"pan": -0.4, "tilt": -0.1, "zoom": 0.35}
        assert (await pete.ask("POST", f"{base}/home")).status == 204
        assert await at_rest(pete, key) == {"pan": 0, "tilt": 0, "zoom": 0}
        assert (await pete.ask("DELETE", f"{base}/presets/4")).status == 403, "that is an operator's"
    async with await served.owner() as owner:
        assert (await owner.ask("DELETE", f"{base}/presets/Grind")).status == 204
        async with asyncio.timeout(WITHIN):
            deeds: list[str] = []
            while f"{key} Left side" not in deeds:
                audit = await owner.get("/api/audit", params={"who": "pete", "deed": "operated"})
                deeds = [each["what"] for each in audit["deeds"]]
    told = [each for each in said if isinstance(each, CameraMoved | PresetChanged)]
    assert [each for each in told if not each.preset.startswith("More")] == [
        PresetChanged(key, PresetChange.KEPT, "Grind", "anna"),
        PresetChanged(key, PresetChange.HOME, "", "anna"),
        CameraMoved(key, How.HAND, "", "pete"),
        CameraMoved(key, How.PRESET, "Left side", "pete"),
        CameraMoved(key, How.HOME, "", "pete"),
        PresetChanged(key, PresetChange.FORGOTTEN, "Grind", "anna"),
    ]


async def test_a_camera_that_nothing_moves_says_so(served: Web) -> None:
    async with await served.owner() as owner:
        made = {"key": "c-fixed1", "main": "rtsp://192.0.2.1/s", "name": "Fixed"}
        assert (await owner.ask("POST", "/api/settings/cameras/entries", made)).status == 201
        told = await owner.get("/api/cameras/c-fixed1/ptz")
        assert (told["head"], "no ONVIF address" in told["detail"]) == (None, True)
        assert (await owner.ask("POST", "/api/cameras/c-fixed1/ptz/home")).status == 409
