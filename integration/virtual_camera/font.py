"""A bitmap font of 5x7 dots: what is needed to burn a name and a time into a picture."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from integration.virtual_camera.draw import BLACK, WHITE, Bytes, Planes

ADVANCE, HEIGHT = 6, 7  #: dots from one character to the next; dots of a line

# Seven rows a character, from the top; the five low bits of a row are its dots, the highest leftmost.
_ROWS = {
    " ": "00 00 00 00 00 00 00",
    "0": "0e 11 13 15 19 11 0e",
    "1": "04 0c 04 04 04 04 0e",
    "2": "0e 11 01 06 08 10 1f",
    "3": "0e 11 01 06 01 11 0e",
    "4": "02 06 0a 12 1f 02 02",
    "5": "1f 10 1e 01 01 11 0e",
    "6": "06 08 10 1e 11 11 0e",
    "7": "1f 01 02 02 04 04 04",
    "8": "0e 11 11 0e 11 11 0e",
    "9": "0e 11 11 0f 01 02 0c",
    "A": "0e 11 11 1f 11 11 11",
    "B": "1e 11 11 1e 11 11 1e",
    "C": "0e 11 10 10 10 11 0e",
    "D": "1c 12 11 11 11 12 1c",
    "E": "1f 10 10 1e 10 10 1f",
    "F": "1f 10 10 1e 10 10 10",
    "G": "0e 11 10 17 11 11 0f",
    "H": "11 11 11 1f 11 11 11",
    "I": "0e 04 04 04 04 04 0e",
    "J": "07 02 02 02 02 12 0c",
    "K": "11 12 14 18 14 12 11",
    "L": "10 10 10 10 10 10 1f",
    "M": "11 1b 15 15 11 11 11",
    "N": "11 11 19 15 13 11 11",
    "O": "0e 11 11 11 11 11 0e",
    "P": "1e 11 11 1e 10 10 10",
    "Q": "0e 11 11 11 15 12 0d",
    "R": "1e 11 11 1e 14 12 11",
    "S": "0f 10 10 0e 01 01 1e",
    "T": "1f 04 04 04 04 04 04",
    "U": "11 11 11 11 11 11 0e",
    "V": "11 11 11 11 11 0a 04",
    "W": "11 11 11 15 15 1b 11",
    "X": "11 11 0a 04 0a 11 11",
    "Y": "11 11 0a 04 04 04 04",
    "Z": "1f 01 02 04 08 10 1f",
    ":": "00 04 04 00 04 04 00",
    ".": "00 00 00 00 00 0c 0c",
    "-": "00 00 00 0e 00 00 00",
    "/": "01 01 02 04 08 10 10",
    "#": "0a 0a 1f 0a 1f 0a 0a",
    "+": "00 04 04 1f 04 04 00",
    "?": "0e 11 01 02 04 00 04",
}


def dots(text: str) -> Bytes:
    """The text in capitals as 7 rows of 0 and 1; a character without a glyph becomes a question mark."""
    return np.concatenate([_glyph(letter) for letter in text.upper()], axis=1)


@lru_cache(maxsize=64)
def _glyph(letter: str) -> Bytes:
    rows = np.array([int(row, 16) << 3 for row in _ROWS.get(letter, _ROWS["?"]).split()], np.uint8)
    return np.unpackbits(rows[:, None], axis=1)[:, :ADVANCE]


def write(on: Planes, text: str, x: int, y: int, dot: int) -> None:
    """Write with the top left at (x, y), each dot `dot` pixels wide: white, on a band darkened to a third."""
    shape = dots(text).repeat(dot, axis=0).repeat(dot, axis=1)
    height, width = shape.shape
    band = on.y[max(y - dot, 0) : y + height + dot, max(x - dot, 0) : x + width + dot]
    band[:] = band // 3 + BLACK * 2 // 3
    place = on.y[y : y + height, x : x + width]
    place[shape[: place.shape[0], : place.shape[1]] == 1] = WHITE
    for plane in (on.u, on.v):
        part = plane[
            max(y - dot, 0) // 2 : (y + height + dot) // 2, max(x - dot, 0) // 2 : (x + width + dot) // 2
        ]
        part[:] = part // 4 + 96
