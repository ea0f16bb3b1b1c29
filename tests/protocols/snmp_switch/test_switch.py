"""A switch by SNMP: the drivers' contract against net-snmp's agent, and what a switch may say besides."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from device.errors import NotFound
from device.poe.driver import PoeUnavailable
from device.poe.port import Detection, Trouble
from device.poe.power import watts
from protocols.snmp_switch import driver as module
from protocols.snmp_switch.driver import Community, SwitchPse, User
from tests.device.poe.contract import Contract
from tests.device.poe.material import device
from tests.protocols.snmp_switch.switch import COMMUNITY, INTERFACES, USER, Agent, Switch, running


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The agent is on this machine: when it does not answer, it was stopped."""
    monkeypatch.setattr(module, "ANSWER_SECONDS", 1.0)
    monkeypatch.setattr(module, "RETRIES", 0)


def _driver(agent: Agent, login: Community | User, interfaces: tuple[int, ...] = INTERFACES) -> SwitchPse:
    driver = SwitchPse("127.0.0.1", agent.port, login, 1, interfaces)
    driver.interval = 0.1
    return driver


@pytest.fixture
async def agent(tmp_path: Path) -> AsyncIterator[Agent]:
    async with running(tmp_path, measures=True) as agent:
        agent.switch.driver = _driver(agent, COMMUNITY)
        yield agent
        await agent.switch.driver.close()


class TestByCommunity(Contract):
    @pytest.fixture
    async def rig(self, agent: Agent) -> Switch:
        return agent.switch


class TestByUser:
    """SNMP v3, authenticated and encrypted."""

    async def test_reading_and_ordering(self, agent: Agent) -> None:
        driver = _driver(agent, USER)
        agent.switch.plug(3, device(4))
        assert (await driver.read()).ports[2].detection is Detection.DELIVERING
        await driver.set_power(3, False)
        assert (await driver.read()).ports[2].detection is Detection.DISABLED
        await driver.close()

    async def test_a_wrong_password_is_said(self, agent: Agent) -> None:
        driver = _driver(agent, User("manager", "something else", "keep-secret"))
        with pytest.raises(PoeUnavailable, match=r"127\.0\.0\.1"):
            await driver.read()
        await driver.close()


async def test_what_the_switch_can_give_bounds_the_budget(agent: Agent) -> None:
    agent.switch.supply(65)
    assert (await agent.switch.driver.read()).capacity == watts(65)
    agent.switch.supply(0)
    assert (await agent.switch.driver.read()).capacity is None


async def test_a_vendors_column_is_found_and_read(agent: Agent) -> None:
    agent.switch.plug(7, device(3, draw=6.5))
    ports = (await agent.switch.driver.read()).ports
    assert (ports[6].drawn, ports[7].drawn) == (watts(6.5), 0)


async def test_a_switch_without_such_a_column_measures_nothing(tmp_path: Path) -> None:
    async with running(tmp_path, measures=False) as agent:
        driver = _driver(agent, COMMUNITY)
        agent.switch.plug(7, device(3))
        assert (await driver.read()).ports[6].drawn is None
        await driver.close()


async def test_the_counter_that_grew_names_the_trouble(agent: Agent) -> None:
    agent.switch.plug(2, device(3))
    await agent.switch.driver.read()
    agent.switch.overload(2)
    assert (await agent.switch.driver.read()).ports[1].trouble is Trouble.OVERLOAD


async def test_without_known_interfaces_the_network_is_left_alone(agent: Agent) -> None:
    driver = _driver(agent, COMMUNITY, ())
    reading = await driver.read()
    assert [(each.ethernet, each.link) for each in reading.ports] == [(None, None)] * 16
    with pytest.raises(NotFound):
        await driver.set_ethernet(1, False)
    await driver.close()


async def test_a_community_that_may_only_read_is_told_so(agent: Agent) -> None:
    driver = _driver(agent, Community("public"))
    assert len((await driver.read()).ports) == 16
    with pytest.raises(PoeUnavailable, match="refused"):
        await driver.set_power(1, False)
    await driver.close()


async def test_a_group_that_the_switch_does_not_have_is_said(agent: Agent) -> None:
    driver = SwitchPse("127.0.0.1", agent.port, COMMUNITY, 7, ())
    with pytest.raises(PoeUnavailable, match="group 7"):
        await driver.read()
    await driver.close()


async def test_a_name_that_does_not_resolve_is_said() -> None:
    driver = SwitchPse("no-such-host.invalid", 161, COMMUNITY, 1, ())
    with pytest.raises(PoeUnavailable, match=r"no-such-host\.invalid"):
        await driver.read()
    await driver.close()


def test_a_login_does_not_show_its_secrets() -> None:
    assert "write" not in repr(COMMUNITY)
    assert "keep-secret" not in repr(USER)
