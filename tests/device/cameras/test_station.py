"""A station keeps one stream coming, whatever its sessions end with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from device.cameras.reconnect import TRIES_WHILE_REJECTED, Ladder
from device.cameras.source import ROUND, Cause, Intake, Lane, Reception, SessionEnded
from device.cameras.station import Frozen, Health, Loss, Losses, Station
from device.clock import SystemClock
from device.media import Track, Utc


class Shelf:
    """An intake that remembers why its sessions ended."""

    def __init__(self) -> None:
        self.ended: list[Cause] = []

    def opened(self, tracks: Sequence[Track]) -> Lane | None: ...
    def sample(self, track: int, time: int, utc: Utc, data: bytes) -> None: ...
    def parameters(self, tracks: Sequence[Track]) -> Lane | None: ...
    def renewed(self) -> Lane | None: ...
    def missing(self, cause: Cause, detail: str) -> None: ...
    def lost(self, track: int, packets: int) -> None: ...
    def closed(self, cause: Cause, detail: str = "") -> None:
        self.ended.append(cause)


class Session:
    """A source that delivers key frames for a while, and then ends for a cause."""

    def __init__(self, cause: Cause, delivers: bool, lasts: float) -> None:
        self.reception = Reception()
        self.patience: list[float] = []
        self._cause, self._delivers, self._lasts = cause, delivers, lasts

    async def run(self, intake: Intake) -> None:
        clock = SystemClock()
        begun = clock.monotonic()
        while clock.monotonic() - begun < self._lasts:
            await asyncio.sleep(0.05)
            if self._delivers:
                self.reception.keys += 1
                self.reception.last_key = clock.monotonic()
        raise SessionEnded(self._cause, "as the test wants it")

    def attention(self, patience: float) -> None:
        self.patience.append(patience)


class Bench:
    """A station over a list of sessions; the last one goes on for ever."""

    def __init__(self, *sessions: Session) -> None:
        self.sessions = list(sessions)
        self.made: list[Session] = []
        self.told: list[Health] = []
        self.shelf = Shelf()
        self.frozen: list[Frozen | None] = []
        self.losses: list[Loss] = []
        self.station = Station(
            self._next,
            self.shelf,
            Ladder(lambda: 1.0),
            SystemClock(),
            self.told.append,
            self.frozen.append,
            self.losses.append,
        )

    def _next(self) -> Session:
        session = self.sessions.pop(0) if len(self.sessions) > 1 else self.sessions[0]
        self.made.append(session)
        return session


async def until(what: Callable[[], bool]) -> None:
    for _ in range(1500):  # half a minute; the station has no event for it
        if what():
            return
        await asyncio.sleep(0.02)
    raise TimeoutError


@pytest.fixture
def begun() -> Callable[[Bench], asyncio.Task[None]]:
    return lambda bench: asyncio.create_task(bench.station.run())


async def finish(task: asyncio.Task[None]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_session_that_is_cut_is_followed_by_another(
    begun: Callable[[Bench], asyncio.Task[None]],
) -> None:
    bench = Bench(Session(Cause.LINK_LOST, True, 0.2), Session(Cause.SILENT, True, 60))
    task = begun(bench)
    await until(lambda: len(bench.made) == 2 and bench.station.health.well)
    assert bench.shelf.ended == [Cause.LINK_LOST]
    await finish(task)
    assert bench.shelf.ended == [Cause.LINK_LOST], "who cancels closes the intake, and says why"


async def test_a_camera_that_rejects_us_is_left_alone_until_the_credentials_change(
    begun: Callable[[Bench], asyncio.Task[None]],
) -> None:
    bench = Bench(Session(Cause.REJECTED, False, 0.0))
    task = begun(bench)
    await until(lambda: bench.station.health.held)
    assert len(bench.made) == TRIES_WHILE_REJECTED
    await asyncio.sleep(0.2)
    assert len(bench.made) == TRIES_WHILE_REJECTED
    bench.sessions = [Session(Cause.SILENT, True, 60)]
    bench.station.credentials_changed()
    await until(lambda: bench.station.health.well)
    await finish(task)


async def test_an_outage_is_told_once_with_its_cause_and_its_end_once(
    begun: Callable[[Bench], asyncio.Task[None]],
) -> None:
    down = [Session(Cause.UNREACHABLE, False, 0.0) for _ in range(5)]
    bench = Bench(*down, Session(Cause.SILENT, True, 60))
    task = begun(bench)
    await until(lambda: bench.station.health.well)
    await asyncio.sleep(1.2)
    assert [(health.well, health.cause) for health in bench.told] == [
        (False, Cause.UNREACHABLE),
        (True, None),
    ]
    await finish(task)


async def test_who_begins_to_watch_is_heard_by_the_session_and_by_the_next(
    begun: Callable[[Bench], asyncio.Task[None]],
) -> None:
    first, second = Session(Cause.LINK_LOST, True, 0.5), Session(Cause.SILENT, True, 60)
    bench = Bench(first, second)
    task = begun(bench)
    await until(lambda: bool(bench.made))
    bench.station.attention(0)
    await until(lambda: len(bench.made) == 2)
    assert first.patience == [ROUND, 0]
    assert second.patience == [0]
    await finish(task)


async def test_counters_go_on_through_sessions(begun: Callable[[Bench], asyncio.Task[None]]) -> None:
    first = Session(Cause.LINK_LOST, True, 0.3)
    bench = Bench(first, Session(Cause.SILENT, True, 60))
    task = begun(bench)
    await until(lambda: len(bench.made) == 2 and bench.made[1].reception.keys > 2)
    assert bench.station.reception.keys == first.reception.keys + bench.made[1].reception.keys
    await finish(task)


def test_losses_are_told_within_a_minute_and_then_every_ten_and_none_is_forgotten() -> None:
    losses = Losses(0.0)
    told = []
    for second in range(0, 2000, 10):
        reception = Reception(packets=second * 100, lost=min(second, 1500))
        if losses.due(second) and (loss := losses.look(reception, float(second))) is not None:
            told.append((second, loss))
    assert [second for second, _ in told] == [60, 660, 1260, 1860]
    assert sum(loss.lost for _, loss in told) == 1500
    assert told[1][1] == Loss(600, 60_000, 600.0)


def test_a_stream_that_loses_nothing_has_nothing_to_tell() -> None:
    losses = Losses(0.0)
    assert [losses.look(Reception(packets=each), float(each)) for each in range(0, 3000, 60)] == [None] * 50


async def test_a_picture_that_stands_is_told_once_until_key_frames_advance(
    begun: Callable[[Bench], asyncio.Task[None]],
) -> None:
    stands = [Session(Cause.FROZEN, False, 0.1), Session(Cause.SILENT, False, 0.1)]
    for session in stands:
        session.reception.keys = 1  # the one that it sends when it is asked to play
    bench = Bench(*stands, Session(Cause.LINK_LOST, True, 60))
    task = begun(bench)
    await until(lambda: len(bench.frozen) > 1)
    assert [each.packets if each is not None else None for each in bench.frozen] == [True, None]
    assert bench.shelf.ended == [Cause.FROZEN, Cause.SILENT]
    await finish(task)
