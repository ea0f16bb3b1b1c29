"""`log` and `audit`: what is in the recorder's logs."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from device.audit import spreadsheet
from device.audit.logs import Log, log_of
from device.audit.trail import Receipt, Verdict, latest
from device.audit.trail import verify as verify_trail
from device.errors import BadValue
from device.events.journal import peek
from device.events.words import said
from integration.commands.common import (
    ConfigOption,
    DataOption,
    JsonOption,
    console,
    installation,
    iso,
    local,
    say_json,
    table,
)
from integration.exports import signer

LOOK_BACK = 100_000  #: entries of the journal


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(log)
    app.command()(audit)


def log(
    which: Annotated[Log, typer.Argument(help="Which one.")] = Log.SYSTEM,
    last: Annotated[int, typer.Option(min=1, max=LOOK_BACK, help="How many entries.")] = 100,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a log: what happened, who was refused, or who did what."""
    folder = installation(config, data)
    _, entries = peek(folder.journal("control"), LOOK_BACK)
    found = [entry for entry in entries if log_of(entry.event.name) is which][-last:]
    if as_json:
        say_json(
            [
                {
                    "seq": entry.seq,
                    "utc": iso(entry.utc),
                    "severity": type(entry.event).severity.name.lower(),
                    "event": entry.event.name,
                    "text": said(entry.event),
                }
                for entry in found
            ]
        )
        return
    for entry in found:
        severity = type(entry.event).severity.name.lower()
        console.print(
            f"{local(entry.utc)}  {severity:9} {said(entry.event)}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )


def audit(
    verify: Annotated[
        bool, typer.Option("--verify", help="Go through the whole trail: was anything changed or taken away?")
    ] = False,
    head: Annotated[
        list[str] | None,
        typer.Option("--known", metavar="NUMBER:HASH", help="An entry's hash, as a syslog server kept it."),
    ] = None,
    last: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many entries.")] = 100,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, for spreadsheets.")] = False,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show who viewed, exported, deleted and changed what; or verify that nothing of it was changed."""
    folder = installation(config, data)
    if verify:
        verdict = verify_trail(folder.audit, signer(folder).public, [_receipt(text) for text in head or ()])
        _tell(verdict, as_json)
        raise typer.Exit(1 if verdict.problem else 0)
    if head:
        raise BadValue("--known", "goes with --verify")
    found = latest(folder.audit, last)
    if as_json:
        say_json(found)
    elif as_csv:
        sys.stdout.write(spreadsheet.as_csv(found))
    else:
        shown = ("number", "utc", "who", "peer", "deed", "what")
        table("", shown, [[spreadsheet.cell(row, name) for name in shown] for row in found])


def _receipt(text: str) -> Receipt:
    number, _, hashed = text.partition(":")
    if not number.isdecimal() or len(hashed) != 64:
        raise BadValue("--known", "must be NUMBER:HASH, the hash in 64 hexadecimal figures")
    return Receipt(int(number), hashed.lower())


def _tell(verdict: Verdict, as_json: bool) -> None:
    head = verdict.head
    if as_json:
        say_json(
            {
                "good": not verdict.problem,
                "entries": verdict.entries,
                "first": verdict.first,
                "head": None if head is None else {"number": head.number, "hash": head.hash},
                "problem": verdict.problem,
            }
        )
    elif verdict.problem:
        console.print(f"The audit trail was tampered with. {verdict.problem}.", style="red", soft_wrap=True)
    elif head is None:
        console.print("The audit trail is empty.")
    else:
        console.print(
            f"The audit trail is whole: {verdict.entries} entries. The last is {head.number}:{head.hash}",
            soft_wrap=True,
        )
