"""Expressions that say when a setting has a meaning: `mode == 'event' and audio`.

A small part of Python's grammar, so that they can be checked, evaluated here, and translated for a form:
names of the section's fields, `==`, `!=`, `in`, `and`, `or`, `not`, strings, numbers, and tuples of these.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from enum import Enum

from device.settings.section import Section, about_fields


class BadExpression(ValueError):
    """A `when` that is not of this form: a mistake in the declaration."""


def names(expression: str) -> set[str]:
    """The fields that an expression looks at. Raises BadExpression."""
    return {node.id for node in ast.walk(_parse(expression)) if isinstance(node, ast.Name)}


def has_meaning(section: Section, field: str) -> bool:
    """Whether a setting does anything, as the others are now."""
    when = about_fields(type(section))[field].when
    if not when:
        return True
    values = {name: getattr(section, name) for name in type(section).model_fields}
    return bool(_value(_parse(when), values))


def _parse(expression: str) -> ast.expr:
    try:
        return ast.parse(expression, mode="eval").body
    except SyntaxError as error:
        raise BadExpression(f"{expression!r}: {error.msg}") from None


def _value(node: ast.expr, values: Mapping[str, object]) -> object:
    match node:
        case ast.Constant():
            return node.value
        case ast.Name() if node.id in values:
            value = values[node.id]
            return value.value if isinstance(value, Enum) else value
        case ast.Tuple():
            return tuple(_value(part, values) for part in node.elts)
        case ast.BoolOp():
            parts = (bool(_value(part, values)) for part in node.values)
            return all(parts) if isinstance(node.op, ast.And) else any(parts)
        case ast.UnaryOp(op=ast.Not()):
            return not _value(node.operand, values)
        case ast.Compare(ops=[ast.Eq()]):
            return _value(node.left, values) == _value(node.comparators[0], values)
        case ast.Compare(ops=[ast.NotEq()]):
            return _value(node.left, values) != _value(node.comparators[0], values)
        case ast.Compare(ops=[ast.In()], comparators=[ast.Tuple() as among]):
            return _value(node.left, values) in [_value(part, values) for part in among.elts]
    raise BadExpression(f"{ast.unparse(node)} cannot stand in `when`")
