"""The Range header on a live presentation (RFC 2326 s3.5 to s3.7, s12.29)."""

from __future__ import annotations

from conformance.case import Requirement, expect
from conformance.rtsp.device import Device
from conformance.rtsp.suite import case


async def _played(device: Device, value: str) -> str:
    """Live media flows when it is asked for so."""
    session = await device.session()
    answer = await session.play(("Range", value))
    await session.pictures(5)
    return f"Range: {answer.get('Range')}"


async def _refused(device: Device, values: tuple[str, ...], statuses: tuple[int, ...]) -> str:
    said = []
    for value in values:
        session = await device.session()
        answer = await session.ask("PLAY", [("Range", value)])
        expect(answer.status in statuses, f"Range: {value} was answered {answer.said}")
        said.append(f"{value}: {answer.status}")
    return ", ".join(said)


@case(
    "range.none",
    "PLAY without Range plays, and says from where",
    "RFC 2326 s10.5, s12.29",
    Requirement.MANDATORY,
)
async def none(device: Device) -> str:
    session = await device.session()
    answer = await session.play()
    await session.pictures(5)
    return f"Range: {answer.get('Range')}"


@case(
    "range.told", "The answer to PLAY tells the range that is played", "RFC 2326 s12.29", Requirement.OPTIONAL
)
async def told(device: Device) -> str:
    answer = await (await device.session()).play(("Range", "npt=now-"))
    expect(answer.get("Range") is not None, "no Range in the answer")
    return f"Range: {answer.get('Range')}"


@case("range.now", "npt=now- plays live", "RFC 2326 s3.6", Requirement.MANDATORY)
async def now(device: Device) -> str:
    return await _played(device, "npt=now-")


@case("range.zero", "npt=0.000-, which most players send, plays live", "RFC 2326 s3.6", Requirement.OPTIONAL)
async def zero(device: Device) -> str:
    return await _played(device, "npt=0.000-")


@case(
    "range.unit-unknown",
    "A unit that is not known is refused with 501",
    "RFC 2326 s12.29",
    Requirement.OPTIONAL,
)
async def unit_unknown(device: Device) -> str:
    return await _refused(device, ("furlongs=1-2",), (501,))


@case(
    "range.smpte",
    "SMPTE time is played, or refused with 501 or 457",
    "RFC 2326 s3.5, s12.29",
    Requirement.OPTIONAL,
)
async def smpte(device: Device) -> str:
    return await _refused(device, ("smpte=0:00:00-",), (200, 457, 501))


@case(
    "range.malformed",
    "A range that cannot be read is refused with 400 or 457",
    "RFC 2326 s11.3.8",
    Requirement.OPTIONAL,
)
async def malformed(device: Device) -> str:
    return await _refused(device, ("npt=abc-", "npt=", "npt=--", "npt=1:2:3:4-"), (400, 457))


@case(
    "range.malformed-clock",
    "Absolute time that cannot be read is refused",
    "RFC 2326 s3.7, s11.3.8",
    Requirement.OPTIONAL,
)
async def malformed_clock(device: Device) -> str:
    values = ("clock=2026-01-01T00:00:00Z-", "clock=20261399T000000Z-", "clock=-")
    return await _refused(device, values, (400, 457, 501))
