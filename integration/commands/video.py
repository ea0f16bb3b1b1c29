"""`recordings`, `export`, `check`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from device.clock import SystemClock
from device.errors import BadValue, Refused
from device.folder import DataFolder
from device.media import MICROSECONDS, Utc
from device.recording import export as exporting
from device.recording.catalogue import CatalogueReader, GapRow, RecordingRow
from device.recording.check import check as verify
from device.recording.shelf import VolumeSettings
from device.settings.storages import Storage
from integration.commands.common import (
    ConfigOption,
    DataOption,
    JsonOption,
    console,
    installation,
    iso,
    local,
    runs,
    say_json,
    size,
    table,
)
from integration.setup import reading_settings

DAY = 86_400 * MICROSECONDS


class NothingRecorded(Refused):
    """The span has no video."""

    hint = "`holdfast recordings --gaps` tells what there is, and why something is missing."


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(recordings)
    app.command()(export)
    app.command()(check)


def moment(text: str, field: str) -> Utc:
    """An instant as a person types it: ISO 8601; without a zone it is the machine's. Raises BadValue."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise BadValue(field, f"{text[:40]!r} is no time such as 2026-11-22T18:00:00") from None
    return Utc(round(parsed.astimezone().timestamp() * MICROSECONDS))


def recordings(
    since: Annotated[
        str | None, typer.Option("--from", help="Completeness and gaps from then on; the last day.")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="... and until then; now.")] = None,
    gaps: Annotated[bool, typer.Option("--gaps", help="Show every gap with its cause.")] = False,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what is recorded, how complete it is, and what is missing why."""
    folder = installation(config, data)
    end = moment(until, "--to") if until else SystemClock().utc()
    start = moment(since, "--from") if since else Utc(end - DAY)
    if start >= end:
        raise BadValue("--from", "must be before --to")
    with CatalogueReader(folder.catalogue) as catalogue:
        found = [
            (row, catalogue.completeness(row.token, start, end), catalogue.gaps(row.token, start, end))
            for row in catalogue.recordings()
        ]
    if as_json:
        say_json(
            {
                "from": iso(start),
                "to": iso(end),
                "recordings": [
                    {
                        **_recording(row),
                        "recorded_seconds": complete.recorded / MICROSECONDS,
                        "missing_seconds": complete.missing / MICROSECONDS,
                        "not_due_seconds": complete.idle / MICROSECONDS,
                        "complete": complete.share,
                        "gaps": [_gap(gap) for gap in missing],
                    }
                    for row, complete, missing in found
                ],
            }
        )
        return
    cells = [
        (
            row.token,
            local(row.first) if row.first else "",
            local(row.last) if row.last else "",
            size(row.bytes),
            f"{complete.share:.4%}",
            f"{complete.missing / MICROSECONDS:.1f} s",
            str(sum(gap.cause.due for gap in missing)),
        )
        for row, complete, missing in found
    ]
    table("Recordings", ("recording", "from", "to", "size", "complete", "missing", "gaps"), cells)
    if gaps:
        rows = [
            (row.token, local(gap.start), _length(gap), gap.cause.value, gap.detail)
            for row, _, missing in found
            for gap in missing
        ]
        table("Gaps", ("recording", "from", "length", "cause", "detail"), rows)


def _recording(row: RecordingRow) -> dict[str, object]:
    return {
        "id": row.token,
        "camera": row.camera,
        "stream": row.stream,
        "created": iso(row.created),
        "first": iso(row.first) if row.first else None,
        "last": iso(row.last) if row.last else None,
        "bytes": row.bytes,
    }


def _gap(gap: GapRow) -> dict[str, object]:
    return {
        "from": iso(gap.start),
        "to": iso(gap.end) if gap.end else None,
        "cause": gap.cause.value,
        "due": gap.cause.due,
        "lost_packets": gap.lost,
        "detail": gap.detail,
    }


def _length(gap: GapRow) -> str:
    return "lasts" if gap.end is None else f"{(gap.end - gap.start) / MICROSECONDS:.3f} s"


def export(
    recording: Annotated[str, typer.Argument(help="Recording, as `holdfast recordings` names it.")],
    out: Annotated[Path, typer.Argument(help="File to write (MP4).")],
    since: Annotated[str | None, typer.Option("--from", help="First instant; the oldest.")] = None,
    until: Annotated[
        str | None, typer.Option("--to", help="Instant before which it ends; the newest.")
    ] = None,
    force: Annotated[bool, typer.Option(help="Take the place of a file that is there.")] = False,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a span of a recording to an MP4 file, exact to the frame; gaps are stated."""
    folder = installation(config, data)
    with CatalogueReader(folder.catalogue) as catalogue:
        row = catalogue.recording(recording)
        if row.first is None or row.last is None:
            raise NothingRecorded(f"Nothing is recorded in {recording} yet.")
        start = moment(since, "--from") if since else row.first
        end = moment(until, "--to") if until else row.last
        plan = exporting.plan(catalogue, recording, start, end)
        if not plan.parts:
            raise NothingRecorded(f"Nothing is recorded in {recording} from {local(start)} to {local(end)}.")
        files = _files(out, len(plan.parts))
        if taken := [file for file in files if file.exists() and not force]:
            raise BadValue(str(taken[0]), "is there already; --force takes its place")
        _write(plan, files, quiet=as_json)
    told = {
        "recording": recording,
        "from": iso(start),
        "to": iso(end),
        "files": [str(file) for file in files],
        "parts": [
            {
                "file": str(file),
                "from": iso(part.utc),
                "to": iso(part.utc_end),
                "frames": part.frames,
                "damaged": part.damaged,
            }
            for file, part in zip(files, plan.parts, strict=True)
        ],
        "frames": plan.frames,
        "bytes": plan.size,
        "gaps": [{"from": iso(gap.utc), "seconds": gap.length / MICROSECONDS} for gap in plan.gaps],
    }
    if as_json:
        say_json(told)
        return
    for file, part in zip(files, plan.parts, strict=True):
        console.print(
            f"{file}: {part.frames} frames, {size(part.size)}, {local(part.utc)} to {local(part.utc_end)}"
        )
    for gap in plan.gaps:
        console.print(f"No video: {gap.length / MICROSECONDS:.3f} s from {local(gap.utc)}", style="yellow")


def _files(out: Path, count: int) -> list[Path]:
    if count == 1:
        return [out]
    return [out.with_stem(f"{out.stem}-{number}") for number in range(1, count + 1)]


def _write(plan: exporting.Plan, files: list[Path], *, quiet: bool) -> None:
    """Write the parts; what was begun and not finished is removed."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=quiet or not sys.stdout.isatty()) as progress:
        for file, part in zip(files, plan.parts, strict=True):
            half = file.with_name(f".{file.name}.part")
            show = partial(_advance, progress, progress.add_task(file.name, total=part.size))
            try:
                with half.open("wb") as opened:
                    exporting.write(part, opened, show)
                half.rename(file)
            finally:
                half.unlink(missing_ok=True)


def _advance(progress: Progress, task: TaskID, done: int, total: int) -> None:
    progress.update(task, completed=done, total=total)


def check(
    deep: Annotated[bool, typer.Option(help="Read all of the video and compare its checksums.")] = False,
    repair: Annotated[
        bool, typer.Option(help="Repair what can safely be repaired; the recorder must not run.")
    ] = False,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Verify that what the catalogue promises is on the disk, whole, and that ledger and recordings add up."""
    folder = installation(config, data)
    if repair and runs(folder):
        raise Refused("A recorder runs on that folder; stop it before a repair.")
    report = verify(folder.catalogue, _volumes(folder), deep=deep, repair=repair)
    if as_json:
        say_json({"good": report.good, **asdict(report)})
    else:
        for problem in report.problems:
            state = (
                "repaired"
                if problem.repaired
                else "--repair mends it"
                if problem.repairable
                else "for a person to decide"
            )
            console.print(
                f"[red]Invariant {problem.invariant}[/red]  {problem.where}: {problem.what}  ({state})"
            )
        console.print(
            f"{report.recordings} recordings, {report.segments} segments, {size(report.octets)}:"
            f" {len(report.problems) or 'no'} problems."
        )
    if not report.good:
        raise typer.Exit(1)


def _volumes(folder: DataFolder) -> list[VolumeSettings]:
    store = reading_settings(folder)
    try:
        return [VolumeSettings(Path(each.path), key) for key, each in store.entries(Storage).items()]
    finally:
        store.close()
