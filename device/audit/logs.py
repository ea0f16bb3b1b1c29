"""Which log an event belongs to, and what of it is somebody's doing: one table. What is not in it is the system's."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from device.events.event import Event
from device.events.words import plain


class Log(Enum):
    """The recorder's logs."""

    SYSTEM = "system"  #: what happened
    ACCESS = "access"  #: who was let in, and who was not
    AUDIT = "audit"  #: who viewed, exported, deleted and changed what


class Deed(Enum):
    """What somebody did."""

    VIEWED = "viewed"
    LEFT = "left"  #: viewing came to its end
    EXPORTED = "exported"
    LOCKED = "locked"
    UNLOCKED = "unlocked"
    DELETED = "deleted"
    CHANGED = "changed"
    OPERATED = "operated"  #: hardware, jobs


@dataclass(frozen=True, slots=True)
class Audited:
    """An event that is somebody's doing."""

    event: str
    deed: Deed
    who: str  #: the field that names the account
    what: tuple[str, ...]  #: the fields that say to what


#: Events about coming in.
ACCESS = frozenset({"login.failed"})

AUDITED: tuple[Audited, ...] = (
    Audited("session.opened", Deed.VIEWED, "account", ("path",)),
    Audited("session.closed", Deed.LEFT, "account", ("path",)),
    Audited("export.finished", Deed.EXPORTED, "by", ("recording",)),
    Audited("evidence.locked", Deed.LOCKED, "by", ("recording",)),
    Audited("evidence.unlocked", Deed.UNLOCKED, "by", ("lock",)),
    Audited("recording.deleted", Deed.DELETED, "by", ("recording",)),
    Audited("recording.created", Deed.CHANGED, "by", ("recording",)),
    Audited("recording.removed", Deed.DELETED, "by", ("recording",)),
    Audited("recording.configured", Deed.CHANGED, "by", ("recording",)),
    Audited("settings.changed", Deed.CHANGED, "by", ("section", "key")),
    Audited("account.created", Deed.CHANGED, "by", ("account",)),
    Audited("account.changed", Deed.CHANGED, "by", ("account",)),
    Audited("account.deleted", Deed.CHANGED, "by", ("account",)),
    Audited("job.started", Deed.OPERATED, "by", ("kind", "job")),
    Audited("command.received", Deed.OPERATED, "wire", ("thing", "entity", "value")),
    Audited("poe.port-cycled", Deed.OPERATED, "by", ("port",)),
    Audited("camera.restarted", Deed.OPERATED, "by", ("camera",)),
    Audited("camera.moved", Deed.OPERATED, "by", ("camera", "preset")),
    Audited("camera.preset-changed", Deed.CHANGED, "by", ("camera", "preset")),
    Audited("clock.set", Deed.OPERATED, "by", ()),
    Audited("network.kept", Deed.OPERATED, "by", ()),
    Audited("chassis.buzzer-silenced", Deed.OPERATED, "by", ()),
)

BY_EVENT = {row.event: row for row in AUDITED}


def log_of(name: str) -> Log:
    """The log that an event stands in, by the event's name."""
    if name in BY_EVENT:
        return Log.AUDIT
    return Log.ACCESS if name in ACCESS else Log.SYSTEM


def what(event: Event) -> str:
    """To what an audited event was done, such as `cameras c-7f3k2m`."""
    return " ".join(filter(None, (plain(getattr(event, name)) for name in BY_EVENT[event.name].what)))
