"""Which rules are active, and when an activation is carried out. Pure: facts and time go in, steps come out.

    engine.follow(rules)
    for step in engine.observe(facts, now): ...

What a rule is told of is either a state that lasts or a moment. A rule whose conditions are all of states is active
exactly while they hold together. One with a moment among them is active for that moment. Where the first is a trigger,
its beginning starts the rule, which then lasts while all *others* hold; a trigger alone is a moment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from device.events.event import Event, event_values
from device.settings.rules import Condition, Happens, Holds, Manual, Rule, Scheduled


@dataclass(frozen=True, slots=True)
class Facts:
    """All that conditions look at."""

    states: Sequence[tuple[str, Event]]  #: that hold: their name, and the event that raised them
    event: Event | None = None  #: that is said just now
    manual: str = ""  #: trigger that somebody fires just now
    covered: Callable[[str], bool] = lambda _: False  #: whether a schedule covers now, by key
    pulsed: Callable[[str], bool] = lambda _: False  #: whether a pulse comes just now, by key


class Verb(Enum):
    """What becomes of a rule."""

    BEGIN = "begin"  #: its actions are carried out
    END = "end"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do."""

    rule: str
    verb: Verb
    why: str = ""  #: of BEGIN: what made it so
    suppressed: int = 0  #: of BEGIN: activations since the last that was carried out
    after: float = 0.0  #: of END: seconds


@dataclass(slots=True)
class _Run:
    """How a rule is."""

    since: float | None = None  #: active and carried out since then
    quiet: bool = False  #: active, and suppressed by the wait
    armed: bool = True  #: the trigger did not hold a moment ago: its next beginning counts
    last: float | None = None  #: when it was last carried out
    suppressed: int = 0


class Engine:
    """The rules of one recorder."""

    def __init__(self) -> None:
        self._rules: dict[str, Rule] = {}
        self._runs: dict[str, _Run] = {}

    def follow(self, rules: Mapping[str, Rule], now: float) -> list[Step]:
        """Take other rules. One that is gone or not enabled ends; one that has changed goes on as it was, with its
        wait."""
        wanted = {key: rule for key, rule in rules.items() if rule.enabled}
        steps = [
            self._end(key, now) for key in self._rules if key not in wanted and self._since(key) is not None
        ]
        self._runs = {key: self._runs.get(key, _Run()) for key in wanted}
        self._rules = dict(wanted)
        return steps

    def restore(self, key: str, since: float, *, active: bool) -> None:
        """A rule was active or carried out before a restart: it is not carried out again on account of the same."""
        run = self._runs.get(key)
        if run is not None:
            run.last = since
            run.since = since if active else None
            run.armed = False  # what holds now held then, for all that is known

    def suppressed(self, key: str) -> int:
        """Activations of a rule since the last that was carried out."""
        run = self._runs.get(key)
        return 0 if run is None else run.suppressed

    def active(self) -> frozenset[str]:
        """Rules that are active now, and carried out."""
        return frozenset(key for key, run in self._runs.items() if run.since is not None)

    def observe(self, facts: Facts, now: float) -> list[Step]:
        """What to do. `now`: monotonic seconds."""
        steps: list[Step] = []
        for key, rule in self._rules.items():
            steps += self._observe(key, rule, facts, now)
        return steps

    # ------------------------------------------------------------------------------------------ within

    def _observe(self, key: str, rule: Rule, facts: Facts, now: float) -> list[Step]:
        run = self._runs[key]
        values = [holds(condition, facts) for condition in rule.conditions]
        moment = any(is_moment(condition, facts) for condition in rule.conditions)
        if rule.trigger:
            fires = values[0] and (run.armed or is_moment(rule.conditions[0], facts))
            run.armed = not values[0] or is_moment(rule.conditions[0], facts)
            begins = fires and all(values[1:])
            lasts = len(values) > 1 and all(values[1:])
        else:
            begins = all(values)
            lasts = begins and not moment
        running = run.since is not None or run.quiet
        steps: list[Step] = []
        if running and not lasts:
            if run.since is not None:
                steps.append(self._end(key, now))
            run.quiet = False
            running = False
        if begins and not running:
            steps += self._begin(key, rule, describe(rule.conditions[0]), lasts, now)
        return steps

    def _begin(self, key: str, rule: Rule, why: str, lasts: bool, now: float) -> list[Step]:
        run = self._runs[key]
        if run.last is not None and now - run.last < rule.wait:
            run.suppressed += 1
            run.quiet = lasts
            return []
        step = Step(key, Verb.BEGIN, why, run.suppressed)
        run.suppressed, run.last, run.since = 0, now, now
        return [step] if lasts else [step, self._end(key, now)]

    def _end(self, key: str, now: float) -> Step:
        run = self._runs[key]
        after = 0.0 if run.since is None else now - run.since
        run.since = None
        return Step(key, Verb.END, after=after)

    def _since(self, key: str) -> float | None:
        return self._runs[key].since


def holds(condition: Condition, facts: Facts) -> bool:
    """Whether a condition holds, inverted where it says so."""
    match condition:
        case Holds():
            found = any(
                name == condition.state and _about(event, condition.about) for name, event in facts.states
            )
            return found is not condition.invert
        case Happens():
            event = facts.event
            return event is not None and event.name == condition.event and _about(event, condition.about)
        case Scheduled():
            if facts.pulsed(condition.schedule):
                return not condition.invert
            return facts.covered(condition.schedule) is not condition.invert
        case Manual():
            return facts.manual == condition.name


def is_moment(condition: Condition, facts: Facts) -> bool:
    """Whether it holds for this moment only."""
    if isinstance(condition, Scheduled):
        return facts.pulsed(condition.schedule)
    return isinstance(condition, Happens | Manual)


def describe(condition: Condition) -> str:
    """A condition for a person."""
    match condition:
        case Holds():
            text = condition.state + _words(condition.about)
        case Happens():
            return f"event {condition.event}{_words(condition.about)}"
        case Scheduled():
            text = f"schedule {condition.schedule}"
        case Manual():
            return f"manual {condition.name}"
    return f"not {text}" if condition.invert else text


def _words(about: Mapping[str, str]) -> str:
    return "".join(f" {name}={value}" for name, value in about.items())


def _about(event: Event, about: Mapping[str, str]) -> bool:
    """Whether the event's fields have the values that are meant; a field that it does not have, has none."""
    for name, wanted in about.items():
        if name not in type(event).__match_args__:  # type: ignore[attr-defined]  # every event is a dataclass
            return False
        (value,) = event_values(event, [name])
        if str(value) != wanted:
            return False
    return True
