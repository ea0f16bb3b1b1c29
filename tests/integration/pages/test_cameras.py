"""Cameras that speak ONVIF, from the network to the screen: found, asked, added, watched, heard and restarted."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.integration.pages.conftest import Site, pictures
from tests.integration.pages.test_automation import for_everybody
from tests.integration.pages.test_story import STATES, playing, until
from tests.integration.rig import Cameras, key_of


@pytest.mark.proves("M-113")
def test_a_camera_is_found_on_the_network_asked_added_watched_heard_and_removed(
    site: Site, page: Page, screenshots: Path | None
) -> None:
    assert site.cameras is not None
    address = site.cameras.told["cameras"][0]["onvif"]
    site.open(page, "/cameras")
    page.get_by_role("button", name="Find cameras").click()
    layer = page.get_by_role("dialog")
    found = layer.get_by_role("listitem").filter(has_text=address)
    expect(found).to_be_visible()
    pictures(screenshots, page, "cameras-find-light")
    for_everybody(page)
    found.get_by_role("checkbox").check()
    layer.get_by_role("button", name="Next").click()
    layer.get_by_label("User").fill(Cameras.USER)
    layer.get_by_label("Password").fill("not it")
    layer.get_by_role("button", name="Ask the camera").click()
    expect(layer.get_by_role("alert")).to_be_visible()
    layer.get_by_label("Password").fill(Cameras.PASSWORD)
    layer.get_by_role("button", name="Ask the camera").click()
    expect(layer.get_by_label("Recorded")).to_be_visible()
    expect(layer.get_by_label("Recorded").get_by_role("option")).to_have_count(2)
    pictures(screenshots, page, "cameras-profiles-light")
    for_everybody(page)
    layer.get_by_label("Name").fill("Second look")
    layer.get_by_role("button", name="Add", exact=True).click()

    control = page.get_by_role("region", name="ONVIF")
    expect(page.get_by_role("heading", name="Second look", level=1)).to_be_visible()
    expect(control.get_by_text("Connected")).to_be_visible()
    control.get_by_role("button", name="Take a picture").click()
    expect(control.get_by_role("img", name="What the camera sees now")).to_be_visible()
    for_everybody(page)
    page.get_by_role("link", name="Live", exact=True).last.click()
    until(page, STATES, lambda now: len(now) == 1 and playing(now))

    site.cameras.fault(1, "cover", 4.0)
    site.open(page, "/recordings?list")
    page.get_by_label("Event").select_option("camera.tampering")
    row = page.get_by_role("row").filter(has_text="Second look").filter(has_text="Tampering")
    expect(row.first).to_be_visible()
    expect(page.get_by_role("button", name="Information on c-cam2")).to_have_count(0)

    site.open(page, "/cameras")
    page.get_by_role("link", name="Second look").click()
    control.get_by_role("button", name="Restart the camera").click()
    page.get_by_role("dialog").get_by_role("button", name="Restart", exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_role("heading", name="Cameras", level=1)).to_be_visible()
    expect(page.get_by_role("link", name="Second look")).to_have_count(0)


def test_a_camera_is_moved_on_its_page_and_stops_when_let_go(
    site: Site, page: Page, screenshots: Path | None
) -> None:
    assert site.cameras is not None
    told = site.cameras.told["cameras"][1]
    key = key_of(told["number"])
    ask = f"fetch('/api/cameras/{key}/ptz').then((answer) => answer.json()).then((told) => told.head)"
    set_up = f"""(onvif) => fetch('/api/settings/cameras/entries/{key}', {{method: 'PATCH',
        headers: {{'Content-Type': 'application/json'}}, body: JSON.stringify({{onvif, follow: false}})}})"""
    assert page.evaluate(f"({set_up})({told['onvif']!r}).then((answer) => answer.ok)")
    site.open(page, f"/?camera={key}")
    pad = page.get_by_role("region", name="Move the camera")
    expect(pad).to_be_visible()
    for_everybody(page)
    pad.get_by_label("Go to a preset").select_option("Left side")
    until(page, ask, lambda head: not head["moving"] and head["at"]["pan"] == -0.4)
    pictures(screenshots, page, "live-ptz-light")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.down("ArrowRight")
    until(page, ask, lambda head: head["at"]["pan"] > -0.4)
    page.keyboard.up("ArrowRight")
    until(page, ask, lambda head: not head["moving"])
    pad.get_by_role("button", name="Nearer").hover()
    page.mouse.down()
    until(page, ask, lambda head: head["at"]["zoom"] > 0.35)
    page.mouse.up()
    until(page, ask, lambda head: not head["moving"])
    figure = page.locator("figure.tile").bounding_box()
    assert figure is not None
    page.mouse.move(figure["x"] + 100, figure["y"] + 100)
    tilt = page.evaluate(ask)["at"]["tilt"]
    page.mouse.down()
    page.mouse.move(figure["x"] + 100, figure["y"] + 60)
    until(page, ask, lambda head: head["at"]["tilt"] > tilt)
    page.mouse.up()
    until(page, ask, lambda head: not head["moving"])
    pad.get_by_role("button", name="Keep this view").click()
    page.get_by_role("dialog").get_by_label("Name").fill("The far house")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(pad.get_by_role("option", name="The far house")).to_have_count(1)
    pad.get_by_role("button", name="Forget the preset").click()
    expect(pad.get_by_role("option", name="The far house")).to_have_count(0)
    assert page.evaluate(f"({set_up})(null).then((answer) => answer.ok)")
