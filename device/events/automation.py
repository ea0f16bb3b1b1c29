"""Events of what the recorder does by itself or is told to do. Part of the catalogue, which imports this module."""

from __future__ import annotations

from typing import NewType

from device.errors import Severity
from device.events.event import Count, Event, Seconds, event

RuleId = NewType("RuleId", str)  #: the key of a rule's settings


@event("command.received", severity=Severity.NOTICE, about=("thing",))
class CommandReceived(Event):
    """Somebody gave a command over a wire that knows no accounts."""

    thing: str  #: such as port-3
    entity: str  #: what of it, such as power
    value: str  #: such as ON
    wire: str  #: such as mqtt
    result: str  #: done, or why not


@event("rule.active", severity=Severity.NOTICE, about=("rule",), state="rule.active")
class RuleActive(Event):
    """A rule's conditions hold: its action is carried out."""

    rule: RuleId
    title: str  #: the rule's name
    why: str  #: the condition that made it so, or who triggered it
    suppressed: Count  #: times since the last action that it was not, because of the wait between actions


@event("rule.ended", severity=Severity.INFO, about=("rule",), clears=("rule.active",))
class RuleEnded(Event):
    """A rule's conditions do not hold any more."""

    rule: RuleId
    title: str  #: the rule's name
    after: Seconds  #: how long they did


@event("rule.action-failed", severity=Severity.ERROR, about=("rule",))
class RuleActionFailed(Event):
    """A rule's action could not be carried out."""

    rule: RuleId
    title: str  #: the rule's name
    action: str
    detail: str


@event("rule.overrun", severity=Severity.WARNING, about=("rule",))
class RuleOverrun(Event):
    """A rule asks for actions faster than they can be carried out: some are left out."""

    rule: RuleId
    title: str  #: the rule's name
    dropped: Count  #: actions


@event("rule.told", severity=Severity.NOTICE, about=("rule",))
class RuleTold(Event):
    """A rule says what it was made to say."""

    rule: RuleId
    title: str  #: the rule's name
    text: str
