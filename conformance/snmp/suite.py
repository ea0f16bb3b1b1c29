"""The SNMP suite, before its cases."""

from __future__ import annotations

from conformance.snmp.device import Device, arguments, contact
from conformance.suite import Suite

SUITE: Suite[Device] = Suite(
    "snmp",
    "SNMPv1, v2c and v3 (RFC 1157, RFC 3411 to RFC 3418, RFC 3584)",
    {
        "message": "Messages",
        "malformed": "Malformed input",
        "get": "GET",
        "next": "GETNEXT",
        "bulk": "GETBULK",
        "walk": "Walks",
        "set": "SET",
        "row": "Rows that managers make",
        "version": "v1, v2c and v3 side by side",
        "engine": "Discovery of the engine",
        "user": "Users: authentication, time, privacy",
        "view": "Views",
        "object": "Standard objects",
        "trap": "Notifications",
        "tool": "Managers of others",
    },
    arguments,
    contact,
)
case = SUITE.case
