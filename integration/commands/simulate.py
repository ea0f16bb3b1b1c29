"""`holdfast simulate`: hands on the demo's hardware, which a real box has no command for."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from device.chassis.buttons import Button
from device.errors import Refused
from device.folder import DataFolder
from device.planes.wire import Request
from device.poe.port import MOST_PORTS
from device.poe.power import CLASSES, watts
from device.poe.simulated import Ailment
from device.raid.level import BAYS
from device.raid.messages import Hands
from integration.commands.common import DataOption, chosen, console, installation, runs
from integration.commands.reach import call
from integration.commands.story import Story
from integration.virtual_box.drivers import BOX
from integration.virtual_box.messages import (
    Ail,
    BreakPart,
    Draw,
    HeatSensor,
    Negotiate,
    Plug,
    Plugged,
    PressButton,
    ReleaseButton,
    Unplug,
)

T = TypeVar("T")

app = typer.Typer(
    help="Do to the demo's hardware what hands do to a real one: plug, unplug, break.", no_args_is_help=True
)

PortArgument = Annotated[int, typer.Argument(metavar="PORT", min=1, max=MOST_PORTS)]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="1 or 2.")]
HEALTH = typer.Argument(help="What it does.")
WattsArgument = Annotated[float, typer.Argument(metavar="WATTS", min=0, max=1000)]


class Health(Enum):
    """Of a part."""

    OK = "ok"
    FAILED = "failed"


class NoDemo(Refused):
    """There is no simulated hardware."""

    hint = "Start `holdfast demo`, or name its folder with --data."


def _hands(data: DataFolder, request: Request[T]) -> T:
    """Let the demo's hardware do something. Raises NoDemo, and what it raises."""
    if not data.socket(BOX).exists() or not runs(data):
        raise NoDemo(f"No demo runs on {data.path}: there is no simulated hardware to lay hands on.")
    return call(data, BOX, request)


@app.command()
def plug(
    port: PortArgument,
    power_class: Annotated[
        int | None, typer.Option("--class", min=0, max=len(CLASSES) - 1, help="Of IEEE 802.3.")
    ] = None,
    draw: Annotated[
        float | None, typer.Option(min=0, max=1000, metavar="WATTS", help="What it draws.")
    ] = None,
    data: DataOption = None,
) -> None:
    """Connect what was unplugged from a port, or something new."""
    milliwatts = None if draw is None else watts(draw)
    plugged: Plugged = _hands(chosen(None, data), Plug(port, power_class, milliwatts))
    console.print(f"{plugged.device} is plugged into port {port}. `holdfast poe` tells what becomes of it.")


@app.command()
def unplug(port: PortArgument, data: DataOption = None) -> None:
    """Take away what is connected to a port."""
    unplugged: Plugged = _hands(chosen(None, data), Unplug(port))
    console.print(f"{unplugged.device} is unplugged from port {port}.")


@app.command()
def draw(port: PortArgument, power: WattsArgument, data: DataOption = None) -> None:
    """Let a device draw so much: more than its class allows, and the port cuts it off."""
    _hands(chosen(None, data), Draw(port, watts(power)))
    console.print(f"The device on port {port} wants {power:g} W.")


@app.command()
def negotiate(port: PortArgument, power: WattsArgument, data: DataOption = None) -> None:
    """Let a device ask for so much by LLDP, at its own end of the cable; 0: for nothing."""
    _hands(chosen(None, data), Negotiate(port, watts(power) or None))
    console.print(f"The device on port {port} asks for {power:g} W.")


@app.command()
def supply(name: NameArgument, state: Annotated[Health, HEALTH], data: DataOption = None) -> None:
    """Let a power supply fail, or work again: there is less power for the ports, and lights and buzzer say so."""
    _hands(chosen(None, data), BreakPart("supply", name, state is Health.OK))
    console.print(f"Supply {name}: {state.value}.")


@app.command()
def fan(name: NameArgument, state: Annotated[Health, HEALTH], data: DataOption = None) -> None:
    """Let a fan stand still, or turn again."""
    _hands(chosen(None, data), BreakPart("fan", name, state is Health.OK))
    console.print(f"Fan {name}: {state.value}.")


@app.command()
def temperature(
    sensor: Annotated[str, typer.Argument(help="cpu, board or drives.")],
    celsius: Annotated[float, typer.Argument(min=-40, max=150, metavar="CELSIUS")],
    data: DataOption = None,
) -> None:
    """Let it be warm or cold in the box."""
    _hands(chosen(None, data), HeatSensor(sensor, celsius))
    console.print(f"The sensor {sensor} tells {celsius:g} degrees.")


@app.command()
def press(
    button: Annotated[Button, typer.Argument()],
    seconds: Annotated[float, typer.Argument(min=0, max=60, metavar="SECONDS", help="How long.")] = 0.2,
    data: DataOption = None,
) -> None:
    """Press a button: power silences the buzzer, and after 4 s shuts down; control for 3 s asks for the cloud."""
    _hands(chosen(None, data), PressButton(button, seconds))
    console.print(f"The {button.value} button is pressed, for {seconds:g} s.")


@app.command()
def release(button: Annotated[Button, typer.Argument()], data: DataOption = None) -> None:
    """Let a button go that was held since power-on (`demo --hold-control`): after 15 to 30 s all settings are reset."""
    _hands(chosen(None, data), ReleaseButton(button))
    console.print(f"The {button.value} button is let go.")


@app.command()
def ail(
    port: PortArgument,
    ailment: Annotated[Ailment, typer.Argument(help="What is wrong; none: nothing any more.")],
    data: DataOption = None,
) -> None:
    """Let something be wrong with a device or its cable."""
    _hands(chosen(None, data), Ail(port, ailment))
    well = ailment is Ailment.NONE
    console.print(f"The device on port {port} is {'well again' if well else ailment.value}.")


BayArgument = Annotated[int, typer.Argument(metavar="BAY", min=1, max=BAYS)]


def _drive(data: Path | None, what: str, bay: int, said: str) -> None:
    call(installation(None, data), "control", Hands(what, bay))
    console.print(f"{said} `holdfast raid` tells what becomes of the array.")


@app.command("drive-failure")
def drive_failure(
    bay: BayArgument,
    only: Annotated[bool, typer.Option("--only", help="It dies, and nobody replaces it.")] = False,
    data: DataOption = None,
) -> None:
    """Let the drive in a bay die; then it is taken out, and a new one is put in and rebuilt, told as it happens."""
    if only:
        _drive(data, "fail", bay, f"The drive in bay {bay} is dead.")
    else:
        Story(installation(None, data), bay).run()


@app.command("drive-pull")
def drive_pull(bay: BayArgument, data: DataOption = None) -> None:
    """Take the drive out of a bay."""
    _drive(data, "pull", bay, f"Bay {bay} is empty.")


@app.command("drive-insert")
def drive_insert(bay: BayArgument, data: DataOption = None) -> None:
    """Put a new drive into an empty bay."""
    _drive(data, "insert", bay, f"There is a new drive in bay {bay}.")


@app.command("drive-wear")
def drive_wear(bay: BayArgument, data: DataOption = None) -> None:
    """Let the drive in a bay say that it will soon fail."""
    _drive(data, "wear", bay, f"The drive in bay {bay} says that it fails.")


@app.command("drive-heat")
def drive_heat(bay: BayArgument, data: DataOption = None) -> None:
    """Let the drive in a bay be too warm."""
    _drive(data, "heat", bay, f"The drive in bay {bay} is too warm.")
