"""The bench of SNMP: both agents serve the same rows, and answer every kind of request."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from bench.programs import BenchError, until
from bench.snmp import KINDS, _agents, _answers, _compare, _load, _prepare, _rows
from bench.snmp_walk import walk


def test_both_agents_show_the_same_rows_and_answer_all_kinds(tmp_path: Path) -> None:
    with _agents(tmp_path) as contenders:
        for contender in contenders:
            until(partial(_answers, contender.port), 20.0, f"{contender.name} to answer")
        ours, theirs = contenders
        until(lambda: bool(_rows(ours.port)), 20.0, "our agent to read the machine")
        rows = [_rows(contender.port) for contender in (ours, theirs)]
        _compare(*rows)
        for _, version, operation in KINDS.values():
            for contender in contenders:
                cost, size = _load(
                    contender, _prepare(contender.port, version, operation, sorted(rows[0])), 50
                )
                assert cost > 0
                assert size > 40


def test_a_recorder_of_16_cameras_is_walked_to_its_end(tmp_path: Path) -> None:
    with _agents(tmp_path) as (ours, _):
        until(partial(_answers, ours.port), 30.0, "our agent to answer")
        found = walk(ours.port)
    assert found.rows > 500
    assert found.requests > found.rows / 50
    assert found.gets


def test_agents_that_show_different_things_are_not_compared() -> None:
    name = (1, 3, 6, 1, 2, 1, 2, 2, 1, 3, 1)
    with pytest.raises(BenchError, match="instances"):
        _compare({name: b"x"}, {})
    with pytest.raises(BenchError, match="values"):
        _compare({name: b"x"}, {name: b"y"})
