"""What all suites share: cases, runs, reports, the command line."""

from __future__ import annotations

import asyncio
import html
import json
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html.parser import HTMLParser

import pytest

from conformance import suite as suites
from conformance.case import Requirement, Result, expect, provided
from conformance.page import page
from conformance.report import Report
from conformance.suite import Suite, run
from conformance.transcript import LINES_LIMIT, Transcript

WILD = '<script>alert("x")</script>'


@dataclass(frozen=True, slots=True)
class Target:
    """A device of which nothing is asked."""

    title: str = f"somewhere {WILD}"

    @asynccontextmanager
    async def session(self, transcript: Transcript) -> AsyncIterator[Transcript]:
        """What a case works with: here, its transcript."""
        yield transcript


async def nobody(_given: Namespace) -> Target:
    """The first contact."""
    return Target()


def nothing(_parser: ArgumentParser) -> None:
    """Asks for nothing more."""


def made() -> Suite[Transcript]:
    """A suite with a case for each way to come out."""
    suite: Suite[Transcript] = Suite("made", "A standard", {"b": "Second", "a": "First"}, nothing, nobody)

    @suite.case("a.pass", "passes", "s1", Requirement.MANDATORY)
    async def passes(transcript: Transcript) -> str:
        transcript.sent("1", b"PING\r\n\r\n")
        return "seen"

    @suite.case("b.fail", "fails", "s2", Requirement.MANDATORY)
    async def fails(transcript: Transcript) -> str:
        transcript.received("1", WILD.encode())
        expect(False, f"saw {WILD}")
        return ""

    @suite.case("b.soft", "fails softly", "s3", Requirement.OPTIONAL)
    async def soft(_transcript: Transcript) -> str:
        raise ConnectionResetError("reset")

    @suite.case("a.skip", "does not apply", "s4", Requirement.CONDITIONAL)
    async def skip(_transcript: Transcript) -> str:
        provided(False, "no such feature")
        return ""

    @suite.case("a.need", "needs something", "s5", Requirement.CONDITIONAL, lambda _transcript: "not there")
    async def need(_transcript: Transcript) -> str:
        raise AssertionError("a case whose need is not met was done")

    return suite


async def reported() -> Report:
    """The report of a run of all cases."""
    suite = made()
    outcomes = await run(suite.cases, Target(), 2, lambda _outcome: None)
    return Report(suite.name, suite.standard, Target().title, suite.groups, outcomes, 1.25)


def test_cases_come_in_the_order_of_the_groups() -> None:
    assert [case.id for case in made().cases] == ["b.fail", "b.soft", "a.pass", "a.skip", "a.need"]
    assert [case.id for case in made().chosen(["a.*", "b.soft"])] == ["b.soft", "a.pass", "a.skip", "a.need"]


def test_a_name_is_given_once_and_in_a_group() -> None:
    for name in ("a.pass", "c.new"):
        with pytest.raises(ValueError, match=name):
            made().case(name, "again", "s1", Requirement.OPTIONAL)


async def test_every_way_to_come_out_is_told() -> None:
    report = await reported()
    assert {outcome.id: outcome.result for outcome in report.outcomes} == {
        "b.fail": Result.FAIL,
        "b.soft": Result.FAIL,
        "a.pass": Result.PASS,
        "a.skip": Result.NOT_APPLICABLE,
        "a.need": Result.NOT_APPLICABLE,
    }
    assert report.outcomes[0].detail == f"saw {WILD}"
    assert report.outcomes[4].detail == "not there"


async def test_the_json_has_the_shape_that_scripts_read() -> None:
    told = json.loads(json.dumps((await reported()).json()))
    assert told["summary"] == {
        "passed": 1,
        "failed": 2,
        "mandatory_failed": 1,
        "not_applicable": 2,
        "not_judged": 0,
    }
    first = told["cases"][2]
    assert {key: first[key] for key in ("id", "title", "requirement", "result", "detail", "exchange")} == {
        "id": "a.pass",
        "title": "passes",
        "requirement": "mandatory",
        "result": "pass",
        "detail": "seen",
        "exchange": ["1> PING", "1>"],
    }


async def test_only_what_is_mandatory_decides_the_exit_code() -> None:
    report = await reported()
    assert report.exit_code == 1
    soft = [outcome for outcome in report.outcomes if outcome.id != "b.fail"]
    assert Report("made", "A standard", "", report.groups, soft, 1.0).exit_code == 0


async def test_the_page_stands_alone_and_shows_a_device_s_words_as_words() -> None:
    report = await reported()
    text = page(report)
    HTMLParser().feed(text)
    assert WILD not in text
    assert html.escape(WILD) in text
    assert "http" not in text
    assert all(f'id="{outcome.id}"' in text for outcome in report.outcomes)


async def test_a_case_that_hangs_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suites, "CASE_SECONDS", 0.05)
    suite = made()

    @suite.case("a.hang", "hangs", "s6", Requirement.MANDATORY)
    async def hang(_transcript: Transcript) -> str:
        await asyncio.sleep(60)
        return ""

    (outcome,) = await run(suite.chosen(["a.hang"]), Target(), 1, lambda _outcome: None)
    assert (outcome.result, outcome.detail) == (Result.FAIL, "did not end within 0.05 s")


async def test_an_error_of_the_suite_itself_is_no_fault_of_the_device() -> None:
    suite = made()

    @suite.case("a.broken", "is broken", "s7", Requirement.MANDATORY)
    async def broken(_transcript: Transcript) -> str:
        raise KeyError("ours")

    with pytest.raises(ExceptionGroup) as caught:
        await run(suite.chosen(["a.broken"]), Target(), 1, lambda _outcome: None)
    assert caught.group_contains(KeyError)


def test_a_transcript_folds_packets_and_is_bounded() -> None:
    transcript = Transcript()
    for _ in range(1000):
        transcript.packet("packet", 10)
    transcript.received("1", b"OK\x00\x1b[2J\xff\r\n")
    assert transcript.lines() == ("# 1000 x packet, 10000 octets", r"1< OK\x00\x1b[2J\xff", "1<")
    for number in range(2 * LINES_LIMIT):
        transcript.note(f"{number} " + "x" * 10_000)
    assert len(transcript.lines()) == LINES_LIMIT + 1
    assert max(map(len, transcript.lines())) < 400


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m conformance`."""
    return subprocess.run(
        [sys.executable, "-m", "conformance", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_command_lists_its_cases() -> None:
    said = command("rtsp", "--list")
    assert said.returncode == 0
    assert "message.cseq" in said.stdout


def test_who_cannot_be_reached_is_told_in_one_line() -> None:
    said = command("rtsp", "--url", "rtsp://127.0.0.1:9/x", "--user", "a", "--password", "b")
    assert said.returncode == 2
    assert said.stderr.startswith("rtsp://127.0.0.1:9/x does not answer as an RTSP server: no connection")
    assert len(said.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "url", ["127.0.0.1", "http://127.0.0.1/x", "rtsp://", "rtsp://me:secret@127.0.0.1/x"]
)
def test_a_url_of_another_form_is_refused(url: str) -> None:
    said = command("rtsp", "--url", url)
    assert said.returncode == 2
    assert "is not of the form rtsp://HOST[:PORT]/PATH" in said.stderr
