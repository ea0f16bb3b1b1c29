"""The archive's share for those who read it: replay, export and download; and `holdfast check`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Self

from device.archive.ledger import Copy, Ledger
from device.archive.reading import Lying, Reading
from device.clock import Clock
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
    """`device.recording.afar.Proofs`: by the ledger, and by reading back what it says. Close it, or use it in a
    `with`."""

    def __init__(self, folder: DataFolder, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._ledgers: dict[str, Ledger] = {}  #: by the archive's identity
        self._open: tuple[Share, Target, str] | None = None  #: the archive of the settings, and its identity
        self._away: HoldfastError | None = (
            None  #: the share cannot be reached: nobody waits for that at each segment
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the databases and of the share."""
        while self._ledgers:
            self._ledgers.popitem()[1].close()
        if self._open is not None:
            self._open[0].close()
            self._open = None

    def wrong(self, target: str, token: str, utc: Utc, name: str, octets: int, *, deep: bool) -> str | None:
        """`Proofs`."""
        if not self._folder.archive.exists():
            return "the archive's ledger is gone"
        if target not in self._ledgers:
            self._ledgers[target] = Ledger(self._folder.archive, target, readonly=True)
        copy = self._ledgers[target].get(token, name)
        if copy is None or copy.utc != utc:
            return f"is not in the ledger of the archive {target}"
        if copy.size != octets:
            return f"has {copy.size} of {octets} bytes"
        return self._read_back(target, copy) if deep else None

    def _read_back(self, target: str, copy: Copy) -> str | None:
        try:
            if self._away is not None:
                raise self._away
            if self._open is None:
                settings = archive_settings(self._folder, self._clock)
                share = Share(place_of(settings))
                there = Target(share, folder_of(settings), settings.target, Pace(None))
                self._open = share, there, settings.target
            _, there, identity = self._open
            if identity != target:
                raise OtherArchive(f"it lies in the archive {target}.")
            if not there.holds(archive_name(copy.token, copy.utc, copy.name), copy.size, copy.sha256):
                raise Fault("it is another than it was.")
        except HoldfastError as error:
            self._away = error if error.transient else None
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
