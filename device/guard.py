"""How the recorder is guarded: which ways lead into it, what encrypts them, and what would be safer."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum

from device.accounts.role import Role
from device.settings.mqtt import Mqtt
from device.settings.onvif import Onvif
from device.settings.rtsp import Rtsp
from device.settings.snmp import Snmp
from device.settings.store import Store
from device.settings.syslog import Syslog, Transport
from device.settings.tls import Policy, Tls
from device.settings.virtual_hosts import VirtualHost


class Advice(Enum):
    """What of the hardening guide is not done."""

    CERTIFICATE = "certificate"  #: HTTPS shows the recorder's own, which nobody can check
    ANONYMOUS = "anonymous"  #: video without an account
    COMMUNITIES = "communities"  #: SNMP in the clear
    BROKER_IN_CLEAR = "broker"  #: MQTT without TLS
    LOGS_HERE_ONLY = "logs"  #: who breaks in can take them away
    LOGS_IN_CLEAR = "logs-in-clear"
    EVERYBODY_RULES = "administrators"  #: each account is an administrator's


@dataclass(frozen=True, slots=True)
class Way:
    """One way in. `encryption` is empty where there is none."""

    name: str
    encryption: str


def tls_versions(policy: Policy) -> str:
    """What a service with this policy speaks (`device.certificates.contexts`)."""
    return "TLS 1.2" if policy is Policy.FIPS else "TLS 1.2, TLS 1.3"


def ways(settings: Store) -> list[Way]:
    """Those that are open."""
    tls = tls_versions(settings.get(Tls).policy)
    found = [Way("HTTPS", tls)]
    if settings.get(Rtsp).enabled:
        found += [Way("RTSPS", tls), Way("RTSP", "")]
    if settings.get(Onvif).enabled:
        found += [Way("ONVIF (HTTPS)", tls), Way("ONVIF (HTTP)", "")]
    snmp = settings.get(Snmp)
    if snmp.version.communities:
        found.append(Way("SNMP v1, v2c", ""))
    if snmp.version.users:
        found.append(Way("SNMP v3", snmp.privacy.value if snmp.require_privacy else ""))
    mqtt = settings.get(Mqtt)
    if mqtt.enabled:
        found.append(Way("MQTT", "TLS" if mqtt.tls else ""))
    found += [Way(name, tls) for name, host in settings.entries(VirtualHost).items() if host.enabled]
    return found


def advice(settings: Store, own_certificate: bool, roles: Collection[Role]) -> list[Advice]:
    """What could be safer, gravest first. `roles`: of all accounts."""
    mqtt, servers = settings.get(Mqtt), settings.entries(Syslog).values()
    found: Iterable[tuple[Advice, bool]] = (
        (Advice.ANONYMOUS, settings.get(Rtsp).anonymous),
        (Advice.COMMUNITIES, settings.get(Snmp).version.communities),
        (Advice.CERTIFICATE, own_certificate),
        (Advice.BROKER_IN_CLEAR, mqtt.enabled and not mqtt.tls),
        (Advice.LOGS_IN_CLEAR, any(each.transport is not Transport.TLS for each in servers)),
        (Advice.LOGS_HERE_ONLY, not servers),
        (Advice.EVERYBODY_RULES, all(role is Role.ADMINISTRATOR for role in roles)),
    )
    return [each for each, holds in found if holds]
