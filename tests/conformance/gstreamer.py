"""GStreamer's RTSP server as the suite's second device: `python -m tests.conformance.gstreamer`.

Prints one line of JSON with its URLs, user and password, and serves until it is interrupted.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.debian import missing

PYTHON = "/usr/bin/python3"
SERVER = Path(__file__).parents[1] / "protocols" / "rtsp" / "gst_server.py"
PACKAGES = (
    "ffmpeg",
    "gir1.2-gst-rtsp-server-1.0",
    "gstreamer1.0-plugins-good",
    "gstreamer1.0-plugins-ugly",
    "python3-gi",
)
LIVE = (
    "( videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=25/1"
    " ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25 bitrate=500 ! rtph264pay name=pay0 pt=96"
    " audiotestsrc is-live=true ! audio/x-raw,rate=8000,channels=1 ! mulawenc ! rtppcmupay name=pay1 )"
)
REPLAY = "( filesrc location={file} ! qtdemux ! h264parse ! rtph264pay name=pay0 pt=96 )"
SECONDS = 90  #: of the recording


@dataclass(frozen=True, slots=True)
class Served:
    """Where it is."""

    live: str
    replay: str
    user: str
    password: str


def lacking() -> list[str]:
    """Debian packages that are missing for it."""
    return missing(PACKAGES)


def record(file: Path) -> None:
    """Make the recording."""
    subprocess.run(
        [
            *("ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-y"),
            *("-f", "lavfi", "-i", f"testsrc2=size=320x240:rate=25:duration={SECONDS}"),
            *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25", file),
        ],
        check=True,
    )


@contextmanager
def running(recording: Path, port: int) -> Iterator[tuple[Served, subprocess.Popen[bytes]]]:
    """A live stream with sound, and a recording, for whoever knows the password. Port 0 takes a free one."""
    wanted = {
        "mounts": {"/live": LIVE, "/replay": REPLAY.format(file=recording)},
        "user": "viewer",
        "password": "watch-me-7",
        "auth": "digest",
        "port": port,
    }
    process = subprocess.Popen(
        [PYTHON, SERVER, json.dumps(wanted)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        root = f"rtsp://127.0.0.1:{json.loads(process.stdout.readline())['port']}"
        yield Served(f"{root}/live", f"{root}/replay", "viewer", "watch-me-7"), process
    finally:
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def main() -> int:
    """Serve until Ctrl-C. A request can end the server: then it is started again, and that is told."""
    if absent := lacking():
        print(f"These packages are missing: {' '.join(absent)}", file=sys.stderr)
        return 1
    signal.signal(
        signal.SIGTERM, signal.default_int_handler
    )  # the same way out, so that nothing is left behind
    port = 0
    with tempfile.TemporaryDirectory() as folder, suppress(KeyboardInterrupt):
        recording = Path(folder) / "recording.mp4"
        record(recording)
        while True:
            with running(recording, port) as (server, process):
                if not port:
                    port = urlsplit(server.live).port or 0
                    print(json.dumps(asdict(server)), flush=True)
                print(f"The server ended with {process.wait()}.", file=sys.stderr, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
