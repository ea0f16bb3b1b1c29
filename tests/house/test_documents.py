"""The pages that are made from the code."""

from __future__ import annotations

from tests.documents import stale


def test_the_pages_say_what_the_code_says() -> None:
    assert list(stale()) == [], "run python -m tests.documents --write"
