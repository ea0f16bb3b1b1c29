"""Pull points: subscriptions, and what they tell (ONVIF Core s9)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from xml.sax.saxutils import escape

from conformance.case import Failed, expect
from conformance.onvif.client import Element
from conformance.onvif.device import Device
from conformance.onvif.names import CONCRETE_SET, ITEM_FILTER, name
from conformance.onvif.values import every, moment, only, text


@dataclass(frozen=True, slots=True)
class Message:
    """wsnt:NotificationMessage."""

    topic: str  #: without the prefix of the root
    when: datetime
    operation: str  #: Initialized, Changed, Deleted, or empty
    source: dict[str, str]
    data: dict[str, str]


def read(told: Element) -> Message:
    """wsnt:NotificationMessage, and tt:Event of a search, which is of the same type. Raises Failed."""
    topic = only(told, "wsnt:Topic")
    root = (topic.text or "").strip().partition("/")[0]
    prefix, colon, _ = root.partition(":")
    expect(not colon or prefix in topic.nsmap, f"the prefix of the topic {root} is not declared")
    inside = only(told, "wsnt:Message/tt:Message")

    def items(part: str) -> dict[str, str]:
        found = inside.find(name(f"tt:{part}"))
        simple = every(found, "tt:SimpleItem") if found is not None else []
        return {each.get("Name", ""): each.get("Value", "") for each in simple}

    return Message(
        (topic.text or "").strip().partition(":")[2],
        moment(inside.get("UtcTime", "")),
        inside.get("PropertyOperation", ""),
        items("Source"),
        items("Data"),
    )


def topic_filter(*topics: str, dialect: str = CONCRETE_SET) -> str:
    """A filter of topics of tns1."""
    joined = "|".join(f"tns1:{each}" for each in topics)
    return f'<wsnt:TopicExpression Dialect="{dialect}">{escape(joined)}</wsnt:TopicExpression>'


def content_filter(expression: str) -> str:
    """A filter of items."""
    return f'<wsnt:MessageContent Dialect="{ITEM_FILTER}">{escape(expression)}</wsnt:MessageContent>'


@dataclass(slots=True)
class Point:
    """A subscription."""

    device: Device
    url: str
    now: datetime  #: CurrentTime of the reply
    ends: datetime  #: TerminationTime of the reply
    path: str = ""  #: of the one topic that it is for

    async def pull(self, seconds: float = 1.0, limit: int = 100) -> list[Message]:
        """PullMessages. Raises Failed."""
        told = await self.device.call(
            "tev:PullMessages",
            f"<tev:Timeout>PT{seconds:g}S</tev:Timeout><tev:MessageLimit>{limit}</tev:MessageLimit>",
            url=self.url,
        )
        self.now, self.ends = (
            moment(text(told, f"tev:{each}")) for each in ("CurrentTime", "TerminationTime")
        )
        found = [read(each) for each in every(told, "wsnt:NotificationMessage")]
        expect(len(found) <= limit, f"{len(found)} messages, and {limit} are allowed")
        return found

    async def until(self, wanted: Callable[[Message], bool], seconds: float, what: str) -> Message:
        """The first message that is wanted. Raises Failed."""
        deadline = time.monotonic() + seconds
        seen: set[str] = set()
        while (left := deadline - time.monotonic()) > 0:
            for message in await self.pull(min(5.0, max(left, 0.1))):
                if wanted(message) and self.path in ("", message.topic):
                    return message
                seen.add(message.topic)
        raise Failed(f"no message {what} within {seconds:g} s; told were {', '.join(sorted(seen)) or 'none'}")

    async def everything(self, most: int = 20) -> list[Message]:
        """All that waits now: pull until nothing more comes."""
        found: list[Message] = []
        for _ in range(most):
            more = await self.pull(0.5)
            found += more
            if not more:
                break
        return found

    async def end(self) -> None:
        """Unsubscribe."""
        await self.device.call("wsnt:Unsubscribe", url=self.url)


async def subscribe(device: Device, filters: str = "", lives: str = "PT60S") -> Point:
    """CreatePullPointSubscription; it is ended with the case. Raises Failed."""
    inner = f"<tev:Filter>{filters}</tev:Filter>" if filters else ""
    told = await device.call(
        "tev:CreatePullPointSubscription",
        f"{inner}<tev:InitialTerminationTime>{lives}</tev:InitialTerminationTime>",
    )
    url = text(told, "tev:SubscriptionReference/wsa:Address")
    device.later("wsnt:Unsubscribe", "", url)
    now, ends = (moment(text(told, f"wsnt:{each}")) for each in ("CurrentTime", "TerminationTime"))
    expect(ends > now, f"it ends at {ends}, and it is {now}")
    return Point(device, url, now, ends)
