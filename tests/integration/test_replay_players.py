"""What people replay with, over every transport: the pictures are the ones that were asked for."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from integration.virtual_camera import stamp
from protocols.rtsp.endpoint import Endpoint
from protocols.rtsp.range import utc_time
from tests.integration.tape import HEIGHT, HERE, WIDTH, Tapes, numbers
from tests.protocols.rtsp.players import run

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("ffmpeg", "ffprobe", "gst-launch-1.0", "mpv"))), reason="needs the players"
)
TRANSPORTS = ("tcp", "udp", "http")


def url(endpoint: Endpoint, tapes: Tapes, first: int, last: int) -> str:
    """Of some pictures of the plain tape."""
    start, end = (utc_time(tapes.plain[n].utc) for n in (first, last))
    return f"rtsp://{HERE}:{endpoint.port}/replay/plain?start={start}&end={end}"


def read(luma: bytes) -> list[int]:
    """The numbers burnt into pictures."""
    seen = [stamp.read(each) for each in np.frombuffer(luma, np.uint8).reshape(-1, HEIGHT, WIDTH)]
    assert all(seen)
    return [each.frame for each in seen if each]


async def ffmpeg(address: str, transport: str, *more: str) -> list[int]:
    head = ("ffmpeg", "-v", "error", "-rtsp_transport", transport, *more, "-i", address, "-map", "0:v")
    tail = ("-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "gray", "-")
    return read(await run(*head, *tail))


async def gstreamer(address: str, transport: str, out: Path) -> list[int]:
    if transport == "http":
        address = address.replace("rtsp://", "rtsph://")
    source = f"rtspsrc location={address}" + (f" protocols={transport}" * (transport != "http"))
    chain = "rtph264depay ! h264parse ! avdec_h264 ! videoconvert ! video/x-raw,format=GRAY8"
    # Once in a while rtspsrc 1.22 takes back its own PAUSE at the end, and calls that a failure.
    await run(
        "gst-launch-1.0",
        "-q",
        *f"{source} ! {chain} ! filesink location={out}".split(),
        forgive="gst_rtspsrc_pause",
    )
    return read(await asyncio.to_thread(out.read_bytes))


async def test_ffmpeg(endpoint: Endpoint, tapes: Tapes) -> None:
    address = url(endpoint, tapes, 30, 49)
    seen = await asyncio.gather(*(ffmpeg(address, transport) for transport in TRANSPORTS))
    assert dict(zip(TRANSPORTS, seen, strict=True)) == dict.fromkeys(TRANSPORTS, numbers(tapes.plain[30:50]))


async def test_ffmpeg_seeks(endpoint: Endpoint, tapes: Tapes) -> None:
    address = url(endpoint, tapes, 30, 59)
    seen = await asyncio.gather(*(ffmpeg(address, transport, "-ss", "2") for transport in TRANSPORTS))
    assert dict(zip(TRANSPORTS, seen, strict=True)) == dict.fromkeys(TRANSPORTS, numbers(tapes.plain[50:60]))


async def test_gstreamer(endpoint: Endpoint, tapes: Tapes, tmp_path: Path) -> None:
    address = url(endpoint, tapes, 30, 49)
    seen = await asyncio.gather(
        *(gstreamer(address, transport, tmp_path / transport) for transport in TRANSPORTS)
    )
    assert dict(zip(TRANSPORTS, seen, strict=True)) == dict.fromkeys(TRANSPORTS, numbers(tapes.plain[30:50]))


@pytest.mark.parametrize(
    ("transport", "rate_control"), [("tcp", "true"), ("tcp", "false"), ("http", "false"), ("udp", "true")]
)
async def test_gstreamer_reads_times_and_clean_points_in_its_onvif_mode(
    endpoint: Endpoint, tapes: Tapes, transport: str, rate_control: str
) -> None:
    """Without the first picture: a jitterbuffer 1.22 that has no clock yet may throw that one away."""
    address = url(endpoint, tapes, 30, 59)
    where = (
        address.replace("rtsp://", "rtsph://") if transport == "http" else f"{address} protocols={transport}"
    )
    source = f"rtspsrc location={where} onvif-mode=true"
    chain = f"{source} onvif-rate-control={rate_control} ! rtponvifparse ! identity name=told silent=false ! fakesink"
    said = (await run("gst-launch-1.0", "-v", *chain.split(), forgive="gst_rtspsrc_pause")).decode()
    pushed = re.findall(r"told: last-message = chain.* pts: (\d+):(\d\d):([\d.]+).*flags: (.*)", said)
    seen = {
        round((int(hours) * 3600 + int(minutes) * 60 + float(seconds) - 2_208_988_800) * 10): "delta-unit"
        in flags
        for hours, minutes, seconds, flags in pushed
    }
    seen.pop(round(tapes.plain[30].utc / 100_000), None)
    assert seen == {round(each.utc / 100_000): not each.key for each in tapes.plain[31:60]}
    assert "type: eos" in said


async def test_mpv(endpoint: Endpoint, tapes: Tapes) -> None:
    address = url(endpoint, tapes, 30, 49)
    quiet = ("mpv", "--no-config", "--vo=null", "--msg-level=all=warn,ffmpeg=error")
    said = await asyncio.gather(
        *(run(*quiet, f"--rtsp-transport={transport}", address) for transport in TRANSPORTS)
    )
    assert not any(b"error" in each.lower() for each in said)


async def test_ffprobe_knows_codec_size_and_length(endpoint: Endpoint, tapes: Tapes) -> None:
    address = url(endpoint, tapes, 30, 50)
    entries = "stream=codec_name,width,height:format=duration"
    head = ("ffprobe", "-v", "error", "-show_entries", entries, "-of", "csv=p=0")
    said = await asyncio.gather(
        *(run(*head, "-rtsp_transport", transport, address) for transport in TRANSPORTS)
    )
    assert [each.decode().split() for each in said] == [[f"h264,{WIDTH},{HEIGHT}", "2.000000"]] * 3


async def test_ffmpeg_goes_over_gaps_and_steps_of_the_clock(endpoint: Endpoint, tapes: Tapes) -> None:
    root = f"rtsp://{HERE}:{endpoint.port}/replay"
    gap, clock = await asyncio.gather(ffmpeg(f"{root}/gap", "tcp"), ffmpeg(f"{root}/clock", "http"))
    assert gap == numbers(tapes.gap)
    assert clock == numbers(tapes.clock)
