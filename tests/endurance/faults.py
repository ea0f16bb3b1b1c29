"""A camera that has every fault there is, again and again, beside a healthy one.

What it sent is in the recording or in the ledger, within a frame; every file can be played; the healthy
camera loses nothing.
"""

from __future__ import annotations

import signal
import time
from pathlib import Path

from tests.endurance import judge
from tests.endurance.report import Progress, Report
from tests.integration.rig import recorded

ILL = 2  #: number of the camera that has the faults


def run(folder: Path, minutes: float, say: Progress, *, programme: str = "soak:1") -> Report:
    """Let it run for so long, then look at everything."""
    report = Report(f"{minutes:g} minutes of faults ({programme})")
    faults = ["--faults", programme, "--faulty", str(ILL), "--seconds", str(minutes * 60)]
    with recorded(folder, 2, *faults, sub=True) as (cameras, recorder):
        until = time.monotonic() + minutes * 60 + 3
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 1.0))
            entries = cameras.entries()
            begun = [entry["fault"] for entry in entries if entry["phase"] == "begin"]
            say(f"{len(begun)} faults, {begun[-1] if begun else 'none yet'}; {left:.0f} s to go")
        recorder.signal(signal.SIGTERM)
        judge.judge_end(report, recorder)
        sick = judge.sicknesses(cameras.entries(), ILL)
        unsent = judge.unsent(cameras.entries())
        rates = judge.rates(cameras, sub=True)
        epoch = cameras.epoch
    say("reading every picture")
    report.add("faults", len(sick))
    ill = {token: sick for token in rates if token.partition(".")[0] == f"c-cam{ILL}"}
    found = judge.judge_pictures(report, recorder.data, epoch, rates, ill)
    well = {token: each.missing for token, each in found.items() if token not in ill}
    report.add("frames that the healthy camera did not send", sum(unsent.get(token, 0) for token in well))
    lost = sum(max(0, missing - unsent.get(token, 0)) for token, missing in well.items())
    report.add("frames that the healthy camera lost", lost, most=0)
    judge.judge_ledger(report, recorder.data)
    judge.judge_store(report, recorder.data)
    say("playing every file")
    judge.judge_files(report, recorder.data)
    return report
