"""Reads recordings back as any player would (libavformat), and counts the frames that can be shown.

Nothing of the product is used here: whatever wrote the file, it is judged alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import av


def playable_frames(files: Iterable[Path]) -> int:
    """Video frames of the files that are whole, as are all before them back to their key frame.

    A file that no player opens (no `moov`, empty, cut before its first fragment) has none.
    """
    return sum(_frames(file) for file in files)


def is_whole(sample: bytes) -> bool:
    """Whether a sample is a chain of NAL units behind 4-byte lengths that ends where the sample ends.

    ISO/IEC 14496-15 s5.3.2. A block that never reached the disk reads as zeros: a NAL unit of no length.
    """
    position, end = 0, len(sample)
    while position + 4 <= end:
        length = int.from_bytes(sample[position : position + 4], "big")
        if length == 0:
            return False
        position += 4 + length
    return position == end and end > 0


def _frames(file: Path) -> int:
    found = 0
    chained = False  # to a key frame, without a broken one between
    try:
        with av.open(str(file), metadata_errors="ignore") as container:
            if not container.streams.video:
                return 0
            for packet in container.demux(container.streams.video[0]):
                if not packet.size:
                    continue  # the end of the stream
                whole = not packet.is_corrupt and is_whole(bytes(packet))
                chained = whole and (chained or packet.is_keyframe)
                found += chained
    except (av.FFmpegError, OSError):
        return found  # what came before the damage was read
    return found
