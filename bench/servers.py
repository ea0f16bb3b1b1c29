"""The RTSP servers that benches load: ours, and GStreamer's as a relay or as a player of files."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.holdfast import install, key_of
from bench.load import first_line
from bench.measure import Groups
from bench.programs import BenchError, end, until

GSTREAMER = Path(__file__).parents[1] / "tests" / "protocols" / "rtsp" / "gst_server.py"
PYTHON = "/usr/bin/python3"  #: the system's, which has python3-gi
_READY = 60.0  #: seconds


@dataclass(frozen=True, slots=True)
class Serving:
    """A running server."""

    groups: Groups  #: its processes
    urls: Sequence[str]  #: of its live streams, in the order of the cameras


class Server(Protocol):
    """What relays cameras to readers."""

    @property
    def name(self) -> str:
        """Key in reports."""

    @property
    def title(self) -> str:
        """As tables say it."""

    def serving(self, cameras: Sequence[str], folder: Path) -> contextlib.AbstractContextManager[Serving]:
        """Run it until the context ends; `folder` takes what it writes."""


@dataclass(frozen=True, slots=True)
class HoldfastServer:
    """Our recorder, which records the cameras meanwhile."""

    name: str = "holdfast"
    title: str = "Holdfast, which records meanwhile"

    @contextlib.contextmanager
    def serving(self, cameras: Sequence[str], folder: Path) -> Iterator[Serving]:
        """Run it until the context ends."""
        named = {key_of(number): url for number, url in enumerate(cameras)}
        installation = install(
            folder / "data", folder / "holdfast.toml", named, None, ("rtsp.anonymous=true",)
        )
        with installation.running(folder / "holdfast.log") as program:
            groups = program.ready()
            until(
                lambda: len(installation.acknowledged()) >= len(cameras),
                _READY,
                "every camera to be recorded",
            )
            yield Serving(groups, [program.url(key, "live") for key in named])


@dataclass(frozen=True, slots=True)
class GStreamerServer:
    """GStreamer's RTSP server, which takes each camera in once and packetises it anew for all readers."""

    name: str = "gstreamer"
    title: str = "GStreamer's RTSP server"

    @contextlib.contextmanager
    def serving(self, cameras: Sequence[str], folder: Path) -> Iterator[Serving]:
        """Run it until the context ends."""
        mounts = {
            f"/camera{number}": f"( rtspsrc location={url} protocols=tcp latency=0 ! rtph264depay"
            " ! rtph264pay name=pay0 pt=96 )"
            for number, url in enumerate(cameras)
        }
        with gstreamer(mounts, folder / "gstreamer.log", shared=True) as (pid, root):
            yield Serving({self.name: (pid,)}, [root + path for path in mounts])


@contextlib.contextmanager
def gstreamer(mounts: Mapping[str, str], log: Path, *, shared: bool) -> Iterator[tuple[int, str]]:
    """GStreamer's RTSP server of some pipelines by path: its process, and the root of its URLs.

    Raises:
        BenchError: it is not installed.
    """
    wanted = json.dumps({"mounts": mounts, "shared": shared})
    with log.open("ab") as said:
        try:
            program = subprocess.Popen(
                [PYTHON, GSTREAMER, wanted], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said
            )
        except OSError as error:
            raise BenchError(f"{PYTHON}: {error}") from error
        try:
            ready = json.loads(first_line(program, _READY, "GStreamer's RTSP server", log))
            yield program.pid, f"rtsp://127.0.0.1:{ready['port']}"
        finally:
            end([program])
            for pipe in (program.stdin, program.stdout):
                if pipe:
                    pipe.close()
