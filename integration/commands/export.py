"""`export`, `verify`, `fingerprint`."""

from __future__ import annotations

import contextlib
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer
from rich.markup import escape
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
from device.errors import BadValue
from device.identity import identity
from device.media import Utc
from device.recording.catalogue import CatalogueReader
from device.recording.export import verify as verifying
from device.recording.export.manifest import File, Gap
from device.recording.export.planner import Form
from device.recording.export.writing import Exported, NothingRecorded, Order, Target
from device.recording.export.writing import export as write_export
from integration.afar import reading
from integration.commands.common import (
    ConfigOption,
    DataOption,
    JsonOption,
    console,
    installation,
    local,
    say_json,
    size,
    table,
    who,
)
from integration.commands.video import moment
from integration.exports import about, signer

_SIZES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    DownloadColumn(),
    TransferSpeedColumn(),
    TimeRemainingColumn(),
)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(export)
    app.command()(verify)
    app.command()(fingerprint)


def export(
    recordings: Annotated[list[str], typer.Argument(help="Recordings, as `holdfast recordings` names them.")],
    out: Annotated[Path, typer.Argument(help="File (.mp4, .mkv), or a folder of its own.")],
    since: Annotated[str | None, typer.Option("--from", help="First instant; the oldest.")] = None,
    until: Annotated[
        str | None, typer.Option("--to", help="Instant before which it ends; the newest.")
    ] = None,
    form: Annotated[
        Form | None, typer.Option("--format", help="What to write; by the file's name, else mp4.")
    ] = None,
    largest: Annotated[
        str | None, typer.Option(help="Begin another file before one is larger, such as 4G or 700M.")
    ] = None,
    force: Annotated[bool, typer.Option(help="Take the place of files that are there.")] = False,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a span of recordings to files, exact to the frame, with a signed manifest; gaps are stated."""
    folder = installation(config, data)
    named = {".mp4": Form.MP4, ".mkv": Form.MATROSKA}.get(out.suffix.lower())
    if form is not None and named is not None and form is not named:
        raise BadValue("--format", f"{form.value} is not what {out.name} says")
    with (
        contextlib.closing(reading(folder, SystemClock())) as far,
        CatalogueReader(folder.catalogue, far) as catalogue,
    ):
        start, end = _span(catalogue, recordings, since, until)
        order = Order(tuple(recordings), start, end, form or named or Form.MP4, _bytes(largest))
        target = Target(out.absolute(), named is None, force)
        with _terminable(), _Bar(quiet=as_json) as bar:
            made = write_export(
                catalogue, order, target, signer(folder), about(folder, SystemClock(), who()), bar
            )
    if as_json:
        say_json(_told(made, order))
    else:
        _tell(made)


def _span(
    catalogue: CatalogueReader, tokens: list[str], since: str | None, until: str | None
) -> tuple[Utc, Utc]:
    rows = [catalogue.recording(token) for token in tokens]
    if all(row.first is None for row in rows):
        raise NothingRecorded(f"Nothing is recorded in {', '.join(tokens)} yet.")
    start = moment(since, "--from") if since else min(row.first for row in rows if row.first is not None)
    end = moment(until, "--to") if until else max(row.last for row in rows if row.last is not None)
    if end <= start:
        raise BadValue("--to", "must be later than --from")
    return start, end


def _bytes(text: str | None) -> int | None:
    """A size as people write it. Raises BadValue."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,12})([KMGT]?)", text.upper().removesuffix("IB").removesuffix("B"))
    if match is None or not int(match[1]):
        raise BadValue("--largest", f"{text[:20]!r} is no size such as 4G or 700M")
    octets = int(match[1]) * _SIZES[match[2]]
    # A file system that takes less than 4 GiB takes one byte less.
    return octets - 1 if octets == 4 << 30 else octets


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM ends the work as Ctrl-C does: nothing is left behind."""

    def end(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - as signal wants it
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Bar:
    """Progress on the terminal, with the time that is left (`device.recording.export.writing.Watch`)."""

    def __init__(self, *, quiet: bool) -> None:
        self._progress = Progress(*_COLUMNS, console=console, disable=quiet or not sys.stdout.isatty())
        self._task = self._progress.add_task("", total=None)

    def __enter__(self) -> _Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def phase(self, name: str, *, total: int, unit: str) -> None:  # noqa: ARG002 - bytes, always
        """See Watch."""
        self._progress.update(self._task, description=name, total=total)

    def step(self, done: int) -> None:
        """See Watch."""
        self._progress.update(self._task, completed=done)


def _seconds(begin: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()


def _gap(token: str, gap: Gap) -> dict[str, object]:
    return {
        "recording": token,
        "from": gap.begin,
        "to": gap.end,
        "seconds": _seconds(gap.begin, gap.end),
        "cause": gap.cause,
        "due": gap.due,
    }


def _part(path: Path, file: File) -> dict[str, object]:
    return {
        "file": str(path),
        "recording": file.recording,
        "from": file.begin,
        "to": file.end,
        "frames": file.frames,
        "bytes": file.size,
        "sha256": file.sha256,
        "damaged": file.damaged,
        "lead_in_seconds": file.lead_in_us / 1e6,
        "unsound": list(file.unsound),
    }


def _told(made: Exported, order: Order) -> dict[str, object]:
    said = made.manifest
    return {
        "recording": order.tokens[0],
        "recordings": list(order.tokens),
        "from": said.begin,
        "to": said.end,
        "files": [str(path) for path in made.files],
        "manifest": str(made.path),
        "fingerprint": made.fingerprint,
        "parts": [_part(path, file) for path, file in zip(made.files, said.files, strict=True)],
        "frames": sum(file.frames for file in said.files),
        "bytes": sum(file.size for file in said.files),
        "gaps": [_gap(each.recording, gap) for each in said.recordings for gap in each.gaps],
    }


def _tell(made: Exported) -> None:
    for path, file in zip(made.files, made.manifest.files, strict=True):
        begin, end = (local(moment(text, "time")) for text in (file.begin, file.end))
        console.print(f"{path}: {file.frames} frames, {size(file.size)}, {begin} to {end}")
        if file.damaged:
            console.print("  some pictures follow a loss of packets and may show errors", style="yellow")
        for text in file.unsound:
            console.print(f"  not what was recorded: {local(moment(text, 'time'))}", style="red")
    for each in made.manifest.recordings:
        for gap in each.gaps:
            begin = local(moment(gap.begin, "time"))
            length = _seconds(gap.begin, gap.end)
            console.print(
                f"{each.recording}: no video for {length:.3f} s from {begin}: {gap.cause}", style="yellow"
            )
    console.print(f"{made.path}: signed with key {made.fingerprint}")


def verify(
    path: Annotated[Path, typer.Argument(help="A file of an export, its manifest, or its folder.")],
    key: Annotated[
        list[str] | None,
        typer.Option(help="Fingerprint of a key that is trusted; may be given several times."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check an export against its signed manifest, anywhere: no recorder is needed."""
    trusted = frozenset(verifying.fingerprint(text) for text in key or ())
    verdicts = []
    with Progress(*_COLUMNS, console=console, disable=as_json or not sys.stdout.isatty()) as progress:
        for manifest in verifying.manifests(path):
            task = progress.add_task(manifest.name, total=None)
            verdicts.append(verifying.verify(manifest, trusted, partial(_advance, progress, task)))
    intact = all(verdict.intact for verdict in verdicts)
    if as_json:
        say_json({"intact": intact, "exports": [_verdict(verdict) for verdict in verdicts]})
    else:
        for verdict in verdicts:
            _judge(verdict)
    if not intact:
        raise typer.Exit(1)


def _advance(progress: Progress, task: TaskID, done: int, total: int) -> None:
    progress.update(task, completed=done, total=total)


def _verdict(verdict: verifying.Verdict) -> dict[str, object]:
    said = verdict.manifest
    return {
        "manifest": str(verdict.path),
        "intact": verdict.intact,
        "fingerprint": verdict.fingerprint,
        "trusted": verdict.trusted,
        "recorder": said.recorder.model_dump(),
        "exported": said.exported,
        "from": said.begin,
        "to": said.end,
        "files": len(said.files),
        "problems": [
            {"finding": each.finding.value, "name": each.name, "detail": each.detail}
            for each in verdict.problems
        ],
    }


def _judge(verdict: verifying.Verdict) -> None:
    said = verdict.manifest
    for each in verdict.problems:
        console.print(f"[red]{each.finding.value}[/red]  {escape(each.name)}: {escape(each.detail)}")
    count = f"{len(said.files)} file{'s' if len(said.files) != 1 else ''}"
    span = f"{', '.join(each.recording for each in said.recordings)}, {said.begin} to {said.end}"
    word = "[green]intact[/green]" if verdict.intact else "[red]NOT INTACT[/red]"
    console.print(f"{word}  {escape(f'{verdict.path}: {count} of {span}')}")
    key = f"key {verdict.fingerprint}, which says it is of recorder {escape(said.recorder.serial)}"
    match verdict.trusted:
        case True:
            console.print(f"Signed by {key}: trusted.")
        case False:
            console.print(f"Signed by {key}: not one of those that are trusted.", style="red")
        case None:
            console.print(
                f"Signed by {key}. Compare that with `holdfast fingerprint` at the recorder, or give --key.",
                style="yellow",
            )


def fingerprint(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Show the key that this recorder signs exports with: what `holdfast verify --key` wants to know."""
    folder = installation(config, data)
    own, key = identity(folder.identity), signer(folder).public
    if as_json:
        say_json({"serial": own.serial, "fingerprint": key.fingerprint, "public_key": key.pem})
        return
    table("Signature", ("recorder", "fingerprint"), [(own.serial, key.fingerprint)])
