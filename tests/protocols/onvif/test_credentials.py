"""Who may come in: HTTP digest and WS-UsernameToken (ONVIF Core s5.9)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from lxml import etree

from device.accounts.lockout import FREE
from device.digest import authorization, challenges, secret_of
from device.media import MICROSECONDS, Utc
from protocols.onvif.names import TRC, WSSE, WSU
from protocols.onvif.xml import Element, sub, write_instant
from tests.protocols.onvif.rig import NOW, Device, element, envelope, token
from tests.protocols.onvif.test_core import Stand, job


@pytest.fixture
def device() -> Device:
    return Device(Stand().services())


@pytest.mark.parametrize("algorithm", ["SHA-256", "MD5"])
async def test_digest(device: Device, algorithm: str) -> None:
    assert (await device.digest(job("j"), "vera", "looking", algorithm)).status == 200
    assert (await device.digest(job("j"), "vera", "Looking", algorithm)).status == 401
    assert (await device.digest(job("j"), "nobody", "looking", algorithm)).status == 401
    assert device.refused == [("vera", "192.0.2.99"), ("nobody", "192.0.2.99")]


@pytest.mark.parametrize("created", ["{}.000Z", "{}Z", "{}+00:00", "{}.123456789Z"])
async def test_every_way_to_write_the_time(device: Device, created: str) -> None:
    now = write_instant(Utc(NOW // MICROSECONDS * MICROSECONDS)).rstrip("Z")
    header = token("vera", "looking", created.format(now))
    assert (await device.post(envelope(job("j"), header))).status == 200


@pytest.mark.parametrize(("seconds", "status"), [(299, 200), (-299, 200), (301, 401), (-301, 401)])
async def test_a_clock_may_differ_by_the_skew(device: Device, seconds: int, status: int) -> None:
    header = token("vera", "looking", write_instant(Utc(NOW + seconds * MICROSECONDS)))
    assert (await device.post(envelope(job("j"), header))).status == status


async def test_a_token_is_taken_once(device: Device) -> None:
    request = envelope(job("j"), token("vera", "looking"))
    assert (await device.post(request)).status == 200
    assert (await device.post(request)).status == 401
    device.utc = Utc(NOW + 200 * MICROSECONDS)
    assert (await device.post(request)).status == 401


def plain(given: Element) -> None:
    given[1].set("Type", given[1].get("Type", "").replace("Digest", "Text"))
    given[1].text = "looking"


def without(name: str) -> Callable[[Element], None]:
    def spoil(given: Element) -> None:
        found = given.find(name)
        assert found is not None
        given.remove(found)

    return spoil


def empty_nonce(given: Element) -> None:
    nonce = given.find(WSSE.Nonce)
    assert nonce is not None
    nonce.text = "?"


@pytest.mark.parametrize(
    "spoil",
    [
        plain,
        without(WSSE.Nonce),
        without(WSU.Created),
        without(WSSE.Password),
        without(WSSE.Username),
        empty_nonce,
    ],
)
async def test_half_a_token_is_none(device: Device, spoil: Callable[[Element], None]) -> None:
    """SECURITY-1-1-1."""
    header = token("vera", "looking")
    spoil(header[0])
    said = await device.post(envelope(job("j"), header))
    assert (said.status, said.fault) == (401, ("Sender", "NotAuthorized"))


async def test_both_must_be_right_and_of_one_account(device: Device) -> None:
    async def both(user: str, password: str) -> int:
        device.people.known["vera2"] = device.people.known["vera"]
        first = await device.post(envelope(job("j")))
        chosen = challenges(first.answer.challenges)[0]
        ha1 = secret_of("vera", chosen.realm, "looking", chosen.algorithm)
        header = authorization(chosen, "vera", ha1, "POST", "/onvif/device_service", 1, "abc")
        return (await device.post(envelope(job("j"), token(user, password)), header=header)).status

    assert await both("vera", "looking") == 200
    assert await both("vera", "wrong") == 401
    assert await both("otto", "watching") == 401


async def test_who_guesses_is_not_listened_to_for_a_while(device: Device) -> None:
    for _ in range(FREE):
        assert (await device.post(envelope(job("j"), token("vera", "guess")))).status == 401
    locked = await device.post(envelope(job("j"), token("vera", "looking")))
    assert locked.status == 401
    assert "try again in" in locked.reason
    assert (await device.ask(job("j"), "otto")).status == 200, "others may"
    assert len(device.refused) == FREE, "and the journal is not filled"
    device.now += 60
    assert (await device.ask(job("j"), "vera")).status == 200


async def test_before_there_is_an_administrator_nothing_is_allowed(device: Device) -> None:
    device.people.known.clear()
    assert (await device.post(envelope(job("j"), token("vera", "looking")))).status == 401
    assert (await device.post(envelope(TRC.GetServiceCapabilities))).status == 200


async def test_what_anybody_may_ask_is_answered_whatever_stands_beside_it(device: Device) -> None:
    """All Python clients send a token even to GetSystemDateAndTime, with a clock that is not right yet."""
    header = token("vera", "guess", "2001-01-01T00:00:00Z")
    assert (await device.post(envelope(TRC.GetServiceCapabilities, header))).status == 200
    assert device.refused == []


async def test_a_security_header_without_a_token_is_none(device: Device) -> None:
    security = etree.Element(WSSE.Security)
    sub(security, "{urn:other}SamlToken")
    assert (await device.post(envelope(job("j"), security))).status == 401
    assert (
        await device.post(envelope(element(TRC.DeleteRecordingJob)), header="Basic dmVyYTpsb29raW5n")
    ).status == 401
