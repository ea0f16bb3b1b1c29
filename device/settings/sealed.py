"""How a section lies in the database, and how it is shown: only what somebody has set, and no secret in the
open."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import SecretStr

from device.settings.section import Section, about_fields, where
from device.vault import Vault


def to_row(value: Section, key: str, vault: Vault) -> dict[str, object]:
    """The fields that were set, as JSON values; secrets as {"sealed": text}."""
    row: dict[str, object] = value.model_dump(mode="json", exclude_unset=True)
    for field in about_fields(type(value)).values():
        if field.secret and field.name in row:
            secret: SecretStr = getattr(value, field.name)
            about = where(type(value), key, field.name)
            row[field.name] = {"sealed": vault.seal(secret.get_secret_value(), about)}
    return row


def from_row(kind: type[Section], key: str, row: Mapping[str, object], vault: Vault) -> dict[str, object]:
    """The values of a row with its secrets opened. Raises SealBroken."""
    values = dict(row)
    for field in about_fields(kind).values():
        held = values.get(field.name)
        if field.secret and isinstance(held, dict):
            values[field.name] = vault.open(str(held.get("sealed")), where(kind, key, field.name))
    return values


def shown(value: Section) -> dict[str, object]:
    """All fields as JSON values, for people and programs; a secret is {"set": bool}."""
    found: dict[str, object] = value.model_dump(mode="json")
    for field in about_fields(type(value)).values():
        if field.secret:
            secret: SecretStr = getattr(value, field.name)
            found[field.name] = {"set": bool(secret.get_secret_value())}
    return found


def opened(value: Section) -> dict[str, object]:
    """All fields as JSON values with the secrets in the open: for another part of the recorder, never for people."""
    found: dict[str, object] = value.model_dump(mode="json")
    for field in about_fields(type(value)).values():
        if field.secret:
            secret: SecretStr = getattr(value, field.name)
            found[field.name] = secret.get_secret_value()
    return found


def plain(values: Mapping[str, object]) -> dict[str, object]:
    """What somebody sent back: a secret as it was shown ({"set": ...}) means that it stays as it is."""
    return {
        name: value
        for name, value in values.items()
        if not (isinstance(value, dict) and value.keys() == {"set"})
    }
