"""Reading back from the archive: each piece is fetched once, few are kept, and a share that is away holds up nobody."""

from __future__ import annotations

from device.archive.reading import KEPT, PIECE, RESPITE, Lying, Reading
from device.errors import HoldfastError, NotFound, PeerFault
from device.media import Utc
from tests.device.recording.camera import SimulatedClock

OCTETS = 3 * PIECE + 1000


class Shelf:
    """Gives back where each octet stands. `error`: what it raises instead."""

    def __init__(self) -> None:
        self.fetched: list[tuple[str, int, int]] = []
        self.error: HoldfastError | None = None
        self.opened = self.closed = 0

    def connect(self, target: str) -> Shelf:
        assert target == "t"
        self.opened += 1
        return self

    def fetch(self, lying: Lying, offset: int, end: int) -> bytes:
        self.fetched.append((lying.name, offset, end))
        if self.error is not None:
            raise self.error
        return octets(offset, end)

    def close(self) -> None:
        self.closed += 1


def octets(offset: int, end: int) -> bytes:
    return b"".join(at.to_bytes(4) for at in range(offset // 4, (end + 7) // 4))[offset % 4 :][: end - offset]


def test_any_octets_are_given_and_each_piece_is_fetched_once() -> None:
    shelf = Shelf()
    reading = Reading(shelf.connect, lambda *_: "t", SimulatedClock())
    file = reading.open("t", "CAM1", Utc(1), "1.mp4", OCTETS)
    assert file.read(10, 100) == octets(10, 110)
    assert file.read(PIECE - 5, 10) == octets(PIECE - 5, PIECE + 5)
    assert file.read(OCTETS - 3, 100) == octets(OCTETS - 3, OCTETS)
    assert file.read(OCTETS + 5, 100) == b""
    assert file.read(0, OCTETS) == octets(0, OCTETS)
    assert [offset // PIECE for _, offset, _ in shelf.fetched] == [0, 1, 3, 2]
    assert shelf.opened == 1


def test_the_oldest_pieces_are_let_go_of() -> None:
    shelf = Shelf()
    reading = Reading(shelf.connect, lambda *_: "t", SimulatedClock())
    first = reading.open("t", "CAM1", Utc(1), "first.mp4", 10)
    first.read(0, 10)
    for number in range(KEPT - 1):
        reading.open("t", "CAM1", Utc(1), f"{number}.mp4", 10).read(0, 10)
    first.read(0, 10)
    assert len(shelf.fetched) == KEPT  # it is still there
    reading.open("t", "CAM1", Utc(1), "more.mp4", 10).read(0, 10)
    first.read(0, 10)
    reading.open("t", "CAM1", Utc(1), "0.mp4", 10).read(0, 10)
    assert [name for name, _, _ in shelf.fetched[KEPT:]] == ["more.mp4", "0.mp4"]


def told(reading: Reading) -> HoldfastError | None:
    try:
        reading.open("t", "CAM1", Utc(1), "1.mp4", OCTETS).read(0, 10)
    except HoldfastError as error:
        return error
    return None


def test_a_share_that_is_away_is_left_alone_for_a_while() -> None:
    shelf, clock = Shelf(), SimulatedClock()
    reading = Reading(shelf.connect, lambda *_: "t", clock)
    shelf.error = PeerFault("away")
    assert told(reading) is shelf.error
    assert told(reading) is shelf.error
    assert (len(shelf.fetched), shelf.closed) == (1, 1)
    clock.advance(RESPITE)
    shelf.error = None
    assert told(reading) is None
    assert shelf.opened == 2


def test_one_that_is_not_there_does_not_keep_the_others_from_being_read() -> None:
    shelf = Shelf()
    reading = Reading(shelf.connect, lambda *_: "t", SimulatedClock())
    shelf.error = NotFound("file", "1.mp4")
    assert told(reading) is shelf.error
    shelf.error = None
    assert told(reading) is None
    assert shelf.opened == 1
    reading.close()
    assert shelf.closed == 1
