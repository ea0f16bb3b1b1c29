"""Settings: forms are made of what this answers, and nothing is said of a setting twice."""

from __future__ import annotations

import re
from functools import partial
from typing import Annotated, Any

from pydantic import Field, RootModel

from device.accounts.rights import NotAllowed
from device.accounts.role import Role
from device.accounts.sessions import Scope
from device.errors import BadValue, NotFound
from device.network.trial import Phase, TrialShown
from device.settings.cameras import Camera, new_camera_key
from device.settings.network import Network
from device.settings.sealed import shown
from device.settings.section import Section, about_fields
from device.settings.store import Changed, Version
from protocols.http.api.answers import Answer
from protocols.http.caller import Caller
from protocols.http.house import House
from protocols.http.moments import Instant
from protocols.http.table import Body, Reply, Table

TABLE = Table("Settings")

Values = dict[str, Any]  # Any: whatever a section's fields are; the schema says


class SectionShown(Answer):
    """One section."""

    section: str
    heading: str
    role: Role  #: who may change it
    collection: bool
    version: int | None  #: None of a collection, whose entries have one each


class SectionsShown(Answer):
    """Those that the caller may change, in the order in which they are shown."""

    sections: list[SectionShown]


class Entry(Answer):
    """A section, or an entry of a collection. A secret is {"set": bool}."""

    section: str
    key: str
    version: int  #: 0: never set
    values: Values


class Entries(Answer):
    """All entries of a collection."""

    entries: list[Entry]


class Changes(RootModel[Annotated[Values, Field(max_length=200)]]):
    """Fields that are to be another; null takes one to its default. What is not named stays (RFC 7396)."""


class NewEntry(RootModel[Annotated[Values, Field(max_length=200)]]):
    """The fields of a new entry, and its `key` where it is not made up."""


class Stored(Answer):
    """It is on the disk."""

    key: str
    version: int
    fields: list[str]  #: that really changed
    trial: TrialShown | None  #: of the network: it is taken back unless it is confirmed


class VersionShown(Answer):
    """How it was from one change to the next."""

    version: int
    at: Instant
    by: str
    fields: list[str]
    values: Values | None  #: None: it was removed


class History(Answer):
    """Newest first."""

    versions: list[VersionShown]


class Back(Body):
    """To which version."""

    version: Annotated[int, Field(ge=0, le=2**53)]


@TABLE.get("/api/settings", role=Role.OPERATOR)
async def sections(house: House, caller: Caller) -> SectionsShown:
    """The sections that the caller may change."""
    store = house.settings
    return SectionsShown(
        sections=[
            SectionShown(
                section=kind.about.section,
                heading=kind.about.heading,
                role=kind.about.role,
                collection=bool(kind.about.key),
                version=None if kind.about.key else store.read(kind)[1],
            )
            for kind in store.sections
            if caller.rights.role.may(kind.about.role)
        ]
    )


@TABLE.get("/api/settings/{section}/schema", role=Role.OPERATOR)
async def schema(house: House, caller: Caller, section: str) -> Values:
    """JSON Schema of a section; `x-ui` of each property says what a form needs besides."""
    kind = _kind(house, caller, section)
    told = kind.model_json_schema(mode="validation")
    for order, (name, about) in enumerate(about_fields(kind).items()):
        field = told["properties"][name]
        for made in ("unit", "when", "interrupts", "restore", "once", "certificate"):
            field.pop(made, None)
        field["x-ui"] = {
            "order": order,
            "unit": about.unit,
            "when": about.when,
            "interrupts": about.interrupts.value,
            "restore": (about.restore or kind.about.restore).value,
            "once": about.once,
            "secret": about.secret,
            "certificate": about.certificate.value if about.certificate else None,
        }
    told["x-ui"] = {
        "section": section,
        "heading": kind.about.heading,
        "role": kind.about.role.value,
        "key": kind.about.key,
    }
    return told


@TABLE.get("/api/settings/{section}", role=Role.OPERATOR)
async def read(house: House, caller: Caller, section: str) -> Reply[Entry]:
    """A section, with its version as ETag."""
    return _read(house, _single(house, caller, section), "")


@TABLE.patch("/api/settings/{section}", role=Role.OPERATOR, scope=Scope.ALL)
async def change(
    house: House, caller: Caller, match: int | None, section: str, body: Changes
) -> Reply[Stored]:
    """Change some fields. With If-Match only where nobody changed it meanwhile: else 412."""
    return _change(house, caller, _single(house, caller, section), "", match, body.root)


@TABLE.delete("/api/settings/{section}", role=Role.OPERATOR, scope=Scope.ALL)
async def default(house: House, caller: Caller, match: int | None, section: str) -> Stored:
    """Take a section to its defaults."""
    kind = _single(house, caller, section)
    remove = partial(house.settings.remove, kind, by=caller.by, expect=match)
    return _stored(house, house.trial.change(kind, remove))


@TABLE.get("/api/settings/{section}/history", role=Role.OPERATOR)
async def history(house: House, caller: Caller, section: str) -> History:
    """What a section was."""
    return _history(house.settings.history(_single(house, caller, section)))


@TABLE.post("/api/settings/{section}/restore", role=Role.OPERATOR, scope=Scope.ALL)
async def restore(house: House, caller: Caller, section: str, body: Back) -> Stored:
    """Make a section again what it was."""
    kind = _single(house, caller, section)
    undo = partial(house.settings.undo, kind, body.version, by=caller.by)
    return _stored(house, house.trial.change(kind, undo))


@TABLE.get("/api/settings/{section}/entries", role=Role.OPERATOR)
async def entries(house: House, caller: Caller, section: str) -> Entries:
    """All entries of a collection."""
    kind = _collection(house, caller, section)
    keys = [key for key in house.settings.keys(kind) if _sees(caller, kind, key)]
    return Entries(entries=[_read(house, kind, key).value for key in keys])


@TABLE.post("/api/settings/{section}/entries", role=Role.OPERATOR, scope=Scope.ALL, status=201)
async def make(house: House, caller: Caller, section: str, body: NewEntry) -> Stored:
    """Make an entry. A camera's key is made up; others are given as `key`."""
    kind = _collection(house, caller, section)
    values = dict(body.root)
    key = values.pop("key", None)
    if key is None and kind is Camera:
        key = new_camera_key()
    if not isinstance(key, str):
        raise BadValue("key", "is needed")
    if not re.fullmatch(kind.about.key, key):
        raise BadValue("key", f"must match {kind.about.key}")
    if not _sees(caller, kind, key) or (kind is Camera and caller.rights.cameras is not None):
        raise NotAllowed("This account is limited to some cameras, and can make no others.")
    changed = house.settings.patch(kind, values, key=key, by=caller.by, expect=_fresh(house, kind, key))
    return _stored(house, changed)


@TABLE.get("/api/settings/{section}/entries/{key}", role=Role.OPERATOR)
async def read_entry(house: House, caller: Caller, section: str, key: str) -> Reply[Entry]:
    """One entry, with its version as ETag."""
    return _read(house, _collection(house, caller, section, key), key)


@TABLE.patch("/api/settings/{section}/entries/{key}", role=Role.OPERATOR, scope=Scope.ALL)
async def change_entry(
    house: House, caller: Caller, match: int | None, section: str, key: str, body: Changes
) -> Reply[Stored]:
    """Change some fields of an entry."""
    kind = _collection(house, caller, section, key)
    house.settings.read(kind, key)  # an entry is made by POST alone
    return _change(house, caller, kind, key, match, body.root)


@TABLE.delete("/api/settings/{section}/entries/{key}", role=Role.OPERATOR, scope=Scope.ALL)
async def remove(house: House, caller: Caller, match: int | None, section: str, key: str) -> None:
    """Remove an entry. A camera's recordings stay until retention takes them."""
    house.settings.remove(_collection(house, caller, section, key), key=key, by=caller.by, expect=match)


@TABLE.get("/api/settings/{section}/entries/{key}/history", role=Role.OPERATOR)
async def entry_history(house: House, caller: Caller, section: str, key: str) -> History:
    """What an entry was."""
    return _history(house.settings.history(_collection(house, caller, section, key), key))


@TABLE.post("/api/settings/{section}/entries/{key}/restore", role=Role.OPERATOR, scope=Scope.ALL)
async def restore_entry(house: House, caller: Caller, section: str, key: str, body: Back) -> Stored:
    """Make an entry again what it was, also one that was removed."""
    kind = _collection(house, caller, section, key)
    return _stored(house, house.settings.undo(kind, body.version, key=key, by=caller.by))


def _kind(house: House, caller: Caller, section: str) -> type[Section]:
    kind = house.settings.section(section)
    if not caller.rights.role.may(kind.about.role):
        raise NotAllowed(f"These settings are for the role {kind.about.role.value}.")
    return kind


def _single(house: House, caller: Caller, section: str) -> type[Section]:
    kind = _kind(house, caller, section)
    if kind.about.key:
        raise NotFound("section without entries", section)
    return kind


def _collection(house: House, caller: Caller, section: str, key: str | None = None) -> type[Section]:
    kind = _kind(house, caller, section)
    if not kind.about.key:
        raise NotFound("section with entries", section)
    if key is not None and not _sees(caller, kind, key):
        raise NotFound("entry", f"{section}[{key}]")
    return kind


def _sees(caller: Caller, kind: type[Section], key: str) -> bool:
    return kind is not Camera or caller.rights.may_see(key)


def _fresh(house: House, kind: type[Section], key: str) -> int | None:
    """The version that a new entry is made upon. Raises Conflict's own error through `expect` where there is one."""
    if key in house.settings.keys(kind):
        raise BadValue("key", "is taken")
    return None


def _read(house: House, kind: type[Section], key: str) -> Reply[Entry]:
    value, version = house.settings.read(kind, key)
    entry = Entry(section=kind.about.section, key=key, version=version, values=shown(value))
    return Reply(entry, {"ETag": f'"{version}"'})


def _change(
    house: House, caller: Caller, kind: type[Section], key: str, match: int | None, values: Values
) -> Reply[Stored]:
    patch = partial(house.settings.patch, kind, values, key=key, by=caller.by, expect=match)
    changed = house.trial.change(kind, patch)
    return Reply(_stored(house, changed), {"ETag": f'"{changed.version}"'})


def _stored(house: House, changed: Changed) -> Stored:
    tried = house.trial.shown() if changed.section == Network.about.section else None
    return Stored(
        key=changed.key,
        version=changed.version,
        fields=list(changed.fields),
        trial=tried if tried is not None and tried.state is Phase.TRIED else None,
    )


def _history(versions: list[Version]) -> History:
    return History(
        versions=[
            VersionShown(
                version=each.version, at=each.at, by=each.by, fields=list(each.fields), values=each.values
            )
            for each in versions
        ]
    )
