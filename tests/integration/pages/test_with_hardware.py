"""What happens to hardware and network, as the page tells it: on a box whose drives and ports are simulated."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

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


def card(page: Page, name: str) -> Locator:
    """One of Status."""
    return page.get_by_role("region", name=name, exact=True)


@pytest.mark.proves("M-085", "M-087", "M-089", "M-094", "M-095", "M-096", "M-097")
def test_status_tells_of_recorder_clock_storage_drives_and_ports(box: Recorder, page: Page) -> None:
    go(page, box, "/status")
    system = page.evaluate("fetch('/api/system').then((answer) => answer.json())")
    expect(card(page, "Recorder")).to_contain_text(system["version"])
    expect(card(page, "Recorder")).to_contain_text(box.told["serial"])
    in_step = {True: "in step", False: "not in step", None: "not known"}[system["clock"]["synchronised"]]
    expect(card(page, "Time").get_by_text(in_step)).to_be_visible()
    expect(card(page, "Storage").get_by_text("In order")).to_be_visible()
    expect(card(page, "Storage").get_by_text(re.compile(r"\d+ [GTM]B free of \d+ [GTM]B"))).to_be_visible()
    expect(card(page, "Drives").get_by_text("Online")).to_be_visible()
    expect(card(page, "Drives").get_by_text(re.compile(r"1 · \d+ °C"))).to_be_visible()
    ports = card(page, "Network ports")
    expect(ports.get_by_text(re.compile(r"^of \d+ W allocated"))).to_be_visible()
    expect(ports.locator("dt", has_text="In use")).to_be_visible()
    expect(ports.get_by_title("Port 1: Has power")).to_be_visible()
    expect(ports.get_by_title("Port 16: Nothing is connected")).to_be_visible()
    for_everybody(page)
    ports.get_by_role("link", name="Network ports").click()
    expect(page.get_by_role("heading", name="Network ports", level=1)).to_be_visible()
    go(page, box, "/status")
    card(page, "Time").get_by_role("link", name="Time servers and zone").click()
    expect(page.get_by_role("form", name="Date and time").get_by_label("Time zone")).to_be_visible()
    go(page, box, "/status")
    card(page, "Drives").get_by_role("link", name="Tools").click()
    expect(page.get_by_role("heading", name="Storage", level=1)).to_be_visible()


@pytest.mark.proves("M-090", "M-091", "M-093")
def test_status_says_how_it_is_guarded_and_what_would_be_safer(box: Recorder, page: Page) -> None:
    go(page, box, "/status")
    security = card(page, "Security")
    expect(security.get_by_text("TLS 1.2, TLS 1.3, AES", exact=True)).to_be_visible()
    expect(security.get_by_title("not encrypted").get_by_text("RTSP")).to_be_visible()
    expect(security.get_by_title("TLS 1.2, TLS 1.3").get_by_text("HTTPS").first).to_be_visible()
    advice = security.get_by_role("link", name="Answer SNMP version 3 alone")
    expect(advice).to_be_visible()
    security.get_by_role("link", name="Hardening guide").click()
    expect(page.get_by_role("heading", name="Hardening guide")).to_be_in_viewport()
    go(page, box, "/status")
    advice.click()
    page.get_by_label("SNMP version").select_option("v3")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    page.get_by_role("link", name="Status").click()
    expect(security.get_by_text("SNMP v3")).to_be_visible()
    expect(advice).to_have_count(0)


@pytest.mark.proves("M-098", "M-099")
def test_status_lists_who_is_connected_as_the_system_has_it(
    box: Recorder, page: Page, screenshots: Path | None
) -> None:
    go(page, box, "/status")
    clients = card(page, "Connected clients")
    expect(clients.locator("dt", has_text="Connections")).to_be_visible()
    clients.get_by_role("button", name="Details").click()
    table = page.get_by_role("region", name="Connections")
    for column in ("Address", "Protocol", "Port", "State", "Process"):
        expect(table.get_by_role("columnheader", name=column)).to_be_visible()
    https = box.told["endpoints"]["https"].rpartition(":")[2]
    own = f"127.0.0.1 https {https} established control {box.plane('control')}"
    expect(table.get_by_role("row", name=own).first).to_be_visible()
    expect(table.get_by_role("row", name=f"recording {box.plane('recording')}").first).to_be_visible()
    pictures(screenshots, page, "status-clients-light")
    for_everybody(page)
    with page.expect_response(lambda answer: answer.url.endswith("/api/system/connections")):
        page.get_by_role("button", name="Refresh").click()
    page.keyboard.press("Escape")


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


@pytest.mark.proves("M-052", "M-053", "M-054", "M-364", "M-368")
def test_another_level_is_made_with_encryption_and_the_array_mounted_again(
    box: Recorder, page: Page, screenshots: Path | None
) -> None:
    go(page, box, "/storage")
    layer = page.get_by_role("dialog")
    page.get_by_role("button", name="Use the tool: Change the RAID level").click()
    make = layer.get_by_role("button", name="Change the RAID level")
    layer.get_by_label("Level", exact=True).select_option("10")
    expect(layer.get_by_text("It holds about")).to_be_visible()
    layer.get_by_label("Encrypt").check()
    layer.get_by_label("Password", exact=True).fill("twelve drives")
    layer.get_by_label("Repeat the password").fill("twelve")
    recorder = page.evaluate("fetch('/api/session').then((answer) => answer.json())")["recorder"]
    layer.get_by_label("Type the recorder's name to go on").fill(recorder["name"] or recorder["serial"])
    expect(make).to_be_disabled()
    expect(layer.get_by_text("is not the same")).to_be_visible()
    layer.get_by_label("Repeat the password").fill("twelve drives")
    pictures(screenshots, page, "storage-level-light")
    for_everybody(page)
    make.click()
    array = page.get_by_role("region", name="RAID array")
    expect(array.get_by_text("RAID 10", exact=True)).to_be_visible()
    page.get_by_role("button", name="Jobs").click()
    expect(page.get_by_text("RAID configured")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Use the tool: Unmount").click()
    layer.get_by_role("button", name="Unmount").click()
    page.get_by_role("button", name="Use the tool: Mount").click()
    expect(array.get_by_text("yes, and locked")).to_be_visible()
    layer.get_by_label("Password", exact=True).fill("twelve drives")
    layer.get_by_role("button", name="Mount").click()
    expect(page.get_by_role("button", name="Use the tool: Unmount")).to_be_visible()


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


def banner(page: Page) -> Locator:
    """What the page says of a change of the network that is tried."""
    return page.locator(".trial")


def give_time(page: Page, seconds: int) -> None:
    """So many, to confirm a change of the network."""
    body = f"{{body: JSON.stringify({{confirm: {seconds}}}), headers: {{'Content-Type': 'application/json'}}"
    asked = f"fetch('/api/settings/network', {body}, method: 'PATCH'}}).then((answer) => answer.status)"
    assert page.evaluate(asked) == 200


def test_a_change_of_the_network_is_confirmed_or_takes_itself_back(
    box: Recorder, page: Page, screenshots: Path | None
) -> None:
    go(page, box, "/settings/network")
    address = page.get_by_label("IPv4 address", exact=True)
    page.get_by_label("IPv4", exact=True).select_option("manual")
    address.fill("192.0.2.44")
    page.get_by_role("button", name="Save").click()
    expect(banner(page)).to_contain_text("are taken back unless you confirm")
    expect(banner(page).get_by_role("link", name="https://192.0.2.44")).to_be_visible()
    expect(banner(page).get_by_role("timer")).to_have_text(re.compile(r"\d.* left"))
    pictures(screenshots, page, "network-trial-light")
    for_everybody(page)
    page.reload()  # or at another address: whoever comes there is asked as well
    banner(page).get_by_role("button", name="Confirm").click()
    expect(banner(page)).to_contain_text("The new network settings are confirmed.")
    banner(page).get_by_role("button", name="Close").click()
    expect(banner(page)).to_have_count(0)

    give_time(page, 2)
    go(page, box, "/settings/network")
    address.fill("192.0.2.45")
    page.get_by_role("button", name="Save").click()
    expect(banner(page)).to_contain_text("Nobody confirmed the new network settings in time.")
    expect(address).to_have_value("192.0.2.44")
    banner(page).get_by_role("button", name="Close").click()

    give_time(page, 600)
    go(page, box, "/settings/network")
    address.fill("192.0.2.46")
    page.get_by_role("button", name="Save").click()
    expect(banner(page)).to_contain_text("are taken back unless you confirm")
    control = box.plane("control")
    assert control is not None
    os.kill(control, signal.SIGKILL)
    expect(banner(page)).to_contain_text("The recorder was restarted before anybody confirmed")
    expect(address).to_have_value("192.0.2.44")
    banner(page).get_by_role("button", name="Close").click()


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
