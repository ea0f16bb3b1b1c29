"""Messages as octets: the three forms, whatever a camera or a person wrote into an event."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

import device.events
from device.audit.logs import ACCESS, AUDITED, Log, log_of
from device.audit.trail import Receipt
from device.cameras.source import Cause
from device.errors import Severity
from device.events.catalogue import CameraId, CameraOffline, GapClosed, SettingsChanged, Token
from device.events.event import events
from device.events.journal import Entry
from device.events.words import fields, said, sentence
from device.media import MICROSECONDS, Utc
from device.settings.syslog import Form
from protocols.syslog.catalogue import BY_EVENT, FACILITIES, ROWS, message, origin, trial
from protocols.syslog.message import Manner, Message, encode, framed
from tests.protocols.syslog.reading import read

for module in pkgutil.iter_modules(device.events.__path__):
    importlib.import_module(f"device.events.{module.name}")  # declares its events

BERLIN = ZoneInfo("Europe/Berlin")
NOW = Utc(round(datetime(2026, 11, 28, 13, 5, 7, 123_456, UTC).timestamp() * MICROSECONDS))
OFFLINE = CameraOffline(CameraId("c-aaaa"), "main", Cause.UNREACHABLE, 'he said "no]" \\ \n<13>1 - - forged')
ENTRY = Entry(17, NOW, "recording:abcd", 3, 0, OFFLINE)
SPEAKER = origin("1.2")


def manner(form: Form = Form.RFC5424, host: str = "nvr.example.org", limit: int = 2048) -> Manner:
    return Manner(form, host, BERLIN, limit)


@pytest.mark.parametrize("name", sorted(events()))
def test_every_event_has_a_row_of_the_table(name: str) -> None:
    assert name in BY_EVENT, "add a row to protocols/syslog/catalogue.py"


def test_every_row_is_of_an_event_and_no_two_have_one_name() -> None:
    assert BY_EVENT.keys() <= events().keys()
    assert len(BY_EVENT) == len(ROWS) == len({row.name for row in ROWS})
    for row in ROWS:
        assert re.fullmatch(r"[A-Z][A-Z-]{1,31}", row.name)
        assert re.fullmatch(r"[a-z]{1,20}", row.data)


@pytest.mark.parametrize("name", sorted(events()))
def test_what_somebody_did_stands_in_the_audit_log_and_a_field_says_who(name: str) -> None:
    kind = events()[name]
    names = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]  # every event is a dataclass
    if "by" in names and kind.__name__ != "PortDenied":
        assert log_of(name) is Log.AUDIT, "add a row to device/audit/logs.py"
    for row in AUDITED:
        if row.event == name:
            assert {row.who, *row.what} <= names


def test_the_logs_tables_are_of_events() -> None:
    assert {row.event for row in AUDITED} | ACCESS <= events().keys()


@pytest.mark.proves("M-379", "M-388")
def test_rfc_5424_says_everything_in_fields() -> None:
    found = read(encode(message(ENTRY, None, 5, SPEAKER), manner()))
    assert (found.facility, found.severity) == (3, Severity.ERROR)
    assert found.time == "2026-11-28T14:05:07.123456+01:00"
    assert (found.host, found.app, found.process) == ("nvr.example.org", "holdfast", "recording")
    assert found.name == "CAMERA-OFFLINE"
    assert found.data["camera@32473"] == {
        "camera": "c-aaaa",
        "stream": "main",
        "cause": "unreachable",
        "detail": 'he said "no]" \\  <13>1 - - forged',
    }
    assert found.data["meta"] == {"sequenceId": "5"}
    assert found.data["event@32473"] == {"name": "camera.offline", "seq": "17", "raised": "0"}
    assert found.data["origin"]["swVersion"] == "1.2"
    assert found.text.startswith("No picture comes from a camera. camera=c-aaaa")


@pytest.mark.proves("M-378", "M-388")
def test_rfc_3164_has_local_time_the_short_name_and_a_tag() -> None:
    octets = encode(message(ENTRY, None, 5, SPEAKER), manner(Form.RFC3164))
    assert octets.startswith(b"<27>Nov 28 14:05:07 nvr holdfast[recording]: No picture comes from a camera.")
    early = encode(trial(Utc(NOW - 23 * 86_400 * MICROSECONDS), SPEAKER, "Tor"), manner(Form.RFC3164))
    assert early.startswith(b"<29>Nov  5 14:05:07 nvr holdfast[control]: ")


@pytest.mark.parametrize("host", ["192.0.2.7", "2001:db8::7"])
def test_an_address_as_host_name_stays_whole(host: str) -> None:
    octets = encode(message(ENTRY, None, 1, SPEAKER), manner(Form.RFC3164, host))
    assert f" {host} holdfast".encode() in octets


@pytest.mark.proves("M-377", "M-388")
def test_the_axis_like_form_has_the_offset_and_the_severity_as_a_word() -> None:
    octets = encode(message(ENTRY, None, 5, SPEAKER), manner(Form.AXIS))
    begin = b"<27>2026-11-28T14:05:07.123+01:00 nvr.example.org [ ERR     ] holdfast[recording]: No picture"
    assert octets.startswith(begin)


def test_an_audit_message_carries_its_place_in_the_trail() -> None:
    changed = SettingsChanged("cameras", "c-aaaa", ("name", "main"), "anna")
    entry = Entry(4, NOW, "control:x", 4, 0, changed)
    found = read(encode(message(entry, Receipt(2, "ab" * 32), 1, SPEAKER), manner()))
    assert found.facility == FACILITIES[Log.AUDIT] == 13
    assert found.data["audit@32473"] == {"number": "2", "hash": "ab" * 32}
    assert found.data["settings@32473"]["fields"] == "name,main"


def test_moments_in_fields_are_rfc_3339() -> None:
    gap = GapClosed(Token("c-aaaa"), NOW, Utc(NOW + 1), Cause.UNREACHABLE)
    assert dict(fields(gap))["start"] == "2026-11-28T13:05:07.123456Z"


def test_a_sentence_is_the_first_of_the_documentation() -> None:
    assert sentence(CameraOffline) == "No picture comes from a camera."
    assert said(OFFLINE).endswith("forged")


messages = st.builds(
    Message,
    st.integers(0, 23),
    st.sampled_from(list(Severity)),
    st.integers(0, 4_000_000_000_000_000).map(Utc),
    st.text(max_size=200),
    st.text(max_size=60),
    st.lists(
        st.tuples(
            st.sampled_from(["origin", "camera@32473", "meta"]),
            st.lists(
                st.tuples(st.text("abcXYZ-_", min_size=1, max_size=40), st.text(max_size=80)), max_size=4
            ),
        ),
        max_size=3,
        unique_by=lambda each: each[0],
    ).map(tuple),
    st.text(max_size=400),
)


@given(messages, st.text(max_size=300), st.integers(480, 3000))
def test_whatever_is_in_it_rfc_5424_can_be_read_and_keeps_the_limit(
    said: Message, host: str, limit: int
) -> None:
    octets = encode(said, Manner(Form.RFC5424, host, UTC, limit + 500))
    assert len(octets) <= limit + 500
    found = read(octets)
    assert (found.facility, found.severity) == (said.facility, said.severity)
    assert not re.search("[\x00-\x1f\x7f-\x9f]", octets.decode())


@given(messages, st.sampled_from([Form.RFC3164, Form.AXIS]), st.integers(480, 3000))
def test_no_form_has_line_breaks_or_is_too_long(said: Message, form: Form, limit: int) -> None:
    octets = encode(said, Manner(form, "nvr", UTC, limit))
    assert len(octets) <= limit
    assert not re.search("[\x00-\x1f\x7f-\x9f]", octets.decode())
    if form is Form.RFC3164:
        assert octets.isascii()
        assert len(octets) <= 1024


@given(st.integers(0, 4_000_000_000), st.sampled_from(sorted(available_timezones())))
def test_the_offset_is_the_zones_at_that_moment(seconds: int, name: str) -> None:
    utc = Utc(seconds * MICROSECONDS)
    said = trial(utc, SPEAKER, "Tor")
    found = read(encode(said, Manner(Form.RFC5424, "nvr", ZoneInfo(name), 2048)))
    told = datetime.fromisoformat(found.time)
    assert told == datetime.fromtimestamp(seconds, UTC)
    offset = ZoneInfo(name).utcoffset(told)
    assert offset is not None
    assert told.utcoffset() == (timedelta() if offset % timedelta(minutes=1) else offset)


def test_long_structured_data_goes_before_the_text_does() -> None:
    long = dataclasses.replace(OFFLINE, detail="x" * 5000)
    octets = encode(message(dataclasses.replace(ENTRY, event=long), None, 1, SPEAKER), manner(limit=600))
    found = read(octets)
    assert found.data == {}
    assert found.text.startswith("No picture comes from a camera.")


def test_a_frame_is_behind_its_length() -> None:
    assert framed("größe".encode()) == b"7 " + "größe".encode()
