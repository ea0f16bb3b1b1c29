"""What is said to the demo's hardware: by the control plane, which governs it, and by hands (`holdfast simulate`)."""

from __future__ import annotations

from device.chassis.buttons import Button
from device.chassis.driver import ChassisReading
from device.chassis.lights import Led, Light
from device.planes.messages import Done
from device.planes.wire import Request, message
from device.poe.port import Reading
from device.poe.simulated import Ailment

# --- what the recorder reads and orders ---


@message
class BoxPorts:
    """The ports, all at one time."""

    reading: Reading


@message
class ReadPorts(Request[BoxPorts]):
    """How are the ports?"""


@message
class SwitchPower(Request[Done]):
    """Allow a port to give power, or take it away."""

    port: int
    on: bool


@message
class SwitchEthernet(Request[Done]):
    """Switch the network of a port."""

    port: int
    on: bool


@message
class BoxChassisRead:
    """The rest of the box."""

    reading: ChassisReading


@message
class ReadChassis(Request[BoxChassisRead]):
    """How is the rest of the box?"""


@message
class ShowLights(Request[Done]):
    """Let these lights be so."""

    lights: tuple[tuple[Led, Light], ...]


@message
class SoundBuzzer(Request[Done]):
    """Switch the buzzer."""

    on: bool


# --- hands ---


@message
class HeatSensor(Request[Done]):
    """Let a sensor tell so many degrees."""

    sensor: str
    celsius: float


@message
class BreakPart(Request[Done]):
    """Let a part fail, or work again."""

    part: str  #: supply | fan
    name: str
    ok: bool


@message
class PressButton(Request[Done]):
    """Press a button, and let it go after so many seconds."""

    button: Button
    seconds: float


@message
class ReleaseButton(Request[Done]):
    """Let a button go."""

    button: Button


@message
class Plugged:
    """What is at the end of the cable now."""

    device: str


@message
class Plug(Request[Plugged]):
    """Connect what was unplugged from a port, or something new where nothing was."""

    port: int
    power_class: int | None  #: None: as before, 3 for something new
    draw: int | None  #: milliwatts; None: half of what its class reserves


@message
class Unplug(Request[Plugged]):
    """Take away what is connected to a port."""

    port: int


@message
class Draw(Request[Done]):
    """Let a device draw so many milliwatts."""

    port: int
    draw: int


@message
class Ail(Request[Done]):
    """Let something be wrong with a device, or nothing any more."""

    port: int
    ailment: Ailment


@message
class Negotiate(Request[Done]):
    """Let a device ask for so many milliwatts by LLDP; None: for nothing."""

    port: int
    requested: int | None
