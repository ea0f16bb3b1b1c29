"""`recordings`, `check`."""

from __future__ import annotations

import contextlib
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from device.archive.ledger import Ledger
from device.clock import SystemClock
from device.errors import BadValue, Fault, Refused
from device.folder import DataFolder
from device.identity import identity
from device.media import MICROSECONDS, Utc
from device.recording.catalogue import CatalogueReader, FilledRow, GapRow, RecordingRow
from device.recording.check import check as verify
from device.recording.database import CatalogueBroken
from device.recording.rebuild import Rebuilt, set_aside
from device.recording.rebuild import rebuild as rebuild_catalogue
from device.recording.shelf import VolumeSettings
from device.settings.storages import Storage
from integration.afar import AllOfArchive, ArchiveProofs, moved_to, place_of
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
from integration.commands.reach import read
from integration.setup import reading_settings
from protocols.smb.share import Share

DAY = 86_400 * MICROSECONDS


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(recordings)
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
            (
                row,
                catalogue.completeness(row.token, start, end),
                catalogue.gaps(row.token, start, end),
                catalogue.filled(row.token, start, end),
            )
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
                        "filled": [_filled(each) for each in filled],
                    }
                    for row, complete, missing, filled in found
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
        for row, complete, missing, _ in found
    ]
    table("Recordings", ("recording", "from", "to", "size", "complete", "missing", "gaps"), cells)
    if gaps:
        rows = [
            (row.token, local(gap.start), _length(gap), gap.cause.value, gap.detail)
            for row, _, missing, _ in found
            for gap in missing
        ]
        table("Gaps", ("recording", "from", "length", "cause", "detail"), rows)
        came = [
            (row.token, local(each.start), _length(each), each.cause.value, local(each.at), each.source)
            for row, _, _, filled in found
            for each in filled
        ]
        if came:
            table("Filled later", ("recording", "from", "length", "cause", "filled", "source"), came)


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


def _filled(each: FilledRow) -> dict[str, object]:
    return {
        "from": iso(each.start),
        "to": iso(each.end),
        "cause": each.cause.value,
        "at": iso(each.at),
        "source": each.source,
    }


def _length(gap: GapRow | FilledRow) -> str:
    return "lasts" if gap.end is None else f"{(gap.end - gap.start) / MICROSECONDS:.3f} s"


def check(
    deep: Annotated[bool, typer.Option(help="Read all of the video and compare its checksums.")] = False,
    repair: Annotated[
        bool, typer.Option(help="Repair what can safely be repaired; the recorder must not run.")
    ] = False,
    rebuild: Annotated[
        bool,
        typer.Option(
            help="First make the catalogue anew from the recordings, where it is lost or cannot be read; the recorder"
            " must not run."
        ),
    ] = False,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Verify that what the catalogue promises is on the disk, whole, and that ledger and recordings add up."""
    folder = installation(config, data)
    if (repair or rebuild) and runs(folder):
        raise Refused("A recorder runs on that folder; stop it before a repair.")
    rebuilt = _rebuild(folder) if rebuild else None
    with ArchiveProofs(folder, SystemClock()) as proofs:
        report = verify(folder.catalogue, _volumes(folder), deep=deep, repair=repair, proofs=proofs)
    if as_json:
        say_json({"good": report.good, **asdict(report), "rebuilt": asdict(rebuilt) if rebuilt else None})
    else:
        for skipped in rebuilt.skipped if rebuilt else ():
            console.print(f"Left where it is, and not in the catalogue: {skipped}")
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


def _rebuild(folder: DataFolder) -> Rebuilt:
    """A catalogue in the place of one that is lost; one that cannot be read is kept under another name."""
    try:
        CatalogueReader(folder.catalogue).close()
    except CatalogueBroken:
        set_aside(folder.catalogue)
    except Fault:
        pass  # there is none
    settings = read(folder, moved_to)
    with contextlib.ExitStack() as stack:
        archives = [AllOfArchive(each, stack.enter_context(Share(place_of(each)))) for each in settings]
        made = rebuild_catalogue(folder.catalogue, _volumes(folder), identity(folder.identity).id, archives)
        with CatalogueReader(folder.catalogue) as catalogue:
            for archive in archives:
                with contextlib.closing(Ledger(folder.archive, archive.target)) as ledger:
                    archive.enter(catalogue, ledger, SystemClock().utc())
    return made


def _volumes(folder: DataFolder) -> list[VolumeSettings]:
    store = reading_settings(folder)
    try:
        return [VolumeSettings(Path(each.path), key) for key, each in store.entries(Storage).items()]
    finally:
        store.close()
