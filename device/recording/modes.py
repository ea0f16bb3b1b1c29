"""When a camera stream is kept, and for how long: what a person decides about one recording."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from device.cameras.source import Cause
from device.errors import BadValue
from device.media import MICROSECONDS, Utc

DAY = 86_400 * MICROSECONDS


class Mode(Enum):
    """What makes a recording run."""

    OFF = "off"
    CONTINUOUS = "continuous"
    SCHEDULE = "schedule"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class Policy:
    """What to keep of one stream. A change applies at once."""

    mode: Mode
    pre_event: float = 5.0  #: seconds before an event, 0..60
    post_event: float = 10.0  #: seconds after an event, 0..3600
    schedule: Callable[[Utc], bool] | None = (
        None  #: whether an instant is in the schedule; modes schedule and event
    )
    retention_min: float | None = None  #: days within which nothing is deleted; None: no promise
    retention_max: float | None = None  #: days after which everything is deleted; None: unlimited
    quota: int | None = None  #: bytes; None: unlimited
    volume: str = ""  #: uuid of the volume to prefer; empty: the one with the most room

    def __post_init__(self) -> None:
        """Raises BadValue."""
        if not 0 <= self.pre_event <= 60:
            raise BadValue("pre_event", "0 to 60 seconds")
        if not 0 <= self.post_event <= 3600:
            raise BadValue("post_event", "0 to 3600 seconds")
        if self.mode is Mode.SCHEDULE and self.schedule is None:
            raise BadValue("schedule", "this mode needs a schedule")
        for name in ("retention_min", "retention_max"):
            days = getattr(self, name)
            if days is not None and not 0 < days <= 36_500:
                raise BadValue(name, "more than 0 and at most 36500 days")
        if self.retention_min and self.retention_max and self.retention_min > self.retention_max:
            raise BadValue("retention_min", "not longer than retention_max")
        if self.quota is not None and self.quota <= 0:
            raise BadValue("quota", "more than 0 bytes")

    def idle(self, now: Utc) -> Cause | None:
        """The cause under which `now` is not due, or None where it is to be recorded (if only
        provisionally)."""
        if self.mode is Mode.OFF:
            return Cause.DISABLED
        if self.schedule is not None and self.mode is not Mode.CONTINUOUS and not self.schedule(now):
            return Cause.NOT_SCHEDULED
        return None

    @property
    def keep_from(self) -> int | None:
        """Microseconds of age below which nothing may be deleted."""
        return None if self.retention_min is None else round(self.retention_min * DAY)

    @property
    def keep_until(self) -> int | None:
        """Microseconds of age from which everything is deleted."""
        return None if self.retention_max is None else round(self.retention_max * DAY)
