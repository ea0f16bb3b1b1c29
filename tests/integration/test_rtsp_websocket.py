"""RTSP over WebSocket as a stranger uses it: the address from ONVIF's capabilities, on both ports of HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web

from device.certificates import own_certificate
from device.clock import SystemClock
from device.media import Codec
from device.planes import handover
from device.planes.handover import Handed, Taking
from integration.rtsp_websocket import PATH, URI, RtspWebSocket
from protocols.http.assets import Assets
from protocols.http.endpoint import Endpoint, Listen, Mounts
from protocols.onvif.names import TRP, TRT
from tests.integration import tape, vms
from tests.integration.rig import Recorder
from tests.protocols.rtsp import through_websocket

WHO = ("viewer", "watch-me-7")
PICTURES = 25


class Viewer(vms.Viewer):
    """The demo's administrator, with a player."""

    who = WHO


def address(recorder: Recorder, scheme: str) -> str:
    """Of the WebSocket: on the port of what ONVIF is asked at."""
    origin = urlsplit(recorder.told["endpoints"][{"ws": "http", "wss": "https"}[scheme]])
    return f"{scheme}://{origin.netloc}{PATH}"


@pytest.mark.parametrize("scheme", ["ws", "wss"])
@pytest.mark.parametrize("kind", ["live", "replay"])
async def test_pictures_come_in_order_and_none_is_missing(shown: Recorder, scheme: str, kind: str) -> None:
    url = urlsplit(str(shown.told["cameras"][0][kind]).partition("?")[0])
    base = f"rtsp://{url.netloc}"
    async with through_websocket.player(address(shown, scheme), base, Viewer) as player, asyncio.timeout(60):
        described = await player.ask("DESCRIBE", url.path)
        codec = Codec.H265 if b"H265" in described.body else Codec.H264
        answer = await player.play(url.path, *((("Rate-Control", "no"),) if kind == "replay" else ()))
        assert answer.status == 200
        viewer = tape.Viewer(codec)
        await viewer.watch(player, lambda viewer: len(viewer.seen) >= PICTURES)
    numbers = [each.number for each in viewer.seen]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert viewer.seen[0].key


async def test_nobody_comes_in_without_an_account(shown: Recorder) -> None:
    url = urlsplit(str(shown.told["cameras"][0]["live"]))
    player = through_websocket.player(address(shown, "wss"), f"rtsp://{url.netloc}", vms.Viewer)
    async with player as stranger, asyncio.timeout(60):
        assert (await stranger.ask("DESCRIBE", url.path)).status == 401


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {}, 426),
        ("POST", {"Upgrade": "websocket", "Connection": "Upgrade"}, 426),
        ("GET", {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "7"}, 426),
        ("GET", {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}, 400),
        ("GET", {"Upgrade": "websocket", **{f"X-{n}": "x" * 8000 for n in range(12)}}, 431),
    ],
)
async def test_what_is_no_handshake_is_told_so(
    shown: Recorder, method: str, headers: dict[str, str], status: int
) -> None:
    url = address(shown, "ws").replace("ws:", "http:")
    async with aiohttp.ClientSession() as session, session.request(method, url, headers=headers) as got:
        assert got.status == status


async def test_capabilities_tell_of_it(shown: Recorder) -> None:
    endpoint = str(shown.told["endpoints"]["onvif"])
    services = (("media", "trt", TRT.StreamingCapabilities), ("replay", "trp", TRP.Capabilities))
    for service, prefix, element in services:
        url = endpoint.replace("device_service", f"{service}_service")
        reply = await asyncio.to_thread(vms.ask, url, f"<{prefix}:GetServiceCapabilities/>")
        (told,) = reply.iter(element)
        assert told.get("RTSPWebSocketUri") == URI


@contextlib.asynccontextmanager
async def front(folder: Path) -> AsyncIterator[tuple[RtspWebSocket, str]]:
    """What gives connections away, on a port with TLS; and its URL."""
    pair = own_certificate(folder, "HFTEST", SystemClock())
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pair.certificate, pair.key)
    giving, mounts = RtspWebSocket(folder / "connections.sock"), Mounts()
    mounts.add(PATH, giving.handle)
    listen = [Listen("127.0.0.1", 0, tls)]
    async with Endpoint(web.RouteTableDef(), mounts, Assets(), listen, hsts=False, gate=None) as endpoint:
        yield giving, f"wss://127.0.0.1:{endpoint.addresses[0][1]}{PATH}"


async def test_while_nobody_serves_rtsp_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handover, "WITHIN", 0.1)
    async with front(tmp_path) as (_, url):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with through_websocket.socket(url):
                pass
    assert refused.value.status == 503


async def test_what_is_carried_ends_when_the_control_plane_does(tmp_path: Path) -> None:
    taken: asyncio.Queue[tuple[Handed, socket.socket]] = asyncio.Queue()
    taking = Taking(tmp_path / "connections.sock", lambda handed, sock: taken.put_nowait((handed, sock)))
    async with asyncio.timeout(60), front(tmp_path) as (giving, url):
        with taking:
            opening = asyncio.create_task(through_websocket.socket(url).__aenter__())
            handed, sock = await taken.get()
        reader, writer = await asyncio.open_connection(sock=sock)
        assert handed.secure
        await giving.close()
        assert await reader.read() == b""
        writer.close()
        with pytest.raises(aiohttp.ClientError):
            await opening
