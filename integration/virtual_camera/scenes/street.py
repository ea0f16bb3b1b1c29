"""A street in town: houses, trees, a parked car; cars drive both ways, people walk on the far pavement."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from integration.virtual_camera.draw import Planes
from integration.virtual_camera.figures import CAR_FOOT, Driver, Walker, car, even, look
from integration.virtual_camera.motion import Episode, Timetable
from integration.virtual_camera.paint import Colour, Paint, shade
from integration.virtual_camera.scene import Actor, Placed, Scene

_PAVEMENT, _ROAD, _NEAR = 196.0, 216.0, 326.0  #: y of the far pavement, the road, the near pavement


def street(width: int, height: int, seed: int) -> Scene:
    """Cars take five to eight seconds to cross; a person sometimes walks by."""
    scale = width / 640

    def cast(episode: Episode) -> Sequence[Actor]:
        draw = np.random.default_rng(episode.seed)
        actors: list[Actor] = []
        for number in range(int(draw.integers(1, 4))):
            leftward = bool(number % 2)
            seconds = episode.seconds if number == 0 else episode.seconds * float(draw.uniform(0.6, 0.8))
            begin = 0.0 if number == 0 else float(draw.uniform(0, episode.seconds - seconds))
            foot, size = (244.0, 0.74) if leftward else (294.0, 1.0)
            if number < 2:
                colour = int(draw.integers(64))
                van = bool(draw.random() < 0.25)
                actors.append(Driver(colour, van, begin, seconds, leftward, foot, size, scale))
            else:
                who = look(int(draw.integers(1 << 30)))
                x = float(draw.uniform(120, 420))
                actors.append(Walker(who, begin, seconds, x - 420, x + 320, 212.0, 0.5, scale))
        return actors

    parked = car(6, 0, round(0.9 * scale, 3), True, False)
    front = (
        Placed(parked, round(404 * scale), round(325 * scale - CAR_FOOT * 0.9 * scale), 325),
        _lamp(scale),
    )
    timetable = Timetable(seed, slot=15, shortest=5, longest=8, busy=0.85)
    return Scene(_backdrop(width, height, scale, seed), timetable, cast, front=front)


def _backdrop(width: int, height: int, scale: float, seed: int) -> Planes:
    sheet = Paint(width, height, scale)
    sheet.rectangle(-5, -5, 645, 150, (138, 184, 222), (232, 232, 220))
    sheet.ellipse(540, 40, 150, 110, (255, 246, 214), alpha=0.8, soft=1.3)
    for x, y, size in ((96.0, 26.0, 1.0), (300.0, 18.0, 0.8), (352.0, 40.0, 0.6)):
        for dx, dy, r in ((-30.0, 3.0, 15.0), (-8.0, -4.0, 20.0), (16.0, 0.0, 17.0), (36.0, 5.0, 12.0)):
            sheet.ellipse(
                x + dx * size,
                y + dy * size,
                r * size * 1.4,
                r * size * 0.7,
                (255, 255, 255),
                alpha=0.55,
                soft=0.5,
            )
    _houses(sheet)
    sheet.rectangle(-5, _PAVEMENT, 645, _ROAD - 3, (182, 178, 170), (196, 192, 184))
    for x in range(-10, 650, 32):
        sheet.capsule((x + 6, _PAVEMENT), (x, _ROAD - 3), 0.4, (150, 146, 140))
    sheet.rectangle(-5, _ROAD - 3, 645, _ROAD, (134, 132, 128))
    road = Paint(width, height, scale)
    road.rectangle(-5, _ROAD, 645, _NEAR, (86, 88, 92), (104, 106, 110))
    road.grain(7.0, seed, blur=2)
    sheet.lay(road)
    for x in range(-20, 660, 70):
        sheet.polygon(((x, 259), (x + 36, 259), (x + 34, 263), (x - 3, 263)), (228, 226, 214))
    sheet.rectangle(-5, _ROAD + 3, 645, _ROAD + 5, (206, 204, 192), alpha=0.7)
    sheet.rectangle(-5, _NEAR - 2, 645, _NEAR + 3, (198, 196, 190), (140, 138, 134))
    sheet.rectangle(-5, _NEAR + 3, 645, 365, (176, 172, 164), (158, 154, 146))
    for x in range(-60, 720, 54):
        sheet.capsule((x, _NEAR + 3), (x - 22, 360), 0.5, (138, 134, 128))
    for x in (70.0, 236.0, 470.0, 604.0):
        _tree(sheet, x, _PAVEMENT + 8)
    sheet.grain(1.2, seed + 1)
    x_field, y_field = sheet.field()
    sheet.light(1.03 - 0.16 * (((x_field - 330) / 400) ** 2 + ((y_field - 170) / 280) ** 2))
    return sheet.planes()


def _houses(sheet: Paint) -> None:
    rng = np.random.default_rng(23)
    walls: tuple[Colour, ...] = (
        (196, 122, 96),
        (226, 206, 170),
        (148, 158, 168),
        (206, 168, 122),
        (170, 92, 78),
        (222, 218, 208),
    )
    left = -20.0
    for number, width in enumerate((112.0, 128.0, 96.0, 132.0, 104.0, 120.0)):
        wall = walls[number % len(walls)]
        top = 44 + float(rng.uniform(-10, 26))
        right = left + width
        sheet.rectangle(left, top, right, _PAVEMENT, shade(wall, 1.04), shade(wall, 0.86))
        sheet.rectangle(left - 2, top - 6, right + 2, top + 2, shade(wall, 0.62))
        columns = int(width // 28)
        pitch = width / columns
        for row in range(3):
            y = top + 14 + row * 34
            if y + 24 > 152:
                break
            for column in range(columns):
                _window(sheet, left + pitch * (column + 0.5), y, bool(rng.random() < 0.2), shade(wall, 1.25))
        _shop(sheet, left + 6, right - 6, walls[(number + 2) % len(walls)], striped=number % 2 == 0)
        left = right


def _window(sheet: Paint, x: float, y: float, lit: bool, frame: Colour) -> None:
    sheet.rectangle(x - 8.5, y - 1.5, x + 8.5, y + 22.5, frame)
    glass: tuple[Colour, Colour] = (
        ((255, 226, 158), (238, 190, 110)) if lit else ((92, 116, 136), (58, 74, 90))
    )
    sheet.rectangle(x - 7, y, x + 7, y + 21, *glass)
    sheet.polygon(((x - 5, y), (x, y), (x - 4, y + 21), (x - 7, y + 21)), (255, 255, 255), alpha=0.14)
    sheet.rectangle(x - 0.6, y, x + 0.6, y + 21, frame)
    sheet.rectangle(x - 9.5, y + 22, x + 9.5, y + 24.5, shade(frame, 0.8))


def _shop(sheet: Paint, left: float, right: float, awning: Colour, striped: bool) -> None:
    sheet.rectangle(left, 156, right, _PAVEMENT, (58, 54, 52))
    middle = right - 24
    sheet.rectangle(left + 4, 162, middle - 3, 190, (250, 228, 178), (214, 184, 138))
    rng = np.random.default_rng(int(left) + 900)
    x = left + 10
    while x < middle - 10:
        goods: Colour = (
            float(rng.uniform(90, 210)),
            float(rng.uniform(80, 170)),
            float(rng.uniform(70, 160)),
        )
        sheet.rectangle(x, 178 - float(rng.uniform(0, 8)), x + 6, 190, goods, radius=1)
        x += 9
    sheet.rectangle(middle, 162, right - 4, _PAVEMENT, (116, 136, 146), (74, 90, 100))
    sheet.rectangle(middle - 3, 160, middle, _PAVEMENT, (40, 38, 36))
    sheet.polygon(
        ((left - 1, 150), (right + 1, 150), (right + 6, 164), (left - 6, 164)), awning, shade(awning, 0.8)
    )
    if striped:
        step = (right - left) / 9
        for n in range(0, 9, 2):
            a = left + n * step
            sheet.polygon(((a, 150), (a + step, 150), (a + step + 1, 164), (a - 1, 164)), (244, 240, 230))
    sheet.rectangle(left - 6, 164, right + 6, 168, (20, 18, 18), alpha=0.22)


def _tree(sheet: Paint, x: float, foot: float) -> None:
    sheet.ellipse(x, foot, 30, 5, (30, 30, 26), alpha=0.6, soft=0.6)
    sheet.capsule((x, foot - 2), (x + 1, foot - 74), 3.2, (92, 74, 58))
    sheet.capsule((x, foot - 52), (x + 14, foot - 78), 1.6, (92, 74, 58))
    rng = np.random.default_rng(int(x))
    for n in range(42):
        angle, reach = float(rng.uniform(0, 6.28)), float(rng.uniform(0, 1)) ** 0.6
        px, py = x + np.cos(angle) * reach * 30, foot - 92 + np.sin(angle) * reach * 27
        tone = 0.72 + 0.5 * (n / 42) - (py - foot + 92) / 160
        sheet.ellipse(float(px), float(py), 10, 8.6, (96 * tone, 142 * tone, 70 * tone), alpha=0.85)


def _lamp(scale: float) -> Placed:
    sheet = Paint(even(44 * scale), even(330 * scale), scale, (12, 322))
    sheet.ellipse(0, 0, 12, 3.5, (20, 20, 20), alpha=0.6, soft=0.6)
    sheet.capsule((0, -2), (0, -296), 2.6, (54, 60, 64))
    sheet.capsule((0, -296), (18, -306), 2.0, (54, 60, 64))
    sheet.rectangle(-5, -26, 5, 0, (48, 54, 58), (36, 40, 44), radius=2)
    sheet.rectangle(12, -309, 30, -302, (54, 60, 64), radius=3)
    sheet.rectangle(14, -303, 28, -300.6, (255, 244, 206), radius=1)
    return Placed(sheet.sprite(), round(148 * scale), round(22 * scale), 340)
