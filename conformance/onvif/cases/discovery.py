"""WS-Discovery (ONVIF Core s7). Probes go where the device's address is; answers of others do not count."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from conformance.case import Failed, expect, provided
from conformance.onvif.device import Device
from conformance.onvif.multicast import (
    PROBE,
    TO,
    Listener,
    Told,
    name,
    new_message,
    probe,
)
from conformance.onvif.names import DISCOVERY
from conformance.onvif.restart import ALONE, asked_for, until_back
from conformance.onvif.suite import official
from conformance.onvif.values import every, text

_ANSWER_SECONDS = 5.0
_SILENCE_SECONDS = 2.5  #: WS-Discovery s3.1.3: an answer is delayed by half a second at most
_HELLO_SECONDS = 15.0
_TRIES = 4
_DEVICE = name("tds:Device")
_SCOPE = "onvif://www.onvif.org/name/conformance%20probe"


def _reachable(told: Told | None) -> Told:
    if told is None:
        raise Failed(f"no match within {_ANSWER_SECONDS:g} s")
    return told


async def _match(device: Device, message: str, octets: bytes) -> Told:
    """The device's match for a probe of everybody. Raises Failed."""
    async with Listener(device.address.discovery[0], device.transcript) as listener:
        listener.send(octets)
        found = _reachable(
            await listener.until(
                lambda told: told.kind == "ProbeMatch" and told.of(device.address.url), _ANSWER_SECONDS
            )
        )
    expect(found.relates == message, f"RelatesTo is {found.relates}, the MessageID was {message}")
    expect(_DEVICE in found.types, f"the types are {', '.join(sorted(found.types)) or 'not told'}")
    expect(bool(found.endpoint), "there is no endpoint reference")
    return found


async def _silent(device: Device, octets: bytes) -> str:
    """Nothing comes for a probe of everybody."""
    async with Listener(device.address.discovery[0], device.transcript) as listener:
        listener.send(octets)
        found = await listener.until(lambda told: told.of(device.address.url), _SILENCE_SECONDS)
    expect(found is None, "it was answered")
    return f"no answer for {_SILENCE_SECONDS:g} s"


def _needed(told: Told) -> str:
    scopes = told.scopes
    for part in ("Profile/", "hardware/", "name/", "location/", "type/"):
        found = any(each.startswith(f"onvif://www.onvif.org/{part}") for each in scopes)
        expect(found, f"there is no scope onvif://www.onvif.org/{part}")
    return f"{len(scopes)} scopes"


@official("DISCOVERY-1-1-3")
async def by_scope_and_type(device: Device) -> str:
    message = new_message()
    known = next((each for each in device.facts.scopes if "/hardware/" in each), "")
    found = await _match(device, message, probe(message, "tds:Device", known))
    return f"{_needed(found)}; {' '.join(found.addresses)}"


@official("DISCOVERY-1-1-4")
async def of_everything(device: Device) -> str:
    message = new_message()
    return _needed(await _match(device, message, probe(message)))


@official("DISCOVERY-1-1-5")
async def invalid_search(device: Device) -> str:
    return await _silent(
        device, probe(new_message(), "tds:Device", "onvif://www.onvif.org/hardware/InvalidScope")
    )


@official("DISCOVERY-1-1-6")
async def unicast(device: Device) -> str:
    message = new_message()
    async with Listener(device.address.discovery[0], device.transcript) as listener:
        listener.send(probe(message, "tds:Device"), device.address.discovery)
        found = _reachable(await listener.until(lambda told: told.kind == "ProbeMatch", _ANSWER_SECONDS))
    provided(found.of(device.address.url), f"another device answers there: {' '.join(found.addresses)}")
    expect(found.relates == message, f"RelatesTo is {found.relates}")
    return _needed(found)


@official("DISCOVERY-1-1-10")
async def fault(device: Device) -> str:
    await unicast(device)  # says where another device answers
    message = new_message()
    octets = probe(message, "tds:Device", "onvif://www.onvif.org/hardware/x", match="urn:no-such-rule")
    async with Listener(device.address.discovery[0], device.transcript) as listener:
        listener.send(octets, device.address.discovery)
        found = await listener.until(lambda _: True, _ANSWER_SECONDS)
    expect(found is not None, "a matching rule that nobody knows was answered with silence")
    assert found is not None
    expect(found.kind == "Fault", f"a matching rule that nobody knows was answered with {found.kind}")
    expect(found.relates == message, f"RelatesTo is {found.relates}, the MessageID was {message}")
    return "a fault came"


@official("DISCOVERY-1-1-9")
async def mode(device: Device) -> str:
    was = text(await device.call("tds:GetDiscoveryMode"), "tds:DiscoveryMode")
    device.later("tds:SetDiscoveryMode", f"<tds:DiscoveryMode>{was}</tds:DiscoveryMode>")
    for wanted in ("NonDiscoverable", "Discoverable"):
        await device.call("tds:SetDiscoveryMode", f"<tds:DiscoveryMode>{wanted}</tds:DiscoveryMode>")
        told = text(await device.call("tds:GetDiscoveryMode"), "tds:DiscoveryMode")
        expect(told == wanted, f"{wanted} was set, {told} is told")
        if wanted == "NonDiscoverable":
            await _silent(device, probe(new_message()))
        else:
            await _found_again(device)
    return "hidden, it is silent; found again afterwards"


async def _found_again(device: Device) -> None:
    """A device that was hidden may need a moment to listen again: clients repeat their probes. Raises Failed."""
    for _ in range(_TRIES - 1):
        message = new_message()
        with suppress(Failed):
            await _match(device, message, probe(message))
            return
    message = new_message()
    await _match(device, message, probe(message))


async def _hello(device: Device, listener: Listener, scope: str, there: bool) -> None:
    def wanted(told: Told) -> bool:
        return told.kind == "Hello" and told.of(device.address.url) and (scope in told.scopes) is there

    found = await listener.until(wanted, _HELLO_SECONDS)
    expect(
        found is not None, f"no Hello {'with' if there else 'without'} {scope} within {_HELLO_SECONDS:g} s"
    )


@official("DISCOVERY-1-1-11")
async def scopes(device: Device) -> str:
    inner = f"<tds:ScopeItem>{_SCOPE}</tds:ScopeItem>"
    async with Listener(device.address.discovery[0], device.transcript, group=True) as listener:
        device.later("tds:RemoveScopes", inner)
        await device.call("tds:AddScopes", inner)
        await _hello(device, listener, _SCOPE, there=True)
        told = [
            text(each, "tt:ScopeItem") for each in every(await device.call("tds:GetScopes"), "tds:Scopes")
        ]
        expect(_SCOPE in told, "GetScopes does not tell the scope that was added")
        message = new_message()
        expect(
            _SCOPE in (await _match(device, message, probe(message, scopes=_SCOPE))).scopes,
            "not in the match",
        )
        await device.call("tds:RemoveScopes", inner)
        await _hello(device, listener, _SCOPE, there=False)
    await device.refused("tds:RemoveScopes", f"<tds:ScopeItem>{_SCOPE}x</tds:ScopeItem>", "NoScope")
    return "each change was said with a Hello"


@official("DISCOVERY-1-1-2")
async def hello(device: Device) -> str:
    """After a restart by the official way; a change of scopes makes it say the same."""
    inner = f"<tds:ScopeItem>{_SCOPE}2</tds:ScopeItem>"
    async with Listener(device.address.discovery[0], device.transcript, group=True) as listener:
        device.later("tds:RemoveScopes", inner)
        await device.call("tds:AddScopes", inner)
        found = await listener.until(
            lambda told: told.kind == "Hello" and told.of(device.address.url), _HELLO_SECONDS
        )
    if found is None:
        raise Failed(f"no Hello within {_HELLO_SECONDS:g} s")
    expect(_DEVICE in found.types, f"the types are {', '.join(sorted(found.types))}")
    expect(bool(found.endpoint), "there is no endpoint reference")
    return _needed(found)


@official("DISCOVERY-1-1-8", alone=ALONE)
async def bye(device: Device) -> str:
    asked_for(device)
    message = new_message()
    own = (await _match(device, message, probe(message))).endpoint
    async with Listener(device.address.discovery[0], device.transcript, group=True) as listener:
        await device.call("tds:SystemReboot")
        found = await listener.until(lambda told: told.kind == "Bye" and told.endpoint == own, 60)
    expect(found is not None, "no Bye within 60 s")
    await until_back(device)
    return "a Bye came"


# --------------------------------------------------------------------------------------------- namespaces

_ENV, _WSA, _WSD, _TDS = DISCOVERY["env"], DISCOVERY["wsa4"], DISCOVERY["wsd"], DISCOVERY["tds"]
#: A probe for tds:Device, as clients may write its namespaces; `{id}` is the MessageID
_PROBES: Mapping[str, str] = {
    "DISCOVERY-2-1-1": (
        f'<Envelope xmlns="{_ENV}"><Header><MessageID xmlns="{_WSA}">{{id}}</MessageID><To xmlns="{_WSA}">{TO}</To>'
        f'<Action xmlns="{_WSA}">{PROBE}</Action></Header><Body><Probe xmlns="{_WSD}"><Types xmlns:d="{_TDS}">d:Device'
        "</Types></Probe></Body></Envelope>"
    ),
    "DISCOVERY-2-1-2": (
        f'<e:Envelope xmlns:e="{_ENV}" xmlns="{_WSD}" xmlns:a="{_WSA}" xmlns:d="{_TDS}"><e:Header><a:MessageID>{{id}}'
        f"</a:MessageID><a:To>{TO}</a:To><a:Action>{PROBE}</a:Action></e:Header><e:Body><Probe><Types>d:Device</Types>"
        "</Probe></e:Body></e:Envelope>"
    ),
    "DISCOVERY-2-1-3": (
        f'<x1:Envelope xmlns:x1="{_ENV}" xmlns:x-2="{_WSD}" xmlns:_3="{_WSA}" xmlns:q.4="{_TDS}"><x1:Header>'
        f"<_3:MessageID>{{id}}</_3:MessageID><_3:To>{TO}</_3:To><_3:Action>{PROBE}</_3:Action></x1:Header><x1:Body>"
        "<x-2:Probe><x-2:Types>q.4:Device</x-2:Types></x-2:Probe></x1:Body></x1:Envelope>"
    ),
    "DISCOVERY-2-1-4": (
        f'<a:Envelope xmlns:a="{_ENV}" xmlns:b="{_ENV}" xmlns:c="{_WSA}" xmlns:d="{_WSA}"><b:Header><c:MessageID>{{id}}'
        f"</c:MessageID><d:To>{TO}</d:To><c:Action>{PROBE}</c:Action></b:Header><a:Body>"
        f'<f:Probe xmlns:f="{_WSD}" xmlns:g="{_WSD}"><g:Types xmlns:h="{_TDS}">h:Device</g:Types></f:Probe></a:Body>'
        "</a:Envelope>"
    ),
    "DISCOVERY-2-1-5": (
        f'<p:Envelope xmlns:p="{_ENV}"><p:Header><p:MessageID xmlns:p="{_WSA}">{{id}}</p:MessageID>'
        f'<p:To xmlns:p="{_WSA}">{TO}</p:To><p:Action xmlns:p="{_WSA}">{PROBE}</p:Action></p:Header><p:Body>'
        f'<p:Probe xmlns:p="{_WSD}"><q:Types xmlns:q="{_WSD}" xmlns:p="{_TDS}">p:Device</q:Types></p:Probe></p:Body>'
        "</p:Envelope>"
    ),
}


def _written(name_: str, request: str) -> None:
    @official(name_)
    async def check(device: Device) -> str:
        message = new_message()
        return _needed(await _match(device, message, request.format(id=message).encode()))


for _name, _request in _PROBES.items():
    _written(_name, _request)
