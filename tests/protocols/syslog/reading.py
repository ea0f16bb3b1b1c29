"""A reader of RFC 5424 that is written from its grammar alone (s6), and keeps to it strictly."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME = r"[!#-<>-\\^-~]{1,32}"  # SD-NAME: no space, = ] or quote
_PARAM = rf' ({_NAME})="((?:[^"\\\]]|\\.)*)"'
_HEAD = re.compile(
    r"<(\d{1,3})>1 "
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}(?:Z|[+-]\d\d:\d\d)) "
    r"([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) ([!-~]{1,32}) ",
    re.ASCII,
)
_ELEMENT = re.compile(rf"\[({_NAME})((?:{_PARAM})*)\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Read:
    """What a message says."""

    facility: int
    severity: int
    time: str
    host: str
    app: str
    process: str
    name: str
    data: dict[str, dict[str, str]]
    text: str


def read(octets: bytes) -> Read:
    """Raises ValueError where it is no message."""
    message = octets.decode()
    head = _HEAD.match(message)
    if head is None:
        raise ValueError(f"no header: {message[:100]!r}")
    rest = message[head.end() :]
    data: dict[str, dict[str, str]] = {}
    if rest.startswith("-"):
        rest = rest[1:]
    else:
        while element := _ELEMENT.match(rest):
            if element[1] in data:
                raise ValueError(f"{element[1]} twice")
            data[element[1]] = {
                k: re.sub(r"\\([\"\\\]])", r"\1", v) for k, v in re.findall(_PARAM, element[2])
            }
            rest = rest[element.end() :]
        if not data:
            raise ValueError(f"no structured data: {rest[:100]!r}")
    if rest and rest[0] != " ":
        raise ValueError(f"behind the structured data: {rest[:100]!r}")
    text = rest[1:]
    if not text.isascii() and text[0] != "\ufeff":
        raise ValueError("UTF-8 without its mark")
    priority = int(head[1])
    if priority > 191:
        raise ValueError(f"priority {priority}")
    return Read(
        priority // 8,
        priority % 8,
        head[2],
        head[3],
        head[4],
        head[5],
        head[6],
        data,
        text.removeprefix("\ufeff"),
    )
