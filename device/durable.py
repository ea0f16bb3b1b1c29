"""Small files that are there whole or not at all, whatever happens to the power."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


def create(path: Path, data: bytes) -> bytes:
    """Make a file that only we can read (0600), unless it is there; what is in it afterwards, durably.

    Processes that do this at once all get the same bytes. Raises OSError.
    """
    if path.exists():
        return path.read_bytes()
    with _beside(path, data, 0o600) as made:
        try:
            os.link(made, path)  # unlike a rename, it does not take the place of another's
        except FileExistsError:
            return path.read_bytes()
    return data


def write_durably(path: Path, data: bytes, *, mode: int) -> None:
    """Make a file, or put it in the place of the one that is there. Raises OSError.

    `mode`: as it is, whatever the process's umask is: who is to read it, reads it.
    """
    with _beside(path, data, mode) as made:
        made.replace(path)


def remove(path: Path) -> None:
    """Take a file away, unless it is gone. Raises OSError."""
    path.unlink(missing_ok=True)
    _sync(path.parent)


@contextlib.contextmanager
def _beside(path: Path, data: bytes, mode: int) -> Iterator[Path]:
    """A whole file next to `path`, to be given its name; the folder is synced afterwards."""
    made = path.with_name(f".{path.name}.{os.getpid()}")
    made.unlink(missing_ok=True)
    fd = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(fd, "wb") as file:
            os.fchmod(fd, mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield made
    finally:
        made.unlink(missing_ok=True)
        _sync(path.parent)


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
