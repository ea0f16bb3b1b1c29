"""Every page: no rule of WCAG 2.2 AA broken, in both themes and at a phone's width."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect

from tests.integration.pages.conftest import OWNER, Site, pictures

PAGES = (
    "/",
    "/recordings",
    "/recordings?list",
    "/status",
    "/events",
    "/cameras",
    "/cameras/c-cam1",
    "/rules",
    "/rules/recipients",
    "/rules/schedules",
    "/rules/mqtt",
    "/logs",
    "/logs/audit",
    "/logs/syslog",
    "/logs/reports",
    "/storage",
    "/ports",
    "/accounts",
    "/certificates",
    "/settings",
    "/help",
)
LOOKS = {"light": ("light", (1380, 900)), "dark": ("dark", (1380, 900)), "phone": ("light", (390, 844))}
NARROWEST = 320  #: CSS pixels at which nothing may have to be scrolled sideways but tables (WCAG 2.2, 1.4.10)
RULES = '{runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}'


def violations(page: Page) -> list[str]:
    """What axe finds: rule, and where first."""
    found = page.evaluate(f"axe.run(document, {RULES})")
    return [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in found["violations"]]


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_is_for_everybody(site: Site, owner: Page, look: str, screenshots: Path | None) -> None:
    theme, size = LOOKS[look]
    context = site.visitor(theme=theme, size=size)
    page = site.page(context)
    site.login(page, *OWNER)
    wrong = {}
    for path in PAGES:
        site.open(page, path)
        expect(page.locator("h1")).to_be_visible()
        expect(page.locator(".skeleton")).to_have_count(0)
        page.evaluate(AXE_SCRIPT)
        if found := violations(page):
            wrong[path] = found
        widths = (NARROWEST, size[0]) if look == "phone" else (size[0],)
        for width in widths:
            page.set_viewport_size({"width": width, "height": size[1]})
            overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            if overflow > 0:
                wrong.setdefault(path, []).append(f"{overflow} pixels wider than a window of {width}")
        pictures(screenshots, page, f"{path.strip('/').replace('/', '-').replace('?', '-') or 'live'}-{look}")
    context.close()
    assert wrong == {}
