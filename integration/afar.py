"""The archive and the network storages for those who read them: replay, export and download; and `holdfast check`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Self

from device.archive.ledger import Copy, Ledger, target_of
from device.archive.reading import Lying, Reading
from device.clock import Clock
from device.errors import Fault, HoldfastError, Refused
from device.folder import DataFolder
from device.media import MICROSECONDS, Utc
from device.recording.afar import FarSegment
from device.recording.catalogue import CatalogueReader
from device.settings.archive import Archive
from device.settings.shares import NetworkStorage, OnShare
from device.settings.store import Store
from device.vault import Vault
from protocols.smb.errors import SessionExpired
from protocols.smb.share import Place, Share
from protocols.smb.target import IDENTITY, Pace, Target

EVER, NEVER = Utc(0), Utc(1 << 60)


class OtherArchive(Refused):
    """It was moved to an archive that the settings do not name."""

    hint = "Set that share up again, as the archive or as a network storage."


def reading(folder: DataFolder, clock: Clock) -> Reading:
    """Reads the archives of an installation, as its settings are when it connects."""
    return Reading(
        lambda target: _Shelf(share_of(folder, clock, target)), partial(_where, folder.archive), clock
    )


def _where(ledger: Path, token: str, utc: Utc, name: str) -> str | None:
    return target_of(ledger, token, name, utc) if ledger.exists() else None


def shares(store: Store) -> list[OnShare]:
    """Every folder of a share that is ours, as the settings are now."""
    found: list[OnShare] = [store.get(Archive), *store.entries(NetworkStorage).values()]
    return [each for each in found if each.host and each.target]


def moved_to(store: Store) -> list[OnShare]:
    """Those in which recordings lie alone; what was copied to the others has its own life there."""
    return [each for each in shares(store) if not isinstance(each, Archive) or each.move_after is not None]


def share_of(folder: DataFolder, clock: Clock, target: str) -> OnShare:
    """Where the folder of that identity is, as the settings are now. Any thread may ask. Raises OtherArchive."""
    store = Store(folder.settings, Vault.at(folder.key), (Archive, NetworkStorage), clock, readonly=True)
    try:
        found = next((each for each in shares(store) if each.target == target), None)
    finally:
        store.close()
    if found is None:
        raise OtherArchive(f"It lies in the archive {target}.")
    return found


class _Shelf:
    """`device.archive.reading.Shelf`."""

    def __init__(self, settings: OnShare) -> None:
        """Connects, and looks whose folder it is. Raises what a share raises."""
        self._share = Share(place_of(settings))
        self._target = Target(self._share, folder_of(settings), settings.target, Pace(None))
        try:
            self._target.check()
        except BaseException:
            self._share.close()
            raise

    def fetch(self, lying: Lying, offset: int, end: int) -> bytes:
        """`Shelf`."""
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
        self._open: dict[str, tuple[Share, Target]] = {}  #: by the archive's identity
        #: What cannot be reached: nobody waits for that at each segment.
        self._away: dict[str, HoldfastError] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the databases and of the shares."""
        while self._ledgers:
            self._ledgers.popitem()[1].close()
        while self._open:
            self._open.popitem()[1][0].close()

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
            if target in self._away:
                raise self._away[target]
            if target not in self._open:
                settings = share_of(self._folder, self._clock, target)
                share = Share(place_of(settings))
                self._open[target] = share, Target(share, folder_of(settings), target, Pace(None))
            _, there = self._open[target]
            if not there.holds(archive_name(copy.token, copy.utc, copy.name), copy.size, copy.sha256):
                raise Fault("it is another than it was.")
        except HoldfastError as error:
            if error.transient:
                self._away[target] = error
            return f"cannot be read back: {error}"
        return None


class AllOfArchive:
    """`device.recording.afar.Archived`, of a folder whose share is open."""

    def __init__(self, settings: OnShare, share: Share) -> None:
        """Raises WrongTarget, what the share raises."""
        self._target = Target(share, folder_of(settings), settings.target, Pace(None))
        self._target.check()
        self.target = settings.target
        self.place = shown_place(settings)

    def segments(self) -> Iterator[FarSegment]:
        """`Archived`."""
        for token in self._target.names(""):
            if token == IDENTITY:
                continue
            for day in self._target.names(token):
                for name in self._target.names(f"{token}\\{day}"):
                    number, _, ending = name.partition(".")
                    if number.isdecimal() and ending == "mp4":
                        path = f"{token}\\{day}\\{name}"
                        file = self._target.opened(path)
                        yield FarSegment(f"{self.place}\\{path}", token, day, int(number), file)

    def enter(self, catalogue: CatalogueReader, ledger: Ledger, now: Utc) -> None:
        """Let the ledger say what a catalogue that was made anew says of this archive: what it does not know is read as
        a whole. Raises what the share raises, DatabaseFault."""
        for recording in catalogue.recordings():
            for row in catalogue.segments(recording.token, EVER, NEVER):
                name = row.path.name
                copy = ledger.get(recording.token, name)
                if row.archive != self.target or (copy is not None and copy.utc == row.utc):
                    continue
                if copy is None or copy.size != row.bytes:
                    digest = hashlib.sha256()
                    for piece in self._target.fetch(
                        archive_name(recording.token, row.utc, name), 0, row.bytes
                    ):
                        digest.update(piece)
                    copy = Copy(
                        recording.token, name, row.utc, row.duration, row.bytes, digest.hexdigest(), now
                    )
                ledger.add(replace(copy, utc=row.utc, duration=row.duration))


def archive_name(token: str, utc: Utc, name: str) -> str:
    """Where a segment lies in the archive: `c-7f3k2m\\2026-11-28\\...mp4`, by the day in UTC."""
    day = datetime.fromtimestamp(utc / MICROSECONDS, UTC).strftime("%Y-%m-%d")
    return f"{token}\\{day}\\{name}"


def place_of(settings: OnShare) -> Place:
    """The share of the settings."""
    password = settings.password.get_secret_value()
    return Place(settings.host, settings.port, settings.share, settings.user, password, settings.encrypt)


def folder_of(settings: OnShare) -> str:
    """The folder on it, as SMB names folders."""
    return settings.folder.replace("/", "\\").strip("\\")


def shown_place(settings: OnShare) -> str:
    """Where that is, for a person: a UNC path."""
    return f"{place_of(settings).unc}\\{folder_of(settings)}".rstrip("\\")
