"""The web: how long pages take in a browser, and what many who watch cost the recorder."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from bench.holdfast import install, key_of
from bench.load import load
from bench.measure import Groups, between, sample, total
from bench.programs import BenchError, until
from bench.report import Options, Report
from bench.table import Table, say, spread

_CAMERAS = 4
_MBIT = 2.0
_BROWSERS = 20
_OWNER = {"name": "bench", "password": "not a secret", "repeat": "not a secret", "licence": True}
_CHROMIUM = "/usr/bin/chromium"
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
)
_PATIENCE = 60.0  #: seconds
_SETTLE = 5.0  #: seconds until those who watch are counted
#: Told by the page itself: when it was ready, when each tile showed its first picture, and what it fetched.
_WATCH = 'window.shown = []; addEventListener("playing", () => window.shown.push(performance.now()), true);'
_FETCHED = """performance.getEntries().filter((e) => e.entryType === "navigation" ||
    (e.entryType === "resource" && !new URL(e.name).pathname.startsWith("/api/")))
    .reduce((sum, e) => sum + e.transferSize, 0)"""


@dataclass(slots=True)
class Loads:
    """What the rounds showed. Milliseconds since the page was asked for."""

    cold: list[float] = field(default_factory=list)  #: until it can be used, nothing in the cache
    warm: list[float] = field(default_factory=list)
    tiles: list[float] = field(default_factory=list)  #: until each tile plays, nothing in the cache
    fetched: list[float] = field(
        default_factory=list
    )  #: octets with nothing in the cache, what the API answers left out


@dataclass(frozen=True, slots=True)
class Watching:
    """What those who watch cost."""

    streams: int
    mbit: float  #: that they were sent, all together, in a second
    cores: float  #: all planes, TLS included
    idle: float  #: the same before anybody watched


def bench(options: Options) -> Report:
    """Page loads in Debian's Chromium, and 20 programs that watch four streams each as browsers do."""
    if not Path(_CHROMIUM).exists():
        raise BenchError("There is no chromium: apt-get install chromium")
    rounds = 5 if options.quick else 20
    seconds = 10.0 if options.quick else 60.0
    with load(_CAMERAS, _MBIT, options.folder) as source:
        urls = {key_of(camera): url for camera, url in enumerate(source.urls)}
        installation = install(options.folder / "data", options.folder / "holdfast.toml", urls, None, ())
        with installation.running(options.folder / "holdfast.log") as program:
            groups = program.ready()
            asyncio.run(_set_up(program.https))
            until(lambda: len(installation.acknowledged()) == _CAMERAS, _PATIENCE, "the first recordings")
            options.progress(f"{rounds} page loads")
            with _chromium() as browser:
                loads = _loads(browser, program.https, rounds)
            options.progress(f"{_BROWSERS} who watch {_CAMERAS} streams each, for {seconds:g} s")
            watching = asyncio.run(_watched(program.https, list(urls), groups, seconds))
            lost = program.lost()
    return Report(
        holdfast={
            "first_load_ms": round(statistics.median(loads.cold), 1),
            "warm_load_ms": round(statistics.median(loads.warm), 1),
            "first_load_kb": round(statistics.median(loads.fetched) / 1024, 1),
            "first_picture_p95_ms": round(_p95(loads.tiles), 1),
            "watching_streams": watching.streams,
            "watching_mbit_s": round(watching.mbit, 1),
            "watching_cores": round(watching.cores - watching.idle, 3),
            "packets_lost": lost,
        },
        peers={},
        ratios={},
        load={"cameras": _CAMERAS, "mbit_s": _MBIT, "rounds": rounds, "seconds": seconds},
        tables=[_pages(loads, rounds), _costs(watching, lost, seconds)],
    )


async def _set_up(url: str) -> None:
    """Make the first administrator."""
    async with _client() as client, client.post(f"{url}/api/setup", json=_OWNER) as answer:
        if answer.status >= 300:
            raise BenchError(f"The administrator was not made: {await answer.text()}")


def _client() -> aiohttp.ClientSession:
    """One who keeps cookies, and trusts the recorder's own certificate."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=False, limit=0), cookie_jar=aiohttp.CookieJar(unsafe=True)
    )


@contextmanager
def _chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=list(_ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


def _loads(browser: Browser, url: str, rounds: int) -> Loads:
    """Each round in a browser that has seen nothing yet, and once more in the same."""
    loads = Loads()
    for _ in range(rounds):
        context = browser.new_context(ignore_https_errors=True, viewport={"width": 1380, "height": 900})
        try:
            context.request.post(
                f"{url}/api/session", data={key: _OWNER[key] for key in ("name", "password")}
            )
            context.add_init_script(_WATCH)
            ready, shown, fetched = _load(context, url)
            loads.cold.append(ready)
            loads.tiles += shown
            loads.fetched.append(fetched)
            loads.warm.append(_load(context, url)[0])
        finally:
            context.close()
    return loads


def _load(context: BrowserContext, url: str) -> tuple[float, list[float], float]:
    """Open the live page, and wait until each tile plays: when it was ready, when each did, and octets fetched."""
    page = context.new_page()
    page.goto(url)
    shown: list[float] = []

    def all_play() -> bool:
        page.wait_for_timeout(20)
        shown[:] = page.evaluate("window.shown")
        return len(shown) >= _CAMERAS

    until(all_play, _PATIENCE, "every tile to play")
    ready = float(page.evaluate("performance.getEntriesByName('holdfast-ready')[0].startTime"))
    fetched = float(page.evaluate(_FETCHED))
    page.close()
    return ready, sorted(shown)[:_CAMERAS], fetched


async def _watched(url: str, cameras: list[str], groups: Groups, seconds: float) -> Watching:
    """Programs that watch as browsers do: a WebSocket for each stream, over TLS."""
    before = sample(groups)
    await asyncio.sleep(seconds)
    idle = total(between(before, sample(groups)).values()).core_percent / 100
    octets = [0]
    async with _client() as client:
        async with client.post(
            f"{url}/api/session", json={k: _OWNER[k] for k in ("name", "password")}
        ) as answer:
            if answer.status >= 300:
                raise BenchError(f"Logging in failed: {await answer.text()}")
        paths = [f"{url}/api/video/{camera}/main" for _ in range(_BROWSERS) for camera in cameras]
        watching = [asyncio.create_task(_watch(client, path, octets)) for path in paths]
        try:
            await asyncio.sleep(_SETTLE)
            before, received = sample(groups), octets[0]
            await asyncio.sleep(seconds)
            after, received = sample(groups), octets[0] - received
            if failed := [task for task in watching if task.done()]:
                raise BenchError(f"{len(failed)} of {len(paths)} streams ended: {failed[0].exception()}")
        finally:
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)
    used = total(between(before, after).values())
    return Watching(len(paths), received * 8 / 1e6 / used.seconds, used.core_percent / 100, idle)


async def _watch(client: aiohttp.ClientSession, path: str, octets: list[int]) -> None:
    async with client.ws_connect(path, max_msg_size=0) as socket:
        await socket.send_json({"do": "live", "n": 1})
        async for message in socket:
            octets[0] += len(message.data)


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def _pages(loads: Loads, rounds: int) -> Table:
    rows = [
        ("first load, until it can be used", say(statistics.median(loads.cold), 0), spread(loads.cold, 0)),
        ("the same, a second time", say(statistics.median(loads.warm), 0), spread(loads.warm, 0)),
        ("first picture of a tile, 95 %", say(_p95(loads.tiles), 0), spread(loads.tiles, 0)),
    ]
    notes = [
        f"{rounds} loads of the live page, {_CAMERAS} cameras, in Debian's Chromium without a GPU, over TLS.",
        f"The first load fetches {statistics.median(loads.fetched) / 1024:.0f} KB.",
    ]
    return Table("Pages in a browser, ms", ("", "median", "range"), rows, notes)


def _costs(watching: Watching, lost: int, seconds: float) -> Table:
    rows = [
        ("streams", str(watching.streams)),
        ("sent, Mbit/s", say(watching.mbit, 0)),
        ("cores, above recording alone", say(watching.cores - watching.idle, 2)),
        ("packets not recorded", str(lost)),
    ]
    return Table(
        f"{_BROWSERS} who watch {_CAMERAS} streams each",
        ("", "figure"),
        rows,
        [f"{_CAMERAS} cameras x {_MBIT:g} Mbit/s, {seconds:g} s, over TLS."],
    )
