"""Envelopes, the table, access and faults: what every service has without doing anything for it."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from device.accounts.role import Role
from device.errors import BadValue, Fault, NotFound
from device.media import Utc
from protocols.onvif.faults import Refusal, invalid
from protocols.onvif.names import ENV, ENV11, TDS, TRC, TT, WSA
from protocols.onvif.operations import LEAST, Access, Call, Legacy, Operation, Service, Table
from protocols.onvif.services.listing import Listing
from protocols.onvif.soap import read
from protocols.onvif.xml import (
    DEPTH,
    OCTETS,
    Element,
    need,
    read_instant,
    read_span,
    sub,
    write_instant,
    write_span,
)
from tests.protocols.onvif.rig import Device, element, envelope

NO_RECORDING = invalid("NoRecording", "There is no such recording")


class Stand:
    """Two services: of one the listing, of the other an operation for each thing that can happen."""

    def __init__(self) -> None:
        self.asked: list[Call] = []

    async def state(self, call: Call, reply: Element) -> None:
        self.asked.append(call)
        what = need(call.body, TRC.JobToken)
        if what == "gone":
            raise NotFound("job", what)
        if what == "bad":
            raise BadValue("JobToken", "must be better")
        if what == "broken":
            raise Fault("The disk is gone.")
        if what == "defect":
            raise KeyError(what)
        state = sub(reply, TRC.State)
        sub(state, TT.RecordingToken, "r")
        sub(state, TT.State, "Active")

    async def delete(self, call: Call, reply: Element) -> None:
        self.asked.append(call)

    def services(self) -> list[Service]:
        """Device and Recording Control."""
        found: list[Service] = []
        rows = ((NotFound, NO_RECORDING),)
        recording = Service(
            TRC,
            "/onvif/recording_service",
            (26, 6),
            "RecordingPort",
            lambda shown: shown.set("DynamicTracks", "true"),
            (
                Operation("GetRecordingJobState", Access.READ_MEDIA, self.state, rows),
                Operation("DeleteRecordingJob", Access.ACTUATE, self.delete, rows),
            ),
            Legacy("Recording", extension=True, fill=self._legacy),
        )
        device = Service(
            TDS, "/onvif/device_service", (26, 6), "Device", self._capabilities, Listing(found).operations
        )
        found += [device, recording]
        return found

    def _capabilities(self, shown: Element) -> None:
        for name in ("Network", "Security", "System"):
            sub(shown, TDS.name(name))

    def _legacy(self, shown: Element) -> None:
        for name in ("ReceiverSource", "MediaProfileSource", "DynamicRecordings", "DynamicTracks"):
            sub(shown, TT.name(name), False)
        sub(shown, TT.MaxStringLength, 128)


@pytest.fixture
def stand() -> Stand:
    return Stand()


@pytest.fixture
def device(stand: Stand) -> Device:
    return Device(stand.services())


def job(token: str) -> Element:
    return element(TRC.GetRecordingJobState, [(TRC.JobToken, token)])


async def test_the_services_are_told_with_the_address_that_was_asked(device: Device) -> None:
    said = await device.ask(element(TDS.GetServices, [(TDS.IncludeCapability, "true")]), None)
    told = {
        shown.findtext(TDS.Namespace, ""): shown.findtext(TDS.XAddr, "")
        for shown in said.body.iter(TDS.Service)
    }
    assert told == {
        TDS: "http://192.0.2.7:8080/onvif/device_service",
        TRC: "http://192.0.2.7:8080/onvif/recording_service",
    }
    with_services = next(shown for shown in said.body.iter(TRC.Capabilities))
    alone = (await device.ask(TRC.GetServiceCapabilities, None)).body[0]
    assert alone.items() == with_services.items() == [("DynamicTracks", "true")]


async def test_older_clients_find_the_services_by_category(device: Device) -> None:
    said = await device.ask(TDS.GetCapabilities, None)
    assert (
        said.body.findtext(f".//{TT.Recording}/{TT.XAddr}") == "http://192.0.2.7:8080/onvif/recording_service"
    )
    absent = await device.ask(element(TDS.GetCapabilities, [(TDS.Category, "PTZ")]), None)
    assert absent.fault == ("Receiver", "ActionNotSupported", "NoSuchService")
    wrong = await device.ask(element(TDS.GetCapabilities, [(TDS.Category, "Tea")]), None)
    assert wrong.fault == ("Sender", "InvalidArgVal")


@pytest.mark.parametrize("path", ["/onvif/device_service", "/onvif/recording_service", "/onvif/whatever"])
async def test_the_body_alone_says_what_is_asked(device: Device, path: str) -> None:
    assert (await device.ask(job("j"), path=path)).status == 200


@pytest.mark.parametrize(
    ("token", "fault", "status"),
    [
        ("gone", ("Sender", "InvalidArgVal", "NoRecording"), 400),
        ("bad", ("Sender", "InvalidArgVal"), 400),
        ("broken", ("Receiver", "Action"), 500),
        ("defect", ("Receiver", "Action"), 500),
    ],
)
async def test_an_error_of_the_device_becomes_the_fault_of_the_row(
    device: Device, token: str, fault: tuple[str, ...], status: int
) -> None:
    said = await device.ask(job(token))
    assert (said.fault, said.status) == (fault, status)
    assert [name for name, _ in device.defects] == (["GetRecordingJobState"] if token == "defect" else [])


async def test_what_is_not_in_the_table_is_not_supported(device: Device) -> None:
    for name in (TDS.GetDot11Status, TRC.GetServices, "{urn:other}GetServices", "GetServices"):
        said = await device.ask(name)
        assert (said.fault, said.status) == (("Receiver", "ActionNotSupported"), 500)


async def test_a_missing_argument_is_named(device: Device) -> None:
    said = await device.ask(TRC.GetRecordingJobState)
    assert said.fault == ("Sender", "InvalidArgVal")
    assert "JobToken" in said.reason


@pytest.mark.parametrize(
    ("user", "reads", "acts"), [("ada", 200, 200), ("otto", 200, 200), ("vera", 200, 401), (None, 401, 401)]
)
async def test_the_role_decides(
    device: Device, stand: Stand, user: str | None, reads: int, acts: int
) -> None:
    delete = element(TRC.DeleteRecordingJob, [(TRC.JobToken, "j")])
    assert (await device.ask(job("j"), user)).status == reads
    said = await device.ask(delete, user)
    assert said.status == acts
    if acts == 401:
        assert said.fault == ("Sender", "NotAuthorized")
        assert len(said.answer.challenges) == 2
    assert [call.account for call in stand.asked] == [user] * (2 - [reads, acts].count(401))


def test_the_access_policy_is_the_default_one() -> None:
    """ONVIF Core s5.9.4."""
    assert {access for access, least in LEAST.items() if least is Role.VIEWER} == {
        Access.READ_SYSTEM,
        Access.READ_MEDIA,
    }
    assert {access for access, least in LEAST.items() if least is None} == {Access.PRE_AUTH}
    assert set(LEAST) == set(Access)


def test_an_operation_stands_in_the_table_once(stand: Stand) -> None:
    with pytest.raises(ValueError, match="twice"):
        Table([*stand.services(), stand.services()[1]])


async def test_a_message_that_is_addressed_is_answered_so(device: Device) -> None:
    said = await device.post(
        envelope(element(TDS.GetServices, [(TDS.IncludeCapability, "false")]), message="urn:uuid:1")
    )
    header = said.root.find(ENV.Header)
    assert header is not None
    assert header.findtext(WSA.RelatesTo) == "urn:uuid:1"
    assert header.findtext(WSA.Action) == "http://www.onvif.org/ver10/device/wsdl/Device/GetServicesResponse"
    plain = await device.ask(element(TDS.GetServices, [(TDS.IncludeCapability, "false")]), None)
    assert plain.root.find(ENV.Header) is None


async def test_another_soap_is_refused(device: Device) -> None:
    old = f'<e:Envelope xmlns:e="{ENV11}"><e:Body><x/></e:Body></e:Envelope>'
    assert (await device.post(old.encode())).fault == ("VersionMismatch",)


async def test_a_header_that_must_be_understood_is_not_passed_over(device: Device) -> None:
    strange = etree.Element("{urn:other}Transaction")
    strange.set(ENV.mustUnderstand, "1")
    assert (await device.post(envelope(TDS.GetServices, strange))).fault == ("MustUnderstand",)


HOSTILE = {
    "nothing": b"",
    "not XML": b"GET / HTTP/1.0",
    "not UTF-8": b"<a>\xff\xfe</a>",
    "no envelope": b"<a/>",
    "no body": f'<e:Envelope xmlns:e="{ENV}"/>'.encode(),
    "an empty body": f'<e:Envelope xmlns:e="{ENV}"><e:Body/></e:Envelope>'.encode(),
    "two bodies": f'<e:Envelope xmlns:e="{ENV}"><e:Body><a/><b/></e:Body></e:Envelope>'.encode(),
    "text for a body": f'<e:Envelope xmlns:e="{ENV}"><e:Body>tea</e:Body></e:Envelope>'.encode(),
    "an undeclared prefix": b"<e:Envelope><e:Body/></e:Envelope>",
    "laughter": b'<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><l>&b;</l>',
    "a file": b'<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]><l>&a;</l>',
    "a DTD in UTF-16": '<!DOCTYPE l SYSTEM "http://192.0.2.1/x.dtd"><l/>'.encode("utf-16"),
    "an entity that nobody declared": f'<e:Envelope xmlns:e="{ENV}"><e:Body>&tea;</e:Body></e:Envelope>'.encode(),
    "too long": b"<a>" + b"x" * OCTETS + b"</a>",
    "too deep": b"<a>" * (DEPTH + 2) + b"</a>" * (DEPTH + 2),
    "much too deep": b"<a>" * 5000 + b"</a>" * 5000,
    "half": envelope(TDS.GetServices)[:-20],
    "zeros": b"\0" * 100,
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
async def test_what_cannot_be_read_is_refused(device: Device, data: bytes) -> None:
    said = await device.post(data)
    assert said.fault[0] in ("Sender", "Receiver")
    assert said.status in (400, 500)
    assert device.defects == []


@given(st.binary(max_size=200), st.integers(0, 1000), st.integers(0, 3))
@settings(max_examples=300)
def test_no_octets_make_the_reader_raise_anything_else(noise: bytes, at: int, cut: int) -> None:
    whole = envelope(job("j"))
    at %= len(whole)
    for data in (noise, whole[:at] + noise + whole[at + cut * len(noise) :]):
        with contextlib.suppress(Refusal):
            read(data)


@pytest.mark.parametrize("name", ["tds", "a", ""])
async def test_prefixes_do_not_matter(device: Device, name: str) -> None:
    """DEVICE-6-1-1 to 6-1-5."""
    tag, colon = (f"{name}:", f":{name}") if name else ("", "")
    data = (
        f'<S:Envelope xmlns:S="{ENV}"><S:Body><{tag}GetServices xmlns{colon}="{TDS}">'
        f"<{tag}IncludeCapability> false\n</{tag}IncludeCapability></{tag}GetServices></S:Body></S:Envelope>"
    )
    assert (await device.post(data.encode())).status == 200


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:01.5Z", 1_500_000),
        ("1970-01-01T00:00:01.1234567Z", 1_123_456),
        ("1970-01-01T02:00:00+02:00", 0),
        ("1969-12-31T19:00:00-05:00", 0),
        ("1970-01-01T00:00:00", 0),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
        ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
    ],
)
def test_instants(text: str, utc: int) -> None:
    assert read_instant("Created", text) == utc
    assert read_instant("Created", write_instant(Utc(utc))) == utc


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT60S", 60), ("PT1M", 60), ("P1DT1H", 90_000), ("PT0.25S", 0.25), ("-PT5S", -5), ("P1Y", 365 * 86400)],
)
def test_spans(text: str, seconds: float) -> None:
    assert read_span("Timeout", text) == seconds
    assert read_span("Timeout", write_span(seconds)) == seconds


@pytest.mark.parametrize("text", ["", "P", "PT", "60", "P1S", "PT1M ", "P99999999999Y", "PT1H1H"])
def test_no_spans(text: str) -> None:
    with pytest.raises(Refusal):
        read_span("Timeout", text)


@pytest.mark.parametrize(
    "text", ["", "2026-02-30T00:00:00Z", "2026-01-01", "2026-01-01T24:00:00Z", "0000-01-01T00:00:00Z"]
)
def test_no_instants(text: str) -> None:
    with pytest.raises(Refusal):
        read_instant("Until", text)
