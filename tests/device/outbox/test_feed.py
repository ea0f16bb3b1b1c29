"""Events through the outbox, past SIGKILL: every one, in order."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from device.clock import SystemClock
from device.events.bus import Bus
from device.events.catalogue import ClockStepped
from device.events.event import dump
from device.events.journal import Entry, Journal, peek
from device.outbox.delivery import deliver
from device.outbox.feed import feed
from device.outbox.outbox import Draft, Letter, Limits, Outbox

LIMITS = Limits(octets=50_000_000, seconds=86_400.0)
KILLS = 6


def letter(entry: Entry) -> Sequence[Draft]:
    return [Draft("event", f"{entry.seq} {dump(entry.event)}".encode())]


def number(of: Letter) -> int:
    return int(of.body.split()[0])


class File:
    """A destination that writes what it took into a file, and is away now and then."""

    window = 50

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    async def send(self, letters: Sequence[Letter]) -> int:
        await asyncio.sleep(0.002)
        self._file.write(b"".join(one.body + b"\n" for one in letters))
        return len(letters)


async def speak(folder: Path, count: int) -> None:
    """Say events and deliver them; for ever, or until so many were said and all are delivered."""
    clock = SystemClock()
    journal = Journal(folder / "events.db", "control", clock, keep=100_000)
    bus = Bus(journal, lambda _entry, error: print(repr(error), file=sys.stderr))
    outbox = Outbox(folder / "outbox.db", clock, bus.publish)
    box = outbox.box("file", LIMITS)
    await feed(bus, box, letter)
    work = asyncio.create_task(deliver(box, File(folder / "took"), clock, bus.publish, random.random))
    said = 0
    while not count or said < count or box.waiting:
        if not count or said < count:
            for _ in range(20):
                bus.publish(ClockStepped(time.time()))
                said += 1
        await asyncio.sleep(0.005)
    work.cancel()
    outbox.close()
    journal.close()


def test_every_event_that_the_journal_holds_arrives_in_order_though_the_recorder_is_killed(
    tmp_path: Path,
) -> None:
    chance = random.Random(4)
    argv = [sys.executable, "-P", "-m", "tests.device.outbox.test_feed", str(tmp_path)]
    took = tmp_path / "took"
    for _ in range(KILLS):
        before = took.stat().st_size if took.exists() else 0
        with subprocess.Popen(argv) as process:
            until = time.monotonic() + 60
            while not took.exists() or took.stat().st_size <= before:
                assert process.poll() is None
                assert time.monotonic() < until
                time.sleep(0.01)
            time.sleep(chance.random() * 0.15)
            os.kill(process.pid, signal.SIGKILL)
    asyncio.run(speak(tmp_path, 100))
    told = [line.split(maxsplit=1) for line in took.read_text().splitlines()]
    numbers = [int(seq) for seq, _ in told]
    _, entries = peek(tmp_path / "events.db", 1_000_000)
    # The first event may have been said before anything of it was on the disk: a box begins with what is new to it.
    assert {entry.seq for entry in entries} - set(numbers) == set()
    fresh = [number for number, past in zip(numbers, [0, *_maxima(numbers)], strict=False) if number > past]
    assert fresh == sorted(fresh)
    # Two events with one number would be taken for one that was sent twice.
    assert len({seq for seq, _ in told}) == len({(seq, event) for seq, event in told})


def _maxima(numbers: Sequence[int]) -> list[int]:
    found, most = [], 0
    for number in numbers:
        most = max(most, number)
        found.append(most)
    return found


async def test_a_new_box_begins_with_the_next_event_and_goes_on_where_it_was(tmp_path: Path) -> None:
    clock = SystemClock()
    journal = Journal(tmp_path / "events.db", "control", clock, keep=1000)
    bus = Bus(journal, lambda _entry, error: print(repr(error)))
    outbox = Outbox(tmp_path / "outbox.db", clock, bus.publish)
    box = outbox.box("b", LIMITS)
    bus.publish(ClockStepped(1.0))
    end = await feed(bus, box, letter)
    bus.publish(ClockStepped(2.0))
    end()
    bus.publish(ClockStepped(3.0))  # nobody listens: it is looked up
    end = await feed(bus, box, letter)
    bus.publish(ClockStepped(4.0))
    end()
    assert [number(one) for one in box.take(10)] == [2, 3, 4]
    outbox.close()
    journal.close()


async def test_a_letter_whose_event_a_kill_took_goes_out_and_the_next_events_do_too(tmp_path: Path) -> None:
    clock = SystemClock()

    def opened() -> tuple[Journal, Bus, Outbox]:
        journal = Journal(tmp_path / "events.db", "control", clock, keep=1000)
        bus = Bus(journal, lambda _entry, error: print(repr(error)))
        return journal, bus, Outbox(tmp_path / "outbox.db", clock, bus.publish)

    journal, bus, outbox = opened()
    bus.publish(ClockStepped(1.0))
    end = await feed(bus, outbox.box("b", LIMITS), letter)
    with closing(sqlite3.connect(tmp_path / "events.db", isolation_level=None)) as disk:
        journal._writing.execute("PRAGMA busy_timeout = 0")
        disk.execute("BEGIN IMMEDIATE")  # nothing more of the journal gets there
        bus.publish(ClockStepped(2.0))
        bus.publish(ClockStepped(3.0))
        end()
        outbox.close()
        journal.close()
    journal, bus, outbox = opened()
    bus.publish(ClockStepped(4.0))
    box = outbox.box("b", LIMITS)
    end = await feed(bus, box, letter)
    bus.publish(ClockStepped(5.0))
    end()
    end = await feed(bus, box, letter)
    end()
    left: list[Letter] = []
    while letters := box.take(10):
        left += letters
        box.ack(letters)
    assert [number(one) for one in left] == [2, 3, journal.last - 1, journal.last]
    assert len({number(one) for one in left}) == len(left)
    assert [json.loads(one.body.split(maxsplit=1)[1])["step"] for one in left] == [2.0, 3.0, 4.0, 5.0]
    outbox.close()
    journal.close()


if __name__ == "__main__":
    asyncio.run(speak(Path(sys.argv[1]), 0))
