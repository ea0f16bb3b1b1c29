"""Session descriptions (RFC 8866, and RFC 2326 appendix C), read strictly: what is wrong is listed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

_SESSION_ORDER = "vosiuepcbtrzkam"
_MEDIA_ORDER = "micbka"


@dataclass(slots=True)
class Media:
    """One `m=` section."""

    kind: str  #: `video`, `audio`, `application`
    port: str
    profile: str
    formats: list[str]
    attributes: list[tuple[str, str]] = field(default_factory=list)
    connection: str | None = None

    def get(self, name: str) -> str | None:
        """The first attribute of a name."""
        return next((value for key, value in self.attributes if key == name), None)

    @property
    def rtpmap(self) -> tuple[str, int] | None:
        """Encoding in capitals and clock rate of its first format, from `rtpmap` or RFC 3551's table."""
        for key, value in self.attributes:
            match = re.fullmatch(r"(\d+) ([^/\s]+)/(\d+)(?:/\d+)?\s*", value) if key == "rtpmap" else None
            if match is not None and match[1] == self.formats[0]:
                return match[2].upper(), int(match[3])
        return _STATIC.get(self.formats[0])

    @property
    def fmtp(self) -> dict[str, str]:
        """The format's parameters, names in lower case."""
        for key, value in self.attributes:
            number, _, text = value.partition(" ")
            if key == "fmtp" and number == self.formats[0]:
                pairs = (part.strip().partition("=") for part in text.split(";"))
                return {name.lower(): value for name, _, value in pairs if name}
        return {}


_STATIC = {"0": ("PCMU", 8000), "8": ("PCMA", 8000), "26": ("JPEG", 90000), "14": ("MPA", 90000)}


@dataclass(slots=True)
class Description:
    """A session description."""

    media: list[Media]
    attributes: list[tuple[str, str]]  #: of the session
    faults: list[str]  #: what breaks the standard, in words
    connection: str | None

    def all(self, name: str) -> list[str]:
        """Every session attribute of a name."""
        return [value for key, value in self.attributes if key == name]

    def only(self, media: Sequence[Media]) -> Self:
        """The same with some of its media."""
        return replace(self, media=list(media))


def read(body: bytes) -> Description:
    """Read a description; what cannot be read becomes a fault."""
    found = Description([], [], [], None)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        found.faults.append("it is not UTF-8")
        text = body.decode("latin-1")
    if "\n" in text.replace("\r\n", ""):
        found.faults.append("lines end without a carriage return")
    kinds = ""
    for line in text.replace("\r\n", "\n").rstrip("\n").split("\n"):
        if not re.match(r"[a-z]=", line):
            found.faults.append(f"not a line of SDP: {line[:60]!r}")
            continue
        kinds += line[0]
        _line(found, line[0], line[2:])
    _order(found, kinds)
    return found


def _line(found: Description, kind: str, value: str) -> None:
    now = found.media[-1] if found.media else None
    if kind == "m":
        match = re.fullmatch(r"(\S+) (\d+(?:/\d+)?) (\S+) (\S+(?: \S+)*)", value)
        if match is None:
            found.faults.append(f"not a media line: m={value[:60]!r}")
        else:
            found.media.append(Media(match[1], match[2], match[3].upper(), match[4].split(" ")))
    elif kind == "a":
        name, _, text = value.partition(":")
        (now.attributes if now else found.attributes).append((name, text))
    elif kind == "c":
        if not re.fullmatch(r"IN IP[46] \S+", value):
            found.faults.append(f"not a connection line: c={value[:60]!r}")
        if now is not None:
            now.connection = value
        else:
            found.connection = value
    elif kind == "v" and value != "0":
        found.faults.append(f"v={value[:20]}, not v=0")
    elif kind == "o" and not re.fullmatch(r"\S+ \d+ \d+ IN IP[46] \S+", value):
        found.faults.append(f"not an origin: o={value[:80]!r}")
    elif kind == "t" and not re.fullmatch(r"\d+ \d+", value):
        found.faults.append(f"not a time: t={value[:60]!r}")


def _order(found: Description, kinds: str) -> None:
    session, *sections = kinds.split("m")
    for needed in "vost":
        if session.count(needed) != 1 and (needed != "t" or needed not in session):
            found.faults.append(f"{session.count(needed)} lines {needed}= in the session's part, not one")
    for part, order in ((session, _SESSION_ORDER), *((section, _MEDIA_ORDER) for section in sections)):
        # RFC 8866 s5: r= belongs to the t= before it, and both may repeat.
        places = [order.find(kind.replace("r", "t")) for kind in part]
        if -1 in places or places != sorted(places):
            found.faults.append(f"lines in the wrong order or unknown: {part}")
    if not found.media:
        found.faults.append("no media")
