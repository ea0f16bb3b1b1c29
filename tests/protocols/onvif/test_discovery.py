"""WS-Discovery, as messages and on the network."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from wsdiscovery import QName  # type: ignore[import-untyped]
from wsdiscovery.discovery import ThreadedWSDiscovery  # type: ignore[import-untyped]

from protocols.onvif.announcer import Announcer, Interface, Ip
from protocols.onvif.discovery import GROUP4, PORT, RFC3986, STRCMP0, Discovery, Target
from protocols.onvif.names import DN, ENV, TDS, WSA04, WSD
from protocols.onvif.xml import Element, qualified

ID = "9d6b9c3e-0000-4000-8000-000000000000"
SCOPES = tuple(
    f"onvif://www.onvif.org/{each}"
    for each in ("Profile/G", "Profile/Streaming", "hardware/D1-566", "name/Hall%203")
)
URL = "http://192.0.2.7/onvif/device_service"


@pytest.fixture
def discovery() -> Discovery:
    return Discovery(Target(ID, SCOPES, 7), 3)


def probe(
    types: str = "", scopes: str = "", rule: str = "", message: str = "urn:uuid:1", more: str = ""
) -> bytes:
    by = f' MatchBy="{rule}"' if rule else ""
    asked = (f"<d:Types>{types}</d:Types>" if types else "") + (
        f"<d:Scopes{by}>{scopes}</d:Scopes>" if scopes else ""
    )
    return _envelope("Probe", f"<d:Probe>{asked}{more}</d:Probe>", message)


def _envelope(action: str, body: str, message: str) -> bytes:
    return (
        f'<e:Envelope xmlns:e="{ENV}" xmlns:a="{WSA04}" xmlns:d="{WSD}" xmlns:dn="{DN}" xmlns:tds="{TDS}"><e:Header>'
        f"<a:MessageID>{message}</a:MessageID><a:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To>"
        f"<a:Action>{WSD}/{action}</a:Action></e:Header><e:Body>{body}</e:Body></e:Envelope>"
    ).encode()


def root(reply: bytes | None) -> Element:
    assert reply is not None
    return etree.fromstring(reply)


def test_a_match_says_who_we_are_and_how_to_reach_us(discovery: Discovery) -> None:
    told = root(discovery.answer(probe("dn:NetworkVideoTransmitter", message="uuid:odd"), [URL]))
    assert told.findtext(f".//{WSA04.RelatesTo}") == "uuid:odd"
    match = told.find(f".//{WSD.ProbeMatch}")
    assert match is not None
    assert match.findtext(f".//{WSA04.Address}") == f"urn:uuid:{ID}"
    types = match.find(WSD.Types)
    assert types is not None
    assert {qualified(types, name) for name in (types.text or "").split()} == {
        TDS.Device,
        DN.NetworkVideoTransmitter,
    }
    assert (match.findtext(WSD.Scopes) or "").split() == list(SCOPES)
    assert match.findtext(WSD.XAddrs) == URL
    assert match.findtext(WSD.MetadataVersion) == "7"


@pytest.mark.parametrize(
    ("types", "scopes", "rule", "found"),
    [
        ("", "", "", True),
        ("tds:Device", "", "", True),
        ("tds:Device dn:NetworkVideoTransmitter", "", "", True),
        ("dn:NetworkVideoDisplay", "", "", False),
        ("tds:Device dn:NetworkVideoDisplay", "", "", False),
        ("nobody:Device", "", "", False),
        ("", "onvif://www.onvif.org/Profile/Streaming", "", True),
        ("", "onvif://www.onvif.org/Profile", "", True),
        ("", "onvif://www.onvif.org", "", True),
        ("", "ONVIF://WWW.onvif.org/Profile/G/", "", True),
        ("", "onvif://www.onvif.org/profile/G", "", False),
        ("", "onvif://www.onvif.org/hardware/D1", "", False),
        ("", "onvif://www.onvif.org/name/Hall%203", RFC3986, True),
        ("", "onvif://www.onvif.org/Profile/G onvif://www.onvif.org/Profile/T", "", False),
        ("", "onvif://www.onvif.org/Profile/G", STRCMP0, True),
        ("", "onvif://www.onvif.org/Profile", STRCMP0, False),
        ("", "onvif://www.onvif.org/Profile", "urn:other:rule", False),
        ("", "onvif://[", "", False),
    ],
)
def test_what_is_asked_for_must_all_be_there(
    discovery: Discovery, types: str, scopes: str, rule: str, found: bool
) -> None:
    """DISCOVERY-1-1-3, 1-1-4."""
    assert (discovery.answer(probe(types, scopes, rule), [URL]) is not None) is found


def test_a_rule_that_nobody_knows_is_a_fault_for_who_asks_us_alone(discovery: Discovery) -> None:
    """DISCOVERY-1-1-10."""
    asked = probe("tds:Device", "onvif://www.onvif.org/Profile", "urn:other:rule", message="uuid:odd")
    told = root(discovery.answer(asked, [URL], alone=True))
    assert told.findtext(f".//{WSA04.Action}") == f"{WSD}/fault"
    assert told.findtext(f".//{WSA04.RelatesTo}") == "uuid:odd"
    value = told.find(f".//{ENV.Subcode}/{ENV.Value}")
    assert value is not None
    assert qualified(value, value.text or "") == WSD.MatchingRuleNotSupported
    rules = (told.findtext(f".//{WSD.SupportedMatchingRules}") or "").split()
    assert {RFC3986, STRCMP0} <= set(rules)
    assert discovery.answer(asked, [URL], alone=True) is None, "once is enough"


def test_a_probe_that_is_sent_four_times_is_answered_once(discovery: Discovery) -> None:
    answers = [discovery.answer(probe(), [URL]) for _ in range(4)]
    assert [answer is not None for answer in answers] == [True, False, False, False]
    assert discovery.answer(probe(message="urn:uuid:2"), [URL]) is not None


def test_resolving_is_for_the_one_that_is_named(discovery: Discovery) -> None:
    def resolve(name: str, message: str) -> bytes:
        inside = f"<a:EndpointReference><a:Address>{name}</a:Address></a:EndpointReference>"
        return _envelope("Resolve", f"<d:Resolve>{inside}</d:Resolve>", message)

    told = root(discovery.answer(resolve(f"urn:uuid:{ID}", "urn:uuid:1"), [URL]))
    assert told.findtext(f".//{WSD.ResolveMatch}/{WSD.XAddrs}") == URL
    assert discovery.answer(resolve("urn:uuid:other", "urn:uuid:2"), [URL]) is None


def test_hello_and_bye(discovery: Discovery) -> None:
    """DISCOVERY-1-1-2, 1-1-8."""
    hello, bye = root(discovery.hello([URL])), root(discovery.bye())
    assert hello.findtext(f".//{WSD.Hello}/{WSD.XAddrs}") == URL
    assert bye.findtext(f".//{WSD.Bye}/{WSA04.EndpointReference}/{WSA04.Address}") == f"urn:uuid:{ID}"
    numbers = [each.get("MessageNumber") for part in (hello, bye) for each in part.iter(WSD.AppSequence)]
    assert numbers == ["1", "2"]


@given(st.binary(max_size=300), st.integers(0, 2000))
@settings(max_examples=200)
def test_no_datagram_makes_it_raise(noise: bytes, at: int) -> None:
    discovery = Discovery(Target(ID, SCOPES, 7), 3)
    whole = probe("tds:Device", SCOPES[0])
    at %= len(whole)
    for data in (noise, whole[:at] + noise + whole[at:], whole[:at]):
        discovery.answer(data, [URL])


# -------------------------------------------------------------------------------------------- on the network

LOOPBACK = Interface(socket.if_nametoindex("lo"), (ipaddress.IPv4Address("127.0.0.1"),))


class Asker(asyncio.DatagramProtocol):
    """Somebody who looks for devices."""

    def __init__(self) -> None:
        self.came: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self.came.put_nowait(data)


@contextlib.asynccontextmanager
async def asker(to: str) -> Any:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.bind(("127.0.0.1", 0))
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(Asker, sock=sock)

    async def ask(data: bytes, wanted: Callable[[Element], bool]) -> Element:
        while True:
            transport.sendto(data, (to, PORT))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2):
                    while not wanted(found := root(await protocol.came.get())):
                        pass
                    return found

    try:
        yield ask
    finally:
        transport.close()


@pytest.mark.proves("M-004")
async def test_wsdiscovery_finds_it_once(discovery: Discovery) -> None:
    """Which sends each Probe four times, and wants the port for itself and those who share it."""
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("", PORT))
        except OSError:
            pytest.skip("another program has WS-Discovery's port, and does not share it")

    def search() -> list[tuple[str, list[str]]]:
        client = ThreadedWSDiscovery(ttl=1)
        client.start()
        try:
            client.addSourceAddr(ipaddress.IPv4Address("127.0.0.1"))
            found: list[Any] = []
            for _ in range(10):
                found = client.searchServices(types=[QName(TDS, "Device")], timeout=3)
                if any(ID in one.getEPR() for one in found):
                    break
            return [(one.getEPR(), one.getXAddrs()) for one in found if ID in one.getEPR()]
        finally:
            client.stop()

    async with Announcer(discovery, [LOOPBACK], lambda ip: [f"http://{ip}/onvif/device_service"]):
        found = await asyncio.wait_for(asyncio.to_thread(search), 60)
    assert found == [(f"urn:uuid:{ID}", ["http://127.0.0.1/onvif/device_service"])]


@pytest.mark.proves("M-169")
async def test_it_is_found_on_the_network(discovery: Discovery) -> None:
    def urls(ip: Ip) -> list[str]:
        return [f"http://{ip}:8080/onvif/device_service"]

    def ours(found: Element) -> bool:
        return found.findtext(f".//{WSA04.Address}") == f"urn:uuid:{ID}"

    async with Announcer(discovery, [LOOPBACK], urls), asker(GROUP4) as ask:
        async with asyncio.timeout(60):
            found = await ask(probe("tds:Device", message="urn:uuid:net"), ours)
    assert found.findtext(f".//{WSD.XAddrs}") == "http://127.0.0.1:8080/onvif/device_service"
    assert found.findtext(f".//{WSA04.RelatesTo}") == "urn:uuid:net"
