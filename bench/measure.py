"""What programs under test cost: CPU, memory, and what reaches the disk, as the kernel counts it.

CPU is the time that tasks spent on a processor (`schedstat`, nanoseconds), not the 10 ms ticks of `stat`, so
that a few per cent of a core can be told from noise. A thread that ends between two samples takes its time
with it: measure programs in their steady state.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_SECTOR = 512  # bytes; the unit of /sys/block/*/stat whatever the device's own
_NANO = 1_000_000_000

Groups = Mapping[
    str, tuple[int, ...]
]  #: name of a program or of one of its planes: the processes at its roots


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes. `pss` shares each page among those who map it, and can be added up; `rss` counts it for each."""

    pss: int
    rss: int

    def __add__(self, other: Memory) -> Memory:
        return Memory(self.pss + other.pss, self.rss + other.rss)


@dataclass(frozen=True, slots=True)
class Traffic:
    """What a block device was asked to do since the machine started."""

    writes: int
    written: int  #: bytes
    flushes: int

    def __sub__(self, earlier: Traffic) -> Traffic:
        return Traffic(
            self.writes - earlier.writes, self.written - earlier.written, self.flushes - earlier.flushes
        )


@dataclass(frozen=True, slots=True)
class Processor:
    """Seconds of all cores together since the machine started."""

    busy: float
    total: float


@dataclass(frozen=True, slots=True)
class Sample:
    """All groups at one instant."""

    at: float  #: monotonic seconds
    tasks: Mapping[str, Mapping[str, float]]  #: group: task (`pid/tid`): CPU seconds
    memory: Mapping[str, Memory]
    processor: Processor


@dataclass(frozen=True, slots=True)
class Usage:
    """What one group used between two samples."""

    seconds: float  #: of the wall clock
    cpu: float  #: seconds
    memory: Memory  #: at the later sample
    processes: int

    @property
    def core_percent(self) -> float:
        """CPU as a share of one core, per cent."""
        return 100 * self.cpu / self.seconds


def parse_schedstat(text: str) -> float:
    """CPU seconds of one task, from `/proc/PID/task/TID/schedstat`."""
    return int(text.split()[0]) / _NANO


def turns(pid: int) -> tuple[float, float]:
    """Seconds that all threads of a process ran so far, and that they waited for a core while they could have run."""
    ran = waited = 0
    for task in (PROC / str(pid) / "task").iterdir():
        with contextlib.suppress(OSError):  # it ended meanwhile
            running, waiting, _ = map(int, (task / "schedstat").read_text().split())
            ran, waited = ran + running, waited + waiting
    return ran / _NANO, waited / _NANO


def parse_smaps_rollup(text: str) -> Memory:
    """Memory of one process, from `/proc/PID/smaps_rollup`. A field that is not there counts as nothing."""
    kib = {name: int(value) for name, value in re.findall(r"^(\w+):\s+(\d+) kB$", text, re.MULTILINE)}
    return Memory(pss=kib.get("Pss", 0) * 1024, rss=kib.get("Rss", 0) * 1024)


def parse_block_stat(text: str) -> Traffic:
    """Traffic of one block device, from `/sys/block/NAME/stat` (Documentation/block/stat.rst)."""
    fields = [int(field) for field in text.split()]
    return Traffic(
        writes=fields[4],
        written=fields[6] * _SECTOR,
        flushes=fields[15] if len(fields) > 15 else 0,  # before Linux 5.5 flushes are not counted
    )


def parse_processor(text: str, ticks: int) -> Processor:
    """Busy and total time of all cores, from `/proc/stat`; `ticks` is how many of its units make a second."""
    fields = [int(field) for field in text.splitlines()[0].split()[1:9]]  # guest time is in user already
    idle = fields[3] + fields[4]
    return Processor(busy=(sum(fields) - idle) / ticks, total=sum(fields) / ticks)


def tree(roots: Iterable[int]) -> set[int]:
    """The processes at `roots` that still exist, and all that descend from them."""
    found: set[int] = set()
    waiting = [pid for pid in roots if (PROC / str(pid)).exists()]
    while waiting:
        pid = waiting.pop()
        if pid in found:
            continue
        found.add(pid)
        for children in (PROC / str(pid)).glob("task/*/children"):
            with contextlib.suppress(OSError):
                waiting.extend(int(child) for child in children.read_text().split())
    return found


def processes(groups: Groups) -> dict[str, set[int]]:
    """The processes of each group. A root of one group, with all below it, is never counted in another."""
    roots = {pid for pids in groups.values() for pid in pids}
    whole = {pid: tree([pid]) for pid in roots}
    return {
        name: set().union(
            *(
                whole[pid].difference(
                    *(whole[other] for other in roots if other != pid and other in whole[pid])
                )
                for pid in pids
            )
        )
        for name, pids in groups.items()
    }


def sample(groups: Groups) -> Sample:
    """Read the counters of all groups now. A process that ends meanwhile is left out."""
    members = processes(groups)
    memory = {name: sum((_memory(pid) for pid in pids), Memory(0, 0)) for name, pids in members.items()}
    tasks = {name: _tasks(pids) for name, pids in members.items()}
    processor = parse_processor((PROC / "stat").read_text(), os.sysconf("SC_CLK_TCK"))
    return Sample(time.monotonic(), tasks, memory, processor)


def between(first: Sample, second: Sample) -> dict[str, Usage]:
    """What each group used from the first sample to the second. Tasks that began meanwhile count in whole."""
    return {
        name: Usage(
            seconds=second.at - first.at,
            cpu=sum(cpu - first.tasks.get(name, {}).get(task, 0.0) for task, cpu in tasks.items()),
            memory=second.memory[name],
            processes=len({task.partition("/")[0] for task in tasks}),
        )
        for name, tasks in second.tasks.items()
    }


def total(usages: Iterable[Usage]) -> Usage:
    """All of them together, over the same time."""
    parts = list(usages)
    return Usage(
        seconds=parts[0].seconds,
        cpu=sum(part.cpu for part in parts),
        memory=sum((part.memory for part in parts), Memory(0, 0)),
        processes=sum(part.processes for part in parts),
    )


def others_percent(first: Sample, second: Sample) -> float:
    """CPU of everything that is in no group, per cent of one core: what else disturbed the figures.

    The kernel's own threads (write-back, loop devices) are in it, so it is never quite 0.
    """
    busy = second.processor.busy - first.processor.busy
    ours = sum(usage.cpu for usage in between(first, second).values())
    return max(0.0, 100 * (busy - ours) / (second.at - first.at))


def traffic(path: Path) -> Traffic:
    """Counters of the block device that `path` lies on; all 0 where it lies on none (in memory)."""
    device = path.stat().st_dev
    stat = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat")
    return parse_block_stat(stat.read_text()) if stat.exists() else Traffic(0, 0, 0)


def machine() -> dict[str, str | int]:
    """The machine in the words that a reader of the figures needs; nothing that tells whose it is."""
    model = re.search(r"^model name\s*: (.+)$", (PROC / "cpuinfo").read_text(), re.MULTILINE)
    kib = re.search(r"^MemTotal:\s+(\d+) kB$", (PROC / "meminfo").read_text(), re.MULTILINE)
    return {
        "cpu": model[1] if model else platform.machine(),
        "cores": os.cpu_count() or 0,
        "memory_mb": int(kib[1]) // 1024 if kib else 0,
        "kernel": platform.release().split("-")[0],
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", ""),
        "python": platform.python_version(),
        "ffmpeg": _version(["ffmpeg", "-version"], r"ffmpeg version (\d[\d.]*)"),
        "gstreamer": _version(["gst-launch-1.0", "--version"], r"GStreamer (\d[\d.]*)"),
    }


def _memory(pid: int) -> Memory:
    try:
        return parse_smaps_rollup((PROC / str(pid) / "smaps_rollup").read_text())
    except OSError:
        return Memory(0, 0)


def _tasks(pids: Iterable[int]) -> dict[str, float]:
    found = {}
    for pid in pids:
        for stat in (PROC / str(pid)).glob("task/*/schedstat"):
            with contextlib.suppress(OSError):
                found[f"{pid}/{stat.parent.name}"] = parse_schedstat(stat.read_text())
    return found


def _version(command: list[str], pattern: str) -> str:
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20).stdout
    except OSError:
        return ""
    match = re.search(pattern, said)
    return match[1] if match else ""
