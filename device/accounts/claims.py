"""What a provider's token says of who comes, as a role here. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from device.accounts.role import Role

Claims = Mapping[str, Any]  # Any: JSON, as the provider wrote it


@dataclass(frozen=True, slots=True)
class Claim:
    """A value that a token must hold under a name."""

    name: str
    value: str

    @classmethod
    def parse(cls, text: str) -> Claim:
        """Of `NAME=VALUE`. Raises ValueError, which says how it must be."""
        name, equals, value = text.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise ValueError("must be NAME=VALUE, such as groups=recorder-admins")
        return cls(name.strip(), value.strip())

    def held_by(self, claims: Claims) -> bool:
        """Whether a token holds it: as the value itself, as one of a list, or as one of the words of `scope`
        (RFC 8693 s4.2)."""
        found = _look_up(claims, self.name)
        if isinstance(found, str):
            return found == self.value or (self.name == "scope" and self.value in found.split(" "))
        if isinstance(found, list):
            return any(_word(each) == self.value for each in found)
        return _word(found) == self.value


@dataclass(frozen=True, slots=True)
class Roles:
    """Which claim makes somebody what; None: nobody becomes that by a claim."""

    administrator: Claim | None
    operator: Claim | None
    viewer: Claim | None
    require: Claim | None  #: what every token must hold besides

    def role(self, claims: Claims) -> Role | None:
        """The highest role that a token gives; None: it opens nothing here."""
        if self.require is not None and not self.require.held_by(claims):
            return None
        given = (
            (Role.ADMINISTRATOR, self.administrator),
            (Role.OPERATOR, self.operator),
            (Role.VIEWER, self.viewer),
        )
        return next((role for role, claim in given if claim is not None and claim.held_by(claims)), None)


def _look_up(claims: Claims, name: str) -> Any:
    """A claim by its name; else along the dots in it, as some providers nest them (`realm_access.roles`)."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(part)
    return found


def _word(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else None
