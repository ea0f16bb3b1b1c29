"""XML in and out: a parser that nothing can be done to, typed reading of requests, and building of replies.

A request is read with `need`, `text`, `flag`, `whole`, `number`, `instant` and `span`: each takes the parent and the
qualified name of a child, strips white space, and raises a `Refusal` (ter:InvalidArgVal) that names the element where
its text is not of the type. A reply is built with `sub`, which writes Python values as XML Schema writes them.
"""

from __future__ import annotations

import codecs
import re
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TypeVar

from lxml import etree

from device.media import MICROSECONDS, Utc
from protocols.onvif.faults import BAD_ARGUMENT, BAD_XML, Refusal

Element = etree._Element
Value = str | bool | int | float | Enum
E = TypeVar("E", bound=Enum)

OCTETS = 256 * 1024  #: of a request; the longest that clients send have some kilobytes
DEPTH = 64  #: of elements within each other

_TOO_DEEP = etree.XPath("boolean(" + "/*" * (DEPTH + 1) + ")")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_SPAN = re.compile(
    r"(-)?P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?", re.ASCII
)
_SECONDS = (365 * 86400.0, 30 * 86400.0, 86400.0, 3600.0, 60.0, 1.0)
_MOST_SECONDS = 1e11  # three thousand years
#: What XML 1.0 cannot carry (s2.2), escaped or not.
_UNSPEAKABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def parse(data: bytes) -> Element:
    """The root of a document. Raises Refusal: too long, too deep, with a DTD, or not XML.

    Entities are not expanded, nothing is fetched; comments and processing instructions are dropped.
    """
    if len(data) > OCTETS:
        raise Refusal(BAD_XML, f"A request may have {OCTETS} octets.")
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        written = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        raise Refusal(BAD_XML, "The request is not in UTF-8.") from None
    if "<!DOCTYPE" in written or "<!ENTITY" in written:
        raise Refusal(BAD_XML, "A document type declaration is not taken (SOAP 1.2 s5).")
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(written.strip().encode(), parser)
    except (etree.XMLSyntaxError, UnicodeEncodeError) as error:
        raise Refusal(BAD_XML, f"The request is not well-formed XML: {str(error)[:120]}") from None
    if _TOO_DEEP(root):
        raise Refusal(BAD_XML, f"Elements may stand {DEPTH} deep within each other.")
    return root


# ------------------------------------------------------------------------------------------------ reading


def local(element: Element) -> str:
    """The name without its namespace."""
    return etree.QName(element).localname


def content(element: Element) -> str:
    """The text of an element, without the white space around it."""
    return (element.text or "").strip()


def text(parent: Element, name: str) -> str | None:
    """The text of a child; None where there is none."""
    child = parent.find(name)
    return None if child is None else content(child)


def find(parent: Element, name: str) -> Element:
    """A child that must be there. Raises Refusal."""
    child = parent.find(name)
    if child is None:
        raise Refusal(BAD_ARGUMENT, f"{etree.QName(name).localname} is missing.")
    return child


def need(parent: Element, name: str) -> str:
    """The text of a child that must be there; may be empty. Raises Refusal."""
    return content(find(parent, name))


def texts(parent: Element, name: str) -> list[str]:
    """The texts of all children of that name."""
    return [content(child) for child in parent.iterfind(name)]


def flag(parent: Element, name: str) -> bool | None:
    """xs:boolean; None where it is not given. Raises Refusal."""
    given = text(parent, name)
    if given is None:
        return None
    if given not in ("true", "false", "1", "0"):
        raise _wrong(name, given, "true or false")
    return given in ("true", "1")


def whole(parent: Element, name: str) -> int | None:
    """xs:int; None where it is not given. Raises Refusal."""
    given = text(parent, name)
    if given is None:
        return None
    if not re.fullmatch(r"[+-]?\d{1,10}", given, re.ASCII) or not -(1 << 31) <= int(given) < 1 << 31:
        raise _wrong(name, given, "an integer of 32 bits")
    return int(given)


def number(parent: Element, name: str) -> float | None:
    """xs:float, finite; None where it is not given. Raises Refusal."""
    given = text(parent, name)
    if given is None:
        return None
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", given, re.ASCII) or len(given) > 64:
        raise _wrong(name, given, "a number")
    return float(given)


def instant(parent: Element, name: str) -> Utc | None:
    """xs:dateTime, UTC where it names no zone; None where it is not given. Raises Refusal."""
    given = text(parent, name)
    return None if given is None else read_instant(name, given)


def span(parent: Element, name: str) -> float | None:
    """xs:duration in seconds (a year has 365 days, a month 30); None where it is not given. Raises Refusal."""
    given = text(parent, name)
    return None if given is None else read_span(name, given)


def member(kind: type[E], parent: Element, name: str) -> E:
    """A member of an enumeration whose values are ONVIF's words. Raises Refusal."""
    given = need(parent, name)
    try:
        return kind(given)
    except ValueError:
        raise _wrong(name, given, "one of " + ", ".join(str(one.value) for one in kind)) from None


def read_instant(name: str, given: str) -> Utc:
    """xs:dateTime. Raises Refusal."""
    found = _INSTANT.fullmatch(given)
    if found is None:
        raise _wrong(name, given, "an instant such as 2026-11-22T18:00:00Z")
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        moment = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    except ValueError:
        raise _wrong(name, given, "an instant that exists") from None
    micro = int(((fraction or "") + "000000")[:6])
    utc = (moment - _EPOCH) // timedelta(microseconds=1) + micro
    if zone and zone != "Z":
        shift = (int(zone[1:3]) * 60 + int(zone[4:6])) * 60 * MICROSECONDS
        utc += -shift if zone[0] == "+" else shift
    return Utc(utc)


def read_span(name: str, given: str) -> float:
    """xs:duration in seconds. Raises Refusal."""
    found = _SPAN.fullmatch(given)
    if found is None or given.endswith(("P", "T")):
        raise _wrong(name, given, "a duration such as PT1M")
    parts = zip(found.groups()[1:], _SECONDS, strict=True)
    seconds = sum(float(part) * each for part, each in parts if part)
    if seconds > _MOST_SECONDS:
        raise _wrong(name, given, "a duration of at most three thousand years")
    return -seconds if found[1] else seconds


def qualified(element: Element, name: str) -> str:
    """A QName in a text or attribute, as `{namespace}local`, by the prefixes in scope. Raises Refusal."""
    prefix, colon, rest = name.strip().rpartition(":")
    space = element.nsmap.get(prefix or None)
    if colon and space is None:
        raise Refusal(BAD_ARGUMENT, f"The prefix of {name[:80]!r} is not declared.")
    return f"{{{space}}}{rest}" if space else rest


def _wrong(name: str, given: str, wanted: str) -> Refusal:
    return Refusal(BAD_ARGUMENT, f"{etree.QName(name).localname}: {given[:80]!r} is not {wanted}.")


# ----------------------------------------------------------------------------------------------- building


def sub(parent: Element, name: str, value: Value | None = None, **attributes: Value | None) -> Element:
    """Append a child. `value` becomes its text; attributes that are None are left out."""
    child = etree.SubElement(parent, name)
    if value is not None:
        child.text = write(value)
    for key, given in attributes.items():
        if given is not None:
            child.set(key, write(given))
    return child


def write(value: Value) -> str:
    """A value as XML Schema writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, str):
        return _UNSPEAKABLE.sub("\ufffd", value)
    return str(value)


def write_instant(utc: Utc) -> str:
    """xs:dateTime in UTC, to the microsecond where there is a fraction."""
    moment = _EPOCH + timedelta(microseconds=utc)
    return moment.replace(tzinfo=None).isoformat() + "Z"


def write_span(seconds: float) -> str:
    """xs:duration."""
    return f"{'-' if seconds < 0 else ''}PT{abs(seconds):.6f}".rstrip("0").rstrip(".") + "S"
