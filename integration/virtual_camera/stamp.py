"""A frame's identity, burnt into its picture so that it survives encoding, export and transcoding.

Two rows of black and white cells along the lower edge, from the left. A cell is an eightieth of the width
each way (4 pixels of 320, 8 of 640), so it is a whole transform block of every codec. Each row begins with a
white and a black cell, which tell the reader the levels; then come 52 bits, the most significant first:

    camera (8) | frame number (32) | UTC in milliseconds (48) | CRC-16/CCITT of those 11 bytes (16)
"""

from __future__ import annotations

from binascii import crc_hqx
from dataclasses import dataclass

import av
import numpy as np
from numpy.typing import NDArray

from device.media import Utc
from integration.virtual_camera.draw import Bytes, Planes

ROWS, BITS = 2, 104
COLUMNS = 2 + BITS // ROWS  #: cells of a row
ACROSS = 80  #: cells that the whole width would take
DARK, LIGHT = (
    30,
    172,
)  #: luma of the cells: apart enough for the worst encoder, and not too loud in the picture
_CONTRAST = 45  #: levels between black and white below which nothing is there to be read


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a frame says of itself."""

    camera: int  #: 0..255
    frame: int  #: modulo 2**32
    utc: Utc  #: the camera's clock, whole milliseconds (in microseconds, as every Utc)


def draw(stamp: Stamp, on: Planes) -> None:
    """Burn a stamp into the lower left of a picture at least 160 wide, its width a multiple of 80 (else
    clipped).
    """
    cell = on.width // ACROSS
    rows = np.empty((ROWS, COLUMNS), np.uint8)
    rows[:, 0], rows[:, 1] = 1, 0
    rows[:, 2:] = np.unpackbits(np.frombuffer(_pack(stamp), np.uint8)).reshape(ROWS, -1)
    cells = np.where(rows == 1, np.uint8(LIGHT), np.uint8(DARK))
    top = on.height - ROWS * cell
    on.y[top:, : COLUMNS * cell] = cells.repeat(cell, axis=0).repeat(cell, axis=1)
    for plane in (on.u, on.v):
        plane[top // 2 :, : COLUMNS * cell // 2] = 128


def read(picture: av.VideoFrame | NDArray[np.uint8]) -> Stamp | None:
    """The stamp of a picture (a decoded frame of any pixel format, or its luma, height x width).

    None where there is none, or where its checksum is wrong.
    """
    luma = _luma(picture) if isinstance(picture, av.VideoFrame) else picture
    height, width = luma.shape
    cell = width / ACROSS
    if cell < 2 or height < 4 * cell:
        return None
    # The middle half of each cell: its edge is where codecs and scalers smear.
    levels = np.empty((ROWS, COLUMNS), np.float32)
    for row in range(ROWS):
        top = height - (ROWS - row) * cell
        band = luma[round(top + cell / 4) : max(round(top + cell * 3 / 4), round(top + cell / 4) + 1)]
        columns = band.mean(axis=0, dtype=np.float32)
        for column in range(COLUMNS):
            first = round((column + 0.25) * cell)
            levels[row, column] = columns[first : max(first + 1, round((column + 0.75) * cell))].mean()
    white, black = levels[:, 0].mean(), levels[:, 1].mean()
    if white - black < _CONTRAST:
        return None
    bits = levels[:, 2:] > (white + black) / 2
    return _unpack(np.packbits(bits.reshape(-1)).tobytes())


def _pack(stamp: Stamp) -> bytes:
    body = (
        (stamp.camera & 0xFF).to_bytes(1)
        + (stamp.frame & 0xFFFFFFFF).to_bytes(4)
        + (stamp.utc // 1000 & 0xFFFFFFFFFFFF).to_bytes(6)
    )
    return body + crc_hqx(body, 0xFFFF).to_bytes(2)


def _unpack(code: bytes) -> Stamp | None:
    body, check = code[:11], int.from_bytes(code[11:])
    if crc_hqx(body, 0xFFFF) != check:
        return None
    return Stamp(body[0], int.from_bytes(body[1:5]), Utc(int.from_bytes(body[5:]) * 1000))


def _luma(frame: av.VideoFrame) -> Bytes:
    if not frame.format.name.startswith(("yuv", "gray", "nv")) or frame.format.components[0].bits != 8:
        return np.asarray(frame.to_ndarray(format="gray"), np.uint8)
    plane = frame.planes[0]
    rows: Bytes = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    luma: Bytes = rows[: frame.height, : frame.width]
    return luma
