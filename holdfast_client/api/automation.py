"""Rules and recipients. Made from the recorder's table of routes; not to be changed by hand."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict, cast

from holdfast_client.connection import Connection, segment


class BoxShown(TypedDict):
    """What waits for one destination."""

    destination: str
    waiting: int
    octets: int
    oldest: int | None
    sent: int
    dropped: int
    fault: str


class ConditionShown(TypedDict):
    """A condition, and whether it holds now."""

    text: str
    holds: bool
    moment: bool


class Draft(TypedDict):
    """An entry of the settings as it would be: the fields that are another than what is saved."""

    key: NotRequired[str]
    values: NotRequired[dict[str, Any]]


class MqttShown(TypedDict):
    """The session with the broker now."""

    enabled: bool
    broker: str
    connected: bool
    since: int | None
    fault: str
    waiting: int
    sent: int
    dropped: int
    topic: str


class OutboxShown(TypedDict):
    """All destinations."""

    boxes: list[BoxShown]
    fault: str


class RuleShown(TypedDict):
    """One rule, now."""

    key: str
    name: str
    enabled: bool
    active: bool
    suppressed: int
    waiting: int


class RuleTried(TypedDict):
    """What a rule would do; nothing was done."""

    conditions: list[ConditionShown]
    active: bool
    actions: list[str]
    problems: list[str]


class RulesShown(TypedDict):
    """All rules."""

    rules: list[RuleShown]


class TriedShown(TypedDict):
    """How a test came out: of a destination that does not answer, `good` is false and `detail` says why."""

    good: bool
    detail: str


class AutomationPart:
    """Rules and recipients."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def rules(self) -> RulesShown:
        """Which rules are active, and what of them waits."""
        return cast("RulesShown", await self._connection.ask("GET", "/api/rules"))

    async def try_rule(self, body: Draft) -> RuleTried:
        """Try a rule dry, as it is saved or would be: what holds, and what it would do. Nothing is done."""
        return cast("RuleTried", await self._connection.ask("POST", "/api/rules/try", body=body))

    async def fire(self, name: str) -> None:
        """Fire a manual trigger: the rules that have it are carried out."""
        await self._connection.ask("POST", f"/api/triggers/{segment(name)}/fire")

    async def try_recipient(self, body: Draft) -> TriedShown:
        """Send a test to a recipient, as it is saved or would be. A secret that is not given is the one that is
        saved."""
        return cast("TriedShown", await self._connection.ask("POST", "/api/recipients/try", body=body))

    async def try_syslog(self, body: Draft) -> TriedShown:
        """Send a test message to a syslog server, as it is saved or would be."""
        return cast("TriedShown", await self._connection.ask("POST", "/api/syslog/try", body=body))

    async def mqtt(self) -> MqttShown:
        """The session with the broker."""
        return cast("MqttShown", await self._connection.ask("GET", "/api/mqtt"))

    async def outbox(self) -> OutboxShown:
        """What waits to leave, for each destination: recipients, syslog servers, the broker."""
        return cast("OutboxShown", await self._connection.ask("GET", "/api/outbox"))
