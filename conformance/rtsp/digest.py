"""The client's side of HTTP authentication as RTSP uses it: Basic, and Digest in every form that servers
offer (RFC 2069, RFC 2617, RFC 7616). Everything can be made wrong on purpose."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import zip_longest

_HASH = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}
_CHALLENGE = re.compile(r"(?:^|,)\s*(Digest|Basic|[A-Za-z][A-Za-z0-9-]*)\s+(?=[A-Za-z]+\s*=)", re.IGNORECASE)
_PARAMETER = re.compile(r'([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')


@dataclass(frozen=True, slots=True)
class Challenge:
    """One offer of a 401."""

    scheme: str  #: `digest`, `basic` or another, lower case
    realm: str
    nonce: str
    algorithm: str | None  #: as offered; None where it is not named, which means MD5
    qop: frozenset[str]  #: what may be chosen; empty in the form of RFC 2069
    opaque: str | None
    stale: bool

    @property
    def hash(self) -> str:
        """The algorithm's name in capitals."""
        return (self.algorithm or "MD5").upper()

    @property
    def usable(self) -> bool:
        """Whether this client can answer it."""
        return self.scheme == "basic" or (
            self.scheme == "digest" and self.hash in _HASH and (not self.qop or "auth" in self.qop)
        )


@dataclass(frozen=True, slots=True)
class Credentials:
    """An answer to a challenge, before the request is known."""

    challenge: Challenge
    user: str
    password: str
    count: int  #: how many requests were made with the nonce, this one included
    with_qop: bool  #: use qop=auth, where the challenge offers it

    def header(self, method: str, uri: str) -> str:
        """The value of Authorization."""
        asked = self.challenge
        if asked.scheme == "basic":
            return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        ha1 = self._hash(f"{self.user}:{asked.realm}:{self.password}")
        ha2 = self._hash(f"{method}:{uri}")
        auth = self.with_qop and "auth" in asked.qop
        cnonce = hashlib.sha256(f"{asked.nonce}{self.count}".encode()).hexdigest()[:16]
        middle = f"{asked.nonce}:{self.count:08x}:{cnonce}:auth" if auth else asked.nonce
        parts = [
            f'username="{self.user}", realm="{asked.realm}", nonce="{asked.nonce}", uri="{uri}"',
            f'response="{self._hash(f"{ha1}:{middle}:{ha2}")}"',
        ]
        if asked.algorithm is not None:
            parts.append(f"algorithm={asked.algorithm}")
        if asked.opaque is not None:
            parts.append(f'opaque="{asked.opaque}"')
        if auth:
            parts.append(f'qop=auth, nc={self.count:08x}, cnonce="{cnonce}"')
        return "Digest " + ", ".join(parts)

    def again(self) -> Credentials:
        """For the next request with the same nonce."""
        return replace(self, count=self.count + 1)

    def _hash(self, text: str) -> str:
        return _HASH[self.challenge.hash](text.encode(), usedforsecurity=True).hexdigest()


def challenges(values: Iterable[str]) -> list[Challenge]:
    """All offers of the WWW-Authenticate fields of an answer, in their order."""
    found: list[Challenge] = []
    for value in values:
        starts = [*_CHALLENGE.finditer(value)]
        for start, after in zip_longest(starts, starts[1:]):
            text = value[start.end() : after.start() if after else len(value)]
            given = {name.lower(): quoted or bare for name, quoted, bare in _PARAMETER.findall(text)}
            found.append(
                Challenge(
                    start[1].lower(),
                    given.get("realm", ""),
                    given.get("nonce", ""),
                    given.get("algorithm"),
                    frozenset(word.strip().lower() for word in given.get("qop", "").split(",")) - {""},
                    given.get("opaque"),
                    given.get("stale", "").lower() == "true",
                )
            )
    return found


def best(offered: Iterable[Challenge]) -> Challenge | None:
    """The strongest that this client can answer."""
    rank = {"SHA-256": 0, "MD5": 1}
    usable = [challenge for challenge in offered if challenge.usable]
    return min(usable, key=lambda c: rank[c.hash] if c.scheme == "digest" else 2, default=None)
