"""What the fragmenter promises to a source that lays samples down, and to those who read what it cut."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.errors import BadValue
from device.media import Codec, Sample, Track, Utc
from device.recording.fragment import Cut, Fragmenter, Pool
from device.recording.playback import Playback
from device.recording.reader import parse
from device.recording.scan import scan
from device.recording.segment import head
from device.recording.trailer import ALIGN
from tests.device.recording import material as m

VIDEO = Track(Codec.H264, 90_000, (b"\x67\x42\x00\x1e\x95", b"\x68\xce"), 640, 360)
SOUND = Track(Codec.PCMU, 8_000, channels=1)


class Cuts(list[bytes]):
    """Collects the bytes of each cut."""

    def __init__(self, pool: Pool) -> None:
        super().__init__()
        self.pool = pool
        self.said: list[Cut] = []

    def __call__(self, cut: Cut) -> None:
        assert cut.start % ALIGN == 0
        assert cut.end % ALIGN == 0
        self.said.append(cut)
        self.append(cut.memory[cut.start : cut.end])
        self.pool.give(cut.memory)

    def media(self, track: int = 0) -> list[bytes]:
        """Every stored sample of a track."""
        fragments = (parse(data, (VIDEO, SOUND), verify=True) for data in self)
        return [bytes(s.data) for fragment in fragments for s in fragment.samples() if s.track == track]


def fragmenter(pool: Pool, *tracks: Track) -> tuple[Fragmenter, Cuts]:
    cuts = Cuts(pool)
    return Fragmenter(tracks or (VIDEO,), pool, cuts, first_number=1, key_after=0.175), cuts


def picture(number: int, size: int = 3000, *, gop: int = 30, damaged: bool = False) -> Sample:
    """Picture `number` of 30 a second."""
    data = bytes([number % 251]) * size
    utc = Utc(m.START + number * 1_000_000 // 30)
    return Sample(0, 5_000_000 + number * 3000, utc, number % gop == 0, data, damaged)


@pytest.mark.parametrize(
    ("codec", "b_frames"),
    [(Codec.H264, 0), (Codec.H264, 3), (Codec.H265, 0), (Codec.H265, 3), (Codec.MJPEG, 0)],
)
def test_every_picture_comes_back_bit_exact_from_ffmpeg_and_from_pyav(
    codec: Codec, b_frames: int, tmp_path: Path
) -> None:
    clip = m.video(codec, 60, b_frames=b_frames)
    path = tmp_path / "1.mp4"
    m.segment(path, [clip])
    assert m.decoded(str(path)) == list(clip.frames)
    assert m.ffmpeg_frames(path) == [frame.hex() for frame in clip.frames]
    m.ffprobe(path, "-show_packets")


@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265, Codec.MJPEG])
def test_gstreamer_decodes_a_segment_bit_exact(codec: Codec, tmp_path: Path) -> None:
    clip = m.video(codec, 60, b_frames=0 if codec is Codec.MJPEG else 3)
    path = tmp_path / "1.mp4"
    m.segment(path, [clip, m.sound(Codec.PCMA, 2.0)])
    assert m.gstreamer(path, codec, (192, 108)) == list(clip.frames)


@pytest.mark.parametrize("codec", [Codec.AAC, Codec.PCMU, Codec.PCMA, Codec.OPUS])
def test_sound_is_stored_as_it_came_and_decodes(codec: Codec, tmp_path: Path) -> None:
    clip = m.sound(codec, 2.0)
    path = tmp_path / "1.mp4"
    m.segment(path, [m.video(Codec.H264, 60), clip])
    pieces = list(Playback(m.Files(path), "CAM1").fragments(m.START, None))
    stored = [bytes(s.data) for piece in pieces for s in piece.samples if s.track == 1]
    assert stored == [s.data for s in clip.samples]
    m.run("ffmpeg", "-v", "error", "-i", path, "-map", "0:a", "-f", "null", "-")


def test_a_camera_without_video_is_recorded(tmp_path: Path) -> None:
    clip = m.sound(Codec.AAC, 3.0)
    path = tmp_path / "1.mp4"
    writer = m.segment(path, [clip])
    assert all(cut.key and cut.lead for cut in writer.cuts)
    assert sum(cut.samples for cut in writer.cuts) == len(clip.samples)
    m.run("ffmpeg", "-v", "error", "-i", path, "-f", "null", "-")


def test_metadata_is_kept_whole(tmp_path: Path) -> None:
    track = Track(Codec.ONVIF_METADATA, 90_000)
    documents = [f"<tt:MetadataStream n='{n}'/>".encode() * 40 for n in range(8)]
    samples = [Sample(0, 30_000 * n, Utc(0), True, text) for n, text in enumerate(documents)]
    path = tmp_path / "1.mp4"
    m.segment(path, [m.video(Codec.H264, 90), m.Clip(track, tuple(samples), ())])
    pieces = list(Playback(m.Files(path), "CAM1").fragments(m.START, None))
    assert [bytes(s.data) for piece in pieces for s in piece.samples if s.track == 1] == documents
    m.ffprobe(path, "-show_packets")


def test_nothing_is_stored_before_the_first_key_frame() -> None:
    pool = Pool()
    it, cuts = fragmenter(pool, VIDEO, SOUND)
    for number in range(25, 35):
        m.lay(it, picture(number))
        it.add(1, number * 160, picture(number).utc, b"s")
    it.cut()
    assert it.waiting == 10
    assert cuts.media() == [picture(number).data for number in range(30, 35)]
    assert cuts.said[0].key


def test_a_beat_in_the_middle_of_an_access_unit_loses_nothing_of_it() -> None:
    pool = Pool()
    it, cuts = fragmenter(pool)
    m.lay(it, picture(0))
    whole = picture(1)
    it.memory[it.fill : it.fill + 1000] = bytes(whole.data[:1000])
    it.written = it.fill + 1000
    it.cut()
    assert len(cuts) == 1
    it.memory[it.fill + 1000 : it.fill + 3000] = bytes(whole.data[1000:])
    it.commit(it.fill + 3000, whole.time, whole.utc, False, False)
    it.cut()
    assert cuts.media() == [picture(0).data, whole.data]


def test_a_fragment_begins_with_a_key_frame_where_it_is_old_enough() -> None:
    it, cuts = fragmenter(Pool())
    for number in range(61):
        m.lay(it, picture(number))
    it.cut()
    assert [(cut.samples, cut.key) for cut in cuts.said] == [(30, True), (30, True), (1, True)]
    assert [cut.number for cut in cuts.said] == [1, 2, 3]
    assert cuts.said[0].utc_end == cuts.said[1].utc


def test_key_frames_that_come_in_step_with_the_beat_begin_fragments_all_the_same() -> None:
    it, cuts = fragmenter(Pool())
    for number in range(120):
        m.lay(it, picture(number))
        if number % 30 == 28:
            it.cut()
    it.cut()
    assert [cut.samples for cut in cuts.said if cut.key] == [29, 29, 29, 29]
    assert all(cut.keys == cut.key for cut in cuts.said)


def test_pictures_that_are_all_key_frames_do_not_each_begin_a_fragment() -> None:
    it, cuts = fragmenter(Pool())
    for number in range(30):
        m.lay(it, picture(number, gop=1))
    it.cut()
    assert [(cut.samples, cut.keys) for cut in cuts.said] == [(30, 30)]


def test_a_full_memory_is_cut_early_and_nothing_is_lost() -> None:
    it, cuts = fragmenter(Pool(16 * ALIGN, 64 * ALIGN))
    for number in range(40):
        assert m.lay(it, picture(number, 9000, gop=100))
    it.cut()
    assert len(cuts) > 5
    assert cuts.media() == [picture(number, 9000).data for number in range(40)]


def test_an_access_unit_larger_than_the_memory_gets_a_larger_one() -> None:
    it, cuts = fragmenter(Pool(16 * ALIGN, 256 * ALIGN))
    pictures = [picture(0), picture(1, 500_000), picture(2)]
    assert all(m.lay(it, each) for each in pictures)
    it.cut()
    assert cuts.media() == [each.data for each in pictures]


def test_a_camera_cannot_take_more_memory_than_the_limit() -> None:
    it, cuts = fragmenter(Pool(16 * ALIGN, 64 * ALIGN))
    m.lay(it, picture(0))
    assert not m.lay(it, picture(1, 100 * ALIGN))
    assert len(it.memory) <= 64 * ALIGN
    assert m.lay(it, picture(2))
    it.cut()
    assert it.refused == 1
    assert cuts.media() == [picture(0).data, picture(2).data]


def test_a_flood_of_sound_is_bounded_while_video_stands_still() -> None:
    it, cuts = fragmenter(Pool(16 * ALIGN, 64 * ALIGN), VIDEO, SOUND)
    m.lay(it, picture(0))
    for number in range(5000):
        it.add(1, number * 160, Utc(m.START + number), bytes(160))
    it.cut()
    assert it.refused > 0
    assert len(cuts.media(1)) + it.refused == 5000


def test_sound_goes_on_while_video_is_silent() -> None:
    it, cuts = fragmenter(Pool(), VIDEO, SOUND)
    m.lay(it, picture(0))
    it.cut()
    for number in range(50):
        it.add(1, number * 160, Utc(m.START + number * 20_000), bytes([number]) * 160)
    it.cut()
    assert [(cut.lead, cut.key) for cut in cuts.said] == [(True, True), (False, False)]
    assert len(cuts.media(1)) == 50


def test_no_byte_of_an_earlier_camera_is_left_in_the_padding() -> None:
    pool = Pool()
    soiled = pool.take(0)
    soiled[:] = b"\xee" * len(soiled)
    pool.give(soiled)
    it, cuts = fragmenter(pool)
    m.lay(it, picture(1, 5000, gop=1))
    it.cut()
    assert b"\xee\xee" not in cuts[0]


def test_damage_is_in_the_file_itself(tmp_path: Path) -> None:
    clip = m.video(Codec.H264, 60)
    samples = m.merged([clip])
    samples = [replace(s, damaged=20 <= n < 30) for n, s in enumerate(samples)]
    path = tmp_path / "1.mp4"
    m.segment(path, [clip], samples=samples)
    pieces = list(Playback(m.Files(path), "CAM1").fragments(m.START, None))
    stored = [s.damaged for piece in pieces for s in piece.samples]
    assert stored == [s.damaged for s in samples]
    assert [piece.damaged for piece in pieces] == [any(s.damaged for s in piece.samples) for piece in pieces]
    assert m.decoded(str(path)) == list(clip.frames)


def test_a_jump_of_media_time_follows_the_wall_clock() -> None:
    it, cuts = fragmenter(Pool())
    for number in range(60):
        each = picture(number)
        m.lay(it, replace(each, time=each.time + (149 * 3600 * 90_000 if number >= 40 else 0)))
    it.cut()
    assert it.jumps == 1
    assert abs(cuts.said[-1].utc_end - picture(60).utc) < 50_000
    assert cuts.said[-1].time < 4 * 90_000


def test_a_clock_that_stands_still_is_set_right_by_the_wall_clock() -> None:
    it, cuts = fragmenter(Pool())
    for number in range(900):
        m.lay(it, replace(picture(number), time=7))
        if number % 21 == 20:
            it.cut()
    it.cut()
    assert abs(cuts.said[-1].time - 31 * 90_000) < 6 * 90_000


def test_a_pause_of_the_camera_is_kept_as_it_was() -> None:
    it, cuts = fragmenter(Pool())
    for number in [*range(30), *range(600, 630)]:
        m.lay(it, picture(number))
    it.cut()
    assert it.jumps == 0
    assert [cut.utc for cut in cuts.said] == [picture(0).utc, picture(600).utc]
    assert abs(cuts.said[0].utc_end - picture(30).utc) < 1000


def test_a_pause_of_hours_between_b_frames_keeps_every_time_to_the_tick(tmp_path: Path) -> None:
    clip = m.video(Codec.H264, 60, b_frames=3)
    hours = 20 * 3600
    samples = [
        replace(s, time=s.time + hours * 90_000, utc=Utc(s.utc + hours * 1_000_000)) if n >= 30 else s
        for n, s in enumerate(m.merged([clip]))
    ]
    path = tmp_path / "1.mp4"
    m.segment(path, [clip], samples=samples)
    pieces = list(Playback(m.Files(path), "CAM1").fragments(m.START, None))
    stored = [s.time - samples[0].time for piece in pieces for s in piece.samples]
    assert [time - stored[0] for time in stored] == [s.time - samples[0].time for s in samples]


@pytest.mark.parametrize(
    ("jump", "what"),
    [(149 * 3600, "forward"), (-30, "back"), (-1, "a little back"), (60, "without the wall clock")],
)
def test_libavformat_copies_a_stream_whose_times_jumped_without_a_word(
    jump: int, what: str, tmp_path: Path
) -> None:
    clip = m.video(Codec.H264, 60, b_frames=3)
    samples = [
        replace(s, time=s.time + jump * 90_000) if n >= 40 else s for n, s in enumerate(m.merged([clip]))
    ]
    path = tmp_path / "1.mp4"
    m.segment(path, [clip], samples=samples)
    m.ffprobe(path, "-show_packets")
    m.run("ffmpeg", "-v", "error", "-i", path, "-c", "copy", tmp_path / "copy.mp4")
    assert sorted(m.decoded(str(path))) == sorted(clip.frames)


@pytest.mark.parametrize(
    "track",
    [
        replace(VIDEO, clock_rate=0),
        replace(VIDEO, parameters=(b"\x67" * 70_000,)),
        replace(VIDEO, width=70_000),
        replace(SOUND, channels=300),
    ],
)
def test_tracks_that_no_file_can_describe_are_refused(track: Track) -> None:
    with pytest.raises(BadValue):
        fragmenter(Pool(), track)


def test_sound_whose_clock_drifts_is_kept_in_step_with_the_picture() -> None:
    it, cuts = fragmenter(Pool(), VIDEO, SOUND)
    for number in range(900):
        each = picture(number)
        m.lay(it, each)
        it.add(1, number * 240, each.utc, bytes(240))  # 8000 Hz would be 267 ticks a picture
        if number % 21 == 20:
            it.cut()
    it.cut()
    last = parse(cuts[-1], (VIDEO, SOUND), verify=True).samples()
    apart = max(s.utc for s in last if s.track == 0) - max(s.utc for s in last if s.track == 1)
    assert abs(apart) < 400_000


def test_too_many_tracks_are_refused_by_name() -> None:
    with pytest.raises(BadValue, match="tracks: 9 given; a session has 1 to 8"):
        fragmenter(Pool(), *[VIDEO] * 9)


@settings(max_examples=60)
@given(
    steps=st.lists(
        st.tuples(
            st.integers(-(1 << 40), 1 << 40) | st.integers(-20_000, 20_000),
            st.integers(-(1 << 44), 1 << 44) | st.just(33_333),
            st.booleans(),
            st.integers(1, 5000),
            st.sampled_from(["picture", "sound", "cut"]),
        ),
        max_size=60,
    )
)
def test_whatever_times_come_the_file_is_whole_and_decode_times_only_grow(
    steps: list[tuple[int, int, bool, int, str]],
) -> None:
    it, cuts = fragmenter(Pool(16 * ALIGN, 64 * ALIGN), VIDEO, SOUND)
    m.lay(it, picture(0))
    time, utc, laid = 5_000_000, int(m.START), 1
    for step, passed, key, size, what in steps:
        time, utc = time + step, utc + passed
        if what == "cut":
            it.cut()
        elif what == "sound":
            it.add(1, time, Utc(utc), bytes(size))
        else:
            laid += m.lay(it, Sample(0, time, Utc(utc), key, bytes(size)))
    it.cut()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "1.mp4"
        begin = head((VIDEO, SOUND), m.identity())
        path.write_bytes(begin + b"".join(cuts))
        found = scan(path, len(begin), verify=True)
    assert found.problem == ""
    assert [(f.number, f.utc_end, f.time) for f in found.fragments] == [
        (cut.number, cut.utc_end, cut.time) for cut in cuts.said
    ]
    last = {0: -1, 1: -1}
    for data in cuts:
        for run in parse(data, (VIDEO, SOUND), verify=True).head.runs:
            for decode in run.decode_times():
                assert decode > last[run.track]
                last[run.track] = decode
    assert len(cuts.media()) == laid
