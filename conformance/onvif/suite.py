"""The ONVIF suite, before its cases: each official test has one row, written or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from conformance.case import Check, Need, NotJudged, Outcome, Requirement, Result
from conformance.onvif.device import Device, arguments, contact
from conformance.onvif.needs import FEATURES
from conformance.onvif.official import TESTS
from conformance.suite import Suite

_NAMED = 6  #: tests that the verdict names


def verdict(outcomes: Sequence[Outcome]) -> str:
    """What the cases come to. Profile G is said only where every case that applies was done, and none failed."""
    failed = [each.id for each in outcomes if each.result is Result.FAIL]
    must = [each for each in outcomes if each.requirement is Requirement.MANDATORY]
    lacking = [each.id for each in must if each.result is Result.NOT_APPLICABLE]
    unjudged = [each.id for each in outcomes if each.result is Result.NOT_JUDGED]
    missing = set(TESTS) - {each.id for each in outcomes}
    if failed:
        return f"Profile G: no. {len(failed)} tests that apply fail ({_some(failed)})."
    if lacking:
        return (
            f"Profile G: no. Nothing fails, but {len(lacking)} tests of what the profile demands do not apply, "
            f"because the device declares that it has it not ({_some(lacking)})."
        )
    if unjudged or missing:
        number = len(unjudged) + len(missing)
        return f"Profile G: open. Nothing fails; {number} tests that apply were not done."
    return "Profile G: yes. Every test that applies passes."


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + " ..." * (len(names) > _NAMED)


SUITE: Suite[Device] = Suite(
    "onvif",
    "ONVIF Profile G recorders (device tests of Core, Event, Recording Control, Search, Replay, Receiver)",
    {
        "IPCONFIG": "Base: addresses",
        "DISCOVERY": "Base: discovery",
        "DEVICE": "Base: device management",
        "SECURITY": "Base: security",
        "EVENT": "Event handling",
        "RECORDING": "Recording control",
        "SEARCH": "Recording search",
        "REPLAY": "Replay control",
        "RECEIVER": "Receiver",
    },
    arguments,
    contact,
    verdict,
)


@dataclass(frozen=True, slots=True)
class _Written:
    """A test that somebody has written."""

    check: Check[Device]
    needs: tuple[Need[Device], ...]
    slow: bool
    alone: int = 0


_written: dict[str, _Written] = {}


def official(
    name: str, *needs: Need[Device], slow: bool = False, alone: int = 0
) -> Callable[[Check[Device]], Check[Device]]:
    """The function below does this official test. `needs`: besides what the table says; `alone`: of its `Case`."""
    if name not in TESTS or name in _written:
        raise ValueError(f"{name}: no such test, or already there")

    def keep(check: Check[Device]) -> Check[Device]:
        _written[name] = _Written(check, needs, slow, alone)
        return check

    return keep


def every_row(unwritten: Mapping[str, tuple[Need[Device], ...]]) -> None:
    """A row for each test, in the official order. Those that nobody has written are not applicable where that is
    declared (`unwritten`: what tells it, besides the table), and open otherwise."""

    async def nobody(_device: Device) -> str:
        raise NotJudged("not written")

    for name, test in TESTS.items():
        done = _written.get(name) or _Written(nobody, unwritten.get(name, ()), slow=False)
        requirement = Requirement.MANDATORY if test.when == "-" else Requirement.CONDITIONAL
        needs = (*FEATURES[test.when], *done.needs)
        register = SUITE.case(
            name, test.title, test.clause, requirement, *needs, slow=done.slow, alone=done.alone
        )
        register(done.check)
