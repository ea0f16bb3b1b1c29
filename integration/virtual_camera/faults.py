"""Everything that can go wrong with a camera, by name.

A fault changes the camera's `Condition` for a while. The stream, the wire and the endpoint look at the
condition at every frame, packet and request, and behave accordingly; none of them knows faults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from device.errors import BadValue, NotFound
from device.media import Codec

Value = float | str

LONGEST = 3600.0  #: seconds of one fault
OTHER = "OTHER"  #: H.265 for a camera that sends H.264, else H.264


@dataclass(slots=True)
class Condition:
    """What is wrong with a camera at this moment. The defaults are health."""

    frozen: bool = False  #: the last picture again and again, and no key frame
    silent: bool = False  #: the session stays, nothing is sent
    loss: float = 0.0  #: share of the video packets that get lost, 0..1
    doomed: tuple[int, int] = (
        0,
        0,
    )  #: of the first frame of the fault: lose so many packets, from this one on
    markers: bool = True  #: the RTP marker bit ends an access unit
    clock_offset: float = 0.0  #: seconds that the camera's clock is wrong: burnt-in time and sender reports
    media_offset: float = 0.0  #: seconds by which RTP timestamps jumped
    timestamps: str = "true"  #: true | stuck | backward | noisy
    width: int = 0  #: another resolution than its own
    height: int = 0
    codec: str = ""  #: another codec than its own, as `Codec` names it, or OTHER
    sps: bool = True  #: parameter sets are whole
    reachable: bool = True  #: accepts connections
    password: str = ""  #: another password than its own
    covered: bool = False  #: something is held before its lens: it tells of tampering
    input: bool = False  #: its digital input is active


@dataclass(frozen=True, slots=True)
class Limit:
    """One parameter of a fault."""

    default: Value
    low: float = 0.0
    high: float = 0.0
    choices: tuple[str, ...] = ()

    def check(self, name: str, value: Value) -> Value:
        """The value, if it is within the limits. Raises BadValue."""
        if self.choices:
            if value not in self.choices:
                raise BadValue(name, f"{value!r} is none of {', '.join(self.choices)}")
            return value
        if isinstance(value, str) and not isinstance(self.default, str):
            raise BadValue(name, f"{value!r} is not a number")
        if isinstance(value, str):
            return value
        if isinstance(value, bool) or not self.low <= value <= self.high:
            raise BadValue(name, f"{value!r} is not within {self.low:g} and {self.high:g}")
        return value


@dataclass(frozen=True, slots=True)
class Kind:
    """A named fault: what it means, and what it takes. Its parameters are named as the condition's fields."""

    meaning: str
    parameters: Mapping[str, Limit] = field(default_factory=dict)
    fixed: Mapping[str, Value | bool] = field(default_factory=dict)  #: what it changes besides
    cuts: bool = False  #: cuts every session when it begins
    lasts: float = 5.0  #: seconds, by itself; 0: it has no duration

    @property
    def changes(self) -> frozenset[str]:
        """The fields of the condition that it takes hold of."""
        return frozenset((*self.parameters, *self.fixed))


_OFFSET = {"clock_offset": Limit(90.0, -1e8, 1e8)}

KINDS: Mapping[str, Kind] = {
    "freeze": Kind("packets go on, picture and key frames do not", fixed={"frozen": True}, lasts=8),
    "silence": Kind("the session stays, no packet comes", fixed={"silent": True}, lasts=8),
    "loss": Kind("a share of the video packets is lost", {"loss": Limit(0.02, 0, 1)}),
    "hole": Kind(
        "of one frame, packets first..first+count-1 are lost",
        {"first": Limit(0, 0, 10_000), "count": Limit(1, 1, 10_000)},
        lasts=1,
    ),
    "no_markers": Kind("RTP markers are missing", fixed={"markers": False}),
    "cut": Kind("the connection breaks; the next one is welcome", cuts=True, lasts=0),
    "refuse": Kind("the connection breaks, and no other is accepted", fixed={"reachable": False}, cuts=True),
    "clock": Kind("the camera's clock jumps; RTP timestamps run on", _OFFSET),
    "clock_and_media": Kind(
        "the camera's clock jumps, and RTP timestamps with it",
        {**_OFFSET, "media_offset": Limit(90.0, -1e8, 1e8)},
    ),
    "media_jump": Kind(
        "RTP timestamps jump, the clock does not", {"media_offset": Limit(20_000.0, -1e8, 1e8)}
    ),
    "stuck": Kind("RTP timestamps stand still", fixed={"timestamps": "stuck"}),
    "backward": Kind("RTP timestamps run backward", fixed={"timestamps": "backward"}),
    "noisy": Kind("RTP timestamps tremble by up to 40 ms", fixed={"timestamps": "noisy"}),
    "resolution": Kind(
        "another resolution in mid-stream, new parameter sets in band",
        {"width": Limit(480, 160, 2040), "height": Limit(272, 88, 2040)},
    ),
    "codec": Kind(
        "another codec in mid-stream",
        {"codec": Limit(OTHER, choices=(OTHER, Codec.H264.name, Codec.H265.name, Codec.MJPEG.name))},
    ),
    "bad_sps": Kind("parameter sets are cut short and scrambled", fixed={"sps": False}),
    "cover": Kind("something is held before the lens", fixed={"covered": True}),
    "input": Kind("the camera's digital input is active", fixed={"input": True}),
    "credentials": Kind(
        "the password was changed: 401 to the old one", {"password": Limit("changed")}, cuts=True, lasts=10
    ),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, its parameters checked: build it with `fault`."""

    name: str
    seconds: float
    values: Mapping[str, Value]

    @property
    def kind(self) -> Kind:
        """Its row in the table."""
        return KINDS[self.name]


def fault(name: str, seconds: float | None = None, **values: Value) -> Fault:
    """A fault of `KINDS`. Raises NotFound for its name, BadValue for a parameter."""
    kind = KINDS.get(name)
    if kind is None:
        raise NotFound("fault", name)
    lasts = kind.lasts if seconds is None else seconds
    if isinstance(lasts, str | bool) or not 0 <= lasts <= LONGEST:
        raise BadValue("seconds", f"{lasts!r} is not within 0 and {LONGEST:g}")
    for unknown in values.keys() - kind.parameters.keys():
        raise BadValue(unknown, f"the fault {name} takes {', '.join(kind.parameters) or 'no parameters'}")
    checked = {
        key: limit.check(key, values.get(key, limit.default)) for key, limit in kind.parameters.items()
    }
    for side, divisor in (("width", 8), ("height", 4)):
        if side in checked and (not float(checked[side]).is_integer() or int(checked[side]) % divisor):
            raise BadValue(side, f"{checked[side]} does not divide by {divisor}")
    return Fault(name, float(lasts), checked)


def begin(what: Fault, condition: Condition) -> None:
    """Put a fault into effect. Raises BadValue where another one already holds the same field."""
    health = Condition()
    if what.name == "hole":
        condition.doomed = (int(what.values["first"]), int(what.values["count"]))
        return
    for name in what.kind.changes:
        if getattr(condition, name) != getattr(health, name):
            raise BadValue(name, f"is already taken by another fault, {what.name} cannot begin")
    for name, value in (*what.kind.fixed.items(), *what.values.items()):
        setattr(condition, name, int(value) if name in ("width", "height") else value)


def end(what: Fault, condition: Condition) -> None:
    """Back to health, as far as this fault goes."""
    health = Condition()
    if what.name == "hole":
        condition.doomed = health.doomed
        return
    for name in what.kind.changes:
        setattr(condition, name, getattr(health, name))
