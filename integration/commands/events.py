"""`holdfast events`: what happened, and what happens."""

from __future__ import annotations

import contextlib
import json
import sys
from typing import Annotated

import typer

from device.events.event import dump
from device.events.event import events as declared
from device.events.journal import peek
from device.media import Utc
from device.planes.link import Client
from device.planes.messages import SubscribeEvents
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
    fields = json.loads(text)
    if as_json:
        sys.stdout.write(json.dumps({"seq": seq, "utc": iso(utc), "plane": plane, **fields}) + "\n")
        sys.stdout.flush()
        return
    name = fields.pop("event")
    kind = declared().get(name)
    severity = kind.severity.name.lower() if kind is not None else ""
    rest = "  ".join(f"{key}={value}" for key, value in fields.items() if value not in ("", None))
    console.print(f"{local(utc)}  {severity:9} [bold]{name}[/bold]  {rest}", highlight=False, soft_wrap=True)
