"""The settings as users, communities and views: who may see and change what."""

from __future__ import annotations

import re

from device.settings.snmp import Snmp
from protocols.snmp.agent import Access
from protocols.snmp.ber import Oid
from protocols.snmp.message import V1, V2C, V3
from protocols.snmp.projection.log import CONTENT
from protocols.snmp.projection.oids import ENTERPRISE, SNMP_MODULES
from protocols.snmp.usm import Authentication, Privacy, Secret, User
from protocols.snmp.vacm import NOTHING, Family, Level, Member, Model, Right, Vacm, View

INITIAL = "initial"  #: the account of v3
READER, WRITER = "reader", "writer"  #: security names of the communities
TRAP_PORT = 162
_HIDDEN: tuple[Oid, ...] = (
    CONTENT,
    (*SNMP_MODULES, 12, 1, 2),
    (*SNMP_MODULES, 12, 1, 3),
    (*SNMP_MODULES, 13),
    (*SNMP_MODULES, 15, 1, 2),
    (*SNMP_MODULES, 16),
    (*SNMP_MODULES, 18),
)  #: who else may come in, who is told, and what: not for those who are known by a word sent in the clear
ALL = View("all", (Family((1,), True),))
COMMON = View("common", (Family((1,), True), *(Family(subtree, False) for subtree in _HIDDEN)))


def engine_identity(recorder: str) -> bytes:
    """snmpEngineID (RFC 3411 s5, format 5): our enterprise and the recorder's UUID. The same for ever."""
    return (
        (0x80000000 | ENTERPRISE[-1]).to_bytes(4, "big") + b"\x05" + bytes.fromhex(recorder.replace("-", ""))
    )


def secret_of(settings: Snmp) -> Secret | None:
    """The keys of `initial`; None where its password was not set, or v3 is off. Takes a few milliseconds."""
    password = settings.initial_password.get_secret_value()
    if not settings.version.users or not password:
        return None
    authentication = Authentication(settings.authentication.value)
    return Secret.of(INITIAL, authentication, password, Privacy(settings.privacy.value), password)


def communities_of(settings: Snmp) -> dict[bytes, str]:
    """Community -> security name."""
    if not settings.version.communities:
        return {}
    given = ((settings.read_community, READER), (settings.write_community, WRITER))
    return {
        community.get_secret_value().encode(): name
        for community, name in given
        if community.get_secret_value()
    }


def access(settings: Snmp, secret: Secret | None, engine: bytes) -> Access:
    """Who may come in, with these settings."""
    versions = set()
    if settings.version.communities:
        versions |= {V1, V2C}
    if settings.version.users:
        versions.add(V3)
    least = Level.PRIVACY if settings.require_privacy else Level.AUTH
    members = tuple(Member(model, name, name) for model in (Model.V1, Model.V2C) for name in (READER, WRITER))
    rights = (
        Right(READER, Model.ANY, Level.NO_AUTH, COMMON, NOTHING, COMMON),
        Right(WRITER, Model.ANY, Level.NO_AUTH, COMMON, COMMON, COMMON),
        Right(INITIAL, Model.USM, least, ALL, ALL, ALL),
    )
    users = () if secret is None else (User(secret, engine),)
    vacm = Vacm((*members, Member(Model.USM, INITIAL, INITIAL)), rights)
    return Access(communities_of(settings), frozenset(versions), users, vacm)


def receiver(text: str) -> tuple[str, int]:
    """Host and port of the trap address: `nms`, `10.0.0.1:1162`, `fd00::1`, `[fd00::1]:1162`."""
    bracketed = re.fullmatch(r"\[(.+)\](?::(\d+))?", text)
    if bracketed:
        return bracketed[1], int(bracketed[2] or TRAP_PORT)
    host, colon, port = text.partition(":")
    if colon and port.isdigit():
        return host, int(port)
    return text, TRAP_PORT
