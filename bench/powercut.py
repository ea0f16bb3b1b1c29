"""Seconds of video lost at a power cut: block images copied at random instants, then read back.

Every writer records its own cameras onto its own file system, all at the same time. At an instant that
none of them can know, all are held still and every image is copied: that is what the disks hold when the
power goes. Then they go on, to the next cut. Afterwards each copy is mounted, which replays its journal, and
what a player can read of it is compared with what the cameras had sent by then.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.blocks import Stage, why_not
from bench.contenders import Writer
from bench.holdfast import HoldfastWriter
from bench.load import Load, Sent, load
from bench.measure import Traffic, traffic
from bench.peers import FFMPEG, FRAGMENTS, GSTREAMER, PeerWriter
from bench.programs import BenchError, stopped, until
from bench.report import Json, Options, Report
from bench.table import Table, ratio, say, say_ratio

_START = 60.0  # seconds until the first frame of every camera must have come
_ROOM = 900.0  # seconds of video for which there is room to spare, so that nobody deletes or warns
_EARLIEST = 5.0  # seconds of recording before the first cut


@dataclass(frozen=True, slots=True)
class Plan:
    """One experiment."""

    cameras: int  #: of each writer
    mbit: float  #: of each camera, Mbit/s
    system: str  #: ext4 | xfs
    seconds: float  #: how long each run lasts
    cuts: int  #: in each run
    runs: int


@dataclass(frozen=True, slots=True)
class Loss:
    """What one camera of one writer lost at one cut."""

    writer: str
    camera: int
    cut: float  #: seconds after the first frame of this camera
    sent: float  #: seconds of video that the camera had sent
    read: float  #: seconds of video that can be read back

    @property
    def lost(self) -> float:
        """Seconds of video. Negative figures cannot be: the frame in flight is rounded away."""
        return max(0.0, self.sent - self.read)


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that an experiment found."""

    plan: Plan
    losses: Sequence[Loss]
    traffic: Mapping[str, tuple[float, Traffic]]  #: writer: (seconds, what its disks were asked to do)


@dataclass(frozen=True, slots=True)
class Summary:
    """Seconds lost per camera over all cuts."""

    least: float
    mean: float
    most: float
    cuts: int

    @classmethod
    def of(cls, losses: Iterable[Loss], writer: str) -> Summary | None:
        """Of one writer; None where it was not cut at all."""
        mine = [loss for loss in losses if loss.writer == writer]
        lost = [loss.lost for loss in mine]
        if not lost:
            return None
        cameras = len({loss.camera for loss in mine})
        return cls(min(lost), sum(lost) / len(lost), max(lost), len(lost) // cameras)

    def json(self) -> dict[str, Json]:
        """For reports, milliseconds exact."""
        return {
            "min": round(self.least, 3),
            "mean": round(self.mean, 3),
            "max": round(self.most, 3),
            "cuts": self.cuts,
        }


def bench(options: Options) -> Report:
    """The whole bench: ext4 and xfs; `--quick` ext4 alone, with fewer cuts."""
    missing = why_not()
    if missing:
        raise BenchError(missing)
    writers: list[Writer] = [HoldfastWriter(), *(PeerWriter(peer) for peer in (FFMPEG, GSTREAMER, FRAGMENTS))]
    outcomes = [
        experiment(writers, plan, options.folder, options.progress)
        for plan in (
            [Plan(4, 4, "ext4", 45, 5, 1)]
            if options.quick
            else [Plan(8, 4, system, 60, 5, 4) for system in ("ext4", "xfs")]
        )
    ]
    losses = [loss for outcome in outcomes for loss in outcome.losses]
    found = {writer.name: Summary.of(losses, writer.name) for writer in writers}
    ours = found["holdfast"]
    return Report(
        holdfast={"seconds_lost": ours.json() if ours else None},
        peers={
            name: {"seconds_lost": summary.json()}
            for name, summary in found.items()
            if summary and name != "holdfast"
        },
        ratios={
            name: ratio(ours.most if ours else None, summary.most if summary else None)
            for name, summary in found.items()
            if name != "holdfast"
        },
        load={"cameras": outcomes[0].plan.cameras, "mbit_s": outcomes[0].plan.mbit},
        tables=[table(outcome, writers) for outcome in outcomes],
    )


def experiment(
    writers: Sequence[Writer], plan: Plan, folder: Path, progress: Callable[[str], None]
) -> Outcome:
    """Cut the power `plan.runs * plan.cuts` times. Leaves no mount, loop device, process or file behind."""
    losses: list[Loss] = []
    asked: dict[str, list[tuple[float, Traffic]]] = {}
    for number in range(plan.runs):
        instants = sorted(random.uniform(_EARLIEST, plan.seconds) for _ in range(plan.cuts))  # noqa: S311 - no secret
        progress(
            f"power cut, {plan.system}, run {number + 1} of {plan.runs}: "
            f"{plan.cuts} cuts within {plan.seconds:.0f} s, {plan.cameras} x {plan.mbit:g} Mbit/s each"
        )
        one = _run(writers, plan, instants, folder)
        losses.extend(one.losses)
        for writer, seen in one.traffic.items():
            asked.setdefault(writer, []).append(seen)
    return Outcome(
        plan,
        losses,
        {
            writer: (
                sum(seconds for seconds, _ in seen),
                Traffic(
                    sum(one.writes for _, one in seen),
                    sum(one.written for _, one in seen),
                    sum(one.flushes for _, one in seen),
                ),
            )
            for writer, seen in asked.items()
        },
    )


def table(outcome: Outcome, writers: Sequence[Writer]) -> Table:
    """What each writer lost, and what its disks were asked to do for it."""
    plan = outcome.plan
    ours = Summary.of(outcome.losses, "holdfast")
    rows = []
    for writer in writers:
        summary = Summary.of(outcome.losses, writer.name)
        if summary is None:
            continue
        seconds, disk = outcome.traffic[writer.name]
        rows.append(
            (
                writer.title,
                say(summary.least, 2),
                say(summary.mean, 2),
                say(summary.most, 2),
                say_ratio(ratio(ours.most if ours else None, summary.most))
                if writer.name != "holdfast"
                else "",
                say(disk.writes / seconds, 1),
                say(disk.written / max(1, disk.writes) / 1024, 0),
                say(disk.flushes / seconds, 1),
            )
        )
    return Table(
        f"Seconds of video lost per camera at a power cut, {plan.system}",
        ("", "least", "mean", "most", "ours / theirs", "writes/s", "KiB a write", "flushes/s"),
        rows,
        (
            f"{plan.runs * plan.cuts} cuts at random within {plan.seconds:.0f} s of recording.",
            f"{plan.cameras} cameras x {plan.mbit:g} Mbit/s for each recorder, on a file system of its own.",
        ),
    )


def _run(writers: Sequence[Writer], plan: Plan, instants: Sequence[float], folder: Path) -> Outcome:
    """One run with several cuts."""
    size = int(plan.cameras * plan.mbit * 1e6 / 8 * (plan.seconds + _START + _ROOM)) + (1 << 30)
    owned = {
        writer.name: range(number * plan.cameras, (number + 1) * plan.cameras)
        for number, writer in enumerate(writers)
    }
    with contextlib.ExitStack() as undo:
        stage = undo.enter_context(Stage(folder / "stage", size * len(writers) * 4))
        disks = {name: stage.disk(name, plan.system, size) for writer in writers for name in writer.disks}
        folders = {name: disk.folder for name, disk in disks.items()}
        cuts: list[tuple[float, Sent, dict[str, Path]]] = []
        with contextlib.ExitStack() as programs:
            source = programs.enter_context(load(plan.cameras * len(writers), plan.mbit, folder))
            pids = [
                programs.enter_context(
                    writer.recording(
                        {camera: source.urls[camera] for camera in owned[writer.name]},
                        folders,
                        folder / f"{writer.name}.log",
                    )
                )
                for writer in writers
            ]
            began = _playing(source, plan.cameras * len(writers))
            before = {writer.name: _traffic(writer, folders) for writer in writers}
            for instant in instants:
                time.sleep(max(0.0, began + instant - time.monotonic()))
                with stopped(pid for alive in pids for pid in alive()):
                    at = time.time()
                    copies = stage.cut()
                cuts.append((at, source.sent(), copies))
            seconds = time.monotonic() - began
            after = {writer.name: _traffic(writer, folders) for writer in writers}
        losses = [
            loss
            for at, sent, copies in cuts
            for writer in writers
            for loss in _read(stage, writer, owned[writer.name], at, sent, copies)
        ]
    return Outcome(plan, losses, {name: (seconds, after[name] - before[name]) for name in after})


def _playing(source: Load, cameras: int) -> float:
    """Wait until all cameras send. Returns the monotonic time."""
    until(lambda: source.sent().playing >= cameras, _START, f"{cameras} cameras to be recorded")
    return time.monotonic()


def _traffic(writer: Writer, folders: Mapping[str, Path]) -> Traffic:
    seen = [traffic(folders[name]) for name in writer.disks]
    return Traffic(
        sum(one.writes for one in seen), sum(one.written for one in seen), sum(one.flushes for one in seen)
    )


def _read(
    stage: Stage, writer: Writer, cameras: range, at: float, sent: Sent, copies: dict[str, Path]
) -> list[Loss]:
    """Compare what a writer's copies hold with what its cameras had sent when the power went."""
    with stage.after(copies, writer.disks) as disks:
        frames = writer.frames(disks, cameras)
    losses = []
    for camera in cameras:
        began = sent.cameras[camera].began
        if began is None:
            raise BenchError(f"camera {camera} was never asked for by {writer.name}")
        losses.append(Loss(writer.name, camera, at - began, at - began, frames.get(camera, 0) / sent.fps))
    return losses
