"""What an account may see and do: its role, and what it is limited to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from device.accounts.role import Role
from device.errors import BadValue, NotAuthorized

MOST_CAMERAS = 1000  #: that an account can be limited to


class Media(Enum):
    """What of a camera is watched."""

    LIVE = "live"
    RECORDED = "recorded"


class NotAllowed(NotAuthorized):
    """Known, but not allowed to do this."""

    wire = NotAuthorized.wire.__class__(403, 403, "ter:NotAuthorized", "noAccess", NotAuthorized.wire.syslog)


@dataclass(frozen=True, slots=True)
class Rights:
    """What somebody may see and do."""

    role: Role
    ptz: bool = False  #: may move cameras; operators and administrators always
    cameras: frozenset[str] | None = None  #: keys; None: all. Administrators always see all
    media: frozenset[Media] = frozenset(Media)

    def may_see(self, camera: str, media: Media | None = None) -> bool:
        """Whether a camera exists for this account, and may be watched."""
        if self.role is Role.ADMINISTRATOR:
            return True
        if self.cameras is not None and camera not in self.cameras:
            return False
        return media is None or media in self.media

    def may_watch(self, media: Media) -> bool:
        """Whether live or recorded video may be watched at all."""
        return self.role is Role.ADMINISTRATOR or media in self.media

    @property
    def may_move(self) -> bool:
        """Whether cameras may be moved (the manual's PTZ account)."""
        return self.ptz or self.role.may(Role.OPERATOR)


ALL = Rights(Role.ADMINISTRATOR)


def rights(role: Role, *, ptz: bool, cameras: Iterable[str] | None, media: Iterable[Media]) -> Rights:
    """Rights that make sense. Raises BadValue."""
    some = None if cameras is None else frozenset(cameras)
    what = frozenset(media)
    if some is not None and (len(some) > MOST_CAMERAS or any(not 0 < len(each) <= 64 for each in some)):
        raise BadValue("cameras", f"must be at most {MOST_CAMERAS} keys of cameras")
    if not what:
        raise BadValue("media", "must name live or recorded")
    if role is Role.ADMINISTRATOR and (some is not None or what != frozenset(Media)):
        raise BadValue("role", "an administrator cannot be limited to cameras, or to live or recorded")
    return Rights(role, ptz, some, what)
