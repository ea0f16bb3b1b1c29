"""`holdfast factory-default` and `holdfast restore`."""

from __future__ import annotations

from typing import Annotated

import typer

from device.errors import BadValue
from device.planes.messages import FactoryReset
from integration.commands.common import ConfigOption, DataOption, console, installation, who
from integration.commands.reach import call


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("factory-default")(factory_default)
    app.command("restore")(restore)


def factory_default(
    yes: Annotated[bool, typer.Option("--yes", help="All settings and accounts go.")] = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Take the recorder back to how it was delivered. Recordings stay; an encrypted array wants its password again."""
    if not yes:
        raise BadValue("--yes", "is needed: all settings and accounts go; recordings stay")
    call(installation(config, data), "control", FactoryReset(who()))
    console.print("The recorder goes back to factory default. Its status light is green when it is done.")


def restore(
    yes: Annotated[
        bool, typer.Option("--yes", help="All settings and accounts go, but for those of the network.")
    ] = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """As factory-default, but the recorder stays in its network: its certificates stay, too."""
    if not yes:
        raise BadValue(
            "--yes", "is needed: all accounts go, and all settings but those of the network; recordings stay"
        )
    call(installation(config, data), "control", FactoryReset(who(), restore=True))
    console.print("The recorder is restored. Its status light is green when it is done.")
