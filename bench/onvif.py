"""What a video management system asks of a recorder by ONVIF, and what that costs: GetRecordings, and searches over 90
days of 64 cameras. No peer: there is no other free server of these services."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import itertools
import random
import resource
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lxml import etree

from bench.catalogue import BEGIN, CAMERAS, DAY, fill, installation, token
from bench.report import Options, Report
from bench.store import Clock, clip
from bench.table import Table, say
from device.accounts.rights import ALL, Rights
from device.digest import secret_of
from device.folder import DataFolder
from device.media import Kind, Utc
from device.planes.messages import StreamStatus
from device.recording.catalogue import CatalogueReader
from device.recordings.archive import Archive
from device.recordings.model import TRACKS, Origin, Plan, TrackPlan
from device.recordings.recordings import Recordings
from device.recordings.store import Store
from device.settings import SECTIONS
from device.settings.cameras import Camera
from device.settings.store import Store as Settings
from device.vault import Vault
from protocols.onvif.credentials import PASSWORD_DIGEST, Door
from protocols.onvif.names import ENV, TRC, TSE, TT, WSSE, WSU
from protocols.onvif.operations import Table as Operations
from protocols.onvif.responder import Asked, Responder
from protocols.onvif.services.recording import Recording
from protocols.onvif.services.search import Search
from protocols.onvif.xml import Element, sub, write_instant

_ROUNDS = 300
_SEARCHES = 40
_SHOWN = 16  #: cameras of GetRecordings
_PAGE = 100
_USER, _PASSWORD = "vms", "bench-it-9"


class Secrets:
    """`protocols.onvif.credentials.Secrets` of one user."""

    realm = "bench"

    def ha1(self, user: str, algorithm: str) -> str | None:
        """Credentials."""
        return secret_of(user, self.realm, _PASSWORD, algorithm)

    def password(self, user: str) -> str | None:
        """Secrets."""
        return _PASSWORD if user == _USER else None

    def rights(self, user: str) -> Rights | None:
        """Secrets."""
        return ALL if user == _USER else None


class Timed(NamedTuple):
    """Milliseconds of many."""

    median: float
    p99: float
    cpu: float  #: median


def bench(options: Options) -> Report:
    """`--quick` has nine days instead of ninety."""
    days = 9 if options.quick else 90
    options.progress(f"making a catalogue of {days} days of {CAMERAS} cameras")
    folder = installation(options.folder / "data")
    fill(folder, CAMERAS, days, clip(4.0), files=False)
    options.progress("asking")
    found = asyncio.run(_ask(folder, days, options))
    rows = [
        ("GetRecordings, 16 of 4 tracks, asking and reading it included", found.recordings, 1.0),
        ("FindRecordings and its first page, filtered", found.find_recordings, 50.0),
        (f"FindEvents and its first {_PAGE}, all cameras, anywhere", found.find_events, 50.0),
        (f"FindEvents and its first {_PAGE}, backwards from the end", found.backwards, 50.0),
    ]
    return Report(
        holdfast={
            "get_recordings_cpu_ms": round(found.recordings.cpu, 3),
            "find_recordings_ms": round(found.find_recordings.median, 2),
            "find_events_cpu_ms": round(found.find_events.cpu, 2),
            "find_events_ms": round(found.find_events.median, 2),
            "find_events_p99_ms": round(found.find_events.p99, 2),
            "find_events_backwards_ms": round(found.backwards.median, 2),
            "all_events": found.events,
            "all_events_s": round(found.all_seconds, 2),
            "grown_mb": round(found.grown, 1),
        },
        peers={},
        ratios={},
        load={"days": days, "cameras": CAMERAS},
        tables=[
            Table(
                f"ONVIF over {days} days x {CAMERAS} cameras",
                ("", "median ms", "99 % ms", "CPU ms", "target ms"),
                [
                    (title, say(each.median, 2), say(each.p99, 2), say(each.cpu, 2), say(target, 0))
                    for title, each, target in rows
                ],
                (
                    f"All {found.events} events, {_PAGE} at a time: {found.all_seconds:.1f} s.",
                    f"Memory at its highest: {found.grown:.1f} MB more than before.",
                ),
            )
        ],
    )


@dataclass(frozen=True, slots=True)
class Found:
    """All figures."""

    recordings: Timed
    find_recordings: Timed
    find_events: Timed
    backwards: Timed
    events: int
    all_seconds: float
    grown: float  #: megabytes


class Client:
    """Asks in the same process: what is measured is ours."""

    def __init__(self, responder: Responder, clock: Clock) -> None:
        self._responder = responder
        self._clock = clock
        self._nonces = itertools.count()

    async def ask(self, body: Element) -> Element:
        """The reply's element."""
        data = self.envelope(body)
        asked = Asked(
            "POST", "/onvif/x", "/onvif/x", "http://192.0.2.1", "192.0.2.1", None, "192.0.2.2", data
        )
        answer = await self._responder.answer(asked, self._clock.monotonic(), self._clock.utc())
        assert answer.status == 200, answer.body
        return etree.fromstring(answer.body)[-1][0]

    def envelope(self, body: Element) -> bytes:
        """With a UsernameToken."""
        root = etree.Element(ENV.Envelope)
        given = sub(sub(sub(root, ENV.Header), WSSE.Security), WSSE.UsernameToken)
        nonce, created = next(self._nonces).to_bytes(16, "big"), write_instant(self._clock.utc())
        proof = hashlib.sha1(nonce + created.encode() + _PASSWORD.encode()).digest()  # noqa: S324 - the standard's
        sub(given, WSSE.Username, _USER)
        sub(given, WSSE.Password, base64.b64encode(proof).decode(), Type=PASSWORD_DIGEST)
        sub(given, WSSE.Nonce, base64.b64encode(nonce).decode())
        sub(given, WSU.Created, created)
        sub(root, ENV.Body).append(body)
        return etree.tostring(root)


async def _ask(folder: DataFolder, days: int, options: Options) -> Found:
    clock = Clock(Utc(BEGIN + days * DAY))
    settings = Settings(folder.path / "bench-settings.db", Vault(b"k" * 32), SECTIONS, clock, readonly=False)
    kept = Store(folder.path / "bench-recordings.db", Vault(b"k" * 32))
    four = (*TRACKS, TrackPlan("AUDIO002", Kind.AUDIO))
    for number in range(CAMERAS):
        key = token(number)
        if number < _SHOWN:
            settings.set(Camera(name=f"Camera {number}", main="rtsp://192.0.2.9/1"), key=key, by="bench")
            kept.put(Plan(key, Origin(), tracks=four))

    async def nothing() -> Sequence[StreamStatus]:
        return ()

    async def erase(name: str, by: str) -> None:
        raise AssertionError(f"a bench erases nothing, and was to erase {name} for {by}")

    with CatalogueReader(folder.catalogue) as catalogue:
        recordings = Recordings(kept, settings, nothing, erase, lambda event: None)  # noqa: ARG005 - nobody is told
        archive = Archive(recordings, lambda: catalogue, nothing, clock)
        door = Door(Secrets(), b"k" * 16, 300.0, lambda account, peer: None)  # noqa: ARG005 - nobody is told
        services = Operations([Recording(recordings).service(), Search(archive).service()])
        client = Client(Responder(services, door, _complain), clock)
        try:
            return await _measure(client, days, options)
        finally:
            archive.close()
            kept.close()
            settings.close()


async def _measure(client: Client, days: int, options: Options) -> Found:
    shown = [await _one(client, etree.Element(TRC.GetRecordings)) for _ in range(_ROUNDS)]
    draw = random.Random(7)  # noqa: S311 - the same questions each time
    end = Utc(BEGIN + days * DAY)
    filtered = [await _first(client, _find_recordings(), "Recording") for _ in range(_SEARCHES)]
    begins = [Utc(BEGIN + draw.randrange(days * DAY)) for _ in range(_SEARCHES)]
    events = [await _first(client, _find_events(begin, end), "Event") for begin in begins]
    back = [await _first(client, _find_events(end, Utc(BEGIN)), "Event") for _ in range(_SEARCHES)]
    options.progress("reading all events")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    name = (await client.ask(_find_events(Utc(BEGIN), end))).findtext(TSE.SearchToken) or ""
    number = 0
    while True:
        page = await client.ask(_page(name, "Event"))
        number += len(page[0]) - 1
        if page[0].findtext(TT.SearchState) == "Completed":
            break
    took = time.perf_counter() - began
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return Found(_timed(shown), _timed(filtered), _timed(events), _timed(back), number, took, grown)


async def _one(client: Client, body: Element) -> tuple[float, float]:
    """Milliseconds of one request, and of CPU."""
    began, worked = time.perf_counter(), time.process_time()
    await client.ask(body)
    return (time.perf_counter() - began) * 1000, (time.process_time() - worked) * 1000


async def _first(client: Client, body: Element, kind: str) -> tuple[float, float]:
    """Milliseconds of a search until its first page is there, and of CPU."""
    began, worked = time.perf_counter(), time.process_time()
    name = (await client.ask(body)).findtext(TSE.SearchToken) or ""
    page = await client.ask(_page(name, kind))
    took = (time.perf_counter() - began) * 1000, (time.process_time() - worked) * 1000
    if page[0].findtext(TT.SearchState) != "Completed":
        ended = etree.Element(TSE.EndSearch)
        sub(ended, TSE.SearchToken, name)
        await client.ask(ended)
    return took


def _find_recordings() -> Element:
    body = etree.Element(TSE.FindRecordings)
    sub(sub(body, TSE.Scope), TT.RecordingInformationFilter, 'boolean(//Track[TrackType = "Video"])')
    sub(body, TSE.KeepAliveTime, "PT60S")
    return body


def _find_events(start: Utc, end: Utc) -> Element:
    body = etree.Element(TSE.FindEvents)
    sub(body, TSE.StartPoint, write_instant(start))
    sub(body, TSE.EndPoint, write_instant(end))
    sub(body, TSE.Scope)
    sub(body, TSE.SearchFilter)
    sub(body, TSE.IncludeStartState, False)
    sub(body, TSE.KeepAliveTime, "PT60S")
    return body


def _page(name: str, kind: str) -> Element:
    body = etree.Element(TSE.name(f"Get{kind}SearchResults"))
    sub(body, TSE.SearchToken, name)
    sub(body, TSE.MaxResults, _PAGE)
    sub(body, TSE.WaitTime, "PT10S")
    return body


def _timed(values: list[tuple[float, float]]) -> Timed:
    walls, work = zip(*values, strict=True)
    return Timed(statistics.median(walls), sorted(walls)[len(walls) * 99 // 100], statistics.median(work))


def _complain(operation: str, error: Exception) -> None:
    raise RuntimeError(operation) from error
