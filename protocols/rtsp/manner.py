"""How a recording is played: the headers Scale and Speed (RFC 2326 s12.34, s12.35), Rate-Control and Frames (ONVIF
Streaming s6.5). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from device.errors import BadValue
from device.media import MICROSECONDS
from protocols.rtsp.message import Headers

SLOWEST, FASTEST = 0.1, 256.0  #: of Scale, in either direction
ALL_FRAMES = 4.0  #: up to this scale all frames are sent, beyond it key frames
SPEEDS = (0.1, 16.0)
PICTURES = 25  #: key frames in a second, at most: more are of no use to anybody who looks
INTERVAL_LIMIT = 86_400_000  #: milliseconds

_NUMBER = re.compile(r"[+-]?[0-9]{1,9}(?:\.[0-9]{0,9})?", re.ASCII)
_SPEED = re.compile(r"([+]?[0-9]{1,9}(?:\.[0-9]{0,9})?)(?:\s*-\s*[0-9.]{1,18})?", re.ASCII)
_FRAMES = re.compile(r"intra(?:/([0-9]{1,9}))?|predicted|all", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Manner:
    """How fast, in which direction, and how much of it."""

    scale: float = 1.0  #: recorded seconds that are shown in one second; negative: backwards
    speed: float = 1.0  #: seconds of play-out that are sent in one second
    keys: bool = False  #: key frames only
    every: int = 0  #: microseconds of recorded time between key frames, at least
    paced: bool = True  #: False (Rate-Control: no): as fast as the transport takes it, in recorded time

    @property
    def reverse(self) -> bool:
        """Backwards."""
        return self.scale < 0

    @property
    def plain(self) -> bool:
        """As it was: with sound."""
        return not self.keys and (self.scale == 1.0 or (not self.paced and self.scale > 0))


def parse(fields: Headers) -> Manner:
    """What the headers of a PLAY ask for, brought within what can be had: the answer tells it. Raises BadValue."""
    scale = _number(fields, "Scale")
    speed = _speed(fields.get("Speed"))
    paced = (fields.get("Rate-Control") or "yes").strip().lower()
    if paced not in ("yes", "no"):
        raise BadValue("Rate-Control", "yes or no")
    direction = -1.0 if scale < 0 else 1.0
    if paced == "no":
        scale, speed = direction, 1.0  # ONVIF Streaming s6.5.3: the client is in control
    else:
        scale = direction * min(max(abs(scale), SLOWEST), FASTEST)
    keys, every = _frames(fields.get("Frames"))
    if abs(scale) > ALL_FRAMES and not keys:
        keys, every = True, round(abs(scale) * MICROSECONDS / PICTURES)
    return Manner(scale, speed, keys, every, paced == "yes")


def answer(fields: Headers, manner: Manner) -> tuple[tuple[str, str], ...]:
    """The headers that say what of it is done."""
    told: list[tuple[str, str]] = []
    if fields.get("Scale") is not None or manner.scale != 1.0:
        told.append(("Scale", f"{manner.scale:.6g}" if manner.scale % 1 else f"{manner.scale:.1f}"))
    if fields.get("Speed") is not None or manner.speed != 1.0:
        told.append(("Speed", f"{manner.speed:.6g}" if manner.speed % 1 else f"{manner.speed:.1f}"))
    return tuple(told)


def named(fields: Headers) -> bool:
    """Whether a PLAY says how: one that does not goes on in the manner that it was paused in."""
    return any(fields.get(name) is not None for name in ("Scale", "Speed", "Rate-Control", "Frames"))


def _number(fields: Headers, name: str) -> float:
    text = (fields.get(name) or "1").strip()
    if not _NUMBER.fullmatch(text) or not float(text):
        raise BadValue(name, f"{text[:20]!r} is not a number other than 0")
    return float(text)


def _speed(text: str | None) -> float:
    """A number, or the lower end of a range (RFC 7826 s18.50)."""
    if text is None:
        return 1.0
    match = _SPEED.fullmatch(text.strip())
    if match is None or not float(match[1]):
        raise BadValue("Speed", f"{text[:20]!r} is not a number above 0")
    return min(max(float(match[1]), SPEEDS[0]), SPEEDS[1])


def _frames(text: str | None) -> tuple[bool, int]:
    """Key frames only, and how far apart. `predicted` may leave out B-frames; it need not."""
    if text is None:
        return False, 0
    match = _FRAMES.fullmatch(text.strip())
    if match is None:
        raise BadValue("Frames", f"{text[:20]!r} is not intra, intra/MILLISECONDS, predicted or all")
    if not text.strip().lower().startswith("intra"):
        return False, 0
    milliseconds = int(match[1] or 0)
    if milliseconds > INTERVAL_LIMIT:
        raise BadValue("Frames", f"an interval of at most {INTERVAL_LIMIT} ms")
    return True, milliseconds * 1000
