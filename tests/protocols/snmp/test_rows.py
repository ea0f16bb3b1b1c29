"""Rows that managers make: RowStatus (RFC 2579), and whom SNMP-TARGET-MIB says to tell."""

from __future__ import annotations

from dataclasses import replace

import pytest

from device.errors import Fault
from protocols.snmp import ber
from protocols.snmp.agent import Agent
from protocols.snmp.ber import OCTETS, Oid, integer, tlv
from protocols.snmp.message import V3
from protocols.snmp.notify import Target
from protocols.snmp.projection import targets
from protocols.snmp.projection.oids import SNMP_MODULES
from protocols.snmp.rows import ACTIVE, NOT_IN_SERVICE, NOT_READY, Register
from protocols.snmp.tree import Tree
from protocols.snmp.usm import Engine
from tests.protocols.snmp.rig import ENGINE, MANY, START, Answer, agent, secret, set_

ADDRESS: Oid = (*SNMP_MODULES, 12, 1, 2, 1)
PARAMS: Oid = (*SNMP_MODULES, 12, 1, 3, 1)
NOTIFY: Oid = (*SNMP_MODULES, 13, 1, 1, 1)
NMS: Oid = tuple(b"nms")
GO, WAIT, DESTROY = integer(4), integer(5), integer(6)


class Broken(Fault):
    """The disk is full."""


class House:
    """The three tables, and who may write them."""

    def __init__(self) -> None:
        tree = Tree(targets.TABLES)
        self.agent = Agent(tree, Engine(ENGINE, 1, 1), START, MANY)
        given = agent().access
        everything = given.vacm.rights[2].read
        writers = tuple(
            replace(right, read=everything, write=everything) if right.group == "writer" else right
            for right in given.vacm.rights
        )
        vacm = type(given.vacm)(given.vacm.members, writers)
        self.vacm = vacm
        self.agent.configure(type(given)(given.communities, given.versions, given.users, vacm))
        self.fail = False
        self.registers = {}
        for (name, (fields, storage, status)), table in zip(
            targets.LAYOUT.items(), targets.TABLES, strict=True
        ):
            register = Register(fields, storage, status, targets.fits, self.changed)
            tree.write_with(table, register)
            self.registers[name] = register

    def changed(self) -> None:
        if self.fail:
            raise Broken("disk full")
        for table, register in zip(targets.TABLES, self.registers.values(), strict=True):
            self.agent.tree.replace(table, register.table_rows())

    def set(self, *changes: tuple[Oid, bytes]) -> Answer:
        return set_(self.agent, *changes)

    def status(self, name: str = "addresses") -> int | None:
        register = self.registers[name]
        row = register.rows.get(NMS)
        return None if row is None else int(row[targets.LAYOUT[name][2]])  # type: ignore[arg-type]  # a number


def address(column: int, value: bytes) -> tuple[Oid, bytes]:
    return ((*ADDRESS, column, *NMS), value)


WHOLE = (
    address(2, ber.name(targets.UDP_DOMAIN)),
    address(3, tlv(OCTETS, bytes((192, 0, 2, 7, 0, 162)))),
    address(7, tlv(OCTETS, b"v3")),
)


def test_a_row_is_made_at_once() -> None:
    house = House()
    assert house.set(address(9, GO), *WHOLE).status == 0
    assert house.status() == ACTIVE
    assert house.registers["addresses"].rows[NMS][4] == 1500  # the default of its timeout


def test_a_row_is_made_step_by_step() -> None:
    house = House()
    assert house.set(address(9, WAIT)).status == 0
    assert house.status() == NOT_READY
    assert house.set(address(9, integer(1))).status == 12
    for change in WHOLE:
        assert house.set(change).status == 0
    assert house.status() == NOT_IN_SERVICE
    assert house.set(address(9, integer(1))).status == 0
    assert house.status() == ACTIVE


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ((address(9, GO),), 12),  # not all of it is there
        ((WHOLE[0],), 18),  # inconsistentName: no such row
        ((address(9, integer(1)),), 12),
        ((address(9, integer(3)),), 10),  # notReady is not for managers
        ((address(9, GO), *WHOLE, address(2, ber.name((1, 3, 6, 1)))), 10),
        ((address(9, GO), *WHOLE, address(3, tlv(OCTETS, b"short"))), 10),
        ((address(9, GO), *WHOLE, address(6, tlv(OCTETS, b" leading"))), 10),
        ((address(9, GO), *WHOLE, address(8, integer(4))), 10),  # permanent is ours to say
        ((((*ADDRESS, 9, 300), GO),), 11),
        ((((*ADDRESS, 9, *range(33)), GO),), 11),
    ],
    ids=[
        "incomplete",
        "no row",
        "no row active",
        "notReady",
        "domain",
        "address",
        "tags",
        "storage",
        "index",
        "long index",
    ],
)
def test_what_cannot_be_a_row_is_refused(changes: tuple[tuple[Oid, bytes], ...], status: int) -> None:
    house = House()
    assert house.set(*changes).status == status
    assert house.registers["addresses"].rows == {}


def test_a_row_is_removed_and_a_removal_of_nothing_is_none() -> None:
    house = House()
    house.set(address(9, GO), *WHOLE)
    assert house.set(address(9, GO)).status == 12  # it is there already
    assert house.set(address(9, DESTROY)).status == 0
    assert house.status() is None
    assert house.set(address(9, DESTROY)).status == 0


def test_rows_are_bounded() -> None:
    house = House()
    made = [house.set(((*ADDRESS, 9, 1 + n), WAIT)).status for n in range(70)]
    assert made == [0] * 64 + [13] * 6


def test_what_cannot_be_kept_is_not_done() -> None:
    house = House()
    house.fail = True
    assert house.set(address(9, GO), *WHOLE).status == 13
    assert house.registers["addresses"].rows == {}


def complete(house: House) -> None:
    params: list[tuple[Oid, bytes]] = [
        ((*PARAMS, 7, *b"v3"), GO),
        ((*PARAMS, 2, *b"v3"), integer(3)),
        ((*PARAMS, 3, *b"v3"), integer(3)),
        ((*PARAMS, 4, *b"v3"), tlv(OCTETS, b"admin")),
        ((*PARAMS, 5, *b"v3"), integer(3)),
    ]
    notify: list[tuple[Oid, bytes]] = [
        ((*NOTIFY, 5, *b"all"), GO),
        ((*NOTIFY, 2, *b"all"), tlv(OCTETS, b"alarms")),
        ((*NOTIFY, 3, *b"all"), integer(2)),
    ]
    tags = address(6, tlv(OCTETS, b"other alarms"))
    assert house.set(address(9, GO), *WHOLE, tags, *params, *notify).status == 0


def told(house: House) -> list[Target]:
    keys = secret("admin")
    addresses, params, notify = house.registers.values()
    return targets.targets(addresses, params, notify, {b"admin": keys}, {}, house.vacm)


def test_the_three_tables_together_say_whom_to_tell() -> None:
    house = House()
    complete(house)
    [target] = told(house)
    assert (target.address, target.version, target.inform) == (("192.0.2.7", 162), V3, True)
    assert (target.timeout, target.retries) == (15.0, 3)


@pytest.mark.parametrize(
    "change",
    [
        address(9, integer(2)),
        address(6, tlv(OCTETS, b"others")),
        ((*PARAMS, 4, *b"v3"), tlv(OCTETS, b"stranger")),
        ((*PARAMS, 2, *b"v3"), integer(1)),
        ((*NOTIFY, 5, *b"all"), DESTROY),
    ],
    ids=["not in service", "another tag", "unknown user", "contradiction", "removed"],
)
def test_what_is_not_in_order_is_told_nothing(change: tuple[Oid, bytes]) -> None:
    house = House()
    complete(house)
    assert house.set(change).status == 0
    assert told(house) == []


def test_what_managers_set_is_kept_as_it_was() -> None:
    house = House()
    complete(house)
    for name, register in house.registers.items():
        kept = targets.to_kept(register.rows, targets.LAYOUT[name][1])
        assert targets.from_kept(kept) == register.rows


def test_volatile_rows_are_not_kept() -> None:
    house = House()
    house.set(address(9, GO), *WHOLE, address(8, integer(2)))
    assert targets.to_kept(house.registers["addresses"].rows, 8) == []
