"""The `holdfast` command."""

from __future__ import annotations

import sys

import typer

from device.errors import HoldfastError
from integration.commands import manage, serve, video

app = typer.Typer(
    name="holdfast",
    help="A network video recorder that speaks the standards other systems already speak.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # there are secrets among them
    add_completion=False,
)
for commands in (serve, manage, video):
    commands.register(app)


def main() -> None:
    """Entry point. What a person did wrong is said in one line and a hint, and ends with exit code 2."""
    try:
        app()
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
