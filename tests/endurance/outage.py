"""The broker is away for an hour, 20 events come each second, and the recorder is killed twice: every event arrives.

What an hour brings is brought faster; what matters is how much it is, and where it waits. The recorder is a whole one,
which records two cameras meanwhile, and dies with all its planes by SIGKILL. The events are people who come to watch
and leave: told by the streaming plane, taken over by the control plane's journal, kept in its outbox.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from device.events.catalogue import SessionClosed, SessionOpened
from device.events.journal import peek
from device.folder import DataFolder
from tests.endurance import judge
from tests.endurance.report import Progress, Report
from tests.integration.rig import Cameras, Recorder, alive, children, wait_until
from tests.integration.rig import run as begin
from tests.protocols.mqtt.broker import Broker

RATE = 20  #: events a second that are meant
FASTER = 5  #: times
KILLS = (0.31, 0.74)  #: of all visits, how many there were when it is killed
MOST = 200_000  #: entries of a journal that are looked through
ENOUGH = 600.0  #: seconds for what waits to arrive
LOGIN = ("anna", "correct horse battery")
STEPS = (
    "SETUP {url}/trackID=0 RTSP/1.0\r\nCSeq: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n",
    "TEARDOWN {url} RTSP/1.0\r\nCSeq: 2\r\nSession: {session}\r\n\r\n",
)


class Reader:
    """Somebody for whom the broker keeps what comes while he is not there."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.seen: list[str] = []  #: ids of the events, as they came
        self._client: paho.Client | None = None

    def connect(self) -> None:
        """Be there, until `leave`."""
        here = threading.Event()
        client = self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id="reader", clean_session=False
        )
        client.on_message = self._take
        client.on_subscribe = lambda *_: here.set()
        client.connect("127.0.0.1", self._port)
        client.subscribe("holdfast/+/event/session/#", 1)
        client.loop_start()
        assert here.wait(ENOUGH)

    def leave(self) -> None:
        """Go, and come again some time."""
        assert self._client is not None
        self._client.disconnect()
        self._client.loop_stop()

    def _take(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        self.seen.append(json.loads(message.payload)["id"])


def run(folder: Path, minutes: float, say: Progress) -> Report:
    """Keep the broker away for so long, then compare what arrives with what the recorder has on its disk."""
    visits = round(minutes * 60 * RATE / 2)
    report = Report(
        f"the broker away for {minutes:g} minutes at {RATE} events a second, said {FASTER} times as fast"
    )
    home = folder / "broker"
    home.mkdir()
    kept = ("persistence true", f"persistence_location {home}/", "max_queued_messages 0")
    broker = Broker(home, *kept)
    reader = Reader(broker.port)
    with broker:
        reader.connect()
        reader.leave()
        broker.stop()
    data, done = folder / "data", 0
    with Cameras(folder, 2) as cameras:
        settings = [
            *cameras.assignments(sub=False),
            *("rtsp.anonymous=true", "mqtt.enabled=true", "mqtt.host=127.0.0.1", f"mqtt.port={broker.port}"),
            *("mqtt.onvif=false", "mqtt.home_assistant=false"),
        ]
        for number, share in enumerate((*KILLS, 1.0)):
            with begin(data, *settings, login=None if number else LOGIN) as recorder:
                settings, before, first = [], len(_told(data)), done  # the settings are on the disk now
                while done < round(share * visits):
                    _visit(recorder)
                    done += 1
                    say(f"{done} of {visits} visits, killed {number} times")
                if share < 1.0:
                    _kill(recorder)
                    continue
                most = before + 2 * (done - first)
                wait_until("all is on the disk", lambda: len(_told(data)) == most)  # noqa: B023 - waited for here
                _arrive(report, data, broker, reader, say)
                recorder.signal(signal.SIGTERM)
                judge.judge_end(report, recorder)
    report.add("people who came and left", visits)
    report.add("all of the recorder killed by SIGKILL", len(KILLS), "times")
    judge.judge_ledger(report, data)
    judge.judge_store(report, data)
    return report


def _visit(recorder: Recorder) -> None:
    """Come to watch, and leave; within the time that it may take."""
    due = time.monotonic() + 2 / (RATE * FASTER)
    url = urlsplit(recorder.told["cameras"][0]["live"])
    session = ""
    with socket.create_connection((str(url.hostname), url.port or 554), ENOUGH) as line:
        answers = line.makefile("rb")
        for step in STEPS:
            line.sendall(step.format(url=url.geturl(), session=session).encode())
            head = dict(_head(answers))
            session = head.get(b"session", b"").partition(b";")[0].decode()
    time.sleep(max(0.0, due - time.monotonic()))


def _head(answers: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """The header of an answer, which must be a good one."""
    status = answers.readline()
    assert status.startswith(b"RTSP/1.0 200 "), status
    while (line := answers.readline().strip()) != b"":
        name, _, value = line.partition(b":")
        yield name.lower(), value.strip()


def _kill(recorder: Recorder) -> None:
    """All of it at once, as when the power goes."""
    every = [recorder.pid, *children(recorder.pid)]
    for pid in every:
        os.kill(pid, signal.SIGKILL)
    recorder.process.wait()
    wait_until("all of it is dead", lambda: not any(alive(pid) for pid in every))


def _told(data: Path) -> list[str]:
    """Ids of the visits' events that the plane which says them has on the disk, in order."""
    _, entries = peek(DataFolder(data).journal("streaming"), MOST)
    return [
        f"{entry.origin}:{entry.origin_seq}"
        for entry in entries
        if isinstance(entry.event, SessionOpened | SessionClosed)
    ]


def _arrive(report: Report, data: Path, broker: Broker, reader: Reader, say: Progress) -> None:
    """The broker is back."""
    told = _told(data)
    began = time.monotonic()
    with broker:
        reader.connect()
        while len(set(reader.seen)) < len(told) and time.monotonic() - began < ENOUGH:
            say(f"{len(reader.seen)} of {len(told)} have arrived")
            time.sleep(0.2)
        reader.leave()
    took = time.monotonic() - began
    first = list(dict.fromkeys(reader.seen))
    place = {each: number for number, each in enumerate(told)}
    report.add("events on the recorder's disk", len(told))
    report.add("arrived", len(first))
    report.add("lost", len(set(told) - set(first)), most=0)
    report.add("arrived that nobody said", len(set(first) - set(told)), most=0)
    order = [place[each] for each in first if each in place]
    report.add("out of order", sum(later < each for each, later in pairwise(order)), most=0)
    report.add("sent twice", len(reader.seen) - len(first))
    report.add("arrived within", took, "s")
