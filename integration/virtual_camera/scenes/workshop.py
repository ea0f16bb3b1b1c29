"""A workshop: a robot arm sorts boxes on a conveyor belt, which runs for a while and rests for a while."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import cos, pi, sin

import numpy as np

from integration.virtual_camera.draw import Planes, Sprite
from integration.virtual_camera.figures import Walker, even, look
from integration.virtual_camera.motion import Episode, Timetable
from integration.virtual_camera.paint import Colour, Paint, shade
from integration.virtual_camera.scene import Actor, Placed, Scene

_FLOOR, _BELT = 214.0, 272.0
_GAP = 108.0  #: units between two boxes on the belt
_SPEED = 36.0  #: units a second of the belt
_BOXES: tuple[Colour, ...] = ((196, 150, 96), (72, 118, 168), (196, 150, 96), (196, 84, 66), (96, 146, 98))
_POSES = 40  #: of one cycle of the arm
_REST = 10  #: the pose in which it rests


def workshop(width: int, height: int, seed: int) -> Scene:
    """The belt carries boxes while an episode lasts. Its motion ends where it began, so nothing jumps."""
    scale = width / 640

    def cast(episode: Episode) -> Sequence[Actor]:
        draw = np.random.default_rng(episode.seed)
        actors: list[Actor] = [Belt(episode.seconds, scale)]
        if draw.random() < 0.6:
            who = look(int(draw.integers(1 << 30)))
            ends = (-30.0, 670.0) if draw.random() < 0.5 else (670.0, -30.0)
            actors.append(Walker(who, 0.0, episode.seconds, *ends, 236.0, 0.95, scale))
        return actors

    timetable = Timetable(seed, slot=40, shortest=15, longest=24, busy=0.75)
    still = Belt(1.0, scale)
    return Scene(_backdrop(width, height, scale, seed), timetable, cast, rest=still.at(0.0))


@dataclass(frozen=True, slots=True)
class Belt:
    """The boxes on the belt, and the arm above them."""

    seconds: float
    scale: float

    def at(self, elapsed: float) -> Sequence[Placed]:
        """See `Actor`. The belt travels a whole number of gaps, the arm a whole number of cycles."""
        way = elapsed / self.seconds
        travel = max(1, round(self.seconds * _SPEED / _GAP)) * _GAP * way
        placed = []
        first = int(travel // _GAP)
        for place in range(-1, 7):
            x = place * _GAP + travel % _GAP
            sprite = _box((place - first) % len(_BOXES), self.scale)
            placed.append(Placed(sprite, round(x * self.scale), round((_BELT - 45) * self.scale), 300))
        cycles = max(1, round(self.seconds / 4))
        pose = (int(way * cycles * _POSES) + _REST) % _POSES
        placed.append(Placed(_arm(pose, self.scale), round(272 * self.scale), round(70 * self.scale), 290))
        return placed


def _backdrop(width: int, height: int, scale: float, seed: int) -> Planes:
    sheet = Paint(width, height, scale)
    sheet.rectangle(-5, -5, 645, _FLOOR + 2, (150, 162, 168), (188, 194, 194))
    for y in (40.0, 96.0, 152.0):
        sheet.rectangle(-5, y, 645, y + 0.9, (132, 142, 148))
    _pegboard(sheet)
    _shelf(sheet)
    _window_band(sheet)
    sheet.rectangle(-5, _FLOOR, 645, 365, (126, 128, 128), (150, 150, 146))
    sheet.rectangle(-5, _FLOOR - 4, 645, _FLOOR, (92, 96, 100))
    for left in range(-40, 700, 34):
        stripe = ((left, 324), (left + 17, 324), (left + 9, 333), (left - 8, 333))
        sheet.polygon(stripe, (228, 186, 54), alpha=0.85)
    sheet.rectangle(-5, 322.6, 645, 324, (206, 170, 60))
    sheet.rectangle(-5, 333, 645, 334.4, (206, 170, 60))
    _conveyor(sheet)
    for x in (150.0, 470.0):
        sheet.ellipse(x, 2, 150, 90, (255, 252, 236), alpha=0.36, soft=1.2)
        sheet.rectangle(x - 56, 2, x + 56, 8, (252, 253, 248), radius=2)
    sheet.grain(1.6, seed)
    x_field, y_field = sheet.field()
    sheet.light(1.05 - 0.24 * (((x_field - 310) / 400) ** 2 + ((y_field - 160) / 290) ** 2))
    return sheet.planes()


def _pegboard(sheet: Paint) -> None:
    sheet.rectangle(24, 58, 196, 158, (176, 140, 98), (156, 122, 84), radius=2)
    for column in range(32, 194, 10):
        for row in range(66, 156, 10):
            sheet.ellipse(column, row, 0.9, 0.9, (112, 84, 56))
    steel, grip = (84, 90, 98), (190, 62, 52)
    for n, x in enumerate((46.0, 66.0, 84.0)):
        sheet.capsule((x, 76), (x, 100 + n * 4), 2.2, steel)
        sheet.ellipse(x, 74, 5.6 - n, 5.6 - n, steel)
        sheet.ellipse(x, 71, 2.6 - n * 0.4, 3.4, (168, 132, 92))
    for x, colour in ((106.0, grip), (120.0, (56, 104, 156)), (134.0, (214, 172, 60))):
        sheet.capsule((x, 72), (x, 86), 3.4, colour)
        sheet.capsule((x, 88), (x, 108), 1.2, steel)
    sheet.capsule((166, 76), (166, 112), 2.4, (150, 104, 62))
    sheet.rectangle(154, 70, 180, 80, steel, radius=2)
    sheet.polygon(((40, 128), (104, 122), (104, 138), (40, 142)), (196, 200, 204), (150, 154, 158))
    sheet.rectangle(102, 119, 118, 141, (150, 104, 62), radius=5)
    sheet.capsule((138, 128), (178, 128), 2.0, steel)
    sheet.ellipse(138, 128, 6, 6, steel)
    sheet.ellipse(178, 128, 6, 6, steel)
    for x in (138.0, 178.0):
        sheet.ellipse(x, 128, 2.8, 2.8, (168, 132, 92))


def _shelf(sheet: Paint) -> None:
    sheet.rectangle(458, 54, 630, _FLOOR, (112, 122, 130), (96, 104, 112))
    rng = np.random.default_rng(3)
    bins: tuple[Colour, ...] = ((66, 108, 156), (206, 164, 66), (176, 74, 62), (92, 132, 96), (188, 190, 188))
    for row, y in enumerate((60.0, 99.0, 138.0, 177.0)):
        sheet.rectangle(464, y, 624, y + 33, (66, 72, 80), (52, 58, 64))
        x = 467.0
        while x < 600:
            wide = float(rng.choice([20, 24, 30]))
            tall = float(rng.uniform(15, 26))
            colour = bins[int(rng.integers(len(bins)))]
            sheet.rectangle(x, y + 33 - tall, x + wide, y + 33, colour, shade(colour, 0.74), radius=2)
            sheet.rectangle(x + 5, y + 36 - tall, x + wide - 5, y + 40 - tall, (236, 234, 226), radius=1)
            x += wide + 3
        sheet.rectangle(460, y + 33, 628, y + 37, shade((150, 158, 166), 1 - row * 0.05))


def _window_band(sheet: Paint) -> None:
    for left in (226.0, 300.0, 374.0):
        sheet.rectangle(left, 22, left + 64, 66, (98, 106, 112))
        sheet.rectangle(left + 3, 25, left + 61, 63, (196, 220, 236), (226, 236, 238))
        sheet.rectangle(left + 31, 25, left + 33, 63, (98, 106, 112))
        sheet.polygon(
            ((left + 8, 25), (left + 18, 25), (left + 8, 63), (left + 3, 63)), (255, 255, 255), alpha=0.35
        )


def _conveyor(sheet: Paint) -> None:
    sheet.ellipse(320, 318, 380, 14, (20, 20, 20), alpha=0.5, soft=0.5)
    for x in (36.0, 226.0, 416.0, 606.0):
        sheet.rectangle(x - 5, 284, x + 5, 320, (72, 80, 88), (56, 62, 68))
        sheet.rectangle(x - 10, 317, x + 10, 321, (48, 52, 56), radius=1)
    sheet.rectangle(-5, _BELT - 4, 645, _BELT + 3, (48, 50, 54), (36, 38, 40))
    sheet.rectangle(-5, _BELT + 3, 645, _BELT + 19, (70, 112, 150), (48, 80, 112))
    for x in range(8, 640, 27):
        sheet.ellipse(x, _BELT + 11, 4.4, 4.4, (186, 190, 194), (126, 130, 134))
    sheet.rectangle(300, _BELT - 92, 360, _BELT - 8, (84, 90, 98), (62, 68, 74), radius=3)
    sheet.rectangle(292, _BELT - 14, 368, _BELT - 4, (58, 62, 68), radius=2)


@lru_cache(maxsize=32)
def _box(kind: int, scale: float) -> Sprite:
    sheet = Paint(even(50 * scale), even(46 * scale), scale)
    colour = _BOXES[kind]
    wide, tall = (44, 36) if kind % 2 else (36, 30)
    top = 41 - tall
    sheet.rectangle(2, 39, 48, 43, (0, 0, 0), radius=2, alpha=0.3)
    sheet.rectangle(4, top, 4 + wide, 41, shade(colour, 1.08), shade(colour, 0.78), radius=1.5)
    sheet.rectangle(4 + wide * 0.42, top, 4 + wide * 0.58, 41, shade(colour, 1.32), alpha=0.7)
    sheet.rectangle(8, 41 - tall * 0.46, 17, 41 - tall * 0.18, (240, 238, 230), radius=1)
    return sheet.sprite()


@lru_cache(maxsize=2 * _POSES)
def _arm(pose: int, scale: float) -> Sprite:
    """Two links on a turning base; the tip goes down to the belt, up, and across."""
    sheet = Paint(even(196 * scale), even(206 * scale), scale)
    paint, dark = (236, 138, 44), (58, 60, 64)
    turn = 2 * pi * pose / _POSES
    root = (58.0, 118.0)
    target = (118 + 44 * sin(turn), 128 - 30 * cos(2 * turn))
    upper, fore = 74.0, 72.0
    dx, dy = target[0] - root[0], target[1] - root[1]
    reach = min(float(np.hypot(dx, dy)), upper + fore - 1)
    lean = np.arctan2(dy, dx) - np.arccos((upper**2 + reach**2 - fore**2) / (2 * upper * reach))
    elbow = (root[0] + cos(lean) * upper, root[1] + sin(lean) * upper)
    sheet.capsule(root, elbow, 9.5, shade(paint, 0.86))
    sheet.capsule((root[0] - 2, root[1] - 3), (elbow[0] - 2, elbow[1] - 3), 4.0, shade(paint, 1.1))
    sheet.capsule(elbow, target, 7.0, paint)
    sheet.ellipse(*root, 13, 13, dark, (40, 42, 46))
    sheet.ellipse(*root, 5, 5, (178, 182, 186))
    sheet.ellipse(*elbow, 9, 9, dark, (40, 42, 46))
    sheet.ellipse(*elbow, 3.6, 3.6, (178, 182, 186))
    sheet.capsule(target, (target[0], target[1] + 12), 4.2, dark)
    for side in (-1, 1):
        sheet.capsule((target[0], target[1] + 13), (target[0] + side * 8, target[1] + 17), 2.2, dark)
        sheet.capsule(
            (target[0] + side * 8, target[1] + 17), (target[0] + side * 7, target[1] + 26), 2.2, dark
        )
    return sheet.sprite()
