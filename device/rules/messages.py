"""What is asked of the control plane about rules."""

from __future__ import annotations

from dataclasses import dataclass

from device.planes.messages import Done
from device.planes.wire import Request, message


@dataclass(frozen=True, slots=True)
class RuleShown:
    """One rule, now."""

    key: str
    name: str
    enabled: bool
    active: bool
    suppressed: int  #: activations since the last that was carried out
    waiting: int  #: actions that wait to be carried out


@message
class RulesShown:
    """All rules."""

    rules: tuple[RuleShown, ...]


@message
class AskRules(Request[RulesShown]):
    """How are the rules?"""


@dataclass(frozen=True, slots=True)
class ConditionShown:
    """A condition, and whether it holds now."""

    text: str
    holds: bool
    moment: bool  #: it is of a moment: it can only hold while that is


@message
class RuleTried:
    """What a rule would do; nothing was done."""

    conditions: tuple[ConditionShown, ...]
    active: bool  #: all that last hold: a moment that the rule waits for, or none, would make it active
    actions: tuple[str, ...]
    problems: tuple[str, ...]  #: what could not be carried out: no such camera, port or recipient


@message
class TryRule(Request[RuleTried]):
    """Try a rule dry: one of the settings, or one that is not saved yet. NotFound, BadValue."""

    key: str
    values: str = ""  #: JSON object of the rule to try; empty: the one that is saved


@message
class FireTrigger(Request[Done]):
    """Fire a manual trigger. NotFound where no rule has it."""

    name: str
    by: str
