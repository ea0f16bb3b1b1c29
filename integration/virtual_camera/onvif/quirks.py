"""What real cameras do wrong over ONVIF, each as a switch: a client that bears all of it has met most of them.

A quirk changes a request before the responder sees it, or the answer before the client does.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from lxml import etree

from device.errors import NotFound
from device.media import Utc
from protocols.onvif import soap
from protocols.onvif.credentials import Door
from protocols.onvif.faults import FAILED, NOT_AUTHORIZED, UNKNOWN_ACTION, Kind, Refusal
from protocols.onvif.names import WSSE, WSU
from protocols.onvif.operations import Table
from protocols.onvif.responder import Answer, Asked, Responder
from protocols.onvif.services.event import POINT_PATH
from protocols.onvif.services.ptz import BAD_TIMEOUT
from protocols.onvif.xml import local, text

TIGHT_SKEW = 5.0  #: seconds
POLL = 0.5  #: seconds until a long poll is cut
TRIES = 3  #: wrong passwords until nobody is let in
ELSEWHERE = "192.0.2.55"  #: an address of nobody (RFC 5737)
EVENT_NAMES = (
    "CreatePullPointSubscription",
    "PullMessages",
    "Renew",
    "Unsubscribe",
    "SetSynchronizationPoint",
)


class HungUp(Exception):
    """The connection breaks, and there is no answer."""


@dataclass(slots=True)
class Ask:
    """One request, and what is known of it."""

    asked: Asked
    name: str  #: of the operation
    envelope: soap.Envelope
    utc: Utc


@dataclass(slots=True)
class Memory:
    """What a camera with quirks remembers."""

    points: list[str] = field(default_factory=list)  #: paths of pull points that were made
    wrong: int = 0  #: passwords that were


Before = Callable[[Ask, Memory, Door, float], Answer | None]
After = Callable[[Ask, Memory, bytes], bytes]


@dataclass(frozen=True, slots=True)
class Quirk:
    """A row. `number`: of the table in `docs/design/cameras.md`."""

    number: int
    meaning: str
    before: Before = lambda *_: None
    after: After = lambda _ask, _memory, body: body


def _plain_401(_ask: Ask) -> Answer:
    return Answer(401, b"Unauthorized")


def _fault(ask: Ask, kind: Kind, reason: str) -> Answer:
    return Answer(kind.http, soap.fault(kind, reason, ask.envelope.message, ask.utc))


def _time_needs_login(ask: Ask, _memory: Memory, _door: Door, _now: float) -> Answer | None:
    bare = ask.asked.authorization is None and ask.envelope.security is None
    return _plain_401(ask) if ask.name == "GetSystemDateAndTime" and bare else None


def _strict_created(ask: Ask, _memory: Memory, _door: Door, _now: float) -> Answer | None:
    security = ask.envelope.security
    token = None if security is None else security.find(WSSE.UsernameToken)
    if token is None:
        return None
    created, nonce = text(token, WSU.Created) or "", text(token, WSSE.Nonce) or ""
    good = re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z", created) and len(nonce) <= 24
    return None if good else _fault(ask, NOT_AUTHORIZED, "The token is not one.")


def _digest_only(ask: Ask, _memory: Memory, door: Door, now: float) -> Answer | None:
    if ask.envelope.security is None or ask.asked.authorization is not None:
        return None
    return Answer(401, b"", door.challenges(now, False))


def _token_only(ask: Ask, _memory: Memory, _door: Door, _now: float) -> Answer | None:
    known = ask.envelope.security is not None or ask.name in ("GetSystemDateAndTime", "GetServices")
    return None if known else _fault(ask, replace(NOT_AUTHORIZED, status=400), "Sender not authorized.")


def _locks_out(ask: Ask, memory: Memory, _door: Door, _now: float) -> Answer | None:
    return _plain_401(ask) if memory.wrong >= TRIES else None


def _wants_addressing(ask: Ask, _memory: Memory, _door: Door, _now: float) -> Answer | None:
    return _plain_401(ask) if ask.name in EVENT_NAMES[1:] and not ask.envelope.to else None


def _refuses_addressing(ask: Ask, _memory: Memory, _door: Door, _now: float) -> Answer | None:
    addressed = ask.envelope.to or ask.envelope.message is not None
    return _fault(ask, FAILED, "Header?") if ask.name not in EVENT_NAMES and addressed else None


def _no_reference(ask: Ask, memory: Memory, _door: Door, _now: float) -> Answer | None:
    if ask.name in EVENT_NAMES[1:] and memory.points:
        ask.asked = replace(ask.asked, path=memory.points[-1])
    return None


def _without(*names: str) -> Before:
    """Operations that are not there."""

    def before(ask: Ask, _memory: Memory, _door: Door, _now: float) -> Answer | None:
        return _fault(ask, UNKNOWN_ACTION, "Not implemented.") if ask.name in names else None

    return before


def _no_timeout(ask: Ask, _memory: Memory, _door: Door, _now: float) -> Answer | None:
    timed = ask.name == "ContinuousMove" and b"Timeout>" in ask.asked.body
    return _fault(ask, BAD_TIMEOUT, "Timeout?") if timed else None


def _one_subscription(ask: Ask, memory: Memory, _door: Door, _now: float) -> Answer | None:
    if ask.name == "Unsubscribe":
        memory.points.clear()
    if ask.name == EVENT_NAMES[0] and memory.points:
        return _fault(ask, FAILED, "Subscription limit reached.")
    return None


def _swap(pattern: str, by: str, *names: str) -> After:
    """Replaces in the answers to some operations, or to all."""
    compiled = re.compile(pattern.encode(), re.DOTALL)

    def after(ask: Ask, _memory: Memory, body: bytes) -> bytes:
        return compiled.sub(by.encode(), body) if not names or ask.name in names else body

    return after


def _short_life(ask: Ask, _memory: Memory, body: bytes) -> bytes:
    """Spans are misread: what ends is told as five seconds from now, unless an instant was asked for."""
    asked = etree.tostring(ask.envelope.body)
    if ask.name not in ("CreatePullPointSubscription", "Renew") or b">P" not in asked:
        return body
    now = re.search(rb"CurrentTime>([^<]+)<", body)
    return re.sub(rb"(TerminationTime>)[^<]+<", rb"\g<1>" + (now[1] if now else b"") + b"<", body)


_FIRST_PROFILE = (
    '<trt:Profiles token="empty" fixed="true"><tt:Name>empty</tt:Name>'
    '<tt:VideoSourceConfiguration token="video-0"><tt:Name>empty</tt:Name><tt:UseCount>1</tt:UseCount>'
    "<tt:SourceToken>video-0</tt:SourceToken>"
    '<tt:Bounds x="0" y="0" width="0" height="0"/></tt:VideoSourceConfiguration></trt:Profiles>'
)
_MEDIA2 = (
    "<tds:Service><tds:Namespace>http://www.onvif.org/ver20/media/wsdl</tds:Namespace>"
    "<tds:XAddr>{base}/onvif/media2_service</tds:XAddr>"
    "<tds:Version><tt:Major>2</tt:Major><tt:Minor>0</tt:Minor></tds:Version></tds:Service>"
)


def _media2(ask: Ask, _memory: Memory, body: bytes) -> bytes:
    if ask.name != "GetServices":
        return body
    end = b"</tds:GetServicesResponse>"
    return body.replace(end, _MEDIA2.format(base=ask.asked.base).encode() + end)


_AUTHORITY = r"(XAddr>http://)([^/:<]+):(\d+)"

QUIRKS: Mapping[str, Quirk] = {
    "tight-clock": Quirk(1, "no token that is more than 5 s off is taken"),
    "time-needs-login": Quirk(
        2, "nobody is told the time without logging in; 401 is bare text", _time_needs_login
    ),
    "strict-created": Quirk(
        3, "Created must be UTC with Z and milliseconds, the nonce 16 octets", _strict_created
    ),
    "digest-only": Quirk(4, "WS-UsernameToken is not understood", _digest_only),
    "token-only": Quirk(4, "HTTP digest is not understood", _token_only),
    "locks-out": Quirk(5, "after three wrong passwords nobody is let in", _locks_out),
    "foreign-address": Quirk(
        6,
        "addresses of services name a host that is not there",
        after=_swap(_AUTHORITY, rf"\g<1>{ELSEWHERE}:80"),
    ),
    "doubled-port": Quirk(
        6, "addresses of services have the port twice", after=_swap(_AUTHORITY, r"\g<1>\g<2>:\g<3>:\g<3>")
    ),
    "no-reference": Quirk(
        7,
        "a subscription has no address",
        _no_reference,
        _swap(r"<wsa:Address>[^<]*</wsa:Address>", "<wsa:Address/>", EVENT_NAMES[0]),
    ),
    "hostless-reference": Quirk(
        7,
        "a subscription's address has no host",
        after=_swap(r"<wsa:Address>http://[^/]*", "<wsa:Address>http://", EVENT_NAMES[0]),
    ),
    "wants-addressing": Quirk(8, "requests about a subscription must be addressed", _wants_addressing),
    "refuses-addressing": Quirk(8, "other requests must not be addressed", _refuses_addressing),
    "denies-pull-points": Quirk(
        9,
        "it says that there are no pull points",
        after=_swap("(WSPullPointSupport>)true", r"\g<1>false", "GetCapabilities"),
    ),
    "cuts-polls": Quirk(10, "long polls are cut"),
    "one-subscription": Quirk(11, "there can be one subscription", _one_subscription),
    "broken-spans": Quirk(12, "spans of time are misread", after=_short_life),
    "bad-xml": Quirk(
        13,
        "undeclared prefixes, octets that are no UTF-8",
        after=lambda _ask, _memory, body: re.sub(
            rb"</env:Body>", b"<ter:Odd>\xff\xfe</ter:Odd></env:Body>", body
        ).replace(b' xmlns:ter="http://www.onvif.org/ver10/error"', b""),
    ),
    "bad-times": Quirk(
        14, "times that do not exist", after=_swap(r'UtcTime="[^"]*"', 'UtcTime="0000-00-00T00:61:16Z"')
    ),
    "broken-media2": Quirk(
        15,
        "Media 2 is listed, and not there",
        after=_media2,
    ),
    "odd-topics": Quirk(
        16, "topics end with //.", after=_swap("</wsnt:Topic>", "//.</wsnt:Topic>", EVENT_NAMES[1])
    ),
    "no-snapshot": Quirk(
        17,
        "there are no pictures",
        lambda ask, *_: _fault(ask, FAILED, "No.") if ask.name == "GetSnapshotUri" else None,
    ),
    "snapshot-query": Quirk(
        17,
        "addresses of pictures carry user and password, and are refused with them",
        after=_swap("(/onvif/snapshot/[a-z]+)", r"\g<1>?user=admin&amp;password=admin", "GetSnapshotUri"),
    ),
    "no-stop": Quirk(18, "a head does not know Stop", _without("Stop")),
    "no-nodes": Quirk(18, "nothing is told of what a head can", _without("GetNodes", "GetNode")),
    "no-timeout": Quirk(18, "a head moves until it is told otherwise, and takes no timeout", _no_timeout),
    "always-moving": Quirk(
        18, "a head that stands still is said to move", after=_swap(">IDLE<", ">MOVING<", "GetStatus")
    ),
    "empty-source": Quirk(
        19,
        "the first profile is of a source that has no picture",
        lambda ask, *_: (
            _fault(ask, FAILED, "Unrecognized configuration.")
            if ask.name in ("GetStreamUri", "GetSnapshotUri") and b">empty<" in ask.asked.body
            else None
        ),
        _swap("<trt:GetProfilesResponse>", "<trt:GetProfilesResponse>" + _FIRST_PROFILE, "GetProfiles"),
    ),
    "closes": Quirk(20, "the connection is closed after each answer, without a word"),
}


class Quirky(Responder):
    """A responder with quirks."""

    def __init__(
        self, table: Table, door: Door, on_fault: Callable[[str, Exception], None], quirks: Collection[str]
    ) -> None:
        """Raises NotFound: there is no such quirk."""
        if unknown := sorted(set(quirks) - QUIRKS.keys()):
            raise NotFound("quirk", unknown[0])
        super().__init__(table, door, on_fault)
        self._names = frozenset(quirks)
        self._memory = Memory()

    async def answer(self, asked: Asked, now: float, utc: Utc) -> Answer:
        """See `Responder`. Raises HungUp."""
        try:
            envelope = soap.read(asked.body)
        except Refusal:
            return await super().answer(asked, now, utc)
        ask = Ask(asked, local(envelope.body), envelope, utc)
        for name in sorted(self._names):
            refused = QUIRKS[name].before(ask, self._memory, self.door, now)
            if refused is not None:
                return refused
        answer = await self._answered(ask, now)
        proven = ask.asked.authorization is not None or envelope.security is not None
        self._memory.wrong += answer.status == 401 and proven
        if answer.status == 200 and ask.name == EVENT_NAMES[0]:
            made = re.search(POINT_PATH.encode() + rb"[0-9a-f]+", answer.body)
            self._memory.points += [made[0].decode()] if made else []
        body = answer.body
        for name in sorted(self._names):
            body = QUIRKS[name].after(ask, self._memory, body)
        return replace(answer, body=body)

    async def _answered(self, ask: Ask, now: float) -> Answer:
        answering = super().answer(ask.asked, now, ask.utc)
        if ask.name != "PullMessages" or "cuts-polls" not in self._names:
            return await answering
        try:
            async with asyncio.timeout(POLL):
                return await answering
        except TimeoutError:
            raise HungUp from None
