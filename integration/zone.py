"""The zone that the recorder's people live in. Local time exists only at the edge."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

from device.clock.zone import iana, machine_zone, posix, read_zone
from device.settings.clock import DateAndTime
from device.settings.store import Changed, Store


class RecorderZone(tzinfo):
    """The zone of the settings, whichever that is now: who holds it follows it. As a text, a name of IANA's."""

    def __init__(self) -> None:
        self._take("")

    def _take(self, text: str) -> None:
        self._text = text or machine_zone()
        self._zone = read_zone(self._text)
        self._name = iana(self._text)

    def follow(self, store: Store) -> None:
        """Be what the settings say now."""
        self._take(store.get(DateAndTime).zone)

    def heed(self, changed: Changed, store: Store) -> None:
        """A setting changed: if it is the zone, follow it."""
        if changed.section == DateAndTime.about.section:
            self.follow(store)

    @property
    def posix(self) -> str:
        """As POSIX writes it."""
        return posix(self._text)

    def __str__(self) -> str:
        return self._name

    def utcoffset(self, dt: datetime | None) -> timedelta | None:
        """tzinfo."""
        return self._zone.utcoffset(dt)

    def dst(self, dt: datetime | None) -> timedelta | None:
        """tzinfo."""
        return self._zone.dst(dt)

    def tzname(self, dt: datetime | None) -> str | None:
        """tzinfo."""
        return self._zone.tzname(dt)

    def fromutc(self, dt: datetime) -> datetime:
        """tzinfo."""
        return self._zone.fromutc(dt.replace(tzinfo=self._zone)).replace(tzinfo=self)


_ZONE = RecorderZone()  # of this process, as TZ is


def local_zone() -> RecorderZone:
    """The recorder's zone; the machine's where the settings name none, or nobody has said where they are."""
    return _ZONE
