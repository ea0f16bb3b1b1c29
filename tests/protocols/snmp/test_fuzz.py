"""Whatever comes, nothing is raised, nothing is kept, and a good request is answered as before."""

from __future__ import annotations

import random
import tracemalloc

from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.snmp.notify import Outbox
from protocols.snmp.usm import Engine
from tests.protocols.snmp.fuzz import good, message, mutated, throw
from tests.protocols.snmp.rig import BASE, ENGINE, START, agent

AGENT = agent()


def test_mutated_and_grown_datagrams_do_no_harm() -> None:
    throw(AGENT, 1500, 20261122)


@given(st.binary(max_size=300))
@settings(max_examples=300)
def test_any_octets_do_no_harm(data: bytes) -> None:
    AGENT.handle(data, "peer", START)


def test_memory_is_flat_under_fire() -> None:
    to = agent()
    throw(to, 200, 1)
    tracemalloc.start()
    try:
        throw(to, 100, 2)
        before, _ = tracemalloc.get_traced_memory()
        throw(to, 400, 3)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 200_000


def test_the_outbox_takes_no_harm_from_what_comes_back() -> None:
    outbox = Outbox(Engine(ENGINE, 1, 1), START, BASE, 1)
    chance = random.Random(3)
    seeds = good()
    for _ in range(1000):
        for data in (mutated(chance, seeds), message(chance)):
            assert outbox.receive(data, ("192.0.2.1", 162), START) == []
