"""Rules in the control plane: facts to the engine, and its steps carried out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from device.errors import BadValue, HoldfastError, NotFound
from device.events.automation import RuleActionFailed, RuleActive, RuleEnded, RuleId, RuleOverrun, RuleTold
from device.events.event import Event
from device.events.journal import Entry
from device.media import MICROSECONDS, Utc
from device.planes.link import Client, Server
from device.planes.messages import Done, TriggerEvent
from device.poe.errors import NoHardware
from device.poe.service import PoeService
from device.rules.engine import Engine, Facts, Step, Verb, describe, holds
from device.rules.messages import (
    AskRules,
    ConditionShown,
    FireTrigger,
    RuleShown,
    RulesShown,
    RuleTried,
    TryRule,
)
from device.rules.schedules import covers, pulses
from device.settings.cameras import Camera
from device.settings.mqtt import Mqtt
from device.settings.recipients import Recipient
from device.settings.rules import (
    OWN,
    Action,
    Buzz,
    Clip,
    Cycle,
    Happens,
    Manual,
    Pictures,
    Publish,
    Recall,
    Record,
    Rule,
    Schedule,
    Scheduled,
    Send,
    Tell,
)
from device.settings.section import validate
from device.settings.store import Changed
from integration.plane import Plane
from integration.zone import local_zone

TICK = 1.0  #: seconds between looks at schedules and pulses, and between two words to the recording of an active rule
ROOM = 16  #: activations of one rule that may wait for their actions
OVERRUN_EVERY = 60.0  #: seconds between two events that say so
LOOK_BACK = 2000  #: entries of the journal in which the last activation of a rule is looked for at the start


@dataclass(frozen=True, slots=True)
class Reach:
    """What actions reach."""

    recording: Client
    poe: Callable[[], PoeService | None]
    publish: Callable[[Publish], None]  #: at the broker; raises HoldfastError where there is none
    send: Callable[
        [str, str, str], None
    ]  #: recipient, subject, text; raises HoldfastError where there is none
    pictures: Callable[[Pictures, str, str], Awaitable[None]]  #: subject, text; raises HoldfastError
    clip: Callable[[Clip, Utc, str, str], None]  #: of when, subject, text; raises HoldfastError
    recall: Callable[[str, str, str], Awaitable[None]]  #: camera, preset, by whom; raises HoldfastError


@dataclass(slots=True)
class _Lane:
    """A rule's actions, one activation after the other."""

    waiting: asyncio.Queue[tuple[Rule, str, Utc]] = field(default_factory=lambda: asyncio.Queue(ROOM))
    task: asyncio.Task[None] | None = None
    dropped: int = 0
    told: float | None = None


class RulesPlane:
    """All rules of the settings."""

    def __init__(self, own: Plane, reach: Reach) -> None:
        self._own = own
        self._reach = reach
        self._engine = Engine()
        self._rules: dict[str, Rule] = {}
        self._schedules: dict[str, Schedule] = {}
        self._covers: dict[str, Callable[[Utc], bool]] = {}
        self._interest: frozenset[str] = frozenset()  #: events that some condition is about
        self._lanes: dict[str, _Lane] = {}
        self._ticked = own.clock.utc()
        self._stale = True  #: the settings have changed since they were read

    # ------------------------------------------------------------------------------------------ for others

    def faults(self) -> frozenset[str]:
        """What the box shall sound and show on account of rules."""
        self._follow()
        active = self._engine.active()
        return frozenset(
            f"rule {rule.name}"
            for key, rule in self._rules.items()
            if key in active and any(isinstance(each, Buzz) for each in rule.actions)
        )

    def triggers(self) -> dict[str, str]:
        """The manual triggers, and the names of the rules that they fire."""
        self._follow()
        found: dict[str, str] = {}
        for rule in self._rules.values():
            for condition in rule.conditions:
                if isinstance(condition, Manual):
                    found.setdefault(condition.name, rule.name)
        return found

    def fire(self, name: str, by: str) -> None:
        """Fire a manual trigger. Raises NotFound where no rule has it."""
        if name not in self.triggers():
            raise NotFound("manual trigger", name)
        self._observe(self._facts(manual=name), by)

    def answer(self, server: Server) -> None:
        """Let `server` answer for the rules."""

        async def ask(request: AskRules) -> RulesShown:
            del request
            self._follow()
            active = self._engine.active()
            return RulesShown(
                tuple(
                    RuleShown(
                        key,
                        rule.name,
                        rule.enabled,
                        key in active,
                        self._engine.suppressed(key),
                        self._lanes[key].waiting.qsize() if key in self._lanes else 0,
                    )
                    for key, rule in self._rules.items()
                )
            )

        async def fire(request: FireTrigger) -> Done:
            self.fire(request.name, request.by)
            return Done()

        async def try_(request: TryRule) -> RuleTried:
            return self._tried(request)

        server.on(AskRules, ask)
        server.on(FireTrigger, fire)
        server.on(TryRule, try_)

    # ------------------------------------------------------------------------------------------ running

    async def run(self) -> None:
        """For ever."""
        own = self._own
        ends = [own.settings.subscribe(self._changed), own.bus.subscribe(self._said)]
        try:
            self._follow()
            self._restore()
            while True:
                self._tick()
                await asyncio.sleep(TICK)
        finally:
            for end in ends:
                end()
            tasks = [lane.task for lane in self._lanes.values() if lane.task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _changed(self, changed: Changed) -> None:
        if changed.section in (Rule.about.section, Schedule.about.section):
            self._stale = True  # they are read when next they matter: many may change at once

    def _follow(self) -> None:
        if not self._stale:
            return
        self._stale = False
        store, zone = self._own.settings, local_zone()
        self._rules = store.entries(Rule)
        self._schedules = store.entries(Schedule)
        self._covers = {key: covers(each, zone) for key, each in self._schedules.items()}
        conditions = [each for rule in self._rules.values() for each in rule.conditions]
        self._interest = frozenset(each.event for each in conditions if isinstance(each, Happens))
        for step in self._engine.follow(self._rules, self._own.clock.monotonic()):
            self._do(step, "")
        for key in self._lanes.keys() - self._rules.keys():
            task = self._lanes.pop(key).task
            if task is not None:
                task.cancel()

    def _restore(self) -> None:
        """A rule that was active before a restart is not carried out again, and waits as long as it would have."""
        own = self._own
        now, utc = own.clock.monotonic(), own.clock.utc()
        active = {
            entry.event.rule: entry
            for entry in own.bus.journal.active()
            if isinstance(entry.event, RuleActive)
        }
        last: dict[str, Utc] = {}
        for entry in own.bus.journal.latest(LOOK_BACK):
            if isinstance(entry.event, RuleActive):
                last.setdefault(entry.event.rule, entry.utc)
        for key, then in last.items():
            since = now - max(0, utc - then) / MICROSECONDS
            self._engine.restore(key, since, active=key in active)
        for key, entry in active.items():
            if key not in self._rules and isinstance(entry.event, RuleActive):
                own.bus.publish(RuleEnded(entry.event.rule, entry.event.title, 0.0))

    def _tick(self) -> None:
        self._follow()
        before, self._ticked = self._ticked, self._own.clock.utc()
        now = self._ticked
        self._observe(self._facts(pulsed=lambda key: self._pulses(key, before, now)), "")
        for key in self._engine.active():
            rule = self._rules[key]
            for action in rule.actions:
                if isinstance(action, Record):
                    self._lane(key, rule, f"{rule.name} goes on", only=action)

    def _pulses(self, key: str, before: Utc, now: Utc) -> bool:
        schedule = self._schedules.get(key)
        return schedule is not None and pulses(schedule, before, now)

    def _said(self, entry: Entry) -> None:
        kind = type(entry.event)
        if kind.name.startswith(OWN):
            return
        self._follow()
        if kind.raises or kind.clears or kind.name in self._interest:
            self._observe(self._facts(event=entry.event), "")

    def _facts(
        self, *, event: Event | None = None, manual: str = "", pulsed: Callable[[str], bool] = lambda _: False
    ) -> Facts:
        utc = self._own.clock.utc()

        def covered(key: str) -> bool:
            return key in self._covers and self._covers[key](utc)

        states = [(type(entry.event).raises, entry.event) for entry in self._own.bus.journal.active()]
        return Facts(states, event, manual, covered, pulsed)

    def _observe(self, facts: Facts, by: str) -> None:
        for step in self._engine.observe(facts, self._own.clock.monotonic()):
            self._do(step, by)

    # ------------------------------------------------------------------------------------------ carrying out

    def _do(self, step: Step, by: str) -> None:
        publish = self._own.bus.publish
        rule = self._rules.get(step.rule)
        title = rule.name if rule is not None else ""
        if step.verb is Verb.END:
            publish(RuleEnded(RuleId(step.rule), title, step.after))
            return
        assert rule is not None
        why = f"{step.why}, by {by}" if by else step.why
        publish(RuleActive(RuleId(step.rule), title, why, step.suppressed))
        self._lane(step.rule, rule, why)

    def _lane(self, key: str, rule: Rule, why: str, only: Action | None = None) -> None:
        lane, utc = self._lanes.setdefault(key, _Lane()), self._own.clock.utc()
        if lane.task is None:
            lane.task = asyncio.create_task(self._work(key, lane), name=f"rule {key}")
        if only is not None:
            if lane.waiting.empty():  # else it is told soon enough
                lane.waiting.put_nowait((rule.model_copy(update={"actions": (only,)}), why, utc))
            return
        try:
            lane.waiting.put_nowait((rule, why, utc))
        except asyncio.QueueFull:
            lane.dropped += 1
            now = self._own.clock.monotonic()
            if lane.told is None or now - lane.told >= OVERRUN_EVERY:
                lane.told = now
                self._own.bus.publish(RuleOverrun(RuleId(key), rule.name, lane.dropped))

    async def _work(self, key: str, lane: _Lane) -> None:
        while True:
            rule, why, utc = await lane.waiting.get()
            for action in rule.actions:
                try:
                    await self._act(RuleId(key), rule, action, why, utc)
                except (HoldfastError, TimeoutError) as error:
                    failed = RuleActionFailed(RuleId(key), rule.name, action.kind, str(error))
                    self._own.bus.publish(failed)

    async def _act(self, key: RuleId, rule: Rule, action: Action, why: str, utc: Utc) -> None:
        match action:
            case Record():
                for camera in action.cameras:
                    await self._reach.recording.call(TriggerEvent(camera, utc, None, rule.name))
            case Cycle():
                service = self._reach.poe()
                if service is None:
                    raise NoHardware("This recorder governs no PoE ports.")
                service.cycle(action.port, f"rule {rule.name}")
            case Tell():
                self._own.bus.publish(RuleTold(key, rule.name, action.text))
            case Publish():
                self._reach.publish(action)
            case Send():
                self._reach.send(action.recipient, rule.name, action.text or why)
            case Pictures():
                await self._reach.pictures(action, rule.name, action.text or why)
            case Clip():
                self._reach.clip(action, utc, rule.name, action.text or why)
                upto = Utc(utc + round(action.after * MICROSECONDS))
                for camera in action.cameras:  # in event mode nothing else may keep it
                    for at in (utc, upto):
                        await self._reach.recording.call(TriggerEvent(camera, at, None, rule.name))
            case Recall():
                await self._reach.recall(action.camera, action.preset, f"rule {rule.name}")
            case Buzz():
                pass  # as long as the rule is active; see `faults`

    # ------------------------------------------------------------------------------------------ trying

    def _tried(self, request: TryRule) -> RuleTried:
        self._follow()
        rule = _drafted(request) if request.values else self._rules.get(request.key)
        if rule is None:
            raise NotFound("rule", request.key)
        facts = self._facts()
        shown = tuple(
            ConditionShown(
                describe(each), holds(each, facts), isinstance(each, Happens | Manual) or self._pulse(each)
            )
            for each in rule.conditions
        )
        lasting = [each for each in shown if not each.moment]
        problems = [problem for action in rule.actions if (problem := self._problem(action))]
        problems += [
            f"there is no schedule {each.schedule!r}"
            for each in rule.conditions
            if isinstance(each, Scheduled) and each.schedule not in self._schedules
        ]
        active = all(each.holds for each in lasting[1 if rule.trigger and not shown[0].moment else 0 :])
        return RuleTried(shown, active, tuple(_words(each) for each in rule.actions), tuple(problems))

    def _pulse(self, condition: object) -> bool:
        return (
            isinstance(condition, Scheduled)
            and condition.schedule in self._schedules
            and self._schedules[condition.schedule].kind.value == "pulse"
        )

    def _problem(self, action: Action) -> str:
        """Why an action could not be carried out now; empty where it could."""
        if isinstance(action, Record):
            known = self._own.settings.entries(Camera)
            for camera in action.cameras:
                if camera not in known:
                    return f"there is no camera {camera!r}"
                if known[camera].mode.value != "event":
                    return f"camera {camera!r} is not in event mode: it is recorded, or not, whatever a rule says"
        if isinstance(action, Pictures | Clip):
            cameras = self._own.settings.entries(Camera)
            for key in action.cameras:
                if key not in cameras:
                    return f"there is no camera {key!r}"
                if isinstance(action, Pictures) and cameras[key].onvif is None:
                    return f"camera {key!r} takes no pictures: it has no ONVIF address"
        if isinstance(action, Recall):
            known = self._own.settings.entries(Camera)
            if action.camera not in known:
                return f"there is no camera {action.camera!r}"
            if known[action.camera].onvif is None:
                return f"camera {action.camera!r} goes to no preset: it has no ONVIF address"
        if isinstance(action, Send | Pictures | Clip) and action.recipient not in self._own.settings.keys(
            Recipient
        ):
            return f"there is no recipient {action.recipient!r}"
        if isinstance(action, Publish) and not self._own.settings.get(Mqtt).enabled:
            return "MQTT is off: nothing can be published"
        if isinstance(action, Cycle):
            service = self._reach.poe()
            if service is None or not any(port.port == action.port for port in service.status().ports):
                return f"there is no port {action.port}"
        return ""


def _drafted(request: TryRule) -> Rule:
    """A rule that is not saved. Raises BadValue."""
    try:
        values = json.loads(request.values)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise BadValue("values", "must be a JSON object of settings")
    return validate(Rule, request.key, values)


def _words(action: Action) -> str:
    """An action for a person."""
    values: Mapping[str, object] = action.model_dump(mode="json", exclude={"kind"})
    shown = (
        f"{name}={','.join(value) if isinstance(value, list) else value}" for name, value in values.items()
    )
    return " ".join((action.kind, *shown))
