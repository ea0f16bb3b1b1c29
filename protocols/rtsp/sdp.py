"""Session descriptions, RFC 8866 (RFC 4566) as RTSP uses them (RFC 2326 appendix C). Text to records and
back. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from device.errors import PeerFault

SIZE_LIMIT = 64 * 1024  #: octets
MEDIA_LIMIT = 32  #: m= lines
ATTRIBUTES_LIMIT = 256  #: a= lines of one section
FORMATS_LIMIT = 32  #: payload types of one m= line

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_RTPMAP = re.compile(r"\s*(\d{1,3})\s+([^\s/]{1,64})\s*/\s*(\d{1,10})(?:\s*/\s*(\d{1,3}))?\s*")

#: Payload types that need no rtpmap, RFC 3551 s6: encoding name, clock rate, channels.
STATIC = {
    0: ("PCMU", 8000, 1),
    8: ("PCMA", 8000, 1),
    9: ("G722", 8000, 1),
    14: ("MPA", 90000, 1),
    26: ("JPEG", 90000, 0),
    32: ("MPV", 90000, 0),
    33: ("MP2T", 90000, 0),
}


class MalformedDescription(PeerFault):
    """What the camera sent is not a session description, or exceeds a limit."""


@dataclass(frozen=True, slots=True)
class Format:
    """One payload type of one media: `rtpmap` and `fmtp` together (RFC 8866 s6.6, s6.15)."""

    payload_type: int
    encoding: str  #: as written; encoding names compare without case
    clock_rate: int  #: Hz
    channels: int = 0  #: the third part of rtpmap; 0 where it is absent
    parameters: Mapping[str, str] = field(default_factory=dict)  #: of fmtp; names in lower case


@dataclass(frozen=True, slots=True)
class Media:
    """One `m=` section."""

    kind: str  #: video, audio, application ...
    formats: tuple[Format, ...]  #: in the sender's order of preference; unknown dynamic types are left out
    control: str = ""  #: as written, absolute or relative; empty where absent
    protocol: str = "RTP/AVP"
    direction: str = ""  #: sendrecv, sendonly, recvonly, inactive; empty where absent
    attributes: tuple[tuple[str, str], ...] = ()  #: the others, in order; a flag has an empty value


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """One session."""

    media: tuple[Media, ...]
    name: str = ""
    control: str = ""  #: of the aggregate
    attributes: tuple[tuple[str, str], ...] = ()


def parse(data: bytes | str) -> SessionDescription:
    """Read leniently: a line that cannot be understood is skipped. Raises MalformedDescription for what is no
    description at all, or is beyond the limits.
    """
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    if len(text) > SIZE_LIMIT:
        raise MalformedDescription(
            f"session description of {len(text)} characters, the limit is {SIZE_LIMIT}"
        )
    name = ""
    heads: list[str] = []
    sections: list[list[tuple[str, str]]] = [[]]
    recognised = False
    for raw in text.splitlines():
        line = raw.strip("\0 \t")
        if len(line) < 2 or line[1] != "=":
            continue
        key, value = line[0], line[2:].strip()
        recognised = recognised or (key == "v" and value == "0") or key == "m"
        if key == "s":
            name = value
        elif key == "m":
            if len(heads) >= MEDIA_LIMIT:
                raise MalformedDescription(f"more than {MEDIA_LIMIT} media sections")
            heads.append(value)
            sections.append([])
        elif key == "a":
            if len(sections[-1]) >= ATTRIBUTES_LIMIT:
                raise MalformedDescription(f"more than {ATTRIBUTES_LIMIT} attributes in one section")
            attribute, _, content = value.partition(":")
            sections[-1].append((attribute.strip(), content.strip()))
    if not recognised:
        raise MalformedDescription("not a session description")
    media = [_media(head, attributes) for head, attributes in zip(heads, sections[1:], strict=True)]
    rest = tuple(pair for pair in sections[0] if pair[0] != "control")
    return SessionDescription(tuple(m for m in media if m), name, _first(sections[0], "control"), rest)


def write(description: SessionDescription, origin: str, session: int) -> str:
    """The text of a description. `origin` is the sender's address, `session` the id and version of the o=
    line.
    """
    family = "IP6" if ":" in origin else "IP4"
    lines = [
        "v=0",
        f"o=- {session} {session} IN {family} {origin}",
        f"s={_one_line(description.name) or '-'}",
        f"c=IN {family} {'::' if family == 'IP6' else '0.0.0.0'}",  # noqa: S104 - unicast: RFC 2326 C.1.7
        "t=0 0",
    ]
    if description.control:
        lines.append(f"a=control:{_one_line(description.control)}")
    lines += [_attribute(*pair) for pair in description.attributes]
    for media in description.media:
        types = " ".join(str(f.payload_type) for f in media.formats)
        lines.append(f"m={media.kind} 0 {media.protocol} {types}")
        for form in media.formats:
            channels = f"/{form.channels}" if form.channels else ""
            lines.append(f"a=rtpmap:{form.payload_type} {form.encoding}/{form.clock_rate}{channels}")
            if form.parameters:
                pairs = ";".join(f"{k}={v}" if v else k for k, v in form.parameters.items())
                lines.append(f"a=fmtp:{form.payload_type} {_one_line(pairs)}")
        if media.control:
            lines.append(f"a=control:{_one_line(media.control)}")
        if media.direction:
            lines.append(f"a={media.direction}")
        lines += [_attribute(*pair) for pair in media.attributes]
    return "\r\n".join([*lines, ""])


def control_url(base: str, control: str) -> str:
    """The URL of a `control` attribute (RFC 2326 appendix C.1.1), relative to `base`.

    A relative one is appended to the whole base, query and all, as cameras and every client of theirs do,
    where RFC 3986 would replace the last segment.
    """
    if control in ("", "*"):
        return base
    if urlsplit(control).scheme.lower() in ("rtsp", "rtsps", "rtspu"):
        return control
    if control.startswith("/"):
        return joined(base, control)
    return base + control if base.endswith("/") else f"{base}/{control}"


def joined(base: str, reference: str) -> str:
    """A reference relative to a base, RFC 3986 s5.2, of which Python's knows no RTSP."""
    if _SCHEME.match(reference):
        return reference
    scheme, colon, rest = base.partition(":")
    return scheme + colon + urljoin("http:" + rest, reference).removeprefix("http:")


def _media(head: str, attributes: list[tuple[str, str]]) -> Media | None:
    words = head.split()
    if len(words) < 4:
        return None
    maps: dict[int, tuple[str, int, int]] = dict(STATIC)
    parameters: dict[int, dict[str, str]] = {}
    others: list[tuple[str, str]] = []
    direction = ""
    for name, value in attributes:
        if name == "rtpmap":
            found = _RTPMAP.fullmatch(value)
            if found is not None and 0 < int(found[3]) < 1 << 32:
                maps[int(found[1])] = (found[2], int(found[3]), int(found[4] or 0))
        elif name == "fmtp":
            number, _, rest = value.partition(" ")
            if number.isascii() and number.isdigit():
                parameters.setdefault(int(number), {}).update(_parameters(rest))
        elif name in ("sendrecv", "sendonly", "recvonly", "inactive"):
            direction = name
        elif name != "control":
            others.append((name, value))
    formats: list[Format] = []
    for word in words[3 : 3 + FORMATS_LIMIT]:
        kind = int(word) if word.isascii() and word.isdigit() and len(word) < 4 else 128
        if kind < 128 and kind in maps:
            formats.append(Format(kind, *maps[kind], parameters.get(kind, {})))
    return Media(
        words[0].lower(), tuple(formats), _first(attributes, "control"), words[2], direction, tuple(others)
    )


def _parameters(text: str) -> dict[str, str]:
    """`name=value; name=value`. A value may hold `=` (base64); semicolons may be missing at the end or
    doubled.
    """
    found: dict[str, str] = {}
    for part in text.split(";"):
        name, _, value = part.partition("=")
        if name.strip():
            found[name.strip().lower()] = value.strip().strip('"')
    return found


def _first(attributes: list[tuple[str, str]], name: str) -> str:
    return next((value for key, value in attributes if key == name), "")


def _attribute(name: str, value: str) -> str:
    return f"a={name}:{_one_line(value)}" if value else f"a={name}"


def _one_line(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text).strip()
