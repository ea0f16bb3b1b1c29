"""`holdfast archive`: what lies on the share, proven, and how to get it back."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from device.archive.ledger import copies
from device.errors import NotFound
from device.planes.outward import ArchiveShown, AskArchive, ClaimArchive
from device.settings.archive import Archive
from integration.archive import archived
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
    who,
)
from integration.commands.reach import call, read

app = typer.Typer(help="The archive on a share: how far it is, what is there.", invoke_without_command=True)


@app.callback()
def archive(
    context: typer.Context, config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """Say how far the archive is."""
    if context.invoked_subcommand is None:
        _tell(call(installation(config, data), "control", AskArchive()), as_json)


@app.command("claim")
def claim(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Make the folder of the settings ours. It must be there and empty; from then on nothing else gets a recording."""
    _tell(call(installation(config, data), "control", ClaimArchive(who())), as_json)


def _tell(told: ArchiveShown, as_json: bool) -> None:
    if as_json:
        say_json(asdict(told))
        return
    console.print(
        f"{told.place or 'nowhere'}: {told.copies} segments, {size(told.octets)}, proven.", soft_wrap=True
    )
    console.print(
        f"{told.phase} {told.detail}".rstrip(), style="red" if told.phase == "failing" else "", soft_wrap=True
    )


@app.command("list")
def list_(
    recording: Annotated[str, typer.Argument(help="Token of a recording; all.")] = "",
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what lies in the archive."""
    folder = installation(config, data)
    settings = read(folder, lambda store: store.get(Archive))
    found = list(copies(folder.archive, settings.target, recording))
    if as_json:
        say_json([{**asdict(one), "utc": iso(one.utc), "proven": iso(one.proven)} for one in found])
        return
    table(
        "",
        ("recording", "segment", "from", "size"),
        [(o.token, o.name, local(o.utc), size(o.size)) for o in found],
    )


@app.command("get")
def get(
    recording: Annotated[str, typer.Argument(help="Token of the recording.")],
    segment: Annotated[str, typer.Argument(help="Name of the segment, as listed.")],
    out: Annotated[Path, typer.Argument(help="File to write; it must not be there.")],
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Fetch a segment from the archive, and check that it is what was put there."""
    folder = installation(config, data)
    settings = read(folder, lambda store: store.get(Archive))
    found = [one for one in copies(folder.archive, settings.target, recording) if one.name == segment]
    if not found:
        raise NotFound("segment in the archive", f"{recording} {segment}")
    archived(settings, found[0], out)
    console.print(f"{out}: {size(found[0].size)}, as it was put there.")
