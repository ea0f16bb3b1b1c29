"""Cameras over the API: asked, added, shown, restarted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from device.accounts.role import Role
from device.planes.link import Client
from integration.cameras import CamerasPlane
from integration.virtual_camera.onvif.face import Face
from tests.integration.test_cameras import PASSWORD, USER, WITHIN, a_camera
from tests.integration.web.rig import Web, web


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


async def test_a_camera_is_asked_added_shown_and_restarted(served: Web, gate: Face) -> None:
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
        told = (await owner.ask("POST", f"/api/cameras/{key}/restart", {})).json
        assert told == {"text": "The camera restarts."}


async def test_what_cannot_be_asked_says_whose_fault_it_is(served: Web, gate: Face) -> None:
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
