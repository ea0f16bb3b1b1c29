"""What every declared setting must have, schedules, conditions, and settings as people type them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.errors import BadValue
from device.media import MICROSECONDS, Utc
from device.recording.modes import Mode
from device.settings.cameras import Camera
from device.settings.parse import assign, assignment, place
from device.settings.recording import Recording
from device.settings.schedule import Day, Span, minute, weekly
from device.settings.section import Field, Section, about_fields
from device.settings.sections import SECTIONS
from device.settings.store import Store
from device.settings.when import BadExpression, has_meaning, names
from device.vault import Vault
from tests.device.clock.simulated import SimulatedClock

URL = "rtsp://10.0.0.7/a?b=c&d[0]=e"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "s.db", Vault(b"k" * 32), SECTIONS, SimulatedClock(), readonly=False)
    yield store
    store.close()


@pytest.mark.parametrize("kind", SECTIONS)
def test_every_setting_has_a_title_and_its_conditions_name_fields(kind: type[Section]) -> None:
    assert kind.about.heading
    assert kind.__doc__
    for field in about_fields(kind).values():
        assert field.title != field.name
        if field.when:
            assert names(field.when) <= set(kind.model_fields)


@pytest.mark.parametrize("kind", SECTIONS)
def test_every_setting_with_a_limit_has_both_limits_and_a_unit(kind: type[Section]) -> None:
    for field in about_fields(kind).values():
        assert (field.ge is None) == (field.le is None)
        assert field.ge is None or field.unit or field.name == "port"  # a number, and of nothing


def test_a_setting_has_a_meaning_where_its_condition_holds() -> None:
    camera = Camera(main=URL)
    event = camera.model_copy(update={"mode": Mode.EVENT})
    assert has_meaning(camera, "name")
    assert not has_meaning(camera, "pre_event")
    assert has_meaning(event, "pre_event")
    assert has_meaning(event, "schedule")


@pytest.mark.parametrize("text", ["__import__('os')", "name.upper()", "name[0]", "a +", "f'{name}'"])
def test_a_condition_is_no_program(text: str) -> None:
    class Odd(
        Section, section="odd", heading="Odd", restore=SECTIONS[0].about.restore, role=SECTIONS[0].about.role
    ):
        """One field with a bad condition."""

        name: str = Field("", title="Name", when=text)

    with pytest.raises(BadExpression):
        has_meaning(Odd(), "name")


ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia"]
TIMES = st.integers(0, 24 * 60).map(lambda m: f"{m // 60:02}:{m % 60:02}")
SPANS = st.builds(Span, days=st.sets(st.sampled_from(Day)).map(tuple), start=TIMES, end=TIMES)
DST = [
    datetime(2026, 3, 29, tzinfo=UTC),
    datetime(2026, 10, 25, tzinfo=UTC),
    datetime(2026, 11, 1, tzinfo=UTC),
]


@given(st.lists(SPANS, max_size=4), st.sampled_from(ZONES), st.sampled_from(DST), st.integers(-3000, 3000))
def test_a_schedule_is_what_the_clock_on_the_wall_says(
    spans: list[Span], zone: str, near: datetime, minutes: int
) -> None:
    at = near + timedelta(minutes=minutes, seconds=59)
    local = at.astimezone(ZoneInfo(zone))
    week = list(Day)

    def due() -> bool:
        """The oracle: has a span that began today or yesterday not ended?"""
        now = local.hour * 60 + local.minute
        for span in spans:
            start, end = minute(span.start), minute(span.end)
            across = end <= start
            if week[local.weekday()] in span.days and start <= now and (across or now < end):
                return True
            if across and week[local.weekday() - 1] in span.days and now < end:
                return True
        return False

    utc = Utc(int(at.timestamp()) * MICROSECONDS)
    assert weekly(spans, ZoneInfo(zone))(utc) == due()


@pytest.mark.parametrize("time", ["24:01", "7:00", "12:60", "", "12:00\n", "٠٠:٠٠"])
def test_a_time_that_no_clock_shows_is_refused(time: str) -> None:
    with pytest.raises(ValueError):
        Span(start=time)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("recording.durability=2.5", "2.5"),
        ("cameras[c-7f3k2m].main=" + URL, URL),
        ("cameras[c-7f3k2m].password= a=b ", " a=b "),
        ("cameras[c-7f3k2m].retention_days=unlimited", None),
        ("cameras[c-7f3k2m].sub=", None),
        ("cameras[c-7f3k2m].name=", ""),
        ('cameras[c-7f3k2m].schedule=[{"days":["mon"]}]', [{"days": ["mon"]}]),
    ],
)
def test_an_assignment_is_read_by_the_type_of_its_field(store: Store, text: str, value: object) -> None:
    assert assignment(text, store).value == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("recording.durabilty=2", "do you mean durability"),
        ("recordin.durability=2", "do you mean recording"),
        ("recording=2", "must be section.field=VALUE"),
        ("recording.durability", "must be section.field=VALUE"),
        ("cameras.name=x", r"say which: cameras\[KEY\].name"),
        ("cameras[c-7f3k2m].schedule=monday", "must be JSON"),
        ("recording[a].durability=2", "there is only one"),
        ("recording.durability=fast", "recording.durability"),
        ("recording.durability=11", "0.5 to 10 s"),
        ("", "must be"),
        ("[[]]=", "must be"),
    ],
)
def test_an_assignment_that_cannot_be_is_refused_with_what_would_be(
    store: Store, text: str, message: str
) -> None:
    with pytest.raises(BadValue, match=message):
        assign([text], store, by="anna")


def test_assignments_to_one_camera_make_it_in_one_change(store: Store) -> None:
    texts = ["cameras[c-aaaa].name=Gate", f"cameras[c-aaaa].main={URL}", "recording.durability=2"]
    changed = assign(texts, store, by="anna")
    assert [(change.section, change.version) for change in changed] == [("cameras", 1), ("recording", 1)]
    assert store.get(Camera, "c-aaaa").name == "Gate"
    assert store.get(Recording).durability == 2


def test_a_place_is_a_section_an_entry_or_a_field(store: Store) -> None:
    assert place("cameras", store).key == ""
    assert place("cameras[c-aaaa]", store).field == ""
    assert place("cameras[c-aaaa].name", store).field == "name"


@given(st.text(max_size=60))
def test_no_text_makes_the_parser_raise_anything_else(text: str) -> None:
    class _Sections:
        sections = SECTIONS

        def section(self, name: str) -> type[Section]:
            return next(kind for kind in SECTIONS if kind.about.section == name)

    with contextlib.suppress(BadValue):
        assignment(text, _Sections())  # type: ignore[arg-type]  # all of a store that the parser looks at
