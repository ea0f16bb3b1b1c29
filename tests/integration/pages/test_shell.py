"""What is around every page: its menus, its words and looks, and the help that comes from the recorder itself."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.integration.pages.conftest import OWNER, Site, pictures
from tests.integration.pages.test_automation import for_everybody


@pytest.fixture
def page(site: Site, owner: Page) -> Iterator[Page]:
    """A page of the administrator's for each test: what it leaves behind is not the next one's."""
    del owner
    with site.administrator() as page:
        yield page


def background(page: Page) -> str:
    """Of the page, as it is painted."""
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


@pytest.mark.proves("M-073")
def test_the_main_menu_goes_and_comes_and_stays_as_it_was_left(page: Page) -> None:
    menu = page.get_by_role("navigation", name="Main menu")
    button = page.get_by_role("button", name="Show or hide the main menu")
    expect(menu).to_be_visible()
    button.click()
    expect(menu).to_be_hidden()
    page.reload()
    expect(page.locator(".frame")).to_be_visible()
    expect(menu).to_be_hidden()
    expect(button).to_have_attribute("aria-expanded", "false")
    button.click()
    expect(menu).to_be_visible()


@pytest.mark.proves("M-076", "M-077")
def test_language_and_theme_are_chosen_and_kept(page: Page) -> None:
    light = background(page)
    page.get_by_role("button", name="Language and theme").click()
    page.get_by_role("combobox", name="Theme").select_option("dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert background(page) != light
    page.get_by_role("combobox", name="Language").select_option("de")
    expect(page.get_by_role("link", name="Aufzeichnungen", exact=True)).to_be_visible()
    page.reload()
    expect(page.get_by_role("link", name="Aufzeichnungen", exact=True)).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    assert background(page) != light
    page.get_by_role("button", name="Sprache und").click()
    page.get_by_role("combobox", name="Design").select_option("light")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    assert background(page) == light


@pytest.mark.proves("M-078", "M-079", "M-080")
def test_the_user_menu_says_who_is_logged_in_and_lets_another_in(site: Site, page: Page) -> None:
    site.open(page, "/status")
    for leave in ("Change account", "Log out"):
        page.get_by_role("button", name=OWNER[0]).click()
        menu = page.locator(".menu")
        expect(menu.get_by_text(OWNER[0])).to_be_visible()
        expect(menu.get_by_text("Administrator")).to_be_visible()
        menu.get_by_role("button", name=leave).click()
        expect(page.get_by_role("heading", name="Log in")).to_be_visible()
        assert (
            page.evaluate("fetch('/api/system', {cache: 'no-store'}).then((answer) => answer.status)") == 401
        )
        page.get_by_label("Name").fill(OWNER[0])
        page.get_by_label("Password").fill(OWNER[1])
        page.get_by_role("button", name="Log in").click()
        # who changes the account goes on where he was; who leaves begins at the front
        expected = "Status" if leave == "Change account" else "Live"
        expect(page.get_by_role("heading", name=expected, exact=True, level=1)).to_be_visible()


@pytest.mark.proves("M-074", "M-075")
def test_help_and_release_notes_need_no_internet(site: Site, page: Page, screenshots: Path | None) -> None:
    elsewhere: list[str] = []
    page.on("request", lambda request: elsewhere.append(request.url))
    site.open(page, "/storage")
    page.get_by_role("button", name="Help and about").click()
    pictures(screenshots, page, "help-menu-light")
    for_everybody(page)
    page.get_by_role("link", name="Help with this page").click()
    expect(page.get_by_role("heading", name="Storage", exact=True)).to_be_in_viewport()
    expect(page.get_by_text("The tools of the array are jobs")).to_be_visible()
    page.get_by_role("navigation", name="Topics").get_by_role("link", name="Hardening guide").click()
    expect(page.get_by_text("Answer SNMP version 3 alone")).to_be_in_viewport()
    page.get_by_role("button", name="Help and about").click()
    page.locator(".menu").get_by_role("link", name="Release notes").click()
    expect(page.get_by_role("heading", name="Release notes")).to_be_visible()
    expect(page.get_by_role("heading", name="Added").first).to_be_visible()
    assert [url for url in elsewhere if not url.startswith(site.url)] == []


@pytest.mark.proves("M-082", "M-083", "M-084")
def test_about_legal_texts_and_feedback(site: Site, page: Page, tmp_path: Path) -> None:
    more = page.get_by_role("button", name="Help and about")
    layer = page.get_by_role("dialog")
    system = page.evaluate("fetch('/api/system').then((answer) => answer.json())")
    more.click()
    page.get_by_role("button", name="About", exact=True).click()
    expect(layer.get_by_text(system["version"], exact=True)).to_be_visible()
    expect(layer.get_by_text(system["serial"], exact=True)).to_be_visible()
    for_everybody(page)
    page.keyboard.press("Escape")
    more.click()
    page.get_by_role("button", name="Legal", exact=True).click()
    expect(layer.get_by_text("set one cookie")).to_be_visible()
    expect(layer.get_by_role("row", name="preact").first).to_contain_text("MIT")
    expect(layer.get_by_role("row", name="aiohttp", exact=False).first).to_contain_text("Apache")
    assert [each["name"] for each in page.context.cookies()] == ["__Host-holdfast"]
    for_everybody(page)
    page.keyboard.press("Escape")
    more.click()
    page.get_by_role("button", name="Feedback", exact=True).click()
    expect(layer.get_by_role("button", name="Save as a file")).to_be_disabled()
    layer.get_by_label("Your words").fill("The timeline is quick.")
    for_everybody(page)
    with page.expect_download() as download:
        layer.get_by_role("button", name="Save as a file").click()
    file = tmp_path / "feedback.txt"
    download.value.save_as(file)
    assert "The timeline is quick." in file.read_text()
    assert f"Holdfast {system['version']}" in file.read_text()
    expect(layer).to_have_count(0)


@pytest.mark.proves("M-285", "M-286", "M-287")
def test_a_virtual_host_is_made_in_the_browser(site: Site, page: Page) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    site.open(page, "/settings/virtual_hosts")
    page.get_by_role("button", name="Add", exact=True).click()
    layer = page.get_by_role("dialog")
    layer.get_by_label("Server name").fill("not a name")
    layer.get_by_label("Port", exact=True).fill(str(port))
    for_everybody(page)
    layer.get_by_role("button", name="Save").click()
    expect(layer.get_by_role("alert")).to_be_visible()
    expect(layer.get_by_label("Server name")).to_be_focused()
    layer.get_by_label("Server name").fill("villa")
    layer.get_by_role("button", name="Save").click()
    expect(page.get_by_role("cell", name="villa", exact=True)).to_be_visible()
    page.get_by_role("button", name="Edit").click()
    layer.get_by_label("Enabled").uncheck()
    layer.get_by_role("button", name="Save").click()
    page.keyboard.press("Escape")
    expect(page.get_by_text("Disabled")).to_be_visible()
    page.get_by_role("button", name="Delete villa").click()
    expect(page.get_by_role("cell", name="villa", exact=True)).to_have_count(0)


def test_an_event_broker_is_made_in_the_browser(site: Site, page: Page) -> None:
    address = "mqtt://127.0.0.1:9"  # where nobody listens
    site.open(page, "/settings/event_brokers")
    page.get_by_role("button", name="Add", exact=True).click()
    layer = page.get_by_role("dialog")
    layer.get_by_label("Address").fill("gopher://127.0.0.1")
    layer.get_by_label("Topic prefix").fill("site/attic")
    layer.get_by_role("button", name="Save").click()
    expect(layer.get_by_role("alert")).to_be_visible()
    layer.get_by_label("Address").fill(address)
    layer.get_by_role("button", name="Save").click()
    expect(page.get_by_role("cell", name=address, exact=True)).to_be_visible()
    page.get_by_role("button", name=f"Delete {address}").click()
    expect(page.get_by_role("cell", name=address, exact=True)).to_have_count(0)
