"""`holdfast storages`: list, add."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from device.identity import identity
from device.planes.messages import AskRecording
from device.recording.volume import adopt
from device.settings.storages import Storage
from integration.commands.common import (
    ConfigOption,
    DataOption,
    JsonOption,
    chosen,
    console,
    installation,
    runs,
    say_json,
    size,
    table,
)
from integration.commands.reach import call, change, offline, read

app = typer.Typer(help="Where video is kept: list, add.", invoke_without_command=True)


@app.callback()
def storages(
    context: typer.Context, config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """List the storages and how they are."""
    if context.invoked_subcommand is not None:
        return
    folder = installation(config, data)
    known = read(folder, lambda store: store.entries(Storage))
    live = (
        {each.uuid: each for each in call(folder, "recording", AskRecording()).volumes}
        if runs(folder)
        else {}
    )
    rows = [
        {
            "id": key,
            "name": storage.name,
            "path": storage.path,
            "enabled": storage.enabled,
            "state": live[key].state if key in live else None,
            "detail": live[key].detail if key in live else "",
            "total": live[key].total if key in live else None,
            "free": live[key].free if key in live else None,
        }
        for key, storage in known.items()
    ]
    if as_json:
        say_json({"storages": rows})
        return
    cells = [
        (
            str(r["id"]),
            str(r["name"]),
            str(r["path"]),
            str(r["state"] or ""),
            _octets(r["free"]),
            _octets(r["total"]),
        )
        for r in rows
    ]
    table("Storages", ("key", "name", "path", "state", "free", "size"), cells)


def _octets(value: object) -> str:
    return size(value) if isinstance(value, int) else ""


@app.command("add")
def add(
    path: Annotated[Path, typer.Argument(help="An empty folder, or one that this recorder has used before.")],
    name: Annotated[str, typer.Option(help="What people call it.")] = "",
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep video in one more folder. It is marked as ours: an empty mount point is never taken for it."""
    folder = chosen(config, data)
    if not folder.settings.exists():
        offline(folder, lambda store: None)  # noqa: ARG005 - makes the installation
    mark = adopt(path.absolute(), identity(folder.identity).id)
    change(folder, Storage.about.section, mark.volume, {"path": str(path.absolute()), "name": name})
    if as_json:
        say_json({"id": mark.volume})
    else:
        console.print(f"Storage {mark.volume} is added.")
