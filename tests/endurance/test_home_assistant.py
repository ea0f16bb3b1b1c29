"""A real Home Assistant, in a network of its own, so that nothing it does leaves this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.environments import environment

LOCK = Path(__file__).with_name("home_assistant.txt")
VERSION = "3.13"  #: of Python, for which the lock is
APART = ("unshare", "--user", "--map-root-user", "--net")
SCRIPT = 'ip link set lo up && ip route add 224.0.0.0/4 dev lo && exec "$@"'
SECONDS = 600.0


def _pythons() -> Iterator[str]:
    yield f"python{VERSION}"
    roots = (os.environ.get("PYENV_ROOT", "~/.pyenv"), "~/.local/share/uv/python")
    for root, pattern in zip(roots, (f"versions/{VERSION}.*", f"cpython-{VERSION}.*"), strict=True):
        yield from (str(each / "bin" / "python3") for each in sorted(Path(root).expanduser().glob(pattern)))


def _runs(*argv: str) -> bool:
    try:
        return subprocess.run(argv, capture_output=True, timeout=60).returncode == 0
    except OSError:
        return False


@pytest.mark.timeout(1500)
def test_home_assistant_finds_everything_follows_it_and_commands_it() -> None:
    base = next((each for each in _pythons() if _runs(each, "-c", "import venv, ssl, sqlite3")), None)
    if base is None:
        pytest.skip(f"there is no Python {VERSION} for Home Assistant 2025.4.4")
    if not _runs(*APART, "true"):
        pytest.skip("this system lets nobody have a network of his own")
    hass = environment(LOCK, base).with_name("hass")
    argv = [*APART, "sh", "-c", SCRIPT, "sh", sys.executable, "-P", "-m", "tests.endurance.home_assistant"]
    done = subprocess.run([*argv, str(hass)], capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr[-4000:]
    assert done.stdout.endswith("GOOD\n"), done.stdout
