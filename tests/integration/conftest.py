"""A recorder and virtual cameras that several tests look at."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from protocols.rtsp.endpoint import Endpoint
from tests.device.recording.store import make
from tests.integration.rig import Recorder, demo, free_offset
from tests.integration.tape import Tapes, record, served


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    """A demo of two cameras, for tests that only look."""
    folder = tmp_path_factory.mktemp("demo")
    secret = folder / "secret"
    secret.write_text("watch-me-7\n")
    login = ["--admin", "viewer", "--password-file", str(secret)]
    with demo(folder / "data", free_offset(), "--cameras", "2", *login) as recorder:
        yield recorder


@pytest.fixture(scope="session")
def tapes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tapes]:
    """Recordings whose pictures are numbered, for tests that only replay."""
    store = make(tmp_path_factory.mktemp("tapes"))
    yield record(store)
    store.close()


@pytest.fixture
async def endpoint(tapes: Tapes, tmp_path: Path) -> AsyncIterator[Endpoint]:
    """The tapes, served."""
    async with served(tapes.store, tmp_path) as serving:
        yield serving
