"""A recorder with the services of Profile G."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.protocols.onvif.recorder import Recorder, recorder


@pytest.fixture
def nvr(tmp_path: Path) -> Iterator[Recorder]:
    """Two cameras with recordings, and one without."""
    with recorder(tmp_path) as made:
        yield made
