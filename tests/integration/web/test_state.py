"""What the recorder tells of itself while other planes are away: events, jobs, hardware, the live socket, metrics."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest

from device.accounts.role import Role
from device.cameras.source import Cause
from device.events.catalogue import CameraId, CameraOffline
from device.jobs import Progress
from device.settings.ports import Poe, PoeHardware
from tests.integration.web.rig import Browser, Web


async def flushed(served: Web) -> None:
    """Until what was said is on the disk."""
    await asyncio.wrap_future(served.own.bus.journal.flush())


async def test_events_newest_first_in_pages(served: Web) -> None:
    async with await served.owner() as owner:
        for number in range(25):
            served.own.settings.patch(Poe, {"budget": 100.0 + number}, by="anna")
        await flushed(served)
        path = "/api/events?name=settings.&limit=10"
        seen: list[int] = []
        before = ""
        for _ in range(5):
            got = await owner.get(path + before)
            seen += [each["seq"] for each in got["events"]]
            if got["next"] is None:
                break
            before = f"&before={got['next']}"
        assert len(seen) == 25
        assert seen == sorted(seen, reverse=True)
        grave = await owner.get("/api/events?severity=3")
        assert grave["events"] == []


async def test_a_viewer_hears_nothing_of_accounts_and_settings(served: Web) -> None:
    async with await served.owner(), await served.somebody("vera", Role.VIEWER) as vera:
        served.own.bus.publish(CameraOffline(CameraId("c-gate1"), "main", Cause.SILENT, ""))
        await flushed(served)
        names = {each["name"] for each in (await vera.get("/api/events"))["events"]}
        assert "camera.offline" in names
        assert not any(name.startswith(("account.", "settings.")) for name in names)
        assert [each["name"] for each in (await vera.get("/api/events/active"))["events"]] == [
            "camera.offline"
        ]
        assert any(
            each["name"] == "camera.offline" for each in (await vera.get("/api/events/catalogue"))["events"]
        )


async def lines(owner: Browser, path: str, until: str, **more: object) -> str:
    """A stream of events up to a word."""
    text = ""
    headers = {"Accept": "text/event-stream", **more}
    async with asyncio.timeout(30), owner.session.get(owner.url + path, headers=headers) as got:  # type: ignore[arg-type]  # strings
        assert got.content_type == "text/event-stream"
        while until not in text:
            text += (await got.content.readline()).decode()
    return text


async def test_events_are_followed_and_resumed(served: Web) -> None:
    async with await served.owner() as owner:
        await flushed(served)
        start = served.own.bus.journal.last
        served.own.settings.patch(Poe, {"budget": 100.0}, by="anna")
        await flushed(served)
        text = await lines(owner, "/api/events/follow", "settings.changed", **{"Last-Event-ID": str(start)})
        assert f"id: {start + 1}\n" in text
        following = asyncio.create_task(lines(owner, "/api/jobs/follow", '"done"'))

        async def work(progress: Progress) -> str:
            progress.phase("counting", total=2, unit="steps")
            progress.step(2)
            return "counted"

        job = served.jobs.run("count", work, by="anna", resource="count")
        assert job.id in await following
        assert (await owner.get(f"/api/jobs/{job.id}"))["result"] == "counted"
        assert (await owner.ask("DELETE", f"/api/jobs/{job.id}")).status == 409


async def test_the_live_socket_tells_what_changes(served: Web) -> None:
    async with await served.owner() as owner, owner.session.ws_connect(f"{owner.url}/api/live") as socket:
        await socket.send_json({"topics": ["cameras", "event"]})
        topics = set()
        async with asyncio.timeout(30):
            while "cameras" not in topics:
                topics.add((await socket.receive_json())["topic"])
            served.own.settings.patch(Poe, {"budget": 100.0}, by="anna")
            while True:
                said = await socket.receive_json()
                if said["topic"] == "event":
                    assert said["data"]["name"] == "settings.changed"
                    break


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_socket_opens_to_our_own_pages_alone(served: Web, site: str) -> None:
    async with await served.owner() as owner:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await owner.session.ws_connect(f"{owner.url}/api/live", headers={"Sec-Fetch-Site": site})
        assert refused.value.status == 403
    async with served.browser() as guest:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await guest.session.ws_connect(f"{guest.url}/api/live")
        assert refused.value.status == 401


async def test_hardware_is_shown_and_refuses_what_it_cannot(served: Web) -> None:
    async with await served.owner() as owner:
        assert (await owner.get("/api/poe"))["hardware"] == PoeHardware.NONE.value
        assert (await owner.get("/api/raid"))["answers"] is False
        assert (await owner.get("/api/storages"))["storages"] == []
        assert (await owner.ask("POST", "/api/poe/ports/1/cycle")).status in (404, 409)
        assert (await owner.ask("POST", "/api/raid/tools", {"tool": "raid.format"})).status in (409, 503)
        got = await owner.ask("POST", "/api/raid/tools", {"tool": "melt"})
        assert got.errors() == {"/tool": "choice"}
        got = await owner.ask("POST", "/api/storages", {"path": "not/absolute"})
        assert got.errors() == {"/path": "value"}


async def test_status_says_which_planes_are_away(served: Web) -> None:
    async with await served.owner() as owner:
        told = await owner.get("/api/system")
        assert {each["name"]: each["answers"] for each in told["planes"]} == {
            "control": True,
            "recording": False,
            "streaming": False,
        }
        assert told["security"]["accounts"] == 1
        clients = (await owner.get("/api/system/clients"))["clients"]
        assert [(each["protocol"], each["account"]) for each in clients] == [("https", "anna")]


async def test_metrics_for_a_token_of_that_scope_alone(served: Web) -> None:
    async with await served.owner() as owner:
        made = await owner.ask("POST", "/api/tokens", {"name": "prometheus", "scopes": ["metrics"]})
        async with served.browser(token=made.json["token"]) as scraper:
            got = await scraper.ask("GET", "/metrics")
            assert got.status == 200
            assert 'holdfast_plane_up{plane="recording"} 0' in got.text
            assert f'serial="{served.own.identity.serial}"' in got.text
            assert (await scraper.ask("GET", "/api/events")).status == 403


async def test_no_answer_of_a_machine_is_a_page(served: Web) -> None:
    async with await served.owner() as owner:
        for method, path, status in (
            ("GET", "/api/none", 404),
            ("POST", "/api/none", 405),
            ("PUT", "/api/jobs", 405),
        ):
            got = await owner.ask(method, path)
            assert (got.status, got.headers["Content-Type"]) == (
                status,
                "application/problem+json; charset=utf-8",
            )
            assert json.loads(got.text)["status"] == status
