"""Black-box cases for SNMP agents (RFC 1157, RFC 3411 to RFC 3418), of any vendor."""

from conformance.snmp import cases
from conformance.snmp.suite import SUITE

__all__ = ["SUITE", "cases"]
