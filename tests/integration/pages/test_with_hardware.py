"""What happens to hardware and network, as the page tells it: on a box whose drives and ports are simulated."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.integration.pages.conftest import OWNER, Site, pictures
from tests.integration.pages.test_automation import for_everybody
from tests.integration.rig import Recorder, demo, free_offset, wait_until

REBUILD = 6  #: seconds: long enough to be seen


pytestmark = pytest.mark.timeout(300)  # a demo and a browser start before the first


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    """A demo: it has drives, and ports with devices."""
    folder = tmp_path_factory.mktemp("box")
    (folder / "password").write_text(OWNER[1] + "\n")
    with demo(
        folder / "data", free_offset(), "--cameras", "1", "--set", f"raid.rebuild={REBUILD}",
        "--admin", OWNER[0], "--password-file", str(folder / "password"),
    ) as recorder:  # fmt: skip
        wait_until("the array is whole", lambda: status(recorder) == "Online", 60)
        yield recorder


def status(recorder: Recorder) -> str:
    """Of the array."""
    return str(recorder.command("raid", "--json").json["array"]["status"])


@pytest.fixture(scope="module")
def page(chromium: Browser, box: Recorder) -> Iterator[Page]:
    """Its owner's page."""
    site = Site(box.told["endpoints"]["https"], box, chromium)
    context = site.visitor()
    page = site.page(context)
    site.login(page, *OWNER)
    yield page
    context.close()


def go(page: Page, box: Recorder, path: str) -> None:
    """To a page of the box."""
    page.goto(box.told["endpoints"]["https"] + path)


@pytest.mark.proves("M-357", "M-366")
def test_a_failed_drive_is_shown_and_its_rebuild_until_all_is_well_again(
    box: Recorder, page: Page, screenshots: Path | None
) -> None:
    go(page, box, "/storage")
    array = page.get_by_role("region", name="RAID array")
    expect(array.get_by_text("Online")).to_be_visible()
    assert box.command("simulate", "drive-failure", "2", "--only").code == 0
    expect(array.get_by_text("Degraded")).to_be_visible()
    expect(page.get_by_role("region", name="Drives").get_by_text("Broken")).to_be_visible()
    pictures(screenshots, page, "storage-degraded-light")
    for_everybody(page)
    page.get_by_role("link", name="Status").click()
    expect(page.get_by_role("region", name="What holds now").get_by_text("Raid degraded")).to_be_visible()
    page.get_by_role("link", name="Storage", exact=True).click()
    assert box.command("simulate", "drive-pull", "2").code == 0
    assert box.command("simulate", "drive-insert", "2").code == 0
    expect(array.get_by_role("progressbar")).to_be_visible()
    expect(page.get_by_role("region", name="Drives").get_by_text("Being rebuilt")).to_be_visible()
    pictures(screenshots, page, "storage-rebuild-light")
    expect(array.get_by_text("Online")).to_be_visible()
    expect(array.get_by_role("progressbar")).to_have_count(0)


@pytest.mark.proves("M-358", "M-365")
def test_a_tool_is_a_job_that_goes_on_whatever_the_page_does(box: Recorder, page: Page) -> None:
    go(page, box, "/storage")
    page.get_by_role("button", name="Use the tool: Check").click()
    page.get_by_role("dialog").get_by_role("button", name="Check").click()
    expect(page.get_by_text("It has begun.")).to_be_visible()
    page.reload()
    page.get_by_role("button", name="Jobs").click()
    expect(page.get_by_text("Check the array").first).to_be_visible()
    expect(page.get_by_text("Finished").first).to_be_visible()


def test_what_erases_asks_for_the_recorders_name(box: Recorder, page: Page) -> None:
    go(page, box, "/storage")
    page.get_by_role("button", name="Use the tool: Format").click()
    layer = page.get_by_role("dialog")
    format_it = layer.get_by_role("button", name="Format")
    expect(format_it).to_be_disabled()
    expect(layer.get_by_text("This erases the recordings")).to_be_visible()
    for_everybody(page)
    layer.get_by_label("Type the recorder's name to go on").fill("Another name")
    expect(format_it).to_be_disabled()
    layer.get_by_role("button", name="Cancel").click()


def test_a_port_is_power_cycled(box: Recorder, page: Page, screenshots: Path | None) -> None:
    go(page, box, "/ports")
    before = page.get_by_role("button", name="Power-cycle port")
    expect(before.first).to_be_visible()
    allowed = [each for each in before.all() if each.is_enabled()]
    port = str(allowed[0].get_attribute("aria-label")).rpartition(" ")[2]
    allowed[0].click()
    pictures(screenshots, page, "ports-cycle-light")
    for_everybody(page)
    page.get_by_role("dialog").get_by_role("button", name="Power-cycle").click()
    go(page, box, "/logs/audit")
    expect(page.get_by_text("poe.port-cycled").first).to_be_visible()
    expect(page.get_by_role("cell", name=f"{port} poe.port-cycled").first).to_be_visible()


def test_a_lost_network_is_said_and_the_page_comes_back_by_itself(box: Recorder, page: Page) -> None:
    """Another policy of TLS needs the ports anew: every connection ends, the page's own too."""
    go(page, box, "/settings/tls")
    policy = page.get_by_label("Cryptographic policy")
    expect(policy).to_be_visible()
    page.evaluate(
        """() => {
            window.seen = [];
            new MutationObserver(() => {
                const lost = Boolean(document.querySelector(".offline"));
                if (window.seen.at(-1) !== lost) window.seen.push(lost);
            }).observe(document.body, {childList: true, subtree: true});
        }"""
    )
    policy.select_option("fips")
    page.get_by_role("button", name="Save").click()

    def said() -> bool:
        page.wait_for_timeout(50)
        return True in page.evaluate("window.seen")

    wait_until("the page says that it lost the recorder", said, 60)
    expect(page.locator(".offline")).to_have_count(0)
    expect(page.get_by_text("Everything is saved")).to_be_visible()
    page.get_by_role("link", name="Status").click()
    expect(page.get_by_role("region", name="Recorder")).to_be_visible()
    assert page.evaluate("window.seen").count(True) >= 1, "it is the same page, and was not loaded anew"
