"""Bad input from those who mean it: fuzzing by schemathesis, and what has broken others."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from device.planes.link import Client
from device.recording.database import open_writer
from device.settings.clock import DateAndTime
from device.settings.network import Network
from integration.cameras import CamerasPlane
from tests.integration.web import fuzzing
from tests.integration.web.rig import Web

#: What would wait for other planes of the recorder or for cameras, make storages, or end the session that asks.
LEFT_OUT = (
    "/api/(live|events/follow|jobs/follow|session|setup|accounts|exports|chassis|recordings|timeline|days|locks"
    "|mqtt|storages/shares$|cameras/(discover|probe|onvif|.*/(onvif|restart|picture)))"
)


async def test_no_request_that_schemathesis_makes_ends_in_a_defect(served: Web, tmp_path: Path) -> None:
    own = served.own
    own.settings.patch(Network, {"keeper": "simulated"}, by="test")
    own.settings.patch(DateAndTime, {"keeper": "simulated", "synchronized": False}, by="test")
    served.machine.answer(own.server)
    CamerasPlane(own, Client(own.folder.socket("recording"), within=0.2)).answer(own.server)
    open_writer(own.folder.catalogue).close()  # nothing was recorded yet
    async with await served.owner() as owner:
        token = (await owner.ask("POST", "/api/tokens", {"name": "fuzz", "scopes": ["all"]})).json["token"]
        document = tmp_path / "openapi.json"
        document.write_text(json.dumps(await owner.get("/api/openapi.json")))
    program = Path(sys.executable).with_name("schemathesis")
    argv = [
        str(program), "run", str(document), "--url", served.url, "--tls-verify", "false",
        "--header", f"Authorization: Bearer {token}", "--exclude-path-regex", LEFT_OUT,
        "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
        "--max-examples", "6", "--phases", "examples,fuzzing", "--seed", "7", "--generation-deterministic",
        "--request-timeout", "30",
    ]  # fmt: skip
    hooks = {**os.environ, "SCHEMATHESIS_HOOKS": fuzzing.__file__}
    done = await asyncio.to_thread(
        subprocess.run, argv, capture_output=True, text=True, timeout=110, env=hooks
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /api/session HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n",
        b"GET /api/session HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET http://evil/ HTTP/1.1\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /api/session HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: -1\r\n\r\n",
        b"\x16\x03\x01\x00\x05hello",
        b"A" * 20_000 + b" / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
    ],
)
async def test_what_is_no_http_is_refused_and_others_are_served(served: Web, raw: bytes) -> None:
    port = served.http.ports[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(raw)
    async with asyncio.timeout(30):
        first = await reader.readline()
    assert not first or first.split()[1][:1] in (b"3", b"4"), first
    writer.close()
    async with served.browser() as guest:
        assert (await guest.ask("GET", "/api/session")).status == 200


async def test_a_redirect_takes_no_header_along(served: Web) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.http.ports[1])
    writer.write(b"GET /%0d%0aSet-Cookie:%20a=b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    assert b"\r\nSet-Cookie" not in answer
    assert b"Location: https://a:" in answer


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 422),
        (b"\xff\xfe", 422),
        (b'{"name": "a", "name": "b", "password": "c"}', 401),
        (b"[" * 100_000, 422),
        (b'{"name": "a\\u0000\\r\\nb", "password": "c"}', 401),
        (b'{"name": "\\ud800", "password": "\\ud800"}', 422),
        (b'{"name": "' + b"x" * 2000 + b'", "password": "c"}', 422),
        (b'{"name": "a", "password": "' + b"x" * (2 << 20) + b'"}', 413),
    ],
    ids=range(8),
)
async def test_a_body_that_means_harm_is_refused(served: Web, body: bytes, status: int) -> None:
    async with await served.owner(), served.browser() as guest:
        got = await guest.ask("POST", "/api/session", data=body, headers={"Content-Type": "application/json"})
        assert got.status == status, got.text
        assert "\r" not in got.text


async def test_no_secret_is_in_an_answer_an_event_or_an_address(served: Web) -> None:
    async with await served.owner() as owner:
        account = {"name": "ben", "password": "tell-no-one", "repeat": "x", "role": "viewer"}
        assert (await owner.ask("POST", "/api/accounts", account)).status == 422
        await owner.ask("POST", "/api/raid/tools", {"tool": "raid.format", "password": "tell-no-one"})
        await asyncio.wrap_future(served.own.bus.journal.flush())
        for path in ("/api/events", "/api/jobs", "/api/sessions", "/api/openapi.json"):
            assert "tell-no-one" not in (await owner.ask("GET", path)).text
        assert (await owner.ask("GET", "/api/session?password=tell-no-one")).status == 200
