"""Who may what on the wires that are not HTTP: real servers asked by every role, and by who is limited to a camera; and
one password of every printable character, on each of them."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import time
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
import pytest

from device.accounts.rights import Media, Rights
from device.accounts.role import Role
from device.digest import authorization, challenges, secret_of
from device.entities import Command
from device.media import Utc
from device.settings.onvif import Onvif
from integration.control import Parts
from integration.entities.commands import VERBS, Hands, NotAllowed, obey
from protocols.onvif.names import ENV
from protocols.onvif.responder import Answer
from protocols.onvif.xml import write_instant
from tests.integration.rig import Recorder, wait_until
from tests.integration.web.rig import Browser
from tests.permissions_page import least, parts
from tests.protocols.onvif import rig as soap
from tests.protocols.onvif.rig import Said

ALL_PRINTABLE = "".join(chr(code) for code in range(32, 127))
HALVES = (ALL_PRINTABLE[:64], ALL_PRINTABLE[31:])
EVERYBODY = (None, Role.VIEWER, Role.OPERATOR, Role.ADMINISTRATOR)
#: Would stop what answers, where they are allowed.
NOT_ASKED = {"SystemReboot", "SetSystemFactoryDefault"}
TOO_LITTLE = "NotAuthorized"
#: The life of an RTSP session, and what needs none.
STEPS = ("OPTIONS", "DESCRIBE", "SETUP", "PLAY", "PAUSE", "TEARDOWN", "GET_PARAMETER", "SET_PARAMETER")


@contextlib.asynccontextmanager
async def onvif(folder: Path) -> AsyncIterator[tuple[Parts, str]]:
    """The control plane's ONVIF on a free port, and its URL."""
    async with parts(folder) as made:
        made.onvif._own.settings.patch(Onvif, {"discovery": False}, by="test")
        ready: asyncio.Future[Mapping[str, str]] = asyncio.get_running_loop().create_future()
        running = [
            asyncio.create_task(made.http.run(ready.set_result)),
            asyncio.create_task(made.onvif.run(lambda: made.http.ports)),
        ]
        try:
            told = await asyncio.wait_for(ready, 60)
            yield made, f"http://127.0.0.1:{told['http']}"
        finally:
            for each in running:
                each.cancel()
            await asyncio.gather(*running, return_exceptions=True)


async def post(session: aiohttp.ClientSession, url: str, name: str, who: tuple[str, str] | None) -> Said:
    """One operation without arguments, by somebody with a UsernameToken."""
    now = write_instant(Utc(time.time_ns() // 1000))
    head = [] if who is None else [soap.token(*who, now)]
    async with session.post(url, data=soap.envelope(name, *head)) as got:
        return Said(Answer(got.status, await got.read()))


async def test_each_operation_of_onvif_answers_the_roles_that_it_is_for(tmp_path: Path) -> None:
    wrong = []
    async with onvif(tmp_path) as (made, url), aiohttp.ClientSession() as session:
        await made.accounts.create_first("administrator", "pw")
        for other in (Role.VIEWER, Role.OPERATOR):
            await made.accounts.create(other.value, "pw", Rights(other), by="administrator")
        for row in made.onvif.table:
            wanted = least(row)
            for role in EVERYBODY:
                allowed = wanted is None or (role is not None and role.may(wanted))
                if allowed and row.operation.name in NOT_ASKED:
                    continue
                who = None if role is None else (role.value, "pw")
                said = await post(session, url + row.service.path, row.request, who)
                if (TOO_LITTLE in said.fault) == allowed:
                    wrong.append((row.operation.name, role, said.fault))
    assert wrong == []


@pytest.mark.parametrize("key", VERBS, ids="/".join)
def test_no_command_of_mqtt_is_obeyed_that_was_not_allowed(key: tuple[str, str]) -> None:
    thing, entity = key
    told: list[object] = []

    def never(*given: object) -> Any:
        raise AssertionError(given)

    hands = Hands(never, never, never, never, told.append)  # type: ignore[arg-type]  # nothing of it may be reached
    others = {verb.permission for verb in VERBS.values()} - {VERBS[key].permission}
    command = Command(
        f"{thing}1" if thing.endswith("-") else thing, f"{entity}x" if entity.endswith("-") else entity, "ON"
    )
    with pytest.raises(NotAllowed):
        obey(command, hands, others, "mqtt")
    assert len(told) == 1


class Rtsp:
    """A client on one connection that asks one thing at a time, with digest, and keeps the session that it got."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, who: tuple[str, str] | None
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.who = who
        self.session = ""
        self._number = 0

    async def ask(self, method: str, url: str) -> int:
        """The status, after one challenge."""
        status, headers = await self._once(method, url, "")
        if status == 401 and self.who is not None:
            chosen = challenges(headers)[0]
            user, password = self.who
            ha1 = secret_of(user, chosen.realm, password, chosen.algorithm)
            proof = authorization(chosen, user, ha1, method, url, 1, "abcdef")
            status, _ = await self._once(method, url, f"Authorization: {proof}\r\n")
        if method == "TEARDOWN":
            self.session = ""
        return status

    async def _once(self, method: str, url: str, more: str) -> tuple[int, list[str]]:
        self._number += 1
        lines = f"CSeq: {self._number}\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n{more}"
        if self.session:
            lines += f"Session: {self.session}\r\n"
        self.writer.write(f"{method} {url} RTSP/1.0\r\n{lines}\r\n".encode())
        async with asyncio.timeout(60):
            head = (await self._first() + await self.reader.readuntil(b"\r\n\r\n")).decode()
            fields = [line.partition(":") for line in head.split("\r\n")[1:] if line]
            found = {name.lower(): value.strip() for name, _, value in fields}
            await self.reader.readexactly(int(found.get("content-length", 0)))
        self.session = found.get("session", self.session).partition(";")[0]
        offered = [value.strip() for name, _, value in fields if name.lower() == "www-authenticate"]
        return int(head.split(" ")[1]), offered

    async def _first(self) -> bytes:
        """The first octet of an answer, behind the media before it."""
        while (first := await self.reader.readexactly(1)) == b"$":
            head = await self.reader.readexactly(3)
            await self.reader.readexactly(int.from_bytes(head[1:], "big"))
        return first


@contextlib.asynccontextmanager
async def rtsp(url: str, who: tuple[str, str] | None) -> AsyncIterator[Rtsp]:
    """A client of the server of an URL; None: it has no account."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        yield Rtsp(reader, writer, who)
    finally:
        writer.close()


@pytest.fixture
async def owner(shown: Recorder) -> AsyncIterator[Browser]:
    """The demo's administrator. The accounts that a test makes go with it."""
    async with Browser(shown.told["endpoints"]["https"]) as browser:
        assert (await browser.login("viewer", "watch-me-7")).status == 200
        yield browser
        for each in (await browser.get("/api/accounts"))["accounts"]:
            if each["name"] != "viewer":
                assert (await browser.ask("DELETE", f"/api/accounts/{each['name']}")).status == 204


async def account(owner: Browser, name: str, password: str, **more: object) -> None:
    body = {"name": name, "password": password, "repeat": password, "role": "viewer", **more}
    got = await owner.ask("POST", "/api/accounts", body)
    assert got.status == 201, got.text


async def test_rtsp_shows_an_account_what_it_may_see(shown: Recorder, owner: Browser) -> None:
    seen, hidden = shown.told["cameras"]
    await account(owner, "all", "pw")
    await account(owner, "one", "pw", cameras=[seen["id"]])
    await account(owner, "live", "pw", media=[Media.LIVE.value])
    await account(owner, "recorded", "pw", role="operator", media=[Media.RECORDED.value])
    await account(owner, "operator", "pw", role="operator")
    await account(owner, "chief", "pw", role="administrator")
    #            live, replay of the one camera; of the other
    expected = {"all": (200, 200, 200, 200), "one": (200, 200, 404, 404), "live": (200, 403, 200, 403)}
    expected |= {"recorded": (403, 200, 403, 200), "nobody": (401, 401, 401, 401)}
    expected |= dict.fromkeys(("operator", "chief"), (200, 200, 200, 200))
    urls = [
        str(url).partition("?")[0] for camera in (seen, hidden) for url in (camera["live"], camera["replay"])
    ]
    found: dict[tuple[str, str], dict[str, int]] = {}
    wanted: dict[tuple[str, str], dict[str, int]] = {}
    for name, codes in expected.items():
        for url, code in zip(urls, codes, strict=True):
            # Who gets no session has none to play; who is not known is not told so much.
            play = code if code in (200, 401) else 454
            known = 401 if code == 401 else 200  # there are no parameters, of whichever stream
            steps = (200, code, code, play, play, play, known, known)
            wanted[name, url] = dict(zip(STEPS, steps, strict=True))
            async with rtsp(url, None if name == "nobody" else (name, "pw")) as client:
                found[name, url] = {
                    method: await client.ask(method, f"{url}/trackID=0" if method == "SETUP" else url)
                    for method in STEPS
                }
    assert {key: steps for key, steps in found.items() if steps != wanted[key]} == {}


async def test_no_secret_is_in_what_the_recorder_writes(shown: Recorder, owner: Browser) -> None:
    """Right and wrong ones, on every wire: neither in its journals, histories and databases nor on its outputs."""
    right, wrong = "right-Pa55-of-keeper", "wrong-Pa55-of-keeper"
    await account(owner, "keeper", right)
    live, endpoint = str(shown.told["cameras"][0]["live"]), str(shown.told["endpoints"]["onvif"])
    name = "{http://www.onvif.org/ver10/device/wsdl}GetDeviceInformation"
    given = [right, wrong]
    async with Browser(owner.url) as browser, aiohttp.ClientSession() as onvif:
        for password in (wrong, right):
            assert (await browser.login("keeper", password)).status == (200 if password == right else 401)
            said = await post(onvif, endpoint, name, ("keeper", password))
            assert (said.body.tag != ENV.Fault) is (password == right)
            async with rtsp(live, ("keeper", password)) as client:
                assert await client.ask("DESCRIBE", live) == (200 if password == right else 401)
        given += [each.value for each in browser.session.cookie_jar]
        made = await browser.ask("POST", "/api/tokens", {"name": "reader", "scopes": ["read"]})
        given.append(made.json["token"])
        # Where secrets do not belong, as those put them who do not know better.
        await browser.ask("GET", f"/api/session?token={made.json['token']}")
        change = {"current": wrong, "password": right, "repeat": wrong}
        assert (await browser.ask("PUT", "/api/session/password", change)).status == 422
    for token in (made.json["token"], f"{made.json['token']}x"):
        async with Browser(owner.url, token=token) as program:
            assert (await program.ask("GET", "/api/cameras")).status == (
                200 if token == made.json["token"] else 401
            )
    await asyncio.to_thread(
        wait_until,
        "the journal tells of it",
        lambda: '"keeper"' in shown.command("events", "--json", "--last", "1000").out,
        every=0.5,
    )
    video = [path for path in shown.data.rglob("*") if path.is_dir() and path.name == "video"]
    files = [path for path in shown.data.rglob("*") if path.is_file() and not set(video) & set(path.parents)]
    assert {"accounts.db", "events-control.db", "events-streaming.db", "sessions.db"} <= {
        path.name for path in files
    }
    written = [(path, path.read_bytes()) for path in (shown.log, *files)]
    assert any(b"keeper" in data for _, data in written)
    assert [(path, secret) for path, data in written for secret in given if secret.encode() in data] == []


async def watch(socket: aiohttp.ClientWebSocketResponse, news: asyncio.Event) -> int | None:
    """Take what comes, until it is closed: the code."""
    async for message in socket:
        if message.type is aiohttp.WSMsgType.BINARY:
            news.set()
    return socket.close_code


async def cut(player: Rtsp) -> None:
    """Wait until its connection is."""
    with contextlib.suppress(ConnectionResetError):
        await player.reader.read()


async def test_who_loses_the_right_loses_the_stream(shown: Recorder, owner: Browser) -> None:
    """RTSP and the pages' WebSockets alike, of what is live and what was recorded."""
    seen, other = shown.told["cameras"]
    live, replay = (str(seen[kind]).partition("?")[0] for kind in ("live", "replay"))
    rows = (await owner.get("/api/recordings"))["recordings"]
    first = min(datetime.fromisoformat(row["first"]) for row in rows if row["camera"] == seen["id"])
    losses: dict[str, tuple[str, dict[str, object] | None, int]] = {
        "deleted": (live, None, 4401),
        "changed": (live, {"password": "another", "repeat": "another"}, 4401),
        "recorded": (live, {"media": [Media.RECORDED.value]}, 4403),
        "live": (replay, {"media": [Media.LIVE.value]}, 4403),
        "elsewhere": (live, {"cameras": [other["id"]]}, 4403),
    }
    async with contextlib.AsyncExitStack() as stack, asyncio.timeout(120):
        players: dict[str, Rtsp] = {}
        pages: dict[str, tuple[asyncio.Task[int | None], asyncio.Event]] = {}
        for name, (url, _, _) in {**losses, "stays": (live, None, 0), "session": (live, None, 0)}.items():
            await account(owner, name, "pw")
            player = players[name] = await stack.enter_async_context(rtsp(url, (name, "pw")))
            steps = ("SETUP", "PLAY") if name in losses else ("SETUP",)
            for method in steps:
                assert await player.ask(method, f"{url}/trackID=0" if method == "SETUP" else url) == 200
            browser = await stack.enter_async_context(Browser(owner.url))
            assert (await browser.login(name, "pw")).status == 200
            socket = await stack.enter_async_context(
                browser.session.ws_connect(f"{owner.url}/api/video/{seen['id']}/main", max_msg_size=0)
            )
            wish = {"do": "live"} if url == live else {"do": "play", "start": round(first.timestamp() * 1e6)}
            await socket.send_json({**wish, "n": 1})
            news = asyncio.Event()
            pages[name] = asyncio.create_task(watch(socket, news)), news
            stack.callback(pages[name][0].cancel)
        for _, news in pages.values():
            await news.wait()
        for name, (_, change, _) in losses.items():
            path = f"/api/accounts/{name}"
            got = await (owner.ask("DELETE", path) if change is None else owner.ask("PATCH", path, change))
            assert got.status < 300, got.text
        for each in (await owner.get("/api/sessions"))["sessions"]:
            if each["account"] == "session":
                assert (await owner.ask("DELETE", f"/api/sessions/{each['id']}")).status == 204
        codes = {name: code for name, (_, _, code) in losses.items()} | {"session": 4401}
        assert {name: await pages[name][0] for name in codes} == codes
        for name in losses:
            await cut(players[name])
        # RTSP has nothing to do with the sessions of the pages, and who lost nothing watches on.
        for name in ("stays", "session"):
            assert await players[name].ask("PLAY", live) == 200
        news = pages["stays"][1]
        news.clear()
        await news.wait()


@pytest.mark.proves("M-272", "M-273")
@pytest.mark.parametrize("password", HALVES, ids=["first", "last"])
async def test_a_password_of_printable_characters_opens_every_wire(
    shown: Recorder, owner: Browser, password: str
) -> None:
    await account(owner, "typist", password)
    async with owner.session.get(f"{owner.url}/api/system") as got:
        assert got.status == 200
    async with Browser(owner.url) as browser:
        assert (await browser.login("typist", password)).status == 200
    live = str(shown.told["cameras"][0]["live"])
    async with rtsp(live, ("typist", password)) as client:
        assert await client.ask("DESCRIBE", live) == 200
    login = f"typist:{quote(password, safe='')}"
    command = [
        "ffprobe",
        "-v",
        "error",
        "-rtsp_transport",
        "tcp",
        "-analyzeduration",
        "100000",
        live.replace("://", f"://{login}@"),
    ]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    endpoint = str(shown.told["endpoints"]["onvif"])
    name = "{http://www.onvif.org/ver10/device/wsdl}GetDeviceInformation"
    async with aiohttp.ClientSession() as session:
        for given, allowed in ((password, True), (password[::-1], False)):
            said = await post(session, endpoint, name, ("typist", given))
            assert (said.body.tag != ENV.Fault) is allowed
        # The same by HTTP digest.
        data = soap.envelope(name)
        async with session.post(endpoint, data=data) as asked:
            chosen = challenges(asked.headers.getall("WWW-Authenticate"))[0]
        path = urlsplit(endpoint).path
        ha1 = secret_of("typist", chosen.realm, password, chosen.algorithm)
        proof = authorization(chosen, "typist", ha1, "POST", path, 1, "abcdef")
        async with session.post(endpoint, data=data, headers={"Authorization": proof}) as got:
            assert got.status == 200
