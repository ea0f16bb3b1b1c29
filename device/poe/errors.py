"""Why a port is not power-cycled."""

from __future__ import annotations

from device.errors import Refused


class NoHardware(Refused):
    """The recorder governs no ports."""

    hint = "`holdfast settings set poe.hardware=...` names the hardware: simulated, ethtool or switch."


class PortProtected(Refused):
    """The port carries the uplink: without it nobody would reach the recorder."""

    hint = "`holdfast poe set PORT --no-protected` ends the protection."

    def __init__(self, port: int) -> None:
        super().__init__(f"Port {port} is protected: it is never power-cycled.")
        self.port = port


class TooSoon(Refused):
    """The port was power-cycled a moment ago: a device that starts must not be interrupted again and again."""

    transient = True
    hint = "`settings set poe.cycle_interval=...` changes how often."

    def __init__(self, port: int, wait: float) -> None:
        super().__init__(f"Port {port} was power-cycled a moment ago; again in {wait:.0f} s.")
        self.port = port
        self.wait = wait


class NothingToCycle(Refused):
    """The port gives no power that could be taken away."""

    hint = "`holdfast poe` tells what the port is doing."

    def __init__(self, port: int, state: str) -> None:
        super().__init__(f"Port {port} gives no power: it is {state}.")
        self.port = port
