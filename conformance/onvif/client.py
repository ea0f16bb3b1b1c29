"""A SOAP 1.2 client of its own: it sends what it is told, and believes nothing of what it gets."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

import aiohttp
from lxml import etree

from conformance.case import Failed
from conformance.onvif.names import PREFIXES, name
from conformance.rtsp import digest
from conformance.transcript import Transcript

Element: TypeAlias = Any  #: of lxml, which says little of its types
ANSWER_SECONDS = 30.0
_PASSWORD_DIGEST = (
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"  # noqa: S105
)
_SPACES = " ".join(f'xmlns:{prefix}="{space}"' for prefix, space in PREFIXES.items())
_SECRETS = re.compile(rb"(<(?:\w+:)?Password[^>]*>)[^<]+")  #: no report shows a password


@dataclass(frozen=True, slots=True)
class Login:
    """An account."""

    user: str
    password: str

    def token(self, *, nonce: bytes | None = None, created: datetime | None = None) -> str:
        """A header of WS-UsernameToken with PasswordDigest (WSS UsernameToken Profile 1.0 s3.1)."""
        salt = os.urandom(16) if nonce is None else nonce
        when = (created or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        proof = hashlib.sha1(salt + when.encode() + self.password.encode()).digest()  # noqa: S324 - the profile says so
        return (
            "<wsse:Security><wsse:UsernameToken>"
            f"<wsse:Username>{escape(self.user)}</wsse:Username>"
            f'<wsse:Password Type="{_PASSWORD_DIGEST}">{base64.b64encode(proof).decode()}</wsse:Password>'
            f"<wsse:Nonce>{base64.b64encode(salt).decode()}</wsse:Nonce><wsu:Created>{when}</wsu:Created>"
            "</wsse:UsernameToken></wsse:Security>"
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What came over HTTP."""

    status: int
    headers: Mapping[str, str]
    challenges: tuple[digest.Challenge, ...]
    octets: bytes

    def root(self) -> Element:
        """The envelope. Raises Failed."""
        try:
            root = etree.fromstring(self.octets, etree.XMLParser(resolve_entities=False, no_network=True))
        except etree.XMLSyntaxError as error:
            raise Failed(f"HTTP {self.status} with a body that is no XML: {error}") from None
        if root.tag != name("env:Envelope"):
            raise Failed(f"HTTP {self.status} with {root.tag} in place of an envelope of SOAP 1.2")
        return root

    def body(self) -> Element:
        """What stands in the body. Raises Failed."""
        body = self.root().find(name("env:Body"))
        if body is None or len(body) != 1:
            raise Failed("the envelope has no body with one element")
        return body[0]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of SOAP 1.2."""

    status: int  #: of HTTP
    codes: tuple[str, ...]  #: local names, the outermost first
    reason: str
    detail: tuple[str, ...]  #: local names of the elements in it

    @property
    def said(self) -> str:
        """For people."""
        return f"HTTP {self.status}, {'/'.join(self.codes)}: {self.reason}"


def envelope(body: str, header: str = "") -> bytes:
    """A request, of XML whose prefixes are those of `names`."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<env:Envelope {_SPACES}>'
        f"<env:Header>{header}</env:Header><env:Body>{body}</env:Body></env:Envelope>"
    ).encode()


def read_fault(answer: Answer) -> Fault | None:
    """The fault in an answer; None: it is none. Raises Failed."""
    body = answer.body()
    if body.tag != name("env:Fault"):
        return None
    codes = []
    code = body.find(name("env:Code"))
    while code is not None:
        codes.append((code.findtext(name("env:Value")) or "").strip().rpartition(":")[2])
        code = code.find(name("env:Subcode"))
    reason = " ".join((body.findtext(f"{name('env:Reason')}/{name('env:Text')}") or "").split())
    detail = body.find(name("env:Detail"))
    inside = tuple(etree.QName(each).localname for each in detail) if detail is not None else ()
    return Fault(answer.status, tuple(codes), reason, inside)


class Wire:
    """One connection's worth of HTTP, with its own idea of who it is."""

    def __init__(self, transcript: Transcript, login: Login | None) -> None:
        self.transcript = transcript
        self.login = login
        self._session: aiohttp.ClientSession | None = None
        self._credentials: digest.Credentials | None = None
        self._tokens = False  #: digest was not offered

    async def post(self, url: str, request: bytes, authorization: str | None = None) -> Answer:
        """One POST, as it is. Raises Failed where there is no answer."""
        headers = {"Content-Type": "application/soap+xml; charset=utf-8"}
        if authorization is not None:
            headers["Authorization"] = authorization
        self.transcript.sent("soap", _SECRETS.sub(rb"\1...", _without_spaces(request)))
        if self._session is None:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # a device signs its own
            connector = aiohttp.TCPConnector(ssl=context)
            timeout = aiohttp.ClientTimeout(ANSWER_SECONDS)
            self._session = aiohttp.ClientSession(connector=connector, timeout=timeout)
        try:
            async with self._session.post(url, data=request, headers=headers) as answer:
                octets = await answer.read()
                offered = tuple(digest.challenges(answer.headers.getall("WWW-Authenticate", [])))
                found = Answer(answer.status, dict(answer.headers), offered, octets)
        except TimeoutError:
            raise Failed(f"no answer from {url} within {ANSWER_SECONDS:g} s") from None
        except aiohttp.ClientError as error:
            raise Failed(f"no answer from {url}: {error}") from None
        self.transcript.note(f"HTTP {found.status}")
        self.transcript.received("soap", found.octets)
        return found

    async def ask(self, url: str, body: str, header: str = "") -> Answer:
        """One operation, logged in: by digest where the device offers it, by a UsernameToken otherwise."""
        if self.login is None:
            return await self.post(url, envelope(body, header))
        answer = await self._once(url, body, header)
        if answer.status != 401 and not (answer.status == 400 and b"NotAuthorized" in answer.octets):
            return answer
        challenge = digest.best(each for each in answer.challenges if each.scheme == "digest")
        self._tokens = challenge is None
        if challenge is not None:
            self._credentials = digest.Credentials(challenge, self.login.user, self.login.password, 1, True)
        return await self._once(url, body, header)

    async def _once(self, url: str, body: str, header: str) -> Answer:
        proof = None
        if self._tokens and self.login is not None:
            header += self.login.token()
        elif self._credentials is not None:
            parts = urlsplit(url)
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            proof = self._credentials.header("POST", target)
            self._credentials = self._credentials.again()
        return await self.post(url, envelope(body, header), proof)

    async def close(self) -> None:
        """Hang up."""
        if self._session is not None:
            await self._session.close()


def _without_spaces(request: bytes) -> bytes:
    """Without the declarations, which are the same for all: a reader wants the rest."""
    return request.replace(_SPACES.encode(), b"...")
