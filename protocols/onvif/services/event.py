"""The Event service (ONVIF Core s9): pull points, and event brokers where there are any. Basic notification is not
offered (MaxNotificationProducers is 0)."""

from __future__ import annotations

from device.clock import Clock
from device.media import MICROSECONDS, Utc
from protocols.onvif.faults import BAD_ARGUMENT, Kind, Refusal
from protocols.onvif.filters import CONCRETE, ITEM_FILTER, read
from protocols.onvif.names import TEV, TT, WSA, WSNT, WSRF_R
from protocols.onvif.operations import Access, Call, Legacy, Operation, Service
from protocols.onvif.pullpoints import MOST, PullPoint, PullPoints
from protocols.onvif.services.brokers import BROKERS, NO_BROKERS, EventBrokers
from protocols.onvif.topics import CONCRETE_SET, Notification, message
from protocols.onvif.xml import (
    Element,
    flag,
    instant,
    read_instant,
    read_span,
    span,
    sub,
    text,
    whole,
    write_instant,
)

PATH = "/onvif/event_service"
POINT_PATH = "/onvif/event/pullpoint/"  #: and the id of it
VERSION = (24, 12)
STANDARD_SECONDS = 60.0  #: that a subscription lives where nobody says how long
MOST_SECONDS = 24 * 3600.0
LEAST_SECONDS = 1.0
LONGEST_PULL = 600.0  #: seconds that a request may wait
MOST_MESSAGES = 1000  #: in one reply
TOPIC_NAMESPACE = "http://www.onvif.org/onvif/ver10/topics/topicns.xml"
SCHEMA = "http://www.onvif.org/onvif/ver10/schema/onvif.xsd"
_PULL_PORT = f"{TEV}/PullPointSubscription"
_MANAGER_PORT = "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager"

GONE = Kind(
    "Sender", ("ResourceUnknownFault",), "There is no such subscription", 500, WSRF_R.ResourceUnknownFault
)
FULL = Kind(
    "Receiver", ("Action",), "There is no room for more pull points", 500, WSNT.SubscribeCreationFailedFault
)
BAD_INITIAL = Kind(
    "Sender",
    ("UnacceptableInitialTerminationTimeFault",),
    "The termination time is not acceptable",
    500,
    WSNT.UnacceptableInitialTerminationTimeFault,
    (WSNT.MinimumTime, "{now}"),
)
BAD_TERMINATION = Kind(
    "Sender",
    ("UnacceptableTerminationTimeFault",),
    "The termination time is not acceptable",
    500,
    WSNT.UnacceptableTerminationTimeFault,
    (WSNT.MinimumTime, "{now}"),
)
PULLED = Kind("Receiver", ("Action",), "The pull point is being pulled", 500, WSNT.UnableToGetMessagesFault)
TOO_LONG = Kind("Sender", ("InvalidArgVal",), "The timeout is too long", 500)


class Events:
    """The service."""

    def __init__(self, points: PullPoints, clock: Clock, brokers: EventBrokers | None = None) -> None:
        self._points = points
        self._clock = clock
        self._brokers = brokers

    def service(self) -> Service:
        """Its rows."""
        reads = Access.READ_MEDIA
        operations = (
            Operation("GetEventProperties", reads, self.get_properties),
            Operation("CreatePullPointSubscription", reads, self.create),
            Operation("PullMessages", reads, self.pull, port=_PULL_PORT),
            Operation("Seek", reads, self.seek, port=_PULL_PORT),
            Operation("SetSynchronizationPoint", reads, self.synchronise, port=_PULL_PORT),
            Operation("Renew", reads, self.renew, space=WSNT, port=_MANAGER_PORT),
            Operation("Unsubscribe", reads, self.unsubscribe, space=WSNT, port=_MANAGER_PORT),
            *(self._brokers.operations() if self._brokers is not None else ()),
        )
        legacy = Legacy("Events", extension=False, fill=self._legacy)
        return Service(TEV, PATH, VERSION, "EventPortType", self._capabilities, operations, legacy)

    def _capabilities(self, told: Element) -> None:
        for name, value in (
            ("WSSubscriptionPolicySupport", "false"),
            ("WSPausableSubscriptionManagerInterfaceSupport", "false"),
            ("MaxNotificationProducers", "0"),
            ("MaxPullPoints", str(MOST)),
            ("PersistentNotificationStorage", "true"),
            *(NO_BROKERS if self._brokers is None else BROKERS),
        ):
            told.set(name, value)

    def _legacy(self, told: Element) -> None:
        sub(told, TT.WSSubscriptionPolicySupport, False)
        sub(told, TT.WSPullPointSupport, True)
        sub(told, TT.WSPausableSubscriptionManagerInterfaceSupport, False)

    async def get_properties(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - carries nothing
        """GetEventProperties (s9.7)."""
        sub(reply, TEV.TopicNamespaceLocation, TOPIC_NAMESPACE)
        sub(reply, WSNT.FixedTopicSet, True)
        self._points.topics.topic_set(reply)
        for dialect in (CONCRETE, CONCRETE_SET):
            sub(reply, WSNT.TopicExpressionDialect, dialect)
        sub(reply, TEV.MessageContentFilterDialect, ITEM_FILTER)
        sub(reply, TEV.MessageContentSchemaLocation, SCHEMA)

    async def create(self, call: Call, reply: Element) -> None:
        """CreatePullPointSubscription (s9.1.1)."""
        wanted = read(call.body.find(TEV.Filter), self._points.topics.known)
        now = self._clock.monotonic()
        self._points.expire(now)
        seconds = _seconds(text(call.body, TEV.InitialTerminationTime), call.now, BAD_INITIAL)
        point = self._points.create(call.account, wanted, now + seconds)
        if point is None:
            raise Refusal(FULL, f"There can be {MOST} pull points.")
        sub(sub(reply, TEV.SubscriptionReference), WSA.Address, f"{call.base}{POINT_PATH}{point.id}")
        self._times(reply, point, WSNT.CurrentTime, WSNT.TerminationTime)

    async def pull(self, call: Call, reply: Element) -> None:
        """PullMessages (s9.1.2). The subscription lives at least so long again as the client waits."""
        point = self._find(call)
        timeout = span(call.body, TEV.Timeout)
        most = whole(call.body, TEV.MessageLimit)
        if timeout is None or timeout < 0 or most is None or most < 1:
            raise Refusal(BAD_ARGUMENT, "Timeout and MessageLimit must be given, and be positive.")
        if timeout > LONGEST_PULL:
            raise Refusal(TOO_LONG, f"Timeout may be {LONGEST_PULL:.0f} s.")
        if point.pulled:
            raise Refusal(PULLED, "Another request waits at this pull point.")
        point.pulled = True
        try:
            told = await self._wait(call, point, timeout, min(most, MOST_MESSAGES))
        finally:
            point.pulled = False
        if point.ended:
            raise Refusal(GONE)
        point.deadline = max(point.deadline, self._clock.monotonic() + max(timeout, LEAST_SECONDS))
        self._times(reply, point, TEV.CurrentTime, TEV.TerminationTime)
        for each in told:
            message(reply, each)

    async def _wait(self, call: Call, point: PullPoint, seconds: float, most: int) -> list[Notification]:
        until = self._clock.monotonic() + seconds

        def sees(told: Notification) -> bool:
            return not told.camera or call.rights.may_see(told.camera)

        while not (told := self._points.take(point, most, sees)) and not point.ended:
            left = until - self._clock.monotonic()
            if left <= 0:
                break
            await point.bell.wait(left)
        return told

    async def seek(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - nothing is told
        """Seek (s9.1.4)."""
        point = self._find(call)
        utc = instant(call.body, TEV.UtcTime)
        if utc is None:
            raise Refusal(BAD_ARGUMENT, "UtcTime is missing.")
        self._points.seek(point, utc, reverse=flag(call.body, TEV.Reverse) or False)

    async def synchronise(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - nothing is told
        """SetSynchronizationPoint (s9.2)."""
        self._points.synchronise(self._find(call))

    async def renew(self, call: Call, reply: Element) -> None:
        """wsnt:Renew (WS-BaseNotification s6.1.1)."""
        point = self._find(call)
        seconds = _seconds(text(call.body, WSNT.TerminationTime), call.now, BAD_TERMINATION)
        point.deadline = self._clock.monotonic() + seconds
        self._times(reply, point, "", WSNT.TerminationTime)
        sub(reply, WSNT.CurrentTime, write_instant(self._clock.utc()))

    async def unsubscribe(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - nothing is told
        """wsnt:Unsubscribe (WS-BaseNotification s6.1.2)."""
        self._points.remove(self._find(call))

    def _find(self, call: Call) -> PullPoint:
        """The pull point that a request is for: by the URL, else by wsa:To. Raises Refusal."""
        self._points.expire(self._clock.monotonic())
        for address in (call.path, call.to):
            _, found, name = address.partition(POINT_PATH)
            point = self._points.find(name.strip("/")) if found else None
            if point is not None and point.account == call.account:
                return point
        raise Refusal(GONE)

    def _times(self, reply: Element, point: PullPoint, current: str, termination: str) -> None:
        utc = self._clock.utc()
        left = point.deadline - self._clock.monotonic()
        if current:
            sub(reply, current, write_instant(utc))
        sub(reply, termination, write_instant(Utc(utc + round(left * MICROSECONDS))))


def _seconds(given: str | None, now: Utc, kind: Kind) -> float:
    """How long a subscription shall live: an instant, or a span. What is longer than may be is cut. Raises Refusal."""
    if not given:
        return STANDARD_SECONDS
    try:
        if given.lstrip("-").startswith("P"):
            seconds = read_span("TerminationTime", given)
        else:
            seconds = (read_instant("TerminationTime", given) - now) / MICROSECONDS
    except Refusal as error:
        raise Refusal(kind, str(error)) from None
    if seconds < LEAST_SECONDS:
        raise Refusal(kind, f"A subscription lives at least {LEAST_SECONDS:.0f} s.")
    return min(seconds, MOST_SECONDS)
