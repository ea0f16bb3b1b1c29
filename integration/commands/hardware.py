"""`holdfast poe`: the ports, and what they are for. `holdfast chassis`: the box."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Annotated

import typer

from device.chassis.messages import AskChassis, LightShown, SilenceBuzzer
from device.errors import BadValue
from device.poe.messages import AskPoe, CyclePort, PoeShown, PortShown
from device.poe.port import MOST_PORTS, Mode
from device.settings.ports import Port, PriorityName
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
from integration.commands.reach import call, change

poe_app = typer.Typer(help="The PoE ports: list, set, cycle.", invoke_without_command=True)
chassis_app = typer.Typer(
    help="The box: sensors, supplies, lights; silence the buzzer.", invoke_without_command=True
)

PortArgument = Annotated[
    int, typer.Argument(metavar="PORT", min=1, max=MOST_PORTS, help="Number, as printed on the box.")
]
STYLES = {"powered": "green", "denied": "red", "fault": "red", "starting": "yellow", "cycling": "yellow"}


@poe_app.callback()
def poe(
    context: typer.Context, config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """List the ports, what each reserves and draws, and why one has no power."""
    if context.invoked_subcommand is not None:
        return
    told = call(installation(config, data), "control", AskPoe())
    if as_json:
        say_json(_json(told))
        return
    if told.hardware == "none":
        console.print(
            "This recorder governs no PoE ports. `holdfast settings set poe.hardware=...` names them."
        )
        return
    columns = ("port", "name", "state", "class", "reserved", "drawn", "link", "device", "")
    table("", columns, _rows(told.ports))
    console.print(_budget(told))
    if not told.answers:
        console.print(f"The hardware does not answer; above is how it was. {told.detail}", style="red")


def _rows(ports: Sequence[PortShown]) -> list[tuple[str, ...]]:
    """One row for each port, and one for all that lie side by side, are empty and have nothing special."""
    rows: list[tuple[str, ...]] = []
    for plain, together in groupby(ports, key=_is_plain):
        run = list(together)
        if plain and len(run) > 1:
            rows.append((f"{run[0].port}-{run[-1].port}", "", "[dim]empty[/dim]", *[""] * 6))
        else:
            rows += [_cells(port) for port in run]
    return rows


def _is_plain(port: PortShown) -> bool:
    named = bool(port.name or port.device or port.reason)
    usual = port.mode == Mode.BOTH.value and port.priority == PriorityName.LOW.value and not port.protected
    return port.state == "empty" and usual and not named and not port.link


def _cells(port: PortShown) -> tuple[str, ...]:
    style = STYLES.get(port.state, "dim")
    empty = not port.reserved and not port.drawn
    special = [] if port.mode in (Mode.BOTH.value, port.state) else [port.mode]
    special += [f"{port.priority} priority"] if port.priority != PriorityName.LOW.value else []
    special += ["protected"] if port.protected else []
    return (
        str(port.port),
        port.name,
        f"[{style}]{port.state}[/{style}]",
        str(port.power_class) if port.power_class is not None and port.state != "off" else "",
        _watts(port.reserved) if port.reserved else "",
        "" if port.drawn is None or empty else _watts(port.drawn),
        f"{port.link} Mbit/s" if port.link else "",
        port.device,
        ", ".join([*([port.reason] if port.reason else []), *special]),
    )


def _budget(told: PoeShown) -> str:
    line = f"Budget {_watts(told.budget)}: {_watts(told.reserved)} reserved, {_watts(told.drawn)} drawn, "
    line += f"{_watts(told.budget - told.reserved)} left."
    if told.budget < told.full:
        line += f" With all supplies it would be {_watts(told.full)}."
    return line


def _watts(milliwatts: int) -> str:
    return f"{milliwatts / 1000:.1f} W"


def _json(told: PoeShown) -> dict[str, object]:
    """Power in watts, energy in watt-hours."""
    return {
        "hardware": told.hardware,
        "answers": told.answers,
        "detail": told.detail,
        "budget": told.budget / 1000,
        "full_budget": told.full / 1000,
        "reserved": told.reserved / 1000,
        "drawn": told.drawn / 1000,
        "left": (told.budget - told.reserved) / 1000,
        "ports": [
            {
                **asdict(port),
                "reserved": port.reserved / 1000,
                "drawn": None if port.drawn is None else port.drawn / 1000,
                "most": port.most / 1000,
                "since": round(port.since, 3),
                "energy": round(port.energy, 6),
            }
            for port in told.ports
        ],
    }


@poe_app.command("set")
def poe_set(
    port: PortArgument,
    mode: Annotated[Mode | None, typer.Option(help="What the port gives.")] = None,
    priority: Annotated[
        PriorityName | None, typer.Option(help="Who keeps power when there is not enough.")
    ] = None,
    protected: Annotated[
        bool | None, typer.Option("--protected/--no-protected", help="Carries the uplink: never cycled.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Say what a port is for. It stays so."""
    changes: dict[str, object] = {}
    if mode is not None:
        changes["mode"] = mode.value
    if priority is not None:
        changes["priority"] = priority.value
    if protected is not None:
        changes["protected"] = protected
    if name is not None:
        changes["name"] = name
    if not changes:
        raise BadValue("poe set", "say what: --mode, --priority, --protected, --no-protected or --name")
    if not change(chosen(config, data), Port.about.section, str(port), changes):
        console.print("Nothing to change: it is so already.")
        return
    said = [f"{field} {value}" for field, value in changes.items() if field != "protected"]
    if protected is not None:
        said.append("protected" if protected else "not protected")
    console.print(f"Port {port}: {', '.join(said)}.")


@poe_app.command("cycle")
def poe_cycle(port: PortArgument, config: ConfigOption = None, data: DataOption = None) -> None:
    """Take the power from a port for a moment, so that its device starts anew."""
    call(installation(config, data), "control", CyclePort(port, who()))
    console.print(f"Port {port} has no power now, and gets it back in a moment.")


@chassis_app.callback()
def chassis(
    context: typer.Context, config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """Show sensors, supplies, lights and the buzzer."""
    if context.invoked_subcommand is not None:
        return
    told = call(installation(config, data), "control", AskChassis())
    if as_json:
        say_json(asdict(told))
        return
    if told.hardware == "none":
        console.print("This recorder knows no box. `holdfast settings set chassis.hardware=...` names it.")
        return
    rows = [
        ("temperature", each.name, "broken" if each.celsius is None else f"{each.celsius:.1f} °C")
        for each in told.temperatures
    ]
    rows += [("fan", each.name, f"{each.rpm} rpm" if each.ok else "[red]failed[/red]") for each in told.fans]
    rows += [("supply", each.name, "ok" if each.ok else "[red]failed[/red]") for each in told.supplies]
    rows += [
        ("network", each.name, f"{each.link} Mbit/s" if each.link else "no link") for each in told.networks
    ]
    rows += [(f"light {each.place}", str(each.number), _light(each)) for each in told.lights if each.color]
    rows.append(("buzzer", "", "[red]sounds[/red]" if told.buzzer else "silent"))
    table("", ("part", "name", "state"), rows)
    if not told.answers:
        console.print(f"The box does not answer; above is how it was. {told.detail}", style="red")


def _light(light: LightShown) -> str:
    """In its colour, as far as a terminal has it."""
    style = "yellow" if light.color == "amber" else light.color
    return f"[{style}]{'blinks ' if light.blinks else ''}{light.color}[/{style}]"


@chassis_app.command("silence")
def chassis_silence(config: ConfigOption = None, data: DataOption = None) -> None:
    """Silence the buzzer. What is wrong goes on being wrong, and a new fault wakes it again."""
    call(installation(config, data), "control", SilenceBuzzer(who()))
    console.print("The buzzer is silent.")
