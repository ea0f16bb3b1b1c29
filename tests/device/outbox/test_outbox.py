"""The outbox: order, limits, accidents."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.errors import HoldfastError
from device.events.event import Event
from device.events.outbox import DeliveryComplete, DeliveryDropping, DeliveryRefused
from device.outbox.outbox import LARGEST, RECENT, Box, Draft, Limits, Outbox, TooLarge
from tests.device.clock.simulated import SimulatedClock

LIMITS = Limits(octets=10_000_000, seconds=86_400.0)


class Rig:
    """An outbox that can be opened again."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "outbox.db"
        self.clock = SimulatedClock()
        self.said: list[Event] = []
        self.outbox = Outbox(self.path, self.clock, self.said.append)

    def again(self) -> None:
        self.outbox.close()
        self.outbox = Outbox(self.path, self.clock, self.said.append)

    def after_power_cut(self, folder: Path) -> Outbox:
        """What is on the disk now, opened elsewhere."""
        folder.mkdir()
        for file in self.path.parent.glob("outbox.db*"):
            shutil.copy(file, folder / file.name)
        return Outbox(folder / "outbox.db", self.clock, self.said.append)

    def flush(self) -> None:
        self.outbox.flush().result(30)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.outbox.close()


def drafts(*bodies: object) -> list[Draft]:
    return [Draft("t", str(body).encode()) for body in bodies]


def bodies(box: Box, most: int = 1000) -> list[str]:
    return [letter.body.decode() for letter in box.take(most)]


def test_letters_are_taken_in_order_and_stay_until_they_are_acknowledged(rig: Rig) -> None:
    box = rig.outbox.box("mqtt", LIMITS)
    box.put(drafts(1, 2, 3))
    assert bodies(box) == bodies(box) == ["1", "2", "3"]
    box.ack(box.take(2))
    assert bodies(box) == ["3"]
    assert (box.waiting, box.octets, box.sent) == (1, 2, 2)


def test_a_letter_counts_with_the_file_that_it_names(rig: Rig) -> None:
    limits = Limits(octets=3_000, seconds=86_400.0)
    box = rig.outbox.box("nas", limits)
    box.put([Draft(f"{number}.mkv", b"", 1_000) for number in range(2)])
    assert box.octets == 2 * (5 + 1_000)
    rig.again()
    box = rig.outbox.box("nas", limits)
    box.put([Draft("2.mkv", b"", 1_000)])
    assert box.heads() == {"1.mkv", "2.mkv"}
    assert (box.octets, box.dropped) == (2 * (5 + 1_000), 1)
    box.ack(box.take(1))
    assert box.heads() == {"2.mkv"}


def test_boxes_know_nothing_of_each_other(rig: Rig) -> None:
    one, other = rig.outbox.box("one", LIMITS), rig.outbox.box("other", LIMITS)
    one.put(drafts(1))
    other.put(drafts(2))
    one.put(drafts(3))
    one.ack(one.take(10))
    assert bodies(one) == []
    assert bodies(other) == ["2"]


def test_what_was_flushed_is_there_after_a_power_cut_with_its_mark(rig: Rig, tmp_path: Path) -> None:
    box = rig.outbox.box("mqtt", LIMITS)
    box.put(drafts(*range(10)), mark="control:abc:9")
    box.ack(box.take(4))
    rig.flush()
    cut = rig.after_power_cut(tmp_path / "cut")
    try:
        again = cut.box("mqtt", LIMITS)
        assert bodies(again) == ["4", "5", "6", "7", "8", "9"]
        assert again.mark == "control:abc:9"
        assert again.waiting == 6
        again.put(drafts(10))
        again.ack(again.take(6))
        assert bodies(again) == ["10"]
    finally:
        cut.close()


def test_what_is_acknowledged_before_it_is_written_is_never_written(rig: Rig) -> None:
    box = rig.outbox.box("mqtt", LIMITS)
    rig.flush()
    for number in range(300):
        box.put(drafts(number))
        box.ack(box.take(1))
    rig.flush()
    assert rig.outbox.database.execute("SELECT count(*) FROM letter").fetchone() == (0,)
    assert box.sent == 300


def test_a_long_queue_is_on_the_disk_and_comes_in_order(rig: Rig) -> None:
    box = rig.outbox.box("mqtt", LIMITS)
    total = 3 * RECENT
    for number in range(total):
        box.put(drafts(number))
        if number % 500 == 0:
            rig.flush()
    assert len(box._recent) < total
    seen: list[str] = []
    while letters := box.take(700):
        seen += [letter.body.decode() for letter in letters]
        box.ack(letters)
        if len(seen) < 2000:  # more comes while it is emptied
            box.put(drafts(total))
            total += 1
    assert seen == [str(number) for number in range(total)]


def test_a_full_box_drops_the_oldest_counts_them_and_says_so_once(rig: Rig) -> None:
    box = rig.outbox.box("mqtt", Limits(octets=20_000, seconds=86_400.0))
    for number in range(1000):
        box.put([Draft("t", b"%099d" % number)])
        if number % 100 == 0:
            rig.flush()
    assert box.octets <= 20_000
    assert box.dropped + box.waiting == 1000
    left = [int(body) for body in bodies(box)]
    assert left == list(range(1000 - len(left), 1000))
    assert [type(event) for event in rig.said] == [DeliveryDropping]
    dropped = box.dropped
    rig.again()
    box = rig.outbox.box("mqtt", LIMITS)
    assert (box.dropped, len(bodies(box))) == (dropped, len(left))


def test_when_a_box_that_dropped_is_empty_it_says_that_it_is_complete_again(rig: Rig) -> None:
    box = rig.outbox.box("mqtt", Limits(octets=500, seconds=86_400.0))
    for number in range(100):
        box.put(drafts("x" * 20 + str(number)))
    box.ack(box.take(1000))
    assert [type(event) for event in rig.said] == [DeliveryDropping, DeliveryComplete]
    complete = rig.said[1]
    assert isinstance(complete, DeliveryComplete)
    assert complete.dropped == box.dropped > 0


def test_what_is_too_old_is_dropped_and_nothing_else(rig: Rig) -> None:
    box = rig.outbox.box("mqtt", Limits(octets=10_000, seconds=60.0))
    box.put(drafts("old"))
    rig.clock.run(40)
    box.put(drafts("new"))
    box.expire()
    assert bodies(box) == ["old", "new"]
    rig.clock.run(30)
    box.expire()
    assert bodies(box) == ["new"]
    assert box.dropped == 1
    assert isinstance(rig.said[0], DeliveryDropping)
    assert rig.said[0].why == "old"


def test_an_acknowledgement_of_what_was_dropped_meanwhile_is_nothing(rig: Rig) -> None:
    box = rig.outbox.box("mqtt", Limits(octets=300, seconds=86_400.0))
    box.put(drafts("a" * 100, "b" * 100))
    taken = box.take(10)
    box.put(drafts("c" * 100))
    assert box.dropped == 1
    box.ack(taken)
    assert bodies(box) == ["c" * 100]
    assert (box.waiting, box.sent) == (1, 1)


def test_a_refused_letter_is_dropped_and_told_at_most_once_a_minute(rig: Rig) -> None:
    box = rig.outbox.box("mqtt", LIMITS)
    box.put(drafts(1, 2, 3))
    for _ in range(2):
        box.refuse(box.take(1)[0], "not authorized")
    assert bodies(box) == ["3"]
    assert box.dropped == 2
    assert [type(event) for event in rig.said] == [DeliveryRefused]


def test_a_letter_that_is_too_large_is_refused_and_none_of_those_with_it_is_put(rig: Rig) -> None:
    box = rig.outbox.box("mqtt", LIMITS)
    with pytest.raises(TooLarge, match=str(LARGEST)):
        box.put([Draft("t", b"small"), Draft("t", bytes(LARGEST))])
    assert not box.waiting


def test_what_is_forgotten_is_gone_at_once_and_after_a_restart(rig: Rig) -> None:
    box = rig.outbox.box("gone", LIMITS)
    box.put(drafts(1, 2), mark="m:1")
    rig.flush()
    rig.outbox.forget("gone")
    again = rig.outbox.box("gone", LIMITS)
    assert (bodies(again), again.mark, again.waiting) == ([], "", 0)
    again.put(drafts(3))
    rig.again()
    again = rig.outbox.box("gone", LIMITS)
    assert (bodies(again), again.mark) == (["3"], "")
    rig.outbox.forget("gone")
    rig.again()
    assert rig.outbox.known() == []


def test_a_full_disk_loses_nothing_that_still_fits_into_the_limit(rig: Rig) -> None:
    box = rig.outbox.box("mqtt", LIMITS)
    (pages,) = rig.outbox._writing.execute("PRAGMA page_count").fetchone()
    rig.outbox._writing.execute(f"PRAGMA max_page_count = {pages + 2}")
    for number in range(200):
        box.put(drafts(f"{number:0500d}"))
    with pytest.raises(HoldfastError, match="full"):
        rig.flush()
    assert rig.outbox.fault is not None
    box.ack(box.take(150))
    rig.outbox._writing.execute("PRAGMA max_page_count = 1000000")
    rig.flush()
    assert rig.outbox.fault is None
    rig.again()
    assert [int(body) for body in bodies(rig.outbox.box("mqtt", LIMITS))] == list(range(150, 200))


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(1, 40)),
        st.tuples(st.just("ack"), st.integers(0, 40)),
        st.tuples(st.just("flush"), st.just(0)),
        st.tuples(st.just("again"), st.just(0)),
    ),
    max_size=30,
)


@settings(max_examples=40)
@given(OPERATIONS)
def test_any_history_leaves_what_a_list_would_hold(
    tmp_path_factory: pytest.TempPathFactory, operations: list[tuple[str, int]]
) -> None:
    rig = Rig(tmp_path_factory.mktemp("outbox"))
    model: list[str] = []
    put = 0
    try:
        box = rig.outbox.box("b", LIMITS)
        for name, count in operations:
            match name:
                case "put":
                    box.put(drafts(*range(put, put + count)))
                    model += map(str, range(put, put + count))
                    put += count
                case "ack":
                    taken = box.take(count) if count else []
                    box.ack(taken)
                    del model[: len(taken)]
                case "flush":
                    rig.flush()
                case _:
                    rig.again()
                    box = rig.outbox.box("b", LIMITS)
            everything = box.take(10_000)
            assert [letter.body.decode() for letter in everything] == model[: len(everything)]
            assert box.waiting == len(model)
    finally:
        rig.outbox.close()
