"""Who may what on the wires that are not HTTP: real servers asked by every role, and by who is limited to a camera; and
one password of every printable character, on each of them."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import time
from collections.abc import AsyncIterator, Mapping
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
from tests.integration.rig import Recorder
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
    """A client that asks one thing at a time, with digest."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url
        self.user = user
        self.password = password

    async def ask(self, method: str, url: str) -> int:
        """The status, after one challenge."""
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            status, headers = await self._once(reader, writer, method, url, 1, "")
            if status == 401:
                chosen = challenges(headers)[0]
                ha1 = secret_of(self.user, chosen.realm, self.password, chosen.algorithm)
                proof = authorization(chosen, self.user, ha1, method, url, 1, "abcdef")
                status, _ = await self._once(reader, writer, method, url, 2, f"Authorization: {proof}\r\n")
            return status
        finally:
            writer.close()

    async def _once(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        method: str,
        url: str,
        number: int,
        more: str,
    ) -> tuple[int, list[str]]:
        lines = f"Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n{more}"
        writer.write(f"{method} {url} RTSP/1.0\r\nCSeq: {number}\r\n{lines}\r\n".encode())
        head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)).decode()
        fields = [line.partition(":") for line in head.split("\r\n")[1:] if line]
        length = next((int(value) for name, _, value in fields if name.lower() == "content-length"), 0)
        await reader.readexactly(length)
        offered = [value.strip() for name, _, value in fields if name.lower() == "www-authenticate"]
        return int(head.split(" ")[1]), offered


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
    await account(owner, "operator", "pw", role="operator", media=[Media.RECORDED.value])
    #            live, replay of the one camera; of the other
    expected = {"all": (200, 200, 200, 200), "one": (200, 200, 404, 404), "live": (200, 403, 200, 403)}
    expected |= {"operator": (403, 200, 403, 200), "nobody": (401, 401, 401, 401)}
    urls = [
        str(url).partition("?")[0] for camera in (seen, hidden) for url in (camera["live"], camera["replay"])
    ]
    found: dict[str, tuple[int, ...]] = {}
    for name in expected:
        client = Rtsp("", name, "pw")
        found[name] = tuple([await client.ask("DESCRIBE", url) for url in urls])
        assert await client.ask("OPTIONS", urls[0]) == 200
        setups = [await client.ask("SETUP", f"{url}/trackID=0") for url in urls]
        assert [code < 400 for code in setups] == [code == 200 for code in found[name]], (name, setups)
    assert found == expected


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
    assert await Rtsp("", "typist", password).ask("DESCRIBE", live) == 200
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
