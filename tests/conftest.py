"""What all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.manual import LINES, cited

ROOT = Path(__file__).resolve().parent.parent

# How long an example takes is a matter of the machine, and of what else it does.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--screenshots DIR`: the tests that drive a browser leave their pictures there."""
    parser.addoption("--screenshots", metavar="DIR", type=Path, help="where browser tests leave pictures")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A citation of a line that does not exist is a typing error, and would prove nothing."""
    for item in items:
        unknown = cited(item) - LINES.keys()
        if unknown:
            raise pytest.UsageError(
                f"{item.nodeid} cites what docs/manual-lines.tsv lacks: {sorted(unknown)}"
            )


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The folder of the checkout that is being tested."""
    return ROOT


@pytest.fixture(scope="session")
def screenshots(pytestconfig: pytest.Config) -> Path | None:
    """Where pictures are wanted, or None."""
    folder: Path | None = pytestconfig.getoption("--screenshots")
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    return folder
