"""Painting with smooth edges, in RGB: for backdrops and sprites, which are painted once and then only copied.

Shapes are given in *units*, as for a picture 640 wide, and come out alike at every resolution. Edges are
smooth because coverage is the distance to the edge, clipped to one pixel.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from integration.virtual_camera.draw import Floats, Planes, Sprite, halve, yuv

Colour = tuple[float, float, float]  #: red, green, blue, 0..255
Point = tuple[float, float]
_Box = tuple[slice, slice]


def shade(colour: Colour, by: float) -> Colour:
    """Darker (`by` < 1) or lighter."""
    red, green, blue = (min(255.0, part * by) for part in colour)
    return red, green, blue


def _axis(first: int, last: int, scale: float, origin: float) -> Floats:
    """Unit coordinates of the middles of pixels."""
    middles = np.arange(first, last, dtype=np.float32) + np.float32(0.5)
    return (middles / np.float32(scale) - np.float32(origin)).astype(np.float32)


class Paint:
    """A transparent sheet of `width` x `height` pixels. `scale` is pixels a unit, `origin` where unit (0, 0)
    lies.
    """

    def __init__(self, width: int, height: int, scale: float, origin: Point = (0.0, 0.0)) -> None:
        self.scale, self.origin = scale, origin
        self.rgb: Floats = np.zeros((height, width, 3), np.float32)
        self.alpha: Floats = np.zeros((height, width), np.float32)

    def rectangle(
        self,
        left: float,
        top: float,
        right: float,
        bottom: float,
        colour: Colour,
        lower: Colour | None = None,
        radius: float = 0.0,
        alpha: float = 1.0,
    ) -> None:
        """A rectangle with round corners. With `lower` the colour changes from top to bottom, in every
        shape.
        """
        box, x, y = self._area(left, top, right, bottom)
        dx = np.abs(x - (left + right) / 2) - (right - left) / 2 + radius
        dy = np.abs(y - (top + bottom) / 2) - (bottom - top) / 2 + radius
        outside = np.hypot(np.maximum(dx, 0), np.maximum(dy, 0)) + np.minimum(np.maximum(dx, dy), 0)
        self._cover(box, outside - radius, (colour, lower), alpha)

    def polygon(
        self, points: Sequence[Point], colour: Colour, lower: Colour | None = None, alpha: float = 1.0
    ) -> None:
        """A convex polygon, corners in either direction."""
        xs, ys = [p[0] for p in points], [p[1] for p in points]
        box, x, y = self._area(min(xs), min(ys), max(xs), max(ys))
        closed = (*points[1:], points[0])
        turn = sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(points, closed, strict=True))
        distance = np.full(np.broadcast_shapes(x.shape, y.shape), -1e9, np.float32)
        for (ax, ay), (bx, by) in zip(points, closed, strict=True):
            length = float(np.hypot(bx - ax, by - ay)) or 1.0
            side = ((x - ax) * (by - ay) - (y - ay) * (bx - ax)) / length
            np.maximum(distance, side if turn > 0 else -side, out=distance)
        self._cover(box, distance, (colour, lower), alpha)

    def ellipse(
        self,
        x: float,
        y: float,
        rx: float,
        ry: float,
        colour: Colour,
        lower: Colour | None = None,
        alpha: float = 1.0,
        soft: float = 0.0,
    ) -> None:
        """An ellipse about (x, y). `soft` > 0 is a glow or a shadow: it fades from the middle to the edge."""
        box, px, py = self._area(x - rx, y - ry, x + rx, y + ry)
        reach = np.hypot((px - x) / rx, (py - y) / ry)
        if soft:
            self._mix(box, np.clip(1 - reach, 0, 1) ** soft, (colour, lower), alpha)
        else:
            self._cover(box, (reach - 1) * min(rx, ry), (colour, lower), alpha)

    def capsule(self, a: Point, b: Point, radius: float, colour: Colour, alpha: float = 1.0) -> None:
        """A line with round ends, `radius` to each side: limbs, rods, strokes."""
        box, x, y = self._area(
            min(a[0], b[0]) - radius,
            min(a[1], b[1]) - radius,
            max(a[0], b[0]) + radius,
            max(a[1], b[1]) + radius,
        )
        dx, dy = b[0] - a[0], b[1] - a[1]
        along = np.clip(((x - a[0]) * dx + (y - a[1]) * dy) / ((dx * dx + dy * dy) or 1.0), 0, 1)
        self._cover(
            box, np.hypot(x - a[0] - along * dx, y - a[1] - along * dy) - radius, (colour, None), alpha
        )

    def lay(self, other: Paint) -> None:
        """Another sheet of the same size on top of this one."""
        cover = other.alpha
        self.rgb = self.rgb * (1 - cover[..., None]) + other.rgb * cover[..., None]
        self.alpha = cover + self.alpha * (1 - cover)

    def grain(self, amount: float, seed: int, blur: int = 1) -> None:
        """Texture over what is painted so far: plaster, asphalt, grass."""
        noise = np.random.default_rng(seed).standard_normal(self.alpha.shape, np.float32)
        for axis in (0, 1):
            noise = np.sum([np.roll(noise, n, axis) for n in range(blur)], axis=0, dtype=np.float32)
        self.rgb += (noise * (amount / blur))[..., None]

    def light(self, gain: NDArray[np.floating]) -> None:
        """Multiply what is painted so far by a field of the sheet's size."""
        self.rgb *= gain[..., None].astype(np.float32)

    def field(self) -> tuple[Floats, Floats]:
        """Unit coordinates of the pixels: x as a row, y as a column."""
        height, width = self.alpha.shape
        return _axis(0, width, self.scale, self.origin[0])[None, :], _axis(
            0, height, self.scale, self.origin[1]
        )[:, None]

    def planes(self) -> Planes:
        """The sheet as a whole picture."""
        height, width = self.alpha.shape
        picture = Planes(width, height)
        luma, cb, cr = yuv(np.clip(self.rgb, 0, 255))
        picture.y[:] = np.clip(luma + 0.5, 16, 235)
        picture.u[:] = np.clip(halve(cb) + 0.5, 16, 240)
        picture.v[:] = np.clip(halve(cr) + 0.5, 16, 240)
        return picture

    def sprite(self, mirrored: bool = False) -> Sprite:
        """The sheet as a sprite. Its sides must be even."""
        step = -1 if mirrored else 1
        luma, cb, cr = yuv(np.clip(self.rgb[:, ::step], 0, 255))
        alpha = self.alpha[:, ::step] * 256
        small = halve(np.ascontiguousarray(alpha))
        # Chroma is averaged by weight: the transparent black about a shape must not tint its edge.
        uv = np.stack([halve(plane * alpha) for plane in (cb, cr)])
        return Sprite(
            (luma * alpha).astype(np.uint16),
            (256 - alpha).astype(np.uint16),
            uv.astype(np.uint16),
            (256 - small).astype(np.uint16),
        )

    def _area(self, left: float, top: float, right: float, bottom: float) -> tuple[_Box, Floats, Floats]:
        """The pixels that a shape may touch, and their unit coordinates."""
        height, width = self.alpha.shape
        ox, oy = self.origin
        x0 = max(0, int((left + ox) * self.scale) - 2)
        x1 = min(width, int((right + ox) * self.scale) + 3)
        y0 = max(0, int((top + oy) * self.scale) - 2)
        y1 = min(height, int((bottom + oy) * self.scale) + 3)
        x1, y1 = max(x0, x1), max(y0, y1)
        x, y = _axis(x0, x1, self.scale, ox)[None, :], _axis(y0, y1, self.scale, oy)[:, None]
        return (slice(y0, y1), slice(x0, x1)), x, y

    def _cover(
        self, box: _Box, distance: NDArray[np.floating], colours: tuple[Colour, Colour | None], alpha: float
    ) -> None:
        self._mix(box, np.clip(0.5 - distance * self.scale, 0, 1), colours, alpha)

    def _mix(
        self, box: _Box, cover: NDArray[np.floating], colours: tuple[Colour, Colour | None], alpha: float
    ) -> None:
        if not cover.size:
            return
        cover = cover * alpha
        upper = np.array(colours[0], np.float32)
        ink = np.broadcast_to(upper, (cover.shape[0], 1, 3))
        if colours[1] is not None:
            way = np.linspace(0, 1, cover.shape[0], dtype=np.float32)[:, None, None]
            ink = upper + (np.array(colours[1], np.float32) - upper) * way
        under = self.alpha[box]
        total = cover + under * (1 - cover)
        share = np.divide(cover, total, out=np.zeros_like(total), where=total > 0)[..., None]
        self.rgb[box] += (ink - self.rgb[box]) * share
        self.alpha[box] = total
