"""The entrance hall of an office: a glass door, lifts, a reception desk, and people who come and go."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from integration.virtual_camera.draw import Planes, Sprite
from integration.virtual_camera.figures import Walker, even, look
from integration.virtual_camera.motion import Episode, Timetable
from integration.virtual_camera.paint import Colour, Paint
from integration.virtual_camera.scene import Actor, Placed, Scene

_FLOOR = 172.0  #: y at which the floor begins


def lobby(width: int, height: int, seed: int) -> Scene:
    """People cross at four depths; busy most of the time."""
    scale = width / 640

    def cast(episode: Episode) -> Sequence[Actor]:
        draw = np.random.default_rng(episode.seed)
        walkers = []
        for number in range(int(draw.integers(1, 4))):
            foot = float(draw.choice([206, 238, 272, 318]))
            size = 0.62 + (foot - _FLOOR) / 210
            # The first one is on the way from the first instant to the last, so that the timetable is true.
            seconds = episode.seconds if number == 0 else episode.seconds * float(draw.uniform(0.55, 0.9))
            begin = 0.0 if number == 0 else float(draw.uniform(0, episode.seconds - seconds))
            edge = 30 * size
            ends = (-edge, 640 + edge) if draw.random() < 0.5 else (640 + edge, -edge)
            who = look(int(draw.integers(1 << 30)))
            walkers.append(Walker(who, begin, seconds, *ends, foot, round(size, 2), scale))
        return walkers

    timetable = Timetable(seed, slot=20, shortest=9, longest=16, busy=0.8)
    return Scene(_backdrop(width, height, scale, seed), timetable, cast, front=_front(scale))


def _backdrop(width: int, height: int, scale: float, seed: int) -> Planes:
    sheet = Paint(width, height, scale)
    sheet.rectangle(-5, -5, 645, _FLOOR + 2, (214, 205, 190), (238, 231, 219))
    _wood(sheet)
    _entrance(sheet)
    _lifts(sheet)
    _floor(sheet)
    for x in (128.0, 320.0, 512.0):
        sheet.ellipse(x, 6, 70, 26, (255, 250, 232), alpha=0.7, soft=1.2)
        sheet.polygon(((x - 46, 8), (x + 46, 8), (x + 38, 17), (x - 38, 17)), (255, 253, 244))
    sheet.grain(1.3, seed)
    x_field, y_field = sheet.field()
    sheet.light(1.04 - 0.22 * (((x_field - 320) / 400) ** 2 + ((y_field - 170) / 300) ** 2))
    return sheet.planes()


def _wood(sheet: Paint) -> None:
    """The panelled wall on the left, with the house's sign."""
    for n in range(8):
        tone = (148 + 9 * ((n * 5) % 3), 106 + 6 * ((n * 5) % 3), 70 + 5 * ((n * 5) % 3))
        sheet.rectangle(n * 26 - 8, 34, n * 26 + 17, _FLOOR, tone, (tone[0] - 26, tone[1] - 22, tone[2] - 18))
    sheet.ellipse(92, 34, 120, 60, (255, 232, 180), alpha=0.34, soft=1.0)
    sheet.ellipse(92, 92, 25, 25, (242, 236, 224))
    sheet.ellipse(92, 92, 20, 20, (52, 84, 102))
    sheet.ellipse(92, 92, 9.5, 9.5, (242, 236, 224))
    sheet.ellipse(92, 92, 5, 5, (52, 84, 102))


def _entrance(sheet: Paint) -> None:
    """Glass doors, with the trees and the light of outside behind them."""
    sheet.rectangle(226, 38, 430, _FLOOR, (64, 68, 72))
    sheet.rectangle(231, 43, 425, _FLOOR, (206, 228, 242), (236, 240, 228))
    rng = np.random.default_rng(11)
    for _ in range(26):
        x, y = float(rng.uniform(236, 420)), float(rng.uniform(92, 132))
        green = float(rng.uniform(0.8, 1.15))
        radius = min(float(rng.uniform(9, 19)), x - 231, 425 - x)
        sheet.ellipse(x, y, radius, radius * 0.8, (146 * green, 176 * green, 132 * green), alpha=0.75)
    sheet.rectangle(231, 136, 425, _FLOOR, (196, 198, 186), (218, 216, 206))
    for x in (278.0, 328.0, 378.0):
        sheet.rectangle(x - 2.4, 43, x + 2.4, _FLOOR, (70, 74, 78))
    sheet.rectangle(231, 66, 425, 70, (70, 74, 78))
    for x in (321.0, 335.0):
        sheet.rectangle(x - 1.5, 104, x + 1.5, 138, (196, 200, 204), radius=1.5)
    sheet.polygon(((240, 72), (262, 72), (250, 170), (234, 170)), (255, 255, 255), alpha=0.18)
    sheet.polygon(((386, 72), (398, 72), (388, 170), (381, 170)), (255, 255, 255), alpha=0.16)


def _lifts(sheet: Paint) -> None:
    for left in (462.0, 552.0):
        sheet.rectangle(left - 5, 56, left + 69, _FLOOR, (120, 118, 116), (104, 102, 100))
        sheet.rectangle(left, 61, left + 64, _FLOOR, (196, 200, 204), (158, 163, 168))
        sheet.rectangle(left + 31.3, 61, left + 32.7, _FLOOR, (92, 96, 100))
        sheet.polygon(
            ((left + 6, 61), (left + 16, 61), (left + 9, _FLOOR), (left + 2, _FLOOR)),
            (255, 255, 255),
            alpha=0.2,
        )
        sheet.rectangle(left + 24, 43, left + 40, 52, (34, 36, 40), radius=2)
        sheet.polygon(((left + 28, 50), (left + 36, 50), (left + 32, 45)), (255, 176, 70))


def _floor(sheet: Paint) -> None:
    sheet.rectangle(-5, _FLOOR, 645, 365, (190, 180, 164), (214, 204, 188))
    vanishing = (328.0, 96.0)
    for n in range(-14, 15):
        near = vanishing[0] + n * 96
        far = vanishing[0] + (near - vanishing[0]) * (_FLOOR - vanishing[1]) / (360 - vanishing[1])
        sheet.capsule((far, _FLOOR), (near, 360), 0.5, (150, 140, 126), alpha=0.7)
    for step in range(9):
        y = vanishing[1] + (360 - vanishing[1]) / (1 + step * 0.3)
        if y > _FLOOR:
            sheet.capsule((-5, y), (645, y), 0.5, (150, 140, 126), alpha=0.7)
    # The polished stone mirrors the door and the lifts.
    sheet.polygon(
        ((228, _FLOOR), (428, _FLOOR), (474, 365), (186, 365)), (250, 252, 250), (210, 200, 185), alpha=0.55
    )
    sheet.rectangle(462, _FLOOR, 616, 236, (186, 188, 190), (200, 192, 178), alpha=0.4)
    sheet.rectangle(-5, _FLOOR - 5, 226, _FLOOR, (96, 70, 48))
    sheet.rectangle(430, _FLOOR - 5, 645, _FLOOR, (122, 116, 108))


def _front(scale: float) -> Sequence[Placed]:
    desk = Paint(even(212 * scale), even(104 * scale), scale, (4, 100))
    desk.ellipse(96, 0, 116, 7, (40, 30, 20), alpha=0.6, soft=0.6)
    desk.rectangle(-10, -62, 190, -2, (126, 88, 58), (88, 60, 40), radius=4)
    for seam in range(8, 188, 20):
        desk.rectangle(seam - 0.6, -56, seam + 0.6, -4, (72, 48, 32))
    desk.rectangle(-12, -70, 198, -60, (244, 240, 232), (206, 200, 190), radius=3)
    desk.rectangle(110, -96, 152, -70, (30, 32, 36), (48, 52, 58), radius=2)
    desk.rectangle(128, -72, 134, -66, (60, 62, 66))
    desk.ellipse(60, -73, 13, 3.5, (222, 226, 228))
    desk.rectangle(26, -84, 38, -69, (82, 118, 128), (54, 84, 96), radius=2)
    for x, y, colour in (
        (28.0, -90.0, (206, 92, 80)),
        (34.0, -93.0, (232, 190, 92)),
        (38.0, -88.0, (206, 92, 80)),
    ):
        desk.ellipse(x, y, 4, 4, colour)
    return (
        Placed(desk.sprite(), round(-4 * scale), round(256 * scale), 350),
        Placed(_plant(scale), round(548 * scale), round(206 * scale), 352),
    )


def _plant(scale: float) -> Sprite:
    sheet = Paint(even(96 * scale), even(146 * scale), scale, (48, 140))
    sheet.ellipse(0, 0, 34, 6, (40, 30, 20), alpha=0.6, soft=0.6)
    sheet.polygon(((-20, -38), (20, -38), (14, 0), (-14, 0)), (226, 222, 214), (168, 162, 154))
    rng = np.random.default_rng(5)
    for n in range(26):
        angle = float(rng.uniform(-1.25, 1.25))
        reach = float(rng.uniform(42, 92))
        tip = (np.sin(angle) * reach * 0.52, -40 - np.cos(angle) * reach)
        tone = float(rng.uniform(0.75, 1.3))
        leaf: Colour = (58 * tone, 112 * tone, 66 * tone)
        middle = (tip[0] * 0.55, -38 + (tip[1] + 38) * 0.62)
        sheet.capsule((0, -38), middle, 1.0, (62, 88, 52))
        sheet.capsule(middle, (float(tip[0]), float(tip[1])), 5.4 - n * 0.08, leaf)
    return sheet.sprite()
