"""WS-Discovery (April 2005) as a target: Hello, Bye, ProbeMatches, ResolveMatches (ONVIF Core s7). Pure.

A datagram in, a datagram out or None: what is not for us, or cannot be read, is passed over in silence, as multicast
wants. A Probe is answered once however many times it comes. Who asks us alone by a matching rule that we do not have
is told so by a fault.
"""

from __future__ import annotations

import itertools
import uuid
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from lxml import etree

from protocols.onvif.faults import Refusal
from protocols.onvif.names import DN, ENV, TDS, WSA04, WSD, XML
from protocols.onvif.xml import Element, content, parse, qualified, sub, text

PORT = 3702
GROUP4 = "239.255.255.250"
GROUP6 = "ff02::c"
MOST_DELAY = 0.5  #: seconds: APP_MAX_DELAY; who answers multicast waits up to it (s2.4 of the standard)
REMEMBERED = 512  #: messages that were answered
LONGEST = 8192  #: octets of a datagram that is read

TYPES = (TDS.Device, DN.NetworkVideoTransmitter)
RFC3986 = "http://schemas.xmlsoap.org/ws/2005/04/discovery/rfc3986"  #: the rule where none is named
RFC2396 = "http://schemas.xmlsoap.org/ws/2005/04/discovery/rfc2396"  #: what clients write for it
STRCMP0 = "http://schemas.xmlsoap.org/ws/2005/04/discovery/strcmp0"
RULES = (RFC3986, RFC2396, STRCMP0)
_ANONYMOUS = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"
_EVERYBODY = "urn:schemas-xmlsoap-org:ws:2005:04:discovery"
_PREFIXES = {"env": ENV, "wsa": WSA04, "d": WSD, "dn": DN, "tds": TDS}
_QNAMES = " ".join(("tds:Device", "dn:NetworkVideoTransmitter"))


@dataclass(frozen=True, slots=True)
class Target:
    """What is announced."""

    id: str  #: UUID; the same for ever, and on every interface
    scopes: tuple[str, ...]
    version: int  #: of all this: grows with every change


class Discovery:
    """Answers for one device."""

    def __init__(self, target: Target, instance: int) -> None:
        """`instance`: grows with every start (appendix I of the standard)."""
        self.target = target
        self._instance = instance
        self._numbers = itertools.count(1)
        self._seen: OrderedDict[str, None] = OrderedDict()

    def hello(self, addresses: Sequence[str]) -> bytes:
        """s4.1: we are there, or have changed. `addresses`: URLs of the device service, as the receivers reach it."""
        envelope, body = self._envelope("Hello", _EVERYBODY, "")
        self._about(sub(body, WSD.Hello), addresses)
        return _octets(envelope)

    def bye(self) -> bytes:
        """s4.2: we go."""
        envelope, body = self._envelope("Bye", _EVERYBODY, "")
        sub(sub(sub(body, WSD.Bye), WSA04.EndpointReference), WSA04.Address, self._address)
        return _octets(envelope)

    def answer(self, datagram: bytes, addresses: Sequence[str], *, alone: bool = False) -> bytes | None:
        """The reply to a Probe (s5) or Resolve (s6); None: there is none. `alone`: it was sent to us and nobody else.
        Raises nothing."""
        if len(datagram) > LONGEST:
            return None
        try:
            return self._answer(parse(datagram), addresses, alone)
        except Refusal:
            return None

    def _answer(self, root: Element, addresses: Sequence[str], alone: bool) -> bytes | None:
        header, body = root.find(ENV.Header), root.find(ENV.Body)
        if root.tag != ENV.Envelope or header is None or body is None:
            return None
        message = text(header, WSA04.MessageID)
        probe, resolve = body.find(WSD.Probe), body.find(WSD.Resolve)
        if not message or message in self._seen:
            return None
        unknown = probe is not None and _rule(probe) not in RULES
        if unknown and alone:
            reply, name = "fault", ""
        elif probe is not None and not unknown and _matches(probe, self.target.scopes):
            reply, name = "ProbeMatches", "ProbeMatch"
        elif resolve is not None and _named(resolve) == self._address:
            reply, name = "ResolveMatches", "ResolveMatch"
        else:
            return None
        self._seen[message] = None
        while len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        envelope, inside = self._envelope(reply, _ANONYMOUS, message)
        if not name:
            _no_such_rule(inside)
            return _octets(envelope)
        self._about(sub(sub(inside, WSD.name(reply)), WSD.name(name)), addresses)
        return _octets(envelope)

    @property
    def _address(self) -> str:
        return f"urn:uuid:{self.target.id}"

    def _envelope(self, action: str, to: str, answered: str) -> tuple[Element, Element]:
        envelope = etree.Element(ENV.Envelope, nsmap=_PREFIXES)
        header = sub(envelope, ENV.Header)
        sub(header, WSA04.MessageID, f"urn:uuid:{uuid.uuid4()}")
        if answered:
            sub(header, WSA04.RelatesTo, answered)
        sub(header, WSA04.To, to)
        sub(header, WSA04.Action, f"{WSD}/{action}")
        sub(header, WSD.AppSequence, InstanceId=self._instance, MessageNumber=next(self._numbers))
        return envelope, sub(envelope, ENV.Body)

    def _about(self, told: Element, addresses: Sequence[str]) -> None:
        sub(sub(told, WSA04.EndpointReference), WSA04.Address, self._address)
        sub(told, WSD.Types, _QNAMES)
        sub(told, WSD.Scopes, " ".join(self.target.scopes))
        sub(told, WSD.XAddrs, " ".join(addresses))
        sub(told, WSD.MetadataVersion, self.target.version)


def _octets(envelope: Element) -> bytes:
    return etree.tostring(envelope, encoding="utf-8", xml_declaration=True)


def _named(resolve: Element) -> str:
    reference = resolve.find(WSA04.EndpointReference)
    return "" if reference is None else (text(reference, WSA04.Address) or "")


def _rule(probe: Element) -> str:
    """By which rule the scopes of a Probe are to be matched."""
    scopes = probe.find(WSD.Scopes)
    return RFC3986 if scopes is None else scopes.get("MatchBy", RFC3986).strip()


def _no_such_rule(body: Element) -> None:
    """Fill in the fault of s5.3: the rule is not one of ours, which the detail names."""
    fault = sub(body, ENV.Fault)
    code = sub(fault, ENV.Code)
    sub(code, ENV.Value, "env:Sender")
    sub(sub(code, ENV.Subcode), ENV.Value, "d:MatchingRuleNotSupported")
    reason = sub(sub(fault, ENV.Reason), ENV.Text, "The matching rule specified is not supported.")
    reason.set(XML.lang, "en")
    sub(sub(fault, ENV.Detail), WSD.SupportedMatchingRules, " ".join(RULES))


def _matches(probe: Element, scopes: Iterable[str]) -> bool:
    """Whether all types and scopes that are asked for are among ours (s5.1). Raises Refusal: a prefix is unknown."""
    types = probe.find(WSD.Types)
    if types is not None and not {qualified(types, name) for name in content(types).split()} <= set(TYPES):
        return False
    asked = probe.find(WSD.Scopes)
    if asked is None:
        return True
    rule, ours = _rule(probe), list(scopes)
    return all(any(_fits(each, scope, rule) for scope in ours) for each in content(asked).split())


def _fits(asked: str, scope: str, rule: str) -> bool:
    """One scope by a rule (s5.1): RFC 3986 by whole segments from the left."""
    if rule == STRCMP0:
        return asked == scope
    try:
        wanted, given = urlsplit(asked), urlsplit(scope)
    except ValueError:
        return False
    if (wanted.scheme.lower(), wanted.netloc.lower()) != (given.scheme.lower(), given.netloc.lower()):
        return False
    left, right = (unquote(part.path).rstrip("/").split("/") for part in (wanted, given))
    return right[: len(left)] == left and not {".", ".."} & set(left)
