"""The suite can fail: each fault of a small server fails the case that is about it, and no fault fails none."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Iterator, Sequence

import pytest

from conformance.case import Outcome, Result
from conformance.rtsp import SUITE
from conformance.rtsp.device import contact
from conformance.suite import Unreachable, run
from tests.conformance.wrong_server import PASSWORD, USER, serving

#: fault -> the case that must find it.
FAULTS = {
    "cseq": "message.cseq",
    "reason": "message.status-line",
    "pipeline": "message.pipeline",
    "body": "message.body",
    "version": "message.version",
    "require": "message.require",
    "dies": "malformed.garbage",
    "silent": "malformed.length-negative",
    "public": "describe.options",
    "unknown": "describe.unknown",
    "sdp": "describe.valid",
    "short": "method.session-id",
    "counted": "method.session-id",
    "session": "method.session-unknown",
    "pause": "method.pause",
    "teardown": "method.teardown",
    "channels": "transport.interleaved",
    "last-offer": "transport.order",
    "any-transport": "transport.unsupported",
    "udp-source": "transport.udp",
    "setup-open": "account.setup",
    "anybody": "account.wrong",
    "empty-password": "account.empty",
    "method": "account.method",
    "uri": "account.uri",
    "nonce": "account.nonce",
    "lossy": "media.rtp",
    "clock": "media.rtp",
    "torn": "media.requests",
    "rtp-info": "media.rtp-info-first",
    "no-reports": "media.rtcp",
    "foreign-report": "media.rtcp",
    "dollar": "media.upstream",
    "range": "range.malformed",
    "seek": "replay.npt",
    "end": "replay.end",
    "no-bye": "replay.bye",
    "beyond": "replay.beyond",
    "resume": "replay.resume",
    "flood": "replay.pace",
    "scale": "replay.scale-told",
}


async def judged(fault: str, names: Sequence[str], seconds: int) -> dict[str, Outcome]:
    """The outcomes of some cases at a server with a fault."""
    async with serving(fault, seconds) as server:
        root = f"rtsp://127.0.0.1:{server.port}"
        given = Namespace(
            url=f"{root}/live",
            replay_url=f"{root}/replay",
            user=USER,
            password=PASSWORD,
            http_port=None,
            websocket_url=None,
            patience=5.0,
        )
        target = await contact(given)
        outcomes = await run(SUITE.chosen(names), target, 8, lambda _outcome: None)
    return {outcome.id: outcome for outcome in outcomes}


async def test_without_a_fault_every_case_passes_that_is_about_one() -> None:
    names = sorted(set(FAULTS.values()))
    outcomes = await judged("", names, 60)
    wrong = {name: (o.result, o.detail) for name, o in outcomes.items() if o.result is not Result.PASS}
    assert wrong == {}
    assert sorted(outcomes) == names


@pytest.fixture(scope="module")
def found() -> Iterator[dict[str, Outcome]]:
    """Fault -> the outcome of its case. All servers at once, since most of it is waiting."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("conformance.rtsp.client.ANSWER_SECONDS", 2.0)
        patch.setattr("conformance.rtsp.cases.media._REPORT_SECONDS", 2.0)
        patch.setattr("conformance.rtsp.cases.replay._GROUP", 1.0)

        async def everything() -> list[dict[str, Outcome]]:
            places = asyncio.Semaphore(12)

            async def one(fault: str, name: str) -> dict[str, Outcome]:
                async with places:
                    return await judged(fault, [name], 60)

            return await asyncio.gather(*(one(fault, name) for fault, name in FAULTS.items()))

        outcomes = asyncio.run(everything())
        yield {fault: one[FAULTS[fault]] for fault, one in zip(FAULTS, outcomes, strict=True)}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(fault: str, found: dict[str, Outcome]) -> None:
    outcome = found[fault]
    assert outcome.result is Result.FAIL, outcome.detail
    assert outcome.detail
    assert outcome.exchange


async def test_a_server_that_cannot_be_understood_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.rtsp.client.ANSWER_SECONDS", 1.0)
    with pytest.raises(Unreachable, match="does not answer as an RTSP server"):
        await judged("length", ["message.*"], 60)


@pytest.mark.parametrize(
    ("path", "password", "said"),
    [("live", "other", "does not let viewer in"), ("none", PASSWORD, "404 Not Found")],
)
async def test_without_a_presentation_to_look_at_nothing_is_judged(
    path: str, password: str, said: str
) -> None:
    async with serving("", 60) as server:
        url = f"rtsp://127.0.0.1:{server.port}/{path}"
        given = Namespace(
            url=url,
            replay_url=None,
            user=USER,
            password=password,
            http_port=None,
            websocket_url=None,
            patience=5.0,
        )
        with pytest.raises(Unreachable, match=said):
            await contact(given)


async def test_a_session_that_never_ends_is_found_and_one_that_ends_is_not() -> None:
    names = ["session.expires", "session.expires-playing", "session.kept", "session.kept-interleaved"]
    right = await judged("", names, 2)
    assert {name: o.result for name, o in right.items()} == dict.fromkeys(names, Result.PASS)
    wrong = await judged("immortal", names, 2)
    assert [name for name, o in wrong.items() if o.result is Result.FAIL] == names[:2]
