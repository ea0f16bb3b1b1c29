"""What the device says that it can: GetServices, GetServiceCapabilities, GetCapabilities."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from conformance.case import Need, expect
from conformance.onvif.client import Element, envelope
from conformance.onvif.device import Device, Service, services
from conformance.onvif.names import PREFIXES
from conformance.onvif.needs import service
from conformance.onvif.official import TESTS
from conformance.onvif.suite import official
from conformance.onvif.values import maybe, only, text

#: GetServices: test -> prefix and name of the service that must be there
_SERVICES = {
    "DEVICE-1-1-13": ("tds", "Device"),
    "DEVICE-1-1-14": ("trt", "Media"),
    "DEVICE-1-1-15": ("tptz", "PTZ"),
    "DEVICE-1-1-16": ("tev", "Event"),
    "DEVICE-1-1-17": ("timg", "Imaging"),
    "DEVICE-1-1-20": ("trp", "Replay"),
    "DEVICE-1-1-21": ("tse", "Recording Search"),
    "DEVICE-1-1-22": ("trc", "Recording Control"),
    "DEVICE-1-1-23": ("trv", "Receiver"),
    "DEVICE-1-1-24": ("tac", "Access Control"),
    "DEVICE-1-1-25": ("tdc", "Door Control"),
    "DEVICE-1-1-26": ("tas", "Security Configuration"),
    "DEVICE-1-1-27": ("tar", "Access Rules"),
    "DEVICE-1-1-28": ("tcr", "Credential"),
    "DEVICE-1-1-29": ("tsc", "Schedule"),
}
_CONSISTENT = {
    "DEVICE-1-1-19": "tds",
    "EVENT-5-1-2": "tev",
    "RECORDING-1-1-3": "trc",
    "SEARCH-1-1-2": "tse",
    "REPLAY-1-1-2": "trp",
    "RECEIVER-1-1-2": "trv",
}
#: GetServiceCapabilities: test -> prefix, and attributes that must be there and above 0, or not empty
_CAPABILITIES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "DEVICE-1-1-18": ("tds", ()),
    "EVENT-5-1-1": ("tev", ("MaxPullPoints",)),
    "RECORDING-1-1-1": ("trc", ("MaxRate", "MaxTotalRate", "MaxRecordings", "Encoding")),
    "SEARCH-1-1-1": ("tse", ()),
    "REPLAY-1-1-1": ("trp", ()),
    "RECEIVER-1-1-1": ("trv", ("SupportedReceivers", "MaximumRTSPURILength")),
}
_LEGACY = {"DEVICE-1-1-4": "Media", "DEVICE-1-1-5": "Events"}


async def _listed(device: Device, capabilities: bool) -> dict[str, Service]:
    asked = str(capabilities).lower()
    return services(
        await device.call("tds:GetServices", f"<tds:IncludeCapability>{asked}</tds:IncludeCapability>")
    )


def _flat(element: Element) -> dict[str, str]:
    """All attributes of an element and those below it, by their path; lists without their order."""
    found = {}
    for each in element.iter():
        for key, value in each.attrib.items():
            found[f"{each.tag}@{key}"] = " ".join(sorted(value.replace(",", " ").split()))
    return found


async def _asked(device: Device, prefix: str) -> Element:
    """GetServiceCapabilities."""
    return only(await device.call(f"{prefix}:GetServiceCapabilities"), f"{prefix}:Capabilities")


def _named(name: str, prefix: str, called: str) -> None:
    optional: tuple[Need[Device], ...] = () if TESTS[name].when == "-" else (service(prefix, called),)

    @official(name, *optional)
    async def check(device: Device) -> str:
        plain = await _listed(device, capabilities=False)
        expect(prefix in plain, f"GetServices names no {called} service")
        expect(plain[prefix].capabilities is None, "capabilities were not asked for, and told")
        full = await _listed(device, capabilities=True)
        expect(full[prefix].capabilities is not None, "capabilities were asked for, and are not told")
        return f"{PREFIXES[prefix]} {'.'.join(map(str, full[prefix].version))} at {full[prefix].url}"


def _consistent(name: str, prefix: str) -> None:
    @official(name)
    async def check(device: Device) -> str:
        there = (await _listed(device, capabilities=True))[prefix].capabilities
        expect(there is not None, "GetServices tells no capabilities")
        one, other = _flat(there), _flat(await _asked(device, prefix))
        differing = sorted(key.rpartition("}")[2] for key in one | other if one.get(key) != other.get(key))
        expect(not differing, f"GetServices and GetServiceCapabilities differ: {', '.join(differing)}")
        return f"{len(one)} attributes are alike"


def _told(name: str, prefix: str, wanted: tuple[str, ...]) -> None:
    @official(name)
    async def check(device: Device) -> str:
        told = await _asked(device, prefix)
        for attribute in wanted:
            value = told.get(attribute)
            expect(bool(value) and value != "0", f"{attribute} is {value!r}")
        return (
            "; ".join(f"{key.rpartition('@')[2]}={value}" for key, value in _flat(told).items()) or "nothing"
        )


for _name, (_prefix, _called) in _SERVICES.items():
    _named(_name, _prefix, _called)
for _name, _prefix in _CONSISTENT.items():
    _consistent(_name, _prefix)
for _name, (_prefix, _wanted) in _CAPABILITIES.items():
    _told(_name, _prefix, _wanted)


async def _legacy(device: Device, category: str) -> Element:
    told = await device.call("tds:GetCapabilities", f"<tds:Category>{category}</tds:Category>")
    return only(told, "tds:Capabilities")


@official("DEVICE-1-1-2")
async def all_capabilities(device: Device) -> str:
    told = await _legacy(device, "All")
    for one in ("tt:Device", "tt:Events"):
        expect(bool(text(only(told, one), "tt:XAddr")), f"{one} has no address")
    return ", ".join(each.tag.rpartition("}")[2] for each in told)


@official("DEVICE-1-1-3")
async def device_capabilities(device: Device) -> str:
    told = only(await _legacy(device, "Device"), "tt:Device")
    return text(told, "tt:XAddr")


def _category(name: str, category: str) -> None:
    @official(name)
    async def check(device: Device) -> str:
        return text(only(await _legacy(device, category), f"tt:{category}"), "tt:XAddr")


for _name, _of in _LEGACY.items():
    _category(_name, _of)


@official("DEVICE-1-1-9")
async def soap_fault(device: Device) -> str:
    answer = await device.raw(
        "tds:GetCapabilities",
        envelope("<tds:GetCapabilities><tds:Category>XYZ</tds:Category></tds:GetCapabilities>"),
    )
    fault = device.fault(answer)
    expect(fault is not None, "a category that is none was not refused")
    assert fault is not None
    expect(fault.codes[:1] in (("Sender",), ("Receiver",)), fault.said)
    return fault.said


@official("DEVICE-1-1-30")
async def services_and_capabilities(device: Device) -> str:
    listed = await _listed(device, capabilities=True)
    told = await _legacy(device, "All")
    alike = {"tds": "tt:Device", "tev": "tt:Events", "trt": "tt:Media"}
    extended = {"trc": "Recording", "tse": "Search", "trp": "Replay", "trv": "Receiver"}
    alike |= {prefix: f"tt:Extension/tt:{category}" for prefix, category in extended.items()}
    compared = []
    for prefix, where in alike.items():
        address = maybe(told, f"{where}/tt:XAddr")
        there = listed[prefix].url if prefix in listed else None
        expect(address == there, f"{where} is {address} in GetCapabilities, {there} in GetServices")
        if there:
            compared.append(prefix)
    own = listed["tds"].capabilities
    expect(own is not None, "GetServices tells no capabilities of the device")
    for group in ("Network", "System", "Security"):
        attributes = only(own, f"tds:{group}").attrib
        for each in only(told, f"tt:Device/tt:{group}"):
            key = each.tag.rpartition("}")[2]
            if key in attributes and each.text in ("true", "false"):
                expect(attributes[key] == each.text, f"{group}/{key}: {each.text}, and {attributes[key]}")
    return f"addresses of {', '.join(compared)} and the capabilities of the device are alike"


@official("DEVICE-1-1-31")
async def addresses(device: Device) -> str:
    asked = urlsplit(device.address.url)
    for prefix, one in (await _listed(device, capabilities=False)).items():
        there = urlsplit(one.url)
        same = (there.scheme, there.hostname, there.port) == (asked.scheme, asked.hostname, asked.port)
        expect(same, f"{prefix} is said to be at {one.url}, and {device.address.url} was asked")
    return f"all are at {asked.scheme}://{asked.netloc}"
