"""Pictures in the form that encoders take (YUV 4:2:0, planar), and sprites that are laid onto them.

Colours are BT.601, limited range: the form that a decoder assumes of a small picture that says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

BLACK, WHITE = 16, 235  #: luma of black and white, ITU-R BT.601 s2.5.3


class Planes:
    """One picture. `y` is height x width; `u` and `v` are half of that each way. All three are views of
    `whole`.
    """

    __slots__ = ("height", "u", "v", "whole", "width", "y")

    def __init__(self, width: int, height: int) -> None:
        if width % 8 or height % 4 or width < 160 or height < 88:
            raise ValueError(
                f"{width}x{height}: the width must divide by 8, the height by 4, at least 160x88"
            )
        self.width, self.height = width, height
        self.whole: Bytes = np.zeros((height * 3 // 2, width), np.uint8)
        flat = self.whole.reshape(-1)
        luma, chroma = width * height, width * height // 4
        self.y = flat[:luma].reshape(height, width)
        self.u = flat[luma : luma + chroma].reshape(height // 2, width // 2)
        self.v = flat[luma + chroma :].reshape(height // 2, width // 2)

    def copy_from(self, other: Planes) -> None:
        """Take over every pixel of a picture of the same size."""
        np.copyto(self.whole, other.whole)

    def box(self, x: int, y: int, width: int, height: int, luma: int) -> None:
        """Fill a box with grey. Chroma is touched where the box covers it."""
        self.y[y : y + height, x : x + width] = luma
        for plane in (self.u, self.v):
            plane[y // 2 : (y + height + 1) // 2, x // 2 : (x + width + 1) // 2] = 128


@dataclass(frozen=True, slots=True)
class Sprite:
    """A small picture with an alpha channel, weights 0..256 already multiplied in."""

    y: NDArray[np.uint16]  #: luma x weight
    keep: NDArray[np.uint16]  #: 256 - weight
    uv: NDArray[np.uint16]  #: (2, h/2, w/2): chroma x weight
    keep_uv: NDArray[np.uint16]

    def lay(self, on: Planes, x: int, y: int) -> None:
        """Blend with the top left corner at (x, y), which may lie outside the picture."""
        _blend(on.y, self.y, self.keep, x, y)
        _blend(on.u, self.uv[0], self.keep_uv, x // 2, y // 2)
        _blend(on.v, self.uv[1], self.keep_uv, x // 2, y // 2)


def _blend(plane: Bytes, light: NDArray[np.uint16], keep: NDArray[np.uint16], x: int, y: int) -> None:
    height, width = light.shape
    left, top = max(x, 0), max(y, 0)
    right, bottom = min(x + width, plane.shape[1]), min(y + height, plane.shape[0])
    if left >= right or top >= bottom:
        return
    part = (slice(top - y, bottom - y), slice(left - x, right - x))
    region = plane[top:bottom, left:right]
    region[:] = (region * keep[part] + light[part]) >> 8


def yuv(rgb: Floats) -> Floats:
    """(height, width, 3) of 0..255 to (3, height, width) of Y, Cb, Cr; ITU-R BT.601 s2.5.3."""
    r, g, b = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    return np.stack(
        (
            16 + 0.25679 * r + 0.50413 * g + 0.09791 * b,
            128 - 0.14822 * r - 0.29099 * g + 0.43922 * b,
            128 + 0.43922 * r - 0.36779 * g - 0.07143 * b,
        )
    ).astype(np.float32)


def halve(plane: Floats) -> Floats:
    """Mean of every 2x2 pixels. Both sides must be even."""
    height, width = plane.shape
    quads: Floats = plane.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3), dtype=np.float32)
    return quads
