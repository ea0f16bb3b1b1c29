"""The bodies of the bench `hostile`, each kind: refused with a fault that is valid, and by no defect of ours."""

from __future__ import annotations

import random
import time

from bench import hostile
from bench.pages import LOGIN
from device.accounts.role import Role
from device.media import Utc
from protocols.onvif.names import TRC
from tests.protocols.onvif.recorder import Recorder


async def test_each_is_refused_and_who_may_ask_is_answered(nvr: Recorder) -> None:
    device, draw = nvr.device, random.Random(5)
    device.people.known[LOGIN.name] = (LOGIN.password, Role.ADMINISTRATOR)
    device.utc = Utc(time.time_ns() // 1000)  # the bodies are of now
    for kind, make in hostile.KINDS.items():
        for _ in range(6):
            said = await device.post(make(draw))
            assert said.fault or kind == "mutated", (kind, said.answer.body)
            assert said.status in (400, 401, 500) or not said.fault, kind
        assert (await device.ask(TRC.GetRecordings)).status == 200, kind
    assert device.defects == []
