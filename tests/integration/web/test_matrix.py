"""The permission matrix: every route, asked by every role, and by an account that is limited to one camera."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from device.accounts.rights import Media, Rights
from device.accounts.role import Role
from protocols.http.api import ROUTES
from protocols.http.table import Route
from tests.integration.web.rig import Browser, Web, web

ORDER = (None, Role.VIEWER, Role.OPERATOR, Role.ADMINISTRATOR)
SEEN, HIDDEN = "c-seen01", "c-hidden1"
CAMERA = {"main": "rtsp://192.0.2.1/s", "name": "A"}


def path_of(route: Route, camera: str) -> str:
    """A path that leads to something harmless."""
    section = "cameras" if "/entries" in route.path else "recorder"
    given = {"section": section, "key": camera, "camera": camera, "recording": camera, "port": "1", "id": "0"}
    return re.sub(r"\{(\w+)\}", lambda found: given.get(found[1], "none"), route.path)


def least(route: Route) -> Role | None:
    """Who may: of settings, whoever may change the section."""
    if "/{section}" in route.path and "/entries" not in route.path:
        return Role.ADMINISTRATOR  # `recorder`
    return Role.OPERATOR if route.moves else route.role  # or a viewer with the right to: see test_ptz.py


async def status(browser: Browser, route: Route, path: str) -> int:
    """What a route answers to a body with nothing in it: a refusal of the asker comes before that."""
    method = "GET" if route.method == "WS" else route.method
    if route.produces == "text/event-stream":
        async with browser.session.get(browser.url + path) as got:
            return got.status
    body = None if method == "GET" else {"version": 0} if path.endswith("/restore") else {}
    return (await browser.ask(method, path, body)).status


@pytest.fixture
async def people(tmp_path: Path) -> AsyncIterator[tuple[Web, dict[Role | None, Browser], Browser]]:
    """A browser for each role, one of nobody, and one that is limited."""
    async with web(tmp_path) as served:
        owner = await served.owner()
        for key in (SEEN, HIDDEN):
            made = await owner.ask("POST", "/api/settings/cameras/entries", {**CAMERA, "key": key})
            assert made.status == 201, made.text
        browsers: dict[Role | None, Browser] = {None: served.browser(), Role.ADMINISTRATOR: owner}
        for role in (Role.VIEWER, Role.OPERATOR):
            browsers[role] = await served.somebody(role.value, role)
        limited = await served.somebody(
            "limited", Rights(Role.OPERATOR, False, frozenset({SEEN}), frozenset({Media.LIVE}))
        )
        yield served, browsers, limited
        for browser in (*browsers.values(), limited):
            await browser.session.close()


#: Would end the session that asks, or wait for other planes.
NOT_ASKED = {
    ("DELETE", "/api/session"),
    ("DELETE", "/api/settings/{section}"),
    ("DELETE", "/api/accounts/{name}"),
}


async def test_each_route_answers_the_roles_that_it_is_for(
    people: tuple[Web, dict[Role | None, Browser], Browser],
) -> None:
    _, browsers, _ = people
    wrong = []
    for route in ROUTES:
        if (route.method, route.path) in NOT_ASKED:
            continue
        for role, browser in browsers.items():
            got = await status(browser, route, path_of(route, SEEN))
            wanted = least(route)
            if wanted is None:
                refused = False
            elif role is None:
                refused = True
            else:
                refused = not role.may(wanted)
            expected = (
                {401} if refused and role is None else {403} if refused else set(range(200, 600)) - {401, 403}
            )
            if got not in expected:
                wrong.append((route.method, route.path, role, got))
    assert wrong == []


async def test_what_an_account_may_not_see_is_not_there(
    people: tuple[Web, dict[Role | None, Browser], Browser],
) -> None:
    _, _, limited = people
    wrong = []
    for route in ROUTES:
        if least(route) is Role.ADMINISTRATOR or route.role is None:
            continue
        names = {"camera", "recording", "key"} & set(route.parameters)
        if route.media is Media.RECORDED:
            if await status(limited, route, path_of(route, SEEN)) != 403:
                wrong.append((route.method, route.path, "recorded"))
        elif names and await status(limited, route, path_of(route, HIDDEN)) not in (404, 422):
            wrong.append((route.method, route.path, "hidden"))
    assert wrong == []
