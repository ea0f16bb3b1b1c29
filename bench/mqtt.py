"""Events to an MQTT broker: from the moment that one is said to the broker's acknowledgement, and 1000 a second.

The recorder's whole way of an event is run: journal, outbox on the disk, session, mosquitto; beside it a recorder
records. The peer is the same MQTT library
alone, which keeps nothing: the ratio says what it costs that no event is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import resource
import shutil
import socket
import statistics
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from bench.meanwhile import CAMERAS, recorded_meanwhile
from bench.programs import BenchError, running, until
from bench.report import Json, Options, Report
from bench.table import Table, ratio, say, say_ratio
from device.clock import SystemClock
from device.events.bus import Bus
from device.events.catalogue import ClockStepped
from device.events.journal import Entry, Journal
from device.outbox.delivery import deliver
from device.outbox.feed import feed
from device.outbox.outbox import Draft, Letter, Limits, Outbox
from protocols.mqtt.connection import Connection, Login, Will
from protocols.mqtt.sender import MqttSender, draft
from protocols.mqtt.topics import Topics, event_payload

TARGET = 20.0  #: milliseconds, p99
RATE = 1000  #: events a second
SINGLE = 500  #: events for the latency
PAUSE = 0.01  #: seconds between them
TOPICS = Topics("holdfast", "BENCH")
LIMITS = Limits(octets=100_000_000, seconds=86_400.0)


def bench(options: Options) -> Report:
    """Latency of single events, then a stream of them; beside the library alone."""
    mosquitto = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    if not Path(mosquitto).exists():
        raise BenchError("mosquitto is not installed")
    seconds = 10 if options.quick else 60
    port = _free_port()
    config = options.folder / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n")
    with running([[mosquitto, "-c", str(config)]], options.folder / "mosquitto.log"):
        until(lambda: _listens(port), 30, "mosquitto")
        options.progress(f"{SINGLE} events one by one")
        took = asyncio.run(_single(options.folder, port))
        options.progress("the library alone")
        alone = _library(port)
        beside = options.folder / "recorder"
        beside.mkdir()
        with recorded_meanwhile(beside) as meanwhile:
            options.progress(f"{RATE} events a second for {seconds} s, while {CAMERAS} cameras are recorded")
            stream = asyncio.run(_stream(options.folder, port, seconds))
    ours, theirs = _p99(took), _p99(alone)
    return Report(
        holdfast={
            "p50_ms": round(statistics.median(took) * 1000, 2),
            "p99_ms": round(ours * 1000, 2),
            "target_ms": TARGET,
            **stream,
            **meanwhile.figures(),
        },
        peers={"paho-mqtt alone": {"p99_ms": round(theirs * 1000, 2)}},
        ratios={"paho-mqtt alone": ratio(ours, theirs)},
        load={"events": SINGLE, "rate": RATE, "seconds": seconds},
        tables=[
            _table(took, alone, stream),
            Table("Recording meanwhile", ("", "figure", "wanted"), meanwhile.rows()),
        ],
    )


@dataclass(slots=True)
class _Timed:
    """A sender whose acknowledgements are timed."""

    sender: MqttSender
    acknowledged: dict[int, float] = field(default_factory=dict)
    window: int = MqttSender.window

    async def send(self, letters: Sequence[Letter]) -> int:
        count = await self.sender.send(letters)
        now = time.perf_counter()
        for letter in letters[:count]:
            self.acknowledged[letter.id] = now
        return count


@contextlib.asynccontextmanager
async def _recorder(folder: Path, port: int) -> AsyncIterator[tuple[Bus, Outbox, _Timed]]:
    """The way of an event, without the rest of a recorder."""
    clock = SystemClock()
    journal = Journal(folder / "events.db", "control", clock, keep=100_000)
    bus = Bus(journal, lambda _, error: print(repr(error)))
    outbox = Outbox(folder / "outbox.db", clock, bus.publish)
    box = outbox.box("mqtt", LIMITS)
    ready = asyncio.Event()
    login = Login("127.0.0.1", port, "bench", "", "", five=True, websocket="", tls=None, keepalive=30)
    will = Will(TOPICS.status, b"offline")
    connection = Connection(login, will, (), ready.set, print, print, random.random)
    timed = _Timed(MqttSender(connection, ready.wait, clock.utc))

    def write(entry: Entry) -> list[Draft]:
        return [draft(TOPICS.event(entry.event), event_payload(entry))]

    end = await feed(bus, box, write)
    work = [
        asyncio.create_task(connection.run()),
        asyncio.create_task(deliver(box, timed, clock, bus.publish, random.random)),
    ]
    await ready.wait()
    try:
        yield bus, outbox, timed
    finally:
        end()
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        outbox.close()
        journal.close()


async def _single(folder: Path, port: int) -> list[float]:
    said: dict[int, float] = {}
    async with _recorder(folder, port) as (bus, outbox, timed):
        for number in range(SINGLE):
            began = time.perf_counter()
            bus.publish(ClockStepped(float(number)))
            said[outbox.last] = began
            await asyncio.sleep(PAUSE)
        await _until(lambda: said.keys() <= timed.acknowledged.keys(), 60)
        return [timed.acknowledged[id_] - began for id_, began in said.items()]


async def _stream(folder: Path, port: int, seconds: int) -> dict[str, Json]:
    seen: list[float] = []

    def take(_client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        seen.append(json.loads(message.payload).get("step", -1.0))

    reader = paho.Client(CallbackAPIVersion.VERSION2, client_id="reader")
    reader.on_message = take
    reader.connect("127.0.0.1", port)
    reader.subscribe(f"{TOPICS.base}/event/clock/#", 1)
    reader.loop_start()
    total = RATE * seconds
    try:
        async with _recorder(folder, port) as (bus, outbox, _):
            await asyncio.sleep(0.5)
            cpu, began = _cpu(), time.perf_counter()
            said, most = 0, 0
            while said < total:
                due = min(total, int((time.perf_counter() - began) * RATE))
                for number in range(said, due):
                    bus.publish(ClockStepped(float(number)))
                said = due
                most = max(most, outbox.boxes()[0].waiting)
                await asyncio.sleep(0.005)
            took = time.perf_counter() - began
            await _until(lambda: outbox.boxes()[0].waiting == 0 and len(seen) >= total, 120)
            used = _cpu() - cpu
    finally:
        reader.loop_stop()
        reader.disconnect()
    first = list(dict.fromkeys(seen))
    return {
        "said": total,
        "lost": total - len(set(seen)),
        "in_order": first == sorted(first),
        "sent_twice": len(seen) - len(set(seen)),
        "events_s": round(total / took),
        "most_waiting": most,
        "core_percent": round(100 * used / took, 1),
    }


def _library(port: int) -> list[float]:
    """Publish and wait for the acknowledgement, one by one."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="alone")
    client.connect("127.0.0.1", port)
    client.loop_start()
    took = []
    for number in range(SINGLE):
        began = time.perf_counter()
        client.publish("alone", b"x" * 200 + str(number).encode(), qos=1).wait_for_publish(30)
        took.append(time.perf_counter() - began)
        time.sleep(PAUSE)
    client.disconnect()
    client.loop_stop()
    return took


async def _until(true: Callable[[], bool], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - another thread does it
            await asyncio.sleep(0.01)


def _cpu() -> float:
    """Of this process, the reader included."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _p99(values: Sequence[float]) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.99))]


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def _table(took: Sequence[float], alone: Sequence[float], stream: dict[str, Json]) -> Table:
    rows = [
        (
            name,
            say(statistics.median(values) * 1000, 2),
            say(_p99(values) * 1000, 2),
            say_ratio(ratio(_p99(values), _p99(alone))),
        )
        for name, values in (("Holdfast, from event to PUBACK", took), ("paho-mqtt alone", alone))
    ]
    words = ", ".join(f"{name} {value}" for name, value in stream.items())
    return Table(
        "One event to an acknowledging broker",
        ("", "median ms", "p99 ms", "against it"),
        rows,
        [f"{RATE} events a second: {words}.", f"The target is a p99 of {TARGET:g} ms."],
    )
