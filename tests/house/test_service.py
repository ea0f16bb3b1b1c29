"""The unit file is valid, and systemd finds it hardened."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest


@pytest.fixture
def unit(checkout: Path, tmp_path: Path) -> Path:
    """The unit with a program that is there: systemd looks for it."""
    text = (checkout / "integration" / "holdfast.service").read_text(encoding="utf-8")
    assert text.count("ExecStart=/opt/holdfast/holdfast run ") == 1
    copy = tmp_path / "holdfast.service"
    copy.write_text(text.replace("ExecStart=/opt/holdfast/holdfast", "ExecStart=/bin/true"), encoding="utf-8")
    return copy


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Ask systemd-analyze."""
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


def test_systemd_understands_every_line(unit: Path) -> None:
    done = analyze("verify", "--man=no", unit)
    of_ours = [line for line in done.stderr.splitlines() if unit.name in line]
    assert (done.returncode, of_ours) == (0, [])


def test_the_exposure_is_at_most_2_of_10(unit: Path) -> None:
    done = analyze("security", "--no-pager", "--offline=yes", "--threshold=20", unit)
    assert done.returncode == 0, done.stdout
