"""Is an export what its recorder signed? Needs nothing but the files: neither the recorder nor its data."""

from __future__ import annotations

import hashlib
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path

from device.errors import BadValue
from device.recording.export.manifest import IN_FOLDER, LARGEST, File, Manifest, NoManifest, read

_PIECE = 1 << 20  #: bytes read at once
_MANIFESTS = 1000  #: of one folder that are looked at

Progress = Callable[[int, int], object]  #: bytes done, and in all; what it raises ends the work


class Finding(Enum):
    """What can be wrong."""

    CHANGED = "changed"  #: a file is not what was signed
    MISSING = "missing"
    ADDED = "added"  #: a file that was not signed lies in a folder that was
    SIGNATURE = "bad signature"  #: the manifest was changed after it was signed
    FOREIGN = "foreign key"  #: signed, but by none of the keys that are trusted
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong."""

    finding: Finding
    name: str  #: of the file
    detail: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be thought of one export."""

    path: Path  #: of the manifest
    manifest: Manifest
    fingerprint: str  #: of the key that is in it
    trusted: bool | None  #: whether that key is one that was named; None where none was
    problems: tuple[Problem, ...]

    @property
    def intact(self) -> bool:
        """All is as it was signed, by a key that is trusted if any was named."""
        return not self.problems


def fingerprint(text: str) -> str:
    """A fingerprint as people write it: capitals, colons and spaces do not count. Raises BadValue."""
    plain = re.sub(r"[\s:]", "", text.lower().removeprefix("sha256:"))
    if not re.fullmatch("[0-9a-f]{64}", plain):
        raise BadValue("--key", "must be a fingerprint: 64 hexadecimal figures")
    return plain


def manifests(path: Path) -> list[Path]:
    """The manifests that `path` is about: a folder, a manifest, or a file of an export.

    Raises NoManifest where there is none, OSError."""
    if path.is_dir():
        if (path / IN_FOLDER).exists():
            return [path / IN_FOLDER]
        found = sorted(each for each in path.glob("*.json") if _readable(each) is not None)[:_MANIFESTS]
        if not found:
            raise NoManifest(f"{path}: there is no manifest of an export in the folder.")
        return found
    path.stat()
    if path.suffix == ".json":
        return [path]
    beside = [path.with_name(path.name + ".json"), path.with_name(IN_FOLDER), *_others(path.parent)]
    for each in beside:
        manifest = _readable(each)
        if manifest is not None and path.name in {file.name for file in manifest.files}:
            return [each]
    raise NoManifest(f"{path}: there is no manifest beside it that names it.")


def _others(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json"))[:_MANIFESTS]


def _readable(path: Path) -> Manifest | None:
    try:
        return read(_load(path))[0]
    except (NoManifest, OSError):
        return None


def _load(path: Path) -> bytes:
    """Raises NoManifest, OSError."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
        raise NoManifest(f"{path}: is no file, or larger than {LARGEST} bytes.")
    return path.read_bytes()


def verify(path: Path, trusted: frozenset[str], progress: Progress) -> Verdict:
    """Check every file of the export whose manifest is at `path`.

    `trusted`: fingerprints of the keys that may have signed it; empty: any may, and the verdict says which one
    did. Raises NoManifest, OSError.
    """
    try:
        manifest, key, signed = read(_load(path))
    except NoManifest as error:
        raise NoManifest(f"{path}: {error}") from error
    problems: list[Problem] = []
    if not signed:
        what = "its key did not sign what it says"
        problems.append(Problem(Finding.SIGNATURE, path.name, what))
    known = key.fingerprint in trusted if trusted else None
    if known is False:
        problems.append(Problem(Finding.FOREIGN, path.name, f"signed by key {key.fingerprint}"))
    done, total = 0, sum(file.size for file in manifest.files)
    for file in manifest.files:
        problem = _check(path.parent, file, partial(_advance, progress, done, total))
        if problem is not None:
            problems.append(problem)
        done += file.size
        progress(done, total)
    if manifest.whole_folder:
        expected = {path.name, *(file.name for file in manifest.files)}
        added = sorted(each.name for each in path.parent.iterdir() if each.name not in expected)
        problems += [Problem(Finding.ADDED, name, "was not there when it was signed") for name in added]
    return Verdict(path, manifest, key.fingerprint, known, tuple(problems))


def _advance(progress: Progress, before: int, total: int, done: int) -> None:
    progress(before + done, total)


def _check(folder: Path, file: File, progress: Callable[[int], object]) -> Problem | None:
    path = folder / file.name
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            return Problem(Finding.CHANGED, file.name, "is not a file any more")
        if status.st_size != file.size:
            return Problem(Finding.CHANGED, file.name, f"has {status.st_size} bytes, not {file.size}")
        digest, done = hashlib.sha256(), 0
        with path.open("rb") as opened:
            while piece := opened.read(_PIECE):
                digest.update(piece)
                done += len(piece)
                progress(done)
    except FileNotFoundError:
        return Problem(Finding.MISSING, file.name, "is not there")
    except OSError as error:
        return Problem(Finding.UNREADABLE, file.name, f"cannot be read: {error.strerror}")
    if digest.hexdigest() != file.sha256:
        return Problem(Finding.CHANGED, file.name, "its bytes are not those that were signed")
    return None
