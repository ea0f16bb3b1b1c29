"""Fault programmes: what goes wrong with which camera, and when. The same seed gives the same programme."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from device.errors import BadValue, NotFound
from integration.virtual_camera.faults import KINDS, Fault, fault

DISTURBING = ("credentials",)  #: a recorder that behaves does not come back from it by itself
TOLD = ("cover", "input")  #: that a camera tells of; nothing is wrong with its stream
#: Of all faults those that nobody must repair.
SOAKED = tuple(name for name in KINDS if name not in (*DISTURBING, *TOLD))


@dataclass(frozen=True, slots=True)
class Step:
    """One fault of one camera, `at` seconds after the programme began."""

    at: float
    camera: int  #: its number, from 1
    fault: Fault


def read(text: str, camera: int, seconds: float) -> tuple[Step, ...]:
    """A programme by its name for one camera, or a file's, one step as JSON in each line.

    `soak[:SEED[:FAULT,FAULT...]]` goes through all faults, or those named, over and over, in changing order,
    for so many seconds; `each` takes every fault once, in the order of the table, credentials too;
    `flaky[:SEED]` loses the link every few minutes.
    A file's line: {"at": 12.5, "camera": 1, "fault": "freeze", "seconds": 5, ...parameters}.
    Raises BadValue, NotFound.
    """
    name, _, rest = text.partition(":")
    rest, _, chosen = rest.partition(":")
    seed = int(rest) if rest.isdecimal() else 1
    if name == "soak":
        return soak(camera, seed, seconds, tuple(chosen.split(",")) if chosen else SOAKED)
    if name == "each":
        return each(camera)
    if name == "flaky":
        return flaky(camera, seed, seconds)
    path = Path(text)
    if not path.is_file():
        raise BadValue("faults", f"{text!r} is neither soak, each, flaky nor a file")
    return tuple(sorted(map(_step, path.read_text().splitlines()), key=lambda step: step.at))


def soak(camera: int, seed: int, seconds: float, names: Sequence[str] = SOAKED) -> tuple[Step, ...]:
    """These faults, 8 to 16 healthy seconds between them; ends healthy. Raises NotFound."""
    draw = np.random.default_rng(seed)
    if unknown := [name for name in names if name not in KINDS]:
        raise NotFound("fault", unknown[0])
    steps: list[Step] = []
    at = 12.0
    while True:
        for index in draw.permutation(len(names)):
            name = names[index]
            lasts = KINDS[name].lasts * float(draw.uniform(0.6, 1.8))
            if at + lasts + 12.0 > seconds:
                return tuple(steps)
            steps.append(Step(round(at, 3), camera, fault(name, round(lasts, 3), **_varied(name, draw))))
            at += lasts + float(draw.uniform(8.0, 16.0))


def each(camera: int) -> tuple[Step, ...]:
    """Every fault once with its defaults, 8 healthy seconds between."""
    steps: list[Step] = []
    at = 5.0
    for name, kind in KINDS.items():
        steps.append(Step(at, camera, fault(name)))
        at += kind.lasts + 8.0
    return tuple(steps)


def flaky(camera: int, seed: int, seconds: float) -> tuple[Step, ...]:
    """A camera with a bad cable: unreachable for a while every two to four minutes."""
    draw = np.random.default_rng(seed)
    steps: list[Step] = []
    at = 90.0
    while at < seconds:
        lasts = round(float(draw.uniform(4, 20)), 1)
        steps.append(Step(round(at, 1), camera, fault("refuse", lasts)))
        at += lasts + float(draw.uniform(120, 240))
    return tuple(steps)


def _varied(name: str, draw: np.random.Generator) -> dict[str, float]:
    """Other parameters than the defaults where a soak learns more from it."""
    if name == "loss":
        return {"loss": round(float(draw.uniform(0.005, 0.2)), 4)}
    if name == "hole":
        return {"first": int(draw.integers(0, 3)), "count": int(draw.integers(1, 4))}
    if name in ("clock", "clock_and_media"):
        jump = round(float(draw.uniform(2, 7200) * draw.choice([-1, 1])), 1)
        return {"clock_offset": jump} if name == "clock" else {"clock_offset": jump, "media_offset": jump}
    return {}


def _step(line: str) -> Step:
    try:
        given = json.loads(line)
        at, camera, name = float(given.pop("at")), int(given.pop("camera")), str(given.pop("fault"))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadValue("faults", f"not a step: {line[:80]!r}") from None
    return Step(at, camera, fault(name, given.pop("seconds", None), **given))


def length(steps: Sequence[Step]) -> float:
    """Seconds until the last fault has ended."""
    return max((step.at + step.fault.seconds for step in steps), default=0.0)
