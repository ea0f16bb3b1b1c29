"""The rig of these tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.device.recordings.rig import Rig, rig


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Rig]:
    """Cameras and what was recorded of them."""
    with rig(tmp_path) as each:
        yield each
