"""What a unit's mark says is known only from what comes behind it."""

from __future__ import annotations

from device.media import MICROSECONDS, Codec, Sample, Track, Utc
from protocols.rtsp.ahead import SPAN, Ahead
from protocols.rtsp.library import Break, Edge
from protocols.rtsp.stamps import Mark, Stamp
from tests.protocols.rtsp.media import T0
from tests.protocols.rtsp.test_sender import AUDIO, HOUR, VIDEO, picture, sound

METADATA = Track(Codec.ONVIF_METADATA, 90_000)
TRACKS = (VIDEO, AUDIO)
PLAIN, FRESH = Mark(), Mark(discontinuity=True)


def run(ahead: Ahead, *items: Sample | Break | Edge) -> list[tuple[int, int, Mark]]:
    """Track, picture's place in milliseconds, and mark of every sample, once all is put."""
    for item in items:
        ahead.put(item)
    ahead.close()
    found: list[tuple[int, int, Mark]] = []
    while (taken := ahead.take()) is not None:
        if isinstance(taken[0], Sample):
            found.append((taken[0].track, (taken[0].utc - T0) // 1000, taken[1]))
    assert ahead.over
    return found


def test_the_last_of_each_track_before_a_gap_ends_it_and_the_first_behind_it_continues_nothing() -> None:
    later = T0 + HOUR
    marks = run(
        Ahead(reverse=False),
        Break(T0, TRACKS),
        picture(0, key=True),
        sound(0),
        picture(1),
        sound(2),
        sound(3),
        Break(Utc(later), TRACKS),
        picture(0, key=True, since=later),
        sound(0, since=later),
        Edge(),
    )
    last = Mark(end=True, discontinuity=True, terminal=True)
    assert [mark for _, _, mark in marks] == [
        *(FRESH, FRESH, Mark(end=True), PLAIN, Mark(end=True)),
        *(last, last),
    ]


def test_where_the_passage_ends_but_not_what_is_recorded_the_last_is_terminal_alone() -> None:
    marks = run(Ahead(reverse=False), Break(T0, (VIDEO,)), picture(0, key=True), picture(1))
    assert [mark for _, _, mark in marks] == [FRESH, Mark(terminal=True)]


def test_backwards_every_group_begins_with_a_discontinuity_and_the_oldest_ends() -> None:
    groups = [picture(n, key=not n % 2) for n in (4, 5, 2, 3)]
    early = [picture(0, key=True, since=T0 - HOUR), picture(1, since=T0 - HOUR)]
    marks = run(
        Ahead(reverse=True),
        Break(T0, (VIDEO,)),
        *groups,
        Break(Utc(T0 - HOUR), (VIDEO,)),
        *early,
        Edge(),
    )
    assert [mark for _, _, mark in marks] == [
        *(FRESH, PLAIN, FRESH, Mark(end=True)),
        *(FRESH, Mark(end=True, terminal=True)),
    ]


def test_a_unit_is_known_when_the_next_of_its_track_came() -> None:
    ahead = Ahead(reverse=False)
    ahead.put(Break(T0, TRACKS))
    assert ahead.take() is not None
    ahead.put(picture(0, key=True))
    ahead.put(sound(0))
    assert ahead.take() is None
    ahead.put(picture(1))
    assert ahead.take() is not None
    assert ahead.take() is None  # the sound waits, and what is behind it


def test_a_track_that_seldom_speaks_is_not_waited_for() -> None:
    ahead = Ahead(reverse=False)
    ahead.put(Break(T0, (VIDEO, METADATA)))
    assert ahead.take() is not None
    ahead.put(Sample(1, 0, T0, True, b"<tt:MetadataStream/>"))
    steps = SPAN // 40_000 + 1
    for number in range(steps):
        ahead.put(picture(number))
        assert ahead.take() is None
    ahead.put(picture(steps))
    taken = ahead.take()
    assert taken is not None
    assert taken[1] == FRESH


def test_the_extension_octet_for_octet() -> None:
    """ONVIF Streaming s6.3: 0xABAC, three words: 64 bits of NTP time, then C E D T, four zeros, CSeq, 16 zeros."""
    sample = Sample(0, 0, Utc(1_700_000_000 * MICROSECONDS + 250_000), True, b"")
    stamp = Stamp(Mark(end=True, discontinuity=True, terminal=True), 0x1FE, T0)
    begin = bytes.fromhex("abac0003") + (1_700_000_000 + 2_208_988_800).to_bytes(4, "big") + b"\x40\0\0\0"
    for first, last, flags in ((True, True, 0xF0), (True, False, 0xE0), (False, True, 0xD0)):
        assert stamp.encode(sample, first, last) == begin + bytes((flags, 0xFE, 0, 0))
    plain = Sample(0, 0, sample.utc, False, b"")
    assert Stamp(PLAIN, 7, T0).encode(plain, True, True)[12:] == bytes.fromhex("00070000")
