"""SNMP: who may ask, and who is told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import Annotated

from pydantic import AfterValidator, SecretStr, model_validator

from device.accounts.role import Role
from device.settings.section import N_, Field, Keep, Section

_RECEIVER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?|[0-9A-Fa-f:]+", re.ASCII)
LEAST_PASSWORD = 8  #: characters (RFC 3414 s11.2)


class SnmpVersion(Enum):
    """What is answered."""

    OFF = "off"
    V1V2C = "v1v2c"
    V3 = "v3"
    ALL = "all"

    @property
    def communities(self) -> bool:
        """Whether SNMPv1 and v2c are among it."""
        return self in (SnmpVersion.V1V2C, SnmpVersion.ALL)

    @property
    def users(self) -> bool:
        """Whether SNMPv3 is among it."""
        return self in (SnmpVersion.V3, SnmpVersion.ALL)


class TrapVersion(Enum):
    """How traps are written."""

    V1 = "v1"
    V2C = "v2c"


class SnmpAuthentication(Enum):
    """Authentication protocols (RFC 3414 s6, s7, RFC 7860), as net-snmp calls them."""

    MD5 = "MD5"
    SHA = "SHA"
    SHA224 = "SHA-224"
    SHA256 = "SHA-256"
    SHA384 = "SHA-384"
    SHA512 = "SHA-512"


class SnmpPrivacy(Enum):
    """Privacy protocols (RFC 3414 s8, RFC 3826), as net-snmp calls them."""

    DES = "DES"
    AES = "AES"
    AES192 = "AES-192"
    AES256 = "AES-256"


class SnmpPersonality(Enum):
    """Whose objects are shown besides the standards'."""

    NATIVE = "native"
    AXIS = "axis"


def _password(password: SecretStr) -> SecretStr:
    given = password.get_secret_value()
    if given and not LEAST_PASSWORD <= len(given.encode()) <= 64:
        raise ValueError(f"must be {LEAST_PASSWORD} to 64 octets")
    return password


def _community(community: SecretStr) -> SecretStr:
    if len(community.get_secret_value().encode()) > 32:
        raise ValueError("must be at most 32 octets")
    return community


def _receiver(receiver: str) -> str:
    if receiver and not _RECEIVER.fullmatch(receiver):
        raise ValueError("must be an IP address or a host name, and :port where it is not 162; IPv6 in []")
    return receiver


Password = Annotated[SecretStr, AfterValidator(_password)]
Community = Annotated[SecretStr, AfterValidator(_community)]
Receiver = Annotated[str, AfterValidator(_receiver)]
_COMMUNITIES = "version == 'v1v2c' or version == 'all'"
_USERS = "version == 'v3' or version == 'all'"


class Snmp(Section, section="snmp", heading=N_("SNMP"), restore=Keep.NO, role=Role.ADMINISTRATOR):
    """The SNMP agent. A new installation answers SNMPv3 only, and nobody until the password is set."""

    version: SnmpVersion = Field(
        SnmpVersion.V3,
        title=N_("SNMP version"),
        help=N_("SNMPv1 and v2c send everything in the clear: for networks that nobody else can reach."),
    )
    read_community: Community = Field(
        SecretStr(""),
        title=N_("Read community"),
        help=N_("Whoever knows it may read. Usually public. Empty: nobody."),
        when=_COMMUNITIES,
    )
    write_community: Community = Field(
        SecretStr(""),
        title=N_("Write community"),
        help=N_("Whoever knows it may read, and change what can be changed. Usually write. Empty: nobody."),
        when=_COMMUNITIES,
    )
    traps: bool = Field(
        False,
        title=N_("Activate traps"),
        help=N_("Goes off when SNMP is switched off or to v3; receivers for v3 are set by SNMP itself."),
        when=_COMMUNITIES,
    )
    trap_address: Receiver = Field(
        "",
        title=N_("Trap address"),
        help=N_("IP address or host name of the management system, with :port where it is not 162."),
        max_length=255,
        when=f"({_COMMUNITIES}) and traps",
    )
    trap_community: Community = Field(
        SecretStr("public"),
        title=N_("Trap community"),
        help=N_("Sent with every trap."),
        when=f"({_COMMUNITIES}) and traps",
    )
    trap_version: TrapVersion = Field(
        TrapVersion.V2C, title=N_("Trap version"), when=f"({_COMMUNITIES}) and traps"
    )
    trap_cold_start: bool = Field(True, title=N_("Trap: cold start"), when=f"({_COMMUNITIES}) and traps")
    trap_link_up: bool = Field(True, title=N_("Trap: link up"), when=f"({_COMMUNITIES}) and traps")
    trap_link_down: bool = Field(True, title=N_("Trap: link down"), when=f"({_COMMUNITIES}) and traps")
    trap_authentication: bool = Field(
        True, title=N_("Trap: authentication failed"), when=f"({_COMMUNITIES}) and traps"
    )
    initial_password: Password = Field(
        SecretStr(""),
        title=N_("Password of the account 'initial'"),
        help=N_("8 to 64 characters. Can be set once; only a factory default takes it away. Use HTTPS."),
        restore=Keep.YES,
        when=_USERS,
        once=True,
    )
    authentication: SnmpAuthentication = Field(
        SnmpAuthentication.SHA256, title=N_("Authentication protocol"), when=_USERS
    )
    privacy: SnmpPrivacy = Field(SnmpPrivacy.AES, title=N_("Privacy protocol"), when=_USERS)
    require_privacy: bool = Field(
        True,
        title=N_("Encrypted requests only"),
        help=N_("Otherwise requests with authentication alone are answered too."),
        when=_USERS,
    )
    personality: SnmpPersonality = Field(
        SnmpPersonality.NATIVE,
        title=N_("Personality"),
        help=N_(
            "axis: shows the objects of AXIS-VIDEO-MIB and sends its alarms, for systems that know no others."
        ),
    )
    contact: str = Field("", title=N_("Contact"), help=N_("sysContact."), max_length=255)
    location: str = Field("", title=N_("Location"), help=N_("sysLocation."), max_length=255)
    rate: int = Field(2000, title=N_("Requests of one address"), unit="/s", ge=10, le=1_000_000)

    @model_validator(mode="before")
    @classmethod
    def _no_traps_without_communities(cls, values: object) -> object:
        """Traps go off by themselves when SNMP is switched to v3 or off."""
        if isinstance(values, Mapping) and values.get("traps"):
            version = values.get("version", SnmpVersion.V3)
            known = {each.value for each in SnmpVersion if each.communities}
            if getattr(version, "value", version) not in known:
                return {**values, "traps": False}
        return values
