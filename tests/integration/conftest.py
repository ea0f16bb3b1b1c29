"""A recorder and virtual cameras that several tests look at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.rig import Recorder, demo, free_offset


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    """A demo of two cameras, for tests that only look."""
    folder = tmp_path_factory.mktemp("demo")
    secret = folder / "secret"
    secret.write_text("watch-me-7\n")
    login = ["--admin", "viewer", "--password-file", str(secret)]
    with demo(folder / "data", free_offset(), "--cameras", "2", *login) as recorder:
        yield recorder
