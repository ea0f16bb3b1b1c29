"""A report: all outcomes of one run, and what they come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from conformance.case import Outcome, Requirement, Result

Json: TypeAlias = "int | float | str | Sequence[Json] | Mapping[str, Json]"


@dataclass(frozen=True, slots=True)
class Report:
    """One device, judged."""

    suite: str
    standard: str
    device: str
    groups: Mapping[str, str]  #: group -> heading
    outcomes: Sequence[Outcome]
    seconds: float
    verdict: str = ""  #: what they come to, where the standard has a word for it

    def count(self, result: Result) -> int:
        """How many cases came out so."""
        return sum(outcome.result is result for outcome in self.outcomes)

    @property
    def mandatory_failed(self) -> int:
        """How many cases failed of those that every device must pass."""
        return sum(
            outcome.result is Result.FAIL and outcome.requirement is Requirement.MANDATORY
            for outcome in self.outcomes
        )

    @property
    def exit_code(self) -> int:
        """0: nothing mandatory failed, 1: something did."""
        return 1 if self.mandatory_failed else 0

    def grouped(self) -> list[tuple[str, list[Outcome]]]:
        """Headings with their outcomes; those without any are left out."""
        found = [
            (heading, [outcome for outcome in self.outcomes if outcome.group == group])
            for group, heading in self.groups.items()
        ]
        return [(heading, outcomes) for heading, outcomes in found if outcomes]

    def json(self) -> dict[str, Json]:
        """The shape that scripts read: `summary` and `cases`."""
        return {
            "suite": self.suite,
            "standard": self.standard,
            "device": self.device,
            "seconds": round(self.seconds, 1),
            "summary": {
                "passed": self.count(Result.PASS),
                "failed": self.count(Result.FAIL),
                "mandatory_failed": self.mandatory_failed,
                "not_applicable": self.count(Result.NOT_APPLICABLE),
                "not_judged": self.count(Result.NOT_JUDGED),
            },
            "verdict": self.verdict,
            "cases": [
                {
                    "id": outcome.id,
                    "title": outcome.title,
                    "clause": outcome.clause,
                    "requirement": outcome.requirement.value,
                    "result": outcome.result.value,
                    "detail": outcome.detail,
                    "exchange": list(outcome.exchange),
                    "seconds": round(outcome.seconds, 2),
                }
                for outcome in self.outcomes
            ],
        }
