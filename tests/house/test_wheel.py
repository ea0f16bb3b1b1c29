"""What is in the tree is in the wheel, and the wheel alone is the product."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.house.tree import PRODUCT, files

PAPERS = {"CHANGELOG.md", "LICENSE", "README.md", "pyproject.toml"}


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Standard output of a command that must succeed."""
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def product_files(folder: Path) -> set[str]:
    """Files of the product's packages, relative to `folder`."""
    return {str(path.relative_to(folder)) for package in PRODUCT for path in files(folder / package)}


@pytest.fixture(scope="module")
def copy(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository as a clone has it, so that nobody edits it while it is being packed."""
    folder = tmp_path_factory.mktemp("clone")
    for path in files(checkout):
        target = folder / path.relative_to(checkout)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    return folder


@pytest.fixture(scope="module")
def sdist(copy: Path) -> Path:
    """The source distribution, unpacked."""
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", "sdist", cwd=copy)
    (archive,) = (copy / "sdist").iterdir()
    shutil.unpack_archive(archive, copy / "sdist")
    return copy / "sdist" / archive.name.removesuffix(".tar.gz")


@pytest.fixture(scope="module")
def wheel(sdist: Path) -> Path:
    """The wheel, built from the source distribution as an installer would."""
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "wheel", cwd=sdist)
    (archive,) = (sdist / "wheel").iterdir()
    return archive


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment that has the wheel and nothing else."""
    folder = tmp_path_factory.mktemp("fresh")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    pip = (sys.executable, "-m", "pip", "--python", folder / "bin" / "python")
    run(*pip, "install", "--quiet", "--no-index", "--no-deps", wheel, cwd=folder)
    return folder


def test_the_sdist_holds_the_product_and_its_papers(copy: Path, sdist: Path) -> None:
    packed = {str(path.relative_to(sdist)) for path in files(sdist)} - {"PKG-INFO", ".gitignore"}
    packed = {name for name in packed if not name.startswith("wheel/")}
    assert packed == product_files(copy) | PAPERS


def test_the_wheel_holds_the_product_alone(copy: Path, wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == product_files(copy)


def test_the_installed_command_runs_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    """The locked packages are lent by the environment of the tests, so that nothing is downloaded."""
    lent = os.pathsep.join(sysconfig.get_paths()[kind] for kind in ("purelib", "platlib"))
    said = run(installed / "bin" / "holdfast", "--help", cwd=tmp_path, PYTHONPATH=lent)
    assert "run" in said.split()
    where = run(
        installed / "bin" / "python",
        "-c",
        "import device; print(device.__file__)",
        cwd=tmp_path,
        PYTHONPATH=lent,
    )
    assert Path(where.strip()).is_relative_to(installed)
