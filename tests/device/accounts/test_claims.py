"""Which role the claims of a token give."""

from __future__ import annotations

import pytest

from device.accounts.claims import Claim, Roles
from device.accounts.role import Role

NESTED = {"realm_access": {"roles": ["recorder"]}, "a.b": "literal", "a": {"b": "nested"}}


@pytest.mark.parametrize(
    ("text", "claims", "held"),
    [
        ("group=chiefs", {"group": "chiefs"}, True),
        ("group=chiefs", {"group": "chiefs too"}, False),
        ("group=chiefs", {"group": ["others", "chiefs"]}, True),
        ("group=chiefs", {"group": None}, False),
        ("group=chiefs", {}, False),
        ("scope=record", {"scope": "openid record"}, True),
        ("scope=record", {"scope": "openid recorder"}, False),
        ("level=7", {"level": 7}, True),
        ("staff=true", {"staff": True}, True),
        ("staff=1", {"staff": True}, False),
        ("aud=https://a.example/=x", {"aud": ["https://a.example/=x"]}, True),
        ("realm_access.roles=recorder", NESTED, True),
        ("a.b=literal", NESTED, True),
        ("a.b=nested", NESTED, False),
        ("realm_access.roles.more=recorder", NESTED, False),
    ],
)
def test_a_claim_is_held_or_not(text: str, claims: dict[str, object], held: bool) -> None:
    assert Claim.parse(text).held_by(claims) is held


@pytest.mark.parametrize("text", ["", "group", "=x", "group=", " = "])
def test_what_is_no_claim_says_how_one_is_written(text: str) -> None:
    with pytest.raises(ValueError, match="NAME=VALUE"):
        Claim.parse(text)


def test_the_highest_role_counts_and_what_is_required_is_required() -> None:
    is_a, is_b, must = Claim("g", "a"), Claim("g", "b"), Claim("m", "1")
    roles = Roles(administrator=is_a, operator=None, viewer=is_b, require=must)
    assert roles.role({"g": ["b", "a"], "m": 1}) is Role.ADMINISTRATOR
    assert roles.role({"g": "b", "m": 1}) is Role.VIEWER
    assert roles.role({"g": "a"}) is None
    assert roles.role({"g": "c", "m": 1}) is None
