"""XML as JSON, as ONVIF's event broker sends the element items of a message (ONVIF Core, JSON Event Payload). Pure."""

from __future__ import annotations

from typing import TypeAlias

from lxml import etree

from protocols.onvif.names import PREFIXES
from protocols.onvif.xml import Element, content

Json: TypeAlias = "str | dict[str, Json] | list[Json] | None"

_ONVIF = "http://www.onvif.org/"  #: what stands in a namespace of ONVIF is told without it
_ALIASES = {space: prefix for prefix, space in PREFIXES.items()}


def element_json(element: Element) -> dict[str, Json]:
    """An element by its name. Attributes are `@name`, a text beside them is `#text`, one without anything is null, and
    names that stand there several times are a list. Values are texts, as XML has them."""
    return {_name(str(element.tag)): _inside(element)}


def _inside(element: Element) -> Json:
    told: dict[str, Json] = {f"@{_name(str(key))}": str(value) for key, value in element.attrib.items()}
    words = content(element)
    if not len(element) and not told:
        return words or None
    if words:
        told["#text"] = words
    for child in element.iterchildren("*"):
        name = _name(str(child.tag))
        before = told.get(name)
        if name not in told:
            told[name] = _inside(child)
        elif isinstance(before, list):
            before.append(_inside(child))
        else:
            told[name] = [before, _inside(child)]
    return told


def _name(qualified: str) -> str:
    found = etree.QName(qualified)
    space = found.namespace
    if not space or space.startswith(_ONVIF):
        return found.localname
    return f"{_ALIASES.get(space, space)}:{found.localname}"
