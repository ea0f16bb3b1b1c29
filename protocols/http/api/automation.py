"""Rules, and those whom the recorder tells: tried before they are saved, and how they are now.

What they are is in the settings: `rules`, `schedules`, `recipients`, `mqtt`, `syslog`.
"""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import Field

from device.accounts.role import Role
from device.accounts.sessions import Scope
from device.outbox.messages import AskOutbox, OutboxShown
from device.planes.outward import AskMqtt, MqttShown, Tried, TryRecipient, TrySyslog
from device.rules.messages import AskRules, FireTrigger, RulesShown, RuleTried, TryRule
from device.settings.recipients import Recipient
from device.settings.rules import Rule
from device.settings.sealed import opened
from device.settings.section import Section
from device.settings.syslog import Syslog
from protocols.http.api.answers import Answer
from protocols.http.caller import Caller
from protocols.http.house import House
from protocols.http.table import Body, Table

TABLE = Table("Rules and recipients")

NEW = "new"  #: key of what is tried and has none yet
Word = Annotated[str, Field(pattern=r"^[0-9a-z-]{1,32}$")]


class Draft(Body):
    """An entry of the settings as it would be: the fields that are another than what is saved."""

    key: Word = NEW
    values: Annotated[dict[str, Any], Field(max_length=200)] = Field(
        {}
    )  # Any: whatever the section's fields are


class TriedShown(Answer):
    """How a test came out: of a destination that does not answer, `good` is false and `detail` says why."""

    good: bool
    detail: str


@TABLE.get("/api/rules", role=Role.OPERATOR)
async def rules(house: House) -> RulesShown:
    """Which rules are active, and what of them waits."""
    return await house.control.call(AskRules())


@TABLE.post("/api/rules/try", role=Role.OPERATOR, scope=Scope.ALL)
async def try_rule(house: House, body: Draft) -> RuleTried:
    """Try a rule dry, as it is saved or would be: what holds, and what it would do. Nothing is done."""
    return await house.control.call(TryRule(body.key, _whole(house, Rule, body)))


@TABLE.post("/api/triggers/{name}/fire", role=Role.OPERATOR, scope=Scope.ALL)
async def fire(house: House, caller: Caller, name: Word) -> None:
    """Fire a manual trigger: the rules that have it are carried out."""
    await house.control.call(FireTrigger(name, caller.by))


@TABLE.post("/api/recipients/try", role=Role.ADMINISTRATOR, scope=Scope.ALL)
async def try_recipient(house: House, body: Draft) -> TriedShown:
    """Send a test to a recipient, as it is saved or would be. A secret that is not given is the one that is saved."""
    told = await house.control.call(TryRecipient(body.key, _whole(house, Recipient, body)))
    return _shown(told.tried[0])


@TABLE.post("/api/syslog/try", role=Role.ADMINISTRATOR, scope=Scope.ALL)
async def try_syslog(house: House, body: Draft) -> TriedShown:
    """Send a test message to a syslog server, as it is saved or would be."""
    server = json.loads(_whole(house, Syslog, body))
    told = await house.control.call(TrySyslog(json.dumps({body.key: server})))
    return _shown(told.tried[0])


@TABLE.get("/api/mqtt", role=Role.ADMINISTRATOR)
async def mqtt(house: House) -> MqttShown:
    """The session with the broker."""
    return await house.control.call(AskMqtt())


@TABLE.get("/api/outbox", role=Role.OPERATOR)
async def outbox(house: House) -> OutboxShown:
    """What waits to leave, for each destination: recipients, syslog servers, the broker."""
    return await house.control.call(AskOutbox())


def _whole(house: House, kind: type[Section], body: Draft) -> str:
    """The entry with all its values, JSON. Raises InvalidSettings."""
    return json.dumps(opened(house.settings.draft(kind, body.values, key=body.key)))


def _shown(tried: Tried) -> TriedShown:
    return TriedShown(good=tried.good, detail=tried.detail)
