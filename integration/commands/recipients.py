"""`holdfast recipients`: whom the recorder can send something."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from device.planes.messages import SettingsRemove
from device.planes.outward import TryRecipient
from device.settings.recipients import Kind, Recipient
from device.settings.sealed import shown
from device.settings.section import about_fields
from integration.commands.common import (
    ConfigOption,
    DataOption,
    JsonOption,
    chosen,
    console,
    installation,
    say_json,
    table,
    who,
)
from integration.commands.reach import call, change, read

app = typer.Typer(
    help="Recipients of pictures, clips and messages: list, test, copy, remove.", no_args_is_help=True
)

KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="Of the recipient.")]


@app.command("list")
def list_(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """List them. `holdfast settings set recipients[KEY].name=...` makes one."""
    found = read(installation(config, data), lambda store: store.entries(Recipient))
    if as_json:
        say_json([{"key": key, **shown(each)} for key, each in found.items()])
        return
    table(
        "",
        ("key", "name", "type", "where"),
        [(key, e.name, e.kind.value, _where(e)) for key, e in found.items()],
    )


def _where(recipient: Recipient) -> str:
    if recipient.kind in (Kind.HTTP, Kind.HTTPS):
        return recipient.url
    host, port = recipient.address
    if recipient.kind is Kind.EMAIL:
        return f"{recipient.to} by {host}, port {port}"
    more = "/".join(filter(None, (recipient.share, recipient.folder)))
    return f"{host}, port {port}" + (f", {more}" if more else "")


@app.command("test")
def try_(
    key: KeyArgument, config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """Send a test to a recipient, and say what became of it."""
    (tried,) = call(installation(config, data), "control", TryRecipient(key)).tried
    if as_json:
        say_json(asdict(tried))
    else:
        console.print(tried.detail, style="" if tried.good else "red", soft_wrap=True, markup=False)
    if not tried.good:
        raise typer.Exit(1)


@app.command("copy")
def copy(
    key: KeyArgument,
    to: Annotated[str, typer.Argument(metavar="NEW", help="Key of the copy.")],
    name: Annotated[str, typer.Option(help="Name of the copy.")] = "",
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Make a recipient like another one, to be changed. Its passwords are not copied: they are never read."""
    folder = chosen(config, data)
    one = read(installation(config, data), lambda store: store.get(Recipient, key))
    values = one.model_dump(mode="json", exclude_unset=True)
    values = {n: v for n, v in values.items() if not about_fields(Recipient)[n].secret}
    change(folder, Recipient.about.section, to, {**values, "name": name or f"{one.name} (copy)"})
    console.print(f"Made recipients[{to}].", markup=False)


@app.command("remove")
def remove(key: KeyArgument, config: ConfigOption = None, data: DataOption = None) -> None:
    """Remove a recipient for ever, with what waits for it."""
    call(installation(config, data), "control", SettingsRemove(Recipient.about.section, key, who()))
    console.print(f"Removed recipients[{key}].", markup=False)
