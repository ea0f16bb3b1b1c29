"""SNMP-TARGET-MIB and SNMP-NOTIFICATION-MIB (RFC 3413): whom a manager told us to tell, by SET."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping

from protocols.snmp.ber import Oid
from protocols.snmp.message import V1, V2C, V3
from protocols.snmp.notify import Target
from protocols.snmp.projection.oids import MIB2, SNMP_MODULES
from protocols.snmp.rows import Field, Register, Row, Values, register
from protocols.snmp.syntax import NAME, Value, enumeration, octets, whole
from protocols.snmp.usm import Secret
from protocols.snmp.vacm import Level, Model, Vacm

UDP_DOMAIN = (1, 3, 6, 1, 6, 1, 1)
UDP_IPV4, UDP_IPV6 = (*MIB2, 100, 1, 1), (*MIB2, 100, 1, 2)
_TAGS = re.compile(rb"([^\x20\t\r\n]+([\x20\t\r\n][^\x20\t\r\n]+)*)?")
_VERSIONS = {0: V1, 1: V2C, 3: V3}  #: snmpTargetParamsMPModel
_COMMUNITY_MODEL = {0: 1, 1: 2, 3: 3}  #: the security model that goes with each


def _tag_list(value: Value) -> bool:
    return isinstance(value, bytes) and _TAGS.fullmatch(value) is not None


def _tag(value: Value) -> bool:
    return isinstance(value, bytes) and not re.search(rb"[\x20\t\r\n]", value)


def _domain(value: Value) -> bool:
    return value in (UDP_DOMAIN, UDP_IPV4, UDP_IPV6)


ADDRESS_FIELDS = (
    Field(2, "snmpTargetAddrTDomain", NAME, None, _domain),
    Field(3, "snmpTargetAddrTAddress", octets(1, 255), None, lambda value: len(bytes_of(value)) in (6, 18)),
    Field(4, "snmpTargetAddrTimeout", whole(0), 1500),
    Field(5, "snmpTargetAddrRetryCount", whole(0, 255), 3),
    Field(6, "snmpTargetAddrTagList", octets(0, 255), b"", _tag_list),
    Field(7, "snmpTargetAddrParams", octets(1, 32), None),
)
PARAMS_FIELDS = (
    Field(2, "snmpTargetParamsMPModel", whole(0, 3), None, lambda value: value in _VERSIONS),
    Field(3, "snmpTargetParamsSecurityModel", whole(1, 3), None),
    Field(4, "snmpTargetParamsSecurityName", octets(0, 32), None),
    Field(
        5,
        "snmpTargetParamsSecurityLevel",
        enumeration("noAuthNoPriv", "authNoPriv", "authPriv"),
        None,
    ),
)
NOTIFY_FIELDS = (
    Field(2, "snmpNotifyTag", octets(0, 255), b"", _tag),
    Field(3, "snmpNotifyType", enumeration("trap", "inform"), 1),
)
ADDRESSES = register(
    "snmpTargetAddrEntry", (*SNMP_MODULES, 12, 1, 2, 1), ADDRESS_FIELDS, 8, 9, "snmpTargetAddr"
)
PARAMS = register(
    "snmpTargetParamsEntry", (*SNMP_MODULES, 12, 1, 3, 1), PARAMS_FIELDS, 6, 7, "snmpTargetParams"
)
NOTIFY = register("snmpNotifyEntry", (*SNMP_MODULES, 13, 1, 1, 1), NOTIFY_FIELDS, 4, 5, "snmpNotify")
TABLES = (ADDRESSES, PARAMS, NOTIFY)
LAYOUT = {
    "addresses": (ADDRESS_FIELDS, 8, 9),
    "params": (PARAMS_FIELDS, 6, 7),
    "notify": (NOTIFY_FIELDS, 4, 5),
}  #: what is kept -> its fields, and the columns of StorageType and RowStatus

Kept = dict[str, list[tuple[list[int], dict[str, int | str | list[int]]]]]


def bytes_of(value: Value | None) -> bytes:
    """A string's value."""
    return value if isinstance(value, bytes) else b""


def fits(index: Oid) -> bool:
    """An IMPLIED string of 1 to 32 octets: the index of all three tables."""
    return 1 <= len(index) <= 32 and all(octet < 256 for octet in index)


def named(row: Row) -> bytes:
    """The string that an index is."""
    return bytes(row.index)


def targets(
    addresses: Register,
    params: Register,
    notify: Register,
    secrets: Mapping[bytes, Secret],
    communities: Mapping[str, bytes],
    vacm: Vacm,
) -> list[Target]:
    """Whom all that says to tell (RFC 3413 s3.3). What cannot be told is passed over: an unknown user, a
    right that is missing, parameters that contradict each other."""
    by_name = {named(row): row for row in params.active()}
    found = []
    for rule in notify.active():
        tag = bytes_of(rule.values.get(2))
        for address in addresses.active():
            if tag and tag in bytes_of(address.values.get(6)).split():
                how = by_name.get(bytes_of(address.values.get(7)))
                made = None if how is None else _target(rule, address, how, secrets, communities, vacm)
                if made is not None:
                    found.append(made)
    return found


def _target(
    rule: Row,
    address: Row,
    how: Row,
    secrets: Mapping[bytes, Secret],
    communities: Mapping[str, bytes],
    vacm: Vacm,
) -> Target | None:
    model, security, level = how.values[2], how.values[3], how.values[5]
    timeout, retries = address.values[4], address.values[5]
    name = bytes_of(how.values[4])
    assert isinstance(model, int)
    assert isinstance(security, int)
    assert isinstance(level, int)
    assert isinstance(timeout, int)
    assert isinstance(retries, int)
    secret = secrets.get(name) if security == Model.USM else None
    right = vacm.right(Model(security), name.decode("utf-8", "replace"), Level(level))
    raw = bytes_of(address.values[3])
    if _COMMUNITY_MODEL[model] != security or right is None or (security == Model.USM and secret is None):
        return None
    return Target(
        f"{named(rule).decode('utf-8', 'replace')}/{named(address).decode('utf-8', 'replace')}",
        (str(ipaddress.ip_address(raw[:-2])), int.from_bytes(raw[-2:], "big")),
        _VERSIONS[model],
        communities.get(name.decode("utf-8", "replace"), b""),
        secret,
        Level(level),
        rule.values[3] == 2 and model != 0,
        timeout / 100,
        retries,
        right.notify,
        bytes(4),
    )


def to_kept(
    rows: Mapping[Oid, Values], storage: int
) -> list[tuple[list[int], dict[str, int | str | list[int]]]]:
    """The rows that outlive a restart, as JSON has them."""
    out = []
    for index, values in rows.items():
        if values[storage] != 2:  # volatile
            plain: dict[str, int | str | list[int]] = {}
            for number, value in values.items():
                if isinstance(value, bytes):
                    plain[str(number)] = value.hex()
                elif isinstance(value, tuple):
                    plain[str(number)] = list(value)
                else:
                    plain[str(number)] = value
            out.append((list(index), plain))
    return out


def from_kept(kept: list[tuple[list[int], dict[str, int | str | list[int]]]]) -> dict[Oid, Values]:
    """Those rows again."""
    rows: dict[Oid, Values] = {}
    for index, plain in kept:
        values: Values = {}
        for number, value in plain.items():
            if isinstance(value, str):
                values[int(number)] = bytes.fromhex(value)
            elif isinstance(value, list):
                values[int(number)] = tuple(value)
            else:
                values[int(number)] = value
        rows[tuple(index)] = values
    return rows
