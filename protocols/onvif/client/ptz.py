"""What moves a camera, over ONVIF PTZ: `device.cameras.ptz.Head`. Pure: it is handed what asks.

Each axis is spoken in the generic space where the camera lists it, else in the first that it lists, by that one's
range.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from device.cameras.control import Declines, Lacks, Profile
from device.cameras.ptz import LONGEST_NAME, Abilities, Preset, Stand, Vector
from device.errors import NotFound
from protocols.onvif.client.lenient import children, descendants, find, number, text
from protocols.onvif.client.wire import Fill, Refuses
from protocols.onvif.names import TPTZ, TT
from protocols.onvif.spaces import BY_NAME
from protocols.onvif.xml import Element, sub, write_span

MOST = 256  #: presets of a camera that are shown; some list all that there could be
_WITHOUT = frozenset({"ActionNotSupported", "NoPTZProfile", "PTZNotSupported", "SpaceNotSupported"})


class Ask(Protocol):
    """Asks a camera's PTZ service. Raises Refuses, Unreachable, LoginRefused, NotUnderstood."""

    async def __call__(self, operation: str, fill: Fill) -> Element: ...


@dataclass(frozen=True, slots=True)
class Range:
    """The range of an axis, as the camera has it. Where nothing is in its midst for us, and the camera has a zero, the
    one is the other, however far its ends are from there: standing still is standing still."""

    low: float
    high: float

    def there(self, share: float, least: float) -> float:
        """A share of ours, from `least` to 1, as the camera's."""
        if least < 0 and self.low < 0 < self.high:
            return share * (self.high if share > 0 else -self.low)
        return self.low + (share - least) / (1.0 - least) * (self.high - self.low)

    def here(self, value: float, least: float) -> float:
        """The opposite, within the range."""
        if least < 0 and self.low < 0 < self.high:
            share = value / (self.high if value > 0 else -self.low)
        else:
            share = least + (value - self.low) / (self.high - self.low) * (1.0 - least)
        return round(min(max(share, least), 1.0), 4)


@dataclass(frozen=True, slots=True)
class Spoken:
    """A space that the camera has."""

    uri: str  #: empty: the generic one, which need not be named
    least: float  #: of ours
    axes: tuple[Range, ...]

    def write(self, parent: Element, name: str, shares: Sequence[float]) -> None:
        """tt:PanTilt or tt:Zoom."""
        values = [axis.there(share, self.least) for axis, share in zip(self.axes, shares, strict=True)]
        sub(
            parent,
            name,
            space=self.uri or None,
            **{axis: round(value, 4) for axis, value in zip("xy", values, strict=False)},
        )

    def read(self, told: Element) -> list[float]:
        """The opposite."""
        return [
            axis.here(_attribute(told, name), self.least) for axis, name in zip(self.axes, "xy", strict=False)
        ]


@dataclass(frozen=True, slots=True)
class Node:
    """What a camera says of a head."""

    spaces: dict[str, Spoken]  #: by name of the element
    home: bool
    presets: int


def node(reply: Element, token: str) -> Node | None:
    """Of GetNodes: the one of that token, else the first; None: it tells none."""
    nodes = list(children(reply, "PTZNode"))
    told = next((each for each in nodes if each.get("token") == token), nodes[0] if nodes else None)
    if told is None:
        return None
    listed = find(told, "SupportedPTZSpaces")
    spaces = {name: spoken for name in BY_NAME if (spoken := _spoken(listed, name)) is not None}
    home = text(told, "HomeSupported") in ("true", "1")
    return Node(spaces, home, round(number(told, "MaximumNumberOfPresets")))


#: Of a camera that tells nothing of its head: what nearly all have.
UNTOLD = Node(
    {
        "ContinuousPanTiltVelocitySpace": Spoken("", -1.0, (Range(-1.0, 1.0), Range(-1.0, 1.0))),
        "ContinuousZoomVelocitySpace": Spoken("", -1.0, (Range(-1.0, 1.0),)),
    },
    home=True,
    presets=MOST,
)


def _spoken(listed: Element | None, name: str) -> Spoken | None:
    generic = BY_NAME[name]
    found = list(children(listed, name))
    if not found:
        return None
    chosen = next((each for each in found if text(each, "URI") == generic.uri), found[0])
    ranges = tuple(_range(find(chosen, axis), generic.least) for axis in generic.axes)
    uri = text(chosen, "URI")
    return Spoken("" if uri == generic.uri else uri, generic.least, ranges)


def _range(told: Element | None, least: float) -> Range:
    try:
        low, high = float(text(told, "Min")), float(text(told, "Max"))
    except ValueError:
        return Range(least, 1.0)
    return Range(low, high) if -1e9 < low < high < 1e9 else Range(least, 1.0)


def _attribute(told: Element, name: str) -> float:
    try:
        value = float(told.get(name, ""))
    except ValueError:
        return 0.0
    return value if abs(value) < 1e9 else 0.0


def presets(reply: Element) -> list[Preset]:
    """Of GetPresets."""
    return [
        Preset(each.get("token", ""), text(each, "Name")[:LONGEST_NAME])
        for each in children(reply, "Preset")
        if each.get("token")
    ][:MOST]


class OnvifHead:
    """See `device.cameras.ptz.Head`."""

    def __init__(self, ask: Ask, host: str, profile: Profile) -> None:
        self._ask = ask
        self._host = host
        self._profile = profile
        self._known: Node | None = None
        self._stops = True  #: it knows Stop
        self._times = True  #: it takes a timeout

    async def abilities(self) -> Abilities:
        """Head."""
        known = await self._node()
        axes = ("PanTilt", "Zoom")
        pan_tilt, zoom = (f"Continuous{axis}VelocitySpace" in known.spaces for axis in axes)
        relative = any(f"Relative{axis}TranslationSpace" in known.spaces for axis in axes)
        absolute = any(f"Absolute{axis}PositionSpace" in known.spaces for axis in axes)
        return Abilities(pan_tilt, zoom, relative, absolute, known.home, min(known.presets, MOST))

    async def move(self, velocity: Vector, seconds: float) -> None:
        """Head. A camera that takes no timeout moves until it is told otherwise."""
        known = await self._node()

        def fill(asked: Element) -> None:
            self._write(known, sub(asked, TPTZ.Velocity), "Continuous{}VelocitySpace", velocity)
            if self._times:
                sub(asked, TPTZ.Timeout, write_span(seconds))

        try:
            await self._do("ContinuousMove", fill)
        except Declines as error:
            if not self._times or "TimeoutNotSupported" not in _codes(error):
                raise
            self._times = False
            await self._do("ContinuousMove", fill)

    async def step(self, by: Vector) -> None:
        """Head."""
        known = await self._node()

        def fill(asked: Element) -> None:
            self._write(known, sub(asked, TPTZ.Translation), "Relative{}TranslationSpace", by)

        await self._do("RelativeMove", fill)

    async def place(self, at: Vector) -> None:
        """Head."""
        known = await self._node()

        def fill(asked: Element) -> None:
            self._write(known, sub(asked, TPTZ.Position), "Absolute{}PositionSpace", at)

        await self._do("AbsoluteMove", fill)

    async def stop(self) -> None:
        """Head. There are cameras without Stop, which stand still when they are told to move at no velocity."""

        def fill(asked: Element) -> None:
            sub(asked, TPTZ.PanTilt, True)
            sub(asked, TPTZ.Zoom, True)

        if self._stops:
            try:
                await self._do("Stop", fill)
            except (Declines, Lacks):
                self._stops = False
        if not self._stops:
            await self.move(Vector(), 1.0)

    async def stand(self) -> Stand:
        """Head."""
        known = await self._node()
        told = find(await self._do("GetStatus", _nothing), "PTZStatus")
        position = find(told, "Position")
        at = Vector(*self._read(known, position, "PanTilt", 2), *self._read(known, position, "Zoom", 1))
        moving = any(text(told, "MoveStatus", axis) == "MOVING" for axis in ("PanTilt", "Zoom"))
        return Stand(at if position is not None else None, moving)

    async def presets(self) -> Sequence[Preset]:
        """Head."""
        return presets(await self._do("GetPresets", _nothing))

    async def recall(self, preset: str) -> None:
        """Head."""
        await self._do("GotoPreset", _naming(preset), preset)

    async def keep(self, name: str, preset: str = "") -> str:
        """Head."""

        def fill(asked: Element) -> None:
            sub(asked, TPTZ.PresetName, name)
            if preset:
                sub(asked, TPTZ.PresetToken, preset)

        reply = await self._do("SetPreset", fill, preset)
        return next((text(each) for each in descendants(reply, "PresetToken")), "") or preset

    async def forget(self, preset: str) -> None:
        """Head."""
        await self._do("RemovePreset", _naming(preset), preset)

    async def home(self) -> None:
        """Head."""
        await self._do("GotoHomePosition", _nothing)

    async def keep_home(self) -> None:
        """Head."""
        await self._do("SetHomePosition", _nothing)

    async def _node(self) -> Node:
        if self._known is None:
            try:
                told = node(await self._ask("GetNodes", _nothing), self._profile.node)
            except Refuses:
                told = None
            self._known = told or UNTOLD
        return self._known

    def _write(self, known: Node, parent: Element, spaces: str, wanted: Vector) -> None:
        """The axes that the camera has. Raises Lacks: it has none."""
        for axis, shares in (("PanTilt", (wanted.pan, wanted.tilt)), ("Zoom", (wanted.zoom,))):
            spoken = known.spaces.get(spaces.format(axis))
            if spoken is not None:
                spoken.write(parent, TT.name(axis), shares)
        if not len(parent):
            raise Lacks(f"The camera {self._host} has no {spaces.format('')}.")

    def _read(self, known: Node, position: Element | None, axis: str, count: int) -> list[float]:
        told, spoken = find(position, axis), known.spaces.get(f"Absolute{axis}PositionSpace")
        return spoken.read(told) if told is not None and spoken is not None else [0.0] * count

    async def _do(self, operation: str, fill: Fill, preset: str = "") -> Element:
        """Ask about the profile. What the camera refuses is told in its own words."""

        def filled(asked: Element) -> None:
            sub(asked, TPTZ.ProfileToken, self._profile.token)
            fill(asked)

        try:
            return await self._ask(operation, filled)
        except Refuses as error:
            if preset and "NoToken" in error.fault.codes:
                raise NotFound("preset", preset) from None
            kind = Lacks if _WITHOUT & set(error.fault.codes) else Declines
            raise kind(f"The camera {self._host} refuses {operation}: {error}") from error


def _nothing(asked: Element) -> None:
    del asked


def _naming(preset: str) -> Fill:
    def fill(asked: Element) -> None:
        sub(asked, TPTZ.PresetToken, preset)

    return fill


def _codes(error: Exception) -> tuple[str, ...]:
    cause = error.__cause__
    return cause.fault.codes if isinstance(cause, Refuses) else ()
