"""A web of its own for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.web.rig import Web, web


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Web]:
    """The control plane's web, before the first account."""
    async with web(tmp_path) as serving:
        yield serving
