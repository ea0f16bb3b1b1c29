"""Preconditions of cases, judged by what the agent told at the first contact."""

from __future__ import annotations

import shutil

from conformance.case import NotApplicable
from conformance.snmp.device import Device
from conformance.snmp.wire import V1, V2C, V3


def v1(device: Device) -> str | None:
    """SNMPv1 is answered."""
    return None if V1 in device.facts.versions else "the agent does not answer SNMPv1 (or no --community)"


def v2c(device: Device) -> str | None:
    """SNMPv2c is answered."""
    return None if V2C in device.facts.versions else "the agent does not answer SNMPv2c (or no --community)"


def v3(device: Device) -> str | None:
    """SNMPv3 is answered."""
    return None if V3 in device.facts.versions else "the agent does not answer SNMPv3 (or no --user)"


def modern(device: Device) -> str | None:
    """v2c or v3: exceptions and GETBULK."""
    return None if device.facts.versions & {V2C, V3} else "the agent answers SNMPv1 only"


def writer(device: Device) -> str | None:
    """Somebody may SET."""
    try:
        device.writer  # noqa: B018 - it raises
    except NotApplicable as reason:
        return str(reason)
    return None


def maker(device: Device) -> str | None:
    """Somebody may make rows."""
    return None if V3 in device.facts.versions else writer(device)


def write_community(device: Device) -> str | None:
    """A community may SET."""
    if not device.address.write:
        return "no community was given that may SET (--write-community)"
    return v2c(device)


def reader(device: Device) -> str | None:
    """A community may read and not SET."""
    if device.address.write and device.address.write == device.address.community:
        return "the community may SET, too"
    return v2c(device)


def hidden(device: Device) -> str | None:
    """The user sees something that the community does not."""
    if device.facts.hidden is None:
        return "the community sees all of snmpModules that the user sees"
    return None


def net_snmp(device: Device) -> str | None:  # noqa: ARG001 - a need
    """net-snmp's tools are installed."""
    return None if shutil.which("snmpget") else "net-snmp's tools are not installed (snmpget)"


def snmptrapd(device: Device) -> str | None:  # noqa: ARG001 - a need
    """net-snmp's receiver of notifications is installed."""
    return None if shutil.which("snmptrapd", path=SBIN) else "snmptrapd is not installed"


def pysnmp(device: Device) -> str | None:  # noqa: ARG001 - a need
    """pysnmp is installed."""
    try:
        import pysnmp  # noqa: F401 - asked here, since it takes a second
    except ImportError:
        return "pysnmp is not installed"
    return None


SBIN = (
    "/usr/bin:/usr/sbin:/usr/local/bin:/usr/local/sbin"  #: where Debian puts it, which a person's PATH lacks
)
