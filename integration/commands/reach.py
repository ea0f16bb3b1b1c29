"""The settings and the planes, as commands reach them: through the recorder where one runs, else by the folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from device.folder import DataFolder
from device.planes.link import Client
from device.planes.messages import SettingsSet
from device.planes.wire import Request
from device.settings.store import Store
from integration.commands.common import ask, chosen, runs, who
from integration.setup import open_settings, prepare, reading_settings

T = TypeVar("T")


def change(folder: DataFolder, section: str, key: str, changes: dict[str, object]) -> tuple[str, ...]:
    """Change fields of a section or entry; the fields that really changed. Raises BadValue."""
    if runs(folder):
        request = SettingsSet(section, key, json.dumps(changes), who())
        return call(folder, "control", request).fields

    def write(store: Store) -> tuple[str, ...]:
        return store.patch(store.section(section), changes, key=key, by=who()).fields

    return offline(folder, write)


def offline(folder: DataFolder, work: Callable[[Store], T]) -> T:
    """Work on the settings of a recorder that does not run; makes the installation where there is none."""
    folder.make()
    with folder.lock():
        prepare(folder, [], None)
        store = open_settings(folder)
        try:
            return work(store)
        finally:
            store.close()


def begun(config: Path | None, data: Path | None) -> DataFolder:
    """The data folder that a command is about; where there is no recorder's data yet, it is made. Raises BadValue."""
    folder = chosen(config, data)
    if not folder.settings.exists():
        offline(folder, lambda _: None)
    return folder


def call(folder: DataFolder, plane: str, request: Request[T]) -> T:
    """What a plane of the running recorder answers. Raises what `ask` raises."""

    async def calling(client: Client) -> T:
        return await client.call(request)

    return ask(folder, plane, calling)


def read(folder: DataFolder, work: Callable[[Store], T]) -> T:
    """Read the settings, whether a recorder runs or not."""
    store = reading_settings(folder)
    try:
        return work(store)
    finally:
        store.close()
