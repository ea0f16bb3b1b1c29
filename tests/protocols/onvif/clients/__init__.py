"""Clients of others, each in an environment of its own: they all call themselves `onvif`.

`environment` makes it once, beside the project's, from a lock with hashes; `ask` runs one of the programs of this
folder in it and returns the JSON that it prints.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
INSTALL_SECONDS = 300.0
ASK_SECONDS = 90.0


def environment(name: str) -> Path:
    """The Python of the environment that `NAME.txt` locks; made at the first time."""
    lock = HERE / f"{name}.txt"
    folder = Path(sys.prefix) / "clients" / f"{name}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    python = folder / "bin" / "python"
    done = folder / "complete"
    if not done.exists():
        run = {"check": True, "timeout": INSTALL_SECONDS, "stdout": subprocess.DEVNULL}
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], **run)  # type: ignore[call-overload]  # as above
        pip = [
            str(python),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--require-hashes",
            "-r",
            str(lock),
        ]
        subprocess.run(pip, **run)  # type: ignore[call-overload]  # as above
        done.touch()
    return python


def ask(python: Path, program: str, *arguments: str) -> dict[str, Any]:
    """What a program of this folder found."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [str(python), "-P", str(HERE / program), *arguments],
        capture_output=True,
        text=True,
        timeout=ASK_SECONDS,
        env=clean,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found
