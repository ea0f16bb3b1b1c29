"""The web: how long pages take in a browser, and what many who watch cost the recorder."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import ssl
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, sync_playwright

from bench.holdfast import install, key_of
from bench.load import load
from bench.measure import Groups, between, sample, total
from bench.programs import BenchError, until
from bench.report import Options, Report
from bench.table import Table, say, spread

_CAMERAS = 4
_GRID = 9  #: cameras, of which the lag of the picture is measured
_MBIT = 2.0
_SUB_MBIT = 0.5  #: of the sub streams, which the grid shows
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
_SETTLE = 5.0  #: seconds until those who watch are counted, and until a picture runs evenly
_NOBODY = 6.0  #: seconds until the recorder lets go of streams that nobody watches any more
#: Told by the page itself: when it was ready, when each tile had its first picture (until the camera sends a key frame
#: that is the newest one of its recording), when it moved, and what it fetched.
_WATCH = """window.shown = []; window.moved = [];
    addEventListener("loadeddata", ({ target }) => {
        window.shown.push(performance.now());
        target.requestVideoFrameCallback(() =>
            target.requestVideoFrameCallback((now) => window.moved.push(now)));
    }, true);"""
_FETCHED = """performance.getEntries().filter((e) => e.entryType === "navigation" ||
    (e.entryType === "resource" && !new URL(e.name).pathname.startsWith("/api/")))
    .reduce((sum, e) => sum + e.transferSize, 0)"""
#: For some milliseconds: how long after it was taken each picture of each tile is on the screen, in milliseconds. When
#: it was taken says the `prft` of its fragment, by the recorder's clock, which is the browser's too.
_LAGS = """(time) => new Promise((done) => {
    const lags = [];
    for (const player of document.querySelectorAll("hf-player")) {
        const see = (now, frame) => {
            const mark = player.marks.findLast((each) => each.at <= frame.mediaTime + 0.001);
            if (mark) {
                const taken = mark.utc / 1000 + (frame.mediaTime - mark.at) * 1000;
                lags.push(performance.timeOrigin + frame.expectedDisplayTime - taken);
            }
            player.video.requestVideoFrameCallback(see);
        };
        player.video.requestVideoFrameCallback(see);
    }
    setTimeout(() => done(lags), time);
})"""


@dataclass(slots=True)
class Loads:
    """What the rounds showed. Milliseconds since the page was asked for."""

    cold: list[float] = field(default_factory=list)  #: until it can be used, nothing in the cache
    warm: list[float] = field(default_factory=list)
    tiles: list[float] = field(default_factory=list)  #: until each tile has a picture; nobody watched before
    moving: list[float] = field(default_factory=list)  #: until it moves
    fetched: list[float] = field(
        default_factory=list
    )  #: octets with nothing in the cache, what the API answers left out
    again: list[float] = field(default_factory=list)  #: the same with all of it in the cache


@dataclass(frozen=True, slots=True)
class Lags:
    """Milliseconds from when a picture was taken until it is on the screen, of every picture."""

    focused: list[float]  #: of one camera on the whole page
    grid: list[float]  #: of all in the grid


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
            with _chromium(program.https) as (browser, login):
                loads = _loads(browser, login, program.https, rounds)
            options.progress(f"{_BROWSERS} who watch {_CAMERAS} streams each, for {seconds:g} s")
            watching = asyncio.run(_watched(program.https, list(urls), groups, seconds))
            lost = program.lost()
    options.progress(f"from the camera to the screen, {_GRID} cameras")
    lags = _lagging(options.folder / "grid", seconds)
    return Report(
        holdfast={
            "first_load_ms": round(statistics.median(loads.cold), 1),
            "warm_load_ms": round(statistics.median(loads.warm), 1),
            "first_load_kb": round(statistics.median(loads.fetched) / 1024, 1),
            "first_picture_p95_ms": round(_p95(loads.tiles), 1),
            "moving_p95_ms": round(_p95(loads.moving), 1),
            "watching_streams": watching.streams,
            "watching_mbit_s": round(watching.mbit, 1),
            "watching_cores": round(watching.cores - watching.idle, 3),
            "warm_load_kb": round(statistics.median(loads.again) / 1024, 1),
            "capture_to_picture_p50_ms": round(statistics.median(lags.focused), 1),
            "capture_to_picture_grid_p50_ms": round(statistics.median(lags.grid), 1),
            "packets_lost": lost,
        },
        peers={},
        ratios={},
        load={"cameras": _CAMERAS, "mbit_s": _MBIT, "rounds": rounds, "seconds": seconds},
        tables=[_pages(loads, rounds), _pictures(lags, seconds), _costs(watching, lost, seconds)],
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
def _chromium(url: str) -> Iterator[tuple[Browser, StorageState]]:
    """A browser that trusts the recorder's certificate, as one does to which it was made known: Chromium keeps nothing
    in its cache of what came with an error of the certificate, however the error was answered. And who is logged in."""
    trusted = f"--ignore-certificate-errors-spki-list={_fingerprint(url)}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=[*_ARGUMENTS, trusted])
        asking = playwright.request.new_context(ignore_https_errors=True)
        try:
            answer = asking.post(f"{url}/api/session", data={k: _OWNER[k] for k in ("name", "password")})
            if not answer.ok:
                raise BenchError(f"Logging in failed: {answer.text()}")
            yield browser, asking.storage_state()
        finally:
            asking.dispose()
            browser.close()


def _fingerprint(url: str) -> str:
    """SHA-256 of the public key that a server shows, in base64."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    shown = ssl.get_server_certificate((parts.hostname, parts.port))
    key = x509.load_pem_x509_certificate(shown.encode()).public_key()
    info = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(info).digest()).decode()


def _loads(browser: Browser, login: StorageState, url: str, rounds: int) -> Loads:
    """Each round in a browser that has seen nothing yet, and once more in the same."""
    loads = Loads()
    for _ in range(rounds):
        time.sleep(_NOBODY)
        context = _context(browser, login)
        try:
            ready, shown, moved, fetched = _load(context, url)
            loads.cold.append(ready)
            loads.tiles += shown
            loads.moving += moved
            loads.fetched.append(fetched)
            ready, _, _, fetched = _load(context, url)
            loads.warm.append(ready)
            loads.again.append(fetched)
        finally:
            context.close()
    return loads


def _load(context: BrowserContext, url: str) -> tuple[float, list[float], list[float], float]:
    """Open the live page, and wait until each tile plays: when the page was ready, when each tile had a picture, when
    it moved, and octets fetched."""
    page = context.new_page()
    page.goto(url)
    moved = _all_play(page, _CAMERAS)
    shown: list[float] = page.evaluate("window.shown")
    ready = float(page.evaluate("performance.getEntriesByName('holdfast-ready')[0].startTime"))
    fetched = float(page.evaluate(_FETCHED))
    page.close()
    return ready, sorted(shown)[:_CAMERAS], sorted(moved)[:_CAMERAS], fetched


def _context(browser: Browser, login: StorageState) -> BrowserContext:
    """A browser that has seen nothing, of who is logged in."""
    context = browser.new_context(storage_state=login, viewport={"width": 1380, "height": 900})
    context.add_init_script(_WATCH)
    return context


def _all_play(page: Page, tiles: int) -> list[float]:
    """Wait until every tile plays; when each did."""
    moved: list[float] = []

    def all_play() -> bool:
        page.wait_for_timeout(20)
        moved[:] = page.evaluate("window.moved")
        return len(moved) >= tiles

    until(all_play, _PATIENCE, "every tile to play")
    return moved


def _lagging(folder: Path, seconds: float) -> Lags:
    """Another recorder, of as many cameras as the grid has: how late one of them is alone on the page, and all."""
    small = folder / "sub"
    small.mkdir(parents=True)
    with load(_GRID, _MBIT, folder) as source, load(_GRID, _SUB_MBIT, small, sub=True) as subs:
        urls = {key_of(camera): url for camera, url in enumerate(source.urls)}
        more = [f"cameras[{key_of(camera)}].sub={url}" for camera, url in enumerate(subs.urls)]
        installation = install(folder / "data", folder / "holdfast.toml", urls, None, more)
        with installation.running(folder / "holdfast.log") as program:
            program.ready()
            asyncio.run(_set_up(program.https))
            until(lambda: len(installation.acknowledged()) == 2 * _GRID, _PATIENCE, "the first recordings")
            with _chromium(program.https) as (browser, login):
                context = _context(browser, login)
                focused = _lag(context, f"{program.https}/?camera={next(iter(urls))}", 1, seconds)
                grid = _lag(context, program.https, _GRID, seconds)
                context.close()
    return Lags(focused, grid)


def _lag(context: BrowserContext, url: str, tiles: int, seconds: float) -> list[float]:
    page = context.new_page()
    page.goto(url)
    _all_play(page, tiles)
    page.wait_for_timeout(_SETTLE * 1000)
    lags: list[float] = page.evaluate(_LAGS, seconds * 1000)
    page.close()
    if not lags:
        raise BenchError(f"No picture was shown in {seconds:g} s.")
    return lags


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
        ("until it moves, 95 %", say(_p95(loads.moving), 0), spread(loads.moving, 0)),
    ]
    first, again = (statistics.median(each) / 1024 for each in (loads.fetched, loads.again))
    notes = [
        f"{rounds} loads of the live page, {_CAMERAS} cameras, in Debian's Chromium without a GPU, over TLS.",
        "Nobody watched before: the first picture is of the recording, and moves with the camera's next key frame.",
        f"The first load fetches {first:.0f} KB, the second {again:.0f} KB.",
    ]
    return Table("Pages in a browser, ms", ("", "median", "range"), rows, notes)


def _pictures(lags: Lags, seconds: float) -> Table:
    rows = [
        (name, say(statistics.median(found), 0), say(_p95(found), 0), str(len(found)))
        for name, found in (("one camera", lags.focused), (f"grid of {_GRID}", lags.grid))
    ]
    note = (
        f"{_GRID} cameras x {_MBIT:g} Mbit/s, {seconds:g} s each: from the time that the recorder gave a picture until"
        f" the browser has it on the screen. The grid shows their sub streams, 640x360 and {_SUB_MBIT:g} Mbit/s."
    )
    return Table("From the camera to the screen, ms", ("", "median", "95 %", "pictures"), rows, [note])


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
