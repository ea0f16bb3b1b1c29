"""Which settings name which certificates."""

from __future__ import annotations

from collections.abc import Collection

from device.certificates.store import Certificates
from device.errors import NotFound
from device.settings.section import AboutField, InvalidSettings, Section, about_fields, where
from device.settings.store import Store


def uses(settings: Store) -> dict[str, list[str]]:
    """By the id of a certificate the settings that name it: `tls.https`, `syslog[siem].authorities`."""
    found: dict[str, list[str]] = {}
    for kind in settings.sections:
        fields = _fields(kind)
        if fields:
            values = settings.entries(kind) if kind.about.key else {"": settings.get(kind)}
            for key, value in values.items():
                for field in fields:
                    for id_ in _named(value, field):
                        found.setdefault(id_, []).append(where(kind, key, field.name))
    return found


def refuse_unknown(certificates: Certificates, value: Section, key: str, changed: Collection[str]) -> None:
    """Raises InvalidSettings where one of the fields `changed` names a certificate that is not there, or is not for
    that."""
    for field in _fields(type(value)):
        for id_ in _named(value, field) if field.name in changed else ():
            try:
                known = certificates.get(id_)
            except NotFound:
                problem = f"there is no certificate {id_}"
            else:
                if known.purpose is field.certificate:
                    continue
                problem = f"{known.name} is no certificate of that kind"
            raise InvalidSettings({where(type(value), key, field.name): problem})


def _fields(kind: type[Section]) -> list[AboutField]:
    return [field for field in about_fields(kind).values() if field.certificate is not None]


def _named(value: Section, field: AboutField) -> tuple[str, ...]:
    held: str | tuple[str, ...] = getattr(value, field.name)
    return held if isinstance(held, tuple) else (held,) if held else ()
