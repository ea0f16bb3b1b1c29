"""The catalogue's file: opening, creating, migrating, refusing.

One process writes it (the recording plane, held by a lock file beside it), any number read it.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import struct
from base64 import b64decode, b64encode
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from device.errors import BadValue, Fault, Refused
from device.media import Codec, Track

VERSION = 3  #: of the schema this program writes; one file schema/NNNN.sql for each
APPLICATION = 0x48464431  #: "HFD1", PRAGMA application_id


class NewerCatalogue(Refused):
    """The catalogue was written by a newer version. Nothing was touched."""

    hint = "Install the version that wrote it, or a newer one; or restore the catalogue's backup."


class OlderCatalogue(Fault):
    """The catalogue was written by an older version, and the recorder has not been started since."""

    transient = True
    hint = "Start the recorder once: it brings its catalogue up to date."


class CatalogueInUse(Refused):
    """Another process writes this catalogue."""

    hint = "Only one recorder may write a catalogue. Stop the other one."


class CatalogueBroken(Fault):
    """The catalogue's file is not readable as one."""

    hint = "Run `holdfast check --rebuild`: the segments say by themselves what they are."


def _version(path: Path) -> int:
    """The schema's version, read without changing one byte beside it either. 0: there is no catalogue yet."""
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except FileNotFoundError:
        return 0
    if not header:
        return 0
    if len(header) < 100 or not header.startswith(b"SQLite format 3\0"):
        if path.with_name(path.name + "-journal").exists():
            # The power went while SQLite made the file; it undoes that when it opens it.
            return 0
        raise CatalogueBroken(f"{path} is not a database.")
    # SQLite file format s1.3: the user version is at 60, the application id at 68.
    version, application = struct.unpack_from(">I", header, 60)[0], struct.unpack_from(">I", header, 68)[0]
    _accept(path, version, application)
    return int(version)


def _accept(path: Path, version: int, application: int) -> None:
    if application != APPLICATION and version:
        raise BadValue("catalogue", f"{path} is a database of something else")
    if version > VERSION:
        raise NewerCatalogue(f"{path} has version {version}; this program writes version {VERSION}.")


def _accept_journal(path: Path, connection: sqlite3.Connection) -> int:
    """The version again, now with what a crash left in the write-ahead log."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    _accept(path, version, application)
    return int(version)


def _migrations(version: int) -> list[tuple[int, str]]:
    folder = resources.files("device.recording.schema")
    return [(n, (folder / f"{n:04}.sql").read_text()) for n in range(version + 1, VERSION + 1)]


class Ownership:
    """The lock that makes a process the only writer of a catalogue. Released by `release`, or by the
    process's end."""

    def __init__(self, path: Path) -> None:
        """Raises CatalogueInUse."""
        self._fd = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._fd)
            raise CatalogueInUse(f"{path} is being written by another process.") from None

    def release(self) -> None:
        """Let another process write."""
        os.close(self._fd)


def open_writer(path: Path) -> sqlite3.Connection:
    """The writing connection, created or migrated where needed. Raises NewerCatalogue, CatalogueBroken.

    Each step of a migration is one transaction with its version number: a power cut leaves the old one or the
    new.
    """
    version = _version(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    try:
        if version == 0:
            connection.execute("PRAGMA page_size = 8192")
        version = _accept_journal(path, connection)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cache_size = -32768")
        connection.execute("PRAGMA journal_size_limit = 33554432")
        connection.execute("PRAGMA temp_store = MEMORY")
        for number, script in _migrations(version):
            connection.executescript(
                f"BEGIN IMMEDIATE; {script}; PRAGMA application_id = {APPLICATION};"
                f" PRAGMA user_version = {number}; COMMIT"
            )
    except sqlite3.DatabaseError as error:
        connection.close()
        raise CatalogueBroken(f"{path}: {error}") from error
    except Refused:
        connection.close()
        raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that cannot write. Raises NewerCatalogue, OlderCatalogue, CatalogueBroken; Fault where there is
    none."""
    _version(path)
    if not path.exists():
        raise Fault(f"There is no catalogue at {path}.")
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA busy_timeout = 5000")
        version = _accept_journal(path, connection)
        if version == 0:
            raise Fault(f"There is no catalogue at {path}.")
        if version < VERSION:
            raise OlderCatalogue(f"{path} has version {version}; this program reads version {VERSION}.")
    except sqlite3.DatabaseError as error:
        connection.close()
        raise CatalogueBroken(f"{path}: {error}") from error
    except BaseException:
        connection.close()
        raise
    return connection


def describe(tracks: Sequence[Track]) -> str:
    """Tracks as the catalogue keeps them; equal tracks give equal text."""
    return json.dumps(
        [
            [
                t.codec.value,
                t.clock_rate,
                [b64encode(p).decode() for p in t.parameters],
                t.width,
                t.height,
                t.channels,
                t.bits,
            ]
            for t in tracks
        ],
        separators=(",", ":"),
    )


def undescribe(text: str) -> tuple[Track, ...]:
    """The inverse of `describe`."""
    return tuple(
        Track(Codec(codec), rate, tuple(b64decode(p) for p in parameters), width, height, channels, bits)
        for codec, rate, parameters, width, height, channels, bits in json.loads(text)
    )
