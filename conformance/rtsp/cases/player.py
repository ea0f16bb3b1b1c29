"""A second judge: ffprobe decodes what comes."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from urllib.parse import quote, urlsplit, urlunsplit

from conformance.case import Requirement, expect, provided
from conformance.rtsp import needs
from conformance.rtsp.device import Device
from conformance.rtsp.suite import case

_SECONDS = 30.0  #: for ffprobe to see two seconds of media
_INTERVAL = "%+2"


async def _decoded(device: Device, url: str, transport: str) -> str:
    program = shutil.which("ffprobe")
    provided(program is not None, "ffprobe is not installed here")
    parts = urlsplit(url)
    login = (
        f"{quote(device.address.user, safe='')}:{quote(device.address.password, safe='')}@"
        if device.address.user
        else ""
    )
    device.transcript.note(f"ffprobe -rtsp_transport {transport} {url}")
    arguments = [
        *("-hide_banner", "-loglevel", "error", "-rtsp_transport", transport, "-timeout", "8000000"),
        *(
            "-read_intervals",
            _INTERVAL,
            "-select_streams",
            "v:0",
            "-show_entries",
            "stream=codec_name,width,height",
        ),
        *("-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "json"),
        urlunsplit(parts._replace(netloc=login + parts.netloc)),
    ]
    process = await asyncio.create_subprocess_exec(
        program or "", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(_SECONDS):
            out, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    complaints = re.sub(r"rtsps?://[^@\s/]*@", "rtsp://", errors.decode(errors="replace")).strip()
    for line in complaints.splitlines()[:20]:
        device.transcript.note(line)
    expect(process.returncode == 0, f"ffprobe ended with {process.returncode}: {complaints[:200]}")
    streams = json.loads(out).get("streams", [])
    expect(bool(streams), "ffprobe found no video")
    frames = int(streams[0].get("nb_read_frames", 0))
    expect(frames > 0, "ffprobe decoded no picture")
    return f"{streams[0]['codec_name']} {streams[0].get('width')}x{streams[0].get('height')}, {frames} pictures decoded"


@case("player.live", "ffprobe decodes live video, interleaved", "-", Requirement.OPTIONAL)
async def live(device: Device) -> str:
    return await _decoded(device, device.address.live, "tcp")


@case("player.live-udp", "ffprobe decodes live video by UDP", "-", Requirement.OPTIONAL, needs.plain)
async def live_udp(device: Device) -> str:
    return await _decoded(device, device.address.live, "udp")


@case("player.replay", "ffprobe decodes the recording", "-", Requirement.OPTIONAL, needs.replay)
async def replay(device: Device) -> str:
    return await _decoded(device, device.replay_url, "tcp")
