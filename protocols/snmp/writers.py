"""What takes changes of scalars and of single columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from device.errors import HoldfastError
from protocols.snmp.ber import Oid
from protocols.snmp.status import refused_as
from protocols.snmp.syntax import Syntax, Value
from protocols.snmp.tree import Change, Refusal, Table

Undo = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Setter:
    """One object. `accepts` says whether a value may be, `apply` makes it so and returns what takes it back;
    it raises HoldfastError where it cannot or may not."""

    accepts: Callable[[Oid, Value], bool]
    apply: Callable[[Oid, Value], Undo]


class Setters:
    """Takes the changes of a table whose rows are not made by managers."""

    def __init__(
        self,
        table: Table[Any],
        setters: Mapping[str, Setter],
        exists: Callable[[Oid], bool],
    ) -> None:
        """`setters`: by name of the column. `exists`: whether there is a row of that index."""
        self._columns: dict[int, tuple[Syntax, Setter]] = {
            column.number: (column.syntax, setters[column.name])
            for column in table.columns
            if column.writable
        }
        self._exists = exists

    def test(self, changes: Sequence[Change]) -> Callable[[], Undo]:
        """Writer."""
        steps: list[tuple[Setter, Oid, Value, int]] = []
        for change in changes:
            if not self._exists(change.index):
                raise Refusal("noCreation", change.position)
            syntax, setter = self._columns[change.column]
            value = syntax.decode(change.tag, change.body)
            if not setter.accepts(change.index, value):
                raise Refusal("wrongValue", change.position)
            steps.append((setter, change.index, value, change.position))

        def commit() -> Undo:
            undos: list[Undo] = []

            def undo() -> None:
                for each in reversed(undos):
                    each()

            try:
                for setter, index, value, position in steps:
                    try:
                        undos.append(setter.apply(index, value))
                    except HoldfastError as error:
                        raise Refusal(refused_as(error), position) from error
            except Exception:
                undo()
                raise
            return undo

        return commit
