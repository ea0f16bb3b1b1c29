"""The cases, a module for each part of the standards; importing them registers them.

What a case demands is said by its decorator: there is no other docstring.
"""

from conformance.snmp.cases import (
    engines,
    log,
    malformed,
    managers,
    messages,
    objects,
    reading,
    repeating,
    rows,
    setting,
    traps,
    users,
    versions,
    views,
)

__all__ = [
    "engines",
    "log",
    "malformed",
    "managers",
    "messages",
    "objects",
    "reading",
    "repeating",
    "rows",
    "setting",
    "traps",
    "users",
    "versions",
    "views",
]
