"""The API of a whole recorder: cameras, recordings, timeline, locks, exports and live state."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.integration.rig import Recorder
from tests.integration.web.rig import Browser

LOGIN = ("viewer", "watch-me-7")  # an administrator all the same: the first account


@pytest.fixture
async def owner(shown: Recorder) -> AsyncIterator[Browser]:
    """A browser of the demo's administrator."""
    async with Browser(shown.told["endpoints"]["https"]) as browser:
        assert (await browser.login(*LOGIN)).status == 200
        yield browser


async def run(argv: list[str]) -> subprocess.CompletedProcess[str]:
    """A program, to its end."""
    return await asyncio.to_thread(subprocess.run, argv, capture_output=True, text=True, timeout=60)


async def until(browser: Browser, path: str, holds: Any) -> Any:
    """Ask again until an answer is as it should be."""
    async with asyncio.timeout(60):
        while not holds(got := await browser.get(path)):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.2)
        return got


def span_of(row: dict[str, Any]) -> dict[str, str]:
    """A span of two seconds that is on the disk for certain."""
    start = datetime.fromisoformat(row["first"]) + timedelta(seconds=0.5)
    return {"from": start.isoformat(), "to": (start + timedelta(seconds=2)).isoformat()}


async def recorded(owner: Browser) -> dict[str, Any]:
    """A main stream with some seconds of video."""

    def long(row: dict[str, Any]) -> bool:
        if row["stream"] != "main" or not row["last"]:
            return False
        return datetime.fromisoformat(row["last"]) - datetime.fromisoformat(row["first"]) > timedelta(
            seconds=4
        )

    got = await until(owner, "/api/recordings", lambda all_: any(map(long, all_["recordings"])))
    found: dict[str, Any] = next(row for row in got["recordings"] if long(row))
    return found


async def test_cameras_and_recordings_are_told(owner: Browser) -> None:
    cameras = (await owner.get("/api/cameras"))["cameras"]
    assert len(cameras) == 2
    assert {each["stream"] for each in cameras[0]["streams"]} >= {"main"}
    row = await recorded(owner)
    assert 0.5 < row["complete"] <= 1.0
    assert row["name"] in {each["name"] for each in cameras}
    storages = (await owner.get("/api/storages"))["storages"]
    assert storages[0]["state"] == "ok"


async def test_a_timeline_is_no_finer_than_it_can_be_drawn(owner: Browser) -> None:
    row = await recorded(owner)
    query = {"from": row["first"], "to": row["last"]}
    got = await owner.get("/api/timeline?width=60", params=query)
    lane = next(each for each in got["lanes"] if each["recording"] == row["id"])
    assert any(state == "recorded" for _, _, state in lane["spans"])
    assert all(len(each["spans"]) <= 120 for each in got["lanes"])
    assert all(begin < end for begin, end, _ in lane["spans"])
    begin = datetime.fromisoformat(row["last"]) - timedelta(hours=1)
    hour = {"from": begin.isoformat(), "to": row["last"]}
    assert (await owner.get("/api/timeline?width=60", params=hour))["ticks"]
    days = (await owner.get("/api/days", params=query))["days"]
    assert sum(each["recorded"] for each in days) > 0


async def test_evidence_is_locked_and_unlocked(owner: Browser) -> None:
    row = await recorded(owner)
    span = span_of(row)
    made = await owner.ask("POST", "/api/locks", {"recording": row["id"], **span, "why": "case 7"})
    assert made.status == 201, made.text
    known = (await owner.get("/api/locks"))["locks"]
    assert [(each["why"], each["by"]) for each in known if each["id"] == made.json["id"]] == [
        ("case 7", "viewer")
    ]
    refused = await owner.ask("DELETE", f"/api/recordings/{row['id']}", params=span)
    assert refused.status == 409
    assert (await owner.ask("DELETE", f"/api/locks/{made.json['id']}")).status == 204


async def done(owner: Browser, id_: str) -> dict[str, Any]:
    """An export, once it is there."""

    def ended(answer: dict[str, Any]) -> bool:
        return next(each for each in answer["exports"] if each["id"] == id_)["state"] not in (
            "waiting",
            "running",
        )

    got = await until(owner, "/api/exports", ended)
    found: dict[str, Any] = next(each for each in got["exports"] if each["id"] == id_)
    assert found["state"] == "done", found
    return found


async def test_an_export_is_fetched_whole_and_in_parts(owner: Browser, tmp_path: Path) -> None:
    row = await recorded(owner)
    made = await owner.ask("POST", "/api/exports", {"recordings": [row["id"]], **span_of(row)})
    assert made.status == 202, made.text
    found = await done(owner, made.json["id"])
    name = next(each["name"] for each in found["files"] if each["name"].endswith(".mp4"))
    url = f"{owner.url}/api/exports/{found['id']}/files/{name}"
    async with owner.session.get(url) as got:
        whole = await got.read()
        assert got.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    async with owner.session.get(url, headers={"Range": "bytes=100-199"}) as got:
        assert (got.status, await got.read()) == (206, whole[100:200])
    clip = tmp_path / name
    clip.write_bytes(whole)
    ask = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", str(clip)]
    seconds = float((await run(ask)).stdout)
    assert 1.9 < seconds < 8  # what a decoder needs before the first picture shown counts here
    async with owner.session.get(
        f"{owner.url}/api/exports/{found['id']}/files/..%2F{found['id']}.json"
    ) as got:
        assert got.status == 404
    assert (await owner.ask("DELETE", f"/api/exports/{found['id']}")).status == 204
    assert (await owner.ask("GET", f"/api/exports/{found['id']}/files/{name}")).status == 404


async def test_an_encrypted_export_opens_with_its_password_alone(owner: Browser, tmp_path: Path) -> None:
    row = await recorded(owner)
    body = {"recordings": [row["id"]], **span_of(row), "password": "open sesame"}
    found = await done(owner, (await owner.ask("POST", "/api/exports", body)).json["id"])
    assert [each["name"] for each in found["files"]] == [f"{found['id']}.zip"]
    async with owner.session.get(f"{owner.url}/api/exports/{found['id']}/files/{found['id']}.zip") as got:
        (tmp_path / "e.zip").write_bytes(await got.read())
    seven = shutil.which("7z") or shutil.which("7zz")
    assert seven is not None
    for password, code in (("open sesame", 0), ("wrong", 2)):
        test = [seven, "t", f"-p{password}", str(tmp_path / "e.zip")]
        assert (await run(test)).returncode == code
    assert "open sesame" not in (await owner.ask("GET", "/api/jobs")).text
    await owner.ask("DELETE", f"/api/exports/{found['id']}")


@pytest.mark.proves("M-277", "M-278")
async def test_a_viewer_of_one_camera_sees_that_one_on_every_wire(owner: Browser, shown: Recorder) -> None:
    cameras = [each["id"] for each in (await owner.get("/api/cameras"))["cameras"]]
    body = {
        "name": "vera",
        "password": "v",
        "repeat": "v",
        "role": "viewer",
        "cameras": cameras[:1],
        "media": ["live"],
    }
    assert (await owner.ask("POST", "/api/accounts", body)).status == 201
    try:
        async with Browser(owner.url) as vera:
            assert (await vera.login("vera", "v")).status == 200
            assert [each["id"] for each in (await vera.get("/api/cameras"))["cameras"]] == cameras[:1]
            assert (await vera.ask("GET", "/api/recordings")).status == 403
            assert (await vera.ask("GET", "/api/timeline")).status == 403
        rtsp = shown.told["endpoints"]["rtsp"].replace("://", "://vera:v@")
        paths = {f"/live/{cameras[0]}": True, f"/live/{cameras[1]}": False, f"/replay/{cameras[0]}": False}
        for path, allowed in paths.items():
            ask = ["ffprobe", "-v", "error", "-rtsp_transport", "tcp", "-i", rtsp + path]
            probed = await run(ask)
            assert (probed.returncode == 0) is allowed, (path, probed.stderr)
    finally:
        await owner.ask("DELETE", "/api/accounts/vera")


async def test_the_completeness_of_each_camera_is_a_metric(owner: Browser) -> None:
    row = await recorded(owner)
    got = await owner.ask("GET", "/metrics")
    assert f'holdfast_recording_complete_ratio{{recording="{row["id"]}"' in got.text
    assert "holdfast_stream_packets_total{" in got.text


async def test_the_live_socket_tells_of_each_camera(owner: Browser) -> None:
    topics: dict[str, Any] = {}
    wanted = {"cameras", "storages", "poe", "raid", "chassis", "jobs", "active"}
    async with owner.session.ws_connect(f"{owner.url}/api/live") as socket, asyncio.timeout(30):
        while topics.keys() < wanted:
            said = await socket.receive_json()
            topics[said["topic"]] = said["data"]
    assert len(topics["cameras"]["cameras"]) == 2
    assert topics["storages"]["storages"]
