"""Views and rights: RFC 3415."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.snmp.ber import Oid
from protocols.snmp.vacm import NOTHING, Family, Level, Member, Model, Right, Vacm, View

SYSTEM: Oid = (1, 3, 6, 1, 2, 1, 1)
INTERFACES: Oid = (1, 3, 6, 1, 2, 1, 2)


def test_the_longest_family_decides() -> None:
    view = View("v", (Family((1, 3), True), Family(SYSTEM, False), Family((*SYSTEM, 5), True)))
    assert view.contains((1, 3, 6))
    assert not view.contains((*SYSTEM, 1, 0))
    assert view.contains((*SYSTEM, 5, 0))
    assert not view.contains((1, 0, 8802))


def test_a_mask_lets_numbers_be_anything() -> None:
    row = Family(
        (*INTERFACES, 2, 1, 0, 5), True, bytes((0xFF, 0xA0))
    )  # the tenth number is free: ifEntry.*.5
    assert row.covers((*INTERFACES, 2, 1, 10, 5))
    assert not row.covers((*INTERFACES, 2, 1, 10, 6))
    assert not row.covers((*INTERFACES, 2, 1, 10))


def test_a_mask_that_is_too_short_goes_on_with_ones() -> None:
    family = Family((1, 3, 6, 1, 4, 1, 9, 9, 7), True, b"\xff")
    assert not family.covers((1, 3, 6, 1, 4, 1, 9, 9, 8))


OIDS = st.lists(st.integers(0, 2), min_size=1, max_size=4).map(tuple)
FAMILIES = st.builds(Family, OIDS, st.booleans(), st.binary(max_size=1))


@given(st.lists(FAMILIES, max_size=4), OIDS, OIDS)
def test_what_is_said_of_a_subtree_holds_for_what_is_in_it(
    families: list[Family], prefix: Oid, rest: Oid
) -> None:
    view = View("v", tuple(families))
    whole = view.whole(prefix)
    if whole is not None:
        assert view.contains((*prefix, *rest)) == whole


def right(level: Level, model: Model = Model.ANY, view: View = NOTHING) -> Right:
    return Right("g", model, level, view, NOTHING, NOTHING)


@pytest.mark.parametrize(
    ("level", "expected"),
    [(Level.NO_AUTH, None), (Level.AUTH, Level.AUTH), (Level.PRIVACY, Level.PRIVACY)],
)
def test_the_highest_level_that_is_reached_counts(level: Level, expected: Level | None) -> None:
    vacm = Vacm((Member(Model.USM, "anna", "g"),), (right(Level.AUTH), right(Level.PRIVACY)))
    found = vacm.right(Model.USM, "anna", level)
    assert (None if found is None else found.level) == expected


def test_a_right_of_the_model_goes_before_one_of_any() -> None:
    vacm = Vacm((Member(Model.USM, "anna", "g"),), (right(Level.AUTH), right(Level.NO_AUTH, Model.USM)))
    found = vacm.right(Model.USM, "anna", Level.PRIVACY)
    assert found is not None
    assert found.model is Model.USM


def test_a_name_without_a_group_has_no_right() -> None:
    vacm = Vacm((Member(Model.V1, "anna", "g"),), (right(Level.NO_AUTH),))
    assert vacm.right(Model.USM, "anna", Level.PRIVACY) is None
    assert vacm.right(Model.V1, "otto", Level.NO_AUTH) is None
