"""Users of the Device service (ONVIF Core s8.4): the recorder's accounts, by their levels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from device.accounts.rights import Rights
from device.accounts.role import Role
from device.accounts.store import MOST, NAME, Account, Accounts, LastAdministrator
from device.errors import BadValue, NotFound
from protocols.onvif.faults import BAD_ARGUMENT, Kind, Refusal, impossible, invalid
from protocols.onvif.names import TDS, TT
from protocols.onvif.operations import Access, Call, Operation
from protocols.onvif.xml import Element, member, need, sub, text, texts

LONGEST_NAME = 64
LONGEST_PASSWORD = 64


def _prohibited(subcode: str, reason: str) -> Kind:
    return Kind("Sender", ("OperationProhibited", subcode), reason)


CLASH = _prohibited("UsernameClash", "There is a user of that name")
NAME_TOO_LONG = _prohibited("UsernameTooLong", "The user name is too long")
NAME_TOO_SHORT = _prohibited("UsernameTooShort", "The user name is too short")
PASSWORD_TOO_LONG = _prohibited("PasswordTooLong", "The password is too long")
WEAK_PASSWORD = _prohibited("Password", "The password is too weak")
NO_ANONYMOUS = _prohibited("AnonymousNotAllowed", "Nobody has that user level")
TOO_MANY_USERS = impossible("TooManyUsers", "There is no room for more users")
MISSING = invalid("UsernameMissing", "There is no user of that name")
FIXED = invalid("FixedUser", "The user cannot be removed")


class UserLevel(Enum):
    """tt:UserLevel."""

    ADMINISTRATOR = "Administrator"
    OPERATOR = "Operator"
    USER = "User"
    ANONYMOUS = "Anonymous"
    EXTENDED = "Extended"


#: Level and role; the levels that stand in no row nobody can have.
LEVELS = (
    (UserLevel.ADMINISTRATOR, Role.ADMINISTRATOR),
    (UserLevel.OPERATOR, Role.OPERATOR),
    (UserLevel.USER, Role.VIEWER),
)
_ROLES = dict(LEVELS)
_LEVELS = {role: level for level, role in LEVELS}


@dataclass(frozen=True, slots=True)
class _Wanted:
    name: str
    password: str | None
    role: Role


class Users:
    """Rows of the Device service. Requests about several users are done whole or not at all (DEVICE-4-1-3, 4-1-8)."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        gone, fixed = (NotFound, MISSING), (LastAdministrator, FIXED)
        self.operations = (
            Operation("GetUsers", Access.READ_SYSTEM_SECRET, self.get),
            Operation("CreateUsers", Access.WRITE_SYSTEM, self.create, ((BadValue, WEAK_PASSWORD),)),
            Operation("DeleteUsers", Access.WRITE_SYSTEM, self.delete, (gone, fixed)),
            Operation("SetUser", Access.WRITE_SYSTEM, self.set, (gone, fixed, (BadValue, WEAK_PASSWORD))),
        )

    async def get(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - carries nothing
        """GetUsers: all, without passwords."""
        for account in self._accounts.list():
            user = sub(reply, TDS.User)
            sub(user, TT.Username, account.name)
            sub(user, TT.UserLevel, _LEVELS[account.role])

    async def create(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - nothing is told
        """CreateUsers."""
        wanted = _wanted(call)
        known = self._known()
        for each in wanted:
            _check_name(each.name)
            if each.name.lower() in known:
                raise Refusal(CLASH, f"There is a user {each.name!r} already.")
            _check_password(each.password or "")
        if len(known) + len(wanted) > MOST:
            raise Refusal(TOO_MANY_USERS, f"There can be {MOST} users.")
        made: list[str] = []
        try:
            for each in wanted:
                await self._accounts.create(
                    each.name, each.password or "", Rights(each.role), by=call.account
                )
                made.append(each.name)
        except BaseException:
            for name in made:
                self._accounts.delete(name, by=call.account)
            raise

    async def delete(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - nothing is told
        """DeleteUsers."""
        known = self._known()
        names = {name.lower(): name for name in texts(call.body, TDS.Username)}
        if not names:
            raise Refusal(BAD_ARGUMENT, "Username is missing.")
        for key, name in names.items():
            if key not in known:
                raise NotFound("user", name)
        left = [account for key, account in known.items() if key not in names]
        _keep_one(left)
        for name in names.values():
            self._accounts.delete(name, by=call.account)

    async def set(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - nothing is told
        """SetUser: password, level, or both."""
        wanted = _wanted(call)
        known = self._known()
        for each in wanted:
            if each.name.lower() not in known:
                raise NotFound("user", each.name)
            if each.password is not None:
                _check_password(each.password)
        after = {key: account.role for key, account in known.items()}
        after |= {each.name.lower(): each.role for each in wanted}
        _keep_one([Account(key, Rights(role), known[key].created) for key, role in after.items()])
        for each in sorted(wanted, key=lambda one: one.role is not Role.ADMINISTRATOR):  # rises come first
            now = known[each.name.lower()].rights
            if now.role is not each.role:
                # Who becomes an administrator is limited no more; ONVIF knows no limits.
                whole = each.role is Role.ADMINISTRATOR
                rights = Rights(each.role) if whole else replace(now, role=each.role)
                self._accounts.change_rights(each.name, rights, by=call.account)
            if each.password is not None:
                await self._accounts.change_password(each.name, each.password, by=call.account)

    def _known(self) -> dict[str, Account]:
        return {account.name.lower(): account for account in self._accounts.list()}


def _wanted(call: Call) -> list[_Wanted]:
    """The users that a request names. Raises Refusal."""
    found: dict[str, _Wanted] = {}
    for user in call.body.iterfind(TDS.User):
        name, level = need(user, TT.Username), member(UserLevel, user, TT.UserLevel)
        if level not in _ROLES:
            raise Refusal(NO_ANONYMOUS, f"No user can have the level {level.value}.")
        if name.lower() in found:
            raise Refusal(CLASH, f"{name[:80]!r} is named twice.")
        found[name.lower()] = _Wanted(name, text(user, TT.Password), _ROLES[level])
    if not found:
        raise Refusal(BAD_ARGUMENT, "User is missing.")
    return list(found.values())


def _check_name(name: str) -> None:
    if not name:
        raise Refusal(NAME_TOO_SHORT, "A user name has at least one character.")
    if len(name) > LONGEST_NAME:
        raise Refusal(NAME_TOO_LONG, f"A user name has at most {LONGEST_NAME} characters.")
    if not NAME.fullmatch(name):
        raise Refusal(
            BAD_ARGUMENT,
            "Username: letters, figures and . _ @ - are taken, and the first must be a letter or figure.",
        )


def _check_password(password: str) -> None:
    if len(password) > LONGEST_PASSWORD:
        raise Refusal(PASSWORD_TOO_LONG, f"A password has at most {LONGEST_PASSWORD} characters.")


def _keep_one(left: list[Account]) -> None:
    if not any(account.role is Role.ADMINISTRATOR for account in left):
        raise Refusal(FIXED, "The last administrator must stay one.")
