"""A recording read backwards, and its key frames alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from device.media import Codec, Sample, Track, Utc
from device.recording import playback, rewind
from device.recording.catalogue import FragmentRow, RecordingRow, SegmentRow
from device.recording.playback import Piece, Playback, places
from device.recording.rewind import Rewind, places_back
from tests.device.recording import material as m
from tests.device.recording.test_playback import later, two_runs

SECOND = 1_000_000


def read(pieces: Iterator[Piece], track: int = 0) -> list[tuple[int, Utc]]:
    """Run and wall time of every sample of a track."""
    return [(piece.run, sample.utc) for piece in pieces for sample in piece.samples if sample.track == track]


def groups(pieces: Iterator[Piece]) -> list[list[tuple[int, Utc]]]:
    """The pictures of a recording read forward, group by group."""
    found: list[list[tuple[int, Utc]]] = []
    for piece in pieces:
        for sample in piece.samples:
            if sample.track == 0:
                if sample.key:
                    found.append([])
                found[-1].append((piece.run, sample.utc))
    return found


def flat(parts: list[list[tuple[int, Utc]]]) -> list[tuple[int, Utc]]:
    return [each for part in parts for each in part]


@pytest.mark.parametrize("beat", [0.4, 0.7, 3.0])
def test_groups_come_last_first_each_in_its_order(beat: float, tmp_path: Path) -> None:
    m.segment(
        tmp_path / "1.mp4", [m.video(Codec.H264, 90)], beat=beat
    )  # fragments with many groups, and with less
    catalogue = m.Files(tmp_path / "1.mp4")
    forward = groups(Playback(catalogue, "CAM1").fragments(m.START, None))
    assert len(forward) == 6
    back = list(Rewind(catalogue, "CAM1").groups(Utc(m.START + 10 * SECOND), None))
    assert read(iter(back)) == flat(forward[::-1])
    assert [piece.broken for piece in back] == [True] + [False] * 5
    assert all(piece.samples[0].key and piece.utc == piece.samples[0].utc for piece in back)


def test_a_gap_and_another_run_are_breaks(tmp_path: Path) -> None:
    back = list(Rewind(two_runs(tmp_path), "CAM1").groups(Utc(m.START + 60 * SECOND), None))
    assert [(piece.run, piece.broken) for piece in back if piece.broken] == [(2, True), (1, True)]
    assert back[0].utc_end == max(sample.utc for sample in back[0].samples)


@pytest.mark.parametrize(("start", "run"), [(6.0, 1), (11.0, 2)])
def test_reading_begins_with_the_group_of_the_start_or_the_last_before_a_gap(
    start: float, run: int, tmp_path: Path
) -> None:
    begin = Utc(m.START + round(start * SECOND))
    first = next(Rewind(two_runs(tmp_path), "CAM1").groups(begin, None))
    assert first.run == run
    assert first.samples[-1].utc <= begin
    assert begin - first.samples[-1].utc < (3.1 * SECOND if run == 1 else 40_000)


def test_reading_ends_with_the_group_of_the_end(tmp_path: Path) -> None:
    catalogue = two_runs(tmp_path)
    end = Utc(m.START + round(1.7 * SECOND))
    back = list(Rewind(catalogue, "CAM1").groups(Utc(m.START + 60 * SECOND), end))
    assert back[-1].utc <= end < back[-2].utc
    assert end - back[-1].utc < SECOND // 2


def test_a_later_picture_that_earlier_ones_need_stays(tmp_path: Path) -> None:
    m.segment(tmp_path / "1.mp4", [m.video(Codec.H264, 30, b_frames=2)])
    catalogue = m.Files(tmp_path / "1.mp4")
    (decoding,) = groups(Playback(catalogue, "CAM1").fragments(m.START, Utc(m.START + 400_000)))[:1]
    order = [utc for _, utc in decoding]
    number = next(n for n in range(1, len(order)) if order[n] < order[n - 1])  # a B-frame
    last = next(Rewind(catalogue, "CAM1").groups(Utc(order[number]), None))
    assert [sample.utc for sample in last.samples][: number + 1] == order[: number + 1]
    assert last.samples[-1].utc <= order[number]


def test_a_fragment_that_cannot_be_read_takes_the_pictures_that_need_it(tmp_path: Path) -> None:
    path = tmp_path / "1.mp4"
    m.segment(path, [m.video(Codec.H264, 90, gop=45)], beat=0.4)
    catalogue = m.Files(path)
    rows = catalogue.rows[0].fragments
    bad = next(n for n, row in enumerate(rows) if not row.key)
    data = bytearray(path.read_bytes())
    data[rows[bad].offset : rows[bad].offset + 4096] = bytes(4096)
    path.write_bytes(data)
    backward = Rewind(catalogue, "CAM1")
    back = read(backward.groups(Utc(m.START + 10 * SECOND), None))
    assert backward.unreadable == 1
    first_group = [utc for _, utc in back if utc < m.START + 1_500_000]
    assert first_group
    assert max(first_group) < rows[bad].utc


def test_a_group_that_is_too_large_is_cut_at_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    m.segment(tmp_path / "1.mp4", [m.video(Codec.H264, 90, gop=90)], beat=0.4)
    catalogue = m.Files(tmp_path / "1.mp4")
    rows = catalogue.rows[0].fragments
    monkeypatch.setattr(rewind, "GROUP_LIMIT", rows[0].length + rows[1].length)
    (piece,) = Rewind(catalogue, "CAM1").groups(Utc(m.START + 10 * SECOND), None)
    assert piece.samples[-1].utc < rows[2].utc


@pytest.mark.parametrize("beat", [0.4, 0.7, 3.0])
@pytest.mark.parametrize("late", [-20_000, 0, 20_000])
def test_what_is_told_of_a_key_frame_comes_with_it_though_its_time_is_before_it(
    late: int, beat: float, tmp_path: Path
) -> None:
    """Where nothing moves, cameras say so once a group: of the key frame, by a clock that is before or after."""
    pictures = m.video(Codec.H264, 90)
    told = m.Clip(Track(Codec.ONVIF_METADATA, m.RATE), (), ())
    samples: list[Sample] = []
    for picture in m.merged([pictures]):
        samples.append(picture)
        if picture.key:
            time, utc = picture.time + late * 9 // 100, Utc(picture.utc + late)
            samples.append(Sample(1, time, utc, True, b"<tt:MetadataStream/>"))
    m.segment(tmp_path / "1.mp4", [pictures, told], samples=samples, beat=beat)
    catalogue = m.Files(tmp_path / "1.mp4")
    forward = read(Playback(catalogue, "CAM1").fragments(m.START, None), track=1)
    assert len(forward) == 6
    back = list(Rewind(catalogue, "CAM1").groups(Utc(m.START + 10 * SECOND), None))
    assert read(iter(back), track=1) == forward[::-1]
    assert all(piece.samples[0].key and piece.samples[0].track == 0 for piece in back)


@pytest.mark.parametrize("every", [0, 400_000, 1_200_000, 5_000_000])
def test_key_frames_alone_are_those_of_the_whole_at_least_so_far_apart(every: int, tmp_path: Path) -> None:
    catalogue = two_runs(tmp_path)
    whole = groups(Playback(catalogue, "CAM1").fragments(m.START, None))
    keys = [group[0] for group in whole]

    def spaced(given_: list[tuple[int, Utc]]) -> list[tuple[int, Utc]]:
        chosen: list[tuple[int, Utc]] = []
        for _, run in groupby(given_, key=lambda key: key[0]):
            last: Utc | None = None
            for key in run:
                if last is None or abs(key[1] - last) >= every:
                    chosen.append(key)
                    last = key[1]
        return chosen

    assert read(Playback(catalogue, "CAM1").keys(m.START, None, every)) == spaced(keys)
    back = Rewind(catalogue, "CAM1").keys(Utc(m.START + 60 * SECOND), None, every)
    assert read(back) == spaced(keys[::-1])


def test_a_key_frame_read_alone_is_the_same_octets(tmp_path: Path) -> None:
    m.segment(tmp_path / "1.mp4", [m.video(Codec.H264, 60), m.sound(Codec.PCMU, 2.0)])
    catalogue = m.Files(tmp_path / "1.mp4")

    def octets(pieces: Iterator[Piece]) -> list[tuple[int, int, Utc, bytes]]:
        samples: list[Sample] = [s for piece in pieces for s in piece.samples if s.key and s.track == 0]
        return [(s.track, s.time, s.utc, bytes(s.data)) for s in samples]

    whole = octets(Playback(catalogue, "CAM1").fragments(m.START, None))
    assert octets(Playback(catalogue, "CAM1").keys(m.START, None, 0)) == whole


def test_key_frames_go_on_as_the_recording_grows(tmp_path: Path) -> None:
    catalogue = two_runs(tmp_path)
    whole = catalogue.rows
    catalogue.rows = [replace(whole[0], fragments=whole[0].fragments[:4], duration=1_900_000, open=True)]
    reading = Playback(catalogue, "CAM1")
    found = read(reading.keys(m.START, None, 0))
    catalogue.rows = whole
    found += read(reading.onward())
    assert found == read(Playback(catalogue, "CAM1").keys(m.START, None, 0))


class Rows:
    """A catalogue without files."""

    def __init__(self, rows: list[SegmentRow]) -> None:
        self.rows = rows

    def __repr__(self) -> str:
        return repr([(r.id, r.epoch, r.utc, r.end) for r in self.rows])

    def recording(self, token: str) -> RecordingRow:
        first = min(row.utc for row in self.rows)
        last = max(self.rows, key=lambda row: (row.epoch, row.id)).end
        return RecordingRow(1, token, "cam-1", "main", first, first, last, 0)

    def segments(self, token: str, start: Utc, end: Utc) -> list[SegmentRow]:
        return [row for row in self.rows if row.utc < end and row.end > start]


@st.composite
def ledgers(draw: st.DrawFn, *, steps: bool = True) -> Rows:
    """Segments with gaps between them; with `steps` the clock is set back now and then."""
    rows, at, epoch = [], 1_000_000, 1
    for number in range(1, draw(st.integers(1, 8)) + 1):
        if draw(st.booleans()):
            at += draw(st.integers(0, 2000)) * 1000
        if steps and number > 1 and draw(st.integers(0, 3)) == 0:
            at, epoch = max(0, at - draw(st.integers(1, 9000)) * 1000), epoch + 1
        fragments = []
        for n in range(draw(st.integers(1, 6))):
            key = n == 0 or draw(st.booleans())
            fragments.append(FragmentRow(4096 * (n + 1), 4096, Utc(at + 1000 * n), key, False))
        length = 1000 * len(fragments)
        rows.append(
            SegmentRow(
                number, number, epoch, Path(), Utc(at), length, 0, (), 0, tuple(fragments), False, False
            )
        )
        at += length
    return Rows(rows)


@given(ledgers(), st.data())
def test_backwards_is_the_opposite_of_forward(catalogue: Rows, data: st.DataObject) -> None:
    # Which epoch comes first is decided by those that are met within the first window.
    times = [[row.utc for row in rows] for _, rows in groupby(catalogue.rows, key=lambda row: row.epoch)]
    assume(max(map(max, times)) - min(map(max, times)) < playback.FIRST_WINDOW - SECOND)
    assume(max(map(min, times)) - min(map(min, times)) < playback.FIRST_WINDOW - SECOND)
    whole = [(p.segment.id, p.row.offset) for p in places(catalogue, "CAM1", Utc(0), None)]
    back = [(p.segment.id, p.row.offset) for p in places_back(catalogue, "CAM1", Utc(1 << 60), None)]
    assert back == whole[::-1]
    if len({row.epoch for row in catalogue.rows}) == 1:
        start = data.draw(st.integers(0, 30_000_000))
        part = [p.row.utc for p in places_back(catalogue, "CAM1", Utc(start), None)]
        every = [p.row.utc for p in places(catalogue, "CAM1", Utc(0), None)]
        assert part == [utc for utc in every if utc <= start][::-1]


@given(ledgers(steps=False))
def test_small_windows_find_the_same(catalogue: Rows) -> None:
    with pytest.MonkeyPatch.context() as patch:
        whole = [(p.segment.id, p.row.offset) for p in places_back(catalogue, "CAM1", Utc(1 << 60), None)]
        for room in (playback, rewind):
            patch.setattr(room, "FIRST_WINDOW", 300)
            patch.setattr(room, "WINDOW", 700)
            patch.setattr(room, "LARGEST_WINDOW", 1500)
        found = [(p.segment.id, p.row.offset) for p in places_back(catalogue, "CAM1", Utc(20_000_000), None)]
    assert found == whole


class Counting(Rows):
    """Counts the rows that it gives."""

    given = 0

    def segments(self, token: str, start: Utc, end: Utc) -> list[SegmentRow]:
        found = super().segments(token, start, end)
        self.given += len(found)
        return found


@pytest.mark.parametrize("back", [False, True], ids=["forward", "backwards"])
def test_a_seek_asks_for_no_segment_but_its_own(*, back: bool) -> None:
    """The rows of one camera lie apart in the catalogue: each costs a page of the disk."""
    minute, rows = 60 * SECOND, []
    for number in range(60):
        utc = Utc(number * minute)
        held = tuple(FragmentRow(4096 * (n + 1), 4096, Utc(utc + n * SECOND), True, False) for n in range(60))
        rows.append(SegmentRow(number, 1, 1, Path(), utc, minute, 0, (), 0, held, False, False))
    hour, at = Counting(rows), Utc(30 * minute + 20 * SECOND)
    found = next((places_back if back else places)(hour, "CAM1", at, None))
    assert (found.segment.id, found.row.utc) == (30, at)
    assert hour.given == 1


def test_a_recording_set_back_comes_out_in_the_opposite_order(tmp_path: Path) -> None:
    clips = [m.video(Codec.H264, 90)]
    samples = m.merged(clips)
    m.segment(tmp_path / "1.mp4", clips, samples=samples)
    again = later(samples, -1.5)
    m.segment(tmp_path / "2.mp4", clips, samples=again, who=m.identity(2, 2, again[0].utc))
    catalogue = m.Files(tmp_path / "1.mp4", tmp_path / "2.mp4")
    catalogue.rows[1] = replace(catalogue.rows[1], epoch=2)
    forward = groups(Playback(catalogue, "CAM1").fragments(Utc(0), None))
    assert read(Rewind(catalogue, "CAM1").groups(Utc(m.START + 60 * SECOND), None)) == flat(forward[::-1])
