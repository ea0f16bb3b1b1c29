"""RTSP over WebSocket as a stranger uses it: the address from ONVIF's capabilities, on both ports of HTTP."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import aiohttp
import pytest

from device.media import Codec
from integration.rtsp_websocket import PATH, URI
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
