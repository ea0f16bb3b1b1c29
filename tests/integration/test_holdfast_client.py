"""The client package against real recorders: every route is in it, what comes has the shape that it says, and what is
refused is raised as what it is."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import re
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import urlsplit

import aiohttp
import pytest

import holdfast_client as client
from holdfast_client import Holdfast
from holdfast_client.connection import Connection
from protocols.http.table import Route
from tests.client_code import covered, subject
from tests.integration.rig import Recorder
from tests.integration.web.rig import OWNER, Web, web

WITHIN = 60.0
#: What has no answer without the other planes, which the web alone does not have.
AWAY = (client.RecorderFault, client.Refused)


def trust(url: str) -> aiohttp.Fingerprint:
    """The recorder's own certificate, as it shows it now."""
    parts = urlsplit(url)
    pem = ssl.get_server_certificate((parts.hostname or "", parts.port or 443), timeout=WITHIN)
    return aiohttp.Fingerprint(hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).digest())


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as made:
        yield made


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Web]:
    async with web(tmp_path) as serving:
        await serving.accounts.create_first(*OWNER)
        yield serving


@pytest.fixture
async def recorder(served: Web, session: aiohttp.ClientSession) -> Holdfast:
    """A program that the owner gave a token."""
    async with await served.logged_in(*OWNER) as owner:
        made = await owner.ask("POST", "/api/tokens", {"name": "program", "scopes": ["all"]})
    seen = await asyncio.to_thread(trust, served.url)
    return Holdfast(served.url, session, token=made.json["token"], trust=seen)


class Noted(Connection):
    """A connection that notes what is asked, and asks nothing."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def ask(self, method: str, path: str, **more: Any) -> Any:
        self.asked.append((method, path))

    def open(self, method: str, path: str, **more: Any) -> Any:
        self.asked.append((method, path))

    def follow(self, path: str, **more: Any) -> Any:
        self.asked.append(("GET", path))

    def socket(self, path: str, **more: Any) -> Any:
        self.asked.append(("WS", path))


@pytest.mark.parametrize("route", covered(), ids=lambda each: f"{each.method} {each.path}")
async def test_every_route_has_a_method_that_asks_it(route: Route) -> None:
    noted = Noted()
    part = getattr(client.api, subject(route))
    kind = next(each for name, each in vars(part).items() if name.endswith("Part"))
    method = getattr(kind(noted), route.function.__name__)
    given = {
        name: f"a/{name}"
        for name, parameter in inspect.signature(method).parameters.items()
        if parameter.default is inspect.Parameter.empty
    }
    made = method(**given)
    if inspect.isawaitable(made):
        await made
    path = re.sub(r"\{(\w+)\}", lambda found: rf"a%2F{found[1]}_?", route.path)
    ((said, asked),) = noted.asked
    assert said == route.method
    assert re.fullmatch(path, asked)


async def test_every_answer_has_the_shape_that_is_said(recorder: Holdfast) -> None:
    """Of all that can be looked at without naming something."""
    looked = 0
    for route in covered():
        method = getattr(getattr(recorder, subject(route)), route.function.__name__)
        needs = [each for each in inspect.signature(method).parameters.values() if each.default is each.empty]
        shape = get_type_hints(method).get("return")
        if route.method != "GET" or needs or not hasattr(shape, "__required_keys__"):
            continue
        try:
            answer = await method()
        except AWAY:
            continue
        assert set(answer) == set(get_type_hints(shape)), route.path
        looked += 1
    assert looked >= 15


async def test_what_is_refused_is_raised_as_what_it_is(
    served: Web, recorder: Holdfast, session: aiohttp.ClientSession
) -> None:
    with pytest.raises(client.BadValue) as bad:
        await recorder.settings.change("web", {"session_idle": 1})
    (wrong,) = bad.value.errors
    assert (wrong.pointer, wrong.code, wrong.limits["ge"]) == ("/session_idle", "out_of_range", 5)
    version = (await recorder.settings.read("web"))["version"]
    assert (await recorder.settings.change("web", {"session_idle": 60}, match=version))["version"] > version
    with pytest.raises(client.ChangedMeanwhile):
        await recorder.settings.change("web", {"session_idle": 61}, match=version)
    with pytest.raises(client.NotFound):
        await recorder.accounts.account("no/body?")
    with pytest.raises(client.Refused):
        await recorder.accounts.remove(OWNER[0])
    nobody = Holdfast(served.url, session, token="hf_wrong", trust=False)
    with pytest.raises(client.NotLoggedIn):
        await nobody.accounts.accounts()
    with pytest.raises(client.NotLoggedIn):
        async for _ in nobody.live():
            pass
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(client.Unreachable) as away:
            await Holdfast(f"https://127.0.0.1:{closed.getsockname()[1]}", session).system.system()
    assert away.value.transient
    stranger = aiohttp.Fingerprint(b"x" * 32)
    with pytest.raises(client.Unreachable):  # another certificate than the one that was pinned
        await Holdfast(served.url, session, trust=stranger).access.session()


async def test_somebody_logs_in_and_out(served: Web, session: aiohttp.ClientSession) -> None:
    person = Holdfast(served.url, session, trust=await asyncio.to_thread(trust, served.url))
    assert (await person.access.session())["account"] is None
    now = await person.access.login({"name": OWNER[0], "password": OWNER[1]})
    assert now["account"] is not None
    assert now["account"]["role"] == "administrator"
    await person.access.logout()
    assert (await person.access.session())["account"] is None


async def test_events_are_followed_from_where_one_was(recorder: Holdfast) -> None:
    async def first(last: str, wanted: str) -> tuple[str, Any]:
        async for number, told in recorder.events.follow(last=last):
            if told["name"] == wanted:
                return number, told
        raise AssertionError

    async with asyncio.timeout(WITHIN):
        waiting = asyncio.create_task(first("0", "settings.changed"))
        await recorder.settings.change("web", {"session_idle": 45})
        number, told = await waiting
        assert told["fields"]["section"] == "web"
        await recorder.accounts.create({"name": "ben", "password": "pw", "repeat": "pw", "role": "viewer"})
        later, told = await first(number, "account.created")
    assert int(later) > int(number)
    assert told["fields"]["account"] == "ben"


async def test_a_running_recorder_is_seen_live(shown: Recorder, session: aiohttp.ClientSession) -> None:
    url = shown.told["endpoints"]["https"]
    recorder = Holdfast(url, session, trust=await asyncio.to_thread(trust, url))
    await recorder.access.login({"name": "viewer", "password": "watch-me-7"})
    told = {camera["id"] for camera in shown.told["cameras"]}
    seen: set[str] = set()
    async with asyncio.timeout(WITHIN):
        async for topic, data in recorder.live("cameras"):
            assert topic == "cameras"
            seen = {each["id"] for each in data["cameras"] if all(s["well"] for s in each["streams"])}
            if seen == told:
                break
    assert {each["id"] for each in (await recorder.cameras.cameras())["cameras"]} == told
    recordings = (await recorder.recordings.recordings())["recordings"]
    assert {each["camera"] for each in recordings} == told
    async with recorder.video.video(next(iter(told)), "main") as pictures:
        assert not pictures.closed
