"""`./holdfast test`: nothing is passed over, and the end tells the truth."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import debian

RUN = """
import sys
import tests.run
tests.run.require = lambda: None
tests.run.CHECKS = {{"sound": ("-c", "print('unheard')"), "checked": ("-c", {check!r})}}
sys.exit(tests.run.main(sys.argv[1:]))
"""


def run(checkout: Path, folder: Path, *, check: str, test: str) -> subprocess.CompletedProcess[str]:
    """The test command with one check and one test of our own."""
    (folder / "test_it.py").write_text(f"def test_it():\n    assert {test}\n")
    command = [sys.executable, "-c", RUN.format(check=check), "-c", "pyproject.toml", str(folder)]
    return subprocess.run(
        command, cwd=checkout, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


@pytest.mark.parametrize(
    ("check", "test", "code"),
    [("pass", "True", 0), ("exit(3)", "True", 1), ("pass", "False", 1), ("exit(3)", "False", 1)],
)
def test_the_exit_code_is_zero_only_if_all_passed(
    checkout: Path, tmp_path: Path, check: str, test: str, code: int
) -> None:
    assert run(checkout, tmp_path, check=check, test=test).returncode == code


def test_the_last_line_is_pytests(checkout: Path, tmp_path: Path) -> None:
    assert "1 passed in" in run(checkout, tmp_path, check="exit(3)", test="True").stdout.splitlines()[-1]


def test_a_failed_check_is_told_with_its_reason_and_once_more_at_the_end(
    checkout: Path, tmp_path: Path
) -> None:
    lines = run(checkout, tmp_path, check="print('the reason'); exit(3)", test="True").stdout.splitlines()
    told = [number for number, line in enumerate(lines) if line.startswith("checked") and "FAILED" in line]
    assert len(told) == 2
    assert lines[told[0] + 1] == "the reason"


def test_a_check_that_passes_says_nothing_but_its_time(checkout: Path, tmp_path: Path) -> None:
    assert "unheard" not in run(checkout, tmp_path, check="pass", test="True").stdout


def test_a_missing_debian_package_is_found() -> None:
    assert debian.missing(["dpkg", "no-such-package-anywhere"]) == ["no-such-package-anywhere"]


def test_an_ordinary_user_gets_the_line_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    line = r"\n    sudo apt-get install -y --no-install-recommends no-such-package-anywhere\n"
    with pytest.raises(debian.PackagesMissing, match=line):
        debian.require(["dpkg", "no-such-package-anywhere"])
