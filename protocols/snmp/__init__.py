"""SNMP: the recorder as network-management systems see it (RFC 3411 to 3418, RFC 1157)."""
