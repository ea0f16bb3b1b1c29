"""Digest access authentication for RTSP and HTTP, both roles: RFC 7616, with RFC 2617 and RFC 2069 peers understood.

Algorithms MD5 and SHA-256; protection `auth`, or none where a peer knows only RFC 2069. Pure: nonces are made
of the time that the caller tells and a secret that it hands in.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from device.errors import BadValue

#: As offered. Strong first, as RFC 7616 s3.7 wants; MD5 last, since ffmpeg takes the last and knows no other.
#: Those that take the first without looking answer with MD5 and do not say so, which is right too: all share
#: one nonce.
ALGORITHMS = ("SHA-256", "MD5")
NONCE_SECONDS = 300.0  #: then a request is asked to repeat with a fresh nonce, `stale=true`
NONCES_REMEMBERED = 4096  #: with their request counters, against replay
PARAMETERS_LIMIT = 32

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - RFC 9110 s5.6.2, no password
_PARAMETER = re.compile(rf'\s*({_TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))\s*(?:,|$)')
_SCHEME = re.compile(rf"\s*({_TOKEN})(?:\s+|\s*$)(?!=)")
_HASH = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


class Credentials(Protocol):
    """Where the digest secrets of accounts come from (RFC 7616 s3.4.2: H(user:realm:password))."""

    realm: str

    def ha1(self, user: str, algorithm: str) -> str | None:
        """Lower-case hex HA1 for `MD5` or `SHA-256`; None where there is no such account, or none of that form."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a server asks for (RFC 7616 s3.3). `scheme` is `digest` or `basic`; of the latter only the realm
    counts."""

    scheme: str
    realm: str
    nonce: str = ""
    algorithm: str = "MD5"  #: MD5 or SHA-256; challenges of other algorithms are not returned by `challenges`
    echo_algorithm: bool = False  #: the challenge named it, so the answer does
    auth: bool = False  #: qop=auth is offered
    opaque: str | None = None
    stale: bool = False  #: the credentials were right, the nonce was old


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a request's credentials."""

    account: str | None  #: the authenticated account; None: answer 401
    stale: bool = False  #: right but for the nonce: challenge with `stale=true`
    attempted: bool = False  #: credentials were given: a failure counts as an attempt
    claimed: str = ""  #: the name that was given


def parameters(text: str) -> list[tuple[str, dict[str, str]]]:
    """The schemes of one WWW-Authenticate or Authorization value, lower case, each with its parameters.

    Several challenges may share one value (RFC 9110 s11.6.1). What cannot be read ends the list.
    """
    found: list[tuple[str, dict[str, str]]] = []
    at = 0
    while at < len(text):
        pair = _PARAMETER.match(text, at) if found else None
        if pair is not None:
            name, quoted, bare = pair.groups()
            given = found[-1][1]
            if len(given) >= PARAMETERS_LIMIT:
                break
            given.setdefault(name.lower(), re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else bare)
            at = pair.end()
            continue
        scheme = _SCHEME.match(text, at)
        if scheme is None or scheme.end() == at:
            break
        found.append((scheme[1].lower(), {}))
        at = scheme.end()
    return found


def challenges(values: Iterable[str]) -> list[Challenge]:
    """The challenges of a 401 response that we can answer, best first: SHA-256, MD5, then Basic."""
    known: list[Challenge] = []
    for scheme, given in (pair for value in values for pair in parameters(value)):
        if scheme == "basic":
            known.append(Challenge("basic", given.get("realm", "")))
        if scheme != "digest" or "nonce" not in given:
            continue
        algorithm = next((a for a in ALGORITHMS if a == given.get("algorithm", "MD5").upper()), None)
        qop = [word.strip().lower() for word in given.get("qop", "").split(",")]
        if algorithm is None or ("qop" in given and not {"auth", ""} & set(qop)):
            continue  # -sess and auth-int: no camera was seen to ask for them alone
        known.append(
            Challenge(
                scheme,
                given.get("realm", ""),
                given["nonce"],
                algorithm,
                "algorithm" in given,
                "auth" in qop,
                given.get("opaque"),
                given.get("stale", "").lower() == "true",
            )
        )
    rank = {"SHA-256": 0, "MD5": 1}
    return sorted(known, key=lambda c: rank[c.algorithm] if c.scheme == "digest" else 2)


def secret_of(user: str, realm: str, password: str, algorithm: str) -> str:
    """H(A1), RFC 7616 s3.4.2: lower-case hex of H(user:realm:password)."""
    return _digest(algorithm, f"{user}:{realm}:{password}")


def response(ha1: str, challenge: Challenge, method: str, uri: str, nc: int, cnonce: str) -> str:
    """The `response` parameter, RFC 7616 s3.4.1; the form of RFC 2069 where the challenge offers no
    qop=auth."""
    ha2 = _digest(challenge.algorithm, f"{method}:{uri}")
    middle = f"{challenge.nonce}:{nc:08x}:{cnonce}:auth" if challenge.auth else challenge.nonce
    return _digest(challenge.algorithm, f"{ha1}:{middle}:{ha2}")


def authorization(
    challenge: Challenge, user: str, ha1: str, method: str, uri: str, nc: int, cnonce: str
) -> str:
    """The Authorization value for one request. `nc` counts the requests made with this nonce, from 1."""
    for name, value in (("user", user), ("uri", uri)):
        if re.search(r"[\x00-\x1f\x7f]", value):
            raise BadValue(name, "control characters cannot be sent in a header")
    proof = response(ha1, challenge, method, uri, nc, cnonce)
    parts = [
        f"username={_quoted(user)}",
        f"realm={_quoted(challenge.realm)}",
        f"nonce={_quoted(challenge.nonce)}",
        f"uri={_quoted(uri)}",
        f'response="{proof}"',
    ]
    if challenge.echo_algorithm:
        parts.append(f"algorithm={challenge.algorithm}")
    if challenge.opaque is not None:
        parts.append(f"opaque={_quoted(challenge.opaque)}")
    if challenge.auth:
        parts.append(f'qop=auth, nc={nc:08x}, cnonce="{cnonce}"')
    return "Digest " + ", ".join(parts)


@dataclass(slots=True)
class Guard:
    """The server's side: makes challenges, verifies answers, refuses replays.

    A nonce carries the time it was made and a keyed hash of it, so that only those in use are remembered.
    """

    credentials: Credentials
    secret: bytes  #: at least 16 random octets, of this run
    _made: int = 0
    _counts: dict[str, int] = field(default_factory=dict)  #: nonce -> highest request count seen
    _floor: float = -1.0  #: nonces made up to here are no longer remembered, so no longer taken

    def challenges(self, now: float, stale: bool) -> list[str]:
        """One WWW-Authenticate value for each algorithm."""
        self._made += 1
        nonce = self._seal(f"{int(now * 1000):x}.{self._made:x}")
        tail = ", stale=true" if stale else ""
        realm = _quoted(self.credentials.realm)
        return [
            f'Digest realm={realm}, nonce="{nonce}", algorithm={algorithm}, qop="auth"{tail}'
            for algorithm in ALGORITHMS
        ]

    def proof(self, account: str) -> str | None:
        """What an account proves itself by: another one once its password was changed, None once it is gone."""
        return self.credentials.ha1(account, ALGORITHMS[0])

    def verify(self, method: str, url: str, given: str | None, now: float) -> Verdict:
        """Judge the Authorization value of one request."""
        schemes = parameters(given) if given is not None else []
        if len(schemes) != 1 or schemes[0][0] != "digest":
            return Verdict(None, attempted=given is not None)
        answer = schemes[0][1]
        user = answer.get("username", "")
        algorithm = answer.get("algorithm", "MD5").upper()
        count = _count(answer)
        if algorithm not in _HASH or count is None or answer.get("realm") != self.credentials.realm:
            return Verdict(None, attempted=True, claimed=user)
        # An unknown account costs as much time as a known one.
        ha1 = self.credentials.ha1(user, algorithm)
        asked = Challenge("digest", "", answer.get("nonce", ""), algorithm, auth="qop" in answer)
        expected = response(ha1 or "0", asked, method, answer.get("uri", ""), count, answer.get("cnonce", ""))
        right = hmac.compare_digest(expected.encode(), answer.get("response", "").lower().encode())
        if ha1 is None or not right or not _covers(answer.get("uri", ""), url):
            return Verdict(None, attempted=True, claimed=user)
        if not self._fresh(asked.nonce, count, asked.auth, now):
            return Verdict(None, stale=True)
        return Verdict(user, attempted=True)

    def _seal(self, stamp: str) -> str:
        return f"{stamp}.{hmac.new(self.secret, stamp.encode(), hashlib.sha256).hexdigest()[:32]}"

    def _fresh(self, nonce: str, count: int, counted: bool, now: float) -> bool:
        stamp = nonce.rpartition(".")[0]
        if not hmac.compare_digest(nonce.encode(), self._seal(stamp).encode()):
            return False  # of an earlier run, or made up
        made = int(stamp.partition(".")[0], 16) / 1000
        if now - made > NONCE_SECONDS or made <= self._floor:
            return False
        if not counted:
            return True
        if count <= self._counts.pop(nonce, 0):
            self._counts[nonce] = 0xFFFF_FFFF  # a replay: this nonce is spent
            return False
        self._counts[nonce] = count
        while len(self._counts) > NONCES_REMEMBERED:
            forgotten = next(iter(self._counts))
            del self._counts[forgotten]
            self._floor = max(self._floor, int(forgotten.partition(".")[0], 16) / 1000)
        return True


def _count(answer: Mapping[str, str]) -> int | None:
    """The request count of an answer, 0 in the form of RFC 2069; None where the answer is not well formed."""
    if "qop" not in answer:
        return 0
    nc = answer.get("nc", "")
    if answer["qop"].lower() != "auth" or not re.fullmatch(r"[0-9a-fA-F]{8}", nc) or not answer.get("cnonce"):
        return None
    return int(nc, 16)


def _covers(uri: str, url: str) -> bool:
    """Whether an answer made for `uri` may be used for `url`: the same, or what lies below it.

    Authorities are not compared: a port forwarding changes them. Clients of the live555 family sign every
    request with the URL of the presentation.
    """
    if uri == url:
        return True
    signed, asked = (re.sub(r"(?i)^(?:rtsp|http)s?://[^/]*", "", text) for text in (uri, url))
    signed = signed.rstrip("/")
    return bool(signed) and (asked.rstrip("/") == signed or asked.startswith((signed + "/", signed + "?")))


def _digest(algorithm: str, text: str) -> str:
    return _HASH[algorithm](text.encode("utf-8", "surrogateescape"), usedforsecurity=True).hexdigest()


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
