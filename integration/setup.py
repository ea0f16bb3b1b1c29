"""What must be there before the planes start: the data folder, the identity, a storage, and what a person asked for on
the command line. Done by one process, under the folder's lock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from argon2 import PasswordHasher

from device.accounts.store import Accounts
from device.clock import SystemClock
from device.events.event import Event
from device.folder import DataFolder
from device.identity import Identity, identity
from device.recording.volume import adopt
from device.settings.parse import assign
from device.settings.sections import SECTIONS
from device.settings.storages import Storage
from device.settings.store import Store
from device.vault import Vault

SETUP = "setup"  #: who changes settings before there are accounts


@dataclass(frozen=True, slots=True)
class Login:
    """The first administrator."""

    name: str
    password: str


def open_settings(folder: DataFolder) -> Store:
    """The settings, to be written. Only under the folder's lock, or in the control plane."""
    return Store(folder.settings, Vault.at(folder.key), SECTIONS, SystemClock(), readonly=False)


def reading_settings(folder: DataFolder) -> Store:
    """The settings, to be read at any time."""
    return Store(folder.settings, Vault.at(folder.key), SECTIONS, SystemClock(), readonly=True)


def prepare(
    folder: DataFolder,
    assignments: Sequence[str],
    login: Login | None,
    more: Callable[[Store], None] = lambda store: None,  # noqa: ARG005 - most have nothing to add
) -> Identity:
    """Make ready what the planes expect. A storage in the data folder is made where none was ever configured.

    Raises BadValue, OSError, StorageFault.
    """
    own = identity(folder.identity)
    store = open_settings(folder)
    try:
        new = not store.position()
        more(store)
        assign(assignments, store, by=SETUP)
        if new and not store.keys(Storage):
            first_storage(folder, store, own)
    finally:
        store.close()
    asyncio.run(_accounts(folder, own, login))
    return own


def first_storage(folder: DataFolder, store: Store, own: Identity) -> None:
    """The storage that an installation begins with. Raises OSError, StorageFault."""
    folder.video.mkdir(exist_ok=True)
    mark = adopt(folder.video, own.id)
    store.set(Storage(path=str(folder.video.absolute()), name="Data folder"), key=mark.volume, by=SETUP)


async def _accounts(folder: DataFolder, own: Identity, login: Login | None) -> None:
    """Make the database of accounts, and the first administrator where one is given and there is none."""
    said: list[Event] = []
    accounts = Accounts(
        folder.accounts, Vault.at(folder.key), own.serial, SystemClock(), said.append, PasswordHasher()
    )
    try:
        if login is not None and accounts.is_empty():
            await accounts.create_first(login.name, login.password)
    finally:
        accounts.close()
