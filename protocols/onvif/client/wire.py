"""Requests to a camera, and what a fault of it means. Pure."""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from lxml import etree

from device.media import MICROSECONDS, Utc
from protocols.onvif.client.lenient import descendants, find, name, text
from protocols.onvif.credentials import PASSWORD_DIGEST
from protocols.onvif.names import ENV, PREFIXES, WSA, WSSE, WSU, Namespace
from protocols.onvif.xml import Element, sub

TR2 = Namespace("http://www.onvif.org/ver20/media/wsdl")
_ANONYMOUS = "http://www.w3.org/2005/08/addressing/anonymous"
NONCE = 16  #: octets; there are cameras that take no more

Fill = Callable[[Element], None]


@dataclass(frozen=True, slots=True)
class Token:
    """Who asks (UsernameToken Profile 1.0 s3.1)."""

    user: str
    password: str
    nonce: bytes
    created: str

    @staticmethod
    def at(user: str, password: str, nonce: bytes, utc: Utc) -> Token:
        """`utc`: by the camera's clock. In milliseconds and with Z: there are cameras that take no other form."""
        moment = datetime.fromtimestamp(utc / MICROSECONDS, UTC)
        return Token(
            user,
            password,
            nonce,
            moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z",
        )


@dataclass(frozen=True, slots=True)
class Addressed:
    """WS-Addressing of a request: events want it, other services of some cameras must not see it."""

    action: str
    to: str


@dataclass(frozen=True, slots=True)
class Fault:
    """What a camera refuses with."""

    codes: tuple[str, ...]  #: the code and the subcodes, without prefixes
    reason: str

    @property
    def unauthorized(self) -> bool:
        """It does not believe who asks."""
        return bool({"NotAuthorized", "FailedAuthentication", "InvalidSecurity"} & set(self.codes))

    @property
    def gone(self) -> bool:
        """The subscription is not there any more."""
        return any("ResourceUnknown" in code for code in self.codes)

    def __str__(self) -> str:
        return self.reason or "/".join(self.codes) or "a fault without words"


class Refuses(Exception):
    """The camera answered with a fault."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


def request(operation: str, fill: Fill | None, token: Token | None, addressed: Addressed | None) -> bytes:
    """The octets of a request. `operation`: qualified name."""
    envelope = etree.Element(ENV.Envelope, nsmap={"env": ENV, "tt": PREFIXES["tt"]})
    header = sub(envelope, ENV.Header)
    if addressed is not None:
        sub(header, WSA.Action, addressed.action)
        sub(header, WSA.MessageID, f"urn:uuid:{uuid.uuid4()}")
        sub(sub(header, WSA.ReplyTo), WSA.Address, _ANONYMOUS)
        sub(header, WSA.To, addressed.to)
    if token is not None:
        _sign(header, token)
    asked = sub(sub(envelope, ENV.Body), operation)
    if fill is not None:
        fill(asked)
    return etree.tostring(envelope, encoding="utf-8", xml_declaration=True)


def _sign(header: Element, token: Token) -> None:
    proof = hashlib.sha1(
        token.nonce + token.created.encode() + token.password.encode(), usedforsecurity=False
    ).digest()
    given = sub(sub(header, WSSE.Security), WSSE.UsernameToken)
    sub(given, WSSE.Username, token.user)
    sub(given, WSSE.Password, base64.b64encode(proof).decode(), Type=PASSWORD_DIGEST)
    sub(given, WSSE.Nonce, base64.b64encode(token.nonce).decode())
    sub(given, WSU.Created, token.created)


def answer(root: Element, operation: str) -> Element | Fault:
    """The element of the reply to an operation (its local name), or the fault that stands there. A reply that is
    missing is empty: there are cameras that answer so where there is nothing to tell."""
    body = next(descendants(root, "Body"), root)
    fault = find(body, "Fault")
    if fault is not None:
        return _fault(fault)
    return next((each for each in body if name(each) == operation + "Response"), etree.Element("empty"))


def _fault(fault: Element) -> Fault:
    code = find(fault, "Code")
    found = []
    while code is not None:
        found.append(text(code, "Value").rpartition(":")[2])
        code = find(code, "Subcode")
    found += [name(each) for detail in descendants(fault, "Detail") for each in detail]
    # SOAP 1.1, which some cameras fall back to.
    found += [code.rpartition(":")[2] for code in [text(fault, "faultcode")] if code]
    return Fault(tuple(found), text(fault, "Reason", "Text") or text(fault, "faultstring"))
