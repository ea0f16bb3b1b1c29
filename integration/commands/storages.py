"""`holdfast storages`: list, add, add-share, try-share, remove."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from device.archive.outward import AddShare, AskShares, RemoveStorage, TryShare
from device.identity import identity
from device.planes.messages import AskRecording
from device.recording.volume import adopt
from device.settings.storages import Storage
from integration.commands.common import (
    ConfigOption,
    DataOption,
    JsonOption,
    console,
    installation,
    runs,
    say_json,
    size,
    table,
    who,
)
from integration.commands.reach import begun, call, change, read

app = typer.Typer(help="Where video is kept: list, add, remove; shares, too.", invoke_without_command=True)


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
    shares = {each.key: each for each in call(folder, "control", AskShares()).shares} if runs(folder) else {}
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
            "share": asdict(shares[key]) if key in shares else None,
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
    for share in shares.values():
        console.print(
            f"{share.key} is the spool of {share.place}: {share.segments} segments there, {size(share.octets)};"
            f" {size(share.waiting)} wait. {share.phase} {share.detail}".rstrip(),
            style="red" if share.phase == "failing" else "",
            soft_wrap=True,
        )


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
    folder = begun(config, data)
    mark = adopt(path.absolute(), identity(folder.identity).id)
    change(folder, Storage.about.section, mark.volume, {"path": str(path.absolute()), "name": name})
    if as_json:
        say_json({"id": mark.volume})
    else:
        console.print(f"Storage {mark.volume} is added.")


HostArgument = Annotated[str, typer.Argument(help="Name or address of the file server.")]
ShareArgument = Annotated[str, typer.Argument(help="Name of the share.")]
FolderOption = Annotated[str, typer.Option(help="Folder on it, which is there, and empty.")]
UserOption = Annotated[str, typer.Option(help="Who may write there.")]
PasswordOption = Annotated[
    str,
    typer.Option(help="Asked for where it is not given.", prompt=True, hide_input=True, show_default=False),
]
PortOption = Annotated[int, typer.Option(help="Of the file server.", min=1, max=65535)]
EncryptOption = Annotated[bool, typer.Option(help="SMB 3; without, what travels is signed.")]


@app.command("try-share")
def try_share(
    host: HostArgument,
    share: ShareArgument,
    password: PasswordOption,
    folder: FolderOption = "",
    user: UserOption = "",
    port: PortOption = 445,
    encrypt: EncryptOption = True,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Write a file to a share, read it back and remove it."""
    values = _values(host, share, folder, user, password, port, encrypt)
    found = call(installation(config, data), "control", TryShare("", values))
    console.print(f"{found.detail} {size(found.free)} of {size(found.size)} are free.", soft_wrap=True)


@app.command("add-share")
def add_share(
    path: Annotated[Path, typer.Argument(help="The spool: an empty folder here, or one that it was before.")],
    host: HostArgument,
    share: ShareArgument,
    password: PasswordOption,
    folder: FolderOption = "",
    user: UserOption = "",
    port: PortOption = 445,
    encrypt: EncryptOption = True,
    name: Annotated[str, typer.Option(help="What people call it.")] = "",
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Record to a share. What is recorded comes into the spool, and follows within seconds."""
    values = _values(host, share, folder, user, password, port, encrypt)
    added = call(installation(config, data), "control", AddShare(str(path.absolute()), name, who(), values))
    console.print(
        f"Storage {added.key} is added. Cameras choose it by that key: cameras[...].storage", soft_wrap=True
    )


def _values(host: str, share: str, folder: str, user: str, password: str, port: int, encrypt: bool) -> str:
    said = {"host": host, "share": share, "folder": folder, "user": user, "password": password}
    return json.dumps({**said, "port": port, "encrypt": encrypt})


@app.command("remove")
def remove(
    key: Annotated[str, typer.Argument(help="Key of the storage, as listed.")],
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Keep no more video there. What lies there stays."""
    call(installation(config, data), "control", RemoveStorage(key, who()))
    console.print(f"Storage {key} is removed. What lies there stays.")
