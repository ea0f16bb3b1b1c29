"""A device in the test's own process: what it is asked is answered by the responder, and judged by the schemas."""

from __future__ import annotations

import base64
import hashlib
import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field

from lxml import etree

from device.accounts.lockout import Lockout
from device.accounts.rights import Rights
from device.accounts.role import Role
from device.digest import ALGORITHMS, authorization, challenges, secret_of
from device.media import Utc
from protocols.onvif.credentials import PASSWORD_DIGEST, Door
from protocols.onvif.names import ENV, PREFIXES, WSA, WSSE, WSU
from protocols.onvif.operations import Service, Table
from protocols.onvif.responder import Answer, Asked, Responder
from protocols.onvif.xml import Element, sub, write_instant
from tests.protocols.onvif.schema import judge

NOW = Utc(1_790_000_000_000_000)
REALM = "HF-TEST"
PEOPLE = {
    "ada": ("wonderful!", Role.ADMINISTRATOR),
    "otto": ("watching", Role.OPERATOR),
    "vera": ("looking", Role.VIEWER),
}
_NONCES = itertools.count()


@dataclass
class People:
    """`protocols.onvif.credentials.Secrets`."""

    known: dict[str, tuple[str, Role]] = field(default_factory=lambda: dict(PEOPLE))
    limited: dict[str, Rights] = field(default_factory=dict)  #: whose rights are less than their role's
    realm: str = REALM

    def ha1(self, user: str, algorithm: str) -> str | None:
        """Credentials."""
        return secret_of(user, self.realm, self.known[user][0], algorithm) if user in self.known else None

    def password(self, user: str) -> str | None:
        """Secrets."""
        return self.known[user][0] if user in self.known else None

    def rights(self, user: str) -> Rights | None:
        """Secrets."""
        return self.limited.get(user, Rights(self.known[user][1])) if user in self.known else None


def token(user: str, password: str, created: str = write_instant(NOW), nonce: bytes | None = None) -> Element:
    """A wsse:Security header with a UsernameToken."""
    salt = nonce if nonce is not None else next(_NONCES).to_bytes(16, "big")
    proof = hashlib.sha1(salt + created.encode() + password.encode()).digest()
    security = etree.Element(WSSE.Security)
    given = sub(security, WSSE.UsernameToken)
    sub(given, WSSE.Username, user)
    sub(given, WSSE.Password, base64.b64encode(proof).decode(), Type=PASSWORD_DIGEST)
    sub(given, WSSE.Nonce, base64.b64encode(salt).decode())
    sub(given, WSU.Created, created)
    return security


def envelope(body: Element | str, *header: Element, message: str | None = None) -> bytes:
    """A request. `body`: an element, or its qualified name."""
    root = etree.Element(ENV.Envelope, nsmap=PREFIXES)
    head = sub(root, ENV.Header)
    for block in header:
        head.append(block)
    if message is not None:
        sub(head, WSA.MessageID, message)
    inside = sub(root, ENV.Body)
    if isinstance(body, str):
        sub(inside, body)
    else:
        inside.append(body)
    return etree.tostring(root)


def element(name: str, children: Iterable[tuple[str, str]] = ()) -> Element:
    """A request's element with children that have texts."""
    made = etree.Element(name, nsmap=PREFIXES)
    for child, text in children:
        sub(made, child, text)
    return made


@dataclass(frozen=True)
class Said:
    """A reply."""

    answer: Answer

    @property
    def status(self) -> int:
        """Of HTTP."""
        return self.answer.status

    @property
    def root(self) -> Element:
        """The envelope."""
        return etree.fromstring(self.answer.body)

    @property
    def body(self) -> Element:
        """What stands in the body."""
        found = self.root.find(ENV.Body)
        assert found is not None
        return found[0]

    @property
    def fault(self) -> tuple[str, ...]:
        """The code and the subcodes; empty: it is no fault."""
        if self.body.tag != ENV.Fault:
            return ()
        return tuple((value.text or "").partition(":")[2] for value in self.body.iter(ENV.Value))

    @property
    def reason(self) -> str:
        """What a fault says."""
        return "".join(text.text or "" for text in self.body.iter(ENV.Text))


class Device:
    """A responder, its clock, and who may ask."""

    def __init__(self, services: Iterable[Service], *, skew: float = 300.0) -> None:
        self.people = People()
        self.refused: list[tuple[str, str]] = []
        self.defects: list[tuple[str, Exception]] = []
        self.now = 1000.0
        self.utc = NOW
        door = Door(self.people, b"k" * 16, skew, Lockout(), lambda *who: self.refused.append(who))
        self.responder = Responder(Table(services), door, lambda *what: self.defects.append(what))

    async def post(
        self, data: bytes, *, header: str | None = None, path: str = "/onvif/device_service"
    ) -> Said:
        """One request, as it is. The reply is judged."""
        asked = Asked("POST", path, path, "http://192.0.2.7:8080", "192.0.2.7", header, "192.0.2.99", data)
        said = Said(await self.responder.answer(asked, self.now, self.utc))
        judge(said.answer.body)
        return said

    async def ask(
        self, body: Element | str, user: str | None = "ada", *, path: str = "/onvif/device_service"
    ) -> Said:
        """One request with a token of somebody; None: of nobody."""
        name = user if user in self.people.known else None
        head = [] if name is None else [token(name, self.people.known[name][0], write_instant(self.utc))]
        return await self.post(envelope(body, *head), path=path)

    async def digest(self, body: Element | str, user: str, password: str, algorithm: str = "SHA-256") -> Said:
        """One request with HTTP digest: asked twice, as clients do."""
        first = await self.post(envelope(body))
        offered = challenges(first.answer.challenges)
        assert [one.algorithm for one in offered] == list(ALGORITHMS)
        chosen = next(one for one in offered if one.algorithm == algorithm)
        ha1 = secret_of(user, chosen.realm, password, algorithm)
        header = authorization(chosen, user, ha1, "POST", "/onvif/device_service", 1, "abcdef")
        return await self.post(envelope(body), header=header)
