"""Rules: when something holds or happens, something is done. And the schedules and pulses that they are made of."""

from __future__ import annotations

import re
from enum import Enum
from typing import Annotated, Literal, Self

import pydantic
from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

from device.accounts.role import Role
from device.events import catalogue as _catalogue  # noqa: F401 - declares the events
from device.events.event import events
from device.recipients import naming
from device.settings.schedule import Span
from device.settings.section import N_, Field, Interrupts, Keep, Required, Section

MOST_RULES = 256
LONGEST_WAIT = 24 * 3600.0 - 1  #: seconds, 23:59:59
OWN = "rule."  #: begins what rules say themselves; were they to listen to it, they could wake each other for ever
_MODEL = ConfigDict(frozen=True, extra="forbid")
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _state(name: str) -> str:
    if name not in {kind.raises for kind in events().values() if kind.raises} or name.startswith(OWN):
        raise ValueError("must be a state that some event raises, such as camera.offline")
    return name


def _event(name: str) -> str:
    if name not in events() or name.startswith(OWN):
        raise ValueError("must be the name of an event, such as recorder.started")
    return name


def _date(text: str) -> str:
    found = re.fullmatch(r"(\d\d)-(\d\d)", text, re.ASCII)
    month, day = (int(found[1]), int(found[2])) if found else (0, 0)
    if not (1 <= month <= 12 and 1 <= day <= _DAYS[month - 1]):
        raise ValueError("must be a day of the year, from 01-01 to 12-31")
    return text


def _wire_text(text: str) -> str:
    if any(char in "+#\0" for char in text) or not 1 <= len(text) <= 200:
        raise ValueError("must be a topic of 1 to 200 characters without + and #")
    return text


StateName = Annotated[str, AfterValidator(_state)]
EventName = Annotated[str, AfterValidator(_event)]
Date = Annotated[str, AfterValidator(_date)]  #: MM-DD
Topic = Annotated[str, AfterValidator(_wire_text)]
Text = Annotated[str, pydantic.StringConstraints(max_length=1000)]
Word = Annotated[str, pydantic.StringConstraints(pattern=r"^[0-9a-z-]{1,32}$")]
About = Annotated[
    dict[str, str], pydantic.Field(max_length=8)
]  #: fields of an event, and the values that are meant


class Holds(BaseModel):
    """A state that lasts: it was raised, and has not been cleared."""

    model_config = _MODEL
    kind: Literal["state"] = "state"
    state: StateName
    about: About = {}
    invert: bool = False


class Happens(BaseModel):
    """A moment: an event is said."""

    model_config = _MODEL
    kind: Literal["event"] = "event"
    event: EventName
    about: About = {}


class Scheduled(BaseModel):
    """A schedule covers now, or a pulse comes."""

    model_config = _MODEL
    kind: Literal["schedule"] = "schedule"
    schedule: Word  #: key of the schedule or pulse
    invert: bool = False


class Manual(BaseModel):
    """Somebody fires the trigger of that name: a moment."""

    model_config = _MODEL
    kind: Literal["manual"] = "manual"
    name: Word


Cameras = Annotated[tuple[str, ...], pydantic.Field(min_length=1, max_length=64)]
Pattern = Annotated[
    str, pydantic.StringConstraints(min_length=1, max_length=100), AfterValidator(naming.check)
]  #: see `device.recipients.naming`
Condition = Annotated[Holds | Happens | Scheduled | Manual, pydantic.Field(discriminator="kind")]


class Record(BaseModel):
    """Keep what cameras in event mode show, from before the rule became active until after it ended."""

    model_config = _MODEL
    kind: Literal["record"] = "record"
    cameras: Cameras


class Cycle(BaseModel):
    """Take the power from a port for a moment."""

    model_config = _MODEL
    kind: Literal["cycle"] = "cycle"
    port: Annotated[int, pydantic.Field(ge=1, le=48)]


class Tell(BaseModel):
    """Say an event of one's own (`rule.told`): every wire carries it, as trap, syslog, MQTT or ONVIF event."""

    model_config = _MODEL
    kind: Literal["tell"] = "tell"
    text: Text


class Publish(BaseModel):
    """Publish at the broker of the settings of MQTT, under a topic of one's own."""

    model_config = _MODEL
    kind: Literal["publish"] = "publish"
    topic: Topic
    payload: Text = ""
    retain: bool = False


class Buzz(BaseModel):
    """Let the buzzer sound, and the status light say that something is wrong, while the rule is active."""

    model_config = _MODEL
    kind: Literal["buzzer"] = "buzzer"


class Send(BaseModel):
    """Send a message to a recipient."""

    model_config = _MODEL
    kind: Literal["send"] = "send"
    recipient: Word
    text: Text = ""


class Pictures(BaseModel):
    """Send pictures that cameras take from now on, over ONVIF."""

    model_config = _MODEL
    kind: Literal["pictures"] = "pictures"
    recipient: Word
    cameras: Cameras
    count: Annotated[int, pydantic.Field(ge=1, le=10)] = 1  #: of each camera
    every: Annotated[float, pydantic.Field(ge=0.5, le=60)] = 1.0  #: seconds from one to the next
    name: Pattern = naming.PATTERN
    text: Text = ""

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        if self.count > 1 and not naming.numbered(self.name):
            raise ValueError(f"without {naming.NUMBER} in the name only one picture can be sent")
        return self


class Recall(BaseModel):
    """Let a camera go to a preset that it keeps, over ONVIF."""

    model_config = _MODEL
    kind: Literal["preset"] = "preset"
    camera: Annotated[str, pydantic.StringConstraints(min_length=1, max_length=64)]
    preset: Annotated[
        str, pydantic.StringConstraints(min_length=1, max_length=64)
    ]  #: its name, or the camera's token


class Clip(BaseModel):
    """Send what cameras showed, from before the rule became active until after."""

    model_config = _MODEL
    kind: Literal["clip"] = "clip"
    recipient: Word
    cameras: Cameras
    stream: Literal["main", "sub"] = "main"
    before: Annotated[float, pydantic.Field(ge=0, le=60)] = 5.0  #: seconds
    after: Annotated[float, pydantic.Field(ge=1, le=600)] = 10.0  #: seconds
    form: Literal["mkv", "mp4"] = "mkv"
    name: Pattern = naming.PATTERN
    text: Text = ""


Action = Annotated[
    Record | Cycle | Tell | Publish | Buzz | Send | Pictures | Clip | Recall,
    pydantic.Field(discriminator="kind"),
]


class Rule(
    Section,
    section="rules",
    heading=N_("Rules"),
    key=r"[0-9a-z-]{1,32}",
    most=MOST_RULES,
    restore=Keep.NO,
    role=Role.OPERATOR,
):
    """One rule."""

    name: str = Required(title=N_("Name"), max_length=64, interrupts=Interrupts.NOTHING)
    enabled: bool = Field(True, title=N_("Enabled"))
    wait: float = Field(
        0.0,
        title=N_("Wait between actions"),
        help=N_("The least time from one activation that is carried out to the next. Others are counted."),
        unit="s",
        ge=0,
        le=LONGEST_WAIT,
    )
    trigger: bool = Field(
        False,
        title=N_("First condition is a trigger"),
        help=N_("It begins the rule, which then lasts as long as all others hold."),
    )
    conditions: tuple[Condition, ...] = Field(
        (), title=N_("Conditions"), help=N_("All of them must hold."), max_length=16
    )
    actions: tuple[Action, ...] = Field((), title=N_("Actions"), max_length=8)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not self.conditions:
            raise ValueError("a rule needs at least one condition")
        if not self.actions:
            raise ValueError("a rule needs at least one action")
        moments = [each for each in self.conditions if isinstance(each, Happens | Manual)]
        first = moments[:1] == list(self.conditions[:1])
        if self.trigger and len(moments) - first > 0:
            raise ValueError("with a trigger the other conditions must be such that last")
        return self


class ScheduleKind(Enum):
    """How a schedule is told."""

    WEEKLY = "weekly"
    YEARLY = "yearly"
    PULSE = "pulse"


class Schedule(
    Section,
    section="schedules",
    heading=N_("Schedules"),
    key=r"[0-9a-z-]{1,32}",
    restore=Keep.NO,
    role=Role.OPERATOR,
):
    """One schedule, in the recorder's local time; or a pulse, which is a moment that comes again and again."""

    name: str = Required(title=N_("Name"), max_length=64, interrupts=Interrupts.NOTHING)
    kind: ScheduleKind = Field(ScheduleKind.WEEKLY, title=N_("Kind"))
    spans: tuple[Span, ...] = Field((), title=N_("Spans"), max_length=100, when="kind == 'weekly'")
    first: Date = Field("01-01", title=N_("First day"), help="MM-DD.", when="kind == 'yearly'")
    last: Date = Field(
        "12-31",
        title=N_("Last day"),
        help=N_("MM-DD, to its end. Before the first day: in the next year."),
        when="kind == 'yearly'",
    )
    every: float = Field(60.0, title=N_("Every"), unit="s", ge=1, le=86_400, when="kind == 'pulse'")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.kind is ScheduleKind.WEEKLY and not self.spans:
            raise ValueError("a weekly schedule needs at least one span")
        return self
