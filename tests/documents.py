"""The pages of the documentation that are made from the code: `python -m tests.documents --write`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from device.events.catalogue import PlaneName  # noqa: F401 - importing it declares the events
from device.events.event import describe, events
from device.settings import SECTIONS
from device.settings.section import AboutField, Section, about_fields

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


PAGES: dict[str, Callable[[], str]] = {"settings.md": settings_page, "events.md": events_page}


def stale() -> Iterable[str]:
    """The pages that are not what the code says now."""
    for name, make in PAGES.items():
        path = GUIDE / name
        if not path.exists() or path.read_text(encoding="utf-8") != make():
            yield name


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        for page, write in PAGES.items():
            (GUIDE / page).write_text(write(), encoding="utf-8")
    elif names := list(stale()):
        sys.exit(f"stale: {', '.join(names)}; run python -m tests.documents --write")
