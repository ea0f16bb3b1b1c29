"""Every text that the pages show: what their sources hand to t() and tn(), and what the settings are called."""

from __future__ import annotations

import json
import re

from device.settings.section import about_fields
from device.settings.sections import SECTIONS
from protocols.http.assets import STATIC

_STRING = r'("(?:[^"\\\n]|\\.)*")'
_ONE = re.compile(r"(?<![\w$.])t\(\s*" + _STRING)
_TWO = re.compile(r"(?<![\w$.])tn\(\s*" + _STRING + r"\s*,\s*" + _STRING)
_ANY = re.compile(r"(?<![\w$.])tn?\(\s*([^\s)])")
#: What is not a literal, because it is a text of the settings, which are counted on their own.
_OF_SETTINGS = re.compile(
    r"(?<![\w$.])t\((s\.title|s\.description|each\.heading|chosen\.heading|about\.heading|text,|text\b)"
)

LANGUAGES = ("sv", "de")


def modules() -> dict[str, str]:
    """The sources of the pages."""
    return {
        str(path.relative_to(STATIC)): path.read_text() for path in sorted((STATIC / "app").rglob("*.js"))
    }


def of_pages() -> set[str]:
    """The texts in the sources."""
    found: set[str] = set()
    for source in modules().values():
        found |= {json.loads(match[1]) for match in _ONE.finditer(source)}
        for match in _TWO.finditer(source):
            found |= {json.loads(match[1]), json.loads(match[2])}
    return found


def of_settings() -> set[str]:
    """Headings, titles and help of all sections."""
    found: set[str] = set()
    for kind in SECTIONS:
        found.add(kind.about.heading)
        for field in about_fields(kind).values():
            found |= {field.title, field.help} - {""}
    return found


def not_literal() -> list[str]:
    """Calls whose text no catalogue can have."""
    found = []
    for name, source in modules().items():
        for match in _ANY.finditer(source):
            here = source[match.start() : match.end() + 20]
            if (
                match[1] != '"'
                and not _OF_SETTINGS.match(source, match.start())
                and "count === 1" not in here
            ):
                found.append(f"{name}: {here!r}")
    return found


def catalogue(language: str) -> dict[str, str]:
    """What a language says."""
    words: dict[str, str] = json.loads((STATIC / "lang" / f"{language}.json").read_text())
    return words
