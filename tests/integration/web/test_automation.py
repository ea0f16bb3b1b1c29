"""Rules, recipients and syslog servers over the API: tried before they are saved, fired, and seen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.integration.web.rig import HERE, Web

RULE: dict[str, Any] = {
    "name": "Somebody presses",
    "conditions": [{"kind": "manual", "name": "alarm"}],
    "actions": [{"kind": "tell", "text": "pressed"}],
}


@asynccontextmanager
async def listener() -> AsyncIterator[tuple[int, asyncio.Queue[bytes]]]:
    """A TCP server, and what it is sent."""
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.put_nowait(await reader.read())
        writer.close()

    server = await asyncio.start_server(hear, HERE, 0)
    try:
        yield server.sockets[0].getsockname()[1], heard
    finally:
        server.close()


async def test_a_rule_is_tried_as_it_would_be_and_nothing_is_stored(served: Web) -> None:
    async with await served.owner() as owner:
        values = {**RULE, "actions": [{"kind": "cycle", "port": 3}, {"kind": "send", "recipient": "none"}]}
        got = await owner.ask("POST", "/api/rules/try", {"values": values})
        assert got.status == 200, got.text
        assert got.json["conditions"] == [{"text": "manual alarm", "holds": False, "moment": True}]
        assert got.json["problems"] == ["there is no port 3", "there is no recipient 'none'"]
        assert (await owner.get("/api/rules"))["rules"] == []
        bad = await owner.ask("POST", "/api/rules/try", {"values": {"name": "x", "conditions": []}})
        assert bad.status == 422
        assert "at least one condition" in bad.text


@pytest.mark.proves("M-349")
async def test_a_saved_trigger_is_fired_and_one_that_no_rule_has_is_not(served: Web) -> None:
    async with await served.owner() as owner:
        made = await owner.ask("POST", "/api/settings/rules/entries", {**RULE, "key": "r-1"})
        assert made.status == 201, made.text
        assert (await owner.ask("POST", "/api/triggers/alarm/fire", {})).status == 204
        assert (await owner.ask("POST", "/api/triggers/other/fire", {})).status == 404
        assert [each["key"] for each in (await owner.get("/api/rules"))["rules"]] == ["r-1"]
        await asyncio.wrap_future(served.own.bus.journal.flush())
        said = await owner.get("/api/events", params={"name": "rule.active"})
        assert said["events"][0]["fields"]["why"] == "manual alarm, by anna"


@pytest.mark.proves("M-341")
async def test_a_recipient_is_tried_before_it_is_saved_and_the_result_is_the_real_one(served: Web) -> None:
    async with await served.owner() as owner, listener() as (port, heard):
        values = {"name": "Alarm centre", "kind": "tcp", "host": HERE, "port": port}
        got = await owner.ask("POST", "/api/recipients/try", {"values": values})
        assert (got.status, got.json["good"]) == (200, True), got.text
        assert b"This is a test" in await asyncio.wait_for(heard.get(), 30)
        made = await owner.ask("POST", "/api/settings/recipients/entries", {**values, "key": "centre"})
        assert made.status == 201, made.text
    async with await served.owner() as owner:
        got = await owner.ask("POST", "/api/recipients/try", {"key": "centre"})
        assert (got.status, got.json["good"]) == (200, False), "nobody listens there any more"
        assert got.json["detail"]
        bad = await owner.ask("POST", "/api/recipients/try", {"values": {"name": "x", "kind": "ftp"}})
        assert bad.status == 422


async def test_a_secret_that_is_not_given_again_is_the_saved_one(served: Web) -> None:
    logins: list[str] = []

    async def take(request: web.Request) -> web.Response:
        logins.append(request.headers["Authorization"])
        return web.Response()

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", take)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, HERE, 0)
    await site.start()
    url = f"http://{HERE}:{runner.addresses[0][1]}/"
    try:
        async with await served.owner() as owner:
            saved = {"key": "web", "name": "Web", "kind": "http", "url": url, "user": "u", "password": "pw"}
            assert (await owner.ask("POST", "/api/settings/recipients/entries", saved)).status == 201
            changed = {"key": "web", "values": {"user": "v", "password": {"set": True}}}
            got = await owner.ask("POST", "/api/recipients/try", changed)
            assert (got.status, got.json["good"]) == (200, True), got.text
            assert logins == [aiohttp.encode_basic_auth("v", "pw", "utf-8")]
            assert (await owner.get("/api/settings/recipients/entries/web"))["values"]["user"] == "u"
    finally:
        await runner.cleanup()


@pytest.mark.proves("M-375")
async def test_a_syslog_server_is_tried_before_it_is_saved(served: Web) -> None:
    async with await served.owner() as owner, listener() as (port, heard):
        values = {"host": HERE, "port": port, "transport": "tcp"}
        got = await owner.ask("POST", "/api/syslog/try", {"values": values})
        assert (got.status, got.json["good"]) == (200, True), got.text
        assert b"holdfast" in (await asyncio.wait_for(heard.get(), 30)).lower()
    async with await served.owner() as owner:
        got = await owner.ask("POST", "/api/syslog/try", {"values": values})
        assert (got.status, got.json["good"]) == (200, False), "nobody listens there any more"


async def test_what_waits_for_each_destination_is_told(served: Web) -> None:
    async with await served.owner() as owner:
        assert (await owner.get("/api/outbox")) == {"boxes": [], "fault": ""}
