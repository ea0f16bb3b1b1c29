"""The objects: tables as data, their rows as snapshots, and what a view shows of them as a sorted index.

    INTERFACES = Table("ifEntry", (1, 3, 6, 1, 2, 1, 2, 2, 1), lambda row: (row.index,), (
        Column(1, "ifIndex", INTEGER32, lambda row: row.index), ...))

Scalars are a table of one row whose index is 0. `Tree.replace(table, rows)` hands in a new snapshot: only
where rows came or went is anything sorted. Counters, gauges and ticks are computed at every read; what stands
(names, states, sizes) is written as BER when it is first read, and kept until the next snapshot.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Generic, Protocol, TypeVar

from protocols.snmp import ber
from protocols.snmp.ber import COUNTER32, COUNTER64, GAUGE32, TIMETICKS, Oid
from protocols.snmp.syntax import Syntax, Value
from protocols.snmp.vacm import View

_MOVING = frozenset((COUNTER32, COUNTER64, GAUGE32, TIMETICKS))  # types of what is another at every read
_HEADS = [bytes((ber.SEQUENCE, size)) for size in range(0x80)]  # of short varbinds
R = TypeVar("R")  # of rows; where tables of all types stand together, it is Any


class Refusal(Exception):
    """A change may not be made. `status` as in RFC 3416 s3, `position`: of its varbind, from 1."""

    def __init__(self, status: str, position: int) -> None:
        super().__init__(status)
        self.status = status
        self.position = position


@dataclass(frozen=True, slots=True)
class Change:
    """One varbind of a SET."""

    position: int
    column: int
    index: Oid
    tag: int
    body: bytes


class Writer(Protocol):
    """What takes the changes of one table."""

    def test(self, changes: Sequence[Change]) -> Callable[[], Callable[[], None]]:
        """Whether all of them together may be made; what makes them, which returns what takes them back.

        Raises Refusal. What it returns raises that, or HoldfastError, where it fails after all.
        """


@dataclass(frozen=True, slots=True)
class Column(Generic[R]):
    """One column, or one scalar."""

    number: int
    name: str
    syntax: Syntax
    read: Callable[[R], object]  #: None where the row has no such instance
    optional: bool = False  #: `read` may give None
    live: bool = False  #: another value at every read, though its type does not say so
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Table(Generic[R]):
    """A conceptual table, or a group of scalars."""

    name: str  #: of its entry
    entry: Oid
    index: Callable[[R], Oid]
    columns: tuple[Column[R], ...]


def scalars(name: str, parent: Oid, *columns: Column[R]) -> Table[R]:
    """A group of scalars: its only row holds them all."""
    return Table(name, parent, _zero, columns)


def _first(table: Table[Any]) -> Oid:
    """Where a table's instances begin."""
    return (*table.entry, table.columns[0].number)


def _zero(row: object) -> Oid:  # noqa: ARG001 - there is only one
    return (0,)


class Branch(Generic[R]):
    """A table with its rows."""

    def __init__(self, table: Table[R]) -> None:
        self.table = table
        self.writer: Writer | None = None
        self.rows: list[R] = []
        self.cells: list[tuple[Column[R], int]] = []  #: column and number of the row, in the tree's order
        self.names: list[Oid] = []
        self.keys: list[bytes] = []
        self.bodies: list[bytes] = []
        self._known: dict[Oid, tuple[bytes, bytes]] = {}
        self._shape: object = None

    def replace(self, rows: Iterable[R]) -> bool:
        """Take a new snapshot. True where rows or instances came or went."""
        table = self.table
        indexed = sorted(((table.index(row), row) for row in rows), key=lambda pair: pair[0])
        self.rows = [row for _, row in indexed]
        sparse = [column for column in table.columns if column.optional]
        missing = {
            (column.number, number)
            for column in sparse
            for number, row in enumerate(self.rows)
            if column.read(row) is None
        }
        shape = ([index for index, _ in indexed], missing)
        if shape == self._shape:
            return False
        self._shape = shape
        self.cells = [
            (column, number)
            for column in table.columns
            for number in range(len(self.rows))
            if (column.number, number) not in missing
        ]
        self.names = [(*table.entry, column.number, *indexed[number][0]) for column, number in self.cells]
        known = self._known  # of what stays, nothing is made again
        made = [known.get(name) or (ber.order(name), ber.name_body(name)) for name in self.names]
        self._known = dict(zip(self.names, made, strict=True))
        self.keys = [key for key, _ in made]
        self.bodies = [body for _, body in made]
        return True


class Index:
    """What one view shows, in order. Positions are from 0 to `size` - 1, and change when `Tree.version` does."""

    def __init__(self, tree: Tree, view: View) -> None:
        self._tree = tree
        self.view = view
        self._version = -1
        self._spans: dict[int, tuple[int, int]] = {}  # of each branch
        self.compose()

    def compose(self) -> None:
        """Take what the branches hold now, where the tree's version says that it is not what it was."""
        if self._version == self._tree.version:
            return
        self._version = self._tree.version
        keys: list[bytes] = []
        bodies: list[bytes] = []
        cells: list[tuple[Branch[Any], Column[Any], int]] = []
        self._spans = {}
        self._objects: set[Oid] = set()
        for branch in self._tree.branches:
            table = branch.table
            share = self.view.whole(table.entry)
            if share is False:
                continue
            start = len(keys)
            for column in table.columns:
                if share or self.view.whole((*table.entry, column.number)) is not False:
                    self._objects.add((*table.entry, column.number))
            if share:
                keys += branch.keys
                bodies += branch.bodies
                cells += [(branch, column, row) for column, row in branch.cells]
            else:
                for name, key, body, (column, row) in zip(
                    branch.names, branch.keys, branch.bodies, branch.cells, strict=True
                ):
                    if self.view.contains(name):
                        keys.append(key)
                        bodies.append(body)
                        cells.append((branch, column, row))
            self._spans[id(branch)] = (start, len(keys))
        self.size = len(keys)
        self.keys = keys
        self.cells = cells
        self.position = dict(zip(bodies, range(self.size), strict=True))
        self.names = [ber.tlv(ber.NAME, body) for body in bodies]
        self.varbinds: list[bytes | None] = [None] * self.size

    def forget(self, branch: Branch[Any]) -> None:
        """Its values are others now."""
        start, stop = self._spans.get(id(branch), (0, 0))
        self.varbinds[start:stop] = [None] * (stop - start)

    def read(self, at: int) -> bytes:
        """The varbind at a position that holds none yet."""
        branch, column, row = self.cells[at]
        value = column.syntax.encode(column.read(branch.rows[row]))
        name = self.names[at]
        size = len(name) + len(value)
        varbind = (_HEADS[size] if size < 0x80 else b"\x30" + ber.length(size)) + name + value
        if column.syntax.tag not in _MOVING and not column.live:
            self.varbinds[at] = varbind
        return varbind

    def is_wide(self, at: int) -> bool:
        """Whether the object there is a Counter64, which SNMPv1 does not have."""
        return self.cells[at][1].syntax.tag == COUNTER64

    def after(self, body: bytes) -> int:
        """The position of the first name behind the one with these content octets. Raises Malformed."""
        at = self.position.get(body)
        if at is not None:
            return at + 1
        return bisect_right(self.keys, ber.order(ber.read_name(body)))

    def has_object(self, name: Oid) -> bool:
        """Whether the name could be an instance of an object that the view shows (RFC 3416 s4.2.1)."""
        return any(name[:stop] in self._objects for stop in range(len(name), 1, -1))


class Tree:
    """All objects that the agent knows, and the indexes of the views."""

    def __init__(self, tables: Iterable[Table[Any]]) -> None:
        ordered = sorted(tables, key=_first)
        for before, after in pairwise(ordered):
            if (*before.entry, before.columns[-1].number) >= _first(after):
                raise ValueError(f"{before.name} and {after.name} overlap")
        self.branches: list[Branch[Any]] = [Branch(table) for table in ordered]
        self.version = 0  #: one more each time that names came or went
        self._by_name = {branch.table.name: branch for branch in self.branches}
        self._indexes: dict[View, Index] = {}

    def index(self, view: View) -> Index:
        """What a view shows, as it is now."""
        found = self._indexes.get(view)
        if found is None:
            found = self._indexes[view] = Index(self, view)
        return found

    def keep(self, views: Iterable[View]) -> None:
        """Forget the indexes of all other views."""
        wanted = set(views)
        self._indexes = {view: index for view, index in self._indexes.items() if view in wanted}

    def replace(self, table: Table[R], rows: Iterable[R]) -> bool:
        """A new snapshot of a table's rows. True where rows came or went."""
        branch = self._by_name[table.name]
        changed = branch.replace(rows)
        if changed:
            self.version += 1
        else:
            for index in self._indexes.values():
                index.forget(branch)
        return changed

    def write_with(self, table: Table[R], writer: Writer) -> None:
        """Who takes the changes of a table."""
        self._by_name[table.name].writer = writer

    def indexes(self, table: Table[R]) -> set[Oid]:
        """Of the rows that a table has now."""
        return {table.index(row) for row in self._by_name[table.name].rows}

    def locate(self, name: Oid) -> tuple[Branch[Any], Column[Any], Oid] | None:
        """The table and the column to whose instances a name belongs, and its index."""
        for branch in self.branches:
            table = branch.table
            depth = len(table.entry)
            if name[:depth] == table.entry and len(name) > depth + 1:
                for column in table.columns:
                    if column.number == name[depth]:
                        return branch, column, name[depth + 1 :]
        return None

    def value(self, table: Table[R], column: str, index: Oid) -> tuple[Oid, bytes] | None:
        """The name and the BER of one instance, for a notification; None where there is none."""
        branch = self._by_name[table.name]
        for name, (each, row) in zip(branch.names, branch.cells, strict=True):
            if each.name == column and name[len(table.entry) + 1 :] == index:
                return name, each.syntax.encode(each.read(branch.rows[row]))
        return None


__all__ = ["Branch", "Change", "Column", "Index", "Refusal", "Table", "Tree", "Value", "Writer", "scalars"]
