"""Segments and gaps tile the time since a recording was created, whatever happens."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device.cameras.source import Cause
from device.media import MICROSECONDS, Utc
from device.recording.ledger import Gap, Ledger
from device.recording.segments import Ids
from tests.device.recording.camera import Camera
from tests.device.recording.store import Store, make

SECOND = MICROSECONDS
CAUSES = st.sampled_from([Cause.LINK_LOST, Cause.STORAGE, Cause.NOT_SCHEDULED])

events = st.one_of(
    st.tuples(
        st.just("samples"), st.integers(-200_000, 4_000_000), st.integers(1, 2 * SECOND), st.integers(0, 3)
    ),
    st.tuples(st.just("missing"), st.integers(0, 30 * SECOND), CAUSES, st.just(0)),
    st.tuples(st.just("step"), st.integers(-3600 * SECOND, 3600 * SECOND), st.just(0), st.just(0)),
)


@given(st.lists(events, max_size=40))
def test_every_microsecond_is_claimed_once(script: list[tuple[str, int, object, int]]) -> None:
    gaps: dict[int, Gap] = {}
    spans: list[tuple[int, int, int]] = []
    ledger = Ledger(1, 1, Utc(1000 * SECOND), ids=Ids(0), emit=lambda gap: gaps.__setitem__(gap.id, gap))
    epoch, back, backs, now, elapsed = 1, 0, {1: 0}, 1000 * SECOND, 0
    for what, amount, extra, lost in script:
        if what == "samples":
            assert isinstance(extra, int)
            begin, now, elapsed = now + amount, now + extra, elapsed + extra
            span = ledger.recorded(Utc(begin), Utc(now), lost)
            spans.append((span.epoch, span.t0, span.t1))
            if span.lead is not None and span.lead.t1 is not None:
                spans.append((span.lead.epoch, span.lead.t0, span.lead.t1))
        elif what == "missing":
            assert isinstance(extra, Cause)
            now, elapsed = now + amount, elapsed + amount
            ledger.missing(extra, Utc(now))
        elif amount:
            if amount < 0:
                epoch, back = epoch + 1, back - amount
                backs[epoch] = back
            ledger.stepped(amount, epoch, Utc(now))
            now += amount
    ledger.missing(Cause.RECORDER_DOWN, Utc(now))
    spans += [(g.epoch, g.t0, ledger.end if g.t1 is None else g.t1) for g in gaps.values()]
    end = 1000 * SECOND
    for e, t0, t1 in sorted(spans, key=lambda span: (span[0], span[1], span[2])):
        assert t0 + backs[e] == end
        end = t1 + backs[e]


steps = st.one_of(
    st.tuples(st.just("send"), st.integers(1, 40)),
    st.tuples(st.just("beat"), st.just(0)),
    st.tuples(st.just("lose"), st.integers(1, 15)),
    st.tuples(st.just("cut"), st.integers(0, 100)),
    st.tuples(st.just("step"), st.integers(-7200, 7200)),
    st.tuples(st.just("crash"), st.integers(0, 100)),
    st.tuples(st.just("restart"), st.integers(0, 100)),
    st.tuples(st.just("delete"), st.integers(0, 60)),
    st.tuples(st.just("pass"), st.integers(1, 30)),
)


class Life:
    """A recorder and a camera through a script of troubles; counts the true time that goes by."""

    def __init__(self, folder: Path) -> None:
        self.store: Store = make(folder, segment_length=10)
        self.created = self.store.clock.utc()
        self.stepped = 0
        self.camera: Camera = self.store.camera(gop=5)
        self.connected = True
        self.store.beat()

    def do(self, what: str, amount: int) -> None:
        clock = self.store.clock
        if what == "send":
            for _ in range(amount):
                if self.connected:
                    self.camera.unit()
                clock.advance(0.1)
        elif what == "beat":
            self.store.beat()
        elif what == "lose" and self.connected:
            self.camera.intake.lost(0, amount)
            for _ in range(amount):
                self.camera.skip()
                clock.advance(0.1)
        elif what == "cut":
            if self.connected:
                self.camera.disconnect()
            else:
                self.camera.connect()
            self.connected = not self.connected
            clock.advance(amount / 10)
        elif what == "step":
            clock.step(amount)
            self.stepped += amount
        elif what in ("crash", "restart"):
            self.store.recorder._intakes["CAM1"].beat()
            self.store.crash() if what == "crash" else self.store.restart()
            clock.advance(amount / 10)
            self.camera = self.store.camera(gop=5)
            self.connected = True
        elif what == "delete":
            start = Utc(self.created + amount * SECOND)
            self.store.recorder.delete("CAM1", start, Utc(start + 30 * SECOND)).result(10)
        elif what == "pass":
            clock.advance(amount)


@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(st.lists(steps, min_size=5, max_size=25))
def test_recorded_and_gaps_are_the_wall_clock(script: list[tuple[str, int]]) -> None:
    with TemporaryDirectory(dir="/dev/shm") as folder:
        life = Life(Path(folder))
        for what, amount in script:
            life.do(what, amount)
        if life.connected:
            life.camera.disconnect()
        life.store.beat()
        life.store.beat()
        life.store.close()
        report = life.store.check()
        assert [p for p in report.problems if p.invariant != 3] == []
        assert life.store.untiled() == []
        ((back,),) = life.store.query("SELECT sum(back) FROM epoch")
        ((recorded,),) = life.store.query(
            "SELECT coalesce(sum(dur - missing), 0) FROM segment WHERE state < 2"
        )
        ((missing,),) = life.store.query("SELECT coalesce(sum(t1 - t0), 0) FROM gap WHERE t1 IS NOT NULL")
        ((last,),) = life.store.query(
            "SELECT t0 FROM gap WHERE t1 IS NULL UNION ALL SELECT max(t0 + dur) FROM segment LIMIT 1"
        )
        assert recorded + missing == last + back - life.created


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return make(tmp_path)


@pytest.mark.parametrize("since_beat", [0, 0.3])
def test_a_lost_second_is_a_gap_inside_its_segment(store: Store, since_beat: float) -> None:
    camera = store.camera()
    store.run(3, camera)
    camera.run(since_beat)
    camera.intake.lost(0, 40)
    start = store.clock.utc()
    for _ in range(10):
        camera.skip()
        store.clock.advance(0.1)
    end = store.clock.utc()
    store.run(3, camera)
    store.close()
    with store.reader() as reader:
        (gap,) = [g for g in reader.gaps("CAM1", Utc(0), end) if g.cause is Cause.PACKET_LOSS]
        (segment,) = reader.segments("CAM1", start, end)
        complete = reader.completeness("CAM1", start, end)
    assert (gap.start, gap.end, gap.lost, gap.inside) == (start, end, 40, segment.id)
    assert segment.missing == SECOND
    assert (complete.recorded, complete.missing) == (0, SECOND)


def test_after_a_crash_the_time_until_the_next_picture_is_in_the_ledger(store: Store) -> None:
    camera = store.camera()
    store.run(5, camera)
    kept = store.acknowledged["CAM1"]
    store.crash()
    store.clock.advance(20)
    down = store.clock.utc()
    camera = store.camera()
    store.run(2, camera)
    store.close()
    ledger = store.ledger()
    assert ledger[0][1] is not None
    assert ledger[0][1] >= kept
    assert ledger[1][0] == ledger[0][1]
    assert {cause for start, _, cause in ledger if cause is not None and start < down} <= {
        Cause.RECORDER_DOWN,
        Cause.CONNECTING,
        Cause.DISABLED,
    }
    assert store.untiled() == []


@pytest.mark.parametrize("step", [3600, -3600])
def test_a_clock_step_ends_the_run_and_loses_no_picture(store: Store, step: int) -> None:
    camera = store.camera()
    store.run(5.3, camera)
    store.clock.step(step)
    store.run(5.3, camera)
    camera.disconnect()
    store.beat()
    store.close()
    with store.reader() as reader:
        segments = reader.segments("CAM1", Utc(0), Utc(1 << 60))
        gaps = [g for g in reader.gaps("CAM1", Utc(0), Utc(1 << 60)) if g.cause is Cause.CLOCK_STEP]
    assert len({segment.run for segment in segments}) == 2
    assert sum(segment.duration for segment in segments) == pytest.approx(10.6 * SECOND, abs=SECOND / 10)
    assert [segment.id for segment in segments] == sorted(segment.id for segment in segments)
    assert sum((g.end or g.start) - g.start for g in gaps) == max(step, 0) * SECOND
    assert store.untiled() == []
