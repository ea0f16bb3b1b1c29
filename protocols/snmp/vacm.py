"""Who may see and change what (RFC 3415): views of the tree, and which of them a name gets."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from protocols.snmp.ber import Oid


class Model(IntEnum):
    """Security models (RFC 3411 s5, SnmpSecurityModel)."""

    ANY = 0
    V1 = 1
    V2C = 2
    USM = 3


class Level(IntEnum):
    """Security levels (RFC 3411 s3.4.3)."""

    NO_AUTH = 1
    AUTH = 2
    PRIVACY = 3


@dataclass(frozen=True, slots=True)
class Family:
    """A family of subtrees, in a view or taken out of it (RFC 3415 s4, vacmViewTreeFamilyTable)."""

    subtree: Oid
    included: bool
    mask: bytes = b""  #: bit 0 of an octet is its highest; a bit that is missing counts as 1

    def covers(self, name: Oid) -> bool:
        """Whether `name` lies in it."""
        if len(name) < len(self.subtree):
            return False
        if not self.mask:
            return name[: len(self.subtree)] == self.subtree
        return all(
            name[i] == sub or (i // 8 < len(self.mask) and not self.mask[i // 8] & 0x80 >> i % 8)
            for i, sub in enumerate(self.subtree)
        )

    def overlaps(self, prefix: Oid) -> bool:
        """Whether a name below `prefix` can lie in it."""
        return self.covers(prefix) or Family(self.subtree[: len(prefix)], True, self.mask).covers(prefix)


@dataclass(frozen=True, slots=True)
class View:
    """A part of the tree."""

    name: str
    families: tuple[Family, ...]

    def contains(self, name: Oid) -> bool:
        """RFC 3415 s4: the longest family that covers the name decides; of equally long ones the greatest."""
        covering = [family for family in self.families if family.covers(name)]
        if not covering:
            return False
        return max(covering, key=lambda family: (len(family.subtree), family.subtree)).included

    def whole(self, prefix: Oid) -> bool | None:
        """Whether everything below `prefix` is in the view, nothing is (False), or some is (None)."""
        inside = [f for f in self.families if f.overlaps(prefix) and not f.covers(prefix)]
        return None if inside else self.contains(prefix)


NOTHING = View("", ())


@dataclass(frozen=True, slots=True)
class Member:
    """A name in a group (vacmSecurityToGroupTable)."""

    model: Model
    name: str
    group: str


@dataclass(frozen=True, slots=True)
class Right:
    """What a group may do from a level on (vacmAccessTable); the context is the default one, ""."""

    group: str
    model: Model
    level: Level
    read: View
    write: View
    notify: View


@dataclass(frozen=True, slots=True)
class Vacm:
    """The whole configuration."""

    members: tuple[Member, ...]
    rights: tuple[Right, ...]

    def right(self, model: Model, name: str, level: Level) -> Right | None:
        """What applies (RFC 3415 s4, vacmAccessTable: the model itself before any, the highest level that is
        reached); None where the name has no group, or its group no right at this level."""
        group = next((m.group for m in self.members if m.model == model and m.name == name), None)
        fitting = [
            right
            for right in self.rights
            if right.group == group and right.model in (Model.ANY, model) and right.level <= level
        ]
        return max(fitting, key=lambda right: (right.model == model, right.level), default=None)
