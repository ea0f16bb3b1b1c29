"""What of a card's video is taken, and what a card that is full of lies comes to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from device.cameras.source import Cause
from device.edge.bringer import Bringer, Piece
from device.edge.sieve import FAR, STRANGE, Finder, Landmark, Sieve, picture_of
from device.media import MICROSECONDS, Codec, Track, Utc
from tests.device.recording.camera import PPS, SPS, VIDEO, payload

START = Utc(1_750_000_000 * MICROSECONDS)
END = Utc(START + 10 * MICROSECONDS)
STEP = 100_000
AHEAD = 3_600 * MICROSECONDS


def unit(number: int, key: bool) -> bytes:
    nal = payload(number, 40, key)
    return len(nal).to_bytes(4, "big") + nal


def units(first: float, last: float, gop: int = 10) -> Iterator[tuple[Utc, bool, bytes]]:
    """Seconds from the gap's beginning on; by our clock."""
    for number in range(round(first * 10), round(last * 10)):
        key = number % gop == 0
        yield Utc(START + number * STEP), key, unit(number % 2**32, key)


def taken(sieve: Sieve, sent: Iterator[tuple[Utc, bool, bytes]], ahead: int = AHEAD) -> list[int]:
    """Numbers of the pictures that are taken, from the gap's beginning on, as they are placed."""
    found = []
    for utc, key, data in sent:
        at = sieve.takes(Utc(utc + ahead), key, Codec.H264, data)
        if at is not None:
            found.append(round((at - START) / STEP))
    return found


def mark(number: int) -> Landmark:
    data = unit(number % 2**32, True)
    return Landmark(picture_of(Codec.H264, data), Utc(START + number * STEP))


def test_the_pictures_that_we_have_tell_where_it_begins_and_ends_whatever_the_clock_says() -> None:
    sieve = Sieve(START, END, AHEAD + 700_000, mark(-10), mark(100), joins=True)
    assert taken(sieve, units(-3, 13)) == list(range(-10, 100))
    assert sieve.joined
    assert sieve.over
    assert sieve.ahead == AHEAD


def test_where_the_video_before_may_not_give_way_its_last_key_frame_still_tells_the_clock() -> None:
    sieve = Sieve(START, END, AHEAD + 700_000, mark(-10), mark(100), joins=False)
    assert taken(sieve, units(-3, 13)) == list(range(100))
    assert not sieve.joined
    assert sieve.ahead == AHEAD


def test_without_them_the_clock_does_and_it_begins_with_a_key_frame_in_the_gap() -> None:
    sieve = Sieve(Utc(START + 350_000), END, AHEAD, None, None, joins=False)
    assert taken(sieve, units(-3, 13)) == list(range(10, 100))
    assert not sieve.joined


def test_the_picture_behind_it_alone_tells_the_clock_to_one_who_looks_first() -> None:
    off = 340_000
    finder = Finder(mark(100), AHEAD + off)
    begin, end = finder.asks(3 * MICROSECONDS)
    assert (begin, end) == (END + AHEAD + off - 3 * MICROSECONDS, END + AHEAD + off + 3 * MICROSECONDS)
    for utc, key, data in units(7, 12):
        finder.takes(Utc(utc + AHEAD), key, Codec.H264, data)
        if utc < END:
            assert not finder.over
    assert finder.over
    assert finder.ahead == AHEAD
    sieve = Sieve(START, END, finder.ahead, None, mark(100), joins=False)
    assert taken(sieve, units(-3, 13)) == list(range(100))


def test_where_it_is_not_found_the_told_clock_stays_and_a_card_full_of_lies_ends_the_search() -> None:
    finder = Finder(mark(100), AHEAD)
    for utc, key, data in units(101, 104):
        finder.takes(Utc(utc + AHEAD), key, Codec.H264, data)
    assert (finder.ahead, finder.over) == (AHEAD, False)
    for number in range(STRANGE):
        finder.takes(Utc(END + AHEAD + 2 * FAR + number), True, Codec.H264, unit(number, True))
    assert (finder.ahead, finder.over) == (AHEAD, True)


def test_the_same_picture_at_quite_another_time_is_another() -> None:
    still = [(utc, key, unit(0, key)) for utc, key, _ in units(-20, 13)]
    before = Landmark(picture_of(Codec.H264, unit(0, True)), Utc(START - 10 * STEP))
    sieve = Sieve(START, END, AHEAD, before, None, joins=True)
    found = taken(sieve, iter(still))
    assert found[0] >= -10
    assert found[-1] < 100


def test_parameter_sets_that_come_or_go_on_the_way_make_no_other_picture() -> None:
    sets = b"".join(len(nal).to_bytes(4, "big") + nal for nal in (SPS, PPS))
    assert picture_of(Codec.H264, sets + unit(7, True)) == picture_of(Codec.H264, unit(7, True))
    assert picture_of(Codec.H264, unit(7, True)) != picture_of(Codec.H264, unit(8, True))
    assert picture_of(Codec.MJPEG, b"\xff\xd8any") == b"\xff\xd8any"


def test_a_card_with_a_hole_goes_on_with_a_key_frame_behind_it() -> None:
    sieve = Sieve(START, END, AHEAD, None, None, joins=False)
    sent = [each for each in units(0, 10) if not START + 2 * MICROSECONDS < each[0] < START + 5_250_000]
    assert taken(sieve, iter(sent)) == [*range(21), *range(60, 100)]


def test_times_that_were_not_asked_for_are_not_believed_and_many_of_them_end_it() -> None:
    sieve = Sieve(START, END, AHEAD, None, None, joins=False)
    far = (END + FAR) // MICROSECONDS - START // MICROSECONDS + 1
    assert taken(sieve, units(far, far + STRANGE / 10 - 1)) == []
    assert not sieve.over
    assert taken(sieve, units(far, far + 2)) == []
    assert sieve.over
    assert taken(sieve, units(0, 10)) == []


def test_times_that_run_back_are_left_out() -> None:
    sieve = Sieve(START, END, AHEAD, None, None, joins=False)
    sent = [*units(0, 6), *units(1, 3), *units(6, 10)]
    assert taken(sieve, iter(sent)) == list(range(100))


@pytest.mark.parametrize("data", [b"", b"\0\0\0", b"\0\0\0\0" * 3, b"\xff\xff\xff\xff\x65abc", b"\0\0\0\1"])
def test_a_unit_that_is_none_is_no_picture_that_we_have(data: bytes) -> None:
    sieve = Sieve(START, END, AHEAD, mark(-10), mark(100), joins=True)
    for codec in (Codec.H264, Codec.H265, Codec.MJPEG):
        sieve.takes(Utc(START + AHEAD), True, codec, data)
    assert not sieve.joined


def test_tracks_that_no_file_can_hold_end_it() -> None:
    sieve = Sieve(START, END, AHEAD, None, None, joins=False)
    pieces: list[Piece] = []
    bringer = Bringer(sieve, 60, pieces.append)
    assert bringer.opened([Track(Codec.H264, 90_000, (SPS, PPS), 1 << 20, 480)]) is None
    assert sieve.over
    bringer.closed(Cause.LINK_LOST)
    assert pieces == []


def test_sound_without_a_picture_is_not_taken() -> None:
    sieve = Sieve(START, END, AHEAD, None, None, joins=False)
    pieces: list[Piece] = []
    bringer = Bringer(sieve, 60, pieces.append)
    sound = Track(Codec.PCMU, 8_000, channels=1)
    assert bringer.opened([sound]) is None
    bringer.sample(0, 0, START, bytes(160))
    assert bringer.opened([VIDEO, sound]) is not None
    bringer.sample(1, 0, START, bytes(160))
    bringer.closed(Cause.LINK_LOST)
    assert pieces == []
