"""The files of the checkout, for tests that read the repository itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

#: What tools leave behind; the same as in .gitignore.
LEFT_BEHIND = {
    ".git",
    ".hypothesis",
    ".import_linter_cache",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".venv",
    ".venv.lock",
    "__pycache__",
    "build",
    "dist",
}

#: Import packages that the product consists of.
PRODUCT = ("mib", "device", "protocols", "integration", "holdfast_client")
#: Import packages that stay in the checkout.
LOOKING_IN = ("conformance", "tests", "bench")


def files(folder: Path) -> Iterator[Path]:
    """Every file below `folder` that belongs to the repository, sorted within its folder."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in LEFT_BEHIND)
        for name in sorted(names):
            if name not in LEFT_BEHIND and not name.endswith(".pyc"):
                yield Path(parent, name)


def texts(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every text file of the repository, and what it says."""
    for path in files(folder):
        data = path.read_bytes()
        if b"\0" not in data[:8192]:
            yield path, data.decode("utf-8")
