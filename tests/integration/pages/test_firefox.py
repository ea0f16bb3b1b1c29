"""The same pages in the other engine: a login, live video, the past, and every page without an error."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.integration.pages.conftest import OWNER, Site
from tests.integration.pages.firefox import FIREFOX, firefox
from tests.integration.pages.test_every_page import PAGES
from tests.integration.pages.test_story import STATES, playing

LOGIN = """(async () => {
    const type = (id, text) => {
        const field = document.getElementById(id);
        field.value = text;
        field.dispatchEvent(new Event("input", { bubbles: true }));
    };
    type("name", %s);
    type("password", %s);
    await new Promise(requestAnimationFrame);
    document.querySelector("form button.primary").click();
    return true;
})()"""

#: As if a link were followed; a document that is loaded anew may be aborted by the next one.
FOLLOW = """(() => {
    const link = document.createElement("a");
    link.href = %s;
    document.body.append(link);
    link.click();
    link.remove();
    return true;
})()"""
HEAR = "document.querySelector('button[aria-label^=\"Sound on\"]').click() || true"
HEARD = """(({ heard, video }) =>
    [heard, video.mozHasAudio && !video.muted, video.currentTime])(document.querySelector("hf-player"))"""
SHOWN = "Boolean(document.querySelector('main h1')?.textContent) && !document.querySelector('.skeleton')"


@pytest.mark.proves("M-006")
@pytest.mark.timeout(400)
def test_firefox_shows_all_pages_and_plays(site: Site, owner: Page, tmp_path: Path) -> None:
    if not Path(FIREFOX).exists():
        pytest.skip("there is no Firefox: apt-get install firefox-esr")
    del owner  # the first visit was made
    with ThreadPoolExecutor(1) as pool:  # Playwright's own loop runs in this thread
        errors = pool.submit(asyncio.run, _story(site.url, tmp_path / "profile")).result()
    assert errors == []


async def _story(url: str, folder: Path) -> list[str]:
    async with firefox(folder) as window:
        await window.open(url)
        await window.until("Boolean(document.getElementById('password'))", bool)
        await window.evaluate(LOGIN % tuple(map(json.dumps, OWNER)))
        await window.until("Boolean(document.querySelector('.frame'))", bool)
        await window.until(STATES, playing)
        await window.evaluate(HEAR)
        await window.until(HEARD, lambda now: now[0] == "PCMU" and now[1] and now[2] > 1)
        for path in PAGES:
            await window.evaluate(FOLLOW % json.dumps(path))
            await window.until(f"location.pathname + location.search === {json.dumps(path)} && {SHOWN}", bool)
        await window.evaluate(FOLLOW % json.dumps("/recordings"))
        await window.until(STATES, lambda now: len(now) == 2 and all(each[0] == "paused" for each in now))
        return window.errors
