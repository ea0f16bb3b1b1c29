"""CPU, memory and loss of recording many cameras, beside one ffmpeg and one GStreamer per camera.

All record the same load, one after another, alternated (ours, ffmpeg, ours, GStreamer, ...) so that what else
the machine does falls on all alike. What each loses at a power cut stands in the same table, because the
cheapest way to record is not to write.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import powercut
from bench.blocks import why_not
from bench.contenders import Contender, Running, Writer
from bench.holdfast import HoldfastRecorder, HoldfastWriter
from bench.load import Load, Sent, load
from bench.measure import Sample, Traffic, Usage, between, others_percent, sample, total, traffic
from bench.peers import FFMPEG, GSTREAMER, PeerRecorder, PeerWriter
from bench.powercut import Summary
from bench.programs import until
from bench.report import Json, Options, Report
from bench.table import Table, ratio, say_ratio, spread

_LOAD = "load"
_START = 90.0  # seconds until every camera must be recorded: 64 processes take a while to start


@dataclass(frozen=True, slots=True)
class Shape:
    """One load and how long it is measured."""

    cameras: int
    mbit: float  #: of each camera, Mbit/s
    warm: float  #: seconds before the measurement
    window: float  #: seconds of the measurement
    order: Sequence[Contender]

    @property
    def name(self) -> str:
        """As reports call it."""
        return f"{self.cameras}x{self.mbit:g}"


@dataclass(frozen=True, slots=True)
class Round:
    """One measurement of one recorder."""

    recorder: str
    usage: Usage  #: of all its processes together
    planes: Mapping[str, Usage]
    gigabits: float  #: that the load sent within the window
    packets: int
    lost: int | None  #: packets that the recorder missed since it began; None where it does not count
    disk: Traffic
    others: float  #: per cent of one core that everything else on the machine took

    @property
    def cost(self) -> float:
        """CPU seconds per Gbit."""
        return self.usage.cpu / self.gigabits

    @property
    def rate(self) -> float:
        """Mbit/s."""
        return self.gigabits * 1000 / self.usage.seconds


def bench(options: Options) -> Report:
    """The whole bench; `--quick` measures 16 cameras alone, for less time."""
    ours, ffmpeg, gstreamer = HoldfastRecorder(), PeerRecorder(FFMPEG), PeerRecorder(GSTREAMER)
    recorders: list[Contender] = [ours, ffmpeg, gstreamer]
    order: list[Contender] = [ours, ffmpeg, ours, gstreamer]
    shapes = [Shape(16, 16, 4, 12, order)]
    if not options.quick:
        longer = [*order, ffmpeg, ours, gstreamer, ours, ffmpeg]
        shapes = [Shape(16, 16, 8, 30, longer), Shape(64, 4, 8, 30, longer)]
    rounds = {shape.name: measure(shape, options.folder, options.progress) for shape in shapes}
    cuts = _cuts(options)
    figures = {name: _figures(found, recorders, cuts) for name, found in rounds.items()}
    headline = shapes[0].name
    return Report(
        holdfast={
            **figures[headline][ours.name],
            "shapes": {name: each[ours.name] for name, each in figures.items()},
        },
        peers={
            peer.name: {
                **figures[headline][peer.name],
                "shapes": {name: each[peer.name] for name, each in figures.items()},
            }
            for peer in (ffmpeg, gstreamer)
        },
        ratios=_ratios(rounds, headline, ours, (ffmpeg, gstreamer)),
        load={"cameras": shapes[0].cameras, "mbit_s": shapes[0].mbit, "transport": "RTSP over TCP"},
        tables=[table(shape, rounds[shape.name], recorders, cuts) for shape in shapes],
    )


def measure(shape: Shape, folder: Path, progress: Callable[[str], None]) -> list[Round]:
    """Let the recorders of `shape.order` record, one after another."""
    found = []
    for number, recorder in enumerate(shape.order):
        one = _round(shape, recorder, folder)
        progress(
            f"{shape.name}, {number + 1} of {len(shape.order)}: {recorder.title}: {one.cost:.3f} CPU-s/Gbit"
            f" at {one.rate:.0f} Mbit/s, {one.others:.0f} % of a core taken by others"
        )
        found.append(one)
    return found


def table(
    shape: Shape, rounds: Sequence[Round], recorders: Sequence[Contender], cuts: Mapping[str, Summary | None]
) -> Table:
    """All recorders, with our planes one by one below us."""
    ours = _mean(rounds, "holdfast", "")
    rows = []
    for recorder in recorders:
        mine = [one for one in rounds if one.recorder == recorder.name]
        cut = cuts.get(recorder.name)
        lost = [one.lost for one in mine if one.lost is not None]
        rows.append(
            (
                recorder.title,
                spread([one.cost for one in mine], 3),
                say_ratio(ratio(ours, _mean(rounds, recorder.name, "")))
                if recorder.name != "holdfast"
                else "",
                spread([one.usage.core_percent for one in mine], 1),
                spread([one.usage.memory.pss / 1e6 for one in mine], 0),
                str(max(lost)) if lost else "-",
                f"{cut.least:.1f}–{cut.most:.1f} s" if cut else "-",
            )
        )
        planes = {plane: None for one in mine for plane in one.planes} if len(mine[0].planes) > 1 else {}
        rows.extend(
            (
                f"– {plane}",
                spread([one.planes[plane].cpu / one.gigabits for one in mine], 3),
                "",
                spread([one.planes[plane].core_percent for one in mine], 1),
                spread([one.planes[plane].memory.pss / 1e6 for one in mine], 0),
                "",
                "",
            )
            for plane in planes
        )
    others = max(one.others for one in rounds)
    return Table(
        f"Recording {shape.cameras} cameras x {shape.mbit:g} Mbit/s",
        ("", "CPU-s/Gbit", "ours / theirs", "% of a core", "PSS MB", "packets lost", "lost at a power cut"),
        rows,
        (
            f"RTSP over TCP from the same load on the same machine, {shape.window:.0f} s each, alternated.",
            f"All else on the machine, the kernel included, took up to {others:.0f} % of a core.",
        ),
    )


def _round(shape: Shape, recorder: Contender, folder: Path) -> Round:
    """One recorder records all cameras of the shape for a while, into a folder that is removed afterwards."""
    video = folder / "video"
    video.mkdir()
    try:
        with (
            load(shape.cameras, shape.mbit, folder) as source,
            recorder.recording(source.urls, video, folder / f"{recorder.name}.log") as state,
        ):
            until(
                lambda: source.sent().playing >= shape.cameras,
                _START,
                f"{recorder.title} to record {shape.cameras} cameras",
            )
            time.sleep(shape.warm)
            first = _look(source, state, video)
            time.sleep(shape.window)
            second = _look(source, state, video)
    finally:
        shutil.rmtree(video)
    used = between(first.sample, second.sample)
    planes = {name: usage for name, usage in used.items() if name != _LOAD}
    return Round(
        recorder=recorder.name,
        usage=total(planes.values()),
        planes=planes,
        gigabits=second.sent.gigabits - first.sent.gigabits,
        packets=second.sent.packets - first.sent.packets,
        lost=second.running.lost,
        disk=second.disk - first.disk,
        others=others_percent(first.sample, second.sample),
    )


@dataclass(frozen=True, slots=True)
class _Look:
    sent: Sent
    sample: Sample
    running: Running
    disk: Traffic


def _look(source: Load, state: Callable[[], Running], video: Path) -> _Look:
    """All counters at one instant, right after the load has written its own."""
    running = state()
    sent = source.sent_now()
    return _Look(sent, sample({**running.groups, _LOAD: (source.pid,)}), running, traffic(video))


def _cuts(options: Options) -> dict[str, Summary | None]:
    """What each loses at a power cut; empty where this machine cannot tell."""
    missing = why_not()
    if missing:
        options.progress(missing)
        return {}
    writers: list[Writer] = [HoldfastWriter(), PeerWriter(FFMPEG), PeerWriter(GSTREAMER)]
    plan = powercut.Plan(4, 4, "ext4", 40, 4, 1) if options.quick else powercut.Plan(8, 4, "ext4", 60, 5, 4)
    outcome = powercut.experiment(writers, plan, options.folder, options.progress)
    return {writer.name: Summary.of(outcome.losses, writer.name) for writer in writers}


def _mean(rounds: Sequence[Round], recorder: str, plane: str) -> float | None:
    """CPU seconds per Gbit over all rounds of a recorder; of one plane, or of the whole where it is empty."""
    mine = [one for one in rounds if one.recorder == recorder]
    spent = sum((one.planes[plane] if plane else one.usage).cpu for one in mine)
    return spent / sum(one.gigabits for one in mine) if mine else None


def _ratios(
    rounds: Mapping[str, Sequence[Round]], headline: str, ours: Contender, peers: Sequence[Contender]
) -> dict[str, float | None]:
    """CPU for the same load: all our planes, and our recording plane alone, which does what the peers do."""
    found: dict[str, float | None] = {}
    for shape, mine in rounds.items():
        suffix = "" if shape == headline else f"_{shape}"
        for peer in peers:
            theirs = _mean(mine, peer.name, "")
            found[f"{peer.name}{suffix}"] = ratio(_mean(mine, ours.name, ""), theirs)
            found[f"{peer.name}{suffix}_recording_plane"] = ratio(_mean(mine, ours.name, "recording"), theirs)
    return found


def _figures(
    rounds: Sequence[Round], recorders: Sequence[Contender], cuts: Mapping[str, Summary | None]
) -> dict[str, dict[str, Json]]:
    """Of each recorder, for reports: sums over its rounds, the largest of its memory."""
    found: dict[str, dict[str, Json]] = {}
    for recorder in recorders:
        mine = [one for one in rounds if one.recorder == recorder.name]
        lost = [one.lost for one in mine if one.lost is not None]
        seconds = sum(one.usage.seconds for one in mine)
        cut = cuts.get(recorder.name)
        found[recorder.name] = {
            "packets_lost": sum(lost) if lost else None,
            "packets_sent": sum(one.packets for one in mine),
            "cpu_seconds": round(sum(one.usage.cpu for one in mine), 3),
            "cpu_seconds_per_gbit": round(_mean(mine, recorder.name, "") or 0.0, 4),
            "core_percent": round(100 * sum(one.usage.cpu for one in mine) / seconds, 2),
            "rss_mb": round(max(one.usage.memory.rss for one in mine) / 1e6, 1),
            "pss_mb": round(max(one.usage.memory.pss for one in mine) / 1e6, 1),
            "mbit_s": round(1000 * sum(one.gigabits for one in mine) / seconds, 1),
            "seconds": round(seconds, 1),
            "writes_per_s": round(sum(one.disk.writes for one in mine) / seconds, 1),
            "flushes_per_s": round(sum(one.disk.flushes for one in mine) / seconds, 1),
            "others_core_percent": round(max(one.others for one in mine), 1),
            "seconds_lost_at_power_cut": cut.json() if cut else None,
            "planes": {
                plane: {
                    "cpu_seconds_per_gbit": round(_mean(mine, recorder.name, plane) or 0.0, 4),
                    "pss_mb": round(max(one.planes[plane].memory.pss for one in mine) / 1e6, 1),
                }
                for plane in mine[0].planes
            },
        }
    return found
