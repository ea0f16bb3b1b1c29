"""What a request is refused with: SOAP 1.2 faults with ONVIF's subcodes (ONVIF Core s5.8.2.3).

A `Kind` is declared once, as a constant, and named in the table of operations beside the operations that may answer
it. Errors of the device become faults by the rows of the operation (`Operation.faults`), or by their `wire.soap`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from device.errors import HoldfastError, Refused


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault."""

    code: str  #: Sender or Receiver, MustUnderstand or VersionMismatch (SOAP 1.2 s5.4.6)
    subcodes: tuple[str, ...]  #: of the namespace ter, the outer first
    reason: str
    status: int = 0  #: of HTTP; 0: 400 for Sender, 500 for all others (SOAP 1.2 part 2 s7.5.2.2)
    detail: str = (
        ""  #: qualified name of an element in the detail that says it: a base fault of WS-BaseNotification
    )
    within: tuple[str, str] | None = None  #: an element that it must hold, and its text; `{now}` is the time

    @property
    def http(self) -> int:
        """The status that it is sent with."""
        return self.status or (400 if self.code == "Sender" else 500)


def invalid(subcode: str, reason: str) -> Kind:
    """A kind of ter:InvalidArgVal: by far the most are."""
    return Kind("Sender", ("InvalidArgVal", subcode), reason)


def impossible(subcode: str, reason: str) -> Kind:
    """A kind of ter:Action: the device cannot, or will not any more."""
    return Kind("Receiver", ("Action", subcode), reason)


BAD_XML = Kind("Sender", ("WellFormed",), "The request is not well-formed")
BAD_VERSION = Kind("VersionMismatch", (), "SOAP 1.2 is spoken here", status=500)
NOT_UNDERSTOOD = Kind("MustUnderstand", (), "A header that must be understood is not", status=500)
BAD_TAG = Kind("Sender", ("TagMismatch",), "The request is not an operation in an envelope")
UNKNOWN_ACTION = Kind("Receiver", ("ActionNotSupported",), "The operation is not supported")
BAD_ARGUMENT = Kind("Sender", ("InvalidArgVal",), "The argument value is invalid")
BAD_ARGUMENTS = Kind("Sender", ("InvalidArgs",), "The arguments are invalid")
NOT_AUTHORIZED = Kind("Sender", ("NotAuthorized",), "The sender is not authorized", status=401)
REFUSED = Kind("Sender", ("OperationProhibited",), "The operation is not permitted")
FAILED = Kind("Receiver", ("Action",), "The operation failed")


class Refusal(Refused):
    """A request is answered with a fault of this kind."""

    def __init__(self, kind: Kind, text: str = "") -> None:
        super().__init__(text or kind.reason + ".")
        self.kind = kind


#: `device.errors.Wire.soap` -> what is answered where the operation has no row for the error.
_BY_WIRE = {
    "ter:InvalidArgVal": BAD_ARGUMENT,
    "ter:NotAuthorized": NOT_AUTHORIZED,
    "ter:ActionNotSupported": REFUSED,
    "ter:Action": FAILED,
}


def kind_of(error: HoldfastError, rows: Sequence[tuple[type[HoldfastError], Kind]]) -> Kind:
    """The fault that an error is told as: the first row that it is one of."""
    if isinstance(error, Refusal):
        return error.kind
    for kind, fault in rows:
        if isinstance(error, kind):
            return fault
    return _BY_WIRE.get(error.wire.soap, FAILED)
