"""When stored media is sent: at the speed of life, a little ahead, and without a rush after a pause."""

from __future__ import annotations

from dataclasses import replace

import pytest

from device.media import Codec, Sample, Track, Utc
from protocols.rtsp.library import Break
from protocols.rtsp.manner import Manner
from protocols.rtsp.playout import LATE_SECONDS, Due, Ended, Paced, playout
from protocols.rtsp.sender import Sender
from tests.protocols.rtsp.media import T0
from tests.protocols.rtsp.test_sender import AUDIO, HOUR, SEED, VIDEO, picture, sound


def forward(lead: float = 1.0, manner: Manner = Manner()) -> Paced:  # noqa: B008 - frozen
    made = playout(Sender((VIDEO, AUDIO), "c", SEED, closes_gaps=True), manner, lead)
    assert isinstance(made, Paced)
    made.take(Break(T0, (VIDEO, AUDIO)))
    return made


def due(of: Paced, number: int, since: int = T0) -> Due:
    """Taken, and sent."""
    found = of.take(picture(number, since=since))
    assert found is not None
    of.sender.packets(found.sample, 0.0)
    return found


def test_each_sample_is_due_at_its_own_time_less_the_lead() -> None:
    play = forward(lead=1.0)
    first = due(play, 0)
    play.restart(first.position, 100.0)
    assert play.at(first, 100.0) == pytest.approx(99.0)
    assert play.at(due(play, 50), 100.0) == pytest.approx(101.0)
    late = play.take(sound(100))
    assert late is not None
    assert play.at(late, 100.0) == pytest.approx(101.0)


def test_what_follows_a_gap_is_due_as_if_there_were_none() -> None:
    play = forward(lead=0.0)
    play.restart(due(play, 0).position, 100.0)
    due(play, 1)
    assert play.take(Break(Utc(T0 + HOUR), (VIDEO, AUDIO))) is None
    assert play.at(due(play, 0, since=T0 + HOUR), 100.0) == pytest.approx(100.08)


def test_a_playback_that_fell_behind_is_not_hurried() -> None:
    play = forward(lead=0.0)
    play.restart(due(play, 0).position, 100.0)
    now = 101.0 + LATE_SECONDS
    assert play.at(due(play, 1), now) < now
    assert play.at(due(play, 2), now) == pytest.approx(now + 0.04)


@pytest.mark.parametrize("paced", [True, False])
def test_sound_never_steps_back_and_pictures_are_left_alone(paced: bool) -> None:
    """The line of arrivals was pulled back by 60 ms between two fragments."""
    play = playout(Sender((VIDEO, AUDIO), "c", SEED, closes_gaps=True), Manner(paced=paced), 0.0)
    play.take(Break(T0, (VIDEO, AUDIO)))

    def times(given: list[Sample]) -> list[int]:
        sent = []
        for sample in given:
            found = play.take(sample)
            assert found is not None
            sent.append(found.sample.utc - T0)
        return sent

    blocks = [replace(sound(n), utc=Utc(T0 + n * 20_000 - (60_000 if n >= 5 else 0))) for n in range(12)]
    assert times(blocks) == [
        0,
        20_000,
        40_000,
        60_000,
        80_000,
        81_000,
        82_000,
        83_000,
        100_000,
        120_000,
        140_000,
        160_000,
    ]
    shown = [replace(picture(n), utc=Utc(T0 + at)) for n, at in enumerate((0, 120_000, 40_000, 80_000))]
    assert times(shown) == [0, 120_000, 40_000, 80_000], "a B-frame is shown before what was sent before it"
    play.take(Break(T0, (VIDEO, AUDIO)))
    assert times(blocks[:1]) == [0], "what comes behind a break has a time of its own"


def test_backwards_a_group_is_due_as_a_whole_whatever_is_told_of_it() -> None:
    """A document whose time is before its key frame's is no group of its own."""
    metadata = Track(Codec.ONVIF_METADATA, 90_000)
    play = playout(Sender((VIDEO, metadata), "c", SEED, closes_gaps=True), Manner(scale=-1.0), 0.0)
    play.take(Break(Utc(T0 + 2_000_000), (VIDEO, metadata)))
    newer, older = (
        [
            picture(first, key=True),
            Sample(1, 0, Utc(T0 + first * 40_000 - 20_000), True, b"<a/>"),
            picture(first + 1),
        ]
        for first in (25, 0)
    )
    places = []
    for sample in (*newer, *older):
        found = play.take(sample)
        assert found is not None
        places.append(found.position)
    assert places == [0, 0, 0, *[1_000_000] * 3]


def test_another_codec_ends_the_playback() -> None:
    with pytest.raises(Ended):
        forward().take(Break(T0, (Track(Codec.H265, 90_000), AUDIO)))
