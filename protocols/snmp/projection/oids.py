"""Where the modules lie."""

from __future__ import annotations

ENTERPRISE = (1, 3, 6, 1, 4, 1, 32473)  #: the arc of HOLDFAST-MIB; RFC 5612's until one is assigned
HOLDFAST = (*ENTERPRISE, 1)
HF_NOTIFICATIONS = (*HOLDFAST, 0)
HF_OBJECTS = (*HOLDFAST, 1)
HF_RECORDER = (*HOLDFAST, 3, 1)  #: sysObjectID

MIB2 = (1, 3, 6, 1, 2, 1)
SNMP_MODULES = (1, 3, 6, 1, 6, 3)
SNMP_TRAPS = (*SNMP_MODULES, 1, 1, 5)
LLDP = (1, 0, 8802, 1, 1, 2)  #: outside 1.3.6: a view of that arc alone hides it
ZERO = (0, 0)  #: zeroDotZero
