"""HOLDFAST-MIB is clean; what it and the standard modules declare is what the agent answers."""

from __future__ import annotations

import os
import subprocess
import xml.etree.ElementTree as ET
from functools import cache
from pathlib import Path

import pytest

from protocols.snmp import ber
from protocols.snmp.ber import Oid
from protocols.snmp.projection.oids import ENTERPRISE, HF_RECORDER
from protocols.snmp.projection.recorder import TABLES
from protocols.snmp.syntax import Syntax
from protocols.snmp.tree import Tree
from tests.protocols.snmp.recorder import recorder
from tests.protocols.snmp.rig import get

HERE = Path(__file__).parent
MIB = Path(__file__).parents[3] / "mib"
ENVIRONMENT = {**os.environ, "SMIPATH": f"{HERE / 'smi'}:{MIB}"}
TAGS = {
    "INTEGER": ber.INTEGER,
    "OCTET STRING": ber.OCTETS,
    "OBJECT IDENTIFIER": ber.NAME,
    "IpAddress": ber.IP_ADDRESS,
    "Counter32": ber.COUNTER32,
    "Gauge32": ber.GAUGE32,
    "TimeTicks": ber.TIMETICKS,
    "Counter64": ber.COUNTER64,
}
BASES = {
    "Integer32": "INTEGER",
    "Enumeration": "INTEGER",
    "Unsigned32": "Gauge32",
    "Gauge32": "Gauge32",
    "Counter32": "Counter32",
    "Counter64": "Counter64",
    "Unsigned64": "Counter64",
    "OctetString": "OCTET STRING",
    "SnmpAdminString": "OCTET STRING",
    "DateAndTime": "OCTET STRING",
    "TruthValue": "INTEGER",
    "CounterBasedGauge64": "Counter64",
}


@cache
def declared() -> dict[Oid, tuple[str, str, ET.Element]]:
    """Name, base type and declaration of each object that HOLDFAST-MIB lets managers read."""
    dumped = subprocess.run(
        ["smidump", "-f", "xml", "HOLDFAST-MIB"], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    found = {}
    for node in (each for tag in ("scalar", "column") for each in ET.fromstring(dumped.stdout).iter(tag)):
        if node.findtext("access") in ("readonly", "readwrite"):
            oid = tuple(int(number) for number in node.attrib["oid"].split("."))
            found[oid] = (node.attrib["name"], _base(node), node)
    return found


def _base(node: ET.Element) -> str:
    inline = node.find("syntax/typedef")
    if inline is not None:
        return BASES[inline.attrib["basetype"]]
    return BASES[node.find("syntax/type").attrib["name"]]  # type: ignore[union-attr]  # one of the two is there


OURS: dict[Oid, tuple[str, Syntax, bool]] = {
    (*table.entry, column.number): (column.name, column.syntax, column.writable)
    for table in TABLES
    for column in table.columns
}
STANDARD = [line.split("\t") for line in (HERE / "standard.tsv").read_text().splitlines()]


def test_the_mib_is_clean_at_the_strictest_level() -> None:
    judged = subprocess.run(
        ["smilint", "-l", "6", "HOLDFAST-MIB"], env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert judged.stdout + judged.stderr == ""


def test_the_mib_and_the_tables_have_the_same_objects() -> None:
    ours = {oid: name for oid, (name, _, _) in OURS.items() if oid[: len(ENTERPRISE)] == ENTERPRISE}
    assert ours == {oid: name for oid, (name, _, _) in declared().items()}


def test_enumerations_are_those_of_the_mib() -> None:
    for oid, (name, _, node) in declared().items():
        numbers = {int(n.attrib["number"]): n.attrib["name"] for n in node.iter("namednumber")}
        if numbers:
            assert OURS[oid][1].names == numbers, name


def test_the_products_identity_is_the_mibs() -> None:
    said = subprocess.run(
        ["smidump", "-f", "identifiers", "HOLDFAST-MIB"],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line.split() for line in said.stdout.splitlines()]
    assert [line[3] for line in lines if line[1:2] == ["hfRecorder"]] == [".".join(map(str, HF_RECORDER))]


@pytest.mark.parametrize("line", STANDARD, ids=[line[1] for line in STANDARD])
def test_objects_of_standard_modules_are_as_their_module_declares_them(line: list[str]) -> None:
    _, name, oid, base, access = line
    ours, syntax, writable = OURS[tuple(int(number) for number in oid.split("."))]
    assert (ours, syntax.base) == (name, base)
    assert access == "readwrite" or not writable


def test_every_readable_object_answers_with_its_declared_type() -> None:
    agent, _ = recorder()
    answered: set[Oid] = set()
    start: Oid = (0, 0)
    while True:
        found = get(agent, start, kind=0xA1, community=b"public").varbinds[0]
        if found[1] == b"\x82\x00":
            break
        assert found[0] > start
        start = found[0]
        column = next(oid for stop in range(len(start), 0, -1) if (oid := start[:stop]) in OURS)
        name, syntax, _ = OURS[column]
        assert found[1][0] == TAGS[syntax.base], name
        inner, _ = ber.any_element(found[1], 0, len(found[1]))
        assert syntax.decode(found[1][0], found[1][inner:]) is not None, name  # within its limits and names
        answered.add(column)
    for oid, (name, base, _) in declared().items():
        assert oid in answered, f"{name} has no instance"
        assert TAGS[base] == TAGS[OURS[oid][1].base], name


def test_tables_do_not_overlap() -> None:
    Tree(TABLES)
    with pytest.raises(ValueError, match="overlap"):
        Tree((TABLES[0], TABLES[0]))
