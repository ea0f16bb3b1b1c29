"""`./holdfast` makes its environment once, wholly or not at all, and says what it needs."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

ECHO = "import json, sys, alpha, integration\nprint(json.dumps([sys.argv[1:], integration.__file__]))\n"
#: A root user without the privilege to write everywhere is like anybody else.
UNPRIVILEGED = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ()


@dataclass(frozen=True)
class Clone:
    """A small checkout: the real `holdfast`, a product that prints its arguments, two tiny packages."""

    root: Path
    wheels: Path

    def command(self, *arguments: str) -> list[str]:
        """The command line."""
        return [sys.executable, str(self.root / "holdfast"), *arguments]

    @property
    def environment(self) -> dict[str, str]:
        """Without any registry: pip finds the two packages in a folder."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
        return kept | {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels)}

    def run(
        self, *arguments: str, cwd: Path | None = None, prefix: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run `./holdfast` to its end."""
        return subprocess.run(
            [*prefix, *self.command(*arguments)],
            cwd=cwd,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )


def make_wheel(folder: Path, name: str) -> str:
    """Write a wheel with one empty module; returns its line for a lock."""
    info = f"{name}-1.0.dist-info"
    contents = {
        f"{name}.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    digests = {
        path: base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        for path, text in contents.items()
    }
    rows = [f"{path},sha256={digest},{len(contents[path])}" for path, digest in digests.items()]
    contents[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,"]) + "\n"
    wheel = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in contents.items():
            archive.writestr(path, text)
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


def make_clone(checkout: Path, folder: Path) -> Clone:
    """A clone in which nothing was ever started."""
    clone = Clone(folder / "clone", folder / "wheels")
    clone.wheels.mkdir()
    (clone.root / "lock").mkdir(parents=True)
    alpha, beta = (make_wheel(clone.wheels, name) for name in ("alpha", "beta"))
    (clone.root / "lock/run.txt").write_text(alpha)
    (clone.root / "lock/test.txt").write_text(alpha + beta)
    for module, text in {
        "integration/__init__.py": "",
        "integration/__main__.py": ECHO,
        "tests/__init__.py": "",
        "tests/run.py": f"import beta\n{ECHO}",
    }.items():
        path = clone.root / module
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    shutil.copy(checkout / "holdfast", clone.root)
    return clone


@dataclass(frozen=True)
class FirstStarts:
    """Two first starts at the same moment."""

    clone: Clone
    codes: list[int]
    outputs: list[str]
    errors: list[str]


@pytest.fixture(scope="module")
def first_starts(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> FirstStarts:
    """The real thing, with venv and pip. It takes seconds, and so happens once."""
    clone = make_clone(checkout, tmp_path_factory.mktemp("first"))
    both = [
        subprocess.Popen(
            clone.command("demo", "--seconds", str(number)),
            env=clone.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    said = [process.communicate() for process in both]
    return FirstStarts(
        clone, [process.returncode for process in both], [out for out, _ in said], [e for _, e in said]
    )


@pytest.fixture
def ready(first_starts: FirstStarts, tmp_path: Path) -> Clone:
    """A clone of its own whose environment is complete."""
    shutil.copytree(first_starts.clone.root, tmp_path / "clone", symlinks=True)
    return Clone(tmp_path / "clone", first_starts.clone.wheels)


def test_a_first_start_ends_in_the_command(first_starts: FirstStarts) -> None:
    assert first_starts.codes == [0, 0], first_starts.errors
    assert [json.loads(out)[0] for out in first_starts.outputs] == [
        ["demo", "--seconds", str(n)] for n in range(2)
    ]


def test_two_first_starts_at_once_set_up_one_environment(first_starts: FirstStarts) -> None:
    assert sum("Setting up .venv" in said for said in first_starts.errors) == 1


def test_a_later_start_is_quiet(ready: Clone) -> None:
    done = ready.run("run")
    assert (done.returncode, done.stderr) == (0, "")


def test_what_is_on_the_disk_is_what_is_imported_even_if_the_checkout_moved(ready: Clone) -> None:
    moved = Clone(ready.root.rename(ready.root.with_name("moved elsewhere")), ready.wheels)
    done = moved.run("run")
    assert (done.stderr, json.loads(done.stdout)[1]) == ("", str(moved.root / "integration/__init__.py"))


def test_a_folder_where_one_stands_does_not_hide_the_product(ready: Clone, tmp_path: Path) -> None:
    (tmp_path / "integration").mkdir()
    (tmp_path / "integration" / "__init__.py").write_text("raise SystemExit('hidden')")
    assert ready.run("run", cwd=tmp_path).returncode == 0


def test_the_test_command_adds_its_packages_to_those_that_are_there(ready: Clone) -> None:
    kept = ready.root / ".venv" / "kept"
    kept.touch()
    done = ready.run("test", "-k", "x")
    assert (json.loads(done.stdout)[0], kept.exists()) == (["-k", "x"], True)


def test_a_half_made_environment_is_made_anew(ready: Clone) -> None:
    (ready.root / ".venv/holdfast.stamp").unlink()
    for packages in (ready.root / ".venv/lib").glob("python*/site-packages"):
        shutil.rmtree(packages)
    done = ready.run("run")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("hash_", [f" --hash=sha256:{'0' * 64}", ""], ids=["another hash", "no hash"])
def test_a_package_that_is_not_the_locked_one_is_refused_and_nothing_is_run(ready: Clone, hash_: str) -> None:
    lock = ready.root / "lock/test.txt"
    alpha, _ = lock.read_text().splitlines()
    lock.write_text(f"{alpha}\nbeta==1.0{hash_}\n")
    done = ready.run("test")
    assert (done.returncode, done.stdout) == (2, "")
    assert not (ready.root / ".venv/holdfast.stamp").exists()


def test_without_the_right_to_write_it_says_so(checkout: Path, tmp_path: Path) -> None:
    clone = make_clone(checkout, tmp_path)
    clone.root.chmod(0o555)
    done = clone.run("run", prefix=UNPRIVILEGED)
    assert done.returncode == 2
    assert done.stderr.startswith(f"Cannot write to {clone.root}: Permission denied.\n")


# What follows asks the script's functions, since a true answer would need another machine.


def load(path: Path) -> ModuleType:
    """The script as a module."""
    loader = SourceFileLoader("bootstrap", str(path))
    spec = importlib.util.spec_from_loader("bootstrap", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@dataclass
class Makes:
    """Stands for `make`: notes how it was called, and stamps."""

    script: ModuleType
    kept: list[bool] = field(default_factory=list)

    def __call__(self, locks: list[str], *, keep: bool, guard: int) -> None:
        self.kept.append(keep)
        with pytest.raises(BlockingIOError), self.script.LOCK_FILE.open("a") as other:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.fixture
def script(checkout: Path, tmp_path: Path) -> ModuleType:
    """The script in a clone whose environment is complete by its stamp."""
    clone = make_clone(checkout, tmp_path)
    module = load(clone.root / "holdfast")
    (clone.root / ".venv/bin").mkdir(parents=True)
    (clone.root / ".venv/bin/python").symlink_to(sys.executable)
    module.STAMP.write_text("\n".join(module.wanted_stamp(["lock/run.txt"])) + "\n")
    return module


@pytest.mark.parametrize(
    ("change", "locks", "kept"),
    [
        ("nothing", ["lock/run.txt"], []),
        ("nothing", ["lock/run.txt", "lock/test.txt"], [True]),
        ("lock", ["lock/run.txt"], [False]),
        ("lock", ["lock/run.txt", "lock/test.txt"], [False]),
        ("no stamp", ["lock/run.txt"], [False]),
        ("no python", ["lock/run.txt"], [False]),
        ("other python", ["lock/run.txt"], [False]),
    ],
)
def test_it_makes_what_is_out_of_date_and_nothing_else(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, change: str, locks: list[str], kept: list[bool]
) -> None:
    makes = Makes(script)
    monkeypatch.setattr(script, "make", makes)
    if change == "lock":
        (script.ROOT / "lock/run.txt").write_text("# nothing any more\n")
    elif change == "no stamp":
        script.STAMP.unlink()
    elif change == "no python":
        script.PYTHON.unlink()
        script.PYTHON.symlink_to("/nonexistent")
    elif change == "other python":
        script.PYTHON.unlink()
        script.PYTHON.symlink_to(shutil.which("true") or "")
    script.prepare(locks)
    assert makes.kept == kept


@pytest.fixture
def apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An `apt-get` that knows packages only after an update; returns the file with its command lines."""
    log = tmp_path / "apt.log"
    command = tmp_path / "bin" / "apt-get"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\necho "$@" >> "{log}"\ngrep -q update "{log}"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(command.parent), prepend=os.pathsep)
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    return log


def test_without_ensurepip_a_user_gets_the_line_to_type(
    script: ModuleType, apt: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3")
    with pytest.raises(script.SetupFailed, match=r"\n\n    sudo apt-get install -y python3-venv\n\n"):
        script.need_ensurepip()
    assert not apt.exists()


def test_without_ensurepip_root_gets_it_even_where_apt_knows_nothing_yet(
    script: ModuleType, apt: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3")
    script.need_ensurepip()
    verbs = [next(word for word in line.split() if word in ("install", "update")) for line in apt.open()]
    assert verbs == ["install", "update", "install"]
    assert apt.read_text().splitlines()[-1].endswith(" python3-venv")


def test_a_python_beside_the_systems_own_gets_its_own_venv_package(
    script: ModuleType, apt: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(sys, "executable", "/nonexistent/python3")
    series = f"python3.{sys.version_info.minor}-venv"
    with pytest.raises(script.SetupFailed, match=rf"install -y {series}\n"):
        script.need_ensurepip()


def test_under_an_old_python_the_next_one_that_works_is_taken(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    for name, code in (("python3.11", 127), ("python3.12", 0), ("python3.13", 0)):
        path = tmp_path / "bin" / name
        path.write_text(f"#!/bin/sh\nexit {code}\n")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert script.newer_python() == str(tmp_path / "bin" / "python3.12")


def test_under_an_old_python_alone_it_says_what_it_needs(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(script.SetupFailed, match=r"needs Python 3\.11 or newer"):
        script.newer_python()
