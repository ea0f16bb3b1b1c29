"""What was recorded as a list: found by filters, looked into, exported under a password, and deleted."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.integration.pages.conftest import WAIT, Site, pictures
from tests.integration.pages.test_automation import for_everybody
from tests.integration.pages.test_story import STATES, until
from tests.integration.rig import wait_until

SECRET = "only for the police"


def listed(page: Page) -> Locator:
    """The table of what was found."""
    return page.get_by_role("region", name="Recordings", exact=True)


def rows(page: Page) -> Locator:
    """Its rows, the heading left out."""
    return listed(page).get_by_role("row").filter(has=page.get_by_role("button", name="Information on"))


@pytest.mark.proves("M-100", "M-101")
def test_status_leads_to_ongoing_recordings_by_source(site: Site, page: Page) -> None:
    site.open(page, "/status")
    ongoing = page.get_by_role("region", name="Ongoing recordings")
    expect(ongoing.get_by_text("in 2 recordings")).to_be_visible()
    expect(ongoing.locator("dd").first).to_have_text(re.compile(r"^[\d.]+ [kM]B$"))
    name = str(ongoing.locator("dt").first.text_content())
    ongoing.locator("dt").get_by_role("link").first.click()
    expect(page.get_by_label("Source")).not_to_have_value("")
    page.get_by_label("Ongoing only").check()
    expect(rows(page)).to_have_count(1)
    expect(rows(page).first).to_contain_text(name)
    expect(rows(page).first.get_by_text("Ongoing", exact=True)).to_be_visible()
    site.open(page, "/status")
    ongoing.get_by_role("link", name="Recordings", exact=True).click()
    expect(page.get_by_label("Source")).to_have_value("")
    expect(rows(page).nth(1)).to_be_visible()


@pytest.mark.proves("M-110", "M-111", "M-112", "M-114", "M-115")
def test_filters_hold_together_and_are_cleared(site: Site, page: Page, screenshots: Path | None) -> None:
    site.open(page, "/recordings?list")
    expect(rows(page).nth(1)).to_be_visible()
    everything = rows(page).count()
    of_one = rows(page).filter(has_text="c-cam2").count()
    page.get_by_label("Source").select_option("c-cam2")
    expect(listed(page).get_by_role("cell", name="c-cam1")).to_have_count(0)
    expect(rows(page)).to_have_count(of_one)
    page.get_by_label("From").fill("2001-01-01T00:00:00")
    page.get_by_label("To", exact=True).fill("2001-01-02T00:00:00")
    expect(page.get_by_text("Nothing was found")).to_be_visible()
    for_everybody(page)
    page.get_by_label("To", exact=True).fill("2000-01-02T00:00:00")
    expect(page.get_by_text("must be later than the beginning")).to_be_visible()
    page.get_by_label("To", exact=True).fill("")
    expect(rows(page)).to_have_count(of_one)
    storage = page.get_by_label("Storage").get_by_role("option").nth(1)
    page.get_by_label("Storage").select_option(str(storage.get_attribute("value")))
    expect(rows(page)).to_have_count(of_one)
    page.reload()  # the filters are in the address: a link to what was found can be given away
    expect(page.get_by_label("Source")).to_have_value("c-cam2")
    expect(page.get_by_label("From")).to_have_value("2001-01-01T00:00")
    pictures(screenshots, page, "recordings-list-light")
    page.get_by_role("button", name="Clear the filters").click()
    expect(page.get_by_label("From")).to_have_value("")
    expect(rows(page)).to_have_count(everything)


@pytest.mark.proves("M-103", "M-104")
def test_a_recording_is_looked_into_played_and_stopped(site: Site, page: Page) -> None:
    site.open(page, "/recordings?list&camera=c-cam1")
    look = rows(page).first.get_by_role("button", name="Information on")
    look.click()
    expect(look).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("cell", name="Losses")).to_be_visible()
    for name in ("Export", "Lock", "Delete"):
        expect(listed(page).get_by_role("button", name=name, exact=True)).to_be_visible()
    for_everybody(page)
    look.click()
    expect(page.get_by_role("cell", name="Losses")).to_have_count(0)
    rows(page).first.get_by_role("link", name="Play").click()
    until(page, STATES, lambda now: len(now) == 1 and now[0][0] == "paused")
    time = "document.querySelector('hf-player').utc"
    first = until(page, time, lambda now: now > 0)
    page.get_by_role("button", name="Play", exact=True).click()
    until(page, time, lambda now: now > first + 0.5e6)
    page.get_by_role("button", name="Pause").click()
    until(page, STATES, lambda now: now[0][0] == "paused")

    def still() -> bool:
        before = page.evaluate(time)  # one more picture may be on its way
        page.wait_for_timeout(300)
        return bool(page.evaluate(time) == before)

    wait_until("the picture stands still", still, WAIT / 1000)


@pytest.mark.proves("M-106", "M-108")
def test_a_whole_recording_is_exported_under_a_password_and_opens_with_it_alone(
    site: Site, page: Page, tmp_path: Path
) -> None:
    site.open(page, "/recordings?list&camera=c-cam1")
    rows(page).first.get_by_role("button", name="Information on").click()
    listed(page).get_by_role("button", name="Export", exact=True).click()
    layer = page.get_by_role("dialog")
    layer.get_by_label("Password").fill(SECRET)
    for_everybody(page)
    layer.get_by_role("button", name="Export", exact=True).click()
    expect(layer).to_have_count(0)
    page.get_by_role("button", name="Exports").click()
    link = page.get_by_role("link", name=".zip").first
    with page.expect_download() as download:
        link.click()
    file = tmp_path / "evidence.zip"
    download.value.save_as(file)
    for password, opens in (("a guess", False), (SECRET, True)):
        argv = ["7z", "t", f"-p{password}", str(file)]
        assert (subprocess.run(argv, capture_output=True, timeout=60).returncode == 0) is opens


@pytest.mark.proves("M-107")
def test_a_recording_is_deleted_and_says_what_goes(site: Site, page: Page) -> None:
    assert site.cameras is not None
    site.cameras.fault(2, "refuse", 3.0)  # what was being recorded ends there
    site.open(page, "/recordings?list&camera=c-cam2")
    ended = rows(page).filter(has_not_text="Ongoing")
    expect(ended.last).to_be_visible()
    expect(rows(page).filter(has_text="Ongoing")).to_have_count(1)
    label = ended.last.get_by_role("button", name="Information on").get_attribute("aria-label")
    assert label is not None  # which one it is: others may end meanwhile
    oldest = page.get_by_role("button", name=label, exact=True)
    oldest.click()
    listed(page).get_by_role("button", name="Delete", exact=True).click()
    layer = page.get_by_role("dialog")
    expect(layer.get_by_text("It cannot be had back.")).to_be_visible()
    expect(layer.locator("dd").last).to_have_text(re.compile(r"^[\d.]+ [kM]B$"))
    for_everybody(page)
    layer.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text(re.compile("^Deleted: [\\d.]+ [kM]B"))).to_be_visible()
    expect(layer).to_have_count(0)
    expect(oldest).to_have_count(0)
