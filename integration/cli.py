"""The `holdfast` command."""

from __future__ import annotations

import sys

import typer

from device.errors import HoldfastError
from integration.commands import (
    accounts,
    archive,
    cameras,
    certificates,
    events,
    export,
    hardware,
    logs,
    maintenance,
    outbox,
    raid,
    recipients,
    rules,
    serve,
    settings,
    simulate,
    storages,
    syslog,
    video,
)

app = typer.Typer(
    name="holdfast",
    help="A network video recorder that speaks the standards other systems already speak.",
    epilog="In a checkout `./holdfast` has also test, bench and manual.",
    no_args_is_help=True,
    context_settings={"max_content_width": 110},
    rich_markup_mode=None,  # an error is a line, not a box
    pretty_exceptions_show_locals=False,  # there are secrets among them
    add_completion=False,
)
for commands in (serve, video, export, logs, maintenance):
    commands.register(app)
app.add_typer(cameras.app, name="cameras")
app.add_typer(hardware.poe_app, name="poe")
app.add_typer(hardware.chassis_app, name="chassis")
app.add_typer(raid.app, name="raid")
app.add_typer(rules.app, name="rules")
app.add_typer(settings.app, name="settings")
app.add_typer(storages.app, name="storages")
app.add_typer(archive.app, name="archive")
app.add_typer(syslog.app, name="syslog")
app.add_typer(recipients.app, name="recipients")
app.add_typer(accounts.app, name="accounts")
app.add_typer(certificates.app, name="certificates")
app.add_typer(simulate.app, name="simulate")
app.command()(events.events)
app.command()(outbox.outbox)


def main() -> None:
    """Entry point. What a person did wrong is said in one line and a hint, and ends with exit code 2."""
    try:
        app(prog_name="holdfast")
    except HoldfastError as error:
        sys.stderr.write(f"{error}\n")
        if error.hint:
            sys.stderr.write(f"{error.hint}\n")
        sys.exit(2)
    except OSError as error:
        if error.filename is None:
            raise  # of no file that a person named
        sys.stderr.write(f"{error.filename}: {error.strerror}\n")
        sys.exit(2)
