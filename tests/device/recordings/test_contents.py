"""What the catalogue holds of recordings, as changes in time: forward, backwards, at the edges."""

from __future__ import annotations

from itertools import pairwise

import pytest

from device.media import Utc
from device.recording import presence
from device.recordings.contents import Change, changes, contents, measured
from tests.device.recordings.rig import DOOR, GATE, SECOND, YARD, Rig

NONE: frozenset[str] = frozenset()


def found(
    rig: Rig, start: int, end: int | None, *, states: bool = False, growing: frozenset[str] = NONE
) -> list[Change]:
    of = [contents(rig.catalogue, rig.catalogue.holding(token)) for token in (GATE, YARD)]
    return list(changes(rig.catalogue, of, growing, Utc(start), None if end is None else Utc(end), states))


def test_a_recordings_extent_is_that_of_its_tracks(made: Rig) -> None:
    gate = contents(made.catalogue, made.catalogue.holding(GATE))
    assert [track.token for track in gate.tracks] == ["VIDEO001", "AUDIO001"]
    row = made.catalogue.recording(GATE)
    assert (gate.first, gate.last) == (row.first, row.last)
    assert [track.token for track in contents(made.catalogue, made.catalogue.holding(YARD)).tracks] == [
        "VIDEO001"
    ]


def test_everything_that_was_and_was_not_there_both_ends_included(made: Rig) -> None:
    gate = contents(made.catalogue, made.catalogue.holding(GATE))
    assert gate.first is not None
    assert gate.last is not None
    of_gate = [c for c in found(made, gate.first, None) if c.recording == GATE]
    for track in ("", "VIDEO001", "AUDIO001"):
        own = [change for change in of_gate if change.track == track]
        assert [change.present for change in own] == [True, False, True, False]
        assert (own[0].utc, own[-1].utc) == (gate.first, gate.last)
        assert 29 * SECOND < own[2].utc - own[1].utc < 32 * SECOND
    everything = found(made, gate.first, None)
    assert all(a.utc <= b.utc for a, b in pairwise(everything))
    assert {change.recording for change in everything} == {GATE, YARD}


def test_backwards_is_the_same_the_other_way_round(made: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    first, last = (
        contents(made.catalogue, made.catalogue.holding(GATE)).first,
        contents(made.catalogue, made.catalogue.holding(YARD)).last,
    )
    assert first is not None
    assert last is not None
    forward, back = found(made, first, last), found(made, last, first)
    assert set(forward) == set(back)
    assert len(back) == len(set(back))
    assert all(a.utc >= b.utc for a, b in pairwise(back))
    monkeypatch.setattr(presence, "SMALLEST", 1)
    monkeypatch.setattr(presence, "LARGEST", 1)
    assert found(made, first, last) == forward  # however long the pages are
    assert found(made, last, first) == back


def test_states_stand_where_the_search_begins_and_backwards_at_both_ends(made: Rig) -> None:
    gate = contents(made.catalogue, made.catalogue.holding(GATE))
    assert gate.first is not None
    inside, later = gate.first + 5 * SECOND, gate.first + 20 * SECOND
    forward = found(made, inside, later, states=True)
    virtual = [change for change in forward if change.virtual]
    assert forward[: len(virtual)] == virtual
    assert {(c.recording, c.track): c.present for c in virtual} == {
        (GATE, ""): True,
        (GATE, "VIDEO001"): True,
        (GATE, "AUDIO001"): True,
        (YARD, ""): False,
        (YARD, "VIDEO001"): False,
    }
    assert {change.utc for change in virtual} == {inside}
    back = found(made, later, inside, states=True)
    assert [change.utc for change in back if change.virtual] == [later] * 5 + [inside] * 5
    assert [c for c in back if not c.virtual][::-1] != []
    assert {c for c in back if not c.virtual} == {c for c in forward if not c.virtual}


def test_what_is_being_recorded_has_no_end(made: Rig) -> None:
    yard = contents(made.catalogue, made.catalogue.holding(YARD))
    assert yard.first is not None
    of_yard = [c for c in found(made, yard.first, None, growing=frozenset({YARD})) if c.recording == YARD]
    assert {change.present for change in of_yard} == {True}


def test_the_attributes_of_tracks_at_an_instant(made: Rig) -> None:
    gate = contents(made.catalogue, made.catalogue.holding(GATE))
    assert gate.first is not None
    assert gate.last is not None
    video = measured(made.catalogue, GATE, Utc(gate.first + 3 * SECOND))[0]
    assert (video.extent.token, video.extent.track.width) == ("VIDEO001", 640)
    assert video.rate == pytest.approx(10, rel=0.2)
    assert measured(made.catalogue, GATE, Utc(gate.first + 20 * SECOND)) == []  # in the gap
    assert measured(made.catalogue, GATE, gate.last) != []


async def test_a_recording_that_was_never_begun_has_nothing(made: Rig) -> None:
    entry = await made.archive.entry(DOOR)
    assert (entry.contents.tracks, entry.status.value) == ((), "Initiated")
