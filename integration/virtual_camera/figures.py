"""Who and what moves: people who walk, cars that drive. Painted once per pose, then only copied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import cos, pi, sin

import numpy as np

from integration.virtual_camera.draw import Sprite
from integration.virtual_camera.paint import Colour, Paint, shade
from integration.virtual_camera.scene import Placed

POSES = 12  #: of one full stride
STRIDE = 74.0  #: units that a person 100 units tall covers with it
PERSON_WIDTH, PERSON_HEIGHT, PERSON_FOOT = 84.0, 112.0, 106.0  #: of the sheet, and where the feet stand on it

SKIN: tuple[Colour, ...] = ((236, 196, 168), (198, 150, 118), (141, 98, 72), (224, 178, 148))
HAIR: tuple[Colour, ...] = ((58, 42, 34), (28, 26, 28), (142, 102, 62), (120, 118, 116))
COATS: tuple[Colour, ...] = (
    (44, 92, 142),
    (168, 62, 54),
    (62, 116, 88),
    (210, 168, 78),
    (92, 84, 108),
    (52, 58, 66),
    (190, 116, 66),
)
TROUSERS: tuple[Colour, ...] = ((46, 52, 72), (74, 66, 58), (36, 36, 40), (96, 104, 118))


@dataclass(frozen=True, slots=True)
class Look:
    """What a person looks like: indices into the colours above, modulo their number."""

    skin: int
    hair: int
    coat: int
    trousers: int
    bag: bool
    grey: bool = False  #: as an infrared camera sees it


def look(seed: int, grey: bool = False) -> Look:
    """Somebody."""
    draw = np.random.default_rng((seed, 7))
    skin, hair, coat, trousers = (int(n) for n in draw.integers(0, 84, 4))
    return Look(skin, hair, coat, trousers, bool(draw.random() < 0.45), grey)


def even(pixels: float) -> int:
    """The next even number of pixels: chroma has half of them."""
    return max(2, int(pixels / 2 + 1) * 2)


@lru_cache(maxsize=512)
def person(who: Look, pose: int, scale: float, leftward: bool) -> Sprite:
    """A person in one of POSES; `scale` is pixels a unit, 100 units tall."""
    sheet = Paint(
        even(PERSON_WIDTH * scale), even(PERSON_HEIGHT * scale), scale, (PERSON_WIDTH / 2, PERSON_FOOT)
    )
    coat = COATS[who.coat % len(COATS)]
    trousers = TROUSERS[who.trousers % len(TROUSERS)]
    skin, hair = SKIN[who.skin % len(SKIN)], HAIR[who.hair % len(HAIR)]
    if who.grey:
        coat, trousers, skin, hair = (206, 206, 206), (150, 150, 150), (226, 226, 226), (120, 120, 120)
    swing = sin(2 * pi * pose / POSES)
    lift = cos(2 * pi * pose / POSES)
    bob = -1.6 * abs(lift) + 0.8
    hip, shoulder = (0.0, -48.0 + bob), (1.0, -78.0 + bob)
    sheet.ellipse(0, 0, 30, 5.5, (0, 0, 0), alpha=0.5, soft=0.7)
    _limb(
        sheet, shoulder, (-swing * 0.62, 0.28), (15.5, 14.5), (4.0, 3.4), shade(coat, 0.68), shade(skin, 0.85)
    )
    _leg(sheet, hip, -swing, lift, shade(trousers, 0.68))
    if who.bag:
        sheet.rectangle(-17, -76 + bob, -4, -52 + bob, shade(coat, 0.5), shade(coat, 0.38), radius=5)
    _leg(sheet, hip, swing, -lift, trousers)
    sheet.capsule((0, -52 + bob), (1.2, -75 + bob), 8.6, coat)
    sheet.capsule((-3.4, -50 + bob), (-3.0, -74 + bob), 4.4, shade(coat, 0.84))
    sheet.capsule((1.6, -83 + bob), (2.2, -87 + bob), 3.2, shade(skin, 0.88))
    sheet.ellipse(3, -93.5 + bob, 6.3, 7.6, skin)
    sheet.ellipse(1.2, -96.6 + bob, 7.0, 6.0, hair)
    sheet.ellipse(-2.6, -93.2 + bob, 4.0, 6.0, hair)
    sheet.ellipse(6.4, -91.8 + bob, 3.6, 5.2, skin)
    _limb(sheet, shoulder, (swing * 0.62, 0.3), (15.5, 14.5), (4.2, 3.5), shade(coat, 1.12), skin)
    return sheet.sprite(mirrored=leftward)


def _limb(
    sheet: Paint,
    root: tuple[float, float],
    angles: tuple[float, float],
    lengths: tuple[float, float],
    radii: tuple[float, float],
    colour: Colour,
    end: Colour,
) -> None:
    """Two joined bones hanging from `root`; the second turns by a further angle. `end` is the hand."""
    first, second = angles[0], angles[0] + angles[1]
    middle = (root[0] + sin(first) * lengths[0], root[1] + cos(first) * lengths[0])
    tip = (middle[0] + sin(second) * lengths[1], middle[1] + cos(second) * lengths[1])
    sheet.capsule(root, middle, radii[0], colour)
    sheet.capsule(middle, tip, radii[1], colour)
    sheet.ellipse(tip[0], tip[1] + 1.5, 3.0, 3.4, end)


def _leg(sheet: Paint, hip: tuple[float, float], swing: float, lift: float, colour: Colour) -> None:
    """A leg at `swing` (-1 back .. 1 forward); it bends while it comes forward (`lift` > 0)."""
    thigh = swing * 0.52 + max(lift, 0) * 0.22
    bend = -(0.08 + max(lift, 0) * 0.85 + max(-swing, 0) * 0.18)
    knee = (hip[0] + sin(thigh) * 23, hip[1] + cos(thigh) * 23)
    ankle = (knee[0] + sin(thigh + bend) * 22, knee[1] + cos(thigh + bend) * 22)
    sheet.capsule(hip, knee, 5.6, colour)
    sheet.capsule(knee, ankle, 4.3, colour)
    tilt = max(lift, 0) * 2.2
    sheet.capsule((ankle[0] + 0.5, ankle[1] + 0.6), (ankle[0] + 7, ankle[1] + 1.4 + tilt), 2.8, (34, 30, 30))


@dataclass(frozen=True, slots=True)
class Walker:
    """A person who walks level from one x to another, in units of a picture 640 wide."""

    who: Look
    begin: float  #: seconds into the episode
    seconds: float
    x0: float
    x1: float
    foot: float  #: y of the feet
    size: float  #: pixels a unit of the person, before `scale`
    scale: float  #: of the picture

    def at(self, elapsed: float) -> Sequence[Placed]:
        """See `Actor`."""
        way = (elapsed - self.begin) / self.seconds
        if not 0 <= way < 1:
            return ()
        x = self.x0 + (self.x1 - self.x0) * way
        pose = int(abs(x - self.x0) / (STRIDE * self.size) * POSES) % POSES
        size = round(self.size * self.scale, 3)
        sprite = person(self.who, pose, size, self.x1 < self.x0)
        left = round(x * self.scale - sprite.y.shape[1] / 2)
        return (Placed(sprite, left, round(self.foot * self.scale - PERSON_FOOT * size), self.foot),)


CARS: tuple[Colour, ...] = (
    (176, 42, 40),
    (228, 230, 232),
    (36, 70, 124),
    (58, 62, 68),
    (214, 168, 52),
    (92, 128, 112),
    (150, 156, 164),
)
CAR_WIDTH, CAR_HEIGHT, CAR_FOOT = 176.0, 66.0, 58.0


@lru_cache(maxsize=64)
def car(colour: int, turn: int, scale: float, leftward: bool, van: bool) -> Sprite:
    """A car from the side, 160 units long; `turn` 0..2 rolls the wheels."""
    sheet = Paint(even(CAR_WIDTH * scale), even(CAR_HEIGHT * scale), scale, (CAR_WIDTH / 2, CAR_FOOT))
    body = CARS[colour % len(CARS)]
    glass, glass_low = (146, 176, 194), (70, 90, 106)
    sheet.ellipse(0, 1, 86, 7, (0, 0, 0), alpha=0.75, soft=0.55)
    if van:
        sheet.rectangle(-78, -54, 46, -10, shade(body, 1.06), shade(body, 0.72), radius=6)
        sheet.polygon(
            ((36, -53), (52, -50), (70, -30), (70, -12), (36, -12)), shade(body, 1.04), shade(body, 0.72)
        )
        sheet.polygon(((44, -48), (52, -46), (65, -30), (44, -30)), glass, glass_low)
        sheet.rectangle(20, -48, 40, -30, glass, glass_low, radius=2)
        sheet.rectangle(-70, -30, 14, -28, shade(body, 0.62), radius=1)
    else:
        sheet.polygon(((-50, -30), (-34, -51), (18, -52), (44, -30)), shade(body, 1.08), shade(body, 0.9))
        sheet.polygon(((-43, -31), (-31, -47.5), (-8, -48), (-8, -31)), glass, glass_low)
        sheet.polygon(((-4, -31), (-4, -48), (16, -48), (35, -31)), glass, glass_low)
        sheet.polygon(((-30, -47), (-24, -47.4), (-34, -31), (-41, -31)), (222, 236, 242), alpha=0.5)
        sheet.rectangle(-78, -33, 76, -10, shade(body, 1.05), shade(body, 0.66), radius=8)
        sheet.rectangle(-72, -31.4, 70, -29.6, shade(body, 1.3), radius=1, alpha=0.7)
    sheet.rectangle(-79, -17, 77, -11, (48, 48, 50), radius=3)
    sheet.rectangle(-6.6, -31, -5.4, -13, shade(body, 0.5))
    sheet.rectangle(-1, -26, 7, -24, shade(body, 0.55), radius=1)
    sheet.ellipse(73, -25, 4.4, 4.0, (255, 246, 208))
    sheet.rectangle(-79, -29, -75, -20, (196, 30, 28), radius=1.5)
    for x in (-48.0, 46.0):
        sheet.ellipse(x, -11, 15.5, 14.5, (30, 30, 32))
        sheet.ellipse(x, -10, 12.8, 12.2, (38, 38, 40))
        sheet.ellipse(x, -10, 7.6, 7.2, (178, 182, 188), (120, 124, 130))
        for spoke in range(3):
            angle = (spoke * 2 * pi + turn * 2 * pi / 3) / 3
            sheet.capsule((x, -10), (x + cos(angle) * 6.6, -10 + sin(angle) * 6.2), 1.0, (74, 76, 82))
    return sheet.sprite(mirrored=leftward)


@dataclass(frozen=True, slots=True)
class Driver:
    """A car that crosses the picture, in units of a picture 640 wide."""

    colour: int
    van: bool
    begin: float
    seconds: float
    leftward: bool
    foot: float  #: y of the tyres
    size: float
    scale: float

    def at(self, elapsed: float) -> Sequence[Placed]:
        """See `Actor`."""
        way = (elapsed - self.begin) / self.seconds
        if not 0 <= way < 1:
            return ()
        reach = CAR_WIDTH * self.size / 2
        x = -reach + (640 + 2 * reach) * (1 - way if self.leftward else way)
        size = round(self.size * self.scale, 3)
        sprite = car(self.colour, int(x / 5) % 3, size, self.leftward, self.van)
        left = round(x * self.scale - sprite.y.shape[1] / 2)
        return (Placed(sprite, left, round(self.foot * self.scale - CAR_FOOT * size), self.foot),)
