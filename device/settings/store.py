"""Where settings are kept: one row for each section or entry, and every row that there was before.

The control plane writes; the other planes open the same database read-only and follow its history. A change
is durable when a method returns.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeVar

from device.clock import Clock
from device.database import changes, open_database, transaction
from device.errors import BadValue, Fault, NotFound, Refused, Severity, Wire
from device.media import Utc
from device.settings.sealed import from_row, plain, to_row
from device.settings.section import (
    InvalidSettings,
    Keep,
    Scope,
    Section,
    about_fields,
    check_key,
    validate,
    where,
)
from device.vault import SealBroken, Vault

S = TypeVar("S", bound=Section)

#: Of a section or entry, its key, and the names of the fields that somebody sets. Raises BadValue where they cannot be.
Check = Callable[[Section, str, Collection[str]], None]

HISTORY = 100  #: versions that are kept of each section or entry

SCHEMA = (
    """
    CREATE TABLE setting(
        section TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL,
        json TEXT NOT NULL, by TEXT NOT NULL, at INTEGER NOT NULL,
        PRIMARY KEY (section, key)) WITHOUT ROWID;
    CREATE TABLE setting_history(
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        section TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL,
        json TEXT, fields TEXT NOT NULL, by TEXT NOT NULL, at INTEGER NOT NULL,
        UNIQUE (section, key, version));
    """,
)


class Conflict(Refused):
    """Somebody else changed it first. `version`: what it is now."""

    hint = "Look at what it is now, and change it again."
    wire: ClassVar[Wire] = Wire(412, 455, "ter:ActionNotSupported", "inconsistentValue", Severity.NOTICE)

    def __init__(self, place: str, expected: int, version: int) -> None:
        super().__init__(f"{place} is at version {version}, not {expected}.")
        self.version = version


class AlreadySet(Refused):
    """A setting that can be set once is set."""

    hint = "A factory default takes it away; then it can be set again."


class SettingLost(Fault):
    """What is stored cannot be used by this version of the recorder."""


@dataclass(frozen=True, slots=True)
class Changed:
    """One change of one section or entry."""

    seq: int  #: grows with every change; 0 where there was nothing to change
    section: str
    key: str  #: empty where the section is not a collection
    version: int  #: of the section or entry from now on
    fields: tuple[str, ...]  #: that have another value than before
    removed: bool  #: it is gone, or back at its defaults
    by: str
    at: Utc


@dataclass(frozen=True, slots=True)
class Version:
    """How a section or entry was from one change to the next."""

    version: int
    values: dict[str, object] | None  #: those that were set, as they may be shown; None: it was removed
    fields: tuple[str, ...]
    by: str
    at: Utc


class Store:
    """The settings in one data folder.

        store.get(Recording).durability
        store.patch(Camera, {"name": "Gate"}, key="c-7f3k2m", by="anna", expect=3)
        async for changed in store.follow(store.position(), every=0.25): ...

    Not for several threads at once.
    """

    def __init__(
        self, path: Path, vault: Vault, sections: Sequence[type[Section]], clock: Clock, *, readonly: bool
    ) -> None:
        """Raises DatabaseFault."""
        self._path = path
        self._vault = vault
        self._sections = {kind.about.section: kind for kind in sections}
        self._clock = clock
        self._database = open_database(path, SCHEMA, readonly=readonly)
        self._listeners: list[Callable[[Changed], None]] = []
        self._checks: list[Check] = []
        self._made: dict[tuple[type[Section], str], tuple[str, Section]] = {}  #: of which text, the last time
        #: stored settings that could not be used, and why; the first time they were read as they are
        self.problems: dict[str, str] = {}

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    # ---------------------------------------------------------------------------------------- reading

    @property
    def sections(self) -> tuple[type[Section], ...]:
        """All sections, in the order in which they are shown."""
        return tuple(self._sections.values())

    def section(self, name: str) -> type[Section]:
        """The section of that name. Raises NotFound."""
        if name not in self._sections:
            raise NotFound("section of settings", name)
        return self._sections[name]

    def get(self, kind: type[S], key: str = "") -> S:
        """A section, or an entry of a collection. Raises NotFound where there is no such entry."""
        return self.read(kind, key)[0]

    def read(self, kind: type[S], key: str = "") -> tuple[S, int]:
        """The same with its version; 0: never set."""
        check_key(kind, key)
        found = self._database.execute(
            "SELECT json FROM setting WHERE section = ? AND key = ?", (kind.about.section, key)
        ).fetchone()
        if found is None and kind.about.key:
            raise NotFound("entry", f"{kind.about.section}[{key}]")
        version = self._version(kind, key)
        return self._known(kind, key, "{}" if found is None else found[0]), version

    def entries(self, kind: type[S]) -> dict[str, S]:
        """All entries of a collection, by key. One that cannot be used is left out, and named in
        `problems`."""
        rows = self._database.execute(
            "SELECT key, json FROM setting WHERE section = ? ORDER BY key", (kind.about.section,)
        )
        found: dict[str, S] = {}
        for key, text in rows.fetchall():
            try:
                found[key] = self._known(kind, key, text)
            except SettingLost as error:
                self.problems[where(kind, key)] = str(error)
        return found

    def keys(self, kind: type[Section]) -> list[str]:
        """The keys of a collection, sorted; of another section, its only one, which is empty."""
        if not kind.about.key:
            return [""]
        rows = self._database.execute(
            "SELECT key FROM setting WHERE section = ? ORDER BY key", (kind.about.section,)
        )
        return [str(key) for (key,) in rows]

    def history(self, kind: type[Section], key: str = "") -> list[Version]:
        """What it was, newest first."""
        rows = self._database.execute(
            "SELECT version, json, fields, by, at FROM setting_history WHERE section = ? AND key = ?"
            " ORDER BY version DESC",
            (kind.about.section, key),
        )
        return [
            Version(version, _hidden(text), tuple(json.loads(fields)), by, Utc(at))
            for version, text, fields, by, at in rows
        ]

    def position(self) -> int:
        """Number of the last change: read it before the settings, and `follow` from there misses nothing."""
        (seq,) = self._database.execute("SELECT max(seq) FROM setting_history").fetchone()
        return seq or 0

    def since(self, position: int) -> list[Changed]:
        """All changes after that one, oldest first. Where more than `HISTORY` were made of one thing, the
        last of them."""
        rows = self._database.execute(
            "SELECT seq, section, key, version, fields, json IS NULL, by, at FROM setting_history"
            " WHERE seq > ? ORDER BY seq",
            (position,),
        )
        return [
            Changed(seq, section, key, version, tuple(json.loads(fields)), bool(removed), by, Utc(at))
            for seq, section, key, version, fields, removed, by, at in rows
        ]

    async def follow(self, position: int, *, every: float) -> AsyncIterator[Changed]:
        """Every change after `position`, whichever process makes it; looks every so many seconds, for
        ever."""
        database = open_database(
            self._path, SCHEMA, readonly=True
        )  # its own: data_version tells of others' commits
        seen = -1
        try:
            while True:
                now = changes(database)
                if now != seen:
                    seen = now
                    for changed in self.since(position):
                        position = changed.seq
                        yield changed
                await asyncio.sleep(every)
        finally:
            database.close()

    def subscribe(self, listener: Callable[[Changed], None]) -> Callable[[], None]:
        """Call `listener` after each change that this store makes; returns what ends it. It must not
        raise."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    # ---------------------------------------------------------------------------------------- writing

    def check(self, check: Check) -> None:
        """Let `check` refuse what somebody sets: for what a section cannot know by itself. What is made again what it
        was is not asked about, for that was right once."""
        self._checks.append(check)

    def _ask(self, value: Section, key: str, fields: Collection[str]) -> None:
        for check in self._checks:
            check(value, key, fields)

    def set(self, value: Section, *, key: str = "", by: str, expect: int | None = None) -> Changed:
        """Put a section or entry in the place of what is there, or make it. What is not set in it goes to
        its default.

        `expect`: the version that the writer has seen. Raises Conflict, BadValue.
        """
        kind = type(value)
        check_key(kind, key)
        self._ask(value, key, value.model_fields_set)
        with transaction(self._database):
            self._expect(kind, key, expect)
            changed = self._change(kind, key, to_row(value, key, self._vault), by)
        return self._tell(changed)

    def patch(
        self,
        kind: type[Section],
        changes: Mapping[str, object],
        *,
        key: str = "",
        by: str,
        expect: int | None = None,
    ) -> Changed:
        """Change the named fields. Makes an entry where there is none. None takes a field to its default; a
        secret given as it is shown stays.

        Raises InvalidSettings, Conflict.
        """
        with transaction(self._database):
            self._expect(kind, key, expect)
            made = self.draft(kind, changes, key=key)
            self._ask(made, key, changes.keys())
            changed = self._change(kind, key, to_row(made, key, self._vault), by)
        return self._tell(changed)

    def draft(self, kind: type[S], changes: Mapping[str, object], *, key: str = "") -> S:
        """What `patch` would make of a section, to be tried or shown: nothing is stored. Raises InvalidSettings."""
        check_key(kind, key)
        values: dict[str, object] = {}
        row = self._row(kind, key)
        if row is not None:
            try:
                now = self._value(kind, key, row)
                values = {name: getattr(now, name) for name in now.model_fields_set}
            except SettingLost:
                pass  # what is missing may be among the changes; validation says if not
        given = plain(changes)
        values = {name: value for name, value in values.items() if name not in given}
        values |= {name: value for name, value in given.items() if value is not None}
        return validate(kind, key, values)

    def remove(self, kind: type[Section], *, key: str = "", by: str, expect: int | None = None) -> Changed:
        """Remove an entry, or take a section to its defaults. Raises NotFound, Conflict."""
        check_key(kind, key)
        with transaction(self._database):
            if self._row(kind, key) is None and kind.about.key:
                raise NotFound("entry", f"{kind.about.section}[{key}]")
            self._expect(kind, key, expect)
            changed = self._change(kind, key, None, by)
        return self._tell(changed)

    def undo(self, kind: type[Section], version: int, *, key: str = "", by: str) -> Changed:
        """Make it again what it was at a version; 0: never set. Raises NotFound where that is forgotten."""
        check_key(kind, key)
        with transaction(self._database):
            row = None
            if version:
                found = self._database.execute(
                    "SELECT json FROM setting_history WHERE section = ? AND key = ? AND version = ?",
                    (kind.about.section, key, version),
                ).fetchone()
                if found is None:
                    raise NotFound(f"version of {where(kind, key)}", str(version))
                row = None if found[0] is None else json.loads(found[0])
            changed = self._change(kind, key, row, by)
        return self._tell(changed)

    def reset(self, scope: Scope, *, by: str) -> list[Changed]:
        """Restore or factory default: everything goes that its declaration does not keep. All of it or
        nothing.

        Factory default forgets the history too, in which there are secrets.
        """
        made = []
        with transaction(self._database):
            for kind in self.sections:
                for key in self.keys(kind):
                    row = self._row(kind, key)
                    if row is not None:
                        made.append(
                            self._write(kind, key, self._sound(kind, key, _kept(kind, row, scope)), by)
                        )
            if scope is Scope.FACTORY:
                last = "SELECT max(seq) FROM setting_history GROUP BY section, key"  # so that versions go on
                self._database.execute(f"DELETE FROM setting_history WHERE seq NOT IN ({last})")  # noqa: S608 - a constant
        return [self._tell(changed) for changed in made if changed.seq]

    # --------------------------------------------------------------------------------------- within

    def _sound(
        self, kind: type[Section], key: str, row: dict[str, object] | None
    ) -> dict[str, object] | None:
        """A row, None where it is nothing without what was taken from it."""
        try:
            return row and to_row(
                validate(kind, key, from_row(kind, key, row, self._vault)), key, self._vault
            )
        except (InvalidSettings, SealBroken):
            return None

    def _row(self, kind: type[Section], key: str) -> dict[str, object] | None:
        found = self._database.execute(
            "SELECT json FROM setting WHERE section = ? AND key = ?", (kind.about.section, key)
        ).fetchone()
        return None if found is None else json.loads(found[0])

    def _version(self, kind: type[Section], key: str) -> int:
        (version,) = self._database.execute(
            "SELECT max(version) FROM setting_history WHERE section = ? AND key = ?",
            (kind.about.section, key),
        ).fetchone()
        return version or 0

    def _expect(self, kind: type[Section], key: str, expect: int | None) -> None:
        version = self._version(kind, key)
        if expect is not None and expect != version:
            raise Conflict(where(kind, key), expect, version)

    def _known(self, kind: type[S], key: str, text: str) -> S:
        """What a row's text says. It is read far more often than it changes."""
        text_then, value = self._made.get((kind, key), ("", None))
        if text_then != text or not isinstance(value, kind):
            value = self._value(kind, key, json.loads(text))
            self._made[kind, key] = text, value
        return value

    def _value(self, kind: type[S], key: str, row: Mapping[str, object]) -> S:
        """What a row says. A field that this version does not know, or would not take, is as if it were not
        set: a camera goes on being recorded. Raises SettingLost where it cannot be without the field."""
        values: dict[str, object] = {}
        for name, value in row.items():
            if name in kind.model_fields:
                try:
                    values |= from_row(kind, key, {name: value}, self._vault)
                except SealBroken as error:
                    self.problems[where(kind, key, name)] = str(error)
        while True:
            try:
                return validate(kind, key, values)
            except InvalidSettings as error:
                self.problems |= error.problems
                victims = [name for name in values if _names(error.problems, where(kind, key, name))]
                if not victims:  # a rule between fields: those that were declared last matter least
                    optional = [
                        n for n, info in kind.model_fields.items() if n in values and not info.is_required()
                    ]
                    victims = optional[-1:]
                if not victims:
                    raise SettingLost(str(error)) from None
                for name in victims:
                    del values[name]

    def _change(self, kind: type[Section], key: str, row: Mapping[str, object] | None, by: str) -> Changed:
        """A change that a person makes, who may not touch what can be set once. Raises AlreadySet."""
        before = self._row(kind, key)
        for name, field in about_fields(kind).items():
            if field.once and before is not None and name in before:
                now = getattr(self._value(kind, key, before), name)
                then = None if row is None else getattr(self._value(kind, key, row), name)
                if now != kind.model_fields[name].default and now != then:
                    raise AlreadySet(f"{where(kind, key, name)} is set, and can be set only once.")
        return self._write(kind, key, row, by)

    def _write(self, kind: type[Section], key: str, row: Mapping[str, object] | None, by: str) -> Changed:
        """Inside a transaction: the row and its history. Nothing is written where nothing changes."""
        before, old = self._row(kind, key), self._version(kind, key)
        fields = self._differing(kind, key, before, row)
        at = self._clock.utc()
        if not fields and (before is None) == (row is None):
            return Changed(0, kind.about.section, key, old, (), row is None, by, at)
        if before is None and kind.about.key and len(self.keys(kind)) >= kind.about.most:
            raise BadValue(kind.about.section, f"there can be at most {kind.about.most}")
        version = old + 1
        text = None if row is None else json.dumps(row, ensure_ascii=False)
        if text is None:
            self._database.execute(
                "DELETE FROM setting WHERE section = ? AND key = ?", (kind.about.section, key)
            )
            self._made.pop((kind, key), None)  # with the secrets in it
        else:
            self._database.execute(
                "INSERT OR REPLACE INTO setting VALUES (?, ?, ?, ?, ?, ?)",
                (kind.about.section, key, version, text, by, at),
            )
        made = self._database.execute(
            "INSERT INTO setting_history(section, key, version, json, fields, by, at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (kind.about.section, key, version, text, json.dumps(fields), by, at),
        )
        self._database.execute(
            "DELETE FROM setting_history WHERE section = ? AND key = ? AND version <= ?",
            (kind.about.section, key, version - HISTORY),
        )
        assert made.lastrowid is not None
        return Changed(made.lastrowid, kind.about.section, key, version, tuple(fields), row is None, by, at)

    def _differing(
        self,
        kind: type[Section],
        key: str,
        before: Mapping[str, object] | None,
        after: Mapping[str, object] | None,
    ) -> list[str]:
        """Names of the fields whose value is not the same, secrets compared in the open."""
        sides = []
        for row in (before, after):
            values: dict[str, object] = {}
            if row is not None:
                value = self._value(kind, key, row)
                values = {name: getattr(value, name) for name in kind.model_fields}
            elif not kind.about.key:
                value = kind()
                values = {name: getattr(value, name) for name in kind.model_fields}
            sides.append(values)
        return [name for name in kind.model_fields if sides[0].get(name) != sides[1].get(name)]

    def _tell(self, changed: Changed) -> Changed:
        if changed.seq:
            for listener in list(self._listeners):
                listener(changed)
        return changed


def _names(problems: Mapping[str, str], field: str) -> bool:
    """Whether one of the problems lies in that field."""
    return any(place == field or place.startswith(f"{field}.") for place in problems)


def _kept(kind: type[Section], row: Mapping[str, object], scope: Scope) -> dict[str, object] | None:
    """What a reset leaves of a row, None where nothing."""
    whole = kind.about.restore if scope is Scope.RESTORE else kind.about.factory
    kept = {}
    for name, field in about_fields(kind).items():
        keep = field.restore if scope is Scope.RESTORE and field.restore else whole
        if (keep is Keep.YES or field.box) and name in row:
            kept[name] = row[name]
    return kept or None


def _hidden(text: str | None) -> dict[str, object] | None:
    """A row as it may be shown."""
    if text is None:
        return None
    row: dict[str, object] = json.loads(text)
    return {
        name: {"set": True} if isinstance(v, dict) and v.keys() == {"sealed"} else v
        for name, v in row.items()
    }
