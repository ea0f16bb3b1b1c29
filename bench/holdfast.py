"""Our own recorder, started as anybody starts it. All that benches know of it is in this module."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bench.contenders import Running
from bench.load import first_line
from bench.measure import Groups, tree
from bench.programs import BenchError, end
from bench.readback import playable_frames
from device.errors import HoldfastError
from device.folder import DataFolder
from device.identity import identity
from device.media import Utc
from device.planes.link import Client
from device.planes.messages import AskRecording
from device.recording.catalogue import CatalogueReader
from device.recording.volume import adopt

COMMAND = Path(__file__).parents[1] / "holdfast"
_READY = 60.0  # seconds
_ANSWER = 10.0  # seconds
VOLUME = "volume"  #: folder of our video on the disk that is cut


@dataclass(frozen=True, slots=True)
class Installation:
    """A recorder with its own configuration, data folder and cameras; nothing of it runs yet."""

    config: Path
    folder: DataFolder
    cameras: Mapping[str, str]  #: key to URL
    volume: Path | None  #: where video goes, if not into the data folder
    settings: Sequence[str]  #: more of them, as `section.field=VALUE`

    @contextlib.contextmanager
    def running(self, log: Path) -> Iterator[Program]:
        """Run it until the context ends; the first time, it is told its cameras and its storage."""
        told = (
            []
            if self.folder.settings.exists()
            else [f"cameras[{key}].main={url}" for key, url in self.cameras.items()]
        )
        if told:
            told += self.settings
        if told and self.volume is not None:
            self.volume.mkdir()
            self.folder.make()
            mark = adopt(self.volume, identity(self.folder.identity).id)
            told.append(f"storages[{mark.volume}].path={self.volume}")
        changes = [word for change in told for word in ("--set", change)]
        with log.open("ab") as said:
            began = time.monotonic()
            program = subprocess.Popen(
                [COMMAND, "run", "--config", self.config, "--ready-json", *changes],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
                process_group=0,
            )
            try:
                yield Program(self, program, began, log)
            finally:
                end([program])
                if program.stdout:
                    program.stdout.close()

    def acknowledged(self) -> list[tuple[str, Utc]]:
        """Camera and end of what is on the disk for sure, for each recording that has video."""
        if not self.folder.catalogue.exists():
            return []
        try:
            with CatalogueReader(self.folder.catalogue) as reader:
                return [(row.camera, row.last) for row in reader.recordings() if row.last is not None]
        except HoldfastError:
            return []  # it is being made


@dataclass(slots=True)
class Program:
    """A running recorder."""

    installation: Installation
    program: subprocess.Popen[bytes]
    began: float  #: monotonic seconds: when it was started
    log: Path
    https: str = ""  #: URL of the pages, once the recorder is ready
    onvif: str = ""  #: URL of the ONVIF device service
    rtsp: str = ""  #: where RTSP is served
    _urls: dict[tuple[str, str], str] = field(default_factory=dict)

    def ready(self) -> Groups:
        """Wait until it says that it is ready, once; the processes of its planes."""
        told = json.loads(first_line(self.program, _READY, "Holdfast", self.log))
        self.https, self.onvif, self.rtsp = (told["endpoints"][each] for each in ("https", "onvif", "rtsp"))
        self._urls = {
            (each["id"], kind): each[kind] for each in told["cameras"] for kind in ("live", "replay")
        }
        return {plane: (pid,) for plane, pid in told["processes"].items()}

    def url(self, camera: str, kind: Literal["live", "replay"]) -> str:
        """Where a camera is watched, once the recorder is ready."""
        return self._urls[camera, kind]

    def has_spoken(self) -> bool:
        """Whether it says that it is ready, without waiting for it."""
        assert self.program.stdout is not None
        return bool(select.select([self.program.stdout.fileno()], [], [], 0)[0])

    def lost(self) -> int:
        """Packets that it missed since it was started, by sequence number."""
        return asyncio.run(self._lost())

    async def _lost(self) -> int:
        async with Client(self.installation.folder.socket("recording"), within=_ANSWER) as plane:
            status = await plane.call(AskRecording())
        return sum(stream.lost for stream in status.streams)


def install(
    data: Path, config: Path, cameras: Mapping[str, str], volume: Path | None, settings: Sequence[str]
) -> Installation:
    """Make a recorder of the cameras (key to URL) that keeps its settings and catalogue in `data`, and its video there
    or in `volume`, a folder to be made; `settings` are more of them, as `section.field=VALUE`."""
    listen = 'address = "127.0.0.1"\nrtsp = 0\nrtsps = 0\nsnmp = 0\nhttps = 0\nhttp = 0\n'
    config.write_text(f"data = {json.dumps(str(data))}\n\n[listen]\n{listen}")
    return Installation(config, DataFolder(data), cameras, volume, settings)


def key_of(number: int) -> str:
    """The settings' key of a camera of the load."""
    return f"c-load{number:03d}"


@dataclass(frozen=True, slots=True)
class HoldfastRecorder:
    """Our recorder, to be measured."""

    name: str = "holdfast"
    title: str = "Holdfast"

    @contextlib.contextmanager
    def recording(self, urls: Sequence[str], folder: Path, log: Path) -> Iterator[Callable[[], Running]]:
        """Run it until the context ends; catalogue and video lie in `folder`."""
        cameras = {key_of(number): url for number, url in enumerate(urls)}
        installation = install(folder / "data", log.with_suffix(".toml"), cameras, None, ())
        with installation.running(log) as recorder:
            groups = recorder.ready()
            yield lambda: Running(groups, recorder.lost())


@dataclass(frozen=True, slots=True)
class HoldfastWriter:
    """Our recorder, to be cut off: its video on one disk, its catalogue on another."""

    name: str = "holdfast"
    title: str = "Holdfast, every fragment synced"
    disks: Sequence[str] = ("video", "catalogue")

    @contextlib.contextmanager
    def recording(
        self, urls: Mapping[int, str], disks: Mapping[str, Path], log: Path
    ) -> Iterator[Callable[[], Iterable[int]]]:
        """Run it until the context ends."""
        data = disks["catalogue"] / "data"
        cameras = {key_of(number): url for number, url in urls.items()}
        installation = install(data, log.with_suffix(".toml"), cameras, disks["video"] / VOLUME, ())
        with installation.running(log) as recorder:
            recorder.ready()
            yield lambda: tree([recorder.program.pid])

    def frames(self, disks: Mapping[str, Path], cameras: Iterable[int]) -> Mapping[int, int]:
        """What the catalogue promised, read from the files: playable frames of each camera."""
        found = {}
        with CatalogueReader(DataFolder(disks["catalogue"] / "data").catalogue) as reader:
            tokens = {row.camera: row.token for row in reader.recordings() if row.stream == "main"}
            for camera in cameras:
                files = []
                token = tokens.get(key_of(camera))
                for row in reader.segments(token, Utc(0), Utc(2**62)) if token else ():
                    file = (disks["video"] / VOLUME).joinpath(
                        *row.path.parts[-4:]
                    )  # video/RECORDING/HOUR/SEGMENT.mp4
                    last = row.fragments[-1]
                    if file.stat().st_size < last.offset + last.length:
                        raise BenchError(f"{file.name}: the catalogue promises more than is on the disk")
                    os.truncate(file, last.offset + last.length)  # what was not acknowledged does not count
                    files.append(file)
                found[camera] = playable_frames(files)
        return found
