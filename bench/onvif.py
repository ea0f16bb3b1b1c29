"""What a video management system asks of a running recorder, and what that costs: GetRecordings, searches over 90 days
of 64 cameras with a million events; and the timeline of the pages over the same. No peer: there is no other free server
of these services."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from lxml import etree

from bench.archive import Onvif, Timed, archive, word
from bench.catalogue import BEGIN, CAMERAS, DAY, token
from bench.measure import Groups, sample
from bench.pages import Pages
from bench.report import Options, Report
from bench.store import clip
from bench.table import Table, say
from device.media import Utc
from protocols.onvif.names import TRC, TSE, TT
from protocols.onvif.xml import Element, sub, write_instant

_TURNS = 5  #: all questions are asked in turn, so many times
_SHOWN = 16  #: recordings of GetRecordings, and cameras of the timeline
_FIRST, _ALL = 100, 500  #: results of a page, of the first one and where all are read
_LOOK = 100  #: pages between two looks at the memory


@dataclass(frozen=True, slots=True)
class Reading:
    """Events, page after page."""

    events: int
    seconds: float
    grown: float  #: megabytes of the control plane, at its highest, above what it had before
    first: float  #: milliseconds of a page, median of the first hundred
    last: float  #: and of the last hundred


def bench(options: Options) -> Report:
    """`--quick` has nine days instead of ninety, and as many events, of which it reads a quarter."""
    days, every = (9, 3) if options.quick else (90, 30)
    with archive(options, days, clip(4.0), every) as (program, groups):
        client = Onvif(program.onvif)
        _make_recordings(client)
        draw, end = random.Random(7), Utc(BEGIN + days * DAY)  # noqa: S311 - the same questions each time
        pages, month = Pages(program.https), min(days, 30)

        def anywhere() -> None:
            _first(client, _find_events(Utc(BEGIN + draw.randrange(days * DAY)), end), "Event")

        questions: list[tuple[str, str, int, float | None, Callable[[], object]]] = [
            (
                "get_recordings",
                f"GetRecordings, {_SHOWN} of 4 tracks",
                100,
                1.0,
                lambda: client.ask(etree.Element(TRC.GetRecordings)),
            ),
            (
                "find_recordings",
                "FindRecordings and its first page, filtered",
                10,
                50.0,
                lambda: _first(client, _find_recordings(), "Recording"),
            ),
            ("find_events", f"FindEvents and its first {_FIRST}, all cameras, anywhere", 10, 50.0, anywhere),
            (
                "find_events_backwards",
                f"FindEvents and its first {_FIRST}, backwards from the end",
                10,
                50.0,
                lambda: _first(client, _find_events(end, Utc(BEGIN)), "Event"),
            ),
            (
                "timeline",
                f"GET /api/timeline, {month} days x {_SHOWN} cameras, of the pages",
                4,
                None,
                lambda: pages.timeline(BEGIN, Utc(BEGIN + month * DAY), map(token, range(_SHOWN))),
            ),
        ]
        options.progress("asking")
        found = {name: Timed() for name, *_ in questions}
        for _ in range(_TURNS):
            for name, _, times, _, question in questions:
                found[name].ask(groups, times, question)
        options.progress("reading all events")
        read = _read_all(client, groups, Utc(BEGIN + days * DAY * 3 // 4 * options.quick), end)
        client.close()
    return Report(
        holdfast={
            **{f"{name}_ms": round(statistics.median(each.walls), 2) for name, each in found.items()},
            **{f"{name}_cpu_ms": round(each.mean_cpu, 3) for name, each in found.items()},
            "all_events": read.events,
            "all_events_s": round(read.seconds, 2),
            "grown_mb": round(read.grown, 1),
        },
        peers={},
        ratios={},
        load={"days": days, "cameras": CAMERAS},
        tables=[
            Table(
                f"{days} days x {CAMERAS} cameras, {CAMERAS * days * 1440 // every * 4} events",
                ("", "median ms", "most ms", "CPU ms, all planes", "target ms"),
                [
                    (
                        title,
                        say(statistics.median(found[name].walls), 2),
                        say(max(found[name].walls), 2),
                        say(found[name].mean_cpu, 2),
                        say(target, 0) + (" of CPU" if name == "get_recordings" else ""),
                    )
                    for name, title, _, target, _ in questions
                ],
                (
                    f"Asked of a recorder that runs, over HTTP; the timeline over TLS. All in turn, {_TURNS} times.",
                    "So many gaps no recorder should have; the timeline of one with four a day: `bench catalogue`.",
                    (
                        f"{read.events} events, {_ALL} at a time: {read.seconds:.1f} s; a page took"
                        f" {read.first:.1f} ms among the first hundred, {read.last:.1f} ms among the last."
                    ),
                    f"The control plane's memory at its highest meanwhile: {read.grown:.1f} MB more than before.",
                ),
            )
        ],
    )


def _make_recordings(client: Onvif) -> None:
    """As many as are shown, each with a second audio track."""
    for number in range(_SHOWN):
        body = etree.Element(TRC.CreateRecording)
        configuration = sub(body, TRC.RecordingConfiguration)
        source = sub(configuration, TT.Source)
        words = {"SourceId": f"urn:camera:{number}", "Name": f"Camera {number}", "Location": "Yard"}
        for name in ("SourceId", "Name", "Location", "Description", "Address"):
            sub(source, TT.name(name), words.get(name, ""))
        sub(configuration, TT.Content, "bench")
        sub(configuration, TT.MaximumRetentionTime, "PT0S")
        made = word(client.ask(body), "RecordingToken")
        body = etree.Element(TRC.CreateTrack)
        sub(body, TRC.RecordingToken, made)
        track = sub(body, TRC.TrackConfiguration)
        sub(track, TT.TrackType, "Audio")
        sub(track, TT.Description, "second microphone")
        client.ask(body)


def _first(client: Onvif, body: Element, kind: str) -> None:
    """A search until its first page is there; it ends by itself, or is ended."""
    name = word(client.ask(body), "SearchToken")
    page = client.ask(_page(name, kind, _FIRST))
    if word(page, "SearchState") != "Completed":
        ended = etree.Element(TSE.EndSearch)
        sub(ended, TSE.SearchToken, name)
        client.ask(ended)


def _read_all(client: Onvif, groups: Groups, begin: Utc, end: Utc) -> Reading:
    control = {"control": groups["control"]}

    def megabytes() -> float:
        return sample(control).memory["control"].rss / 1e6

    before = highest = megabytes()
    name = word(client.ask(_find_events(begin, end)), "SearchToken")
    number, pages, over = 0, [], False
    while not over:
        began = time.perf_counter()
        page = client.ask(_page(name, "Event", _ALL))
        pages.append(time.perf_counter() - began)
        number += page.count(b"<tt:Result>")
        over = word(page, "SearchState") == "Completed"
        if over or len(pages) % _LOOK == 0:
            highest = max(highest, megabytes())
    first, last = (statistics.median(part) * 1000 for part in (pages[:100], pages[-100:]))
    return Reading(number, sum(pages), highest - before, first, last)


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


def _page(name: str, kind: str, most: int) -> Element:
    body = etree.Element(TSE.name(f"Get{kind}SearchResults"))
    sub(body, TSE.SearchToken, name)
    sub(body, TSE.MaxResults, most)
    sub(body, TSE.WaitTime, "PT10S")
    return body
