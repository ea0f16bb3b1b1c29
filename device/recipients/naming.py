"""Names of files by a pattern, with the modifiers that people know from cameras. Pure.

    #c-%Y%m%d-%H%M%S-#s     c-gate-20261128-141500-000017

| modifier | stands for |
|---|---|
| `%Y %y %m %d %H %M %S` | year, year without century, month, day, hour, minute, second, in the recorder's zone |
| `%f` | milliseconds |
| `#s` | a number, one higher with each file |
| `#c` `#n` | the camera's key, and its name |
| `#r` | the rule's name |
| `%%` `##` | `%`, `#` |
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from device.recipients.parcel import safe

NUMBER = "#s"
PATTERN = "#c-%Y%m%d-%H%M%S-#s"  #: unless a person wants another
_MODIFIER = re.compile(r"[%#].?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a name can tell."""

    when: datetime  #: of the picture, or of the clip's beginning, in the recorder's zone
    number: int
    camera: str
    title: str  #: of the camera
    rule: str


def _time(how: str) -> Callable[[Facts], str]:
    return lambda facts: facts.when.strftime(how)


_MEANS: dict[str, Callable[[Facts], str]] = {
    **{how: _time(how) for how in ("%Y", "%y", "%m", "%d", "%H", "%M", "%S")},
    "%f": lambda facts: f"{facts.when.microsecond // 1000:03}",
    NUMBER: lambda facts: f"{facts.number % 1_000_000:06}",
    "#c": lambda facts: facts.camera,
    "#n": lambda facts: facts.title or facts.camera,
    "#r": lambda facts: facts.rule,
    "%%": lambda _: "%",
    "##": lambda _: "#",
}


def check(pattern: str) -> str:
    """The pattern. Raises ValueError about the first modifier that there is not."""
    for found in _MODIFIER.findall(pattern):
        if found not in _MEANS:
            raise ValueError(f"has {found!r}, which is none of {' '.join(_MEANS)}")
    return pattern


def numbered(pattern: str) -> bool:
    """Whether each name of it is another."""
    return NUMBER in _MODIFIER.findall(pattern)


def expand(pattern: str, facts: Facts, suffix: str) -> str:
    """The name. `suffix`: with its dot."""
    named = _MODIFIER.sub(lambda found: _MEANS[found[0]](facts), pattern)
    return f"{safe(named) or 'holdfast'}{suffix}"
