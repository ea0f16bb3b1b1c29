"""A request in, a reply out: dispatch by the body's qualified name, access control, faults. Pure.

Nothing that a client sends makes it raise: what cannot be read is answered with a fault, and a defect of ours is
answered with one too, and told to whoever looks after us.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from device.accounts.rights import Rights
from device.accounts.role import Role
from device.errors import HoldfastError
from device.media import Utc
from protocols.onvif import soap
from protocols.onvif.credentials import Caller, Door, Proof
from protocols.onvif.faults import FAILED, NOT_AUTHORIZED, UNKNOWN_ACTION, Kind, Refusal, kind_of
from protocols.onvif.operations import LEAST, Call, Row, Table
from protocols.onvif.xml import local

NOBODY = Rights(Role.VIEWER, cameras=frozenset())  #: who need not say who he is sees no camera


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of HTTP."""

    method: str
    target: str  #: as it stands in the request line
    path: str
    base: str  #: scheme, host and port as the client reached us
    host: str
    authorization: str | None
    peer: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply of HTTP."""

    status: int
    body: bytes
    challenges: tuple[str, ...] = ()  #: values of WWW-Authenticate


class Responder:
    """Answers all services of one device."""

    def __init__(self, table: Table, door: Door, on_fault: Callable[[str, Exception], None]) -> None:
        """`on_fault` is told of what should not have happened: the operation, and the error."""
        self.table = table
        self.door = door
        self._on_fault = on_fault

    async def answer(self, asked: Asked, now: float, utc: Utc) -> Answer:
        """The reply. `now`: monotonic seconds; `utc`: the same instant on the wall. Raises nothing."""
        try:
            envelope = soap.read(asked.body)
        except Refusal as error:
            return _refused(error.kind, str(error), None, utc)
        row = self.table.find(envelope.body.tag)
        if row is None:
            reason = f"{local(envelope.body)[:80]} is not supported."
            return _refused(UNKNOWN_ACTION, reason, envelope.message, utc)
        proof = Proof(asked.method, asked.target, asked.authorization, envelope.security, asked.peer)
        least = LEAST[row.operation.access]
        caller = Caller("", NOBODY) if least is None else self.door.judge(proof, now, utc)
        if least is not None and not _may(caller, least):
            body = soap.fault(NOT_AUTHORIZED, _why_not(caller), envelope.message, utc)
            return Answer(NOT_AUTHORIZED.http, body, self.door.challenges(now, caller.stale))
        call = Call(
            envelope.body,
            envelope.to,
            asked.path,
            asked.base,
            asked.host,
            caller.account or "",
            caller.rights or NOBODY,
            asked.peer,
            utc,
        )
        return await self._do(row, call, envelope.message)

    async def _do(self, row: Row, call: Call, message: str | None) -> Answer:
        reply = soap.reply(row.request + "Response")
        try:
            written = await row.operation.handler(call, reply)
        except HoldfastError as error:
            return _refused(kind_of(error, row.operation.faults), str(error), message, call.now)
        except Exception as error:  # noqa: BLE001 - a defect of ours: the client is answered, and we are told
            self._on_fault(row.operation.name, error)
            return _refused(FAILED, "The operation failed.", message, call.now)
        return Answer(200, soap.addressed(reply, row.action, message, written))


def _may(caller: Caller, least: Role) -> bool:
    return caller.account is not None and caller.rights is not None and caller.rights.role.may(least)


def _why_not(caller: Caller) -> str:
    if caller.wait:
        return f"Too many wrong passwords; try again in {caller.wait:.0f} s."
    if caller.account is not None:
        return "The account's user level is too low."
    return "The sender is not authorized."


def _refused(kind: Kind, reason: str, message: str | None, utc: Utc) -> Answer:
    return Answer(kind.http, soap.fault(kind, reason, message, utc))
