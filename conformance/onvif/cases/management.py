"""Time, information, log, restart, and requests written in odd but legal ways (ONVIF Core s8.3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from conformance.case import NotJudged, expect, provided
from conformance.onvif.client import Element
from conformance.onvif.device import Device
from conformance.onvif.names import PREFIXES
from conformance.onvif.needs import topic
from conformance.onvif.points import subscribe, topic_filter
from conformance.onvif.restart import ALONE, LAST, restart, until_back
from conformance.onvif.suite import official
from conformance.onvif.values import moment, only, text

_REBOOT = "Monitoring/OperatingTime/LastReboot"


async def _time(device: Device) -> Element:
    return only(await device.call("tds:GetSystemDateAndTime"), "tds:SystemDateAndTime")


def _read(told: Element) -> datetime:
    parts = [int(text(told, f"tt:UTCDateTime/tt:Date/tt:{each}")) for each in ("Year", "Month", "Day")]
    parts += [int(text(told, f"tt:UTCDateTime/tt:Time/tt:{each}")) for each in ("Hour", "Minute", "Second")]
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]  # six numbers, in their order


@official("DEVICE-3-1-1")
async def get_time(device: Device) -> str:
    told = await _time(device)
    expect(text(told, "tt:DateTimeType") in ("Manual", "NTP"), "DateTimeType")
    now = _read(told)
    return f"{now:%Y-%m-%d %H:%M:%S} UTC, {(now - datetime.now(UTC)).total_seconds():+.0f} s from ours"


def set_date(zone: str, when: datetime | None, date: str | None = None, kind: str = "Manual") -> str:
    """The arguments of SetSystemDateAndTime. `when`: None is now; `date`: one that there is not."""
    moment = when or datetime.now(UTC)
    day = date or f"{moment.year}-{moment.month}-{moment.day}"
    year, month, number = day.split("-")
    return (
        f"<tds:DateTimeType>{kind}</tds:DateTimeType><tds:DaylightSavings>false</tds:DaylightSavings>"
        f"<tds:TimeZone><tt:TZ>{zone}</tt:TZ></tds:TimeZone><tds:UTCDateTime><tt:Time><tt:Hour>{moment.hour}"
        f"</tt:Hour><tt:Minute>{moment.minute}</tt:Minute><tt:Second>{moment.second}</tt:Second></tt:Time><tt:Date>"
        f"<tt:Year>{year}</tt:Year><tt:Month>{month}</tt:Month><tt:Day>{number}</tt:Day></tt:Date></tds:UTCDateTime>"
    )


@official("DEVICE-3-1-4")
async def invalid_zone(device: Device) -> str:
    fault = await device.refused(
        "tds:SetSystemDateAndTime", set_date("INVALIDTIMEZONE", None), "InvalidTimeZone"
    )
    return fault.said


@official("DEVICE-3-1-5")
async def invalid_date(device: Device) -> str:
    told = set_date("GMT0", None, date="2026-13-35")
    return (await device.refused("tds:SetSystemDateAndTime", told, "InvalidDateTime")).said


@official("DEVICE-3-1-11")
async def set_time(device: Device) -> str:
    zone = text(await _time(device), "tt:TimeZone/tt:TZ")
    kind = text(await _time(device), "tt:DateTimeType")
    wanted = datetime.now(UTC)
    if kind == "NTP":
        device.later("tds:SetSystemDateAndTime", set_date(zone, None, kind="NTP"))
    await device.call("tds:SetSystemDateAndTime", set_date(zone, wanted))
    told = await _time(device)
    expect(text(told, "tt:DateTimeType") == "Manual", "the time is not told as set by hand")
    away = abs((_read(told) - wanted).total_seconds())
    expect(away < 10, f"the clock is {away:.0f} s from what was set")
    return "the clock was set to our own"


@official("DEVICE-3-1-12")
async def set_time_ntp(device: Device) -> str:
    before = await _time(device)
    zone, kind = text(before, "tt:TimeZone/tt:TZ"), text(before, "tt:DateTimeType")
    device.later("tds:SetSystemDateAndTime", set_date(zone, None, kind=kind))
    await device.call("tds:SetSystemDateAndTime", set_date(zone, None, kind="NTP"))
    expect(text(await _time(device), "tt:DateTimeType") == "NTP", "the time is not told as kept by NTP")
    return "NTP"


@official("DEVICE-3-1-9")
async def information(device: Device) -> str:
    told = await device.call("tds:GetDeviceInformation")
    names = ("Manufacturer", "Model", "FirmwareVersion", "SerialNumber", "HardwareId")
    values = [text(told, f"tds:{each}") for each in names]
    expect(all(values[:4]), f"one of {', '.join(names[:4])} is empty")
    return ", ".join(values)


@official("DEVICE-3-1-10")
async def log(device: Device) -> str:
    if not device.offers("tds", "SystemLogging", "System"):
        return (await device.refused("tds:GetSystemLog", "<tds:LogType>System</tds:LogType>")).said
    told = only(await device.call("tds:GetSystemLog", "<tds:LogType>System</tds:LogType>"), "tds:SystemLog")
    expect(len(told) > 0, "the log has neither text nor octets")
    return f"{len((told[0].text or '').splitlines())} lines"


@official("DEVICE-3-1-8", alone=ALONE)
async def reboot(device: Device) -> str:
    return f"it answers again after {await restart(device):.0f} s"


async def _reset(device: Device, how: str) -> str:
    """What may have no account any more is asked only what anybody may ask. What has no address any more has failed
    here, and is for a person to look at."""
    if device.address.reset != how:
        raise NotJudged(f"not asked for: no account may be left afterwards (--factory-default {how})")
    await device.call("tds:SetSystemFactoryDefault", f"<tds:FactoryDefault>{how}</tds:FactoryDefault>")
    passed = await until_back(device)
    gone = device.fault(await device.as_other(device.address.login, "tds:GetUsers")) is not None
    expect(gone or how == "Soft", "the account is still let in")
    return f"it answers again after {passed:.0f} s; the account {'is gone' if gone else 'is still known'}"


@official("DEVICE-3-1-7", alone=LAST)
async def soft_reset(device: Device) -> str:
    return await _reset(device, "Soft")


@official("DEVICE-3-1-6", alone=LAST)
async def hard_reset(device: Device) -> str:
    return await _reset(device, "Hard")


@official("DEVICE-9-1-4", topic(_REBOOT), alone=ALONE)
async def reboot_told(device: Device) -> str:
    async def told() -> datetime:
        point = await subscribe(device, topic_filter(_REBOOT))
        found = [each for each in await point.everything() if each.topic == _REBOOT]
        expect(bool(found), f"nothing is told by {_REBOOT}")
        return moment(found[-1].data.get("Status", ""))

    before = await told()
    await restart(device)
    after = await told()
    expect(after > before, f"the last restart was {before:%H:%M:%S} before and is {after:%H:%M:%S} after one")
    return f"{before:%H:%M:%S} UTC, then {after:%H:%M:%S}"


#: test -> the topic, and the item of its data with what it must look like
_MONITORING = {
    "DEVICE-9-1-2": ("Monitoring/OperatingTime/LastReset", "Status"),
    "DEVICE-9-1-3": ("Monitoring/OperatingTime/LastReboot", "Status"),
    "DEVICE-9-1-5": ("Monitoring/OperatingTime/LastClockSynchronization", "Status"),
    "DEVICE-9-1-8": ("Monitoring/Backup/Last", "Status"),
    "DEVICE-9-1-9": ("Device/HardwareFailure/FanFailure", "Failed"),
    "DEVICE-9-1-10": ("Device/HardwareFailure/PowerSupplyFailure", "Failed"),
    "DEVICE-9-1-11": ("Device/HardwareFailure/StorageFailure", "Failed"),
    "DEVICE-9-1-12": ("Device/HardwareFailure/TemperatureCritical", "Critical"),
}


def _monitored(name: str, path: str, item: str) -> None:
    @official(name, topic(path))
    async def check(device: Device) -> str:
        point = await subscribe(device, topic_filter(path))
        found = await point.everything()
        provided(bool(found), f"nothing is there that {path} could tell of")
        for each in found:
            expect(each.topic == path, f"{each.topic} came too")
            value = each.data.get(item)
            if item == "Status":
                moment(value or "")
            else:
                expect(value in ("true", "false", "0", "1"), f"{item} is {value}")
                expect(bool(each.source), f"{path} does not say of what it tells")
        return ", ".join(f"{' '.join(each.source.values())} {each.data[item]}".strip() for each in found)


for _name, _row in _MONITORING.items():
    _monitored(_name, *_row)


# --------------------------------------------------------------------------------------------- namespaces

_ENV, _TDS = PREFIXES["env"], PREFIXES["tds"]
#: GetCapabilities, as clients may write its namespaces
NAMESPACES: Mapping[str, str] = {
    "DEVICE-6-1-1": (
        f'<Envelope xmlns="{_ENV}"><Header/><Body><GetCapabilities xmlns="{_TDS}"><Category>All</Category>'
        "</GetCapabilities></Body></Envelope>"
    ),
    "DEVICE-6-1-2": (
        f'<e:Envelope xmlns:e="{_ENV}" xmlns="{_TDS}"><e:Header/><e:Body><GetCapabilities>'
        "<Category>All</Category></GetCapabilities></e:Body></e:Envelope>"
    ),
    "DEVICE-6-1-3": (
        f'<one:Envelope xmlns:one="{_ENV}" xmlns:wsdl-2="{_TDS}"><one:Header/><one:Body><wsdl-2:GetCapabilities>'
        "<wsdl-2:Category>All</wsdl-2:Category></wsdl-2:GetCapabilities></one:Body></one:Envelope>"
    ),
    "DEVICE-6-1-4": (
        f'<a:Envelope xmlns:a="{_ENV}" xmlns:b="{_ENV}"><b:Header/><b:Body><c:GetCapabilities xmlns:c="{_TDS}" '
        f'xmlns:d="{_TDS}"><d:Category>All</d:Category></c:GetCapabilities></b:Body></a:Envelope>'
    ),
    "DEVICE-6-1-5": (
        f'<p:Envelope xmlns:p="{_ENV}"><p:Header/><p:Body><p:GetCapabilities xmlns:p="{_TDS}">'
        "<p:Category>All</p:Category></p:GetCapabilities></p:Body></p:Envelope>"
    ),
}


def _written(name: str, request: str) -> None:
    @official(name)
    async def check(device: Device) -> str:
        answer = await device.raw("tds:GetCapabilities", request.encode())
        told = device.good("tds:GetCapabilities", answer)
        return text(told, "tds:Capabilities/tt:Device/tt:XAddr")


for _name, _request in NAMESPACES.items():
    _written(_name, _request)
