"""What is looked at after every endurance run: the store, the ledger, the pictures, the files."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device.folder import DataFolder
from device.media import MICROSECONDS, Kind, Utc
from device.recording.catalogue import CatalogueReader, SegmentRow
from tests.endurance.report import Report
from tests.integration.evidence import EVER, Account, accounts
from tests.integration.rig import Cameras, Recorder, holdfast, key_of

SETTLED = 3 * MICROSECONDS  #: of a session, after which times have to be right
RIGHT = 0.1  #: seconds that a recorded time may be wrong
SHOWN = 40  #: exceptions that are listed


@dataclass(frozen=True, slots=True)
class Sick:
    """A fault of a camera, from the journal."""

    name: str
    begin: Utc
    end: Utc


def rates(cameras: Cameras, *, sub: bool) -> dict[str, int]:
    """Frames a second by recording."""
    found = {}
    for each in cameras.told["cameras"]:
        key = key_of(each["number"])
        found[key] = int(each["fps"])
        if sub:
            found[f"{key}.sub"] = 5
    return found


def sicknesses(entries: Sequence[Mapping[str, Any]], camera: int) -> list[Sick]:
    """What one camera suffered, in order."""
    found: list[Sick] = []
    begun: dict[str, Utc] = {}
    for entry in entries:
        if entry["camera"] != camera or entry["phase"] not in ("begin", "end"):
            continue
        at, name = Utc(int(entry["utc"])), str(entry["fault"])
        if entry["phase"] == "begin" and entry.get("seconds"):
            begun[name] = at
        else:
            found.append(Sick(name, begun.pop(name, at), at))
    return sorted(
        [*found, *(Sick(name, at, Utc(1 << 62)) for name, at in begun.items())], key=lambda s: s.begin
    )


def unsent(entries: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Frames that the cameras never made, because the machine was too busy, by recording."""
    found: dict[str, int] = {}
    for entry in entries:
        if entry["phase"] == "skip":
            key = key_of(entry["camera"])
            token = f"{key}.sub" if entry["stream"] == "sub" else key
            found[token] = found.get(token, 0) + int(entry["count"])
    return found


def blame(sick: Sequence[Sick], begin: Utc, end: Utc, after: int = 20 * MICROSECONDS) -> str:
    """The fault that explains something in [begin, end]: the last that had begun, unless it is long over."""
    guilty = [each for each in sick if each.begin <= end and begin <= each.end + after]
    return guilty[-1].name if guilty else ""


def judge_store(report: Report, data: Path) -> None:
    """`holdfast check --deep`: what it finds is a problem."""
    said = holdfast("check", "--deep", "--json", data=data, seconds=600)
    found = json.loads(said.out)
    report.add("segments", found["segments"])
    report.add("check --deep: problems", len(found["problems"]), most=0)
    report.problems += [f"check: {p['where']}: {p['what']}" for p in found["problems"]]


def judge_ledger(report: Report, data: Path) -> None:
    """Every recording and its gaps tile the time since it was created, to the microsecond."""
    holes = 0
    with CatalogueReader(DataFolder(data).catalogue) as catalogue:
        for row in catalogue.recordings():
            spans = catalogue.timeline(row.token, *EVER)
            edge = row.created
            for span in spans:
                if span.start != edge:
                    holes += 1
                    report.problems.append(
                        f"{row.token}: {span.start - edge} us are not in the ledger at {edge}"
                    )
                edge = span.end
    report.add("ledger: spans that do not touch", holes, most=0)


def judge_pictures(
    report: Report, data: Path, epoch: int, fps: Mapping[str, int], sick: Mapping[str, Sequence[Sick]]
) -> dict[str, Account]:
    """The numbers burnt into the pictures against the ledger. `sick`: by recording, what its camera suffered."""
    repeats = frozenset(token for token, each in sick.items() if each)
    found = accounts(DataFolder(data).catalogue, epoch, fps, repeats=repeats)
    wrong = untold = twice = backward = 0
    for token, each in found.items():
        ill = sick.get(token, ())
        wrong += len(each.wrong)
        untold += len(each.untold)
        twice += each.twice
        backward += each.backward
        for hole in (*each.wrong, *each.untold)[:SHOWN]:
            report.notes.append(f"{token}: {hole} [{blame(ill, hole.begin, hole.end) or 'healthy'}]")
        _judge_times(report, token, each, ill)
    report.add("frames sent", sum(each.sent for each in found.values()))
    report.add("frames recorded", sum(each.recorded for each in found.values()))
    report.add("frames missing", sum(each.missing for each in found.values()))
    report.add("holes where ledger and pictures differ by more than a frame", wrong, most=0)
    report.add("holes of which the ledger says nothing", untold, most=0)
    report.add("frames recorded twice", twice, most=0)
    report.add("frames with a time before their predecessor's", backward, most=0)
    return found


def _judge_times(report: Report, token: str, found: Account, sick: Sequence[Sick]) -> None:
    worst: dict[str, tuple[float, int]] = {}
    breaks = [hole.end for hole in found.holes] + ([found.away[0][0]] if found.away else [])
    for utc, away in found.away:
        name = blame(sick, utc, utc)
        if not name and any(0 <= utc - at < SETTLED for at in breaks):
            name = "first seconds of a session"
        most, count = worst.get(name, (0.0, 0))
        worst[name] = max(most, abs(away)), count + (abs(away) > RIGHT)
    healthy = worst.pop("", (0.0, 0))
    report.add(f"{token}: time wrong by at most, camera healthy", healthy[0], "s", most=RIGHT)
    for name, (most, count) in sorted(worst.items()):
        if most > RIGHT:
            report.notes.append(f"{token}: time wrong by up to {most:.3f} s, {count} frames [{name}]")


def judge_files(report: Report, data: Path) -> None:
    """ffmpeg plays every file; only those that the catalogue calls damaged may have it complain."""
    bad = damaged = count = 0
    with CatalogueReader(DataFolder(data).catalogue) as catalogue:
        for row in catalogue.recordings():
            for segment in catalogue.segments(row.token, *EVER):
                count += 1
                damaged += segment.damaged
                said = complaints(segment)
                if said and not segment.damaged:
                    bad += 1
                    report.problems.append(f"{row.token} {segment.path.name}: {said}")
    report.add("files", count)
    report.add("files that are marked damaged", damaged)
    report.add("other files that ffmpeg complains of", bad, most=0)


def complaints(segment: SegmentRow) -> str:
    """What ffmpeg says of a file's pictures and sound; nothing, if all is well."""
    # Into forms without timestamps: what its own output would not like of them is no fault of the file.
    outputs = {Kind.VIDEO: ("-map", "0:v", "-f", "rawvideo"), Kind.AUDIO: ("-map", "0:a", "-f", "s16le")}
    kinds = {track.kind for track in segment.tracks}
    given = [word for kind, each in outputs.items() if kind in kinds for word in (*each, "-y", "/dev/null")]
    command = ["ffmpeg", "-v", "error", "-nostdin", "-i", str(segment.path), *given]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stderr.splitlines()
    return " | ".join(lines[:3]) if lines or not done.returncode else f"exit code {done.returncode}"


def judge_end(report: Report, recorder: Recorder) -> None:
    """The recorder ended as it should."""
    code = recorder.ended()
    if code:
        report.problems.append(f"the recorder ended with {code}")
    if "Traceback" in recorder.complaints:
        report.problems.append(f"the recorder complained: {recorder.complaints[-2000:]}")


def newest(data: Path) -> dict[str, Utc]:
    """For every recording the end of what is acknowledged."""
    with CatalogueReader(DataFolder(data).catalogue) as catalogue:
        return {row.token: row.last for row in catalogue.recordings() if row.last is not None}
