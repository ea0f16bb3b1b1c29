"""Programs of others that must not share our environment, each in one of its own, made from a lock with hashes."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

INSTALL_SECONDS = 600.0


def place(name: str, *locks: Path) -> Path:
    """The folder of an environment, beside the project's: another one for other locks."""
    digest = hashlib.sha256(b"".join(lock.read_bytes() for lock in locks)).hexdigest()
    return Path(sys.prefix) / "clients" / f"{name}-{digest[:12]}"


def environment(lock: Path, base: str = sys.executable) -> Path:
    """The Python of a lock's environment. Made at the first time, with `base`."""
    folder = place(lock.stem, lock)
    python = folder / "bin" / "python"
    done = folder / "complete"
    if not done.exists():
        _run(base, "-m", "venv", "--clear", str(folder))
        options = ("--quiet", "--no-deps", "--no-compile", "--require-hashes")
        _run(str(python), "-m", "pip", "install", *options, "-r", str(lock))
        done.touch()
    return python


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, timeout=INSTALL_SECONDS, stdout=subprocess.DEVNULL)
