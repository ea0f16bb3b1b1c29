"""The PTZ service (ONVIF PTZ s5): heads that are moved, and the presets that they keep.

Node and configuration have the camera's key, as its video source has. A head has one speed for positions, ways and
presets, whatever Speed asks for; an axis that ContinuousMove does not name stands still.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from device.cameras.control import Lacks
from device.cameras.ptz import Abilities, Head, Vector
from device.errors import BadValue, HoldfastError, NotFound
from protocols.onvif.faults import Kind, Refusal, impossible, invalid
from protocols.onvif.names import TPTZ, TT
from protocols.onvif.operations import Access, Call, Legacy, Operation, Service
from protocols.onvif.services.media import NO_PROFILE, Stream
from protocols.onvif.spaces import (
    BY_NAME,
    DEFAULT,
    LEAST,
    MOST,
    write_configuration,
    write_node,
    write_options,
)
from protocols.onvif.xml import Element, find, flag, need, span, sub, text, write_instant

PATH = "/onvif/ptz_service"
VERSION = (21, 12)

NO_ENTITY = invalid("NoEntity", "There is no such PTZ node")
NO_CONFIG = invalid("NoConfig", "There is no such configuration")
NO_HEAD = invalid("NoPTZProfile", "The profile is of a camera that cannot be moved")
NO_PRESET = invalid("NoToken", "There is no such preset")
BAD_NAME = invalid("InvalidPresetName", "The preset's name is too long, or empty")
BAD_SPACE = invalid("SpaceNotSupported", "The space is not supported")
BAD_TIMEOUT = invalid("TimeoutNotSupported", "The timeout is out of range")
BAD_POSITION = invalid("InvalidPosition", "The position is out of bounds")
BAD_WAY = invalid("InvalidTranslation", "The translation is out of bounds")
BAD_VELOCITY = invalid("InvalidVelocity", "The velocity is out of range")
TOO_MANY = impossible("TooManyPresets", "There is no room for more presets")
MOVING = impossible("MovingPTZ", "The head moves")

_PRESETS: tuple[tuple[type[HoldfastError], Kind], ...] = (
    (NotFound, NO_PRESET),
    (BadValue, BAD_NAME),
    (Lacks, TOO_MANY),
)


class Ptz:
    """The service."""

    def __init__(self, streams: Callable[[], Sequence[Stream]], head: Callable[[str], Head]) -> None:
        """`head`: of a camera, by the key that is its video source's token."""
        self._streams = streams
        self._head = head

    def service(self) -> Service:
        """Its rows."""
        reads, acts = Access.READ_MEDIA, Access.ACTUATE
        operations = (
            Operation("GetNodes", reads, self.get_nodes),
            Operation("GetNode", reads, self.get_node),
            Operation("GetConfigurations", reads, self.get_configurations),
            Operation("GetConfiguration", reads, self.get_configuration),
            Operation("GetConfigurationOptions", reads, self.get_options),
            Operation("GetCompatibleConfigurations", reads, self.get_compatible),
            Operation("ContinuousMove", acts, self.continuous_move),
            Operation("RelativeMove", acts, self.relative_move),
            Operation("AbsoluteMove", acts, self.absolute_move),
            Operation("Stop", acts, self.stop),
            Operation("GetStatus", reads, self.get_status),
            Operation("GetPresets", reads, self.get_presets),
            Operation("SetPreset", acts, self.set_preset, _PRESETS),
            Operation("GotoPreset", acts, self.goto_preset, _PRESETS),
            Operation("RemovePreset", acts, self.remove_preset, _PRESETS),
            Operation("GotoHomePosition", acts, self.goto_home),
            Operation("SetHomePosition", acts, self.set_home),
        )
        legacy = Legacy("PTZ", extension=False, fill=lambda element: None)  # noqa: ARG005 - there is nothing behind XAddr
        return Service(TPTZ, PATH, VERSION, "PTZ", self._capabilities, operations, legacy)

    def _capabilities(self, told: Element) -> None:
        for name in ("EFlip", "Reverse"):
            told.set(name, "false")
        for name in ("GetCompatibleConfigurations", "MoveStatus", "StatusPosition"):
            told.set(name, "true")

    # ------------------------------------------------------------------------------------ what there is

    async def get_nodes(self, call: Call, reply: Element) -> None:
        """GetNodes (s5.2.1)."""
        for source, head in self._heads(call).items():
            write_node(sub(reply, TPTZ.PTZNode, token=source), source, head)

    async def get_node(self, call: Call, reply: Element) -> None:
        """GetNode (s5.2.2)."""
        source, head = self._named(call, TPTZ.NodeToken, NO_ENTITY)
        write_node(sub(reply, TPTZ.PTZNode, token=source), source, head)

    async def get_configurations(self, call: Call, reply: Element) -> None:
        """GetConfigurations (s5.3.1)."""
        self._configurations(call, reply, self._heads(call))

    async def get_configuration(self, call: Call, reply: Element) -> None:
        """GetConfiguration (s5.3.2)."""
        source, _ = self._named(call, TPTZ.PTZConfigurationToken, NO_CONFIG)
        self._configurations(call, reply, [source])

    async def get_options(self, call: Call, reply: Element) -> None:
        """GetConfigurationOptions (s5.3.3)."""
        _, head = self._named(call, TPTZ.ConfigurationToken, NO_CONFIG)
        write_options(sub(reply, TPTZ.PTZConfigurationOptions), head)

    async def get_compatible(self, call: Call, reply: Element) -> None:
        """GetCompatibleConfigurations (s5.3.5): that of the profile's camera."""
        stream = self._stream(call)
        self._configurations(call, reply, [stream.source] if stream.head is not None else [])

    def _configurations(self, call: Call, reply: Element, sources: Iterable[str]) -> None:
        heads = self._heads(call)
        for source in sources:
            uses = sum(each.source == source for each in self._seen(call))
            write_configuration(sub(reply, TPTZ.PTZConfiguration, token=source), source, heads[source], uses)

    def _seen(self, call: Call) -> list[Stream]:
        return [stream for stream in self._streams() if call.watches(stream.token)]

    def _heads(self, call: Call) -> dict[str, Abilities]:
        return {each.source: each.head for each in self._seen(call) if each.head is not None}

    def _named(self, call: Call, name: str, missing: Kind) -> tuple[str, Abilities]:
        """The node, or configuration, that a request names. Raises Refusal."""
        source, heads = need(call.body, name), self._heads(call)
        if source not in heads:
            raise Refusal(missing)
        return source, heads[source]

    def _stream(self, call: Call) -> Stream:
        """Of the profile that a request names. Raises Refusal."""
        token = need(call.body, TPTZ.ProfileToken)
        stream = next((each for each in self._seen(call) if each.token == token), None)
        if stream is None:
            raise Refusal(NO_PROFILE, f"There is no profile {token[:80]!r}.")
        return stream

    def _of(self, call: Call) -> Head:
        """What moves the camera of the profile that a request names. Raises Refusal."""
        stream = self._stream(call)
        if stream.head is None:
            raise Refusal(NO_HEAD)
        return self._head(stream.source)

    # ------------------------------------------------------------------------------------ how it moves

    async def continuous_move(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - nothing is told
        """ContinuousMove (s5.4.3)."""
        head = self._of(call)
        wanted = _vector(find(call.body, TPTZ.Velocity), "Continuous{}VelocitySpace", BAD_VELOCITY, Vector())
        seconds = span(call.body, TPTZ.Timeout)
        if seconds is not None and not LEAST <= seconds <= MOST:
            raise Refusal(BAD_TIMEOUT, f"Timeout: must be from {LEAST:g} to {MOST:g} s.")
        await head.move(wanted, DEFAULT if seconds is None else seconds)

    async def relative_move(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - nothing is told
        """RelativeMove (s5.4.2)."""
        head = self._of(call)
        way = find(call.body, TPTZ.Translation)
        await head.step(_vector(way, "Relative{}TranslationSpace", BAD_WAY, Vector()))

    async def absolute_move(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - nothing is told
        """AbsoluteMove (s5.4.1): an axis that is not named stays where it is."""
        head = self._of(call)
        stand = await head.stand()
        position = find(call.body, TPTZ.Position)
        await head.place(_vector(position, "Absolute{}PositionSpace", BAD_POSITION, stand.at or Vector()))

    async def stop(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - nothing is told
        """Stop (s5.4.4): all axes, unless none is to."""
        head = self._of(call)
        if (flag(call.body, TPTZ.PanTilt), flag(call.body, TPTZ.Zoom)) != (False, False):
            await head.stop()

    async def get_status(self, call: Call, reply: Element) -> None:
        """GetStatus (s5.4.5)."""
        stand = await self._of(call).stand()
        told = sub(reply, TPTZ.PTZStatus)
        if stand.at is not None:
            position = sub(told, TT.Position)
            spaces = [BY_NAME[f"Absolute{axis}PositionSpace"].uri for axis in ("PanTilt", "Zoom")]
            sub(position, TT.PanTilt, x=stand.at.pan, y=stand.at.tilt, space=spaces[0])
            sub(position, TT.Zoom, x=stand.at.zoom, space=spaces[1])
        status = sub(told, TT.MoveStatus)
        for axis in (TT.PanTilt, TT.Zoom):
            sub(status, axis, "MOVING" if stand.moving else "IDLE")
        sub(told, TT.UtcTime, write_instant(call.now))

    # ------------------------------------------------------------------------------------ what it keeps

    async def get_presets(self, call: Call, reply: Element) -> None:
        """GetPresets (s5.5.2)."""
        for preset in await self._of(call).presets():
            sub(sub(reply, TPTZ.Preset, token=preset.token), TT.Name, preset.name)

    async def set_preset(self, call: Call, reply: Element) -> None:
        """SetPreset (s5.5.1)."""
        head = self._of(call)
        if (await head.stand()).moving:
            raise Refusal(MOVING)
        name = text(call.body, TPTZ.PresetName) or ""
        if len(name) > 64:
            raise BadValue("PresetName", "must have at most 64 characters")
        sub(reply, TPTZ.PresetToken, await head.keep(name, text(call.body, TPTZ.PresetToken) or ""))

    async def goto_preset(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - nothing is told
        """GotoPreset (s5.5.3)."""
        await self._of(call).recall(need(call.body, TPTZ.PresetToken))

    async def remove_preset(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - nothing is told
        """RemovePreset (s5.5.4)."""
        await self._of(call).forget(need(call.body, TPTZ.PresetToken))

    async def goto_home(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - nothing is told
        """GotoHomePosition (s5.6.1)."""
        await self._of(call).home()

    async def set_home(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - nothing is told
        """SetHomePosition (s5.6.2)."""
        await self._of(call).keep_home()


def _vector(given: Element, spaces: str, wrong: Kind, other: Vector) -> Vector:
    """A tt:PTZVector or tt:PTZSpeed in the generic spaces; axes that it does not name are those of `other`. `spaces`:
    their names, with `{}` for PanTilt and Zoom. Raises Refusal."""
    pan_tilt, zoom = given.find(TT.PanTilt), given.find(TT.Zoom)
    for axis, part in (("PanTilt", pan_tilt), ("Zoom", zoom)):
        space = BY_NAME[spaces.format(axis)]
        if part is not None and part.get("space", space.uri) != space.uri:
            raise Refusal(BAD_SPACE, f"{axis}: the space must be {space.uri}.")
    least = BY_NAME[spaces.format("Zoom")].least
    return Vector(
        other.pan if pan_tilt is None else _share(pan_tilt, "x", -1.0, wrong),
        other.tilt if pan_tilt is None else _share(pan_tilt, "y", -1.0, wrong),
        other.zoom if zoom is None else _share(zoom, "x", least, wrong),
    )


def _share(axis: Element, name: str, least: float, wrong: Kind) -> float:
    try:
        value = float(axis.get(name, ""))
    except ValueError:
        value = math.nan
    if not least <= value <= 1.0:  # nor is what is no number
        raise Refusal(wrong, f"{name}: must be a number from {least:g} to 1.")
    return value
