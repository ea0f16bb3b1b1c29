"""Receivers."""

from __future__ import annotations

from conformance.case import expect, provided
from conformance.onvif.client import Element
from conformance.onvif.device import Device
from conformance.onvif.points import subscribe, topic_filter
from conformance.onvif.restart import ALONE, asked_for, restart
from conformance.onvif.rig import (
    configuration,
    live,
    make_receiver,
    receiver,
    receiver_job,
    until_job,
    until_receiver,
)
from conformance.onvif.suite import official
from conformance.onvif.values import every, only, text

_URI = "rtsp://192.0.2.1/stream"
_NOWHERE = "no-such-receiver"


async def _all(device: Device) -> dict[str, Element]:
    told = await device.call("trv:GetReceivers")
    return {text(each, "tt:Token"): each for each in every(told, "trv:Receivers")}


async def _one(device: Device, token: str) -> Element:
    return only(await device.call("trv:GetReceiver", receiver(token)), "trv:Receiver")


@official("RECEIVER-2-1-1")
async def get_all(device: Device) -> str:
    token = await make_receiver(device, _URI)
    expect(token in await _all(device), "the new receiver is not in GetReceivers")
    return f"{len(await _all(device))} receivers"


@official("RECEIVER-2-1-2")
async def get_one(device: Device) -> str:
    token = await make_receiver(device, _URI)
    told = await _one(device, token)
    expect(text(told, "tt:Token") == token, "another receiver is told")
    return token


@official("RECEIVER-2-1-4")
async def get_state(device: Device) -> str:
    token = await make_receiver(device, _URI, "NeverConnect")
    told = only(await device.call("trv:GetReceiverState", receiver(token)), "trv:ReceiverState")
    expect(text(told, "tt:State") == "NotConnected", f"it is {text(told, 'tt:State')}, and may never connect")
    return "NotConnected"


@official("RECEIVER-2-1-6")
async def create(device: Device) -> str:
    token = await make_receiver(device, _URI, "NeverConnect")
    told = await _one(device, token)
    uri, mode = text(told, "tt:Configuration/tt:MediaUri"), text(told, "tt:Configuration/tt:Mode")
    expect((uri, mode) == (_URI, "NeverConnect"), f"it came back with {mode} and {uri}")
    return token


@official("RECEIVER-2-1-8")
async def most(device: Device) -> str:
    declared = int(device.capability("trv", "SupportedReceivers") or 0)
    there = len(await _all(device))
    provided(declared - there <= 256, f"{declared} receivers are declared: too many to try")
    for _ in range(declared - there):
        await make_receiver(device, _URI, "NeverConnect")
    fault = await device.refused("trv:CreateReceiver", configuration(_URI, "NeverConnect"), "MaxReceivers")
    return f"{declared}, then {fault.said}"


@official("RECEIVER-2-1-9")
async def delete(device: Device) -> str:
    token = await make_receiver(device, _URI)
    await device.call("trv:DeleteReceiver", receiver(token))
    expect(token not in await _all(device), "the deleted receiver is still told")
    return (await device.refused("trv:GetReceiver", receiver(token), "UnknownToken")).said


async def _kept(device: Device, token: str, uri: str, mode: str) -> str:
    """Whether it is as it was after a restart."""
    passed = await restart(device)
    told = await _one(device, token)
    there = text(told, "tt:Configuration/tt:MediaUri"), text(told, "tt:Configuration/tt:Mode")
    expect(there == (uri, mode), f"it was {mode} and {uri}, after a restart it is {there[1]} and {there[0]}")
    return f"as before, {passed:.0f} s later"


@official("RECEIVER-2-1-7", alone=ALONE)
async def created_for_good(device: Device) -> str:
    asked_for(device)
    return await _kept(device, await make_receiver(device, _URI, "NeverConnect"), _URI, "NeverConnect")


@official("RECEIVER-2-1-12", alone=ALONE)
async def mode_for_good(device: Device) -> str:
    asked_for(device)
    token = await make_receiver(device, _URI, "NeverConnect")
    await device.call("trv:SetReceiverMode", receiver(token) + "<trv:Mode>AutoConnect</trv:Mode>")
    return await _kept(device, token, _URI, "AutoConnect")


@official("RECEIVER-2-1-21", alone=ALONE)
async def configured_for_good(device: Device) -> str:
    asked_for(device)
    token = await make_receiver(device, _URI, "NeverConnect")
    other = "rtsp://192.0.2.2/kept"
    await device.call("trv:ConfigureReceiver", receiver(token) + configuration(other, "AutoConnect"))
    return await _kept(device, token, other, "AutoConnect")


@official("RECEIVER-2-1-11")
async def set_mode(device: Device) -> str:
    token = await make_receiver(device, _URI, "NeverConnect")
    for mode in ("AutoConnect", "NeverConnect"):
        await device.call("trv:SetReceiverMode", receiver(token) + f"<trv:Mode>{mode}</trv:Mode>")
        told = text(await _one(device, token), "tt:Configuration/tt:Mode")
        expect(told == mode, f"{mode} was set, {told} is told")
    return "AutoConnect and NeverConnect"


@official("RECEIVER-2-1-20")
async def configure(device: Device) -> str:
    token = await make_receiver(device, _URI, "NeverConnect")
    other = "rtsp://192.0.2.2/other"
    asked = receiver(token) + configuration(other, "AutoConnect", "RTSP")
    await device.call("trv:ConfigureReceiver", asked)
    told = await _one(device, token)
    expect(text(told, "tt:Configuration/tt:MediaUri") == other, "the address did not change")
    protocol = text(told, "tt:Configuration/tt:StreamSetup/tt:Transport/tt:Protocol")
    expect(protocol == "RTSP", f"RTSP was set, {protocol} is told")
    return other


_UNKNOWN = {
    "RECEIVER-2-1-3": ("trv:GetReceiver", ""),
    "RECEIVER-2-1-5": ("trv:GetReceiverState", ""),
    "RECEIVER-2-1-10": ("trv:DeleteReceiver", ""),
    "RECEIVER-2-1-13": ("trv:SetReceiverMode", "<trv:Mode>NeverConnect</trv:Mode>"),
    "RECEIVER-2-1-19": ("trv:ConfigureReceiver", configuration(_URI)),
}


def _unknown(name: str, operation: str, inner: str) -> None:
    @official(name)
    async def check(device: Device) -> str:
        return (await device.refused(operation, receiver(_NOWHERE) + inner, "UnknownToken")).said


for _name, _row in _UNKNOWN.items():
    _unknown(_name, *_row)


async def _connects(device: Device, protocol: str) -> str:
    """A job makes it connect, and a mode of NeverConnect makes it let go."""
    _, token, made = await receiver_job(device)
    asked = receiver(token) + configuration(await live(device), "AutoConnect", protocol)
    await device.call("trv:ConfigureReceiver", asked)
    await until_receiver(device, token, "Connected")
    await until_job(device, made, "Active", "PartiallyActive")
    await device.call("trv:SetReceiverMode", receiver(token) + "<trv:Mode>NeverConnect</trv:Mode>")
    await until_receiver(device, token, "NotConnected")
    return f"over {protocol}, and not any more with NeverConnect"


@official("RECEIVER-2-1-16")
async def over_udp(device: Device) -> str:
    return await _connects(device, "UDP")


@official("RECEIVER-2-1-17")
async def over_tcp(device: Device) -> str:
    return await _connects(device, "RTSP")


@official("RECEIVER-2-1-18")
async def bad_uri(device: Device) -> str:
    point = await subscribe(device, topic_filter("Receiver/ConnectionFailed"), lives="PT120S")
    await point.everything()
    _, token, _ = await receiver_job(device)
    uri = await live(device)
    wrong = uri.partition("?")[0].rstrip("/") + "-no-such-stream"
    await device.call("trv:ConfigureReceiver", receiver(token) + configuration(wrong, "AutoConnect", "RTSP"))
    await until_receiver(device, token, "NotConnected")
    message = await point.until(
        lambda each: each.source.get("ReceiverToken") == token, 30, "of the failed connection"
    )
    return f"NotConnected, and {message.topic} is told"
