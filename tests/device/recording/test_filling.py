"""Gaps of the past, filled: what is taken in lies in gaps alone, and whatever stops on the way leaves nothing else."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from device.cameras.source import Cause
from device.edge.bringer import Bringer, Piece
from device.edge.neighbours import Neighbours, neighbours
from device.edge.planner import Outage, outages
from device.edge.scribe import Scribe, aligned
from device.edge.sieve import Sieve
from device.media import MICROSECONDS, Utc
from device.recording.database import open_writer
from device.recording.filling import Filled, Joint, NotFilled, Place, path_of, read, truncate
from device.recording.playback import Playback
from device.recording.rebuild import rebuild
from device.recording.rewind import Rewind
from device.recording.segment import Identity, head
from device.recording.segments import file_of
from device.recording.volume import Volume
from tests.device.recording.camera import VIDEO, payload
from tests.device.recording.store import ALWAYS, EVER, NEVER, Store, make
from tests.device.recording.test_rebuild import lose
from tests.device.recording.test_recorder import read_back

AHEAD = 700_000  #: microseconds that the card's clock is
TOLD = 500_000  #: and that the camera told of it
LATER = 9 * MICROSECONDS  #: after which it is asked


class Scene:
    """A camera with a card, ten pictures a second, and a recorder that misses some of them."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.camera = store.camera()
        self.taken: list[tuple[Utc, bytes]] = []  #: by the recorder's clock

    def run(self, seconds: float) -> None:
        """It is recorded."""
        first = len(self.camera.sent)
        self.store.run(seconds, self.camera)
        self.taken += self.camera.sent[first:]

    def away(self, seconds: float, last: Cause | None = None) -> None:
        """It is not, and goes on taking pictures. `last`: why it is not, in the last moment."""
        camera, clock = self.camera, self.store.clock
        camera.disconnect()
        self.store.beat()
        for _ in range(round(seconds * camera.rate)):
            nal = payload(camera.number, camera.size, (camera.number - camera._key) % camera.gop == 0)
            self.taken.append((clock.utc(), len(nal).to_bytes(4, "big") + nal))
            camera.skip()
            clock.advance(1 / camera.rate)
        if last is not None:
            clock.advance(-0.02)
            camera.disconnect(last)
            self.store.beat()
            clock.advance(0.02)
        camera.connect()

    @property
    def pictures(self) -> list[bytes]:
        return [data for _, data in self.taken]

    def outages(self) -> list[Outage]:
        with self.store.reader() as reader:
            gaps = reader.gaps("CAM1", EVER, NEVER)
            return outages(gaps, reader.epoch("CAM1"), Utc(self.store.clock.wall + LATER))

    def beside(self, outage: Outage) -> Neighbours:
        with self.store.reader() as reader:
            return neighbours(reader, "CAM1", outage)

    def bring(self, outage: Outage, *, upto: Utc = NEVER) -> tuple[list[Piece], Joint | None]:
        """What the card has of an outage, until an instant of ours; and where it joins."""
        beside = self.beside(outage)
        sieve = Sieve(
            outage.start, outage.end, TOLD, beside.before, beside.after, joins=beside.joint is not None
        )
        pieces: list[Piece] = []
        bringer = Bringer(sieve, self.store.segment_length, pieces.append)
        start, end = sieve.asks(3 * MICROSECONDS)
        lane = bringer.opened([VIDEO])
        assert lane is not None
        for number, (utc, data) in enumerate(self.taken):
            at = Utc(utc + AHEAD)
            if start <= at < end and utc < upto:
                lane.memory[lane.fill : lane.fill + len(data)] = data
                lane.commit(lane.fill + len(data), 9_000 * number, at, data[4] == 0x65, False)
        bringer.closed(Cause.LINK_LOST)
        return pieces, beside.joint if sieve.joined else None

    def place(self, utc: Utc, run: int, epoch: int) -> Place:
        filling = self.store.recorder.filling
        return filling.reserve("CAM1", ALWAYS, utc, run, epoch).result(30)

    def write(self, place: Place, pieces: list[Piece]) -> None:
        """One file, whole."""
        scribe = Scribe(
            Volume(place.volume.path, place.volume.uuid, "REC"), file_of("CAM1", place.hour, place.segment)
        )
        who = Identity("REC", "CAM1", "CAM1", "main", place.run, place.segment, pieces[0].utc, filled=True)
        scribe.write(aligned(head(pieces[0].tracks, who)))
        for piece in pieces:
            scribe.write(piece.data)
        scribe.finish()

    def adopt(self, place: Place, joint: Joint | None) -> Filled:
        recorder = self.store.recorder
        filled = recorder.filling.adopt(read(path_of(place, "CAM1")), joint, "the card").result(30)
        truncate(filled)
        recorder.filling.settle(place.segment)
        return filled

    def fill(self, outage: Outage, *, upto: Utc = NEVER) -> list[Filled]:
        """All of it, file by file."""
        pieces, joint = self.bring(outage, upto=upto)
        files: list[list[Piece]] = []
        for piece in pieces:
            if piece.begins:
                files.append([])
            files[-1].append(piece)
        done: list[Filled] = []
        run = 0
        for file in files:
            place = self.place(file[0].utc, run, outage.epoch)
            run = place.run
            self.write(place, file)
            done.append(self.adopt(place, joint if not done else None))
        return done

    def sound(self) -> None:
        """What the store promises holds, and the sweeps take nothing of it."""
        for _ in range(3):
            self.store.recorder.sweep()
            self.store.beat()
        assert self.store.untiled() == []
        assert self.store.check().problems == []


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    store = make(tmp_path, segment_length=10)
    scene = Scene(store)
    scene.run(15.4)
    scene.away(12.3)
    scene.run(6)
    yield scene
    scene.store.recorder.close()


def causes(store: Store) -> list[Cause]:
    with store.reader() as reader:
        return [gap.cause for gap in reader.gaps("CAM1", EVER, NEVER)]


def test_what_the_card_has_is_recorded_without_a_hole_and_nothing_is_there_twice(scene: Scene) -> None:
    (outage,) = scene.outages()
    done = scene.fill(outage)
    assert len(done) == 2  # files of ten seconds
    scene.sound()
    assert read_back(scene.store, "CAM1") == scene.pictures
    assert causes(scene.store) == []
    assert scene.outages() == []
    with scene.store.reader() as reader:
        rows = reader.filled("CAM1", EVER, NEVER)
        complete = reader.completeness("CAM1", scene.taken[0][0], scene.taken[-1][0])
        assert [row.cause for row in reader.timeline("CAM1", EVER, NEVER)] == [None] * 3
    assert [(row.cause, row.source) for row in rows] == [(Cause.LINK_LOST, "the card")] * len(rows)
    assert (rows[0].start, rows[-1].end) == (done[0].start, outage.end)
    assert done[0].start <= outage.start
    assert complete.share == 1.0


def test_where_the_recorder_starts_anew_it_is_still_so(scene: Scene) -> None:
    scene.fill(scene.outages()[0])
    scene.store.restart()
    scene.sound()
    assert read_back(scene.store, "CAM1")[: len(scene.pictures)] == scene.pictures


def test_a_card_that_has_a_part_fills_a_part(scene: Scene) -> None:
    (outage,) = scene.outages()
    half = Utc((outage.start + outage.end) // 2)
    scene.fill(outage, upto=half)
    scene.sound()
    assert read_back(scene.store, "CAM1") == [
        data for utc, data in scene.taken if utc < half or utc >= outage.end
    ]
    assert causes(scene.store) == [Cause.LINK_LOST]
    (rest,) = scene.outages()
    assert rest.end == outage.end
    scene.fill(rest)
    scene.sound()
    assert read_back(scene.store, "CAM1") == scene.pictures


def test_a_segment_that_is_written_when_the_power_goes_is_erased(scene: Scene) -> None:
    (outage,) = scene.outages()
    pieces, _ = scene.bring(outage)
    place = scene.place(pieces[0].utc, 0, outage.epoch)
    scene.write(place, pieces[:1])
    before = scene.store.ledger()
    assert path_of(place, "CAM1").exists()
    scene.store.crash()
    for _ in range(3):
        scene.store.recorder.sweep()
        scene.store.beat()
    assert scene.store.ledger()[: len(before) - 1] == before[:-1]
    assert not list(scene.store.settings[0].path.glob(f"video/CAM1/*/{place.segment}.mp4"))
    assert scene.store.check().problems == []
    with pytest.raises(NotFilled):
        scene.adopt(place, None)


def test_while_it_is_written_no_sweep_erases_it(scene: Scene) -> None:
    (outage,) = scene.outages()
    pieces, joint = scene.bring(outage)
    first = pieces[: next(n for n, piece in enumerate(pieces) if n and piece.begins)]
    place = scene.place(first[0].utc, 0, outage.epoch)
    scene.write(place, first)
    for _ in range(3):
        scene.store.recorder.sweep()
        scene.store.beat()
    assert path_of(place, "CAM1").exists()
    scene.adopt(place, joint)
    scene.sound()
    scene.store.crash()
    scene.sound()


def test_what_is_given_up_is_erased(scene: Scene) -> None:
    (outage,) = scene.outages()
    pieces, _ = scene.bring(outage)
    place = scene.place(pieces[0].utc, 0, outage.epoch)
    scene.write(place, pieces[:1])
    scene.store.recorder.filling.settle(place.segment)
    scene.sound()
    assert not path_of(place, "CAM1").exists()


def test_nothing_is_taken_in_twice_or_over_what_there_is(scene: Scene) -> None:
    (outage,) = scene.outages()
    pieces, joint = scene.bring(outage)
    scene.fill(outage)
    before = scene.store.ledger()
    place = scene.place(pieces[0].utc, 0, outage.epoch)
    scene.write(place, pieces[:3])
    with pytest.raises(NotFilled, match="gap"):
        scene.adopt(place, None)
    with pytest.raises(NotFilled):
        scene.adopt(place, joint)
    scene.store.recorder.filling.settle(place.segment)
    assert scene.store.ledger() == before
    scene.sound()


def test_video_under_lock_does_not_give_way(scene: Scene) -> None:
    (outage,) = scene.outages()
    pieces, joint = scene.bring(outage)
    start = Utc(outage.start - MICROSECONDS)
    scene.store.recorder.lock("CAM1", start, outage.start, until=None, who="anna", why="theft").result(30)
    place = scene.place(pieces[0].utc, 0, outage.epoch)
    scene.write(place, pieces[:3])
    with pytest.raises(NotFilled, match="lock"):
        scene.adopt(place, joint)
    scene.store.recorder.filling.settle(place.segment)
    scene.fill(outage)  # from the first key frame in the gap on
    scene.sound()
    (first,) = (n for n, (utc, _) in enumerate(scene.taken) if utc == outage.start)
    kept = read_back(scene.store, "CAM1")
    key = first + next(n for n, (_, data) in enumerate(scene.taken[first:]) if data[4] == 0x65)
    assert kept == scene.pictures[:first] + scene.pictures[key:]


def test_a_file_that_is_damaged_is_not_taken_in(scene: Scene) -> None:
    (outage,) = scene.outages()
    pieces, joint = scene.bring(outage)
    place = scene.place(pieces[0].utc, 0, outage.epoch)
    scene.write(place, pieces[:3])
    path = path_of(place, "CAM1")
    data = bytearray(path.read_bytes())
    data[data.rindex(b"mdat") + 500] ^= 1
    path.write_bytes(data)
    with pytest.raises(NotFilled):
        scene.adopt(place, joint)


def test_a_catalogue_that_is_lost_is_made_again_with_it(scene: Scene) -> None:
    scene.fill(scene.outages()[0])
    scene.sound()
    scene.store.close()
    lose(scene.store)
    done = rebuild(scene.store.catalogue, scene.store.settings, "REC")
    assert done.skipped == []
    assert read_back(scene.store, "CAM1") == scene.pictures
    assert scene.store.untiled() == []
    assert scene.store.check().problems == []
    scene.store.open()


def test_what_stands_behind_a_joint_is_cut_off_by_a_repair(scene: Scene) -> None:
    (outage,) = scene.outages()
    joint = scene.beside(outage).joint
    assert joint is not None
    with scene.store.reader() as reader:
        (path,) = (each.path for each in reader.segments("CAM1", EVER, NEVER) if each.id == joint.segment)
    whole = path.read_bytes()
    scene.fill(outage)
    path.write_bytes(whole)  # the power went before it was
    scene.store.close()
    (problem,) = scene.store.check().problems
    assert problem.repairable
    scene.store.check(repair=True)
    assert scene.store.check().problems == []
    assert read_back(scene.store, "CAM1") == scene.pictures
    scene.store.open()


def test_a_catalogue_of_before_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.db"
    schema = resources.files("device.recording.schema")
    with sqlite3.connect(path) as old:
        for number in (1, 2):
            old.executescript((schema / f"{number:04}.sql").read_text())
        old.execute(f"PRAGMA application_id = {0x48464431}")
        old.execute("PRAGMA user_version = 2")
    old.close()
    connection = open_writer(path)
    try:
        assert connection.execute("SELECT count(*) FROM filled").fetchone() == (0,)
        assert connection.execute("PRAGMA user_version").fetchone() == (3,)
    finally:
        connection.close()


def test_of_an_outage_with_several_causes_nothing_is_left_however_short_the_last_one_was(
    scene: Scene,
) -> None:
    scene.fill(scene.outages()[0])
    scene.away(4, last=Cause.UNREACHABLE)
    scene.run(3)
    assert causes(scene.store) == [Cause.LINK_LOST, Cause.UNREACHABLE]
    scene.fill(scene.outages()[0])
    scene.sound()
    assert causes(scene.store) == []
    assert read_back(scene.store, "CAM1") == scene.pictures


def test_it_is_played_forward_and_backward_in_the_order_of_time(scene: Scene) -> None:
    scene.fill(scene.outages()[0])
    with scene.store.reader() as reader:
        forward = [
            bytes(sample.data)
            for piece in Playback(reader, "CAM1").fragments(EVER, None)
            for sample in piece.samples
        ]
        groups = list(Rewind(reader, "CAM1").groups(NEVER, None))
        back = [bytes(sample.data) for piece in reversed(groups) for sample in piece.samples]
    assert forward == back == scene.pictures
