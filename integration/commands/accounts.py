"""`holdfast accounts`: list, add, password, remove."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from device.accounts.role import Role
from device.planes.messages import AccountCreate, AccountDelete, AccountPassword, AccountsList
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
    who,
)
from integration.commands.reach import call

app = typer.Typer(help="Who may come in: list, add, password, remove.", invoke_without_command=True)


@app.callback()
def accounts(
    context: typer.Context, config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """List the accounts."""
    if context.invoked_subcommand is not None:
        return
    found = call(installation(config, data), "control", AccountsList()).accounts
    if as_json:
        say_json({"accounts": [{"name": a.name, "role": a.role, "created": iso(a.created)} for a in found]})
        return
    table("Accounts", ("name", "role", "created"), [(a.name, a.role, local(a.created)) for a in found])


@app.command("add")
def add(
    name: str,
    password_file: Annotated[Path, typer.Option(help="File with the password; - for standard input.")],
    role: Annotated[
        Role, typer.Option(help="What the account may do; the first one is an administrator.")
    ] = Role.VIEWER,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Make an account."""
    request = AccountCreate(name, password_of(password_file), role.value, who())
    call(installation(config, data), "control", request)
    console.print(f"Account {name} is made.")


@app.command("password")
def password(
    name: str,
    password_file: Annotated[Path, typer.Option(help="File with the password; - for standard input.")],
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Give an account another password."""
    call(installation(config, data), "control", AccountPassword(name, password_of(password_file), who()))
    console.print(f"Account {name} has another password.")


@app.command("remove")
def remove(name: str, config: ConfigOption = None, data: DataOption = None) -> None:
    """Remove an account."""
    call(installation(config, data), "control", AccountDelete(name, who()))
    console.print(f"Account {name} is removed.")
