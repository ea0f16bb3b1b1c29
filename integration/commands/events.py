"""`holdfast events`: what happened, and what happens."""

from __future__ import annotations

import contextlib
import json
import sys
from typing import Annotated

import typer
from rich.markup import escape

from device.events.event import dump, load
from device.events.journal import peek
from device.events.words import fields
from device.media import Utc
from device.planes.link import Client
from device.planes.messages import SubscribeEvents
from device.records import BadRecord
from integration.commands.common import (
    ConfigOption,
    DataOption,
    JsonOption,
    ask,
    console,
    installation,
    iso,
    local,
)


def events(
    follow: Annotated[bool, typer.Option("--follow", help="Go on with what happens, until Ctrl-C.")] = False,
    last: Annotated[int, typer.Option(min=0, max=10_000, help="How many of the past to show first.")] = 20,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what happened."""
    folder = installation(config, data)
    origin, past = peek(folder.journal("control"), last)
    for entry in past:
        _print_event(entry.utc, entry.plane, entry.seq, dump(entry.event), as_json)
    if not follow:
        return
    after = past[-1].seq if past else 0

    async def asking(client: Client) -> None:
        async with client.stream(SubscribeEvents(origin, after)) as items:
            async for item in items:
                _print_event(item.utc, item.origin.partition(":")[0], item.seq, item.event, as_json)

    with contextlib.suppress(KeyboardInterrupt):
        ask(folder, "control", asking)


def _print_event(utc: Utc, plane: str, seq: int, text: str, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps({"seq": seq, "utc": iso(utc), "plane": plane, **json.loads(text)}) + "\n")
        sys.stdout.flush()
        return
    try:
        event = load(text)
    except BadRecord:  # of a recorder that is newer than this command
        console.print(f"{local(utc)}  {escape(text)}", highlight=False, soft_wrap=True)
        return
    severity, name = event.severity.name.lower(), event.name
    rest = escape("  ".join(f"{key}={value}" for key, value in fields(event)))
    console.print(f"{local(utc)}  {severity:9} [bold]{name}[/bold]  {rest}", highlight=False, soft_wrap=True)
