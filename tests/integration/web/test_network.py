"""A change of the network by the API: it is tried, and confirmed by a new connection."""

from __future__ import annotations

import asyncio

from device.settings.network import Network
from tests.integration.web.rig import Got, Web

PATH = "/api/network/trial"
MOVED = {"ipv4": "manual", "ipv4_address": "192.0.2.44", "ipv4_router": "192.0.2.1"}


async def test_a_change_that_could_cut_off_is_tried_until_a_new_connection_confirms_it(served: Web) -> None:
    served.own.settings.patch(Network, {"keeper": "simulated", "confirm": 600}, by="test")
    running = asyncio.create_task(served.machine.trial.run())
    async with await served.owner() as owner:
        assert (await owner.get(PATH))["state"] == "none"
        assert (await owner.ask("POST", PATH)).status == 409
        harmless = await owner.ask("PATCH", "/api/settings/network", {"hostname": "nvr-3"})
        assert harmless.json["trial"] is None
        made = await owner.ask("PATCH", "/api/settings/network", MOVED)
        assert (made.json["trial"]["state"], made.json["trial"]["addresses"]) == ("tried", ["192.0.2.44"])

        # The connection that asked for it was there before. It is ended, and the next request comes by another one.
        answers: list[Got] = []
        async with asyncio.timeout(60):
            while not answers or answers[-1].status != 200:
                answers.append(await owner.ask("POST", PATH))
                await asyncio.sleep(0.02)
        assert {each.status for each in answers[:-1]} == {409}
        assert answers[-2].headers["Connection"] == "close"
        assert answers[-2].json["transient"]
        assert answers[-1].json["state"] == "kept"

        undone = await owner.ask(
            "POST", "/api/settings/network/restore", {"version": made.json["version"] - 1}
        )
        assert undone.json["trial"]["left"] > 0, "what is undone could cut off as well"
        assert (await owner.ask("DELETE", PATH)).json["why"] == "asked"
        assert (await owner.get("/api/settings/network"))["values"]["ipv4_address"] == "192.0.2.44"
        assert (await owner.ask("DELETE", PATH)).status == 409
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
