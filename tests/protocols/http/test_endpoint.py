"""The sockets: what is answered where, and with which headers."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from device.certificates import own_certificate
from device.clock import SystemClock
from protocols.http.assets import Assets
from protocols.http.endpoint import Endpoint, Listen, Mounts

HERE = "127.0.0.1"


@asynccontextmanager
async def served(folder: Path, mounts: Mounts) -> AsyncIterator[tuple[str, str]]:
    """An endpoint on free ports; its two URLs."""
    pair = own_certificate(folder, "HFTEST", SystemClock())
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pair.certificate, pair.key)
    listen = [Listen(HERE, 0, tls), Listen(HERE, 0, None)]
    async with Endpoint(web.RouteTableDef(), mounts, Assets(), listen, hsts=False, gate=None) as endpoint:
        (_, https), (_, http) = endpoint.addresses
        yield f"https://{HERE}:{https}", f"http://{HERE}:{http}"


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    """One who does as he is told, and no more."""
    connector = aiohttp.TCPConnector(ssl=False)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
        yield session


async def test_a_page_comes_under_every_url_with_a_strict_policy(
    tmp_path: Path, client: aiohttp.ClientSession
) -> None:
    async with served(tmp_path, Mounts()) as (https, _):
        for path in ("/", "/recordings", "/system/accounts"):
            async with client.get(https + path) as got:
                assert got.status == 200
                assert got.content_type == "text/html"
                policy = got.headers["Content-Security-Policy"]
                assert "default-src 'none'" in policy
                assert "unsafe" not in policy
                assert got.headers["X-Content-Type-Options"] == "nosniff"
                assert got.headers["Cache-Control"] == "no-cache"
                assert got.headers["Server"] == "Holdfast"
                assert "Strict-Transport-Security" not in got.headers  # the certificate is our own


async def test_files_are_for_ever_and_compressed_once(tmp_path: Path, client: aiohttp.ClientSession) -> None:
    path = f"{Assets().prefix}/app.css"
    async with served(tmp_path, Mounts()) as (https, _):
        async with client.get(https + path, headers={"Accept-Encoding": "gzip"}) as got:
            assert "immutable" in got.headers["Cache-Control"]
            tag = got.headers["ETag"]
            packed = len(await got.read()), got.headers.get("Content-Encoding")
        async with client.get(https + path, headers={"Accept-Encoding": "identity"}) as got:
            plain = await got.read()
            assert "Content-Encoding" not in got.headers
        assert packed[1] is None or packed[0] < len(plain)
        async with client.get(https + path, headers={"If-None-Match": tag}) as got:
            assert got.status == 304


@pytest.mark.parametrize("path", ["/a/0/app.css", "/a/../endpoint.py", "/a/%2e%2e/endpoint.py", "/api/none"])
async def test_what_is_no_file_is_no_file(tmp_path: Path, client: aiohttp.ClientSession, path: str) -> None:
    async with served(tmp_path, Mounts()) as (https, _), client.get(https + path) as got:
        assert got.status == 404 or got.content_type == "text/html"
        assert b"import" not in await got.read()


async def test_http_leads_to_https(tmp_path: Path, client: aiohttp.ClientSession) -> None:
    async with served(tmp_path, Mounts()) as (https, http):
        async with client.get(f"{http}/recordings?from=1", allow_redirects=False) as got:
            assert got.status == 308
            assert got.headers["Location"] == f"{https}/recordings?from=1"
        async with client.post(f"{http}/api/session", json={}, allow_redirects=False) as got:
            assert got.status == 403
        async with client.get(http, headers={"Host": "a b/c"}, allow_redirects=False) as got:
            assert got.status == 400


async def test_a_mount_is_served_on_both_ports(tmp_path: Path, client: aiohttp.ClientSession) -> None:
    async def soap(request: web.Request) -> web.Response:
        return web.Response(body=await request.read(), content_type="application/soap+xml")

    mounts = Mounts()
    async with served(tmp_path, mounts) as urls:
        end = mounts.add("/onvif/", soap)
        for url in urls:
            async with client.post(f"{url}/onvif/device_service", data=b"<Envelope/>") as got:
                assert (got.status, await got.read()) == (200, b"<Envelope/>")
        end()
        async with client.get(f"{urls[0]}/onvif/device_service") as got:
            assert got.content_type == "text/html"
