"""Accounts: who may come in, and the digest secrets that RTSP and ONVIF need (RFC 7616 s3.4.2).

In a database of their own, apart from the settings: settings have a history that can be undone, are
exported and restored, and are read by every plane. An account that was deleted must not come back by an
undo, and a password hash belongs in no backup that a person mails around. The streaming plane reads this
database and nothing else does but the control plane.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import secrets
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from device.accounts.rights import ALL, Media, Rights
from device.accounts.role import Role
from device.clock import Clock
from device.database import changes, open_database, transaction
from device.errors import BadValue, NotAuthorized, NotFound, Refused
from device.events.catalogue import AccountChanged, AccountCreated, AccountDeleted, LoginFailed
from device.events.event import Event
from device.media import Utc
from device.vault import SealBroken, Vault

MOST = 100  #: accounts
PASSWORD = re.compile(r"[\x20-\x7e]{1,64}")  #: no policy beyond what every protocol can carry
NAME = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}", re.ASCII
)  #: no colon: RFC 7616 s3.4.2 puts one behind it
AT_ONCE = 2  #: passwords that are hashed at the same time: each takes 64 MiB and a tenth of a second

ALGORITHMS = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}  #: as RFC 7616 s3.3 writes them
#: Stands beside the algorithms: the password itself, sealed. WS-UsernameToken hashes it with what changes every time,
#: so no hash of it will do, and most of ONVIF's clients know nothing else (docs/design/onvif.md).
RECOVERABLE = "password"

SCHEMA = (
    """
    CREATE TABLE account(
        name TEXT PRIMARY KEY COLLATE NOCASE, role TEXT NOT NULL, hash TEXT NOT NULL, created INTEGER NOT
        NULL);
    CREATE TABLE ha1(
        account TEXT NOT NULL COLLATE NOCASE REFERENCES account(name), algorithm TEXT NOT NULL,
        sealed TEXT NOT NULL, PRIMARY KEY (account, algorithm)) WITHOUT ROWID;
    """,
    """
    ALTER TABLE account ADD COLUMN ptz INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE account ADD COLUMN cameras TEXT;
    ALTER TABLE account ADD COLUMN media TEXT NOT NULL DEFAULT '["live", "recorded"]';
    """,
)

_COLUMNS = "name, role, ptz, cameras, media, created"


class WrongPassword(NotAuthorized):
    """Name or password is wrong; which of them is not said."""


class LastAdministrator(Refused):
    """The only administrator would be lost: nobody could change anything any more."""

    hint = "Make another account an administrator first."


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may come in."""

    name: str
    rights: Rights
    created: Utc

    @property
    def role(self) -> Role:
        """Of its rights."""
        return self.rights.role


class Accounts:
    """The accounts in one data folder, for the control plane and the command line. For the loop's thread."""

    def __init__(
        self,
        path: Path,
        vault: Vault,
        realm: str,
        clock: Clock,
        publish: Callable[[Event], object],
        hasher: PasswordHasher,
    ) -> None:
        """`realm`: the recorder's serial, for ever: another one makes every digest secret void. `publish`:
        where events go. `hasher`: argon2id and its cost; `PasswordHasher()` is RFC 9106 s4's second choice,
        64 MiB."""
        self._vault = vault
        self._clock = clock
        self._publish = publish
        self._hasher = hasher
        self.realm = realm
        self._database = open_database(path, SCHEMA)
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="password")
        self._nobody = ""  # the hash of a password that nobody has

    def close(self) -> None:
        """Close the database."""
        self._threads.shutdown()
        self._database.close()

    def list(self) -> list[Account]:
        """All accounts, by name."""
        rows = self._database.execute(f"SELECT {_COLUMNS} FROM account ORDER BY name")  # noqa: S608 - a constant
        return [_account(row) for row in rows]

    def get(self, name: str) -> Account:
        """One account. Raises NotFound."""
        sql = f"SELECT {_COLUMNS} FROM account WHERE name = ?"  # noqa: S608 - a constant
        row = self._database.execute(sql, (name,)).fetchone()
        if row is None:
            raise NotFound("account", name)
        return _account(row)

    def is_empty(self) -> bool:
        """Whether the first administrator must be made before anything else."""
        return self._count() == 0

    async def create_first(self, name: str, password: str) -> Account:
        """Make the first administrator. Raises Refused where there is an account already, BadValue."""
        return await self._create(name, password, ALL, by="", first=True)

    async def create(self, name: str, password: str, rights: Rights, *, by: str) -> Account:
        """Make an account. Raises Refused where there is none yet, or it is taken, or there are too many;
        BadValue."""
        return await self._create(name, password, rights, by=by, first=False)

    async def _create(self, name: str, password: str, rights: Rights, *, by: str, first: bool) -> Account:
        _check(
            "name",
            name,
            NAME,
            "must be 1 to 64 letters, figures and . _ @ -, beginning with a letter or figure",
        )
        _check_password(password)
        hashed = await self._hash(password)
        made = Account(name, rights, self._clock.utc())
        with transaction(self._database):
            if first != (self._count() == 0):
                raise Refused(
                    "There is an account already." if first else "Make the first administrator first."
                )
            if self._count() >= MOST:
                raise Refused(f"There can be at most {MOST} accounts.")
            try:
                self._database.execute(
                    "INSERT INTO account(name, role, hash, created, ptz, cameras, media) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (name, rights.role.value, hashed, made.created, *_row(rights)),
                )
            except sqlite3.IntegrityError:
                raise Refused(f"There is an account {name!r} already.") from None
            self._derive(name, password)
        self._publish(AccountCreated(name, rights.role.value, by))
        return made

    async def change_password(self, name: str, password: str, *, by: str) -> None:
        """Give an account another password; everything that was made from the old one goes. Raises NotFound,
        BadValue."""
        _check_password(password)
        name = self._named(name)
        hashed = await self._hash(password)
        with transaction(self._database):
            name = self._named(name)
            self._database.execute("UPDATE account SET hash = ? WHERE name = ?", (hashed, name))
            self._derive(name, password)
        self._publish(AccountChanged(name, "password", by))

    def change_rights(self, name: str, rights: Rights, *, by: str) -> None:
        """Give an account other rights. Raises NotFound, LastAdministrator."""
        with transaction(self._database):
            name = self._named(name)
            self._database.execute(
                "UPDATE account SET role = ?, ptz = ?, cameras = ?, media = ? WHERE name = ?",
                (rights.role.value, *_row(rights), name),
            )
            self._check_administrator()
        self._publish(AccountChanged(name, "role", by))

    def delete(self, name: str, *, by: str) -> None:
        """Remove an account. Raises NotFound, LastAdministrator."""
        with transaction(self._database):
            name = self._named(name)
            self._database.execute("DELETE FROM ha1 WHERE account = ?", (name,))
            self._database.execute("DELETE FROM account WHERE name = ?", (name,))
            self._check_administrator()
        self._publish(AccountDeleted(name, by))

    def reset(self) -> None:
        """Remove all accounts, for restore and factory default: the next one is the first administrator
        again."""
        with transaction(self._database):
            self._database.execute("DELETE FROM ha1")
            self._database.execute("DELETE FROM account")

    async def verify(self, name: str, password: str, *, peer: str, protocol: str) -> Account:
        """The account that this name and password are of. Raises WrongPassword, after the same time and
        with the same words whether the name exists or not. `peer`, `protocol`: for the event."""
        row = self._database.execute(
            f"SELECT hash, {_COLUMNS} FROM account WHERE name = ?",  # noqa: S608 - a constant
            (name,),
        ).fetchone()
        hashed = row[0] if row else await self._hash_of_nobody()
        loop = asyncio.get_running_loop()
        right = await loop.run_in_executor(self._threads, self._matches, hashed, password)
        if row is None or not right:
            self._publish(LoginFailed(name[:64], peer, protocol))
            raise WrongPassword("Name or password is wrong.")
        if self._hasher.check_needs_rehash(hashed):
            stronger = await self._hash(password)
            with transaction(self._database):  # unless the password was changed while it was hashed
                self._database.execute(
                    "UPDATE account SET hash = ? WHERE name = ? AND hash = ?", (stronger, row[1], hashed)
                )
        return _account(row[1:])

    # ------------------------------------------------------------------------------------------ within

    def _matches(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password.encode("utf-8", "surrogatepass")[:1024])
        except (VerificationError, InvalidHashError):
            return False

    async def _hash(self, password: str) -> str:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._hasher.hash, password)

    async def _hash_of_nobody(self) -> str:
        if not self._nobody:
            self._nobody = await self._hash(secrets.token_urlsafe())
        return self._nobody

    def _derive(self, name: str, password: str) -> None:
        """Everything that is made from a password, but its hash."""
        sealed = self._vault.seal(password, _about(RECOVERABLE, name))
        self._database.execute("INSERT OR REPLACE INTO ha1 VALUES (?, ?, ?)", (name, RECOVERABLE, sealed))
        for algorithm, function in ALGORITHMS.items():
            secret = function(f"{name}:{self.realm}:{password}".encode(), usedforsecurity=False).hexdigest()
            sealed = self._vault.seal(secret, _about(algorithm, name))
            self._database.execute("INSERT OR REPLACE INTO ha1 VALUES (?, ?, ?)", (name, algorithm, sealed))

    def _named(self, name: str) -> str:
        """The name as it was given when the account was made. Raises NotFound."""
        row = self._database.execute("SELECT name FROM account WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise NotFound("account", name)
        return str(row[0])

    def _count(self) -> int:
        return int(self._database.execute("SELECT count(*) FROM account").fetchone()[0])

    def _check_administrator(self) -> None:
        found = self._database.execute(
            "SELECT 1 FROM account WHERE role = ?", (Role.ADMINISTRATOR.value,)
        ).fetchone()
        if found is None:
            raise LastAdministrator("This is the last administrator.")


class DigestSecrets:
    """What a server of another process needs to check digests: read-only, and always as the accounts are
    now."""

    def __init__(self, path: Path, vault: Vault, realm: str) -> None:
        """Raises DatabaseFault."""
        self.realm = realm
        self._vault = vault
        self._database = open_database(path, SCHEMA, readonly=True)
        self._seen = -1
        self._known: dict[tuple[str, str], str | None] = {}
        self._rights: dict[str, Rights | None] = {}

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def ha1(self, user: str, algorithm: str) -> str | None:
        """Lower-case hexadecimal H(user:realm:password) for `MD5` or `SHA-256`, None where there is no such
        account.

        `user` is taken to the letter: the digest is made of it.
        """
        self._look()
        asked = (user, algorithm)
        if asked not in self._known:
            if len(self._known) >= 6 * MOST:
                self._known = {}
            self._known[asked] = self._read(user, algorithm)
        return self._known[asked]

    def password(self, user: str) -> str | None:
        """The password in the clear, for WS-UsernameToken; None where there is no such account."""
        return self.ha1(user, RECOVERABLE)

    def role(self, user: str) -> Role | None:
        """What an account may do, None where there is no such account."""
        found = self.rights(user)
        return None if found is None else found.role

    def rights(self, user: str) -> Rights | None:
        """The same with what it is limited to."""
        self._look()
        if user not in self._rights:
            if len(self._rights) >= 2 * MOST:
                self._rights = {}
            sql = f"SELECT {_COLUMNS} FROM account WHERE name = ? COLLATE BINARY"  # noqa: S608 - a constant
            row = self._database.execute(sql, (user,)).fetchone()
            self._rights[user] = None if row is None else _account(row).rights
        return self._rights[user]

    def _look(self) -> None:
        """Forget what was read before the last change."""
        now = changes(self._database)
        if now != self._seen:
            self._seen = now
            self._known, self._rights = {}, {}

    def _read(self, user: str, algorithm: str) -> str | None:
        try:
            row = self._database.execute(
                "SELECT sealed FROM ha1 WHERE account = ? COLLATE BINARY AND algorithm = ?", (user, algorithm)
            ).fetchone()
            return None if row is None else self._vault.open(row[0], _about(algorithm, user))
        except (SealBroken, UnicodeEncodeError):
            return None


def _about(algorithm: str, name: str) -> str:
    return f"cred:ha1-{algorithm.lower()}:{name}"


def _row(rights: Rights) -> tuple[int, str | None, str]:
    """ptz, cameras and media as they are kept."""
    cameras = None if rights.cameras is None else json.dumps(sorted(rights.cameras))
    return int(rights.ptz), cameras, json.dumps(sorted(each.value for each in rights.media))


def _account(row: tuple[str, str, int, str | None, str, int]) -> Account:
    name, role, ptz, cameras, media, created = row
    some = None if cameras is None else frozenset(json.loads(cameras))
    what = frozenset(Media(word) for word in json.loads(media))
    return Account(name, Rights(Role(role), bool(ptz), some, what), Utc(created))


def _check(field: str, value: str, pattern: re.Pattern[str], message: str) -> None:
    if not pattern.fullmatch(value):
        raise BadValue(field, message)


def _check_password(password: str) -> None:
    _check("password", password, PASSWORD, "must be 1 to 64 printable ASCII characters")
