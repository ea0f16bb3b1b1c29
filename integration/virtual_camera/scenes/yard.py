"""A yard at night under infrared light: grey, noisy, mostly still; a fox or a person passes now and then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import cos, pi, sin

import numpy as np

from integration.virtual_camera.draw import Planes, Sprite
from integration.virtual_camera.figures import Walker, even, look
from integration.virtual_camera.motion import Episode, Timetable
from integration.virtual_camera.paint import Colour, Paint
from integration.virtual_camera.scene import Actor, Placed, Scene

_GROUND = 190.0


def _grey(level: float) -> Colour:
    return (level, level, level)


def yard(width: int, height: int, seed: int) -> Scene:
    """Quiet: something moves in a third of the half minutes."""
    scale = width / 640

    def cast(episode: Episode) -> Sequence[Actor]:
        draw = np.random.default_rng(episode.seed)
        leftward = bool(draw.random() < 0.5)
        ends = (690.0, -50.0) if leftward else (-50.0, 690.0)
        foot = float(draw.choice([248, 276, 304]))
        size = 0.8 + (foot - _GROUND) / 260
        if draw.random() < 0.65:
            return (Fox(episode.seconds, *ends, foot, round(size, 2), scale),)
        return (Walker(look(0, grey=True), 0.0, episode.seconds, *ends, foot, round(size, 2), scale),)

    timetable = Timetable(seed, slot=30, shortest=8, longest=14, busy=0.36)
    return Scene(_backdrop(width, height, scale, seed), timetable, cast, grain=3)


def _backdrop(width: int, height: int, scale: float, seed: int) -> Planes:
    sheet = Paint(width, height, scale)
    sheet.rectangle(-5, -5, 645, _GROUND + 4, _grey(34), _grey(52))
    rng = np.random.default_rng(31)
    for _ in range(120):
        x, y = float(rng.uniform(0, 640)), float(rng.uniform(52, 150))
        sheet.ellipse(x, y, 24, 20, _grey(float(rng.uniform(48, 84))), alpha=0.5)
    _fence(sheet)
    ground = Paint(width, height, scale)
    ground.rectangle(-5, _GROUND, 645, 365, _grey(126), _grey(158))
    ground.grain(13, seed, blur=3)
    ground.polygon(
        ((300, _GROUND), (364, _GROUND), (520, 365), (190, 365)), _grey(176), _grey(190), alpha=0.55
    )
    ground.grain(4, seed + 1)
    sheet.lay(ground)
    for _ in range(420):
        x, y = float(rng.uniform(0, 640)), float(rng.uniform(_GROUND, 356))
        if abs(x - 335) > 45 + (y - _GROUND) * 0.75:
            tall = 3 + (y - _GROUND) / 22
            lean = float(rng.uniform(-3, 3))
            sheet.capsule((x, y), (x + lean, y - tall), 0.6, _grey(float(rng.uniform(130, 215))), alpha=0.7)
    _shed(sheet)
    _barrel(sheet, 92, 262)
    _barrel(sheet, 128, 270)
    sheet.grain(1.5, seed + 2)
    x_field, y_field = sheet.field()
    reach = np.hypot((x_field - 320) / 330, (y_field - 232) / 210)
    sheet.light(0.30 + 1.02 / (1 + (reach / 0.72) ** 3.2))
    sheet.rgb = np.maximum(sheet.rgb, 22)
    return sheet.planes()


def _fence(sheet: Paint) -> None:
    for slat in range(-8, 400, 13):
        sheet.rectangle(slat, 118, slat + 10, _GROUND + 2, _grey(150), _grey(118), radius=1)
    for y in (130.0, 172.0):
        sheet.rectangle(-5, y, 400, y + 5, _grey(104))
    for x in (292.0, 372.0):
        sheet.rectangle(x, 108, x + 9, _GROUND + 5, _grey(182), _grey(140), radius=1)


def _shed(sheet: Paint) -> None:
    sheet.polygon(((400, 96), (632, 96), (650, 122), (384, 122)), _grey(118), _grey(90))
    sheet.rectangle(398, 120, 640, 232, _grey(176), _grey(140))
    for y in range(128, 232, 9):
        sheet.rectangle(398, y, 640, y + 1.2, _grey(116))
    sheet.rectangle(430, 148, 484, 234, _grey(126), _grey(104))
    sheet.rectangle(434, 152, 480, 234, _grey(152), _grey(124))
    sheet.ellipse(474, 194, 2.6, 2.6, _grey(230))
    sheet.rectangle(528, 146, 592, 188, _grey(214))
    sheet.rectangle(532, 150, 588, 184, _grey(58), _grey(40))
    sheet.rectangle(559, 150, 561, 184, _grey(214))
    sheet.polygon(((536, 150), (548, 150), (540, 184), (532, 184)), _grey(255), alpha=0.18)
    sheet.ellipse(520, 235, 134, 8, _grey(30), alpha=0.7, soft=1.3)


def _barrel(sheet: Paint, x: float, foot: float) -> None:
    sheet.ellipse(x + 5, foot - 1, 27, 7, _grey(30), alpha=0.75, soft=1.2)
    sheet.rectangle(x - 15, foot - 44, x + 15, foot, _grey(206), _grey(150), radius=4)
    for y in (foot - 32, foot - 14):
        sheet.rectangle(x - 15.5, y, x + 15.5, y + 2.4, _grey(120))
    sheet.ellipse(x, foot - 44, 15, 4.6, _grey(226))


_FOX_WIDTH, _FOX_HEIGHT, _FOX_FOOT = 112.0, 64.0, 58.0


@lru_cache(maxsize=64)
def _fox(pose: int, scale: float, leftward: bool) -> Sprite:
    sheet = Paint(even(_FOX_WIDTH * scale), even(_FOX_HEIGHT * scale), scale, (56, _FOX_FOOT))
    coat, dark = _grey(188), _grey(138)
    sheet.ellipse(2, 1, 40, 5, _grey(10), alpha=0.6, soft=0.6)
    for x, offset, tone in ((-16.0, 0.5, dark), (16.0, 0.0, dark), (-19.0, 0.0, coat), (19.0, 0.5, coat)):
        angle = 2 * pi * (pose / 8 + offset)
        reach, lift = sin(angle) * 8, max(0.0, cos(angle)) * 4
        sheet.capsule((x, -24), (x + reach * 0.3, -12), 3.0, tone)
        sheet.capsule((x + reach * 0.3, -12), (x + reach, -1.5 - lift), 2.0, _grey(104))
    bob = sin(4 * pi * pose / 8) * 0.8
    sheet.capsule((-24, -27 + bob), (-40, -20 - bob), 5.4, coat)
    sheet.capsule((-40, -20 - bob), (-50, -17 - bob), 4.4, _grey(226))
    sheet.capsule((-20, -28 + bob), (19, -29 + bob), 8.2, coat)
    sheet.capsule((-16, -23 + bob), (18, -24 + bob), 4.0, _grey(212))
    sheet.capsule((20, -30 + bob), (30, -37 + bob), 6.0, coat)
    sheet.ellipse(33, -39 + bob, 7.6, 6.4, coat)
    sheet.polygon(((36, -43 + bob), (48, -35.5 + bob), (36, -33.5 + bob)), _grey(214))
    sheet.polygon(((27, -43 + bob), (29, -54 + bob), (34, -44 + bob)), dark)
    sheet.polygon(((31, -44 + bob), (34.5, -55 + bob), (38, -44 + bob)), coat)
    sheet.ellipse(37.4, -40 + bob, 4.0, 4.0, _grey(255), alpha=0.5, soft=0.8)
    sheet.ellipse(37.4, -40 + bob, 1.9, 1.9, _grey(255))
    return sheet.sprite(mirrored=leftward)


@dataclass(frozen=True, slots=True)
class Fox:
    """A fox that trots across, and stops nowhere."""

    seconds: float
    x0: float
    x1: float
    foot: float
    size: float
    scale: float

    def at(self, elapsed: float) -> Sequence[Placed]:
        """See `Actor`."""
        x = self.x0 + (self.x1 - self.x0) * elapsed / self.seconds
        pose = int(abs(x - self.x0) / (6.5 * self.size)) % 8
        size = round(self.size * self.scale, 3)
        sprite = _fox(pose, size, self.x1 < self.x0)
        left = round(x * self.scale - sprite.y.shape[1] / 2)
        return (Placed(sprite, left, round(self.foot * self.scale - _FOX_FOOT * size), self.foot),)
