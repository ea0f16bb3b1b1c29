"""The recorders that we are measured against, run as their users run them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.contenders import Running
from bench.measure import tree
from bench.programs import running
from bench.readback import playable_frames

SEGMENT = 10  #: seconds, as Frigate and most recipes for ffmpeg have it


@dataclass(frozen=True, slots=True)
class Peer:
    """One recorder that runs one process for each camera."""

    name: str  #: key in reports
    title: str  #: as tables say it
    command: Callable[
        [str, Path, str], list[str]
    ]  #: (RTSP URL, folder, camera) to the arguments of its process

    def files(self, folder: Path, camera: str) -> list[Path]:
        """What it wrote of one camera, in the order in which it was recorded."""
        return sorted(folder.glob(f"{camera}@*.mp4"))


def _ffmpeg(url: str) -> list[str]:
    return [
        *("ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin"),
        *("-avoid_negative_ts", "make_zero", "-fflags", "+genpts+discardcorrupt"),
        *("-rtsp_transport", "tcp", "-timeout", "5000000", "-use_wallclock_as_timestamps", "1", "-i", url),
    ]


def _segments(url: str, folder: Path, camera: str) -> list[str]:
    return [
        *_ffmpeg(url),
        *("-f", "segment", "-segment_time", str(SEGMENT), "-segment_format", "mp4", "-reset_timestamps", "1"),
        *("-strftime", "1", "-c", "copy", "-an", str(folder / f"{camera}@%Y%m%d%H%M%S.mp4")),
    ]


def _fragments(url: str, folder: Path, camera: str) -> list[str]:
    return [
        *_ffmpeg(url),
        *("-c", "copy", "-an", "-movflags", "frag_keyframe+empty_moov", "-frag_duration", "1000000"),
        *("-flush_packets", "1", "-f", "mp4", str(folder / f"{camera}@0.mp4")),
    ]


def _splitmux(url: str, folder: Path, camera: str) -> list[str]:
    return [
        *("gst-launch-1.0", "-q", "-e", "rtspsrc", f"location={url}", "protocols=tcp", "latency=0"),
        *("!", "rtph264depay", "!", "h264parse", "!", "splitmuxsink"),
        *(f"max-size-time={SEGMENT * 1_000_000_000}", f"location={folder / f'{camera}@%05d.mp4'}"),
    ]


FFMPEG = Peer("ffmpeg", "ffmpeg -c copy -f segment, a process per camera", _segments)
FRAGMENTS = Peer("fragmented_mp4", "ffmpeg, fragmented MP4, 1 s fragments, no sync", _fragments)
GSTREAMER = Peer("gstreamer", "GStreamer splitmuxsink, a process per camera", _splitmux)


@dataclass(frozen=True, slots=True)
class PeerRecorder:
    """One of the peers, a process per camera, to be measured."""

    peer: Peer

    @property
    def name(self) -> str:
        """As the peer's."""
        return self.peer.name

    @property
    def title(self) -> str:
        """As the peer's."""
        return self.peer.title

    @contextlib.contextmanager
    def recording(self, urls: Sequence[str], folder: Path, log: Path) -> Iterator[Callable[[], Running]]:
        """Run one process per camera."""
        commands = [self.peer.command(url, folder, f"cam{number}") for number, url in enumerate(urls)]
        with running(commands, log) as programs:
            yield lambda: Running({self.peer.name: tuple(program.pid for program in programs)}, None)


@dataclass(frozen=True, slots=True)
class PeerWriter:
    """One of the peers, a process per camera, as a writer."""

    peer: Peer

    @property
    def name(self) -> str:
        """As the peer's."""
        return self.peer.name

    @property
    def title(self) -> str:
        """As the peer's."""
        return self.peer.title

    @property
    def disks(self) -> Sequence[str]:
        """One, for its files."""
        return (self.peer.name,)

    @contextlib.contextmanager
    def recording(
        self, urls: Mapping[int, str], disks: Mapping[str, Path], log: Path
    ) -> Iterator[Callable[[], Iterable[int]]]:
        """Run one process per camera."""
        folder = disks[self.peer.name]
        commands = [self.peer.command(url, folder, f"cam{camera}") for camera, url in urls.items()]
        with running(commands, log) as programs:
            yield lambda: tree(program.pid for program in programs)

    def frames(self, disks: Mapping[str, Path], cameras: Iterable[int]) -> Mapping[int, int]:
        """Read all files of each camera."""
        return {
            camera: playable_frames(self.peer.files(disks[self.peer.name], f"cam{camera}"))
            for camera in cameras
        }
