"""Live fan-out: who joins starts at a key frame, who falls behind is dropped to the next, and nobody else
notices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from device.media import Codec, Sample, Track
from protocols.rtsp.broadcast import (
    CROWD,
    PATIENCE,
    QUEUE_OCTETS,
    QUEUE_SECONDS,
    STALL_SECONDS,
    Broadcast,
    Counters,
)
from protocols.rtsp.library import Break, Listener
from protocols.rtsp.sender import Packets, Sender
from tests.protocols.rtsp.media import T0
from tests.protocols.rtsp.test_sender import AUDIO, SEED, VIDEO, picture, sound


@dataclass
class Wire:
    """A feed with one listener at most, spoken to by the test."""

    tracks: tuple[Track, ...] = (VIDEO, AUDIO)
    say: Listener | None = None
    patience: float | None = None

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        self.say = listener

        def unsubscribe() -> None:
            self.say = None

        return unsubscribe

    def patient(self, listener: Listener, seconds: float) -> None:
        assert listener == self.say
        self.patience = seconds


@dataclass(eq=False)
class Reader:
    """An outlet that takes everything, or nothing more."""

    takes: bool = True
    got: list[Packets] = field(default_factory=list)
    over: bool = False

    def send(self, batch: list[Packets]) -> bool:
        self.got += batch
        return self.takes

    def finished(self) -> None:
        self.over = True


@dataclass
class Stage:
    """A broadcast whose time the test tells."""

    now: float = 0.0
    wire: Wire = field(default_factory=Wire)
    counters: Counters = field(default_factory=Counters)

    def __post_init__(self) -> None:
        sender = Sender(self.wire.tracks, "c", SEED, False)
        self.broadcast = Broadcast("/live", self.wire, sender, lambda: self.now, None, self.counters)

    def say(self, *items: Sample | Break) -> None:
        assert self.wire.say is not None
        self.wire.say(items)

    def group(self, number: int, size: int = 200) -> None:
        """Ten pictures, the first a key frame."""
        for n in range(10):
            self.say(picture(10 * number + n, key=n == 0, size=size))


def test_a_feed_is_subscribed_to_only_while_somebody_listens() -> None:
    stage = Stage()
    assert stage.wire.say is None
    first, second = (stage.broadcast.join(Reader()) for _ in range(2))
    assert stage.wire.say is not None
    stage.broadcast.leave(first)
    stage.broadcast.leave(first)
    assert stage.wire.say is not None
    stage.broadcast.leave(second)
    assert stage.wire.say is None


def test_a_listener_starts_at_a_key_frame_with_reports_and_parameter_sets_before_it() -> None:
    stage, early, late = Stage(), Reader(), Reader()
    stage.broadcast.join(early)
    stage.group(0)
    stage.say(sound(0))
    stage.broadcast.join(late)
    stage.say(picture(10))
    stage.say(sound(1))
    assert late.got == []
    stage.group(2)
    assert [len(p.starts) for p in late.got[:2]] == [1, 1]
    assert all(control for p in late.got[:2] for control, _ in p.split())
    assert late.got[2].key
    kinds = [octets[12] & 0x1F for control, octets in late.got[2].split() if not control]
    assert kinds == [7, 8, 5]


def test_all_listeners_are_given_the_same_bytes() -> None:
    stage, readers = Stage(), [Reader(), Reader(), Reader()]
    for reader in readers:
        stage.broadcast.join(reader)
    stage.group(0)
    sent = [[id(p) for p in reader.got if len(p.data) > 100] for reader in readers]
    assert sent[0] == sent[1] == sent[2]
    assert len(sent[0]) == 10


def test_a_feed_of_sound_alone_starts_at_once() -> None:
    stage = Stage(wire=Wire((AUDIO,)))
    reader = Reader()
    stage.broadcast.join(reader)
    stage.say(Sample(0, 0, T0, True, bytes(160)))
    assert len(reader.got) >= 1


def test_a_slow_reader_is_given_later_what_it_did_not_take() -> None:
    stage, reader = Stage(), Reader(takes=False)
    listener = stage.broadcast.join(reader)
    stage.group(0)
    before = len(reader.got)
    reader.takes = True
    listener.ready(0.1)
    assert [len(p.data) > 100 for p in reader.got[before:]].count(True) >= 9
    stage.group(1)
    assert reader.got[-1].data.endswith(bytes(200))
    assert stage.counters.dropped_to_key == 0


def test_a_reader_that_is_too_late_goes_on_at_the_next_key_frame() -> None:
    stage, slow, quick = Stage(), Reader(takes=False), Reader()
    listener = stage.broadcast.join(slow)
    stage.broadcast.join(quick)
    stage.group(0)
    stage.now = QUEUE_SECONDS + 1
    stage.say(picture(10, size=200))
    assert stage.counters.dropped_to_key == 1
    taken = len(slow.got)
    slow.takes = True
    listener.ready(stage.now)
    stage.say(picture(11, size=200))
    assert len(slow.got) == taken  # nothing between: pictures without their key frame are of no use
    stage.group(2)
    after = [p for p in slow.got[taken:] if len(p.data) > 100]
    assert after[0].key
    assert len(after) == 10
    assert len([p for p in quick.got if len(p.data) > 100]) == 22


def test_what_waits_for_a_reader_is_bounded_in_octets() -> None:
    stage, reader = Stage(), Reader(takes=False)
    stage.broadcast.join(reader)
    for number in range(8):
        stage.group(number, size=QUEUE_OCTETS // 20)
    assert stage.counters.dropped_to_key >= 2


def test_a_reader_that_takes_nothing_is_to_be_cut() -> None:
    stage = Stage()
    stalled, fine = stage.broadcast.join(Reader(takes=False)), stage.broadcast.join(Reader())
    stage.group(0)
    assert not stalled.stalled(STALL_SECONDS)
    assert stalled.stalled(STALL_SECONDS + 0.1)
    assert not fine.stalled(STALL_SECONDS + 0.1)


def test_when_the_codec_changes_every_listener_is_told_goodbye() -> None:
    stage, reader = Stage(), Reader()
    stage.broadcast.join(reader)
    stage.group(0)
    stage.say(Break(T0, (Track(Codec.H265, 90_000), AUDIO)))
    assert reader.over
    assert [p.split()[0][0] for p in reader.got[-2:]] == [True, True]
    assert stage.broadcast.over
    assert stage.wire.say is None


def test_a_crowd_is_patient_and_a_few_are_not() -> None:
    stage = Stage()
    crowd = [stage.broadcast.join(Reader()) for _ in range(CROWD)]
    assert stage.wire.patience == PATIENCE
    stage.broadcast.leave(crowd[0])
    assert stage.wire.patience == 0


def test_what_comes_in_one_go_is_handed_over_in_one() -> None:
    stage, early, late = Stage(), Reader(), Reader()
    stage.broadcast.join(early)
    stage.say(*(picture(n, key=n == 0, size=200) for n in range(4)))
    stage.broadcast.join(late)
    before = len(early.got)
    stage.say(*(picture(n, key=n == 6, size=200) for n in range(4, 8)))
    assert [len(p.starts) for p in early.got[before:]] == [
        2,
        4,
    ]  # a key frame has its parameter sets before it
    assert late.got[-1] is early.got[-1]
    numbers = [int.from_bytes(o[2:4], "big") for p in early.got for c, o in p.split() if not c]
    assert {(b - a) & 0xFFFF for a, b in pairwise(numbers)} == {1}


def test_nothing_is_made_of_what_comes_behind_the_end() -> None:
    stage, reader = Stage(), Reader()
    stage.broadcast.join(reader)
    stage.group(0)
    stage.say(Break(T0, (Track(Codec.H265, 90_000), AUDIO)), picture(10, key=True, size=200))
    assert reader.over
    assert [p.split()[0][0] for p in reader.got[-2:]] == [True, True]


def test_a_few_are_handed_every_picture_at_once() -> None:
    stage, reader = Stage(), Reader()
    stage.broadcast.join(reader)
    stage.say(picture(0, key=True))
    assert reader.got[-1].key


def test_a_fault_on_demand_sees_every_packet() -> None:
    class Hole:
        def status(self, method: str, path: str) -> int | None:
            return None

        def packets(self, path: str, packets: Packets) -> Packets | None:
            return packets if packets.key else None

    stage, reader = Stage(), Reader()
    stage.broadcast.tamper = Hole()
    stage.broadcast.join(reader)
    stage.group(0)
    assert [p.key for p in reader.got if len(p.data) > 200] == [True]
