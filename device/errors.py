"""One tree of errors, each saying whose fault it is, whether waiting helps, and what every wire answers.

A wire never invents a code: it reads `error.wire`. A command line or a page shows `str(error)` and `error.hint`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import ClassVar, TypeVar

E = TypeVar("E", bound=Enum)


class Severity(IntEnum):
    """Severities of RFC 5424 s6.2.1, table 2."""

    EMERGENCY = 0
    ALERT = 1
    CRITICAL = 2
    ERROR = 3
    WARNING = 4
    NOTICE = 5
    INFO = 6
    DEBUG = 7


@dataclass(frozen=True, slots=True)
class Wire:
    """What each wire answers for one kind of error."""

    http: int  #: status code, RFC 9110 s15
    rtsp: int  #: status code, RFC 2326 s7.1.1
    soap: str  #: ONVIF fault subcode, ONVIF Core s5.8.2.3
    snmp: str  #: error-status name, RFC 3416 s3
    syslog: Severity


class HoldfastError(Exception):
    """Root of the tree. `transient`: the same request may succeed later without any change by the asker."""

    hint: ClassVar[str] = ""
    transient: ClassVar[bool] = False
    wire: ClassVar[Wire] = Wire(500, 500, "ter:Action", "genErr", Severity.ERROR)


class Refused(HoldfastError):
    """The request was understood and may not be done. The asker's to change."""

    wire = Wire(409, 455, "ter:ActionNotSupported", "inconsistentValue", Severity.NOTICE)


class BadValue(Refused):
    """A value outside its limits. Names the field and the limit."""

    wire = Wire(422, 451, "ter:InvalidArgVal", "wrongValue", Severity.NOTICE)

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


def member(kind: type[E], field: str, value: str) -> E:
    """The member of an enumeration that a word names. Raises BadValue."""
    try:
        return kind(value)
    except ValueError:
        raise BadValue(field, f"must be one of {', '.join(str(one.value) for one in kind)}") from None


class NotFound(Refused):
    """There is no such thing. `kind` is the word a person uses: camera, recording, job."""

    wire = Wire(404, 404, "ter:InvalidArgVal", "noSuchName", Severity.NOTICE)

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"There is no {kind} {name!r}.")
        self.kind = kind
        self.name = name


class NotAuthorized(Refused):
    """Credentials are missing, wrong, or not enough."""

    wire = Wire(401, 401, "ter:NotAuthorized", "authorizationError", Severity.WARNING)


class Fault(HoldfastError):
    """Ours, or the machine's under us: disk, network, another program."""

    wire = Wire(503, 503, "ter:Action", "resourceUnavailable", Severity.ERROR)


class MachineFault(Fault):
    """The machine did not take settings that Holdfast keeps for it. It is tried again."""

    transient = True
    hint = (
        'docs/guide/install.md, "Network and clock", says what must run, and what Holdfast must be allowed.'
    )


class StorageFault(Fault):
    """A volume cannot be read or written."""


class PeerFault(HoldfastError):
    """The other side broke its protocol, or went away. `transient` says whether trying again helps."""

    transient = True
    wire = Wire(502, 502, "ter:Action", "genErr", Severity.WARNING)
