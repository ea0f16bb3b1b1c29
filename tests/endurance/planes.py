"""Control and streaming are killed every few seconds; recording must not notice."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from tests.endurance import judge
from tests.endurance.report import Progress, Report
from tests.integration.rig import recorded

EVERY = 5.0  #: seconds
VICTIMS = ("control", "streaming")


def run(folder: Path, minutes: float, say: Progress, *, every: float = EVERY) -> Report:
    """Kill them for so long, then look whether a frame is missing."""
    report = Report(f"{minutes:g} minutes, control and streaming killed every {every:g} s")
    kills = dict.fromkeys(VICTIMS, 0)
    with recorded(folder, 4, sub=True) as (cameras, recorder):
        pid = recorder.plane("recording")
        until = time.monotonic() + minutes * 60
        due = time.monotonic()
        while (now := time.monotonic()) < until:
            due += every
            time.sleep(max(0.0, min(due, until) - now))
            for name in VICTIMS:
                if (victim := recorder.plane(name)) is not None:
                    os.kill(victim, signal.SIGKILL)
                    kills[name] += 1
            say(f"killed {', '.join(f'{name} {count}' for name, count in kills.items())}")
        if recorder.plane("recording") != pid:
            report.problems.append("the recording plane was restarted, too")
        recorder.signal(signal.SIGTERM)
        judge.judge_end(report, recorder)
        rates = judge.rates(cameras, sub=True)
        epoch = cameras.epoch
        unsent = judge.unsent(cameras.entries())
    for name, count in kills.items():
        report.add(f"{name} killed", count, "times")
    say("reading every picture")
    found = judge.judge_pictures(report, recorder.data, epoch, rates, {})
    lost = sum(max(0, each.missing - unsent.get(token, 0)) for token, each in found.items())
    report.add("frames that the cameras had no time to make", sum(unsent.values()))
    report.add("frames lost", lost, most=0)
    judge.judge_ledger(report, recorder.data)
    judge.judge_store(report, recorder.data)
    return report
