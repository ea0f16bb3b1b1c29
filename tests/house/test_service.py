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


def exposed(unit: Path, most: int) -> None:
    """At most so many tenths, of a hundred."""
    done = analyze("security", "--no-pager", "--offline=yes", f"--threshold={most}", unit)
    assert done.returncode == 0, done.stdout


def test_the_exposure_is_at_most_2_of_10(unit: Path) -> None:
    exposed(unit, 20)


def test_setting_the_machine_up_adds_the_clock_and_little_else(unit: Path, checkout: Path) -> None:
    """With the drop-in that `docs/guide/install.md` adds for it."""
    folder = unit.with_name("holdfast.service.d")
    folder.mkdir()
    text = (checkout / "integration" / "systemd" / "machine.conf").read_text(encoding="utf-8")
    (folder / "machine.conf").write_text(text, encoding="utf-8")
    exposed(unit, 22)
    lines = [line.partition("=") for line in text.splitlines()]
    granted = {value for key, _, value in lines if key in ("AmbientCapabilities", "CapabilityBoundingSet")}
    assert granted == {"CAP_SYS_TIME"}
