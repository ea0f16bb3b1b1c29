"""What is made from the code: pages of the documentation, the client package. `python -m tests.documents --write`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from device.entities import Platform
from device.events.catalogue import PlaneName  # noqa: F401 - importing it declares the events
from device.events.event import describe, events
from device.settings.section import AboutField, Section, about_fields
from device.settings.sections import SECTIONS
from integration.entities.box import ARRAY, CHASSIS, DRIVE, STORAGE
from integration.entities.cameras import CAMERA
from integration.entities.ports import PORT
from integration.entities.reading import Row
from integration.entities.recorder import ROWS
from protocols.mqtt.topics import example
from tests.api_page import api_page
from tests.client_code import modules
from tests.permissions_page import permissions_page

GUIDE = Path(__file__).resolve().parent.parent / "docs" / "guide"


def settings_page() -> str:
    """Every setting with its limits and what a change interrupts."""
    lines = [
        "# Settings",
        "",
        "Made from `device/settings/`. `holdfast settings get` shows them, `holdfast settings set` changes them.",
    ]
    for kind in SECTIONS:
        about = kind.about
        name = f"{about.section}[KEY]" if about.key else about.section
        lines += ["", f"## {about.heading}: `{name}`", "", f"Changed by: {about.role.value}.", ""]
        lines += ["| setting | meaning | default | limits | a change interrupts |", "|---|---|---|---|---|"]
        lines += [_setting(kind, field) for field in about_fields(kind).values()]
    return "\n".join(lines) + "\n"


def _setting(kind: type[Section], field: AboutField) -> str:
    info = kind.model_fields[field.name]
    if info.is_required():
        default = "needed"
    elif field.secret or info.default in ("", (), None):
        default = "none"
    else:
        default = str(getattr(info.default, "value", info.default))
    limits = [
        f"{low} {value:g}" for low, value in (("from", field.ge), ("to", field.le)) if value is not None
    ]
    unit = f" {field.unit}" if field.unit and limits else ""
    meaning = f"{field.title}. {field.help}".strip() + (f" Where {field.when}." if field.when else "")
    interrupts = "" if field.interrupts.value == "nothing" else field.interrupts.value
    return f"| `{field.name}` | {meaning} | {default} | {' '.join(limits)}{unit} | {interrupts} |"


def events_page() -> str:
    """Every event with its fields."""
    lines = [
        "# Events",
        "",
        "Made from `device/events/catalogue.py`. `holdfast events --follow` shows them as they happen.",
    ]
    for name, kind in sorted(events().items()):
        state = f", raises `{kind.raises}`" if kind.raises else ""
        state += "".join(f", clears `{cleared}`" for cleared in kind.clears)
        text = " ".join((kind.__doc__ or "").split())
        lines += ["", f"## `{name}`", "", f"{kind.severity.name.capitalize()}{state}. {text}"]
        fields = describe(kind)
        if fields:
            lines += ["", "| field | unit | meaning |", "|---|---|---|"]
            lines += [f"| `{field.name}` | {field.unit} | {field.text} |" for field in fields]
    return "\n".join(lines) + "\n"


def mqtt_page() -> str:
    """Every topic."""
    lines = MQTT_HEAD.strip().splitlines()
    lines += ["", "| event | topic below `PREFIX/SERIAL/` | severity | fields |", "|---|---|---|---|"]
    for name, kind in sorted(events().items()):
        fields = ", ".join(
            f"`{field.name}`" + (f" ({field.unit})" if field.unit else "") for field in describe(kind)
        )
        lines.append(f"| `{name}` | `{example(kind)}` | {kind.severity.name.lower()} | {fields} |")
    for title, rows in ENTITIES.items():
        lines += [
            "",
            f"## States: {title}",
            "",
            "| entity | meaning | kind | unit | command |",
            "|---|---|---|---|---|",
        ]
        for row in rows:
            entity = row.entity
            if entity.platform is not Platform.EVENT:
                allowed = f"`mqtt.allow_{entity.permission.value}`" if entity.permission else ""
                kind_of = entity.platform.value + (
                    f" ({', '.join(entity.options)})" if entity.options else ""
                )
                lines.append(f"| `{entity.key}` | {entity.name} | {kind_of} | {entity.unit} | {allowed} |")
    return "\n".join(lines) + "\n"


MQTT_HEAD = """
# MQTT

Made from `device/events/`, `integration/entities/` and `protocols/mqtt/topics.py`.

    holdfast certificates add "Broker's CA" ca.pem
    holdfast certificates add "For the broker" recorder.crt --key recorder.key
    holdfast settings set mqtt.enabled=true mqtt.host=192.0.2.7 mqtt.port=8883 mqtt.tls=true \\
        mqtt.authorities='["crt-..."]' mqtt.certificate=crt-...
    holdfast outbox

The recorder is the client of one broker, with MQTT 5 or 3.1.1, over TCP, TLS or WebSocket. All topics begin with
`PREFIX/SERIAL/`, usually `holdfast/` and the serial number.

| topic | payload | retained |
|---|---|---|
| `status` | `online`, `offline`; the latter is the will, too | yes |
| `event/...` | an event as JSON | never |
| `state/THING/ENTITY` | a value, bare: a number, a word, `ON`, `OFF`, or `None` where it is not known | yes |
| `available/THING` | `online`, `offline`: whether what lies below answers | yes |
| `happened/THING` | what happened to a thing; JSON with `event_type`; nothing older than a minute | never |
| `onvif-ej/TOPIC/&SOURCE` | an event as ONVIF's event broker sends it (`mqtt.onvif`) | where it is a property |
| `set/THING/ENTITY` | a command: `ON`, `OFF`, `PRESS`, or one of the choices; ignored where retained | |

- **Events** arrive at least once, in order, however long the broker was away, as long as `mqtt.queue_mb` and
  `mqtt.queue_days` hold; after that the oldest are dropped, which is counted and said (`delivery.dropping`). `id` is
  the same when an event is sent twice, and no other event has it. It is no count: behind a power cut numbers leap.
- **States** are said when they change, within a second, and all of them after each connection.
- **Commands** are off until `mqtt.allow_poe`, `mqtt.allow_chassis` or `mqtt.allow_recording` is set. Each is told as
  `command.received`, with what came of it. They do not outlive an outage of five minutes.
- **Home Assistant** (2024.11 and later) finds every thing by itself. What may not be commanded is shown as a sensor.

At the broker the recorder needs a user of its own, who may write `PREFIX/SERIAL/#` and `homeassistant/device/+/config`,
and read `PREFIX/SERIAL/set/#` and `homeassistant/status`. Who else may publish to `set/` governs the ports.

## Event brokers of ONVIF

Up to eight more brokers are sent the events as ONVIF tells them, each under a prefix of its own:
`PREFIX/onvif-ej/...`. A management system adds them over ONVIF (`AddEventBroker`), a person in the settings:

    holdfast settings set event_brokers[site].address=mqtts://192.0.2.8:8883 event_brokers[site].prefix=site/attic \\
        event_brokers[site].user=recorder event_brokers[site].password=... event_brokers[site].qos=1 \\
        event_brokers[site].topics='["tns1:Device//.|tns1:RecordingConfig/JobState"]'

## Events

`<name>` stands for the value of that field. What would separate or select topics (`/ + #`) is percent-encoded in it.
"""

ENTITIES: dict[str, Sequence[Row[Any]]] = {
    "the recorder, `recorder`": ROWS,
    "its box, `chassis`": CHASSIS,
    "a port, `port-N`": PORT,
    "a drive, `drive-N`": DRIVE,
    "the array, `array`": ARRAY,
    "a storage, `storage-KEY`": STORAGE,
    "a camera, by its key": CAMERA,
}

PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "events.md": events_page,
    "mqtt.md": mqtt_page,
    "api.md": api_page,
    "permissions.md": permissions_page,
}


def stale() -> Iterable[str]:
    """The pages that are not what the code says now."""
    for path, text in _made().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            yield path.name


def _made() -> dict[Path, str]:
    """All that is made from the code, and what it is to be."""
    return {**{GUIDE / name: make() for name, make in PAGES.items()}, **modules()}


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        for made, said in _made().items():
            made.write_text(said, encoding="utf-8")
    elif names := list(stale()):
        sys.exit(f"stale: {', '.join(names)}; run python -m tests.documents --write")
