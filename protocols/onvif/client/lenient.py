"""Replies of cameras: XML that need not be quite well-formed, times that need not exist. Pure.

Names are compared without their namespaces: cameras declare the wrong ones, or none. Nothing that a camera sends makes
these functions raise anything but `NotUnderstood`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from lxml import etree

from device.cameras.control import NotUnderstood
from device.media import MICROSECONDS, Utc
from protocols.onvif.xml import Element, content

LONGEST = 4 << 20  #: octets of a reply; the largest are profiles of recorders with many channels
_CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_INSTANT = re.compile(
    r"\s*(\d{4})-(\d\d?)-(\d\d?)[T ]+(\d\d?):(\d\d?):(\d\d?)(?:\.(\d{1,9}))?\s*(Z|[+-]\d\d:?\d\d)?\s*",
    re.ASCII,
)


def document(data: bytes) -> Element:
    """The root of a reply. Raises NotUnderstood: nothing can be made of it."""
    if len(data) > LONGEST:
        raise NotUnderstood(f"The camera's answer has more than {LONGEST >> 20} MiB.")
    text = _CONTROLS.sub(b"", data.decode("utf-8", "replace").encode()).strip()
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise NotUnderstood("The camera's answer is no SOAP: it has a document type.")
    for recover in (False, True):
        root = _parsed(text, recover=recover)
        if root is not None:
            return root
    raise NotUnderstood("The camera's answer is no XML.")


def _parsed(text: bytes, *, recover: bool) -> Element | None:
    """The root; None: there is none, or where nothing is to be recovered, something is wrong."""
    parser = etree.XMLParser(
        recover=recover,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(text, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def name(element: Element) -> str:
    """Without namespace, and without a prefix that nobody declared."""
    return str(element.tag).rpartition("}")[2].rpartition(":")[2]


def children(parent: Element | None, wanted: str) -> Iterator[Element]:
    """Those of that name."""
    for child in () if parent is None else parent:
        if name(child) == wanted:
            yield child


def find(parent: Element | None, *path: str) -> Element | None:
    """The first one at the end of a path."""
    for wanted in path:
        parent = next(children(parent, wanted), None)
    return parent


def descendants(parent: Element, wanted: str) -> Iterator[Element]:
    """Those of that name, however deep."""
    return (each for each in parent.iter("*") if name(each) == wanted)


def text(parent: Element | None, *path: str) -> str:
    """Its text; empty where there is none."""
    found = find(parent, *path)
    return "" if found is None else content(found)


def number(parent: Element | None, *path: str) -> float:
    """Its number; 0 where there is none."""
    try:
        value = float(text(parent, *path))
    except ValueError:
        return 0.0
    return value if 0 <= value < 1e9 else 0.0


def instant(given: str) -> Utc | None:
    """An xs:dateTime; None where it is none, or where there is no such instant. Without a zone it is UTC."""
    found = _INSTANT.fullmatch(given)
    if found is None:
        return None
    *parts, fraction, zone = found.groups()
    try:
        year, month, day, hour, minute, second = map(int, parts)
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    utc = round(moment.timestamp()) * MICROSECONDS + int(((fraction or "") + "000000")[:6])
    if zone and zone != "Z":
        shift = (int(zone[1:3]) * 60 + int(zone[-2:])) * 60 * MICROSECONDS
        utc += -shift if zone[0] == "+" else shift
    return Utc(utc)


def parts_of(parent: Element | None) -> Utc | None:
    """A tt:DateTime; None where there is no such instant."""
    date, time = find(parent, "Date"), find(parent, "Time")
    numbers = [number(date, each) for each in ("Year", "Month", "Day")]
    numbers += [number(time, each) for each in ("Hour", "Minute", "Second")]
    return instant("{:04.0f}-{:02.0f}-{:02.0f}T{:02.0f}:{:02.0f}:{:02.0f}Z".format(*numbers))
