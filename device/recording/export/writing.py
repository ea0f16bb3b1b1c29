"""An export onto a disk: files, and a manifest beside them, all there or nothing of it.

Everything is written into a hidden folder of the target's file system, synced, and only then given its names. Where
something that was planned cannot be read (retention removed it meanwhile, the drive fails), the recording is begun
anew: what is gone is then a gap in the ledger, and what cannot be read is left out and told.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from device.durable import write_durably
from device.errors import BadValue, Fault, Refused
from device.media import MICROSECONDS, Utc
from device.recording.catalogue import CatalogueReader, GapRow
from device.recording.export import manifest as said
from device.recording.export.manifest import IN_FOLDER, Gap, Manifest, Recorder, RecordingSaid, stamp
from device.recording.export.part import Facts, Files, Part, Written
from device.recording.export.planner import Form, holes, parts
from device.recording.export.timeline import HOLE, Hole
from device.recording.playback import places
from device.recording.reader import BadFragment
from device.signature import Signer

UNREADABLE = "unreadable"  #: cause of a gap: recorded, and then lost on the disk
_NEAR = MICROSECONDS  #: a fragment may begin so long before its hole: with what is there for the decoder

_SYNC = 32 << 20  #: bytes between two syncs, so that progress is what is on the disk, not in memory
_ATTEMPTS = 4  #: of one recording, where what was planned cannot be read

MOST_RECORDINGS = 256
LATEST = Utc(7_258_118_400 * MICROSECONDS)  #: 2200-01-01T00:00:00Z


class NothingRecorded(Refused):
    """The span has no video."""

    hint = "`holdfast recordings --gaps` tells what there is, and why something is missing."


class TargetFault(Fault):
    """The target of an export cannot be written. Says which file, and why."""


class TargetFull(TargetFault):
    """The target has no room for it."""

    hint = "Free some room, choose another target, or a shorter span."


class FileTooLarge(TargetFault):
    """The target's file system does not take a file as large."""

    hint = "FAT32 takes less than 4 GiB: --largest 4G makes several files of it."


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be exported."""

    tokens: tuple[str, ...]
    start: Utc
    end: Utc
    form: Form
    largest: int | None  #: bytes of one file


@dataclass(frozen=True, slots=True)
class About:
    """What the manifest says of who exports."""

    recorder: str  #: id
    serial: str
    software: str
    now: Utc
    by: str
    zone: str


@dataclass(frozen=True, slots=True)
class Target:
    """Where to. A file name makes `NAME`, or `NAME-1`, `NAME-2` and so on, with `NAME.json` beside it; a folder is
    made for this export alone, or is empty."""

    path: Path
    folder: bool
    force: bool  #: files that are there are replaced


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written; it is on the disk."""

    manifest: Manifest
    path: Path  #: of the manifest
    files: tuple[Path, ...]
    fingerprint: str  #: of the key that signed it


class Watch(Protocol):
    """Who is told how far it is. What it raises ends the export, and nothing is left behind."""

    def phase(self, name: str, *, total: int, unit: str) -> None:
        """A new part of the work begins, of `total` units."""

    def step(self, done: int) -> None:
        """So many units of the phase are done."""


def export(
    catalogue: CatalogueReader, order: Order, target: Target, signer: Signer, about: About, watch: Watch
) -> Exported:
    """Write it. Blocking: meant for a thread.

    Raises NotFound, BadValue, NothingRecorded, TargetFault, BadFragment where the disk goes on failing.
    """
    _check(order, target)
    size = expected(catalogue, order)
    if not size:
        raise NothingRecorded(
            f"Nothing is recorded in {', '.join(order.tokens)} from {stamp(order.start)} to {stamp(order.end)}."
        )
    with _staging(target, size) as stage, Files() as opened:
        work = _Work(catalogue, order, stage, opened, watch, size)
        found = [work.recording(token) for token in order.tokens]
        names = _names(target, order, found)
        files = [(each.token, file) for each in found for file in each.files]
        if not files:
            raise NothingRecorded(f"Nothing can be read of {', '.join(order.tokens)} in that span.")
        manifest = Manifest(
            recorder=Recorder(id=about.recorder, serial=about.serial),
            software=about.software,
            exported=stamp(about.now),
            by=about.by,
            zone=about.zone,
            begin=stamp(order.start),
            end=stamp(order.end),
            form=order.form.value,
            whole_folder=target.folder,
            recordings=tuple(_said(catalogue, order, each) for each in found),
            files=tuple(
                said.file_said(name.name, token, file.facts, file.written, file.sha256)
                for name, (token, file) in zip(names, files, strict=True)
            ),
        )
        staged = [(file.path, name) for name, (_, file) in zip(names, files, strict=True)]
        path = _publish(target, staged, said.write(manifest, signer))
    return Exported(manifest, path, tuple(names), signer.public.fingerprint)


def expected(catalogue: CatalogueReader, order: Order) -> int:
    """Bytes that an export takes, to within some per cent. Raises NotFound."""
    return sum(
        place.row.length
        for token in order.tokens
        for place in places(catalogue, token, order.start, order.end)
    )


def _check(order: Order, target: Target) -> None:
    """Raises BadValue."""
    if order.end <= order.start:
        raise BadValue("end", "must be later than the start")
    if order.start < 0 or order.end > LATEST:
        raise BadValue("span", "must lie between the years 1970 and 2200")
    if not 1 <= len(order.tokens) <= MOST_RECORDINGS or len(set(order.tokens)) != len(order.tokens):
        raise BadValue("recordings", f"must be 1 to {MOST_RECORDINGS}, each once")
    if not target.folder and (len(order.tokens) > 1 or order.form is Form.RAW):
        raise BadValue("out", f"must be a folder, not {target.path.name}: there will be several files")
    if not target.path.name.isprintable() or "\\" in target.path.name:
        raise BadValue("out", "must be of printable characters, without a backslash")
    if target.folder and target.path.exists() and not target.path.is_dir():
        raise BadValue("out", f"{target.path} is there already, and is no folder")
    if target.folder and target.path.exists() and any(target.path.iterdir()):
        raise BadValue("out", f"{target.path} is not empty; an export needs a folder of its own")
    if not target.folder and target.path.is_dir():
        raise BadValue("out", f"{target.path} is a folder")
    if not target.folder:
        _refuse_taken([target.path, _manifest_path(target)], target)


@dataclass(frozen=True, slots=True)
class _Made:
    """What was written of one recording."""

    token: str
    files: list[_File]
    unreadable: list[Utc]


@dataclass(frozen=True, slots=True)
class _File:
    path: Path  #: as it lies in the staging folder
    facts: Facts
    written: Written
    sha256: str


class _Work:
    """Writes one recording after another into the staging folder."""

    def __init__(
        self, catalogue: CatalogueReader, order: Order, stage: Path, files: Files, watch: Watch, size: int
    ) -> None:
        self._catalogue, self._order, self._stage = catalogue, order, stage
        self._files, self._watch = files, watch
        self._size, self._done = size, 0

    def recording(self, token: str) -> _Made:
        """All files of one recording. Raises BadFragment where the disk goes on failing, TargetFault."""
        before = self._done
        for attempt in range(_ATTEMPTS):
            folder = Path(tempfile.mkdtemp(dir=self._stage))
            self._files.unreadable.clear()
            try:
                found = enumerate(self._parts(token, thorough=attempt > 0), 1)
                files = [self._write(part, folder / str(n), token) for n, part in found]
                return _Made(token, files, list(self._files.unreadable))
            except BadFragment:
                shutil.rmtree(folder)
                self._done = before
                if attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError

    def _parts(self, token: str, *, thorough: bool) -> Iterator[Part]:
        self._watch.phase(f"reading {token}", total=self._size, unit="bytes")
        self._watch.step(self._done)
        order = self._order
        found = parts(
            self._catalogue,
            token,
            order.start,
            order.end,
            form=order.form,
            largest=order.largest,
            thorough=thorough,
            files=self._files,
            tell=lambda: self._watch.step(self._done),
        )
        for part in found:
            self._watch.phase(f"writing {token}", total=self._size, unit="bytes")
            yield part
            self._watch.phase(f"reading {token}", total=self._size, unit="bytes")

    def _write(self, part: Part, path: Path, token: str) -> _File:
        written, digest = Written(), hashlib.sha256()
        unsynced = 0
        with (
            _blaming(self._stage.parent / f"{token}{part.facts.suffix}"),
            path.open("xb", buffering=0) as out,
        ):
            for piece in part.pieces(written):
                digest.update(piece)
                _write_all(out.fileno(), memoryview(piece))
                unsynced += len(piece)
                if unsynced >= _SYNC:
                    os.fdatasync(out.fileno())
                    unsynced = 0
                self._watch.step(min(self._done + written.done, self._size))
            os.fsync(out.fileno())
        self._done = min(self._done + part.size, self._size)
        return _File(path, part.facts, written, digest.hexdigest())


def _write_all(descriptor: int, data: memoryview) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


@contextlib.contextmanager
def _blaming(path: Path) -> Iterator[None]:
    """What the system refuses is said of the target, by name."""
    try:
        yield
    except OSError as error:
        what = f"{path}: {error.strerror}."
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise TargetFull(what) from error
        if error.errno == errno.EFBIG:
            raise FileTooLarge(what) from error
        raise TargetFault(what) from error


@contextlib.contextmanager
def _staging(target: Target, size: int) -> Iterator[Path]:
    """A hidden folder where the files will be, gone afterwards whatever happens."""
    parent = target.path if target.folder else target.path.parent
    made = False
    with _blaming(target.path):
        if target.folder and not parent.exists():
            parent.mkdir()
            made = True
    try:
        with _blaming(target.path):
            free = os.statvfs(parent)
            room = free.f_bavail * free.f_frsize
            if size > room:
                what = f"{parent}: has {room // 1_000_000} MB free; the export takes {size // 1_000_000} MB."
                raise TargetFull(what)
            stage = Path(tempfile.mkdtemp(prefix=".holdfast-export-", dir=parent))
        try:
            yield stage
        finally:
            shutil.rmtree(stage, ignore_errors=True)
    except BaseException:
        if made:
            with contextlib.suppress(OSError):
                parent.rmdir()
        raise


def _names(target: Target, order: Order, found: Sequence[_Made]) -> list[Path]:
    """What the files will be called. Raises BadValue where one is there already."""
    names: list[Path] = []
    for made in found:
        stem = target.path / made.token if target.folder else target.path.with_suffix("")
        for number, file in enumerate(made.files, 1):
            count = f"-{number}" if len(made.files) > 1 and order.form is not Form.RAW else ""
            suffix = file.facts.suffix if target.folder else target.path.suffix
            names.append(stem.with_name(f"{stem.name}{count}{suffix}"))
    _refuse_taken(names, target)
    return names


def _refuse_taken(names: Sequence[Path], target: Target) -> None:
    """Raises BadValue where there is one already, and it may not be replaced."""
    taken = [path for path in names if path.exists()]
    if taken and not target.force:
        raise BadValue(str(taken[0]), "is there already; --force takes its place")


def _manifest_path(target: Target) -> Path:
    if target.folder:
        return target.path / IN_FOLDER
    return target.path.with_name(target.path.name + ".json")


def _publish(target: Target, files: list[tuple[Path, Path]], manifest: bytes) -> Path:
    """Give all files their names, durably, the manifest last. Returns its path."""
    path = _manifest_path(target)
    done: list[Path] = []
    try:
        with _blaming(target.path):
            for staged, name in files:
                staged.replace(name)
                done.append(name)
            write_durably(path, manifest, mode=0o644)  # syncs the folder, too
            _sync_folder(path.parent.parent)
    except BaseException:
        for name in done:
            name.unlink(missing_ok=True)
        raise
    return path


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _said(catalogue: CatalogueReader, order: Order, made: _Made) -> RecordingSaid:
    row = catalogue.recording(made.token)
    ledger = catalogue.gaps(made.token, order.start, order.end)
    found = holes([file.facts for file in made.files], order.start, order.end)
    gaps = missing(ledger, found, made.unreadable, order.start, order.end)
    return RecordingSaid(recording=made.token, camera=row.camera, stream=row.stream, gaps=tuple(gaps))


def missing(
    ledger: Sequence[GapRow], found: Sequence[Hole], unreadable: Sequence[Utc], start: Utc, end: Utc
) -> list[Gap]:
    """The gaps of a span as the ledger has them, and holes where something could not be read besides."""
    gaps: list[tuple[Utc, Utc, Gap]] = []

    def enter(begin: Utc, upto: Utc, cause: str, due: bool, lost: int, detail: str) -> None:
        text = "".join(each if each.isprintable() else "?" for each in detail[:500])
        gap = Gap(begin=stamp(begin), end=stamp(upto), cause=cause, due=due, lost_packets=lost, detail=text)
        gaps.append((begin, upto, gap))

    for row in ledger:
        begin, upto = Utc(max(row.start, start)), Utc(min(end, end if row.end is None else row.end))
        if upto > begin:
            enter(begin, upto, row.cause.value, row.cause.due, row.lost, row.detail)
    known = sorted((begin, upto) for begin, upto, _ in gaps)
    for hole in found:
        for begin, upto in _beyond(hole, known):
            if any(begin - _NEAR <= utc < upto for utc in unreadable):
                enter(begin, upto, UNREADABLE, True, 0, "")
    return [gap for _, _, gap in sorted(gaps, key=lambda row: row[:2])]


def _beyond(hole: Hole, known: Sequence[tuple[Utc, Utc]]) -> Iterator[tuple[Utc, Utc]]:
    """What of a hole is in none of the gaps that are known."""
    at, end = hole.utc, Utc(hole.utc + hole.length)
    for begin, upto in [*known, (end, end)]:
        if min(begin, end) - at > HOLE:
            yield at, min(begin, end)
        at = max(at, upto)
