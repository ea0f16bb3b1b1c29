"""Gaps filled from a camera's card. The camera is another recorder: a true device of ONVIF's Profile G, whose network
can be cut while it goes on recording."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Self

import pytest

from device.cameras.source import Cause
from device.edge.planner import LEAST
from device.folder import DataFolder
from device.media import MICROSECONDS
from device.recording.catalogue import CatalogueReader, FilledRow
from tests.integration.evidence import EVER, exported, frames
from tests.integration.rig import Cameras, Recorder, run, wait_until
from tests.integration.web.rig import Browser

NAME, PASSWORD = "card", "watch-me-7"
KEY = "c-edge"


class Wire:
    """A connection to a port that can be cut: whoever goes through it is heard no more."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._ends: set[asyncio.StreamWriter] = set()
        self.whole = True
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(30)
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()

    def cut(self) -> None:
        """Nothing goes through any more."""
        self.whole = False
        self._loop.call_soon_threadsafe(self._abort)

    def _abort(self) -> None:
        for each in self._ends:
            each.transport.abort()

    def mend(self) -> None:
        """It does again."""
        self.whole = True

    async def _open(self) -> asyncio.Server:
        server = await asyncio.start_server(self._through, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _close(self) -> None:
        self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _through(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.whole:
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection("127.0.0.1", self._to)
        self._ends |= {writer, back}
        try:
            await asyncio.gather(_pass_on(reader, back), _pass_on(there, writer))
        except OSError:
            pass
        finally:
            self._ends -= {writer, back}
            writer.close()
            back.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


class Scene:
    """A camera with a card, a wire to it, and a recorder."""

    def __init__(self, wire: Wire, own: Recorder) -> None:
        self.wire, self.own = wire, own
        self.path = DataFolder(own.data).catalogue

    def last(self) -> int:
        """End of what is recorded."""
        if not self.path.exists():
            return 0
        with CatalogueReader(self.path) as reader:
            return max((row.last or 0 for row in reader.recordings()), default=0)

    def goes_on(self, seconds: float) -> None:
        """So much more is recorded."""
        upto = self.last() + seconds * MICROSECONDS
        wait_until(f"{seconds:g} s more are recorded", lambda: self.last() > upto, 60)

    def away(self) -> int:
        """Microseconds for which nothing has been recorded."""
        with CatalogueReader(self.path) as reader:
            lasting = [gap for gap in reader.gaps(KEY, *EVER) if gap.end is None]
        return round(time.time() * MICROSECONDS) - lasting[0].start if lasting else 0

    def outage(self, seconds: float) -> None:
        """The wire is cut, and whole again when so much is missing."""
        self.wire.cut()
        wait_until("the outage is in the ledger", lambda: self.away() > seconds * MICROSECONDS, 60)
        self.wire.mend()

    def becomes_whole(self) -> list[int]:
        """All gaps are filled; the numbers of all pictures then, of which none is missing or there twice."""
        wait_until("all of it is filled", lambda: bool(self.filled()) and self.missing() == [], 150)
        with CatalogueReader(self.path) as reader:
            numbers = [frame.number for frame in frames(reader, KEY)]
        read = [number for number in numbers if number is not None]
        assert read == numbers == list(range(read[0], read[0] + len(read)))
        return read

    def missing(self) -> list[Cause]:
        """What was due and is not there, but for what was before the first picture."""
        with CatalogueReader(self.path) as reader:
            first = reader.segments(KEY, *EVER)[0].utc
            gaps = [gap for gap in reader.gaps(KEY, *EVER) if gap.start > first and gap.cause.due]
        return [gap.cause for gap in gaps if gap.end is None or gap.end - gap.start >= LEAST]

    def filling(self) -> bool:
        """Whether a segment of the past is being written."""
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as c:
            return bool(c.execute("SELECT 1 FROM segment WHERE state = 2 AND durable = 0").fetchall())

    def filled(self) -> list[FilledRow]:
        with CatalogueReader(self.path) as reader:
            return reader.filled(KEY, *EVER)


async def _asked(recorder: Recorder, path: str) -> Any:
    """What the API answers the administrator."""
    async with Browser(str(recorder.told["endpoints"]["https"]).rstrip("/")) as browser:
        assert (await browser.login(NAME, PASSWORD)).status == 200
        return await browser.get(path)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("edge")
    with (
        Cameras(folder, 1) as cameras,
        run(folder / "camera", *cameras.assignments(sub=False), login=(NAME, PASSWORD)) as camera,
    ):
        live = str(camera.told["cameras"][0]["live"])
        base, _, path = live.removeprefix("rtsp://").partition("/")
        with Wire(int(base.rpartition(":")[2])) as wire:
            values = {
                "onvif": camera.told["endpoints"]["onvif"],
                "follow": "false",
                "main": f"rtsp://127.0.0.1:{wire.port}/{path}",
                "user": NAME,
                "password": PASSWORD,
                "fill_mbit": "0.5",
            }
            assignments = [f"cameras[{KEY}].{name}={value}" for name, value in values.items()]
            with run(folder / "data", *assignments, login=(NAME, PASSWORD)) as own:
                scene = Scene(wire, own)
                wait_until("it is recorded", lambda: scene.last() > 0, 60)
                yield scene


@pytest.mark.timeout(300)
def test_an_outage_is_filled_from_the_card_though_the_recording_plane_dies_meanwhile(scene: Scene) -> None:
    scene.goes_on(2)
    scene.outage(5)
    wait_until("it is being filled", scene.filling, 60, every=0.01)
    plane = scene.own.plane("recording")
    assert plane is not None
    os.kill(plane, signal.SIGKILL)
    scene.goes_on(3)  # and so the ledger has what was missed meanwhile
    scene.becomes_whole()
    causes = {row.cause for row in scene.filled()}
    assert Cause.RECORDER_DOWN in causes
    assert causes & {Cause.LINK_LOST, Cause.UNREACHABLE}
    assert all("/replay/" in row.source for row in scene.filled())


@pytest.mark.timeout(300)
def test_an_outage_in_the_midst_of_a_fill_is_filled_as_well(scene: Scene, tmp_path: Path) -> None:
    scene.goes_on(2)
    before = len(scene.filled())
    scene.outage(5)
    wait_until("it is being filled", scene.filling, 60, every=0.01)
    scene.outage(2)
    scene.goes_on(1)
    numbers = scene.becomes_whole()
    rows = scene.filled()
    assert len(rows) > before + 1
    told = scene.own.command("recordings", "--json").json["recordings"][0]["filled"]
    assert [each["cause"] for each in told] == [row.cause.value for row in rows]
    gaps = asyncio.run(_asked(scene.own, f"/api/recordings/{KEY}/gaps"))
    assert [each["cause"] for each in gaps["filled"]] == [row.cause.value for row in rows]
    assert "recording.filled" in scene.own.command("events", "--json").out
    file = tmp_path / "filled.mp4"
    told = scene.own.command("export", KEY, file, "--json").json
    shown = [seen.frame for _, seen in exported(file)]
    assert shown == list(range(numbers[0], numbers[0] + told["frames"]))
    assert shown[-1] >= numbers[-1]
