"""A box for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from device.raid import steps
from tests.device.raid.rig import Box


@pytest.fixture
async def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Box]:
    """Four drives, no array."""
    monkeypatch.setattr(steps, "LOOK", 0.001)
    box = Box(tmp_path)
    yield box
    await box.jobs.close()
