"""What SNMP says of itself: SNMP-FRAMEWORK-MIB (RFC 3411), SNMP-MPD-MIB (RFC 3412), SNMP-USER-BASED-SM-MIB
(RFC 3414), SNMP-VIEW-BASED-ACM-MIB (RFC 3415), the scalars of SNMP-TARGET-MIB (RFC 3413)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from protocols.snmp.agent import Counters
from protocols.snmp.ber import Oid
from protocols.snmp.message import MOST_SIZE
from protocols.snmp.projection.oids import SNMP_MODULES, ZERO
from protocols.snmp.syntax import COUNTER, NAME, TEXT, enumeration, octets, whole
from protocols.snmp.tree import Column, Table, scalars
from protocols.snmp.usm import HASHES, PRIVACY_OIDS, Trouble, User
from protocols.snmp.vacm import Family, Member, Right, View

_NO_AUTH = (*SNMP_MODULES, 10, 1, 1, 1)
_NO_PRIV = (*SNMP_MODULES, 10, 1, 2, 1)
_STORAGE = enumeration("other", "volatile", "nonVolatile", "permanent", "readOnly")
_STATUS = enumeration("active", "notInService", "notReady", "createAndGo", "createAndWait", "destroy")
_READ_ONLY, _ACTIVE = 5, 1


@dataclass(frozen=True, slots=True)
class EngineState:
    """Our engine, and what it counted."""

    identity: bytes
    boots: int
    time: Callable[[], int]  #: seconds
    counters: Counters


@dataclass(frozen=True, slots=True)
class UserRow:
    """One user of ours."""

    engine: bytes
    user: User


def text_index(text: str | bytes) -> Oid:
    """A string as an index, with its length (RFC 2578 s7.7)."""
    raw = text.encode() if isinstance(text, str) else text
    return (len(raw), *raw)


def _usm(trouble: Trouble) -> Callable[[EngineState], int]:
    return lambda row: row.counters.usm[trouble.value]


def _authentication(row: UserRow) -> Oid:
    chosen = row.user.secret.authentication
    return _NO_AUTH if chosen is None else HASHES[chosen].oid


def _privacy(row: UserRow) -> Oid:
    chosen = row.user.secret.privacy
    return _NO_PRIV if chosen is None else PRIVACY_OIDS[chosen]


ENGINE: Table[EngineState] = scalars(
    "snmpEngine",
    (*SNMP_MODULES, 10, 2, 1),
    Column(1, "snmpEngineID", octets(5, 32), lambda row: row.identity),
    Column(2, "snmpEngineBoots", whole(1), lambda row: row.boots),
    Column(3, "snmpEngineTime", whole(0), lambda row: row.time(), live=True),
    Column(4, "snmpEngineMaxMessageSize", whole(484), lambda _: MOST_SIZE),
)
PROCESSING: Table[EngineState] = scalars(
    "snmpMPDStats",
    (*SNMP_MODULES, 11, 2, 1),
    Column(1, "snmpUnknownSecurityModels", COUNTER, lambda row: row.counters.unknown_models),
    Column(2, "snmpInvalidMsgs", COUNTER, lambda row: row.counters.invalid),
    Column(3, "snmpUnknownPDUHandlers", COUNTER, lambda row: row.counters.unknown_handlers),
)
CONTEXTS: Table[EngineState] = scalars(
    "snmpTargetObjects",
    (*SNMP_MODULES, 12, 1),
    Column(4, "snmpUnavailableContexts", COUNTER, lambda _: 0),
    Column(5, "snmpUnknownContexts", COUNTER, lambda row: row.counters.unknown_contexts),
)
USM_STATS: Table[EngineState] = scalars(
    "usmStats",
    (*SNMP_MODULES, 15, 1, 1),
    Column(1, "usmStatsUnsupportedSecLevels", COUNTER, _usm(Trouble.UNSUPPORTED_LEVEL)),
    Column(2, "usmStatsNotInTimeWindows", COUNTER, _usm(Trouble.NOT_IN_WINDOW)),
    Column(3, "usmStatsUnknownUserNames", COUNTER, _usm(Trouble.UNKNOWN_USER)),
    Column(4, "usmStatsUnknownEngineIDs", COUNTER, _usm(Trouble.UNKNOWN_ENGINE)),
    Column(5, "usmStatsWrongDigests", COUNTER, _usm(Trouble.WRONG_DIGEST)),
    Column(6, "usmStatsDecryptionErrors", COUNTER, _usm(Trouble.DECRYPTION)),
)
USERS: Table[UserRow] = Table(
    "usmUserEntry",
    (*SNMP_MODULES, 15, 1, 2, 2, 1),
    lambda row: (*text_index(row.engine), *text_index(row.user.name)),
    (
        Column(3, "usmUserSecurityName", TEXT, lambda row: row.user.name),
        Column(4, "usmUserCloneFrom", NAME, lambda _: ZERO),
        Column(5, "usmUserAuthProtocol", NAME, _authentication),
        Column(6, "usmUserAuthKeyChange", octets(0, 64), lambda _: b""),
        Column(7, "usmUserOwnAuthKeyChange", octets(0, 64), lambda _: b""),
        Column(8, "usmUserPrivProtocol", NAME, _privacy),
        Column(9, "usmUserPrivKeyChange", octets(0, 64), lambda _: b""),
        Column(10, "usmUserOwnPrivKeyChange", octets(0, 64), lambda _: b""),
        Column(11, "usmUserPublic", octets(0, 32), lambda _: b""),
        Column(12, "usmUserStorageType", _STORAGE, lambda _: _READ_ONLY),
        Column(13, "usmUserStatus", _STATUS, lambda _: _ACTIVE),
    ),
)
VACM_CONTEXTS: Table[str] = Table(
    "vacmContextEntry",
    (*SNMP_MODULES, 16, 1, 1, 1),
    lambda row: text_index(row),
    (Column(1, "vacmContextName", octets(0, 32), lambda row: row),),
)
GROUPS: Table[Member] = Table(
    "vacmSecurityToGroupEntry",
    (*SNMP_MODULES, 16, 1, 2, 1),
    lambda row: (row.model, *text_index(row.name)),
    (
        Column(3, "vacmGroupName", octets(1, 32), lambda row: row.group),
        Column(4, "vacmSecurityToGroupStorageType", _STORAGE, lambda _: _READ_ONLY),
        Column(5, "vacmSecurityToGroupStatus", _STATUS, lambda _: _ACTIVE),
    ),
)
ACCESS: Table[Right] = Table(
    "vacmAccessEntry",
    (*SNMP_MODULES, 16, 1, 4, 1),
    lambda row: (*text_index(row.group), *text_index(""), row.model, row.level),
    (
        Column(4, "vacmAccessContextMatch", enumeration("exact", "prefix"), lambda _: 1),
        Column(5, "vacmAccessReadViewName", octets(0, 32), lambda row: row.read.name),
        Column(6, "vacmAccessWriteViewName", octets(0, 32), lambda row: row.write.name),
        Column(7, "vacmAccessNotifyViewName", octets(0, 32), lambda row: row.notify.name),
        Column(8, "vacmAccessStorageType", _STORAGE, lambda _: _READ_ONLY),
        Column(9, "vacmAccessStatus", _STATUS, lambda _: _ACTIVE),
    ),
)
VIEWS: Table[tuple[View, Family]] = Table(
    "vacmViewTreeFamilyEntry",
    (*SNMP_MODULES, 16, 1, 5, 2, 1),
    lambda row: (*text_index(row[0].name), len(row[1].subtree), *row[1].subtree),
    (
        Column(3, "vacmViewTreeFamilyMask", octets(0, 16), lambda row: row[1].mask),
        Column(
            4,
            "vacmViewTreeFamilyType",
            enumeration("included", "excluded"),
            lambda row: 1 if row[1].included else 2,
        ),
        Column(5, "vacmViewTreeFamilyStorageType", _STORAGE, lambda _: _READ_ONLY),
        Column(6, "vacmViewTreeFamilyStatus", _STATUS, lambda _: _ACTIVE),
    ),
)

TABLES = (ENGINE, PROCESSING, CONTEXTS, USM_STATS, USERS, VACM_CONTEXTS, GROUPS, ACCESS, VIEWS)
