"""`holdfast rules`: list, add, remove, try, trigger."""

from __future__ import annotations

import re
import secrets
from dataclasses import asdict
from typing import Annotated

import typer

from device.errors import BadValue
from device.planes.messages import SettingsRemove
from device.rules.engine import describe
from device.rules.messages import AskRules, FireTrigger, RuleShown, TryRule
from device.settings.rules import Rule, Schedule
from integration.commands.common import (
    ConfigOption,
    DataOption,
    JsonOption,
    chosen,
    console,
    installation,
    runs,
    say_json,
    table,
    who,
)
from integration.commands.reach import call, change, offline, read

app = typer.Typer(help="What is done when something happens: list, add, try.", invoke_without_command=True)

KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="As the list shows it.")]
#: First word of a condition or action -> the field that its second word is, where there is one.
FIRST = {
    "state": "state",
    "event": "event",
    "schedule": "schedule",
    "manual": "name",
    "record": "cameras",
    "cycle": "port",
    "tell": "text",
    "publish": "topic",
    "buzzer": "",
    "send": "recipient",
    "pictures": "recipient",
    "clip": "recipient",
    "preset": "camera",
}
#: First words whose rest is one text.
TEXTS = {"tell": "text"}
REST = {"publish": "payload", "send": "text", "preset": "preset"}
#: First words whose third is the cameras, and whose rest are other fields.
FILES = ("pictures", "clip")


@app.callback()
def rules(
    context: typer.Context, config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """List the rules and what they do."""
    if context.invoked_subcommand is not None:
        return
    folder = installation(config, data)
    known = read(folder, lambda store: store.entries(Rule))
    live: dict[str, RuleShown] = {}
    if runs(folder):
        live = {each.key: each for each in call(folder, "control", AskRules()).rules}
    if as_json:
        rows = [
            {
                "key": key,
                **rule.model_dump(mode="json"),
                "now": asdict(live[key]) if key in live else None,
            }
            for key, rule in known.items()
        ]
        say_json({"rules": rows})
        return
    cells = [
        (
            key,
            rule.name,
            _state(rule, live.get(key)),
            " and ".join(describe(each) for each in rule.conditions),
            ", ".join(each.kind for each in rule.actions),
            f"{rule.wait:g} s" if rule.wait else "",
        )
        for key, rule in known.items()
    ]
    table("", ("key", "name", "state", "when", "do", "wait"), cells)


def _state(rule: Rule, shown: RuleShown | None) -> str:
    if not rule.enabled:
        return "[dim]off[/dim]"
    if shown is None:
        return ""
    return "[green]active[/green]" if shown.active else "waits"


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="What people call it.")],
    when: Annotated[
        list[str],
        typer.Option(
            help="A condition: 'state camera.offline camera=c-demo1', 'not state ...', 'event NAME', "
            "'schedule KEY', 'manual NAME'. Several must all hold."
        ),
    ],
    do: Annotated[
        list[str],
        typer.Option(
            help="An action: 'record KEY,KEY', 'cycle PORT', 'tell TEXT', 'publish TOPIC PAYLOAD', 'buzzer', "
            "'send RECIPIENT TEXT', 'pictures RECIPIENT KEY,KEY count=3', 'clip RECIPIENT KEY,KEY after=20', "
            "'preset KEY NAME'."
        ),
    ],
    wait: Annotated[str, typer.Option(metavar="HH:MM:SS", help="Least time between two activations.")] = "0",
    trigger: Annotated[bool, typer.Option(help="The first condition only begins it.")] = False,
    key: Annotated[str, typer.Option(help="Key of the rule; one is made unless given.")] = "",
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a rule, or put another in its place."""
    made = key or f"r-{secrets.token_hex(3)}"
    changes: dict[str, object] = {
        "name": name,
        "wait": seconds(wait),
        "trigger": trigger,
        "conditions": [part(each, "--when") for each in when],
        "actions": [part(each, "--do") for each in do],
    }
    change(chosen(config, data), Rule.about.section, made, changes)
    if as_json:
        say_json({"key": made})
    else:
        console.print(f"Rule {made} is added. `holdfast rules try {made}` shows what it would do.")


def seconds(text: str) -> float:
    """Of `HH:MM:SS`, `MM:SS` or seconds. Raises BadValue."""
    if not re.fullmatch(r"(\d+:){0,2}\d+(\.\d+)?", text, re.ASCII):
        raise BadValue("--wait", "must be HH:MM:SS")
    total = 0.0
    for number in text.split(":"):
        total = total * 60 + float(number)
    return total


def part(text: str, option: str) -> dict[str, object]:
    """A condition or action as people type it. Raises BadValue."""
    words = text.split()
    inverted = words[:1] == ["not"]
    words = words[1:] if inverted else words
    if not words or words[0] not in FIRST:
        raise BadValue(option, f"must begin with one of {', '.join(FIRST)}")
    kind, rest = words[0], words[1:]
    made: dict[str, object] = {"kind": kind}
    if inverted:
        made["invert"] = True
    field = FIRST[kind]
    if not field:
        return made
    if not rest:
        raise BadValue(option, f"{kind}: say which")
    if kind in TEXTS:
        made[field] = text.split(maxsplit=1)[1]
        return made
    made[field] = rest[0].split(",") if kind == "record" else rest[0]
    if kind in REST:
        made[REST[kind]] = " ".join(rest[1:])
    elif kind in FILES:
        if not rest[1:]:
            raise BadValue(option, f"{kind}: say of which cameras")
        made |= {"cameras": rest[1].split(","), **_pairs(kind, rest[2:], option)}
    elif rest[1:]:
        made["about"] = _pairs(kind, rest[1:], option)
    return made


def _pairs(kind: str, words: list[str], option: str) -> dict[str, str]:
    pairs = [word.partition("=") for word in words]
    if not all(equals for _, equals, _ in pairs):
        raise BadValue(option, f"{kind}: what follows must be FIELD=VALUE")
    return {left: right for left, _, right in pairs}


@app.command("remove")
def remove(key: KeyArgument, config: ConfigOption = None, data: DataOption = None) -> None:
    """Remove a rule."""
    folder = installation(config, data)
    if runs(folder):
        call(folder, "control", SettingsRemove(Rule.about.section, key, who()))
    else:
        offline(folder, lambda store: store.remove(Rule, key=key, by=who()))
    console.print(f"Rule {key} is gone.")


@app.command("try")
def try_(
    key: KeyArgument, config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """Try a rule dry: what holds now, and what it would do. Nothing is done."""
    told = call(installation(config, data), "control", TryRule(key))
    if as_json:
        say_json(asdict(told))
        return
    for condition in told.conditions:
        mark = "waited for" if condition.moment else "holds" if condition.holds else "does not hold"
        console.print(f"{condition.text}: {mark}")
    for action in told.actions:
        console.print(f"would do: {action}" if told.active else f"would not do now: {action}")
    for problem in told.problems:
        console.print(problem, style="red")


@app.command("trigger")
def trigger(
    name: Annotated[str, typer.Argument(help="Of a condition 'manual NAME'.")],
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Fire a manual trigger: the rules that have it are carried out."""
    call(installation(config, data), "control", FireTrigger(name, who()))
    console.print(f"{name} is fired.")


@app.command("schedules")
def schedules(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """List schedules and pulses. `holdfast settings set 'schedules[KEY].name=...' ...` makes one."""
    known = read(installation(config, data), lambda store: store.entries(Schedule))
    if as_json:
        say_json({"schedules": [{"key": key, **each.model_dump(mode="json")} for key, each in known.items()]})
        return
    table(
        "", ("key", "name", "kind", "when"), [(k, s.name, s.kind.value, _when(s)) for k, s in known.items()]
    )


def _when(schedule: Schedule) -> str:
    match schedule.kind.value:
        case "weekly":
            spans = (f"{' '.join(d.value for d in s.days)} {s.start}-{s.end}" for s in schedule.spans)
            return "; ".join(spans)
        case "yearly":
            return f"{schedule.first} to {schedule.last}"
        case _:
            return f"every {schedule.every:g} s"
