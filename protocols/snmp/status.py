"""error-status (RFC 3416 s3), and what an SNMPv1 manager is told in its place (RFC 3584 s4.4)."""

from __future__ import annotations

from device.errors import HoldfastError

NO_ERROR, TOO_BIG, NO_SUCH_NAME, BAD_VALUE, READ_ONLY, GEN_ERR = range(6)

STATUS = {
    name: number
    for number, name in enumerate(
        (
            "noError",
            "tooBig",
            "noSuchName",
            "badValue",
            "readOnly",
            "genErr",
            "noAccess",
            "wrongType",
            "wrongLength",
            "wrongEncoding",
            "wrongValue",
            "noCreation",
            "inconsistentValue",
            "resourceUnavailable",
            "commitFailed",
            "undoFailed",
            "authorizationError",
            "notWritable",
            "inconsistentName",
        )
    )
}  #: name -> number

_BAD = ("wrongValue", "wrongEncoding", "wrongType", "wrongLength", "inconsistentValue", "badValue")
_NAME = ("noAccess", "notWritable", "noCreation", "inconsistentName", "authorizationError", "noSuchName")


def refused_as(error: HoldfastError) -> str:
    """The error-status of a change that could not be made after all."""
    return error.wire.snmp if error.wire.snmp != "noSuchName" else "commitFailed"


def for_version(name: str, version: int) -> int:
    """The number for a message of that version (0 is SNMPv1)."""
    if version != 0:
        # noSuchName, badValue and readOnly are never sent by an SNMPv2 entity.
        return STATUS["inconsistentName" if name == "noSuchName" else name]
    if name in _BAD:
        return BAD_VALUE
    return NO_SUCH_NAME if name in _NAME else GEN_ERR
