"""The Device service (ONVIF Core s8): what the recorder is, its time, its scopes, and what keeps it running."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from device.accounts.store import MOST, Accounts
from device.digest import ALGORITHMS
from device.settings.clock import MOST_SERVERS
from protocols.onvif.faults import BAD_ARGUMENT, Kind, Refusal, impossible, invalid
from protocols.onvif.names import TDS, TT
from protocols.onvif.operations import Access, Call, Legacy, Operation, Service
from protocols.onvif.services.clock import ClockRows, Timekeeper
from protocols.onvif.services.listing import Listing
from protocols.onvif.services.network import NetworkRows, Setup
from protocols.onvif.services.users import LONGEST_NAME, LONGEST_PASSWORD, Users
from protocols.onvif.xml import Element, member, sub, texts

PATH = "/onvif/device_service"  #: fixed (ONVIF Core s5.1.1)
VERSION = (26, 6)
MOST_SCOPES = 32  #: that clients may add
LONGEST_SCOPE = 256

FIXED_SCOPE = Kind("Sender", ("OperationProhibited", "FixedScope"), "The scope cannot be removed")
NO_SCOPE = invalid("NoScope", "There is no such scope")
TOO_MANY_SCOPES = impossible("TooManyScopes", "There is no room for more scopes")
NO_LOG = invalid("SystemlogUnavailable", "There is no such log")
NO_ACCESS_LOG = invalid("AccesslogUnavailable", "There is no such log")


class DiscoveryMode(Enum):
    """tt:DiscoveryMode."""

    DISCOVERABLE = "Discoverable"
    HIDDEN = "NonDiscoverable"


class FactoryDefault(Enum):
    """tt:FactoryDefaultType."""

    HARD = "Hard"
    SOFT = "Soft"


class LogType(Enum):
    """tt:SystemLogType."""

    SYSTEM = "System"
    ACCESS = "Access"


@dataclass(frozen=True, slots=True)
class About:
    """What stands on the type plate."""

    manufacturer: str
    model: str
    firmware: str
    serial: str
    hardware: str
    id: str  #: UUID; the endpoint's address in discovery is made of it


class Recorder(Protocol):
    """What the service needs of the recorder. `integration/onvif.py` implements it."""

    def fixed_scopes(self) -> tuple[str, ...]:
        """Scopes that say what the recorder is."""

    def scopes(self) -> tuple[str, ...]:
        """Scopes that clients have added."""

    def set_scopes(self, scopes: tuple[str, ...], *, by: str) -> None:
        """Keep these instead."""

    def discoverable(self) -> bool:
        """Whether WS-Discovery answers."""

    def set_discoverable(self, on: bool, *, by: str) -> None:
        """Let it, or not."""

    async def log(self) -> str:
        """The last events, a line each."""

    def restart(self) -> str:
        """Restart, once the reply has left; what is told."""

    def reset(self, *, hard: bool, by: str) -> None:
        """Begin to put everything back to what it was delivered with; but for `hard`, it stays reachable."""


class Device:
    """The service."""

    def __init__(
        self,
        about: About,
        recorder: Recorder,
        setup: Setup,
        keeper: Timekeeper,
        accounts: Accounts | None,
        services: Iterable[Service],
    ) -> None:
        """`accounts`: None where users are not kept over this wire. `services`: all that the device has, this one
        included; may be filled later."""
        self._about = about
        self._recorder = recorder
        self._network = NetworkRows(setup)
        self._clock = ClockRows(keeper)
        reads, writes, last = Access.READ_SYSTEM, Access.WRITE_SYSTEM, Access.UNRECOVERABLE
        self._operations = (
            *Listing(services).operations,
            Operation("GetDeviceInformation", reads, self.get_information),
            Operation("GetEndpointReference", Access.PRE_AUTH, self.get_endpoint),
            Operation("SetSystemFactoryDefault", last, self.factory_default),
            Operation("SystemReboot", last, self.reboot),
            Operation("GetSystemLog", Access.READ_SYSTEM_SECRET, self.get_log),
            Operation("GetScopes", reads, self.get_scopes),
            Operation("SetScopes", writes, self.set_scopes),
            Operation("AddScopes", writes, self.add_scopes),
            Operation("RemoveScopes", writes, self.remove_scopes),
            Operation("GetDiscoveryMode", reads, self.get_discovery),
            Operation("SetDiscoveryMode", writes, self.set_discovery),
            Operation("GetRelayOutputs", Access.READ_MEDIA, self.nothing),
            *(() if accounts is None else Users(accounts).operations),
            *self._network.operations,
            *self._clock.operations,
        )

    def service(self) -> Service:
        """Its rows."""
        legacy = Legacy("Device", extension=False, fill=self._legacy)
        return Service(TDS, PATH, VERSION, "Device", self._capabilities, self._operations, legacy)

    # ------------------------------------------------------------------------------------ what it can

    def _capabilities(self, told: Element) -> None:
        sub(
            told,
            TDS.Network,
            IPFilter=False,
            ZeroConfiguration=self._network.settable,
            IPVersion6=True,
            DynDNS=False,
            NTP=MOST_SERVERS if self._clock.settable else 0,
            HostnameFromDHCP=self._network.settable,
        )
        security = sub(
            told,
            TDS.Security,
            DefaultAccessPolicy=True,
            UsernameToken=True,
            HttpDigest=True,
            MaxUsers=MOST,
            MaxUserNameLength=LONGEST_NAME,
            MaxPasswordLength=LONGEST_PASSWORD,
            HashingAlgorithms=",".join(reversed(ALGORITHMS)),
        )
        for name in (
            "TLS1.0",
            "TLS1.1",
            "AccessPolicyConfig",
            "RemoteUserHandling",
            "RELToken",
            "X.509Token",
        ):
            security.set(name, "false")
        security.set("TLS1.2", "true")
        sub(
            told,
            TDS.System,
            DiscoveryResolve=True,
            DiscoveryBye=True,
            RemoteDiscovery=False,
            SystemBackup=False,
            SystemLogging=True,
            FirmwareUpgrade=False,
            NetworkConfigNotSupported=not self._network.settable,
        )

    def _legacy(self, told: Element) -> None:
        network = sub(told, TT.Network)
        for name, on in (
            ("IPFilter", False),
            ("ZeroConfiguration", self._network.settable),
            ("IPVersion6", True),
            ("DynDNS", False),
        ):
            sub(network, TT.name(name), on)
        system = sub(told, TT.System)
        for name, on in (
            ("DiscoveryResolve", True),
            ("DiscoveryBye", True),
            ("RemoteDiscovery", False),
            ("SystemBackup", False),
            ("SystemLogging", True),
            ("FirmwareUpgrade", False),
        ):
            sub(system, TT.name(name), on)
        version = sub(system, TT.SupportedVersions)
        sub(version, TT.Major, VERSION[0])
        sub(version, TT.Minor, VERSION[1])
        io = sub(told, TT.IO)
        sub(io, TT.InputConnectors, 0)
        sub(io, TT.RelayOutputs, 0)
        security = sub(told, TT.Security)
        for name, on in (
            ("TLS1.1", False),
            ("TLS1.2", True),
            ("OnboardKeyGeneration", False),
            ("AccessPolicyConfig", False),
            ("X.509Token", False),
            ("SAMLToken", False),
            ("KerberosToken", False),
            ("RELToken", False),
        ):
            sub(security, TT.name(name), on)

    async def nothing(self, call: Call, reply: Element) -> None:
        """An operation whose answer is that there are none."""

    # ------------------------------------------------------------------------------------ what it is

    async def get_information(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - carries nothing
        """GetDeviceInformation (s8.3.1)."""
        about = self._about
        sub(reply, TDS.Manufacturer, about.manufacturer)
        sub(reply, TDS.Model, about.model)
        sub(reply, TDS.FirmwareVersion, about.firmware)
        sub(reply, TDS.SerialNumber, about.serial)
        sub(reply, TDS.HardwareId, about.hardware)

    async def get_endpoint(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - carries nothing
        """GetEndpointReference (s7.3.6)."""
        sub(reply, TDS.GUID, self._about.id)

    # ------------------------------------------------------------------------------------ scopes

    async def get_scopes(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - carries nothing
        """GetScopes (s8.3.9)."""
        for kind, scopes in (
            ("Fixed", self._recorder.fixed_scopes()),
            ("Configurable", self._recorder.scopes()),
        ):
            for scope in scopes:
                told = sub(reply, TDS.Scopes)
                sub(told, TT.ScopeDef, kind)
                sub(told, TT.ScopeItem, scope)

    async def set_scopes(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - nothing is told
        """SetScopes (s8.3.10): the fixed ones stay."""
        self._keep_scopes(texts(call.body, TDS.Scopes), call)

    async def add_scopes(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - nothing is told
        """AddScopes (s8.3.11)."""
        self._keep_scopes([*self._recorder.scopes(), *texts(call.body, TDS.ScopeItem)], call)

    async def remove_scopes(self, call: Call, reply: Element) -> None:
        """RemoveScopes (s8.3.12)."""
        asked = texts(call.body, TDS.ScopeItem)
        known, fixed = self._recorder.scopes(), self._recorder.fixed_scopes()
        for scope in asked:
            if scope in fixed:
                raise Refusal(FIXED_SCOPE, f"{scope[:80]!r} cannot be removed.")
            if scope not in known:
                raise Refusal(NO_SCOPE, f"There is no scope {scope[:80]!r}.")
        self._recorder.set_scopes(tuple(each for each in known if each not in asked), by=call.account)
        for scope in asked:
            sub(reply, TDS.ScopeItem, scope)

    def _keep_scopes(self, wanted: list[str], call: Call) -> None:
        fixed = self._recorder.fixed_scopes()
        kept = tuple(dict.fromkeys(each for each in wanted if each not in fixed))
        if len(kept) > MOST_SCOPES:
            raise Refusal(TOO_MANY_SCOPES, f"There can be {MOST_SCOPES} scopes besides the fixed ones.")
        for scope in kept:
            if not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+", scope) or len(scope) > LONGEST_SCOPE:
                raise Refusal(
                    BAD_ARGUMENT, f"{scope[:80]!r} is no URI of at most {LONGEST_SCOPE} characters."
                )
        self._recorder.set_scopes(kept, by=call.account)

    async def get_discovery(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - carries nothing
        """GetDiscoveryMode (s8.3.7)."""
        on = self._recorder.discoverable()
        sub(reply, TDS.DiscoveryMode, DiscoveryMode.DISCOVERABLE if on else DiscoveryMode.HIDDEN)

    async def set_discovery(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - nothing is told
        """SetDiscoveryMode (s8.3.8)."""
        mode = member(DiscoveryMode, call.body, TDS.DiscoveryMode)
        self._recorder.set_discoverable(mode is DiscoveryMode.DISCOVERABLE, by=call.account)

    # ------------------------------------------------------------------------------------ keeping it running

    async def get_log(self, call: Call, reply: Element) -> None:
        """GetSystemLog (s8.3.15): the recorder's journal. A log of who came in alone is not kept apart."""
        if member(LogType, call.body, TDS.LogType) is LogType.ACCESS:
            raise Refusal(NO_ACCESS_LOG, "There is one log, of the type System.")
        sub(sub(reply, TDS.SystemLog), TT.String, await self._recorder.log())

    async def reboot(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - carries nothing
        """SystemReboot (s8.3.4)."""
        sub(reply, TDS.Message, self._recorder.restart())

    async def factory_default(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - nothing is told
        """SetSystemFactoryDefault (s8.3.3)."""
        kind = member(FactoryDefault, call.body, TDS.FactoryDefault)
        self._recorder.reset(hard=kind is FactoryDefault.HARD, by=call.account)
