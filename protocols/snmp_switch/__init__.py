"""Any managed PoE switch, by SNMP: POWER-ETHERNET-MIB (RFC 3621), and the vendors' columns for watts."""
