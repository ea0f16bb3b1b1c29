"""A power cut for real: a machine with its own kernel and drives, whose power goes while it records.

QEMU is killed at random moments. What the guest had not flushed is lost with its memory; what its drives hold is
copied, mounted here and judged; then the guest gets power again, recovers and records on, to the next cut.
"""

from __future__ import annotations

import random
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.blocks import formatted, mounted
from tests.crash.judge import Promised, judge
from tests.crash.kill import UNITS, prepare
from tests.crash.scenario import VOLUMES
from tests.crash.states import BEAT, FRAME, ROOT
from tests.endurance.report import Progress, Report
from tests.guest.machine import Disk, Guest, GuestFailed

DISKS = {"system": "ext4", VOLUMES[0]: "ext4", VOLUMES[1]: "xfs"}  #: drive: file system
SIZES = {"ext4": 192 << 20, "xfs": 320 << 20}  #: bytes; XFS takes no less than 300 MiB
STORE = Path("/store")  #: in the guest
LIFE = 6.0  #: seconds that it records at most after its first acknowledgement
PATIENCE = 90.0  #: seconds until something must have been acknowledged


def run(folder: Path, cuts: int, say: Progress, *, seed: int) -> Report:
    """Cut the power so often. Needs root, for mounting. Raises GuestUnavailable, BenchError."""
    report = Report("the power of a guest cut")
    guest = Guest(folder / "guest", [Disk(name, SIZES[system]) for name, system in DISKS.items()])
    for name, system in DISKS.items():
        guest.image(name).unlink()
        formatted(guest.image(name), system, SIZES[system])
    with _disks(guest.folder, folder / "mounted") as place:
        prepare(place)
    draw, promised = random.Random(seed), Promised()
    lost: list[float] = []
    for life in range(cuts):
        promised.accident()
        with guest:
            _record(guest, life * UNITS, draw.uniform(0, LIFE))
        for line in guest.told.splitlines(keepends=True):
            if line.endswith("\n"):
                promised.hear(line)
        copies = folder / "copies"
        shutil.rmtree(copies, ignore_errors=True)
        copies.mkdir()
        for name in DISKS:
            shutil.copyfile(guest.image(name), copies / f"{name}.img")
        with _disks(copies, folder / "mounted") as place:
            verdict = judge(place, promised, resume=True)
        lost.append(verdict.lost)
        report.problems += [f"cut {life}: {each}" for each in verdict.problems]
        say(f"{life + 1} of {cuts}: lost {lost[-1]:.1f} s")
    report.add("power cut", cuts, "times")
    report.add("units acknowledged in all", sum(len(promised.owed(token)) for token in promised.sent))
    report.add("lost at most", max(lost), "s", most=2 * BEAT + FRAME)
    return report


def _record(guest: Guest, first: int, seconds: float) -> None:
    """Mount, record, and come back so long after the first acknowledgement."""
    guest.must("mkdir", "-p", STORE)
    for letter, (name, system) in zip("abc", DISKS.items(), strict=True):
        where = STORE if name == "system" else STORE / name
        guest.must("mount", "-t", system, f"/dev/vd{letter}", where)
    guest.leave(sys.executable, "-m", "tests.crash.live", STORE, str(first), folder=ROOT)
    limit = time.monotonic() + PATIENCE
    while "safe" not in guest.told:
        if time.monotonic() > limit:
            raise GuestFailed(f"nothing was acknowledged: {guest.told[-2000:]}")
        time.sleep(0.1)
    time.sleep(seconds)


@contextmanager
def _disks(images: Path, place: Path) -> Iterator[Path]:
    """The drives in `images`, mounted here as the guest mounts them."""
    with ExitStack() as undo:
        for name, system in DISKS.items():
            where = place if name == "system" else place / name
            undo.enter_context(mounted(images / f"{name}.img", system, where))
        yield place
