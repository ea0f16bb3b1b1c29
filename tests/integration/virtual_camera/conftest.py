"""What the tests of this room share."""

from __future__ import annotations

from pathlib import Path

import pytest

from integration.virtual_camera import clip as clips
from integration.virtual_camera.clip import Clip


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds one clip of 2 Mbit/s, since making one takes seconds."""
    folder = tmp_path_factory.mktemp("clips")
    clips.load(folder, 2.0)
    return folder


@pytest.fixture(scope="session")
def clip(clip_folder: Path) -> Clip:
    """That clip."""
    return clips.load(clip_folder, 2.0)
