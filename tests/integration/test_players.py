"""What people watch with: ffprobe, ffmpeg, GStreamer and mpv on the running appliance, live and recorded."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from device.folder import DataFolder
from device.recording.catalogue import CatalogueReader
from integration.virtual_camera import stamp
from tests.integration.evidence import frames
from tests.integration.rig import Recorder

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("ffmpeg", "ffprobe", "gst-launch-1.0", "mpv"))), reason="needs the players"
)
WIDTH, HEIGHT = 640, 360
LIMIT = 40.0  #: seconds for one player


def _url(recorder: Recorder, camera: int, kind: str, login: str = "viewer:watch-me-7") -> str:
    url = str(recorder.told["cameras"][camera - 1][kind])
    return url.replace("://", f"://{login}@") if login else url


def _play(*command: str | Path) -> bytes:
    done = subprocess.run(command, capture_output=True, timeout=LIMIT, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return done.stdout


def _numbers(luma: bytes) -> list[int]:
    """The frame numbers burnt into pictures."""
    pictures = np.frombuffer(luma, np.uint8).reshape(-1, HEIGHT, WIDTH)
    seen = [stamp.read(picture) for picture in pictures]
    assert all(seen)
    return [each.frame for each in seen if each]


def _ffmpeg(url: str, protocol: str, count: int) -> list[int]:
    head = [
        "ffmpeg",
        "-v",
        "error",
        "-rtsp_transport",
        protocol,
        "-i",
        url,
        "-map",
        "0:v",
        "-frames:v",
        str(count),
    ]
    return _numbers(_play(*head, "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "gray", "-"))


def _oldest(recorder: Recorder, token: str) -> int:
    """Number of the first frame that is recorded."""
    with CatalogueReader(DataFolder(recorder.data).catalogue) as catalogue:
        number = next(frames(catalogue, token)).number
    assert number is not None
    return number


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_ffmpeg_sees_live_pictures_one_after_the_other(shown: Recorder, protocol: str) -> None:
    seen = _ffmpeg(_url(shown, 1, "live"), protocol, 20)
    assert seen == list(range(seen[0], seen[0] + 20))


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_ffmpeg_sees_the_recording_from_its_first_frame_on(shown: Recorder, protocol: str) -> None:
    first = _oldest(shown, "c-demo1")
    assert _ffmpeg(_url(shown, 1, "replay"), protocol, 20) == list(range(first, first + 20))


@pytest.mark.parametrize("kind", ["live", "replay"])
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_gstreamer_plays(shown: Recorder, kind: str, protocol: str, tmp_path: Path) -> None:
    out = tmp_path / "luma"
    source = f"rtspsrc location={_url(shown, 1, kind)} protocols={protocol}"
    chain = "rtph264depay ! h264parse ! avdec_h264 ! videoconvert ! video/x-raw,format=GRAY8 ! identity eos-after=16"
    command = ["gst-launch-1.0", "-q", *f"{source} ! {chain} ! filesink location={out}".split()]
    # Its exit code tells how the end of a live source struck it; the pictures tell what it saw.
    done = subprocess.run(command, capture_output=True, timeout=LIMIT, stdin=subprocess.DEVNULL, text=True)
    data = out.read_bytes()
    seen = _numbers(data[: len(data) // (WIDTH * HEIGHT) * WIDTH * HEIGHT])
    assert len(seen) >= 15, done.stderr
    assert seen == list(range(seen[0], seen[0] + len(seen)))
    if kind == "replay":
        assert seen[0] == _oldest(shown, "c-demo1")


@pytest.mark.parametrize("kind", ["live", "replay"])
def test_mpv_plays_picture_and_sound(shown: Recorder, kind: str) -> None:
    quiet = ["--no-config", "--vo=null", "--ao=null", "--msg-level=all=warn,ffmpeg=error"]
    said = _play("mpv", *quiet, "--frames=20", _url(shown, 2, kind)).decode()
    assert "error" not in said.lower()


@pytest.mark.parametrize(("kind", "camera", "sound"), [("live", 1, "pcm_mulaw"), ("replay", 2, "aac")])
def test_ffprobe_finds_both_tracks(shown: Recorder, kind: str, camera: int, sound: str) -> None:
    head = ["ffprobe", "-v", "error", "-rtsp_transport", "tcp", "-show_streams", "-of", "json"]
    streams = json.loads(_play(*head, _url(shown, camera, kind)))["streams"]
    assert [stream["codec_name"] for stream in streams] == ["h264", sound]
    assert (streams[0]["width"], streams[0]["height"]) == (WIDTH, HEIGHT)


@pytest.mark.parametrize("login", ["viewer:guess", "nobody:watch-me-7", ""])
@pytest.mark.parametrize("kind", ["live", "replay"])
def test_without_the_password_there_is_nothing_to_see(shown: Recorder, kind: str, login: str) -> None:
    done = subprocess.run(
        ["ffprobe", "-v", "error", _url(shown, 1, kind, login)], capture_output=True, timeout=LIMIT, text=True
    )
    assert done.returncode != 0
    assert "401 Unauthorized" in done.stderr
