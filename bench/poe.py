"""Deciding who gets power: one decision for 48 ports, beside one that keeps none of our promises.

No other program that we know of decides about PoE in a form that can be measured. The peer is therefore the least that
one could do: sort all ports by priority and give power until it is used up. It drops running ports without cause, tells
nobody why, and knows no pre-emption. The ratio says what the promises cost.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial

from bench.report import Options, Report
from bench.table import Table, ratio, say, say_ratio, spread
from device.poe.budget import Demand, Priority, allocate
from device.poe.power import CLASSES, Milliwatts, watts

PORTS = 48
BUDGET = watts(740)
TARGET = 50.0  #: microseconds
CALLS = 400  #: in one round


def bench(options: Options) -> Report:
    """Several rounds; in each, ports of random classes and priorities: all new, all running, and with pre-emption."""
    rounds = 20 if options.quick else 100
    draw = random.Random(1)  # noqa: S311 - the same ports in every run
    ours: dict[str, list[float]] = {"all new": [], "steady": [], "pre-emption": []}
    peer: list[float] = []
    options.progress(f"{rounds} rounds of {CALLS} decisions for {PORTS} ports")
    for _ in range(rounds):
        new = [_demand(number, draw) for number in range(1, PORTS + 1)]
        first = allocate(new, BUDGET, preempt=False)
        steady = [
            Demand(one.port, one.asks, first.granted.get(one.port, Milliwatts(0)), one.priority)
            for one in new
        ]
        urgent = [
            one if one.holds else Demand(one.port, one.asks, one.holds, Priority.CRITICAL) for one in steady
        ]
        ours["all new"].append(_microseconds(partial(allocate, new, BUDGET, preempt=False)))
        ours["steady"].append(_microseconds(partial(allocate, steady, BUDGET, preempt=True)))
        ours["pre-emption"].append(_microseconds(partial(allocate, urgent, BUDGET, preempt=True)))
        peer.append(_microseconds(partial(_naive, steady, BUDGET)))
    slowest = max(statistics.median(values) for values in ours.values())
    theirs = statistics.median(peer)
    return Report(
        holdfast={
            "decision_us": round(slowest, 2),
            "target_us": TARGET,
            **{name.replace(" ", "_"): round(statistics.median(values), 2) for name, values in ours.items()},
        },
        peers={"sorted from scratch": {"decision_us": round(theirs, 2)}},
        ratios={"sorted from scratch": ratio(statistics.median(ours["steady"]), theirs)},
        load={"ports": PORTS, "budget_w": BUDGET / 1000, "rounds": rounds, "decisions": CALLS},
        tables=[_table(ours, peer)],
    )


def _demand(port: int, draw: random.Random) -> Demand:
    asks = draw.choice(CLASSES).reserved
    return Demand(port, asks, Milliwatts(0), draw.choice(list(Priority)))


def _naive(ports: Sequence[Demand], budget: int) -> dict[int, int]:
    granted: dict[int, int] = {}
    for one in sorted(ports, key=lambda each: (each.priority, each.port)):
        if one.asks <= budget:
            granted[one.port] = one.asks
            budget -= one.asks
    return granted


def _microseconds(decide: Callable[[], object]) -> float:
    began = time.process_time()
    for _ in range(CALLS):
        decide()
    return (time.process_time() - began) / CALLS * 1e6


def _table(ours: dict[str, list[float]], peer: list[float]) -> Table:
    theirs = statistics.median(peer)
    rows = [
        (
            f"Holdfast, {name}",
            say(statistics.median(values), 1),
            spread(values, 1),
            say_ratio(ratio(statistics.median(values), theirs)),
        )
        for name, values in ours.items()
    ]
    rows.append(("sorted from scratch, no promise kept", say(theirs, 1), spread(peer, 1), ""))
    return Table(
        f"One PoE decision for {PORTS} ports",
        ("", "median us", "rounds us", "against it"),
        rows,
        [
            f"Time of the processor. The target is under {TARGET:g} us.",
            "The second program is ours too: see `bench/poe.py`.",
        ],
    )
