"""The SNMP suite at a small agent of ours, at the same with one fault at a time, and at Debian's snmpd."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from conformance.case import Outcome, Requirement, Result
from conformance.snmp import SUITE
from conformance.snmp.device import contact
from conformance.suite import Unreachable, run
from tests.conformance import small_agent, snmpd
from tests.conformance.small_agent import FAULTS, serving

#: Cases that fail where the machine is busy for no fault of the agent's: clocks that are compared.
_OF_TIME = frozenset(("malformed.flood-unknown", "get.uptime"))
_OF_TRAPS = ("trap.*",)  # the small agent tells nobody


def given(port: int, **changes: object) -> Namespace:
    """A command line."""
    usual: dict[str, object] = {
        "host": "127.0.0.1",
        "port": port,
        "community": small_agent.COMMUNITY,
        "write_community": small_agent.WRITE,
        "user": small_agent.USER,
        "password": small_agent.PASSWORD,
        "auth": small_agent.AUTHENTICATION,
        "priv": "AES",
        "priv_password": None,
        "trap_port": None,
    }
    return Namespace(**{**usual, **changes})


async def judged(
    fault: str, names: Sequence[str], at_once: int = 16, **changes: object
) -> dict[str, Outcome]:
    """The outcomes of some cases at the small agent."""
    async with serving(fault) as port:
        target = await contact(given(port, **changes))
        outcomes = await run(SUITE.chosen(names), target, at_once, lambda _outcome: None)
    return {outcome.id: outcome for outcome in outcomes}


def failures(outcomes: dict[str, Outcome]) -> dict[str, str]:
    """Those that failed, and why."""
    return {
        name: each.detail
        for name, each in outcomes.items()
        if each.result is Result.FAIL and name not in _OF_TIME
    }


async def test_a_small_agent_of_ours_does_all_that_is_demanded() -> None:
    groups = [name for name in SUITE.groups if name not in ("trap", "tool", "row", "walk")]
    outcomes = await judged("", [f"{name}.*" for name in groups])
    assert failures(outcomes) == {}
    results = Counter(each.result for each in outcomes.values())
    assert results[Result.PASS] >= 220
    not_done = [name for name, each in outcomes.items() if each.result is Result.NOT_APPLICABLE]
    assert len(not_done) <= 8, not_done


async def test_its_walks_are_whole() -> None:
    outcomes = await judged("", ["walk.*"])
    assert failures(outcomes) == {}


async def test_managers_of_others_understand_it() -> None:
    outcomes = await judged(
        "", ["tool.*"], at_once=1
    )  # pysnmp keeps the loop busy, in which the agent is, too
    assert failures(outcomes) == {}
    assert sum(each.result is Result.PASS for each in outcomes.values()) >= 15


async def test_without_communities_only_v3_is_judged() -> None:
    outcomes = await judged("", ["get.*", "view.*", "bulk.*"], community="", write_community="")
    assert failures(outcomes) == {}
    assert outcomes["get.sysDescr"].result is Result.PASS
    assert outcomes["get.v1-name"].result is Result.NOT_APPLICABLE
    assert outcomes["view.get"].result is Result.NOT_APPLICABLE


@pytest.fixture(scope="module")
def found() -> Iterator[dict[str, Outcome]]:
    """Fault -> the outcome of its case. Several agents at once, since most of it is waiting."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("conformance.snmp.device.ANSWER_SECONDS", 2.0)

        async def everything() -> list[dict[str, Outcome]]:
            places = asyncio.Semaphore(6)

            async def one(fault: str, name: str) -> dict[str, Outcome]:
                async with places:
                    return await judged(fault, [name])

            return await asyncio.gather(*(one(fault, name) for fault, (_, name) in FAULTS.items()))

        outcomes = asyncio.run(everything())
        yield {fault: one[FAULTS[fault][1]] for fault, one in zip(FAULTS, outcomes, strict=True)}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(fault: str, found: dict[str, Outcome]) -> None:
    outcome = found[fault]
    assert outcome.result is Result.FAIL, outcome.detail
    assert outcome.detail
    assert outcome.exchange


async def test_who_does_not_answer_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.snmp.device.ANSWER_SECONDS", 1.0)
    async with serving("") as port:
        for changes in (
            {"community": "other", "user": ""},
            {"user": "nobody"},
            {"community": "", "user": ""},
        ):
            with pytest.raises(Unreachable):
                await contact(given(port, **changes))


def test_there_are_cases_for_every_part_of_the_standards() -> None:
    cases = SUITE.cases
    assert len(cases) >= 150
    assert {case.group for case in cases} == set(SUITE.groups)
    assert sum(case.requirement is not Requirement.OPTIONAL for case in cases) >= 150


RIGHT = (
    "message.request-id",
    "get.no-such-object",
    "get.v1-index",
    "next.end",
    "bulk.rows",
    "set.whole",
    "set.type",
    "engine.discovery",
    "user.private",
    "user.digest",
    "user.window-far",
    "view.get",
    "view.next",
    "tool.get-v3",
)


@pytest.mark.skipif(bool(snmpd.lacking()), reason=f"not installed: {' '.join(snmpd.lacking())}")
async def test_debian_s_agent_is_judged_like_any_other(tmp_path: Path) -> None:
    with snmpd.running(tmp_path) as served:
        told = given(
            served.port,
            community=served.community,
            write_community=served.write,
            user=served.user,
            password=served.password,
            auth="SHA",
        )
        outcomes = await run(SUITE.chosen(RIGHT), await contact(told), 4, lambda _outcome: None)
    assert {each.id: each.detail for each in outcomes if each.result is not Result.PASS} == {}
    assert len(outcomes) == len(RIGHT)
