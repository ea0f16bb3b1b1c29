"""The archive's share for those who read it: replay, export and download; and `holdfast check`."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

from device.archive.ledger import Ledger
from device.archive.reading import Lying, Reading
from device.clock import Clock, SystemClock
from device.errors import Fault, HoldfastError, Refused
from device.folder import DataFolder
from device.media import MICROSECONDS, Utc
from device.settings import SECTIONS
from device.settings.archive import Archive
from device.settings.store import Store
from device.vault import Vault
from protocols.smb.errors import SessionExpired
from protocols.smb.share import Place, Share
from protocols.smb.target import Pace, Target


class OtherArchive(Refused):
    """It was moved to another archive than the one that the settings name."""

    hint = "Bring that share back, and set archive.target to its identity."


def reading(folder: DataFolder, clock: Clock) -> Reading:
    """Reads the archive of an installation, as its settings are when it connects."""
    return Reading(lambda: _Shelf(archive_settings(folder, clock)), clock)


def archive_settings(folder: DataFolder, clock: Clock) -> Archive:
    """As they are now. Any thread may ask."""
    store = Store(folder.settings, Vault.at(folder.key), SECTIONS, clock, readonly=True)
    try:
        return store.get(Archive)
    finally:
        store.close()


class _Shelf:
    """`device.archive.reading.Shelf`."""

    def __init__(self, settings: Archive) -> None:
        """Connects, and looks whose folder it is. Raises what a share raises, Refused."""
        if not settings.host or not settings.target:
            raise Refused("The settings say of no archive.")
        self._identity = settings.target
        self._share = Share(place_of(settings))
        self._target = Target(self._share, folder_of(settings), settings.target, Pace(None))
        try:
            self._target.check()
        except BaseException:
            self._share.close()
            raise

    def fetch(self, lying: Lying, offset: int, end: int) -> bytes:
        """`Shelf`."""
        if lying.target not in ("", self._identity):
            raise OtherArchive(f"It lies in the archive {lying.target}.")
        name = archive_name(lying.token, lying.utc, lying.name)
        for last in (False, True):
            try:
                return b"".join(self._target.fetch(name, offset, end))
            except SessionExpired:
                if last:
                    raise
        raise AssertionError("unreachable")

    def close(self) -> None:
        """`Shelf`."""
        self._share.close()


class ArchiveProofs:
    """`device.recording.afar.Proofs`: by the ledger, and by reading back what it says."""

    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder
        self._settings = archive_settings(folder, SystemClock())

    def wrong(self, target: str, token: str, utc: Utc, name: str, octets: int, *, deep: bool) -> str | None:
        """`Proofs`."""
        if not self._folder.archive.exists():
            return "the archive's ledger is gone"
        with contextlib.closing(Ledger(self._folder.archive, target, readonly=True)) as ledger:
            copy = ledger.get(token, name)
        if copy is None or copy.utc != utc:
            return f"is not in the ledger of the archive {target}"
        if copy.size != octets:
            return f"has {copy.size} of {octets} bytes"
        if not deep:
            return None
        if target != self._settings.target:
            return f"cannot be read back: the settings name another archive than {target}"
        try:
            with Share(place_of(self._settings)) as share:
                there = Target(share, folder_of(self._settings), target, Pace(None))
                there.check()
                if not there.holds(archive_name(token, utc, name), copy.size, copy.sha256):
                    raise Fault("it is another than it was.")
        except HoldfastError as error:
            return f"cannot be read back: {error}"
        return None


def archive_name(token: str, utc: Utc, name: str) -> str:
    """Where a segment lies in the archive: `c-7f3k2m\\2026-11-28\\...mp4`, by the day in UTC."""
    day = datetime.fromtimestamp(utc / MICROSECONDS, UTC).strftime("%Y-%m-%d")
    return f"{token}\\{day}\\{name}"


def place_of(settings: Archive) -> Place:
    """The share of the settings."""
    password = settings.password.get_secret_value()
    return Place(settings.host, settings.port, settings.share, settings.user, password, settings.encrypt)


def folder_of(settings: Archive) -> str:
    """The folder on it, as SMB names folders."""
    return settings.folder.replace("/", "\\").strip("\\")
