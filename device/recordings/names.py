"""How a camera's streams, their recordings and the tracks in them are called. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from device.media import Kind, Track

STREAMS = ("main", "sub")
FIRST = {Kind.VIDEO: "VIDEO001", Kind.AUDIO: "AUDIO001", Kind.METADATA: "META001"}
#: Without the number (ONVIF Recording Control s5.4 names the first ones).
STEMS = {kind: token[:-3] for kind, token in FIRST.items()}


def token_of(camera: str, stream: str) -> str:
    """The recording's token of a camera's stream: `c-7f3k2m`, `c-7f3k2m.sub`. Never changes."""
    return camera if stream == "main" else f"{camera}.{stream}"


def camera_of(token: str) -> tuple[str, str]:
    """The camera and the stream of a recording's token."""
    camera, dot, stream = token.partition(".")
    return camera, stream if dot else "main"


def track_tokens(tracks: Iterable[Track]) -> tuple[str, ...]:
    """One for each, by kind and place among its kind: two sessions of a camera name alike what is alike."""
    seen: Counter[Kind] = Counter()
    tokens: list[str] = []
    for track in tracks:
        seen[track.kind] += 1
        tokens.append(f"{STEMS[track.kind]}{seen[track.kind]:03d}")
    return tuple(tokens)
