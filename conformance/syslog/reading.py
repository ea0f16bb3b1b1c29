"""Reading messages strictly by their grammar: RFC 5424 s6, RFC 3164 s4.1. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

_HEAD = re.compile(
    rb"<(?P<priority>0|[1-9][0-9]{0,2})>(?P<version>[1-9][0-9]{0,2}) (?P<time>\S+) (?P<host>[!-~]{1,255}) "
    rb"(?P<app>[!-~]{1,48}) (?P<process>[!-~]{1,128}) (?P<name>[!-~]{1,32}) "
)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")
_NAME = rb"[!#-<>-\\^-~]{1,32}"
_PARAM = re.compile(rb" (" + _NAME + rb')="((?:[^"\\\]]|\\.)*)"', re.DOTALL)
_ELEMENT = re.compile(rb"\[(" + _NAME + rb")((?: " + _NAME + rb'="(?:[^"\\\]]|\\.)*")*)\]', re.DOTALL)
_OLD = re.compile(
    rb"<(?P<priority>0|[1-9][0-9]{0,2})>(?P<time>(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
    rb" (?: [1-9]|[12][0-9]|3[01]) [0-2][0-9]:[0-5][0-9]:[0-5][0-9]) (?P<host>[!-~]+) (?P<content>.*)",
    re.DOTALL,
)
LARGEST_PRIORITY = 191
NIL = "-"


class Wrong(Exception):
    """A message that is not of the form that it claims; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class New:
    """A message of RFC 5424."""

    priority: int
    version: int
    time: str
    host: str
    app: str
    process: str
    name: str
    data: tuple[tuple[str, dict[str, str]], ...]  #: in the order sent
    text: bytes


@dataclass(frozen=True, slots=True)
class Old:
    """A message of RFC 3164."""

    priority: int
    host: str
    content: bytes


def read_new(octets: bytes) -> New | Wrong:
    """RFC 5424 s6."""
    head = _HEAD.match(octets)
    if head is None:
        return Wrong(f"no header: {octets[:60]!r}")
    rest, data = octets[head.end() :], []
    if rest.startswith(b"-"):
        rest = rest[1:]
    else:
        while element := _ELEMENT.match(rest):
            try:
                params = {k.decode(): _unescaped(v).decode() for k, v in _PARAM.findall(element[2])}
            except UnicodeDecodeError:
                return Wrong(f"a value in [{element[1].decode()} ...] is not UTF-8")
            data.append((element[1].decode(), params))
            rest = rest[element.end() :]
        if not data:
            return Wrong(f"neither - nor structured data behind the header: {rest[:60]!r}")
    if rest and not rest.startswith(b" "):
        return Wrong(f"no space behind the structured data: {rest[:60]!r}")
    fields = {name: value.decode("ascii", "replace") for name, value in head.groupdict().items()}
    return New(
        int(fields["priority"]),
        int(fields["version"]),
        fields["time"],
        fields["host"],
        fields["app"],
        fields["process"],
        fields["name"],
        tuple(data),
        rest[1:],
    )


def _unescaped(value: bytes) -> bytes:
    return re.sub(rb'\\(["\\\]])', rb"\1", value)


def good_time(text: str) -> bool:
    """RFC 5424 s6.2.3: RFC 3339 with T and Z as capitals, no leap second, at most microseconds; or NIL."""
    if text == NIL:
        return True
    if not _TIME.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def read_old(octets: bytes) -> Old | Wrong:
    """RFC 3164 s4.1."""
    found = _OLD.fullmatch(octets)
    if found is None:
        return Wrong(f"no header of RFC 3164: {octets[:60]!r}")
    return Old(int(found["priority"]), found["host"].decode(), found["content"])
