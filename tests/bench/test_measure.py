"""The kernel's counters, read as they are written."""

from __future__ import annotations

import os
import subprocess

import pytest

from bench.measure import (
    Memory,
    Processor,
    Sample,
    Traffic,
    between,
    machine,
    others_percent,
    parse_block_stat,
    parse_processor,
    parse_schedstat,
    parse_smaps_rollup,
    processes,
    sample,
    total,
    turns,
)

ROLLUP = """\
558ec80db000-7fff059d9000 ---p 00000000 00:00 0                          [rollup]
Rss:                1748 kB
Pss:                 323 kB
Pss_Dirty:           112 kB
Shared_Clean:       1600 kB
"""
BLOCK = "41689 16585 3632570 11205 28141 18477 2092856 5572 0 6520 17381 6284 35 136856 386 5816 216\n"
PROCESSOR = "cpu  1000 20 300 8000 400 5 6 7 50 0\ncpu0 500 10 150 4000 200 0 0 0 0 0\n"


def at(seconds: float, tasks: dict[str, dict[str, float]], busy: float) -> Sample:
    memory = {group: Memory(10, 20) for group in tasks}
    return Sample(seconds, tasks, memory, Processor(busy, 2 * seconds))


def test_the_first_field_of_schedstat_is_the_time_on_a_processor_in_nanoseconds() -> None:
    assert parse_schedstat("115071000000 88573 2\n") == pytest.approx(115.071)


def test_memory_of_a_process_is_its_share_and_its_whole() -> None:
    assert parse_smaps_rollup(ROLLUP) == Memory(pss=323 * 1024, rss=1748 * 1024)


def test_memory_of_a_kernel_thread_is_nothing() -> None:
    assert parse_smaps_rollup("") == Memory(0, 0)


def test_sectors_of_a_block_device_are_512_bytes_whatever_it_is_made_of() -> None:
    assert parse_block_stat(BLOCK) == Traffic(writes=28141, written=2092856 * 512, flushes=5816)


def test_a_kernel_that_does_not_count_flushes_has_none() -> None:
    assert parse_block_stat(" ".join(BLOCK.split()[:11])).flushes == 0


def test_waiting_for_the_disk_is_idle_and_guests_are_not_counted_twice() -> None:
    assert parse_processor(PROCESSOR, ticks=100) == Processor(busy=13.38, total=97.38)


def test_a_task_that_began_meanwhile_counts_in_whole_and_one_that_ended_not_at_all() -> None:
    first = at(10, {"us": {"1/1": 5.0, "1/2": 3.0}}, busy=0)
    second = at(12, {"us": {"1/1": 5.5, "1/3": 0.25}}, busy=0)

    used = between(first, second)["us"]

    assert used.cpu == pytest.approx(0.75)
    assert used.core_percent == pytest.approx(37.5)
    assert used.processes == 1


def test_usages_add_up_over_the_same_time() -> None:
    first = at(0, {"a": {"1/1": 0.0}, "b": {"2/2": 0.0}}, busy=0)
    second = at(4, {"a": {"1/1": 1.0}, "b": {"2/2": 0.5}}, busy=0)

    both = total(between(first, second).values())

    assert (both.cpu, both.seconds, both.processes, both.memory) == (1.5, 4, 2, Memory(20, 40))


def test_what_others_took_is_what_no_group_took() -> None:
    first = at(0, {"us": {"1/1": 0.0}}, busy=100.0)
    second = at(10, {"us": {"1/1": 2.0}}, busy=103.0)

    assert others_percent(first, second) == pytest.approx(10.0)


def test_a_plane_is_not_counted_in_the_supervisor_that_started_it() -> None:
    with subprocess.Popen(
        ["sh", "-c", "sleep 60 & echo $!; wait"], stdout=subprocess.PIPE, text=True
    ) as shell:
        assert shell.stdout is not None
        plane = int(shell.stdout.readline())
        try:
            found = processes({"supervisor": (shell.pid,), "plane": (plane,)})
        finally:
            os.kill(plane, 15)
            shell.wait()

    assert found == {"supervisor": {shell.pid}, "plane": {plane}}


def test_this_very_process_has_used_time_and_memory() -> None:
    now = sample({"us": (os.getpid(),)})

    assert sum(now.tasks["us"].values()) > 0
    assert 0 < now.memory["us"].pss <= now.memory["us"].rss


def test_a_process_that_is_gone_uses_nothing() -> None:
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    assert sample({"gone": (gone.pid,)}).tasks["gone"] == {}


def test_the_machine_is_described_without_its_name() -> None:
    assert os.uname().nodename not in " ".join(map(str, machine().values())).split()


def test_a_process_has_run_and_has_waited_to_run() -> None:
    ran, waited = turns(os.getpid())
    assert ran > 0
    assert waited >= 0
