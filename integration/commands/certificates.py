"""`holdfast certificates`: list, add, remove."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Annotated

import typer

from device.certificates.messages import CertificateAdd, CertificateDelete, CertificatesList
from device.errors import BadValue
from integration.commands.common import (
    ConfigOption,
    DataOption,
    JsonOption,
    console,
    installation,
    iso,
    local,
    password_of,
    say_json,
    table,
)
from integration.commands.reach import call

app = typer.Typer(help="Certificates and authorities: list, add, remove.", invoke_without_command=True)


@app.callback()
def certificates(
    context: typer.Context, config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """List them, with the settings that name them."""
    if context.invoked_subcommand is not None:
        return
    found = call(installation(config, data), "control", CertificatesList()).certificates
    if as_json:
        rows = [
            {"id": c.id, "name": c.name, "purpose": c.purpose, "subject": c.subject, "end": iso(c.end)}
            | {"used_by": list(c.used_by)}
            for c in found
        ]
        say_json({"certificates": rows})
        return
    table(
        "Certificates",
        ("id", "name", "for", "subject", "valid until", "used by"),
        [(c.id, c.name, c.purpose, c.subject, local(c.end), ", ".join(c.used_by)) for c in found],
    )


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="What it is called here.")],
    certificate: Annotated[Path, typer.Argument(help="PEM, CER or PFX.")],
    key: Annotated[
        Path | None, typer.Option(help="Its key; left out where it is in the same file, or an authority's.")
    ] = None,
    password_file: Annotated[
        Path | None, typer.Option(help="File with the password of the key; - for standard input.")
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Take one in, and print its id, by which settings name it."""
    request = CertificateAdd(
        name,
        _encoded("certificate", certificate),
        _encoded("key", key) if key else "",
        password_of(password_file) if password_file else "",
    )
    console.print(call(installation(config, data), "control", request).id)


@app.command("remove")
def remove(
    id_: Annotated[str, typer.Argument(metavar="ID")], config: ConfigOption = None, data: DataOption = None
) -> None:
    """Remove one that no setting names, and its key."""
    call(installation(config, data), "control", CertificateDelete(id_))
    console.print(f"Certificate {id_} is removed.")


def _encoded(name: str, file: Path) -> str:
    try:
        return base64.b64encode(file.read_bytes()).decode()
    except OSError as error:
        raise BadValue(name, f"{file} cannot be read: {error.strerror}") from None
