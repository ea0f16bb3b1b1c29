"""Against GStreamer's RTSP server: what was encoded is what is recorded, bit for bit."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import pytest

from device.cameras.source import Address, Cause, SessionEnded
from device.clock import SystemClock
from device.media import Codec
from protocols.rtsp.health import Patience
from protocols.rtsp.source import RtspSource
from tests.protocols.rtsp.kept import KeptIntake

PYTHON = "/usr/bin/python3"
SECONDS = 1
_found = subprocess.run(
    [PYTHON, "-c", "import gi; gi.require_version('GstRtspServer', '1.0')"], capture_output=True, check=False
)
pytestmark = pytest.mark.skipif(
    _found.returncode != 0 or shutil.which("ffmpeg") is None,
    reason="python3-gi with GstRtspServer 1.0, or ffmpeg, is not installed",
)


@contextmanager
def served(launch: str, **wanted: str) -> Iterator[str]:
    """The URL of a GStreamer pipeline."""
    script = Path(__file__).with_name("gst_server.py")
    request = json.dumps({"mounts": {"/stream": launch}, **wanted})
    process = subprocess.Popen([PYTHON, script, request], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield f"rtsp://127.0.0.1:{json.loads(process.stdout.readline())['port']}/stream"
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(10)


async def record(address: Address) -> tuple[KeptIntake, RtspSource, SessionEnded]:
    """One session to its end."""
    intake = KeptIntake()
    source = RtspSource(address, SystemClock(), Patience(silent=3.0), lambda _: None)
    with pytest.raises(SessionEnded) as caught:
        await asyncio.wait_for(source.run(intake), 30)
    return intake, source, caught.value


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Clips with sound, made by ffmpeg: short, with a key frame every 12 pictures."""
    folder = tmp_path_factory.mktemp("clips")
    encoders = {
        "h264": ["-c:v", "libx264", "-preset", "ultrafast", "-g", "12", "-bf", "0", "-slices", "2"],
        "b-frames": ["-c:v", "libx264", "-preset", "veryfast", "-g", "12", "-bf", "2"],
        "h265": [
            "-c:v",
            "libx265",
            "-preset",
            "ultrafast",
            "-x265-params",
            "keyint=12:bframes=0:log-level=none",
        ],
    }
    made = {}
    for name, encoder in encoders.items():
        made[name] = folder / f"{name}.mp4"
        subprocess.run(
            [
                "ffmpeg",
                "-v",
                "error",
                "-f",
                "lavfi",
                "-i",
                "testsrc2=size=640x360:rate=25",
                "-f",
                "lavfi",
                "-i",
                "sine=440:sample_rate=48000",
                "-t",
                str(SECONDS),
                *encoder,
                "-pix_fmt",
                "yuv420p",
                "-c:a",
                "aac",
                made[name],
            ],
            check=True,
        )
    return made


def encoded(path: Path, kind: str) -> list[bytes]:
    """The samples of a file's first track of this kind."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0] if kind == "video" else container.streams.audio[0]
        return [bytes(packet) for packet in container.demux(stream) if packet.size]


def slices(sample: bytes, codec: Codec) -> list[bytes]:
    """The NAL units of a sample that hold picture."""
    found, at = [], 0
    while at < len(sample):
        size = int.from_bytes(sample[at : at + 4], "big")
        nal = sample[at + 4 : at + 4 + size]
        at += 4 + size
        kind = nal[0] & 31 if codec is Codec.H264 else nal[0] >> 1 & 63
        if kind < (6 if codec is Codec.H264 else 32):
            found.append(nal)
    return found


def launch(path: Path, video: str, audio: str = "") -> str:
    sound = f"d.audio_0 ! queue ! {audio} name=pay1 pt=97" if audio else ""
    return f"( filesrc location={path} ! qtdemux name=d d.video_0 ! queue ! {video} name=pay0 pt=96 {sound} )"


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize(
    ("clip", "codec"), [("h264", Codec.H264), ("b-frames", Codec.H264), ("h265", Codec.H265)]
)
async def test_video_and_sound_arrive_bit_for_bit(
    clips: dict[str, Path], clip: str, codec: Codec, transport: str
) -> None:
    name = codec.value.lower()
    with served(launch(clips[clip], f"{name}parse ! rtp{name}pay", "aacparse ! rtpmp4gpay")) as url:
        intake, source, ended = await record(Address(url, transport=transport))
    assert ended.cause is Cause.LINK_LOST
    assert intake.calls == ["opened", "closed"]
    video, audio = intake.tracks[0]
    assert (video.codec, video.width, video.height, video.clock_rate) == (codec, 640, 360, 90000)
    assert (audio.codec, audio.clock_rate, audio.channels) == (Codec.AAC, 48000, 1)
    sent = encoded(clips[clip], "video")
    got = [slices(unit.data, codec) for unit in intake.units]
    assert got == [slices(sample, codec) for sample in sent]
    assert [n for n, unit in enumerate(intake.units) if unit.key] == list(range(0, 25 * SECONDS, 12))
    assert not any(unit.damaged for unit in intake.units)
    sound = [data for _, _, _, data in intake.samples]
    original = encoded(clips[clip], "audio")
    at = original.index(sound[0])
    assert sound == original[at : at + len(sound)]
    assert len(sound) >= len(original) // 4  # what was sent before the first key frame is left out
    assert source.reception.lost == source.reception.malformed == source.reception.dropped == 0


@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_times_run_on_as_they_were_encoded(clips: dict[str, Path], transport: str) -> None:
    with served(launch(clips["b-frames"], "h264parse ! rtph264pay")) as url:
        intake, _, _ = await record(Address(url, transport=transport))
    order = sorted(intake.units, key=lambda unit: unit.time)
    steps = [b.time - a.time for a, b in itertools.pairwise(order)]
    assert all(abs(step - 3600) <= 1 for step in steps)
    walls = [b.utc - a.utc for a, b in itertools.pairwise(order)]
    assert all(20_000 <= wall <= 60_000 for wall in walls)


@pytest.mark.parametrize("chroma", ["I420", "Y42B"])
async def test_jpeg_and_g711(chroma: str, tmp_path: Path) -> None:
    """Both kinds of sampling of RFC 2435; the pixels that GStreamer encoded are those that ffmpeg decodes."""
    pipeline = (
        f"( videotestsrc num-buffers=20 ! video/x-raw,format={chroma},width=320,height=240,framerate=20/1"
        " ! jpegenc quality=85 ! rtpjpegpay name=pay0 pt=26"
        " audiotestsrc num-buffers=20 samplesperbuffer=160 ! audio/x-raw,rate=8000,channels=1"
        " ! alawenc ! rtppcmapay name=pay1 pt=8 )"
    )
    with served(pipeline) as url:
        intake, source, _ = await record(Address(url))
    video, audio = intake.tracks[0]
    assert (video.codec, video.width, video.height) == (Codec.MJPEG, 320, 240)
    assert (audio.codec, audio.clock_rate) == (Codec.PCMA, 8000)
    assert len(intake.units) >= 18
    assert source.reception.malformed == 0
    picture = tmp_path / "a.jpg"
    picture.write_bytes(intake.units[3].data)
    with av.open(str(picture)) as container:
        frame = next(container.decode(video=0)).to_ndarray(format="gray")
    assert frame.shape == (240, 320)
    # The bars of the test picture: white on the left, black at the right end of the upper part.
    assert frame[50, 10] > 200
    assert frame[50, 310] < 60


@pytest.mark.parametrize("auth", ["digest", "basic"])
async def test_authentication(clips: dict[str, Path], auth: str) -> None:
    with served(
        launch(clips["h264"], "h264parse ! rtph264pay"), user="viewer", password="p w:d", auth=auth
    ) as url:
        intake, _, ended = await record(Address(url, "viewer", "p w:d"))
        assert len(intake.units) == SECONDS * 25
        assert ended.cause is Cause.LINK_LOST
        _, _, ended = await record(Address(url, "viewer", "wrong"))
        assert ended.cause is Cause.REJECTED


async def test_a_server_that_takes_no_udp_is_asked_for_tcp(clips: dict[str, Path]) -> None:
    with served(launch(clips["h264"], "h264parse ! rtph264pay"), protocols="tcp") as url:
        intake, _, _ = await record(Address(url, transport="udp"))
    assert len(intake.units) == SECONDS * 25


async def test_a_stream_without_parameter_sets_in_its_description(clips: dict[str, Path]) -> None:
    """They come in band, before every key frame."""
    with served(
        launch(
            clips["h264"],
            "h264parse ! video/x-h264,stream-format=byte-stream ! rtph264pay config-interval=-1",
        )
    ) as url:
        intake, _, _ = await record(Address(url))
    assert intake.calls == ["opened", "closed"]
    assert len(intake.units) == SECONDS * 25
    sent = [slices(sample, Codec.H264) for sample in encoded(clips["h264"], "video")]
    assert [slices(unit.data, Codec.H264) for unit in intake.units] == sent


async def test_a_path_that_does_not_exist(clips: dict[str, Path]) -> None:
    with served(launch(clips["h264"], "h264parse ! rtph264pay")) as url:
        intake, _, ended = await record(Address(url.replace("stream", "nothing")))
    assert ended.cause is Cause.PROTOCOL
    assert "404" in ended.detail
    assert intake.calls == []
