"""Our agent alone, with this machine's own rows, for the bench: `python -m bench.snmp_agent PORT USER PASSWORD`.

Everything is as in the recorder: readings of the machine every second in a thread, views, limits, users. It shows a
recorder of 16 cameras besides, which is made up.
"""

from __future__ import annotations

import asyncio
import sys
import time

from pydantic import SecretStr

from bench.snmp_recorder import fill
from device.linux.host import read_host
from device.media import Utc
from device.settings.snmp import Snmp, SnmpAuthentication, SnmpVersion
from protocols.snmp.access import access, secret_of
from protocols.snmp.agent import Agent, Limits
from protocols.snmp.endpoint import Endpoint
from protocols.snmp.kept import Kept
from protocols.snmp.notify import Outbox
from protocols.snmp.projection.oids import HF_RECORDER
from protocols.snmp.projection.recorder import TABLES, Chassis, Projection
from protocols.snmp.tree import Tree
from protocols.snmp.usm import Engine

ENGINE = bytes.fromhex("80007ed905") + b"bench-of-snmp-00"
_MANY = 1e6  #: requests a second that one address may send: the limit is at work, and in nobody's way


async def serve(port: int, password: str) -> None:
    """Until killed."""
    tree = Tree(TABLES)
    started = time.monotonic()
    agent = Agent(tree, Engine(ENGINE, 1, 0), started, Limits(_MANY, _MANY, 1024))
    projection = Projection(
        tree,
        agent,
        Kept(),
        Chassis("bench", "0", "Holdfast", "recorder"),
        lambda: Utc(time.time_ns() // 1000),
    )
    settings = Snmp(
        version=SnmpVersion.ALL,
        read_community=SecretStr("public"),
        initial_password=SecretStr(password),
        authentication=SnmpAuthentication.SHA,
    )
    given = access(settings, secret_of(settings), ENGINE)
    agent.configure(given)
    projection.access(given)
    projection.names("bench", "", "")
    projection.switches()
    fill(projection, started, Utc(time.time_ns() // 1000))
    outbox = Outbox(agent.engine, started, HF_RECORDER, 1)
    async with Endpoint(agent, outbox, [("127.0.0.1", port)], time.monotonic, lambda: None):
        while True:
            projection.host(await asyncio.to_thread(read_host))
            await asyncio.sleep(1.0)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2]))
