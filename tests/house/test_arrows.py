"""The arrows of the house hold, and whoever crosses one is told so."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import LEFT_BEHIND, LOOKING_IN, PRODUCT

LINT = (
    sys.executable,
    "-P",
    "-c",
    "from importlinter.cli import lint_imports_command; lint_imports_command()",
)


@pytest.fixture(scope="module")
def copy(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages and of the contracts about them."""
    folder = tmp_path_factory.mktemp("copy")
    for package in (*PRODUCT, *LOOKING_IN):
        shutil.copytree(checkout / package, folder / package, ignore=shutil.ignore_patterns(*LEFT_BEHIND))
    shutil.copy(checkout / "pyproject.toml", folder)
    return folder


def broken_contracts(folder: Path) -> str:
    """What import-linter says of the contracts that do not hold in `folder`; empty if all hold."""
    command = [*LINT, "--no-logo", "--no-cache"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout if done.returncode else ""


def test_the_house_keeps_its_arrows(copy: Path) -> None:
    assert broken_contracts(copy) == ""


@pytest.mark.parametrize(
    ("module", "statement", "contract"),
    [
        ("device/stray.py", "import protocols.rtsp", "mib <- device"),
        ("device/stray.py", "import integration", "mib <- device"),
        ("mib/stray.py", "import device.media", "mib <- device"),
        ("protocols/rtsp/stray.py", "import integration", "mib <- device"),
        ("protocols/stray/__init__.py", "import protocols.rtsp", "No protocol knows another"),
        ("protocols/rtsp/sdp.py", "import socket", "Pure cores"),
        ("protocols/rtsp/sdp.py", "import os.path", "Pure cores"),
        ("protocols/rtsp/packetise/stray.py", "from time import time", "Pure cores"),
        ("conformance/stray.py", "import device.media", "The suites of conformance/"),
        ("integration/stray.py", "import tests.run", "The product does not import its tests"),
    ],
)
def test_a_stray_import_breaks_its_contract(copy: Path, module: str, statement: str, contract: str) -> None:
    path = copy / module
    before = path.read_text(encoding="utf-8") if path.exists() else None
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{before or ''}\n{statement}\n", encoding="utf-8")
    try:
        said = broken_contracts(copy)
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_text(before, encoding="utf-8")
        shutil.rmtree(copy / "protocols" / "stray", ignore_errors=True)
    broken = [line for line in said.splitlines() if line.endswith("BROKEN")]
    assert [line.startswith(contract) for line in broken] == [True], said
