"""A new owner, from the first visit to an exported clip; and a viewer, who sees what he may."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, expect

from tests.integration.pages.conftest import OWNER, WAIT, Site, pictures
from tests.integration.rig import wait_until

STATES = "[...document.querySelectorAll('hf-player')].map(p => [p.state, p.video.currentTime, p.note])"
VIEWER = ("vera", "only the lobby")


#: Milliseconds from the first to the last that there is of both cameras; one that was removed before has less.
RECORDED = """fetch("/api/recordings").then((said) => said.json()).then(({ recordings }) => recordings
    .map(({ first, last }) => first && last ? Date.parse(last) - Date.parse(first) : 0)
    .sort((one, other) => other - one)[1] ?? 0)"""


def until(page: Page, script: str, holds: Callable[[Any], bool]) -> Any:
    """Ask the page until what it answers is so. (`wait_for_function` needs eval, which the CSP forbids.)"""
    said: list[Any] = []

    def look() -> bool:
        page.wait_for_timeout(50)
        said[:] = [page.evaluate(script)]
        return holds(said[0])

    try:
        wait_until(script, look, WAIT / 1000)
    except Exception as error:
        raise AssertionError(f"{script}: {said}") from error
    return said[0]


def playing(states: list[tuple[str, float, str]]) -> bool:
    return bool(states) and all(state == "playing" and at > 0 for state, at, _ in states)


@pytest.mark.proves("M-005", "M-010", "M-016", "M-071")
def test_the_first_visit_makes_the_administrator_and_leads_to_the_cameras(
    site: Site, owner: Page, screenshots: Path | None
) -> None:
    expect(owner.get_by_text("2 cameras are recorded")).to_be_visible()
    pictures(screenshots, owner, "welcome")
    owner.get_by_role("button", name="Watch live").click()
    expect(owner.locator("figure.tile")).to_have_count(2)


def test_live_tiles_play_and_go_on_playing(site: Site, owner: Page) -> None:
    site.open(owner, "/")
    before = until(owner, STATES, playing)
    assert len(before) == 2
    until(
        owner, STATES, lambda now: playing(now) and all(b[1] > a[1] for a, b in zip(before, now, strict=True))
    )
    ahead = owner.evaluate("[...document.querySelectorAll('hf-player')].map(p => Date.now() * 1000 - p.utc)")
    assert all(-2e6 < each < 30e6 for each in ahead), "each picture's time is about now"


def test_a_picture_is_saved(site: Site, owner: Page, tmp_path: Path) -> None:
    site.open(owner, "/")
    until(owner, STATES, playing)
    owner.locator("figure.tile").first.hover()
    with owner.expect_download() as download:
        owner.get_by_role("button", name="Save a picture").first.click()
    file = tmp_path / "picture.jpg"
    download.value.save_as(file)
    assert file.read_bytes()[:2] == b"\xff\xd8"


@pytest.mark.proves("M-102")
def test_recordings_are_found_played_in_both_directions_and_stepped(site: Site, owner: Page) -> None:
    site.open(owner, "/recordings")
    until(owner, STATES, lambda now: len(now) == 2 and all(each[0] == "paused" for each in now))
    time = "document.querySelector('hf-player').utc"
    first = until(owner, time, lambda now: now > 0)
    owner.get_by_role("button", name="One picture back").click()
    stepped = until(owner, time, lambda now: now < first)
    assert first - stepped < 2e6
    owner.get_by_role("button", name="Play", exact=True).click()
    until(owner, time, lambda now: now > first)
    owner.get_by_label("Speed").select_option("-4")
    turned = owner.evaluate(time)
    until(owner, time, lambda now: now < turned - 1e6)
    if owner.get_by_role("button", name="Pause").count():
        with contextlib.suppress(PlaywrightError):  # it may have come to the beginning, and ended by itself
            owner.get_by_role("button", name="Pause").click(timeout=5000)
    owner.get_by_role("slider", name="Timeline").press("Home")
    until(owner, time, lambda now: now <= turned)


@pytest.mark.proves("M-105", "M-109")
def test_a_clip_is_exported_and_opens(site: Site, owner: Page, tmp_path: Path) -> None:
    until(owner, RECORDED, lambda now: now > 20_000)
    site.open(owner, "/recordings")
    until(owner, STATES, lambda now: len(now) == 2 and all(each[0] == "paused" for each in now))
    time = owner.evaluate("document.querySelector('hf-timeline').utc")
    owner.evaluate(f"document.querySelector('hf-timeline').choose({time - 6e6}, {time - 1e6})")
    owner.get_by_role("button", name="Export", exact=True).click()
    owner.get_by_role("dialog").get_by_role("button", name="Export", exact=True).click()
    owner.get_by_role("button", name="Exports").click()
    link = owner.get_by_role("link", name=".mp4").first
    with owner.expect_download() as download:
        link.click()
    file = tmp_path / "clip.mp4"
    download.value.save_as(file)
    said = subprocess.run(
        ["ffprobe", "-v", "error", "-show_format", "-show_streams", "-of", "json", str(file)],
        capture_output=True,
        check=True,
        timeout=60,
    )
    shown = json.loads(said.stdout)
    assert shown["streams"][0]["codec_name"] == "h264"
    assert 4.0 < float(shown["format"]["duration"]) < 6.5


def test_evidence_is_locked_and_unlocked(site: Site, owner: Page) -> None:
    site.open(owner, "/recordings")
    until(owner, STATES, lambda now: len(now) == 2 and all(each[0] == "paused" for each in now))
    time = owner.evaluate("document.querySelector('hf-timeline').utc")
    owner.evaluate(f"document.querySelector('hf-timeline').choose({time - 6e6}, {time - 1e6})")
    owner.get_by_role("button", name="Lock", exact=True).click()
    layer = owner.get_by_role("dialog")
    layer.get_by_label("Why").fill("A car was stolen")
    layer.get_by_role("button", name="Lock", exact=True).click()
    expect(layer).to_have_count(0)
    owner.get_by_role("button", name="List", exact=True).click()
    expect(owner.get_by_role("cell", name="A car was stolen")).to_have_count(2)
    for left in (1, 0):
        owner.get_by_role("button", name="Unlock").first.click()
        expect(owner.get_by_role("cell", name="A car was stolen")).to_have_count(left)


def test_a_viewer_sees_the_camera_that_he_may(site: Site, owner: Page) -> None:
    site.open(owner, "/accounts")
    owner.get_by_role("button", name="Add an account").click()
    layer = owner.get_by_role("dialog")
    layer.get_by_label("Name").fill(VIEWER[0])
    layer.get_by_label("Password", exact=True).fill(VIEWER[1])
    layer.get_by_label("Repeat the password").fill(VIEWER[1])
    layer.get_by_label("All, also those that come").uncheck()
    layer.get_by_role("checkbox").nth(1).check()
    layer.get_by_role("button", name="Save").click()
    expect(owner.get_by_role("cell", name=VIEWER[0], exact=True).first).to_be_visible()
    context = site.visitor()
    page = site.page(context)
    site.login(page, *VIEWER)
    expect(page.locator("figure.tile")).to_have_count(1)
    expect(page.get_by_role("link", name="Cameras")).to_have_count(0)
    until(page, STATES, playing)
    hidden = page.evaluate(
        """async () => {
            const socket = new WebSocket("/api/video/c-cam2/main");
            return await new Promise((done) => {
                socket.onclose = () => done("closed");
                socket.onerror = () => done("refused");
                socket.onmessage = (event) => done(event.data);
                socket.onopen = () => socket.send(JSON.stringify({do: "live", n: 1}));
            });
        }"""
    )
    assert hidden in ("closed", "refused")
    context.close()


def test_a_wrong_password_is_said(site: Site, owner: Page) -> None:
    context = site.visitor()
    page = site.page(context)
    site.open(page, "/")
    page.get_by_label("Name").fill(OWNER[0])
    page.get_by_label("Password").fill("not it")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("The name or the password is wrong.")).to_be_visible()
    context.close()


def test_a_setting_outside_its_limits_is_said_at_the_field_and_a_right_one_saved(
    site: Site, owner: Page
) -> None:
    site.open(owner, "/settings/recording")
    field = owner.get_by_label("Durability")
    field.fill("99")
    owner.get_by_role("button", name="Save").click()
    expect(owner.get_by_text("must be 0.5 to 10 s")).to_be_visible()
    expect(field).to_be_focused()
    field.fill("2")
    owner.get_by_role("button", name="Save").click()
    expect(owner.get_by_text("Saved", exact=True)).to_be_visible()
    owner.reload()
    expect(owner.get_by_label("Durability")).to_have_value("2")


def test_the_language_changes_at_once_and_stays(site: Site, owner: Page) -> None:
    site.open(owner, "/status")
    owner.get_by_role("button", name="Language and theme").click()
    owner.get_by_role("combobox", name="Language").select_option("sv")
    expect(owner.get_by_role("link", name="Inspelningar").first).to_be_visible()
    owner.reload()
    expect(owner.locator("html")).to_have_attribute("lang", "sv")
    owner.get_by_role("button", name="Språk och tema").click()
    owner.get_by_role("combobox", name="Språk").select_option("en")
    expect(owner.get_by_role("link", name="Recordings").first).to_be_visible()
