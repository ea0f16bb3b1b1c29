"""The tokens by which tracks are known inside their recording (ONVIF Recording Control s5.4). Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from device.media import Kind, Track

FIRST = {Kind.VIDEO: "VIDEO001", Kind.AUDIO: "AUDIO001", Kind.METADATA: "META001"}


def track_tokens(tracks: Iterable[Track]) -> tuple[str, ...]:
    """One for each, by kind and place among its kind: two sessions of a camera name alike what is alike."""
    seen: Counter[Kind] = Counter()
    tokens: list[str] = []
    for track in tracks:
        seen[track.kind] += 1
        tokens.append(f"{FIRST[track.kind][:-3]}{seen[track.kind]:03d}")
    return tuple(tokens)
