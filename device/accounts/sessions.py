"""Who is logged in, and which programs have a token. In a database of their own: what is in it opens nothing.

A session's cookie and a token are 256 random bits; their SHA-256 is all that is kept.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from device.accounts.role import Role
from device.clock import Clock
from device.database import open_database, transaction
from device.errors import BadValue, NotAuthorized, NotFound, Refused
from device.media import MICROSECONDS, Utc

MOST_SESSIONS = 1000
MOST_TOKENS = 100  #: of one account
PREFIX = "hf_"  #: a token that was published by mistake is found by those who look for such things
TOUCH = 30 * MICROSECONDS  #: how exactly it is known when a session was used last

SCHEMA = (
    """
    CREATE TABLE session(
        hash TEXT PRIMARY KEY, account TEXT NOT NULL COLLATE NOCASE, created INTEGER NOT NULL,
        used INTEGER NOT NULL, peer TEXT NOT NULL, agent TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE token(
        hash TEXT PRIMARY KEY, account TEXT NOT NULL COLLATE NOCASE, name TEXT NOT NULL, scopes TEXT NOT NULL,
        created INTEGER NOT NULL, used INTEGER, expires INTEGER) WITHOUT ROWID;
    """,
    "ALTER TABLE session ADD COLUMN role TEXT;",
)

_SESSION = "hash, account, created, used, peer, agent, role"


class Scope(Enum):
    """What a token may be used for, within the rights of its account."""

    ALL = "all"  #: whatever the account may do
    READ = "read"  #: looks, and changes nothing
    VIDEO = "video"  #: live and recorded video
    METRICS = "metrics"


class NotLoggedIn(NotAuthorized):
    """There is no session, or it has ended."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long sessions live. Microseconds."""

    idle: int | None  #: since the last request; None: however long
    longest: int  #: since the login


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is logged in. `id` names it, and opens nothing."""

    id: str
    account: str
    created: Utc
    used: Utc
    peer: str
    agent: str
    remote: Role | None  #: what a provider said that it may; None: an own account, which says it itself


@dataclass(frozen=True, slots=True)
class Token:
    """A program's access. `id` names it, and opens nothing."""

    id: str
    account: str
    name: str
    scopes: tuple[Scope, ...]
    created: Utc
    used: Utc | None
    expires: Utc | None


class Sessions:
    """The sessions and tokens of one data folder. For the loop's thread."""

    def __init__(self, path: Path, clock: Clock, limits: Callable[[str], Limits]) -> None:
        """`limits`: of the sessions of an account, by its name. Raises DatabaseFault."""
        self._clock = clock
        self._limits = limits
        self._database = open_database(path, SCHEMA)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    # ---------------------------------------------------------------------------------------- sessions

    def open(self, account: str, peer: str, agent: str, *, role: Role | None = None) -> str:
        """Begin a session; what opens it. Where there are too many, the one that was used longest ago ends. `role`: of
        an account that somebody else keeps."""
        secret = secrets.token_urlsafe(32)
        now = self._clock.utc()
        with transaction(self._database):
            self._prune(now)
            self._database.execute(
                "DELETE FROM session WHERE hash IN (SELECT hash FROM session ORDER BY used DESC LIMIT -1 OFFSET ?)",
                (MOST_SESSIONS - 1,),
            )
            row = (_hash(secret), account, now, now, peer[:64], agent[:200], role and role.value)
            self._database.execute(
                f"INSERT INTO session({_SESSION}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - a constant
                row,
            )
        return secret

    def find(self, secret: str, *, use: bool = True) -> Session:
        """The session that this opens. `use`: it counts as a sign of life. Raises NotLoggedIn."""
        row = self._database.execute(
            f"SELECT {_SESSION} FROM session WHERE hash = ?",  # noqa: S608 - a constant
            (_hash(secret),),
        ).fetchone()
        if row is None:
            raise NotLoggedIn("Log in first.")
        found = _session(row)
        now = self._clock.utc()
        if self._ended(found, now):
            self._delete("session", row[0])
            raise NotLoggedIn("The session has ended. Log in again.")
        if use and not 0 <= now - found.used < TOUCH:
            with transaction(self._database):
                self._database.execute("UPDATE session SET used = ? WHERE hash = ?", (now, row[0]))
        return found

    def sessions(self) -> list[Session]:
        """All that have not ended, newest first."""
        now = self._clock.utc()
        rows = self._database.execute(
            f"SELECT {_SESSION} FROM session ORDER BY created DESC"  # noqa: S608 - a constant
        )
        return [each for each in map(_session, rows.fetchall()) if not self._ended(each, now)]

    def expires(self, session: Session) -> Utc:
        """When a session ends however much it is used."""
        return Utc(session.created + self._limits(session.account).longest)

    def end(self, id_: str) -> None:
        """End a session. Raises NotFound."""
        self._remove("session", id_)

    # ------------------------------------------------------------------------------------------ tokens

    def make_token(
        self, account: str, name: str, scopes: Iterable[Scope], days: int | None
    ) -> tuple[Token, str]:
        """A token and what it is called by programs. `days`: None: for ever. Raises BadValue, Refused."""
        kinds = tuple(sorted(set(scopes), key=lambda scope: scope.value))
        if not kinds:
            raise BadValue("scopes", "must be one at least")
        if not 1 <= len(name) <= 64 or not name.isprintable():
            raise BadValue("name", "must be 1 to 64 printable characters")
        secret = PREFIX + secrets.token_urlsafe(32)
        now = self._clock.utc()
        expires = None if days is None else Utc(now + days * 86_400 * MICROSECONDS)
        words = json.dumps([scope.value for scope in kinds])
        with transaction(self._database):
            (count,) = self._database.execute(
                "SELECT count(*) FROM token WHERE account = ?", (account,)
            ).fetchone()
            if count >= MOST_TOKENS:
                raise Refused(f"An account can have at most {MOST_TOKENS} tokens.")
            self._database.execute(
                "INSERT INTO token VALUES (?, ?, ?, ?, ?, NULL, ?)",
                (_hash(secret), account, name, words, now, expires),
            )
        return Token(_hash(secret)[:16], account, name, kinds, now, None, expires), secret

    def find_token(self, secret: str) -> Token:
        """The token that a program shows. Raises NotLoggedIn."""
        row = self._database.execute(
            "SELECT hash, account, name, scopes, created, used, expires FROM token WHERE hash = ?",
            (_hash(secret),),
        ).fetchone()
        now = self._clock.utc()
        if row is None or (row[6] is not None and row[6] <= now):
            raise NotLoggedIn("The token is not known, or has expired.")
        if row[5] is None or not 0 <= now - row[5] < TOUCH:
            with transaction(self._database):
                self._database.execute("UPDATE token SET used = ? WHERE hash = ?", (now, row[0]))
        return _token(row)

    def tokens(self) -> list[Token]:
        """All of them, by name."""
        rows = self._database.execute(
            "SELECT hash, account, name, scopes, created, used, expires FROM token ORDER BY name, hash"
        )
        return [_token(row) for row in rows.fetchall()]

    def withdraw(self, id_: str) -> None:
        """End a token. Raises NotFound."""
        self._remove("token", id_)

    # ---------------------------------------------------------------------------------------- accounts

    def forget(self, account: str, *, keep: str = "", tokens: bool = False) -> None:
        """End the sessions of an account, but the one with the id `keep`; `tokens`: these too."""
        with transaction(self._database):
            self._database.execute(
                "DELETE FROM session WHERE account = ? AND substr(hash, 1, 16) <> ?", (account, keep)
            )
            if tokens:
                self._database.execute("DELETE FROM token WHERE account = ?", (account,))

    def forget_remote(self) -> None:
        """End the sessions of those whose accounts somebody else keeps."""
        with transaction(self._database):
            self._database.execute("DELETE FROM session WHERE role IS NOT NULL")

    def reset(self) -> None:
        """End all sessions and tokens, for restore and factory default."""
        with transaction(self._database):
            self._database.execute("DELETE FROM session")
            self._database.execute("DELETE FROM token")

    # ------------------------------------------------------------------------------------------ within

    def _ended(self, session: Session, now: Utc) -> bool:
        limits = self._limits(session.account)
        idle = limits.idle is not None and now - session.used > limits.idle
        return idle or now - session.created > limits.longest

    def _prune(self, now: Utc) -> None:
        rows = self._database.execute(f"SELECT {_SESSION} FROM session")  # noqa: S608 - a constant
        for row in rows.fetchall():
            if self._ended(_session(row), now):
                self._database.execute("DELETE FROM session WHERE hash = ?", (row[0],))

    def _remove(self, table: str, id_: str) -> None:
        row = self._database.execute(
            f"SELECT hash FROM {table} WHERE substr(hash, 1, 16) = ?",  # noqa: S608 - one of two constants
            (id_,),
        ).fetchone()
        if row is None:
            raise NotFound(table, id_)
        self._delete(table, row[0])

    def _delete(self, table: str, hashed: str) -> None:
        with transaction(self._database):
            self._database.execute(f"DELETE FROM {table} WHERE hash = ?", (hashed,))  # noqa: S608 - as above


def _hash(secret: str) -> str:
    # What has 256 random bits needs no salt and no work factor.
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _session(row: tuple[str, str, int, int, str, str, str | None]) -> Session:
    hashed, account, created, used, peer, agent, role = row
    remote = None if role is None else Role(role)
    return Session(hashed[:16], account, Utc(created), Utc(used), peer, agent, remote)


def _token(row: tuple[str, str, str, str, int, int | None, int | None]) -> Token:
    hashed, account, name, scopes, created, used, expires = row
    return Token(
        hashed[:16],
        account,
        name,
        tuple(Scope(word) for word in json.loads(scopes)),
        Utc(created),
        None if used is None else Utc(used),
        None if expires is None else Utc(expires),
    )
