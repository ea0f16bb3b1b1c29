"""Programs of others that must not share our environment, each in one of its own, made from a lock with hashes."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

INSTALL_SECONDS = 600.0


def environment(lock: Path, base: str = sys.executable) -> Path:
    """The Python of a lock's environment, beside the project's. Made at the first time, with `base`."""
    folder = (
        Path(sys.prefix) / "clients" / f"{lock.stem}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    )
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
