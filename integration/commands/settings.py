"""`holdfast settings`: get, set, history."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from device.settings.parse import assignment, place
from device.settings.sealed import shown
from device.settings.section import where
from device.settings.store import Store
from integration.commands.common import (
    ConfigOption,
    DataOption,
    JsonOption,
    console,
    installation,
    iso,
    say_json,
    table,
)
from integration.commands.reach import begun, change, read

app = typer.Typer(help="Settings: get, set, history.", no_args_is_help=True)


@app.command("get")
def get(
    what: Annotated[
        str, typer.Argument(help="SECTION, SECTION.FIELD, SECTION[KEY] or SECTION[KEY].FIELD; all.")
    ] = "",
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show settings. Secrets are never shown."""
    found = read(installation(config, data), lambda store: _found(store, what))
    if as_json:
        say_json(found)
        return
    table(
        "",
        ("setting", "value"),
        [(name, json.dumps(value, ensure_ascii=False)) for name, value in found.items()],
    )


def _found(store: Store, what: str) -> dict[str, object]:
    asked = place(what, store) if what else None
    found: dict[str, object] = {}
    for kind in store.sections:
        if asked is not None and kind is not asked.kind:
            continue
        keys = [asked.key] if asked is not None and asked.key else store.keys(kind)
        for key in keys:
            for field, value in shown(store.get(kind, key)).items():
                if asked is None or asked.field in ("", field):
                    found[where(kind, key, field)] = value
    return found


@app.command("set")
def set_(
    assignments: Annotated[list[str], typer.Argument(metavar="SECTION.FIELD=VALUE...")],
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change settings; at once, where a recorder runs. All of one entry's are changed together."""
    folder = begun(config, data)
    made = read(folder, lambda store: [assignment(text, store) for text in assignments])
    grouped: dict[tuple[str, str], dict[str, object]] = {}
    for each in made:
        grouped.setdefault((each.place.kind.about.section, each.place.key), {})[each.place.field] = each.value
    changed = []
    for (section, key), changes in grouped.items():
        fields = change(folder, section, key, changes)
        changed += [f"{section}[{key}].{field}" if key else f"{section}.{field}" for field in fields]
    if as_json:
        say_json({"changed": changed})
    else:
        console.print(
            "Changed: " + ", ".join(changed) if changed else "Nothing to change: it is so already.",
            markup=False,  # keys stand in brackets
        )


@app.command("history")
def history(
    what: Annotated[str, typer.Argument(help="SECTION or SECTION[KEY].")],
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show who changed what, and when."""

    def work(store: Store) -> list[dict[str, object]]:
        asked = place(what, store)
        return [
            {"version": v.version, "at": iso(v.at), "by": v.by, "fields": list(v.fields), "values": v.values}
            for v in store.history(asked.kind, asked.key)
        ]

    found = read(installation(config, data), work)
    if as_json:
        say_json(found)
        return
    rows = [(str(v["version"]), str(v["at"]), str(v["by"]), ", ".join(map(str, v["fields"]))) for v in found]  # type: ignore[call-overload]  # a list, made above
    table("", ("version", "at", "by", "changed"), rows)
