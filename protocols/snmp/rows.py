"""Tables whose rows managers make, change and remove (RFC 2579, RowStatus and StorageType)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from protocols.snmp.ber import Oid
from protocols.snmp.syntax import Syntax, Value, enumeration
from protocols.snmp.tree import Change, Column, Refusal, Table

ACTIVE, NOT_IN_SERVICE, NOT_READY, CREATE_AND_GO, CREATE_AND_WAIT, DESTROY = range(1, 7)
ROW_STATUS = enumeration("active", "notInService", "notReady", "createAndGo", "createAndWait", "destroy")
STORAGE_TYPE = enumeration("other", "volatile", "nonVolatile", "permanent", "readOnly")
NON_VOLATILE = 3
MOST_ROWS = 64  #: of one table

Values = dict[int, Value]  #: by number of the column


@dataclass(frozen=True, slots=True)
class Field:
    """One column that managers may write."""

    number: int
    name: str
    syntax: Syntax
    default: Value | None  #: None: a row is not ready without it
    check: Callable[[Value], bool] = lambda _: True


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it stands."""

    index: Oid
    values: Mapping[int, Value]


def register(
    name: str, entry: Oid, fields: Sequence[Field], storage: int, status: int, prefix: str
) -> Table[Row]:
    """The table of such rows. `storage` and `status` are the numbers of its last two columns, whose names
    begin with `prefix`."""

    def reader(number: int) -> Callable[[Row], object]:
        return lambda row: row.values.get(number)

    columns = [
        Column(field.number, field.name, field.syntax, reader(field.number), optional=True, writable=True)
        for field in fields
    ]
    columns += [
        Column(storage, f"{prefix}StorageType", STORAGE_TYPE, reader(storage), writable=True),
        Column(status, f"{prefix}RowStatus", ROW_STATUS, reader(status), writable=True),
    ]
    return Table(name, entry, lambda row: row.index, tuple(sorted(columns, key=lambda c: c.number)))


class Register:
    """The rows of such a table: takes their changes, whole or not at all."""

    def __init__(
        self,
        fields: Sequence[Field],
        storage: int,
        status: int,
        fits: Callable[[Oid], bool],
        changed: Callable[[], None],
    ) -> None:
        """`fits`: whether an index can be one of this table. `changed` is called after every change; it raises
        HoldfastError where it cannot be kept."""
        self._fields = {field.number: field for field in fields}
        self._storage = storage
        self._status = status
        self._fits = fits
        self._changed = changed
        self.rows: dict[Oid, Values] = {}

    def table_rows(self) -> list[Row]:
        """The rows, for the tree."""
        return [Row(index, values) for index, values in self.rows.items()]

    def active(self) -> list[Row]:
        """The rows that are in use."""
        return [row for row in self.table_rows() if row.values[self._status] == ACTIVE]

    def load(self, rows: Mapping[Oid, Values]) -> None:
        """What was kept."""
        self.rows = dict(rows)

    def test(self, changes: Sequence[Change]) -> Callable[[], Callable[[], None]]:
        """Writer."""
        after = dict(self.rows)
        for index in {change.index: None for change in changes}:
            mine = [change for change in changes if change.index == index]
            self._test_row(after, index, mine)
        if len(after) > MOST_ROWS:
            raise Refusal("resourceUnavailable", changes[0].position)

        def commit() -> Callable[[], None]:
            before, self.rows = self.rows, after

            def undo() -> None:
                self.rows = before
                self._changed()

            try:
                self._changed()
            except Exception:
                self.rows = before
                raise
            return undo

        return commit

    def _test_row(self, after: dict[Oid, Values], index: Oid, changes: list[Change]) -> None:
        known = after.get(index)
        asked: int | None = None
        asked_at = changes[0].position
        values: Values = dict(known) if known is not None else self._fresh()
        for change in changes:
            if change.column == self._status:
                asked, asked_at = int.from_bytes(change.body, "big", signed=True), change.position
                continue
            if change.column == self._storage:
                values[self._storage] = int.from_bytes(change.body, "big", signed=True)
                if values[self._storage] not in (2, NON_VOLATILE):
                    raise Refusal("wrongValue", change.position)
                continue
            field = self._fields[change.column]
            value = field.syntax.decode(change.tag, change.body)
            if not field.check(value):
                raise Refusal("wrongValue", change.position)
            values[change.column] = value
        if known is None and not self._fits(index):
            raise Refusal("noCreation", changes[0].position)
        status = self._next_status(known, asked, asked_at, values)
        if status is None:
            after.pop(index, None)
        else:
            values[self._status] = status
            after[index] = values

    def _fresh(self) -> Values:
        values: Values = {
            field.number: field.default for field in self._fields.values() if field.default is not None
        }
        values[self._storage] = NON_VOLATILE
        return values

    def _next_status(self, known: Values | None, asked: int | None, at: int, values: Values) -> int | None:
        """What RowStatus becomes (RFC 2579, the table of its transitions); None: the row goes."""
        ready = self._fields.keys() <= values.keys()
        if asked == DESTROY:
            return None
        if asked == NOT_READY:
            raise Refusal("wrongValue", at)
        if known is None:
            if asked == CREATE_AND_GO and ready:
                return ACTIVE
            if asked == CREATE_AND_WAIT:
                return NOT_IN_SERVICE if ready else NOT_READY
            # Without a status there is no row to change.
            raise Refusal("inconsistentName" if asked is None else "inconsistentValue", at)
        if asked in (CREATE_AND_GO, CREATE_AND_WAIT):
            raise Refusal("inconsistentValue", at)
        if asked is None:
            now = known[self._status]
            assert isinstance(now, int)
            return NOT_IN_SERVICE if now == NOT_READY and ready else now
        if not ready:
            raise Refusal("inconsistentValue", at)
        return asked
