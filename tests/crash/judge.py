"""The power is back: does the store open, is every invariant true, is everything there that was promised?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from device.media import MICROSECONDS, Utc
from device.recording.catalogue import CatalogueReader, SegmentRow
from device.recording.check import check
from device.recording.reader import BadFragment, SegmentFile
from tests.crash import scenario
from tests.device.recording.camera import Camera, SimulatedClock, payload
from tests.device.recording.store import ALWAYS, EVER, NEVER

EVENT = "E"  #: of this camera only what was asked for is shown
KEPT = "R"  #: of this one little is kept
OUTAGE = 5.0  #: seconds until the power is back
AFTER = 1_000_000  #: number of the first unit that is recorded after an accident
SMALL = 500  #: bytes of each of those


@dataclass
class Promised:
    """What the store owes at some point of a trace."""

    sent: dict[str, list[tuple[int, Utc]]] = field(default_factory=dict)  #: camera: units, and when
    safe: dict[str, int] = field(default_factory=dict)  #: camera: number of the last that was acknowledged
    locked: list[tuple[str, int, int]] = field(default_factory=list)  #: camera, first and last unit
    wanted: list[tuple[str, int, int]] = field(default_factory=list)  #: of an event that was acknowledged
    live: set[str] = field(default_factory=set)  #: cameras that have sent since the last accident
    lost: dict[str, set[int]] = field(default_factory=dict)  #: camera: what an accident may have cost
    prompt: bool = True  #: the disk answered before the next beat
    wall: int = 0  #: what the wall clock says
    version: int = 0  #: grows with every promise

    def hear(self, text: str) -> None:
        """A line of the scenario."""
        match text.split():
            case ["sent", token, number, utc]:
                self.sent.setdefault(token, []).append((int(number), Utc(int(utc))))
                self.live.add(token)
                self.wall = int(utc)
            case ["safe", token, number]:
                self.safe[token] = int(number)
                self.version += 1
            case ["locked", token, low, high]:
                self.locked.append((token, int(low), int(high)))
                self.version += 1
            case ["wanted", token, low, high]:
                self.wanted.append((token, int(low), int(high)))
                self.version += 1
            case ["beat", prompt]:
                self.prompt = prompt == "1"
            case ["clock", utc]:
                # Set back, what was recorded keeps its age.
                back = max(0, self.wall - int(utc))
                self.sent = {each: [(n, Utc(at - back)) for n, at in row] for each, row in self.sent.items()}
                self.wall = int(utc)

    def accident(self) -> None:
        """The store is killed, or its power goes: what was not acknowledged is not owed any more."""
        self.live.clear()
        for token, sent in self.sent.items():
            safe = self.safe.get(token, -1)
            self.lost.setdefault(token, set()).update(number for number, _ in sent if number > safe)

    def owed(self, token: str) -> set[int]:
        """The units of a camera that must be there, whatever happened since."""
        safe = self.safe.get(token, -1)
        lost = self.lost.get(token, set())
        numbers = {number for number, _ in self.sent.get(token, ()) if number <= safe} - lost
        if token == EVENT:
            return {n for _, low, high in self.wanted for n in range(low, high + 1) if n in numbers}
        if token != KEPT:
            return numbers
        # What is younger than its retention; and what is locked, for ever.
        now = self.wall + (OUTAGE + 1) * MICROSECONDS
        young = {
            n for n, at in self.sent.get(token, ()) if n <= safe and at > now - scenario.KEEP * MICROSECONDS
        }
        return young | {n for _, low, high in self.locked for n in range(low, high + 1)}


@dataclass
class Verdict:
    """What came of one state."""

    lost: float = 0.0  #: seconds of video that had been sent and are not there, of the camera that lost most
    problems: list[str] = field(default_factory=list)


def judge(folder: Path, promised: Promised, *, resume: bool) -> Verdict:
    """Open the store in `folder`, look at everything, and with `resume` record on."""
    verdict = Verdict()
    clock = SimulatedClock(wall=promised.wall + round(OUTAGE * MICROSECONDS))
    recorder = scenario.recorder(folder, clock, lambda *_: None, lambda _: None)
    try:
        recorder.open()
    except Exception as error:  # whatever it is: somebody stands before a recorder that does not record
        verdict.problems.append(f"does not open: {error!r}")
        return verdict
    verdict.problems += [f"recovery: {each}" for each in recorder.recovered.problems]
    more: Camera | None = None
    if resume:
        more = Camera(clock, recorder.intake("A", "A", "main", ALWAYS), number=AFTER, size=SMALL)
        more.connect()
        more.run(0.5)
        # What was being deleted is deleted in the end.
        recorder.sweep()
        if not recorder.settle():
            verdict.problems.append("retention does not end")
    if not recorder.close():
        verdict.problems.append("does not close")
        return verdict
    found = check(folder / "catalogue.db", scenario.volumes(folder), deep=True, repair=False)
    verdict.problems += [f"check: invariant {p.invariant}: {p.where}: {p.what}" for p in found.problems]
    with CatalogueReader(folder / "catalogue.db") as reader:
        tokens = {row.token for row in reader.recordings()}
        for token in sorted(tokens | promised.sent.keys()):
            segments = reader.segments(token, EVER, NEVER) if token in tokens else []
            _replay(token, segments, promised, verdict, more)
    return verdict


def _replay(
    token: str, segments: Sequence[SegmentRow], promised: Promised, verdict: Verdict, more: Camera | None
) -> None:
    sent = dict(promised.sent.get(token, ()))
    there: set[int] = set()
    for segment in segments:
        try:
            numbers = _units(segment, scenario.SIZES[token])
        except (BadFragment, ValueError) as error:
            verdict.problems.append(f"{token}: {segment.path.name}: {error}")
            continue
        if there & set(numbers):
            verdict.problems.append(f"{token}: {segment.path.name} says again what was said")
        there.update(numbers)
    after = {number for number in there if number >= AFTER}
    if more is not None and token == "A" and after != set(range(AFTER, more.number)):
        verdict.problems.append(f"recording does not go on: {len(after)} units of {more.number - AFTER}")
    there -= after
    strange = there - sent.keys()
    missing = promised.owed(token) - there
    if strange:
        verdict.problems.append(f"{token}: shows what was never sent: {_spans(strange)}")
    if missing:
        verdict.problems.append(f"{token}: what was acknowledged is gone: {_spans(missing)}")
    if token in promised.live - {EVENT, KEPT}:
        lost = max(sent) - max(there, default=min(sent) - 1)
        verdict.lost = max(verdict.lost, lost / scenario.RATE)


def _units(segment: SegmentRow, size: int) -> list[int]:
    """The numbers of a segment's units. Raises BadFragment, or ValueError where one is not what was sent, or where
    a decoder could not begin."""
    numbers: list[int] = []
    with SegmentFile(segment) as file:
        for row in segment.fragments:
            for sample in file.read(row, verify=True).samples():
                data = bytes(sample.data)
                number = int.from_bytes(data[5:9], "big")
                nal = payload(number, SMALL if number >= AFTER else size, sample.key)
                if data != len(nal).to_bytes(4, "big") + nal:
                    raise ValueError(f"unit {number} is not as it was sent")
                if not numbers and not sample.key:
                    raise ValueError("does not begin with a key frame")
                if numbers and number <= numbers[-1]:
                    raise ValueError(f"unit {number} stands behind unit {numbers[-1]}")
                numbers.append(number)
    return numbers


def _spans(numbers: set[int]) -> str:
    return f"{len(numbers)} of {min(numbers)}..{max(numbers)}"
