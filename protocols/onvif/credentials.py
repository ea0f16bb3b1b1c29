"""Who asks: HTTP digest (RFC 7616) and WS-UsernameToken (Web Services Security UsernameToken Profile 1.0). Pure.

ONVIF Core s5.9.1: digest is judged first; where both are given, both must be right and of the same account. A token
must carry a digest, a nonce and a time; the time may differ from ours by the skew, and no token is taken twice.
Whoever gives wrong credentials for an account again and again is not listened to for a while, from that address.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from device.accounts.lockout import Lockout
from device.accounts.rights import Rights
from device.digest import Credentials, Guard
from device.media import MICROSECONDS, Utc
from protocols.onvif.faults import Refusal
from protocols.onvif.names import WSSE, WSU
from protocols.onvif.xml import Element, content, read_instant, text

PASSWORD_DIGEST = (
    "http://docs.oasis-open.org/wss/2004/01/"  # noqa: S105 - the name of a type
    "oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
)
TOKENS_REMEMBERED = 65_536


class Secrets(Credentials, Protocol):
    """What the accounts know. Implemented by `device.accounts.store.DigestSecrets`."""

    def password(self, user: str) -> str | None:
        """The password in the clear; None where there is no such account, or it may not be used so."""

    def rights(self, user: str) -> Rights | None:
        """What an account may see and do; None where there is no such account."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What came with a request."""

    method: str  #: of HTTP
    target: str  #: as it stands in the request line
    authorization: str | None
    security: Element | None  #: wsse:Security
    peer: str  #: address


@dataclass(frozen=True, slots=True)
class Caller:
    """What is known of who asks."""

    account: str | None  #: None: nobody, or not believed
    rights: Rights | None = None
    stale: bool = False  #: right, but with a nonce that was made too long ago
    wait: float = 0.0  #: seconds for which nothing more is listened to


class Door:
    """Judges what came with a request."""

    def __init__(
        self,
        secrets: Secrets,
        key: bytes,
        skew: float,
        lockout: Lockout,
        refused: Callable[[str, str], None],
    ) -> None:
        """`key`: at least 16 random octets, of this run. `skew`: seconds by which a token's time may differ from ours.
        `lockout`: of all wires that share it. `refused` is told the account that was claimed, and the address."""
        self._secrets = secrets
        self._guard = Guard(secrets, key)
        self.skew = skew
        self._refused = refused
        self._lockout = lockout
        self._tokens: OrderedDict[str, Utc] = OrderedDict()  # that were taken -> when they were created
        self._floor = Utc(
            -(1 << 62)
        )  # tokens created up to here are no longer remembered, so no longer taken

    def challenges(self, now: float, stale: bool) -> tuple[str, ...]:
        """The values of WWW-Authenticate. `now`: monotonic seconds."""
        return tuple(self._guard.challenges(now, stale))

    def judge(self, proof: Proof, now: float, utc: Utc) -> Caller:
        """Who it is. `now`: monotonic seconds; `utc`: the same instant on the wall."""
        claims: list[Caller] = []
        if proof.authorization is not None:
            verdict = self._guard.verify(proof.method, proof.target, proof.authorization, now)
            if verdict.stale:
                return Caller(None, stale=True)
            claims.append(self._settle(verdict.account, verdict.claimed, proof.peer, now))
        token = None if proof.security is None else proof.security.find(WSSE.UsernameToken)
        if token is not None and all(claim.account for claim in claims):
            claimed = text(token, WSSE.Username) or ""
            right = self._token(token, claimed, utc)
            claims.append(self._settle(claimed if right else None, claimed, proof.peer, now))
        if not claims:
            return Caller(None)
        wait = max(claim.wait for claim in claims)
        accounts = {claim.account for claim in claims}
        if wait or len(accounts) != 1 or None in accounts:
            return Caller(None, wait=wait)
        return claims[0]

    def _settle(self, account: str | None, claimed: str, peer: str, now: float) -> Caller:
        """Count failures, and look up what the account may."""
        name = (account or claimed)[:64]
        wait = self._lockout.ask(name, peer, now).wait
        if wait > 0:
            return Caller(None, wait=wait)
        rights = None if account is None else self._secrets.rights(account)
        if account is None or rights is None:
            self._lockout.failed(name, peer, now)
            self._refused(name, peer)
            return Caller(None)
        self._lockout.succeeded(account, peer)
        return Caller(account, rights)

    def _token(self, token: Element, user: str, utc: Utc) -> bool:
        """Whether a wsse:UsernameToken is right, new, and of now (UsernameToken Profile 1.0 s3.1)."""
        given, nonce = token.find(WSSE.Password), text(token, WSSE.Nonce)
        created = text(token, WSU.Created)
        if given is None or not nonce or not created or given.get("Type") != PASSWORD_DIGEST:
            return False
        try:
            salt = base64.b64decode(nonce, validate=True)
            when = read_instant(WSU.Created, created)
        except (binascii.Error, ValueError, Refusal):
            return False
        password = self._secrets.password(user)
        proof = hashlib.sha1(salt + created.encode() + (password or "").encode(), usedforsecurity=False)
        right = hmac.compare_digest(base64.b64encode(proof.digest()), content(given).encode())
        if password is None or not right or abs(utc - when) > self.skew * MICROSECONDS:
            return False
        return self._fresh(f"{user}\n{nonce}\n{created}", when, utc)

    def _fresh(self, token: str, created: Utc, utc: Utc) -> bool:
        """Whether this token was not taken before. Only what was right comes here, so nobody else can fill the room."""
        if token in self._tokens or created <= self._floor:
            return False
        self._tokens[token] = created
        oldest = utc - round(self.skew * MICROSECONDS)
        while self._tokens:
            first = next(iter(self._tokens))
            if self._tokens[first] >= oldest and len(self._tokens) <= TOKENS_REMEMBERED:
                break
            gone = self._tokens.pop(first)
            if gone >= oldest:  # forgotten for want of room: what is as old is refused from now on
                self._floor = max(self._floor, gone)
        return True
