"""Pictures over HTTP: who gets which."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import DigestAuthMiddleware, web
from aiohttp.test_utils import TestClient, TestServer

from device.accounts.lockout import Lockout
from device.accounts.rights import Media, Rights
from device.accounts.role import Role
from device.clock import SystemClock
from device.errors import NotFound
from protocols.onvif.credentials import Door
from protocols.onvif.snapshots import PREFIX, Snapshots, path_of
from tests.protocols.onvif.rig import People

JPEG = b"\xff\xd8 a gate"
Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    people = People()
    people.limited["otto"] = Rights(Role.OPERATOR, cameras=frozenset({"c-yard"}))
    people.limited["vera"] = Rights(Role.VIEWER, media=frozenset({Media.RECORDED}))

    async def take(profile: str) -> bytes:
        if profile != "c-gate.sub":
            raise NotFound("profile", profile)
        return JPEG

    snapshots = Snapshots(Door(people, b"k" * 16, 300, Lockout(), lambda *_: None), take, SystemClock())
    application = web.Application()
    application.router.add_route("*", PREFIX + "{profile}", snapshots.handle)
    async with TestClient(TestServer(application)) as made:
        yield made


@pytest.mark.parametrize(
    ("user", "password", "profile", "status"),
    [
        ("ada", "wonderful!", "c-gate.sub", 200),
        ("ada", "wonderful!", "c-yard", 404),  # it does not exist
        ("otto", "watching", "c-gate.sub", 404),  # not his to know
        ("vera", "looking", "c-gate.sub", 404),  # she may watch recordings alone
        ("ada", "wrong", "c-gate.sub", 401),
    ],
)
async def test_who_may_watch_a_camera_gets_its_picture_with_digest(
    client: Client, user: str, password: str, profile: str, status: int
) -> None:
    digest = DigestAuthMiddleware(user, password)
    async with client.get(path_of(profile), middlewares=(digest,)) as answer:
        assert answer.status == status
        if status == 200:
            assert (answer.content_type, await answer.read()) == ("image/jpeg", JPEG)


async def test_nobody_is_asked_who_he_is_and_pictures_are_only_fetched(client: Client) -> None:
    async with client.get(path_of("c-gate.sub")) as answer:
        offered = answer.headers.getall("WWW-Authenticate")
        assert answer.status == 401
        assert ["SHA-256" in each for each in offered] == [True, False]
    async with client.post(path_of("c-gate.sub")) as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "GET")
