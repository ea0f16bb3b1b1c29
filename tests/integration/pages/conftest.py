"""A recorder with two cameras, and Debian's Chromium to look at it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.integration.rig import Cameras, Recorder, recorded

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--autoplay-policy=no-user-gesture-required",
)
OWNER = ("anna", "correct horse battery")
WAIT = 60_000  #: milliseconds: the machine may be busy

expect.set_options(timeout=WAIT)


@dataclass(frozen=True, slots=True)
class Site:
    """The pages of a recorder."""

    url: str
    recorder: Recorder
    browser: Browser
    cameras: Cameras | None = None

    def visitor(self, *, theme: str = "light", size: tuple[int, int] = (1380, 900)) -> BrowserContext:
        """Somebody with a browser of his own."""
        context = self.browser.new_context(
            ignore_https_errors=True,
            locale="en-GB",
            timezone_id="Europe/Stockholm",
            color_scheme="dark" if theme == "dark" else "light",
            viewport={"width": size[0], "height": size[1]},
        )
        context.set_default_timeout(WAIT)
        return context

    def page(self, context: BrowserContext) -> Page:
        """A page, in which nothing may go wrong unseen."""
        page = context.new_page()
        page.on("pageerror", lambda error: pytest.fail(f"the page failed: {error}"))
        page.on("console", _said)
        return page

    def open(self, page: Page, path: str) -> None:
        """Go to a page of the recorder."""
        page.goto(self.url + path)

    def login(self, page: Page, name: str, password: str) -> None:
        """Log in, by the form."""
        self.open(page, "/")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Log in").click()
        expect(page.locator(".frame")).to_be_visible()

    @contextmanager
    def administrator(self) -> Iterator[Page]:
        """A page of the administrator's, in a browser of its own."""
        context = self.visitor()
        page = self.page(context)
        self.login(page, *OWNER)
        yield page
        context.close()


def _said(message: ConsoleMessage) -> None:
    # What a page asks for and does not get is shown on it; a broken rule of the CSP is seen nowhere else.
    if message.type == "error" and "Content Security Policy" in message.text:
        pytest.fail(message.text)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """The browser, started once."""
    if shutil.which(CHROMIUM) is None:
        pytest.skip("there is no chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Site]:
    """A recorder that nobody has visited yet. The first test makes the administrator."""
    folder = tmp_path_factory.mktemp("pages")
    with recorded(folder, 2, "--onvif", "--announce", "--ptz", sub=False) as (cameras, recorder):
        yield Site(recorder.told["endpoints"]["https"], recorder, chromium, cameras)


@pytest.fixture(scope="package")
def owner(site: Site) -> Page:
    """The administrator's page, made on the first visit."""
    page = site.page(site.visitor())
    site.open(page, "/")
    expect(page.get_by_role("heading", name="Welcome")).to_be_visible()
    page.get_by_label("Name").fill(OWNER[0])
    page.get_by_label("I accept the licence (Apache 2.0).").check()
    # A good password is advised, and a bad one would be taken.
    expect(page.get_by_text("Best: eight or more from a generator")).to_be_visible()
    page.get_by_label("Password", exact=True).fill("x")
    expect(page.get_by_text("Very weak")).to_be_visible()
    expect(page.get_by_role("button", name="Create the administrator")).to_be_enabled()
    page.get_by_label("Password", exact=True).fill(OWNER[1])
    page.get_by_label("Repeat the password").fill(OWNER[1])
    page.get_by_role("button", name="Create the administrator").click()
    expect(page.get_by_role("heading", name="Almost done")).to_be_visible()
    return page


def pictures(folder: Path | None, page: Page, name: str) -> None:
    """Leave a picture where some are wanted."""
    if folder is not None:
        page.screenshot(path=folder / f"{name}.png", full_page=False)


@pytest.fixture(scope="module")
def page(site: Site, owner: Page) -> Iterator[Page]:
    """A page of the administrator's: his first visit is another test's."""
    del owner
    with site.administrator() as page:
        yield page
