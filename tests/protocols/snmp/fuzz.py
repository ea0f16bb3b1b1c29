"""Hostile datagrams: mutated good ones, and ones that a grammar makes. `python -m tests.protocols.snmp.fuzz 100000`
throws so many of each kind at an agent."""

from __future__ import annotations

import random
import resource
import sys
import time

from protocols.snmp import ber
from protocols.snmp.agent import Agent
from protocols.snmp.ber import tlv
from protocols.snmp.message import V1, V2C, community_message, pdu
from tests.protocols.snmp.rig import BASE, START, Manager, agent, bulk, manager, varbind

_INTEGERS = (0, 1, -1, 127, 128, 255, 65535, 2147483647, -2147483648, 4294967295, 1 << 63)
_TAGS = (
    0x02,
    0x04,
    0x05,
    0x06,
    0x30,
    0x40,
    0x41,
    0x42,
    0x43,
    0x44,
    0x46,
    0x80,
    0x82,
    0x1F,
    0xFF,
    *range(0xA0, 0xA9),
)


def good() -> list[bytes]:
    """Datagrams that are answered."""
    names = [varbind((*BASE, 1, 1, 0)), varbind((*BASE, 2, 1, 2, 3))]
    bodies = [pdu(kind, 99, names) for kind in (0xA0, 0xA1, 0xA3)] + [bulk(99, 1, 20, [(1, 3), (*BASE, 2)])]
    asker = manager()
    return [
        *(community_message(version, b"write", body) for version in (V1, V2C) for body in bodies),
        *(asker.write(body) for body in bodies),
    ]


def mutated(chance: random.Random, seeds: list[bytes]) -> bytes:
    """One of them, with some octets changed, removed, doubled or taken from another."""
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(data)) if data else 0
        match chance.randrange(6):
            case 0 if data:
                data[at] = chance.randrange(256)
            case 1 if data:
                data[at] ^= 1 << chance.randrange(8)
            case 2:
                del data[at : at + chance.randint(1, 9)]
            case 3:
                data[at:at] = data[at : at + chance.randint(1, 30)]
            case 4:
                data[at:at] = chance.randbytes(chance.randint(1, 8))
            case _:
                other = chance.choice(seeds)
                data = data[:at] + other[chance.randrange(len(other)) :]
    return bytes(data)


def grown(chance: random.Random, depth: int = 0) -> bytes:
    """Elements in elements, mostly of the right shape."""
    tag = chance.choice(_TAGS)
    match chance.randrange(8 if depth < 6 else 5):
        case 0:
            body = chance.choice(_INTEGERS).to_bytes(9, "big", signed=True)[chance.randrange(9) :]
        case 1:
            body = chance.randbytes(chance.randint(0, 40))
        case 2:
            body = ber.name_body(
                (1, 3, *(chance.choice(_INTEGERS) & 0xFFFFFFFF for _ in range(chance.randint(0, 20))))
            )
        case 3:
            return ber.integer(chance.choice(_INTEGERS), tag)
        case 4:
            body = b""
        case _:
            body = b"".join(grown(chance, depth + 1) for _ in range(chance.randint(0, 5)))
    whole = tlv(tag, body)
    if chance.random() < 0.05:
        whole = whole[:1] + bytes((chance.choice((0x80, 0x84, 0xFF, 0x7F)),)) + whole[2:]
    return whole


def message(chance: random.Random) -> bytes:
    """A message whose parts a grammar makes: the envelope is right, so that what is inside is looked at."""
    kind = chance.choice((*range(0xA0, 0xA9), 0xA5, 0xA1))
    if chance.random() < 0.6:
        listed = b"".join(
            tlv(0x30, tlv(6, ber.name_body((1, 3, chance.choice(_INTEGERS) & 0xFFFFFFFF))) + grown(chance, 5))
            for _ in range(chance.randint(0, 8))
        )
        numbers = b"".join(ber.integer(chance.choice(_INTEGERS)) for _ in range(3))
        body = tlv(kind, numbers + tlv(0x30, listed))
    else:
        body = tlv(kind, grown(chance, 2) + grown(chance, 2))
    if chance.random() < 0.5:
        return community_message(
            chance.choice((0, 1, 1, 2, 3)), chance.choice((b"public", b"write", b"")), body
        )
    asker = manager_of(chance)
    return asker.write(body)


def manager_of(chance: random.Random) -> Manager:
    """One that says something wrong now and then."""
    asker = _ASKER
    asker.flags = chance.choice((7, 7, 7, 3, 4, 5, 0))
    asker.max_size = chance.choice((484, 1400, 65507, 2147483647))
    asker.boots = chance.choice((7, 7, 7, 0, 2147483647))
    return asker


_ASKER = manager()
_PROBE = community_message(V2C, b"public", pdu(0xA0, 5, [varbind((*BASE, 1, 1, 0))]))


def throw(to: Agent, count: int, seed: int) -> float:
    """So many of each kind; the most that a good request cost meanwhile, in seconds of CPU."""
    chance = random.Random(seed)
    seeds = good()
    longest = 0.0
    expected = to.handle(_PROBE, "good", START)
    assert expected is not None
    for number in range(count):
        for data in (mutated(chance, seeds), message(chance), grown(chance)):
            reply = to.handle(data, "bad", START + number / 1000)
            assert reply is None or len(reply) <= 65507
            to.refused.clear()
        if number % 20 == 0:
            before = time.thread_time()
            assert to.handle(_PROBE, "good", START + number / 1000) == expected
            longest = max(longest, time.thread_time() - before)
    return longest


if __name__ == "__main__":
    under_fire = agent()
    throw(under_fire, 1000, 0)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    slowest = throw(under_fire, int(sys.argv[1]), 1)
    grew = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
    print(
        f"{3 * int(sys.argv[1])} datagrams; a good GET cost at most {slowest * 1000:.2f} ms; memory grew {grew} kB"
    )
