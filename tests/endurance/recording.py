"""The recording plane is killed at random moments: how soon is every camera on the disk again?"""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

from device.media import MICROSECONDS
from tests.endurance import judge
from tests.endurance.report import Progress, Report, spread
from tests.integration.rig import Recorder, RigFailed, alive, recorded, wait_until

TARGET = 2.0  #: seconds from the kill until every camera's new video is acknowledged
HANGS = 60.0  #: seconds after which it will not come back
LOOK = 0.02  #: seconds between looks
PAUSE = (1.0, 4.0)  #: seconds of recording between two kills


def run(folder: Path, times: int, say: Progress, *, seed: int = 1) -> Report:
    """Kill it so many times, then hold the recordings against the ledger."""
    report = Report(f"the recording plane killed {times} times")
    draw = random.Random(seed)
    back: list[float] = []
    with recorded(folder, 4, sub=True) as (cameras, recorder):
        rates = judge.rates(cameras, sub=True)
        wait_until("all is recorded", lambda: judge.newest(recorder.data).keys() == rates.keys())
        for number in range(1, times + 1):
            time.sleep(draw.uniform(*PAUSE))
            back.append(_outage(recorder, len(rates)))
            say(f"{number} of {times}: back after {back[-1]:.2f} s, longest {max(back):.2f} s")
        time.sleep(2)
        recorder.signal(signal.SIGTERM)
        judge.judge_end(report, recorder)
        epoch = cameras.epoch
    for name, value in spread(back).items():
        report.add(
            f"kill to every stream acknowledged again, {name}",
            value,
            "s",
            most=TARGET if name == "most" else None,
        )
    report.add(f"of them over {TARGET:g} s", sum(value > TARGET for value in back), "times")
    say("reading every picture")
    found = judge.judge_pictures(report, recorder.data, epoch, rates, {})
    gaps = [hole.told / MICROSECONDS for each in found.values() for hole in each.holes]
    for name, value in spread(gaps or [0.0]).items():
        report.add(f"gap in the ledger, {name}", value, "s")
    judge.judge_ledger(report, recorder.data)
    judge.judge_store(report, recorder.data)
    return report


def _outage(recorder: Recorder, streams: int) -> float:
    """Kill the plane; seconds until each stream has acknowledged video of after the kill."""
    victim = recorder.plane("recording")
    if victim is None:
        raise RigFailed("the recording plane is not there")
    killed = time.monotonic()
    os.kill(victim, signal.SIGKILL)
    wait_until("it is dead", lambda: not alive(victim), every=0.001)
    before = judge.newest(recorder.data)  # nobody can add to it now

    def again() -> bool:
        now = judge.newest(recorder.data)
        return sum(now[token] > last for token, last in before.items()) == streams

    wait_until("every stream is recorded again", again, HANGS, LOOK)
    return time.monotonic() - killed
