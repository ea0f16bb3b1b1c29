"""The broker is away for an hour, 20 events come each second, and the recorder is killed twice: every event arrives.

What an hour brings is brought faster; what matters is how much it is, and where it waits. The recorder's whole way is
run, journal, outbox on the disk and session, in a process that dies by SIGKILL in the middle of it.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from device.clock import SystemClock
from device.events.bus import Bus
from device.events.catalogue import ClockStepped
from device.events.journal import Entry, Journal
from device.outbox.delivery import deliver
from device.outbox.feed import feed
from device.outbox.outbox import Draft, Limits, Outbox
from device.settings.mqtt import Mqtt
from protocols.mqtt.connection import Connection, Login, Will
from protocols.mqtt.sender import MqttSender, draft
from protocols.mqtt.topics import Topics, event_payload
from tests.endurance.report import Progress, Report
from tests.protocols.mqtt.broker import Broker

RATE = 20  #: events a second that are meant
FASTER = 30  #: times
KILLS = (0.31, 0.74)  #: of all events that are to be said, how many were, when it is killed
TOPICS = Topics("holdfast", "OUTAGE")
ENOUGH = 600.0  #: seconds for what waits to arrive


def run(folder: Path, minutes: float, say: Progress) -> Report:
    """Keep the broker away for so long, then count what arrives."""
    total = round(minutes * 60 * RATE)
    report = Report(
        f"the broker away for {minutes:g} minutes at {RATE} events a second, said {FASTER} times as fast"
    )
    home = folder / "broker"
    home.mkdir()
    broker = Broker(home, "max_queued_messages 0", "max_inflight_messages 0")
    began = time.monotonic()
    for number, share in enumerate((*KILLS, 1.0)):
        recorder = _begin(folder, broker.port, total)
        try:
            while (said := _said(folder)) < round(share * total):
                assert recorder.poll() is None, (folder / "recorder.log").read_text()
                say(f"{said} of {total} said, killed {number} times")
                time.sleep(0.05)
            if share == 1.0:
                report.add("events said", said)
                report.add("said after", time.monotonic() - began, "s")
                _arrive(report, broker, total, say)
        finally:
            os.kill(recorder.pid, signal.SIGKILL)
            recorder.wait()
    report.add("killed by SIGKILL", len(KILLS), "times")
    return report


def _begin(folder: Path, port: int, total: int) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-P", "-m", __name__, str(folder), str(port), str(total)]
    with (folder / "recorder.log").open("ab") as log:
        return subprocess.Popen(words, stdout=log, stderr=log, stdin=subprocess.DEVNULL)


def _said(folder: Path) -> int:
    """Events that are on the disk, as the recorder last told."""
    try:
        return int((folder / "said").read_text() or 0)
    except FileNotFoundError:
        return 0


def _arrive(report: Report, broker: Broker, total: int, say: Progress) -> None:
    """The broker is back."""
    seen: list[int] = []

    def take(_client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        seen.append(round(json.loads(message.payload)["step"]))

    with broker:
        began = time.monotonic()
        reader = paho.Client(CallbackAPIVersion.VERSION2, client_id="reader")
        reader.on_message = take
        reader.connect("127.0.0.1", broker.port)
        reader.subscribe(f"{TOPICS.base}/event/clock/#", 1)
        reader.loop_start()
        try:
            while len(set(seen)) < total and time.monotonic() - began < ENOUGH:
                say(f"{len(seen)} of {total} have arrived")
                time.sleep(0.2)
        finally:
            reader.loop_stop()
            reader.disconnect()
        took = time.monotonic() - began
    first = list(dict.fromkeys(seen))
    report.add("arrived", len(first))
    report.add("lost", total - len(first), most=0)
    report.add("out of order", sum(later < each for each, later in pairwise(first)), most=0)
    report.add("sent twice", len(seen) - len(first))
    report.add("arrived within", took, "s")


async def _recorder(folder: Path, port: int, total: int) -> None:
    """Say the events that are not on the disk yet, and deliver; for ever."""
    clock = SystemClock()
    journal = Journal(folder / "events.db", "control", clock, keep=max(100_000, total + 1000))
    bus = Bus(journal, lambda _, error: print(repr(error), flush=True))
    outbox = Outbox(folder / "outbox.db", clock, bus.publish)
    how = Mqtt()
    box = outbox.box("mqtt", Limits(how.queue_mb * 1_000_000, how.queue_days * 86_400))
    login = Login("127.0.0.1", port, "recorder", "", "", five=True, websocket="", tls=None, keepalive=30)
    ready = asyncio.Event()
    connection = Connection(
        login, Will(TOPICS.status, b"offline"), (), ready.set, print, print, random.random
    )

    def write(entry: Entry) -> list[Draft]:
        if not isinstance(entry.event, ClockStepped):
            return []
        return [draft(TOPICS.event(entry.event), event_payload(entry))]

    await feed(bus, box, write)
    # Those that were said and not on the disk when it was killed were said to nobody: they are said now.
    last = [entry for entry in journal.latest(1000) if isinstance(entry.event, ClockStepped)]
    said = round(last[0].event.step) + 1 if last and isinstance(last[0].event, ClockStepped) else 0
    sender = MqttSender(connection, ready.wait, clock.utc)
    working = [
        asyncio.create_task(connection.run()),
        asyncio.create_task(deliver(box, sender, clock, bus.publish, random.random)),
    ]
    told = folder / "said.new"
    while True:
        if said < total:
            for number in range(said, min(total, said + RATE)):
                bus.publish(ClockStepped(float(number)))
            said = min(total, said + RATE)
            await asyncio.wrap_future(journal.flush())
            told.write_text(str(said))
            told.rename(folder / "said")
        await asyncio.sleep(1 / FASTER)
        for task in working:
            if task.done():
                task.result()


if __name__ == "__main__":
    asyncio.run(_recorder(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
