"""`holdfast outbox`: what waits to leave the recorder."""

from __future__ import annotations

from dataclasses import asdict

from device.outbox.messages import AskOutbox
from integration.commands.common import (
    ConfigOption,
    DataOption,
    JsonOption,
    console,
    installation,
    iso,
    local,
    say_json,
    size,
    table,
)
from integration.commands.reach import call


def outbox(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Show what waits for each destination, and what was dropped because it was away for too long."""
    told = call(installation(config, data), "control", AskOutbox())
    if as_json:
        rows = [{**asdict(b), "oldest": None if b.oldest is None else iso(b.oldest)} for b in told.boxes]
        say_json({"fault": told.fault, "destinations": rows})
        return
    if not told.boxes:
        console.print("Nothing leaves this recorder: no destination is set.")
        return
    cells = [
        (
            box.destination,
            str(box.waiting),
            size(box.octets) if box.waiting else "",
            "" if box.oldest is None else local(box.oldest),
            str(box.sent),
            str(box.dropped),
            box.fault,
        )
        for box in told.boxes
    ]
    table("", ("destination", "waiting", "size", "since", "sent", "dropped", ""), cells)
    if told.fault:
        console.print(f"The outbox cannot be written: {told.fault}", style="red")
