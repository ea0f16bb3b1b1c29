"""The catalogue, the journal, the bus."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.cameras.source import Cause
from device.database import open_database
from device.errors import Severity
from device.events.bus import Bus
from device.events.catalogue import (
    CameraId,
    CameraOffline,
    CameraOnline,
    CameraReleased,
    ClockStepped,
    RecorderStopped,
    StorageFull,
    StorageLow,
    StorageOk,
    VideoFrozen,
    VolumeId,
)
from device.events.event import Event, describe, dump, event, events, load, subject
from device.events.journal import AHEAD, SCHEMA, Entry, Journal
from device.media import Utc
from device.records import BadRecord
from tests.device.clock.simulated import SimulatedClock

KINDS = sorted(events().values(), key=lambda kind: kind.name)
OFFLINE = CameraOffline(CameraId("c-aaaa"), "main", Cause.UNREACHABLE, "no route")
ONLINE = CameraOnline(CameraId("c-aaaa"), "main", 3.5)


def instances(kind: type[Event]) -> st.SearchStrategy[Event]:
    """Any event of a kind, from its own type hints."""
    return st.builds(kind, **{field.name: ... for field in dataclasses.fields(kind)})  # type: ignore[arg-type]  # is one


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_event_is_the_same_after_a_journey_as_json(kind: type[Event]) -> None:
    @settings(max_examples=15)
    @given(instances(kind))
    def check(made: Event) -> None:
        text = dump(made)
        assert json.loads(text)["event"] == kind.name
        again = load(text)
        # Not equality: NaN differs from itself. What a text cannot hold was mended at the first journey.
        assert type(again) is kind
        assert dump(again) == text
        assert repr(again) == repr(made) or "\\ud" in repr(made)

    check()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_event_says_what_it_is(kind: type[Event]) -> None:
    assert kind.__doc__
    assert isinstance(kind.severity, Severity)
    for field in describe(kind):
        assert field.type not in ("int", "float") or field.unit, f"{field.name} has no unit"


@pytest.mark.parametrize("kind", [k for k in KINDS if k.raises], ids=lambda kind: kind.name)
def test_every_state_can_end_for_the_subject_for_which_it_began(kind: type[Event]) -> None:
    clears = [other for other in KINDS if kind.raises in other.clears]
    assert clears
    for clear in clears:
        assert clear.about == kind.about
        assert clear.severity > kind.severity  # a larger number is less severe


@pytest.mark.parametrize("kind", [k for k in KINDS if k.clears], ids=lambda kind: kind.name)
def test_no_event_ends_a_state_that_none_begins(kind: type[Event]) -> None:
    assert set(kind.clears) <= {other.raises for other in KINDS}


def test_a_comment_beside_a_field_is_its_documentation() -> None:
    described = {field.name: field for field in describe(VideoFrozen)}
    assert described["since"].text == "last key frame"
    assert described["since"].unit == "us since 1970 UTC"


def test_a_declaration_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(TypeError, match="taken"):

        @event("camera.offline", severity=Severity.INFO)
        class Again(Event):
            """The name is taken."""

    with pytest.raises(TypeError, match="does not have"):

        @event("camera.odd", severity=Severity.INFO, about=("camera",))
        class Odd(Event):
            """About nobody."""

    with pytest.raises(TypeError, match="may not have fields"):

        @event("camera.odder", severity=Severity.INFO)
        class Odder(Event):
            """A field in the way."""

            event: str


@given(
    st.text(max_size=100)
    | st.dictionaries(st.sampled_from(["event", "x"]), st.text(max_size=9)).map(json.dumps)
)
def test_no_text_makes_load_raise_anything_else(text: str) -> None:
    with pytest.raises(BadRecord):
        load(text)


def test_the_subject_is_the_same_whatever_else_an_event_says() -> None:
    assert subject(OFFLINE) == subject(ONLINE)
    assert subject(OFFLINE) != subject(dataclasses.replace(OFFLINE, stream="sub"))


# ----------------------------------------------------------------------------------------------- journal


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.db"


@pytest.fixture
def journal(path: Path, clock: SimulatedClock) -> Iterator[Journal]:
    journal = Journal(path, "recording", clock, keep=100)
    yield journal
    journal.close()


def flushed(journal: Journal) -> Journal:
    journal.flush().result(timeout=20)
    return journal


def test_entries_are_numbered_from_one_and_read_back_as_they_were_said(
    journal: Journal, clock: SimulatedClock
) -> None:
    first = journal.append(ClockStepped(1.0))
    clock.run(5)
    second = journal.append(OFFLINE)
    assert first is not None
    assert second is not None
    assert [first.seq, second.seq, second.utc - first.utc] == [1, 2, 5_000_000]
    assert flushed(journal).since(0, 10) == [first, second]
    assert journal.since(1, 10) == [second]
    assert journal.latest(1) == [second]


def test_numbers_and_states_go_on_after_a_restart(path: Path, clock: SimulatedClock) -> None:
    journal = Journal(path, "recording", clock, keep=100)
    raised = journal.append(OFFLINE)
    journal.close()
    again = Journal(path, "recording", clock, keep=100)
    assert again.origin == journal.origin
    assert again.active() == [raised]
    assert again.append(OFFLINE) is None
    cleared = again.append(ONLINE)
    assert cleared is not None
    assert (cleared.seq, cleared.raised) == (2, 1)
    again.close()
    third = Journal(path, "recording", clock, keep=100)
    assert third.active() == []
    third.close()


def test_a_state_is_raised_once_and_cleared_once_for_each_subject(journal: Journal) -> None:
    other = dataclasses.replace(OFFLINE, camera=CameraId("c-bbbb"))
    assert journal.append(ONLINE) is None
    assert journal.append(OFFLINE)
    assert journal.append(dataclasses.replace(OFFLINE, cause=Cause.SILENT)) is None
    assert journal.append(other)
    assert [entry.event for entry in journal.active()] == [OFFLINE, other]
    assert journal.append(ONLINE)
    assert [entry.event for entry in journal.active()] == [other]


def test_one_event_may_clear_several_states(journal: Journal) -> None:
    volume = VolumeId("v")
    journal.append(StorageLow(volume, "/v", 10, 20))
    journal.append(StorageFull(volume, "/v", 0))
    cleared = journal.append(StorageOk(volume, "/v", 100))
    assert cleared is not None
    assert cleared.raised == 1
    assert journal.active() == []


def test_a_camera_that_is_given_up_leaves_no_state_behind(journal: Journal) -> None:
    journal.append(OFFLINE)
    journal.append(VideoFrozen(OFFLINE.camera, "main", 0, True))
    journal.append(CameraReleased(OFFLINE.camera, "main"))
    assert journal.active() == []


def test_the_journal_is_bounded_and_states_outlive_their_entries(journal: Journal) -> None:
    journal.append(OFFLINE)
    for n in range(250):
        journal.append(ClockStepped(float(n)))
    kept = flushed(journal).since(0, 1000)
    assert [entry.seq for entry in kept] == list(range(152, 252))
    assert [entry.event for entry in journal.active()] == [OFFLINE]


def test_another_planes_entries_are_adopted_exactly_once(path: Path, clock: SimulatedClock) -> None:
    journal = Journal(path, "control", clock, keep=100)
    assert journal.adopted("recording") == ("", 0)
    adopted = journal.adopt(Utc(5), "recording:aa", 7, OFFLINE)
    assert adopted is not None
    assert (adopted.seq, adopted.utc, adopted.plane, adopted.origin_seq) == (1, 5, "recording", 7)
    assert journal.adopt(Utc(5), "recording:aa", 7, OFFLINE) is None
    assert journal.adopt(Utc(5), "recording:aa", 6, OFFLINE) is None
    assert journal.append(OFFLINE)  # the same state of another plane is another state
    journal.close()
    again = Journal(path, "control", clock, keep=100)
    assert again.adopted("recording") == ("recording:aa", 7)
    assert again.adopt(Utc(5), "recording:aa", 7, OFFLINE) is None
    assert again.adopt(Utc(6), "recording:aa", 8, ONLINE)
    assert [entry.plane for entry in again.active()] == ["control"]
    again.close()


def test_a_plane_with_a_new_journal_takes_its_old_states_with_it(path: Path, clock: SimulatedClock) -> None:
    journal = Journal(path, "control", clock, keep=100)
    journal.adopt(Utc(5), "recording:aa", 7, OFFLINE)
    assert journal.adopt(Utc(5), "recording:bb", 1, ClockStepped(1.0))
    assert journal.active() == []
    journal.close()
    again = Journal(path, "control", clock, keep=100)
    assert again.active() == []
    again.close()


def test_a_write_that_fails_is_tried_again_and_nothing_is_lost(journal: Journal, path: Path) -> None:
    blocker = sqlite3.connect(path, isolation_level=None)
    journal._writing.execute("PRAGMA busy_timeout = 0")
    blocker.execute("BEGIN IMMEDIATE")
    journal.append(OFFLINE)
    with pytest.raises(Exception, match="could not be written"):
        journal.flush().result(timeout=20)
    assert journal.fault is not None
    assert journal.durable == 0
    blocker.execute("ROLLBACK")
    blocker.close()
    assert [entry.event for entry in flushed(journal).since(0, 10)] == [OFFLINE]
    assert journal.durable == 1


def killed(journal: Journal, path: Path, *last: Event) -> list[Entry]:
    """End a journal's life as the power does: what was said last is not on the disk."""
    blocker = sqlite3.connect(path, isolation_level=None)
    journal._writing.execute("PRAGMA busy_timeout = 0")
    blocker.execute("BEGIN IMMEDIATE")
    told = [entry for event in last if (entry := journal.append(event))]
    journal.close()
    blocker.execute("ROLLBACK")
    blocker.close()
    return told


@pytest.mark.parametrize("ahead", [8, AHEAD])
@pytest.mark.parametrize("before", [0, 1, 30])
def test_a_number_that_was_told_before_a_kill_is_nobody_elses(
    ahead: int, before: int, path: Path, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device.events.journal.AHEAD", ahead)
    journal = Journal(path, "control", clock, keep=100)
    kept = []
    for number in range(before):
        kept.append(journal.append(ClockStepped(float(number))))
        flushed(journal)
    lost = killed(journal, path, ClockStepped(-1.0), ClockStepped(-2.0), ClockStepped(-3.0))
    assert [entry.seq for entry in lost] == [before + 1, before + 2, before + 3]
    again = Journal(path, "control", clock, keep=100)
    assert again.said == 0
    fresh = again.append(OFFLINE)
    assert fresh is not None
    assert fresh.seq > lost[-1].seq
    assert [again.lost(entry.seq) for entry in (*lost, fresh)] == [True, True, True, False]
    assert flushed(again).since(0, 100) == [*kept, fresh]
    assert again.before(fresh.seq, 100) == [fresh, *kept[::-1]]
    again.close()
    third = Journal(path, "control", clock, keep=100)
    orderly = third.append(ONLINE)
    assert orderly is not None
    assert (orderly.seq, orderly.raised, third.said) == (fresh.seq + 1, fresh.seq, 1)
    third.close()


def test_as_many_are_kept_however_often_it_was_killed(path: Path, clock: SimulatedClock) -> None:
    for life in range(5):
        journal = Journal(path, "control", clock, keep=30)
        for number in range(10):
            journal.append(ClockStepped(float(10 * life + number)))
        killed(flushed(journal), path, OFFLINE)
    last = Journal(path, "control", clock, keep=30)
    assert [entry.event for entry in last.since(0, 1000)] == [ClockStepped(float(n)) for n in range(20, 50)]
    last.close()


def test_a_journal_of_before_numbers_were_set_aside_is_taken_for_a_killed_one(
    path: Path, clock: SimulatedClock
) -> None:
    old = open_database(path, SCHEMA[:2])
    old.execute("INSERT INTO entry VALUES (7, 1, 'control:aa', 7, 0, 'clock.stepped', '{}')")
    old.close()
    journal = Journal(path, "control", clock, keep=100)
    entry = journal.append(OFFLINE)
    assert entry is not None
    assert entry.seq == 7 + AHEAD + 1
    assert journal.lost(8)
    journal.close()


def test_an_entry_that_this_version_does_not_know_is_passed_over(journal: Journal, path: Path) -> None:
    journal.append(ClockStepped(1.0))
    flushed(journal)
    newer = sqlite3.connect(path, isolation_level=None)
    newer.execute("""UPDATE entry SET json = '{"event":"drone.landed"}'""")
    newer.close()
    journal.append(ClockStepped(2.0))
    assert [entry.seq for entry in flushed(journal).since(0, 10)] == [2]


# --------------------------------------------------------------------------------------------------- bus


@pytest.fixture
def faults() -> list[Exception]:
    return []


@pytest.fixture
def bus(journal: Journal, faults: list[Exception]) -> Bus:
    return Bus(journal, lambda _, error: faults.append(error))


def test_a_listener_that_raises_breaks_neither_the_speaker_nor_the_others(
    bus: Bus, faults: list[Exception]
) -> None:
    heard: list[Event] = []

    def broken(entry: Entry) -> None:
        raise ZeroDivisionError

    bus.subscribe(broken)
    bus.subscribe(lambda entry: heard.append(entry.event))
    assert bus.publish(OFFLINE)
    assert heard == [OFFLINE]
    assert [type(fault) for fault in faults] == [ZeroDivisionError]


def test_what_a_listener_says_is_heard_by_all_in_the_same_order(bus: Bus) -> None:
    heard: list[list[int]] = [[], []]

    def answer(entry: Entry) -> None:
        heard[0].append(entry.seq)
        if isinstance(entry.event, CameraOffline):
            bus.publish(RecorderStopped("no camera"))

    bus.subscribe(answer)
    bus.subscribe(lambda entry: heard[1].append(entry.seq))
    bus.publish(OFFLINE)
    assert heard == [[1, 2], [1, 2]]


def test_a_listener_may_end_while_it_is_told(bus: Bus) -> None:
    heard: list[int] = []

    def once(entry: Entry) -> None:
        heard.append(entry.seq)
        end()

    end = bus.subscribe(once)
    bus.publish(OFFLINE)
    bus.publish(ONLINE)
    end()
    assert heard == [1]


def test_what_says_nothing_new_is_not_said(bus: Bus) -> None:
    heard: list[Event] = []
    bus.subscribe(lambda entry: heard.append(entry.event))
    bus.publish(OFFLINE)
    bus.publish(OFFLINE)
    assert heard == [OFFLINE]


async def test_a_slow_subscriber_gets_the_newest_and_the_count_of_what_was_dropped(bus: Bus) -> None:
    with bus.listen(3) as subscription:
        for n in range(10):
            bus.publish(ClockStepped(float(n)))
        got = [(await anext(subscription)).seq for _ in range(3)]
    assert got == [8, 9, 10]
    assert subscription.dropped == 7


async def test_a_subscriber_waits_for_what_comes(bus: Bus) -> None:
    with bus.listen(3) as subscription:
        asyncio.get_running_loop().call_later(0.02, bus.publish, OFFLINE)
        assert (await asyncio.wait_for(anext(subscription), 30)).event == OFFLINE
