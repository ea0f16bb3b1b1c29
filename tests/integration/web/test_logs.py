"""Logs, the audit trail and the reports over the API."""

from __future__ import annotations

import asyncio
import csv
import io
import zipfile

import pytest

from tests.integration.rig import RigFailed
from tests.integration.web.rig import Browser, Web

SECRET = "tell-no-one-at-all"


async def deeds(owner: Browser, **query: str) -> list[dict[str, str]]:
    """The audit trail, as soon as there is something in it: it follows the journal."""
    for _ in range(600):
        found: list[dict[str, str]] = (await owner.get("/api/audit", params=query))["deeds"]
        if found:
            return found
        await asyncio.sleep(0.05)
    raise RigFailed("the audit trail stays empty")


@pytest.mark.proves("M-374")
async def test_who_was_refused_stands_in_the_access_log_and_nowhere_else(served: Web) -> None:
    async with await served.owner() as owner, served.browser() as guest:
        assert (await guest.login("anna", "wrong")).status == 401
        await asyncio.wrap_future(served.own.bus.journal.flush())
        access = await owner.get("/api/logs/access")
        assert [each["event"]["name"] for each in access["lines"]] == ["login.failed"]
        assert "account=anna" in access["lines"][0]["text"]
        system = await owner.get("/api/logs/system")
        assert "login.failed" not in {each["event"]["name"] for each in system["lines"]}
        assert (await owner.get("/api/logs/access", params={"text": "nothing like it"}))["lines"] == []
        assert (await owner.ask("GET", "/api/logs/other")).status == 404
        file = await owner.ask("GET", "/api/logs/access/download")
        assert file.headers["Content-Disposition"].startswith("attachment; filename=")
        assert "login.failed" in file.text


async def test_a_log_is_read_page_by_page(served: Web) -> None:
    async with await served.owner() as owner:
        for number in range(5):
            changed = await owner.ask("PATCH", "/api/settings/recorder", {"name": f"House {number}"})
            assert changed.status == 200, changed.text
        await asyncio.wrap_future(served.own.bus.journal.flush())
        seen: list[int] = []
        before: int | None = None
        while True:
            query = {"limit": "2"} | ({} if before is None else {"before": str(before)})
            page = await owner.get("/api/logs/audit", params=query)
            seen += [each["event"]["seq"] for each in page["lines"]]
            before = page["next"]
            if before is None:
                break
        assert len(seen) == len(set(seen)) >= 5
        assert seen == sorted(seen, reverse=True)


async def test_the_audit_trail_is_shown_filtered_verified_and_saved(served: Web) -> None:
    async with await served.owner() as owner:
        assert (await owner.ask("PATCH", "/api/settings/recorder", {"name": "=1+1"})).status == 200
        found = await deeds(owner, deed="changed", who="anna")
        assert found[0]["what"].startswith("recorder")
        assert (await owner.get("/api/audit", params={"who": "nobody"}))["deeds"] == []
        told = await owner.get("/api/audit/verify")
        assert told["good"], told
        assert told["last"] >= 1
        file = await owner.ask("GET", "/api/audit/download")
        rows = list(csv.DictReader(io.StringIO(file.text)))
        assert rows[-1]["hash"] == told["hash"]


@pytest.mark.proves("M-369", "M-370")
async def test_the_report_tells_all_but_secrets(served: Web) -> None:
    async with await served.owner() as owner, served.browser() as guest:
        await guest.login("ben", "wrong")
        saved = {"name": "Web", "kind": "http", "url": "http://127.0.0.1:1/", "user": "u", "password": SECRET}
        assert (
            await owner.ask("POST", "/api/settings/recipients/entries", {**saved, "key": "w"})
        ).status == 201
        await asyncio.wrap_future(served.own.bus.journal.flush())
        text = (await owner.get("/api/report"))["text"]
        for wanted in (
            served.own.identity.serial,
            "## Access log",
            "account=ben",
            "[recipients w]",
            '{"set": true}',
        ):
            assert wanted in text
        assert "Cannot be asked" in text, "the other planes are not there, and that is said"
        async with owner.session.get(f"{owner.url}/api/report/crash") as got:
            assert got.status == 200
            archive = zipfile.ZipFile(io.BytesIO(await got.read()))
        assert {"report.txt", "journal.jsonl", "control/status"} <= set(archive.namelist())
        assert all(SECRET.encode() not in archive.read(name) for name in archive.namelist())
