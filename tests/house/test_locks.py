"""The locks name every package that we need, with hashes, and nowhere to get it from."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCKS = ("lock/run.txt", "lock/test.txt")
CLIENTS = "tests/protocols/onvif/clients"  #: of others, each with a lock of its own
OTHERS = tuple(f"{CLIENTS}/{name}.txt" for name in ("node", "onvif-zeep", "onvif-zeep-async"))


def entries(lock: Path) -> list[tuple[Requirement, int]]:
    """What a lock pins: each requirement, and how many hashes it has."""
    logical = lock.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    pinned = [line.split("--hash=sha256:") for line in logical if line and not line.lstrip().startswith("#")]
    return [(Requirement(parts[0].strip()), len(parts) - 1) for parts in pinned]


def needs(checkout: Path, *extras: str) -> list[Requirement]:
    """What pyproject.toml asks for."""
    project = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = [text for extra in extras for text in project["optional-dependencies"][extra]]
    return [Requirement(text) for text in [*project["dependencies"], *optional]]


@pytest.mark.parametrize("lock", [*LOCKS, *OTHERS])
def test_every_entry_is_pinned_with_hashes(checkout: Path, lock: str) -> None:
    weak = [
        str(requirement)
        for requirement, hashes in entries(checkout / lock)
        if hashes == 0 or [part.operator for part in requirement.specifier] != ["=="]
    ]
    assert weak == []


def test_every_package_of_npm_is_pinned_with_its_hash_and_without_an_address(checkout: Path) -> None:
    folder = checkout / CLIENTS / "node"
    lock = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))
    asked = json.loads((folder / "package.json").read_text(encoding="utf-8"))["dependencies"]
    packages = {name.removeprefix("node_modules/"): each for name, each in lock["packages"].items() if name}
    assert packages.keys() >= asked.keys()
    assert [name for name, each in packages.items() if not each["integrity"].startswith("sha512-")] == []
    assert [name for name, each in packages.items() if "resolved" in each] == []


@pytest.mark.parametrize(("lock", "extras"), [(LOCKS[0], ("demo",)), (LOCKS[1], ("demo", "test"))])
def test_every_dependency_is_locked_in_a_version_that_will_do(
    checkout: Path, lock: str, extras: tuple[str, ...]
) -> None:
    pinned: dict[str, list[str]] = {}
    for requirement, _ in entries(checkout / lock):
        versions = pinned.setdefault(canonicalize_name(requirement.name), [])
        versions += [part.version for part in requirement.specifier]
    unmet = [
        str(need)
        for need in needs(checkout, *extras)
        for versions in [pinned.get(canonicalize_name(need.name), [])]
        if not versions or not all(need.specifier.contains(version) for version in versions)
    ]
    assert unmet == []


def test_the_tests_run_what_people_run(checkout: Path) -> None:
    """Whatever run.txt pins, test.txt pins alike: `.venv` may hold both."""
    run, test = ({str(requirement) for requirement, _ in entries(checkout / lock)} for lock in LOCKS)
    assert run - test == set()


@pytest.mark.parametrize("lock", [*LOCKS, *OTHERS])
def test_no_lock_says_where_packages_come_from(checkout: Path, lock: str) -> None:
    """That is the choice of whoever installs."""
    text = (checkout / lock).read_text(encoding="utf-8")
    assert re.findall(r"^--?(?!hash).*|\S*://\S*|.* @ .*", text, flags=re.MULTILINE) == []
