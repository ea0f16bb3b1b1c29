"""Managers of others: net-snmp's tools and pysnmp understand the agent."""

from __future__ import annotations

import importlib

from conformance.case import Failed, NotApplicable, Requirement, expect, provided
from conformance.snmp import ber, needs
from conformance.snmp.ber import octets
from conformance.snmp.cases.setting import CONTACT, value
from conformance.snmp.device import SYS_DESCR, Device
from conformance.snmp.suite import case
from conformance.snmp.tools import tool

CONDITIONAL = Requirement.CONDITIONAL
CLAUSE = "-"
DESCRIPTION = "." + ber.dotted(SYS_DESCR)
SYSTEM = "1.3.6.1.2.1.1"
_NEEDS = {"1": needs.v1, "2c": needs.v2c, "3": needs.v3}


def _get(version: str) -> None:
    @case(
        f"tool.get-v{version}",
        f"snmpget of v{version} reads sysDescr",
        CLAUSE,
        CONDITIONAL,
        needs.net_snmp,
        _NEEDS[version],
    )
    async def get(device: Device) -> str:
        said = await tool(device, "snmpget", DESCRIPTION, version=version)
        expect(DESCRIPTION in said and "STRING" in said, said.strip())
        return said.strip()[:100]


def _walk(name: str, version: str) -> None:
    @case(
        f"tool.{name[4:]}-v{version}",
        f"{name} of v{version} walks the system group to its end",
        CLAUSE,
        CONDITIONAL,
        needs.net_snmp,
        _NEEDS[version],
    )
    async def walk(device: Device) -> str:
        said = await tool(device, name, SYSTEM, version=version)
        rows = said.count(f"\n.{SYSTEM}") + 1
        wanted = len(device.below(ber.oid(SYSTEM)))
        expect("increasing" not in said and abs(rows - wanted) <= 2, f"{rows} rows, where there are {wanted}")
        return f"{rows} rows"


def _whole(name: str, version: str) -> None:
    @case(
        f"tool.whole-v{version}",
        f"{name} of v{version} walks through everything",
        CLAUSE,
        CONDITIONAL,
        needs.net_snmp,
        _NEEDS[version],
    )
    async def whole(device: Device) -> str:
        said = await tool(device, name, ".1", version=version)
        names = [
            line.split(" = ")[0] for line in said.splitlines() if line.startswith(".1.") and " = " in line
        ]
        expect("increasing" not in said and len(names) > 20, said[-200:])
        return f"{len(names)} rows"


for _version in ("1", "2c", "3"):
    _get(_version)
    _walk("snmpwalk", _version)
for _version in ("2c", "3"):
    _walk("snmpbulkwalk", _version)
_whole("snmpwalk", "1")
_whole("snmpbulkwalk", "2c")
_whole("snmpbulkwalk", "3")


@case(
    "tool.next",
    "snmpgetnext steps from sysDescr to sysObjectID",
    CLAUSE,
    CONDITIONAL,
    needs.net_snmp,
    needs.v2c,
)
async def step(device: Device) -> str:
    said = await tool(device, "snmpgetnext", DESCRIPTION, version="2c")
    expect(said.startswith(f".{SYSTEM}.2.0 = OID"), said)
    return said.strip()


@case("tool.bulk", "snmpbulkget reads with non-repeaters", CLAUSE, CONDITIONAL, needs.net_snmp, needs.v2c)
async def bulk(device: Device) -> str:
    said = await tool(device, "snmpbulkget", "-Cn1", "-Cr3", SYSTEM, f"{SYSTEM}.3", version="2c")
    expect(len(said.strip().splitlines()) >= 4, said)
    return f"{len(said.strip().splitlines())} lines"


@case("tool.missing", "snmpget says what is not there", CLAUSE, CONDITIONAL, needs.net_snmp, needs.v2c)
async def missing(device: Device) -> str:
    said = await tool(device, "snmpget", f"{SYSTEM}.1.7", version="2c")
    expect("No Such Instance" in said, said)
    return said.strip()


@case("tool.set", "snmpset changes sysContact", CLAUSE, CONDITIONAL, needs.net_snmp, needs.writer)
async def change(device: Device) -> str:
    version, community = device.writer
    before = await value(device, CONTACT)
    provided((await device.set((CONTACT, before))).status == 0, "sysContact cannot be SET")
    try:
        said = await tool(
            device,
            "snmpset",
            "." + ber.dotted(CONTACT),
            "s",
            "by snmpset",
            version="2c" if community else "3",
            write=community is not None,
        )
        expect(await value(device, CONTACT) == octets(b"by snmpset"), f"snmpset said {said.strip()}")
    finally:
        await device.set((CONTACT, before))
    del version
    return said.strip()


# ------------------------------------------------------------------------------------------------ pysnmp


async def _pysnmp(
    device: Device, version: str, command: str, name: str, *numbers: int
) -> list[tuple[str, bytes]]:
    """Names and values that pysnmp reads. Raises Failed."""
    api = importlib.import_module("pysnmp.hlapi.v3arch.asyncio")
    address = device.address
    if version == "3":
        hashes = {"MD5": "HMAC96_MD5", "SHA": "HMAC96_SHA", "SHA-224": "HMAC128_SHA224", "SHA-256": "HMAC192_SHA256",
                  "SHA-384": "HMAC256_SHA384", "SHA-512": "HMAC384_SHA512"}  # fmt: skip
        ciphers = {
            "DES": "CBC56_DES",
            "AES": "CFB128_AES",
            "AES-192": "CFB192_AES_BLUMENTHAL",
            "AES-256": "CFB256_AES_BLUMENTHAL",
        }
        login = api.UsmUserData(
            address.user,
            address.password,
            address.privacy_password,
            authProtocol=getattr(api, f"USM_AUTH_{hashes[address.authentication]}"),
            privProtocol=getattr(api, f"USM_PRIV_{ciphers[address.privacy]}", None),
        )
    else:
        login = api.CommunityData(address.community.decode(), mpModel=0 if version == "1" else 1)
    engine = api.SnmpEngine()
    try:
        transport = await (api.Udp6TransportTarget if ":" in address.host else api.UdpTransportTarget).create(
            (address.host, address.port), timeout=3, retries=1
        )
        asked = api.ObjectType(api.ObjectIdentity(name))
        trouble, status, _, found = await getattr(api, command)(
            engine, login, transport, api.ContextData(), *numbers, asked, lookupMib=False
        )
    finally:
        engine.close_dispatcher()
    if trouble or status:
        raise Failed(f"pysnmp: {trouble or status.prettyPrint()}")
    return [(str(each[0]), each[1].asOctets() if hasattr(each[1], "asOctets") else b"") for each in found]


def _by_pysnmp(version: str, command: str, *numbers: int) -> None:
    word = command.removesuffix("_cmd")

    @case(
        f"tool.pysnmp-{word}-v{version}",
        f"pysnmp's {word} of v{version} reads the system group",
        CLAUSE,
        CONDITIONAL,
        needs.pysnmp,
        _NEEDS[version],
    )
    async def read(device: Device) -> str:
        if version == "3" and device.address.privacy == "DES":
            raise NotApplicable("newer releases of pysnmp have no DES")
        asked = DESCRIPTION[1:] if command == "get_cmd" else SYSTEM
        found = await _pysnmp(device, version, command, asked, *numbers)
        expect(found[0][0] == DESCRIPTION[1:], f"the first is {found[0][0]}")
        expect(
            found[0][1].decode("utf-8", "replace") == device.facts.description,
            f"it reads {found[0][1]!r}",
        )
        return f"{len(found)} varbinds"


for _version in ("1", "2c", "3"):
    _by_pysnmp(_version, "get_cmd")
    _by_pysnmp(_version, "next_cmd")
for _version in ("2c", "3"):
    _by_pysnmp(_version, "bulk_cmd", 0, 5)
