"""What is done for a PDU: GET, GETNEXT, GETBULK and SET on one view (RFC 3416 s4.2; SNMPv1: RFC 1157 s4.1).

`room` is how many octets of varbinds the answer may hold.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from device.errors import HoldfastError
from protocols.snmp import ber
from protocols.snmp.ber import NAME, SEQUENCE, Malformed, length, tlv
from protocols.snmp.message import (
    END_OF_VIEW,
    GET,
    GETBULK,
    GETNEXT,
    NO_SUCH_INSTANCE,
    NO_SUCH_OBJECT,
    V1,
    Pdu,
    response,
)
from protocols.snmp.status import NO_ERROR, NO_SUCH_NAME, TOO_BIG, for_version, refused_as
from protocols.snmp.syntax import WrongValue
from protocols.snmp.tree import Branch, Change, Index, Refusal, Tree
from protocols.snmp.vacm import View

MOST_ROWS = 1000  #: varbinds of one answer to GETBULK
EMPTY = b"\x30\x00"
_FINE = b"\x02\x01\x00\x02\x01\x00\x30"  # error-status, error-index, and the tag of the list


def answer(request: bytes, pdu: Pdu, version: int, index: Index, room: int) -> bytes:
    """The Response to GET, GETNEXT or GETBULK; `request` is the request-id. Raises Malformed, also for a GETBULK
    of SNMPv1."""
    if pdu.kind == GET:
        found = _get(pdu, version, index)
    elif pdu.kind == GETNEXT:
        found = _next(pdu, version, index)
    elif pdu.kind == GETBULK and version != V1:
        found = _bulk(pdu, index, room)
    else:
        raise Malformed("a PDU that is not for an agent")
    if isinstance(found, int):
        return response(request, NO_SUCH_NAME, found, pdu.varbinds)
    body = found[0] if len(found) == 1 else b"".join(found)
    size = len(body)
    if size > room or (not found and _wants(pdu)):
        return response(request, TOO_BIG, 0, pdu.varbinds if version == V1 else EMPTY)
    whole = request + _FINE + length(size) + body
    return b"\xa2" + length(len(whole)) + whole


def _wants(pdu: Pdu) -> bool:
    """Whether anything was asked for: a GETBULK may repeat nothing."""
    return bool(pdu.names) and (pdu.kind != GETBULK or pdu.first > 0 or pdu.second > 0)


def _get(pdu: Pdu, version: int, index: Index) -> list[bytes] | int:
    """The varbinds, or of SNMPv1 the number of the one that is not there."""
    out = []
    position, varbinds = index.position, index.varbinds
    for body in pdu.names:
        at = position.get(body)
        if at is not None and not (version == V1 and index.is_wide(at)):
            out.append(varbinds[at] or index.read(at))
        elif version == V1:
            ber.read_name(body)
            return len(out) + 1
        else:
            known = index.has_object(ber.read_name(body))
            out.append(tlv(SEQUENCE, tlv(NAME, body) + (NO_SUCH_INSTANCE if known else NO_SUCH_OBJECT)))
    return out


def _next(pdu: Pdu, version: int, index: Index) -> list[bytes] | int:
    out = []
    size, varbinds = index.size, index.varbinds
    for body in pdu.names:
        at = index.after(body)
        if version == V1:
            while at < size and index.is_wide(at):
                at += 1
        if at < size:
            out.append(varbinds[at] or index.read(at))
        elif version == V1:
            return len(out) + 1
        else:
            out.append(tlv(SEQUENCE, tlv(NAME, body) + END_OF_VIEW))
    return out


def _bulk(pdu: Pdu, index: Index, room: int) -> list[bytes]:
    """As many varbinds as there is room for, in order (RFC 3416 s4.2.3)."""
    single = min(max(pdu.first, 0), len(pdu.names))
    out: list[bytes] = []
    used = 0
    size, varbinds = index.size, index.varbinds
    for body in pdu.names[:single]:
        at = index.after(body)
        end = at >= size
        varbind = tlv(SEQUENCE, tlv(NAME, body) + END_OF_VIEW) if end else varbinds[at] or index.read(at)
        used += len(varbind)
        if used > room:
            return out
        out.append(varbind)
    repeated = pdu.names[single:]
    if not repeated:
        return out
    repetitions = min(max(pdu.second, 0), MOST_ROWS // len(repeated) + 1)
    if len(repeated) == 1:
        return _walk(repeated[0], repetitions, index, room, out, used)
    heads = [tlv(NAME, body) for body in repeated]
    ats = [index.after(body) for body in repeated]
    for _ in range(repetitions):
        for column, at in enumerate(ats):
            if at < size:
                varbind = varbinds[at] or index.read(at)
                ats[column] = at + 1
                heads[column] = index.names[at]
            else:
                varbind = tlv(SEQUENCE, heads[column] + END_OF_VIEW)
            used += len(varbind)
            if used > room:
                return out
            out.append(varbind)
        if all(varbind.endswith(END_OF_VIEW) for varbind in out[-len(ats) :]) and min(ats) >= size:
            break  # a whole row of ends: more of them would say nothing (RFC 3416 s4.2.3)
    return out


def _walk(body: bytes, repetitions: int, index: Index, room: int, out: list[bytes], used: int) -> list[bytes]:
    """The usual GETBULK: one name, many repetitions."""
    start = index.after(body)
    size, varbinds = index.size, index.varbinds
    stop = min(start + repetitions, size)
    append = out.append
    for at in range(start, stop):
        varbind = varbinds[at] or index.read(at)
        used += len(varbind)
        if used > room:
            return out
        append(varbind)
    if stop - start < repetitions:
        head = index.names[size - 1] if start < size else tlv(NAME, body)
        end = tlv(SEQUENCE, head + END_OF_VIEW)
        if used + len(end) <= room:
            append(end)
    return out


def set_values(request: bytes, pdu: Pdu, version: int, tree: Tree, view: View) -> bytes:
    """The Response to SET. Raises Malformed."""
    try:
        _set(pdu, tree, view)
    except Refusal as refused:
        status = for_version(refused.status, version)
        return response(request, status, refused.position, pdu.varbinds)
    return response(request, NO_ERROR, 0, pdu.varbinds)


def _set(pdu: Pdu, tree: Tree, view: View) -> None:
    """Try everything, then do everything; take back what was done where one fails. Raises Refusal."""
    grouped: dict[int, tuple[Branch[Any], list[Change]]] = {}
    for number, (body, value) in enumerate(zip(pdu.names, pdu.values, strict=True), 1):
        name = ber.read_name(body)
        if not view.contains(name):
            raise Refusal("noAccess", number)
        found = tree.locate(name)
        if found is None:
            raise Refusal("noCreation", number)
        branch, column, index = found
        if not column.writable or branch.writer is None:
            raise Refusal("notWritable", number)
        inner, stop = ber.any_element(value, 0, len(value))
        tag, content = value[0], value[inner:stop]
        try:
            column.syntax.decode(tag, content)
        except WrongValue as wrong:
            raise Refusal(wrong.status, number) from None
        except Malformed:
            raise Refusal("wrongEncoding", number) from None
        change = Change(number, column.number, index, tag, content)
        grouped.setdefault(id(branch), (branch, []))[1].append(change)
    commits: list[tuple[Callable[[], Callable[[], None]], int]] = []
    for branch, changes in grouped.values():
        assert branch.writer is not None
        commits.append((branch.writer.test(changes), changes[0].position))
    undos: list[Callable[[], None]] = []
    for commit, position in commits:
        try:
            undos.append(commit())
        except (HoldfastError, Refusal) as error:
            try:
                for undo in reversed(undos):
                    undo()
            except HoldfastError:
                raise Refusal("undoFailed", 0) from None
            if isinstance(error, Refusal):
                raise
            raise Refusal(refused_as(error), position) from None
