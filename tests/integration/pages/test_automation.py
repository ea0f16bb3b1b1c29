"""Rules, recipients, schedules, MQTT, certificates, logs and reports, as an administrator uses them."""

from __future__ import annotations

import re
import socket
import zipfile
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect

from tests.integration.pages.conftest import Site, pictures
from tests.integration.pages.test_every_page import violations


def for_everybody(page: Page) -> None:
    """No rule of WCAG is broken by what is shown, an open layer for instance."""
    page.evaluate(AXE_SCRIPT)
    assert violations(page) == []


@pytest.mark.proves("M-345", "M-347", "M-348")
def test_a_schedule_is_made(site: Site, page: Page) -> None:
    site.open(page, "/rules/schedules")
    page.get_by_role("button", name="Add a schedule").click()
    layer = page.get_by_role("dialog")
    layer.get_by_label("Name", exact=True).fill("Nights")
    layer.get_by_label("From").fill("22:00")
    layer.get_by_label("to", exact=True).fill("06:00")
    for_everybody(page)
    layer.get_by_role("button", name="Save").click()
    expect(page.get_by_role("cell", name="Nights", exact=True)).to_be_visible()
    expect(page.get_by_text("22:00–06:00")).to_be_visible()


@pytest.mark.proves("M-341", "M-343", "M-344")
def test_a_recipient_is_tested_before_it_is_saved_copied_and_deleted(
    site: Site, page: Page, screenshots: Path | None
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        site.open(page, "/rules/recipients")
        page.get_by_role("button", name="Add a recipient").click()
        layer = page.get_by_role("dialog")
        layer.get_by_label("Name", exact=True).fill("Alarm centre")
        layer.get_by_label("Type", exact=True).select_option("tcp")
        layer.get_by_role("button", name="Test it").click()
        expect(layer.get_by_text("host is needed for tcp")).to_be_visible()
        layer.get_by_label("Host", exact=True).fill("127.0.0.1")
        layer.get_by_label("Port", exact=True).fill(str(port))
        layer.get_by_role("button", name="Test it").click()
        expect(layer.get_by_text("It works")).to_be_visible()
        pictures(screenshots, page, "rules-recipient-layer-light")
        for_everybody(page)
        layer.get_by_role("button", name="Save").click()
        expect(page.get_by_role("cell", name="Alarm centre", exact=True)).to_be_visible()
    page.get_by_role("button", name="Copy Alarm centre").click()
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_role("cell", name="Copy of Alarm centre", exact=True)).to_be_visible()
    page.get_by_role("button", name="Delete Copy of Alarm centre").click()
    expect(page.get_by_role("cell", name="Copy of Alarm centre", exact=True)).to_have_count(0)
    page.get_by_role("button", name="Test Alarm centre").click()
    expect(page.get_by_text("It does not work")).to_be_visible()


@pytest.mark.proves("M-296", "M-300", "M-303", "M-305", "M-349")
def test_a_rule_reads_as_a_sentence_is_tried_dry_and_fired_by_hand(
    site: Site, page: Page, screenshots: Path | None
) -> None:
    site.open(page, "/rules")
    page.get_by_role("button", name="Add a rule").click()
    layer = page.get_by_role("dialog")
    layer.get_by_label("Name", exact=True).fill("Camera down by day")
    layer.get_by_role("button", name="and another condition").click()
    second = layer.get_by_role("group", name="Condition 2")
    second.get_by_label("Kind").select_option("schedule")
    second.get_by_label("Whether it covers now").select_option("not")
    action = layer.get_by_role("group", name="Action 1")
    action.get_by_label("Kind").select_option("clip")
    action.get_by_label("Seconds after").fill("20")
    expect(layer.get_by_text("showed, from 5 s before until 20 s after, to Alarm centre")).to_be_visible()
    for_everybody(page)
    action.get_by_label("Kind").select_option("send")
    action.get_by_label("Text; empty: what happened").fill("A camera is down")
    layer.get_by_label("Not more often than every").fill("60")
    said = "When “Camera offline” holds and it is outside the schedule Nights: send “A camera is down” to Alarm centre."
    expect(layer.get_by_text(said)).to_be_visible()
    layer.get_by_role("button", name="Try it dry").click()
    expect(layer.get_by_text("It would not act now.")).to_be_visible()
    pictures(screenshots, page, "rules-editor-light")
    for_everybody(page)
    layer.get_by_role("button", name="Save").click()
    expect(page.get_by_text(said)).to_be_visible()

    page.get_by_role("button", name="Add a rule").click()
    layer.get_by_label("Name", exact=True).fill("Panic")
    layer.get_by_role("group", name="Condition 1").get_by_label("Kind").select_option("manual")
    layer.get_by_label("Name of the button").fill("Not so")
    layer.get_by_label("Text", exact=True).fill("Help is wanted")
    layer.get_by_role("button", name="Save").click()
    expect(layer.get_by_text("Condition 1:")).to_be_visible()
    layer.get_by_label("Name of the button").fill("panic")
    layer.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="panic", exact=True).click()
    expect(page.get_by_text("panic is fired")).to_be_visible()
    site.open(page, "/logs")
    expect(page.get_by_text("text=Help is wanted").first).to_be_visible()

    site.open(page, "/rules")
    page.get_by_role("button", name="Delete Panic").click()
    expect(page.get_by_role("heading", name="Panic")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", name="Panic")).to_be_visible()


def test_the_page_of_mqtt_says_why_the_broker_is_not_there(site: Site, page: Page) -> None:
    site.open(page, "/rules/mqtt")
    form = page.get_by_role("form", name="Mqtt")
    form.get_by_label("Enabled", exact=True).check()
    form.get_by_label("Broker", exact=True).fill("127.0.0.1")
    form.get_by_label("Port", exact=True).fill("1")
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Not connected")).to_be_visible()
    expect(page.get_by_text("127.0.0.1:1", exact=True)).to_be_visible()
    form.get_by_label("Enabled", exact=True).uncheck()
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Not connected")).to_have_count(0)


@pytest.mark.proves("M-223", "M-227")
def test_a_certificate_is_added_step_by_step_and_chosen_for_the_broker(
    site: Site, page: Page, screenshots: Path | None
) -> None:
    site.open(page, "/certificates")
    page.get_by_role("button", name="Add a certificate").click()
    layer = page.get_by_role("dialog")
    expect(layer.get_by_label("Made here, signed by itself")).to_be_checked()
    pictures(screenshots, page, "certificate-add-light")
    for_everybody(page)
    layer.get_by_role("button", name="Next").click()
    layer.get_by_label("Name", exact=True).fill("For the broker")
    expect(layer.get_by_label("Valid for")).to_be_hidden()
    layer.get_by_text("More", exact=True).click()
    layer.get_by_label("Valid for").fill("0")
    layer.get_by_role("button", name="Make it").click()
    expect(layer.get_by_text("must be at least 1")).to_be_visible()
    layer.get_by_label("Valid for").fill("30")
    layer.get_by_label("Kind of key").select_option("rsa-2048")
    pictures(screenshots, page, "certificate-more-light")
    for_everybody(page)
    layer.get_by_role("button", name="Make it").click()
    row = page.get_by_role("row").filter(has_text="For the broker")
    row.get_by_role("button", name="Information").click()
    expect(layer.get_by_text("RSA 2048")).to_be_visible()
    layer.get_by_role("button", name="Close").first.click()
    row.get_by_role("button", name="Signing request").click()
    expect(layer.get_by_role("textbox", name="Signing request")).to_have_value(
        re.compile("BEGIN CERTIFICATE REQ")
    )
    layer.get_by_role("button", name="Cancel").click()

    site.open(page, "/rules/mqtt")
    form = page.get_by_role("form", name="Mqtt")
    form.get_by_label("Enabled", exact=True).check()
    form.get_by_label("Broker", exact=True).fill("127.0.0.1")
    form.get_by_label("TLS", exact=True).check()
    form.get_by_label("Client certificate").select_option("For the broker")
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Not connected")).to_be_visible()
    site.open(page, "/certificates")
    expect(row.get_by_role("cell", name="mqtt.certificate")).to_be_visible()
    expect(row.get_by_role("button", name="Delete For the broker")).to_be_disabled()
    site.open(page, "/rules/mqtt")
    form.get_by_label("Client certificate").select_option("–")
    form.get_by_label("Enabled", exact=True).uncheck()
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Not connected")).to_have_count(0)


@pytest.mark.proves("M-373", "M-374")
def test_logs_are_filtered_verified_and_saved(site: Site, page: Page, tmp_path: Path) -> None:
    site.open(page, "/logs")
    page.get_by_label("Find in the log").fill("no such words in it")
    expect(page.get_by_text("Nothing is like that.")).to_be_visible()
    page.get_by_label("Find in the log").fill("")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    download.value.save_as(tmp_path / "system.log")
    assert "rule.told" in (tmp_path / "system.log").read_text()
    site.open(page, "/logs/audit")
    expect(page.get_by_role("cell", name="Changed").first).to_be_visible()
    page.get_by_role("button", name="Verify it").click()
    expect(page.get_by_text("The audit trail is whole.")).to_be_visible()


@pytest.mark.proves("M-375")
def test_a_syslog_server_gets_a_test_message(site: Site, page: Page) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(60)
        site.open(page, "/logs/syslog")
        page.get_by_role("button", name="Add a server").click()
        layer = page.get_by_role("dialog")
        layer.get_by_label("Host name or IP address").fill("127.0.0.1")
        layer.get_by_label("Port", exact=True).fill(str(server.getsockname()[1]))
        layer.get_by_role("button", name="Send a test message").click()
        expect(layer.get_by_text("It works")).to_be_visible()
        assert b"holdfast" in server.recv(65536).lower()
        for_everybody(page)
        layer.get_by_role("button", name="Save").click()
        expect(page.get_by_role("cell", name=f"127.0.0.1:{server.getsockname()[1]}")).to_be_visible()
        page.get_by_role("button", name="Delete 127.0.0.1").click()
        expect(page.get_by_text("The logs are sent nowhere.")).to_be_visible()


@pytest.mark.proves("M-369", "M-370")
def test_the_server_report_is_viewed_and_saved(site: Site, page: Page, tmp_path: Path) -> None:
    site.open(page, "/logs/reports")
    page.get_by_role("button", name="View").click()
    expect(page.get_by_text("## Access log")).to_be_visible()
    for_everybody(page)
    page.keyboard.press("Escape")
    for number, wanted in enumerate(({"report.txt"}, {"report.txt", "journal.jsonl", "recording/status"})):
        with page.expect_download() as download:
            page.get_by_role("link", name="Download").nth(number).click()
        download.value.save_as(tmp_path / f"{number}.zip")
        with zipfile.ZipFile(tmp_path / f"{number}.zip") as archive:
            assert wanted <= set(archive.namelist())
