"""Power over Ethernet: the hardware, its budget, and what each port is for."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Self

from pydantic import AfterValidator, SecretStr, model_validator

from device.accounts.role import Role
from device.poe.budget import Priority
from device.poe.port import MOST_PORTS, Mode, PortRules
from device.settings.section import N_, Field, Interrupts, Keep, Section


class PoeHardware(Enum):
    """What the ports belong to."""

    NONE = "none"
    SIMULATED = "simulated"
    ETHTOOL = "ethtool"  #: the machine's own ports, by the kernel
    SWITCH = "switch"  #: a managed switch, by SNMP


class SwitchVersion(Enum):
    """Of SNMP."""

    V2C = "v2c"
    V3 = "v3"  #: USM with SHA-256 and AES


def _interface(name: str) -> str:
    if not 1 <= len(name) <= 15 or any(char in "/:" or not 32 < ord(char) < 127 for char in name):
        raise ValueError("must be the name of a network interface")
    return name


Interface = Annotated[str, AfterValidator(_interface)]


def _if_index(number: int) -> int:
    if not 1 <= number <= 2_147_483_647:
        raise ValueError("must be an ifIndex, 1 to 2147483647")
    return number


IfIndex = Annotated[int, AfterValidator(_if_index)]  #: of IF-MIB (RFC 2863)


class Poe(Section, section="poe", heading=N_("PoE"), restore=Keep.NO, role=Role.ADMINISTRATOR):
    """Power over Ethernet as a whole."""

    hardware: PoeHardware = Field(
        PoeHardware.NONE, title=N_("Hardware"), help=N_("What gives the power."), box=True
    )
    budget: float = Field(
        305.0,
        title=N_("Budget"),
        help=N_("What all ports together may reserve. Hardware that has less says so, and that counts."),
        unit="W",
        ge=1,
        le=5000,
    )
    ports: int = Field(
        16, title=N_("Ports"), unit="ports", ge=1, le=MOST_PORTS, when="hardware == 'simulated'", box=True
    )
    preempt: bool = Field(
        False,
        title=N_("Pre-emption"),
        help=N_("A port of higher priority takes the power of ports of lower priority."),
    )
    lldp: bool = Field(
        True,
        title=N_("Negotiation by LLDP"),
        help=N_(
            "A device that asks for less than its class reserves less. Off: by the hardware's class alone."
        ),
    )
    cycle_off: float = Field(5.0, title=N_("Time without power in a power-cycle"), unit="s", ge=1, le=60)
    cycle_interval: float = Field(
        60.0, title=N_("Time between two power-cycles of a port"), unit="s", ge=0, le=86_400
    )
    usage_threshold: float = Field(
        90.0,
        title=N_("Usage threshold"),
        help=N_("A warning is given when the devices draw more of the budget."),
        unit="%",
        ge=1,
        le=100,
    )
    interfaces: tuple[Interface, ...] = Field(
        (),
        title=N_("Interfaces"),
        help=N_("The network interfaces that are ports 1, 2, 3 ..."),
        max_length=MOST_PORTS,
        when="hardware == 'ethtool'",
        box=True,
    )
    switch: str = Field(
        "",
        title=N_("Switch"),
        help=N_("Its host name or address."),
        max_length=253,
        pattern=r"^[0-9A-Za-z.:_-]*$",
        when="hardware == 'switch'",
    )
    switch_port: int = Field(
        161, title=N_("UDP port of the switch"), unit="port", ge=1, le=65_535, when="hardware == 'switch'"
    )
    switch_group: int = Field(
        1,
        title=N_("Group of the switch's ports"),
        help=N_("pethPsePortGroupIndex: the unit of a stack, or its slot."),
        unit="group",
        ge=1,
        le=2_147_483_647,
        when="hardware == 'switch'",
    )
    switch_interfaces: tuple[IfIndex, ...] = Field(
        (),
        title=N_("Interfaces of the switch"),
        help=N_(
            "The ifIndex of ports 1, 2, 3 ..., so that the network of a port can be switched: no table tells it."
        ),
        max_length=MOST_PORTS,
        when="hardware == 'switch'",
    )
    switch_version: SwitchVersion = Field(
        SwitchVersion.V3, title=N_("SNMP version of the switch"), when="hardware == 'switch'"
    )
    switch_community: SecretStr = Field(
        SecretStr(""),
        title=N_("Community of the switch"),
        help=N_("One that may write."),
        max_length=64,
        when="hardware == 'switch' and switch_version == 'v2c'",
    )
    switch_user: str = Field(
        "",
        title=N_("User on the switch"),
        max_length=32,
        when="hardware == 'switch' and switch_version == 'v3'",
    )
    switch_auth: SecretStr = Field(
        SecretStr(""),
        title=N_("Authentication password"),
        help=N_("SHA-256; at least 8 characters."),
        max_length=128,
        when="hardware == 'switch' and switch_version == 'v3'",
    )
    switch_privacy: SecretStr = Field(
        SecretStr(""),
        title=N_("Privacy password"),
        help=N_("AES; at least 8 characters. Empty: as the authentication password."),
        max_length=128,
        when="hardware == 'switch' and switch_version == 'v3'",
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if len(set(self.interfaces)) != len(self.interfaces):
            raise ValueError("interfaces must not name one twice")
        if self.hardware is PoeHardware.ETHTOOL and not self.interfaces:
            raise ValueError("hardware 'ethtool' needs interfaces")
        if self.hardware is not PoeHardware.SWITCH:
            return self
        if not self.switch:
            raise ValueError("hardware 'switch' needs switch, its address")
        if self.switch_version is SwitchVersion.V2C and not self.switch_community.get_secret_value():
            raise ValueError("SNMP v2c needs switch_community")
        if self.switch_version is SwitchVersion.V3:
            privacy = self.switch_privacy.get_secret_value() or self.switch_auth.get_secret_value()
            if not self.switch_user or min(len(self.switch_auth.get_secret_value()), len(privacy)) < 8:
                raise ValueError("SNMP v3 needs switch_user, and passwords of at least 8 characters")
        return self


class PriorityName(Enum):
    """Who gets power first."""

    CRITICAL = "critical"
    HIGH = "high"
    LOW = "low"


class Port(
    Section, section="ports", heading=N_("Ports"), key=r"[1-9][0-9]?", restore=Keep.NO, role=Role.OPERATOR
):
    """One PoE port, under the number that is printed on the box."""

    name: str = Field("", title=N_("Name"), max_length=64)
    mode: Mode = Field(
        Mode.BOTH,
        title=N_("Mode"),
        help=N_("Power only: the network of the port is off."),
        interrupts=Interrupts.CAMERA,
    )
    priority: PriorityName = Field(
        PriorityName.LOW, title=N_("Priority"), help=N_("Who keeps power when there is not enough.")
    )
    protected: bool = Field(
        False,
        title=N_("Protected"),
        help=N_("Carries the uplink: never power-cycled nor turned off, and of critical priority."),
    )

    @model_validator(mode="after")
    def _uplink(self) -> Self:
        if self.protected and self.mode is not Mode.BOTH:
            raise ValueError("a protected port must be in mode 'power-and-ethernet'")
        return self

    def rules(self) -> PortRules:
        """As the ports' core takes it."""
        return PortRules(self.mode, Priority[self.priority.name], self.protected, self.name)
