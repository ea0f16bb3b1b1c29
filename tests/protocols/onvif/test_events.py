"""The Event service, its topics and filters: every reply is judged by the official schemas."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from device.cameras.source import Cause
from device.events.bus import Bus
from device.events.catalogue import (
    CameraId,
    CameraOffline,
    CameraOnline,
    LoginFailed,
    RecorderStarted,
    VolumeBack,
    VolumeId,
    VolumeMissing,
)
from device.events.drives import DriveBroken, DriveInserted, DriveWell
from device.events.event import events
from device.events.journal import Journal
from device.media import MICROSECONDS, Utc
from protocols.onvif.endpoint import Bell
from protocols.onvif.faults import Refusal
from protocols.onvif.filters import CONCRETE, ITEM_FILTER, read_content
from protocols.onvif.names import ENV, PREFIXES, TEV, TNS1, TT, WSA, WSNT, WSTOP, XS
from protocols.onvif.pullpoints import MOST, PullPoints
from protocols.onvif.services.event import Events
from protocols.onvif.topics import CONCRETE_SET, LEFT_OUT, MOMENTS, STATES, Topics
from protocols.onvif.xml import Element, sub, write_instant
from tests.device.clock.simulated import SimulatedClock
from tests.protocols.onvif.rig import Device, Said, element, envelope, token

FULL = "http://docs.oasis-open.org/wsn/t-1/TopicExpression/Full"
FAILURE = "tns1:Device/HardwareFailure/StorageFailure"


class Stand:
    """A journal, a bus, and the service."""

    def __init__(self, folder: Path) -> None:
        self.clock = SimulatedClock()
        self.journal = Journal(folder / "journal", "control", self.clock, keep=1000)
        self.bus = Bus(self.journal, lambda entry, error: pytest.fail(f"{entry}: {error!r}"))
        self.points = PullPoints(Topics(), self.journal, Bell)
        self.bus.subscribe(self.points.heard)
        self.device = Device([Events(self.points, self.clock).service()])
        self.device.utc = self.clock.utc()

    def run(self, seconds: float) -> None:
        self.clock.run(seconds)
        self.device.utc = self.clock.utc()

    async def subscribe(self, *filters: Element, until: str | None = None) -> Said:
        asked = element(TEV.CreatePullPointSubscription)
        if filters:
            wanted = sub(asked, TEV.Filter)
            for each in filters:
                wanted.append(each)
        if until is not None:
            sub(asked, TEV.InitialTerminationTime, until)
        return await self.device.ask(asked)

    async def path(self, *filters: Element, until: str | None = None) -> str:
        said = await self.subscribe(*filters, until=until)
        assert said.status == 200, said.reason
        return (said.body.findtext(f".//{WSA.Address}") or "").removeprefix("http://192.0.2.7:8080")

    async def pull(self, path: str, seconds: float = 0, most: int = 100) -> Said:
        asked = element(TEV.PullMessages, [(TEV.Timeout, f"PT{seconds}S"), (TEV.MessageLimit, str(most))])
        return await self.device.ask(asked, path=path)

    async def told(self, path: str, most: int = 100) -> list[tuple[str, str, dict[str, str]]]:
        """Topic, operation and items of what waits."""
        said = await self.pull(path, most=most)
        assert said.status == 200, said.reason
        found = []
        for message in said.body.iter(WSNT.NotificationMessage):
            inner = message.find(f"{WSNT.Message}/{TT.Message}")
            assert inner is not None
            items = {item.get("Name", ""): item.get("Value", "") for item in inner.iter(TT.SimpleItem)}
            found.append((message.findtext(WSNT.Topic, ""), inner.get("PropertyOperation", ""), items))
        return found


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    made = Stand(tmp_path)
    yield made
    made.journal.close()


def topic(expression: str, dialect: str = CONCRETE_SET) -> Element:
    made = etree.Element(WSNT.TopicExpression, Dialect=dialect, nsmap=PREFIXES)
    made.text = expression
    return made


def contents(expression: str, dialect: str = ITEM_FILTER) -> Element:
    made = etree.Element(WSNT.MessageContent, Dialect=dialect)
    made.text = expression
    return made


def broken(bay: int) -> DriveBroken:
    return DriveBroken(bay, f"S{bay}", "io")


# ----------------------------------------------------------------------------------------------- the table


def test_every_event_has_a_topic_or_is_named_as_left_out() -> None:
    topics = Topics()
    kinds = events()
    for name, kind in kinds.items():
        if name in LEFT_OUT:
            continue
        states = (kind.raises,) if kind.raises else kind.clears
        assert all(state in topics._states for state in states) if states else name in topics._moments, name
    assert set(LEFT_OUT) | set(MOMENTS) <= set(kinds)
    assert set(STATES) <= {kind.raises for kind in kinds.values()}


def test_two_events_that_are_not_one_property_have_topics_of_their_own() -> None:
    topics = Topics()
    own = [t.path for name, t in topics._states.items() if name not in STATES]
    own += [t.path for name, t in topics._moments.items() if name not in MOMENTS]
    assert len(own) == len(set(own))


async def test_the_topic_set_says_what_comes(stand: Stand) -> None:
    """EVENT-1-1-2."""
    said = await stand.device.ask(TEV.GetEventProperties)
    dialects = {each.text for each in said.body.iter(WSNT.TopicExpressionDialect)}
    assert dialects == {CONCRETE, CONCRETE_SET}
    found = said.body.find(f"{WSTOP.TopicSet}/{TNS1.Device}/HardwareFailure/StorageFailure")
    assert found is not None, "names below the root stand in no namespace"
    assert found.get(WSTOP.topic) == "true"
    described = found.find(TT.MessageDescription)
    assert described is not None
    assert described.get("IsProperty") == "true"
    assert [(i.get("Name"), i.get("Type")) for i in described.iter(TT.SimpleItemDescription)] == [
        ("Token", "tt:ReferenceToken"),
        ("Failed", "xs:boolean"),
    ]
    assert found.nsmap["xs"] == XS


# -------------------------------------------------------------------------------------------- pull points


async def test_a_subscriber_is_told_how_things_stand_and_what_changes(stand: Stand) -> None:
    """EVENT-3-1-9, 3-1-15, 3-1-25."""
    stand.bus.publish(broken(2))
    path = await stand.path()
    assert await stand.told(path) == [(FAILURE, "Initialized", {"Token": "bay-2", "Failed": "true"})]
    stand.bus.publish(DriveWell(2))
    stand.bus.publish(DriveInserted(3, "S3", 4_000_000))
    assert await stand.told(path) == [
        (FAILURE, "Changed", {"Token": "bay-2", "Failed": "false"}),
        ("hf:Drive/Inserted", "", {"Bay": "3", "Serial": "S3", "Size": "4000000"}),
    ]
    assert await stand.told(path) == []
    await stand.device.ask(TEV.SetSynchronizationPoint, path=path)
    assert await stand.told(path) == [(FAILURE, "Initialized", {"Token": "bay-2", "Failed": "false"})]


async def test_a_camera_that_is_away_is_a_property(stand: Stand) -> None:
    path = await stand.path()
    stand.bus.publish(CameraOffline(CameraId("c-1"), "main", Cause.UNREACHABLE, "no route"))
    stand.bus.publish(CameraOnline(CameraId("c-1"), "main", 2.5))
    about = {"Camera": "c-1", "Stream": "main"}
    assert await stand.told(path) == [
        (
            "hf:Camera/Offline",
            "Changed",
            {**about, "State": "true", "Cause": "unreachable", "Detail": "no route"},
        ),
        ("hf:Camera/Offline", "Changed", {**about, "State": "false"}),
    ]


async def test_two_states_of_one_property_end_once(stand: Stand) -> None:
    path = await stand.path()
    volume = VolumeId("v")
    stand.bus.publish(VolumeMissing(volume, "/v", ""))
    stand.bus.publish(VolumeBack(volume, "/v"))
    told = [items["Failed"] for name, _, items in await stand.told(path) if name == FAILURE]
    assert told == ["true", "false"]


async def test_who_came_in_is_not_told(stand: Stand) -> None:
    path = await stand.path()
    stand.bus.publish(LoginFailed("ada", "192.0.2.1", "https"))
    stand.bus.publish(RecorderStarted("1", "S"))
    assert [name for name, _, _ in await stand.told(path)] == ["tns1:Monitoring/OperatingTime/LastReboot"]


async def test_whoever_waits_is_answered_with_the_first_message(stand: Stand) -> None:
    path = await stand.path()
    waiting = asyncio.create_task(stand.pull(path, 60))
    await asyncio.sleep(0)
    second = await stand.pull(path, 60)
    assert second.status == 500, "one at a time"
    stand.bus.publish(broken(1))
    said = await asyncio.wait_for(waiting, 30)
    assert len(list(said.body.iter(WSNT.NotificationMessage))) == 1
    assert said.root.find(ENV.Header) is None


async def test_a_limit_leaves_the_rest_for_the_next_time(stand: Stand) -> None:
    path = await stand.path()
    for bay in range(5):
        stand.bus.publish(broken(bay))
    told = [await stand.told(path, most) for most in (2, 2, 10_000, 1)]
    assert [len(each) for each in told] == [2, 2, 1, 0]
    assert [each[2]["Token"] for part in told for each in part] == [f"bay-{bay}" for bay in range(5)]


@pytest.mark.parametrize(
    ("seconds", "most"), [("PT601S", "1"), ("-PT1S", "1"), ("PT1S", "0"), ("x", "1"), ("PT1S", "")]
)
async def test_limits_of_a_pull(stand: Stand, seconds: str, most: str) -> None:
    path = await stand.path()
    asked = element(TEV.PullMessages, [(TEV.Timeout, seconds), (TEV.MessageLimit, most)])
    assert (await stand.device.ask(asked, path=path)).fault == ("Sender", "InvalidArgVal")


async def test_a_subscription_ends_when_nobody_asks(stand: Stand) -> None:
    """EVENT-3-1-20, 3-1-24: a pull keeps it alive."""
    path = await stand.path(until="PT10S")
    stand.run(9)
    asked = element(TEV.PullMessages, [(TEV.Timeout, "PT20S"), (TEV.MessageLimit, "1")])
    stand.bus.publish(broken(1))
    said = await stand.device.ask(asked, path=path)
    assert said.body.findtext(TEV.TerminationTime) == write_instant(
        Utc(stand.clock.utc() + 20 * MICROSECONDS)
    )
    stand.run(19)
    assert (await stand.pull(path)).status == 200
    stand.run(2)
    assert (await stand.pull(path)).fault == ("Sender", "ResourceUnknownFault")
    assert len(stand.points) == 0


async def test_renew_and_unsubscribe(stand: Stand) -> None:
    """EVENT-3-1-12, 3-1-19, 3-1-36."""
    path = await stand.path(until="PT10S")
    later = write_instant(Utc(stand.clock.utc() + 100 * MICROSECONDS))
    for wanted in ("PT100S", later):
        renewed = await stand.device.ask(element(WSNT.Renew, [(WSNT.TerminationTime, wanted)]), path=path)
        assert renewed.body.findtext(WSNT.TerminationTime) == later
    for bad in ("PT0S", "2001-01-01T00:00:00Z", "soon"):
        refused = await stand.device.ask(element(WSNT.Renew, [(WSNT.TerminationTime, bad)]), path=path)
        assert refused.fault == ("Sender", "UnacceptableTerminationTimeFault")
    assert (await stand.device.ask(WSNT.Unsubscribe, path=path)).status == 200
    for name in (WSNT.Unsubscribe, WSNT.Renew, TEV.SetSynchronizationPoint):
        assert (await stand.device.ask(name, path=path)).fault == ("Sender", "ResourceUnknownFault")


async def test_unsubscribing_answers_whoever_waits(stand: Stand) -> None:
    path = await stand.path()
    waiting = asyncio.create_task(stand.pull(path, 60))
    await asyncio.sleep(0)
    await stand.device.ask(WSNT.Unsubscribe, path=path)
    assert (await asyncio.wait_for(waiting, 30)).fault == ("Sender", "ResourceUnknownFault")


async def test_a_pull_point_is_its_owners(stand: Stand) -> None:
    path = await stand.path()
    asked = element(TEV.PullMessages, [(TEV.Timeout, "PT1S"), (TEV.MessageLimit, "1")])
    assert (await stand.device.ask(asked, "otto", path=path)).fault == ("Sender", "ResourceUnknownFault")


async def test_there_is_room_for_so_many(stand: Stand) -> None:
    """EVENT-3-1-37."""
    paths = {await stand.path() for _ in range(MOST)}
    assert len(paths) == MOST
    assert (await stand.subscribe()).fault == ("Receiver", "Action")
    stand.run(61)
    assert (await stand.subscribe()).status == 200, "those that nobody pulled are gone after a minute"


async def test_the_pull_point_may_be_named_in_the_header_alone(stand: Stand) -> None:
    path = await stand.path()
    to = etree.Element(WSA.To)
    to.text = "http://192.0.2.7:8080" + path
    who = token("ada", "wonderful!", write_instant(stand.device.utc))
    assert (await stand.device.post(envelope(WSNT.Unsubscribe, who, to))).status == 200


# ------------------------------------------------------------------------------------------------ filters


@pytest.mark.parametrize(
    ("expression", "dialect", "told"),
    [
        (FAILURE, CONCRETE, ["bay-1"]),
        (f" {FAILURE}\n", CONCRETE, ["bay-1"]),
        ("tns1:Device//.", CONCRETE_SET, ["bay-1"]),
        ("tns1:Device/HardwareFailure//.|hf:Drive//.", CONCRETE_SET, ["bay-1", "3"]),
        ("hf:Drive/Inserted", CONCRETE_SET, ["3"]),
    ],
)
async def test_topics_are_chosen(stand: Stand, expression: str, dialect: str, told: list[str]) -> None:
    """EVENT-3-1-16, 3-1-33, 3-1-34, 3-1-35."""
    path = await stand.path(topic(expression, dialect))
    stand.bus.publish(broken(1))
    stand.bus.publish(DriveInserted(3, "S3", 1))
    found = [items.get("Token") or items.get("Bay") for _, _, items in await stand.told(path)]
    assert found == told


@pytest.mark.parametrize(
    ("wanted", "fault"),
    [
        (topic("tns1:Tea/Cup"), "TopicNotSupportedFault"),
        (topic("tns1:Device"), "TopicNotSupportedFault"),
        (topic("tns1:Device/*"), "InvalidTopicExpressionFault"),
        (topic("||"), "InvalidTopicExpressionFault"),
        (topic("nobody:Device//."), "InvalidArgVal"),
        (topic("tns1:Device//.", FULL), "TopicExpressionDialectUnknownFault"),
        (contents("boolean(//tt:SimpleItem[@Name="), "InvalidMessageContentExpressionFault"),
        (contents("true()"), "InvalidMessageContentExpressionFault"),
        (contents("(" * 100), "InvalidMessageContentExpressionFault"),
        (contents("true()", "http://www.w3.org/TR/1999/REC-xpath-19991116"), "InvalidFilterFault"),
        (etree.Element("{urn:other}Filter"), "InvalidFilterFault"),
    ],
)
async def test_what_cannot_be_filtered_is_refused(stand: Stand, wanted: Element, fault: str) -> None:
    """EVENT-3-1-17, 3-1-22."""
    assert (await stand.subscribe(wanted)).fault[-1] == fault


async def test_contents_are_chosen(stand: Stand) -> None:
    """EVENT-3-1-38."""
    path = await stand.path(
        topic("tns1:Device//."), contents('boolean(//tt:SimpleItem[@Name="Token" and @Value="bay-2"])')
    )
    for bay in (1, 2, 3):
        stand.bus.publish(broken(bay))
    assert [items["Token"] for _, _, items in await stand.told(path)] == ["bay-2"]


ITEMS = [("SimpleItem", "Token", "a b"), ("SimpleItem", "Failed", "true"), ("ElementItem", "Info", "")]


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ('boolean(//tt:SimpleItem[@Name="Token"])', True),
        ("boolean(//SimpleItem[@Name='Token'])", True),
        ('boolean(//tt:SimpleItem[@Name="Token" and @Value="true"])', False),
        ('boolean(//tt:SimpleItem[@Name="Token" or @Value="x"])', True),
        ('boolean(//tt:SimpleItem[not(@Name="Token")])', True),
        ('not(boolean(//tt:SimpleItem[@Value="true"]))', False),
        ('not (boolean(//tt:SimpleItem[@Value="no"])) and boolean(//tt:SimpleItem[@Value="a b"])', True),
        ('boolean(//tt:SimpleItem[@Value="no"]) or (boolean(//tt:ElementItem[@Name="Info"]))', True),
        ('boolean(//tt:SimpleItem[@Name="Info"])', False),
        # `and` binds closer than `or`
        ("boolean(//SimpleItem[@Name='Token' or @Name='x' and @Name='x'])", True),
    ],
)
def test_the_grammar_of_contents(expression: str, holds: bool) -> None:
    assert read_content(expression)(ITEMS) is holds


@given(st.text("()[]@=\"'/: andortSimpleItem", max_size=60))
@settings(max_examples=300)
def test_no_text_makes_the_filter_raise_anything_else(text: str) -> None:
    with contextlib.suppress(Refusal):
        read_content(text)(ITEMS)


# --------------------------------------------------------------------------------------------------- past


async def seek(stand: Stand, path: str, utc: Utc, reverse: bool = False) -> None:
    asked = element(TEV.Seek, [(TEV.UtcTime, write_instant(utc))])
    if reverse:
        sub(asked, TEV.Reverse, True)
    assert (await stand.device.ask(asked, path=path)).status == 200


async def test_the_past_is_told_again_and_goes_over_into_the_present(stand: Stand) -> None:
    """EVENT-6-1-3, 6-1-4."""
    for bay in range(1, 6):
        stand.bus.publish(DriveInserted(bay, "S", 1))
        stand.run(10)
    await asyncio.wrap_future(stand.journal.flush())
    start = Utc(stand.clock.utc() - 30 * MICROSECONDS)
    path = await stand.path()
    await seek(stand, path, start)
    stand.bus.publish(DriveInserted(6, "S", 1))
    await asyncio.wrap_future(stand.journal.flush())
    first = await stand.told(path, 2)
    stand.bus.publish(DriveInserted(7, "S", 1))
    rest = await stand.told(path)
    assert [items["Bay"] for _, _, items in first + rest] == ["3", "4", "5", "6", "7"]
    await asyncio.wrap_future(
        stand.journal.flush()
    )  # what was pulled already is told again from the journal alone
    await seek(stand, path, Utc(0))
    again = await stand.told(path)
    assert again[0][0] == "tns1:EventBuffer/Begin"
    assert [items["Bay"] for _, _, items in again[1:]] == ["1", "2", "3", "4", "5", "6", "7"]


async def test_the_past_is_in_the_order_of_time_though_other_planes_are_heard_later(stand: Stand) -> None:
    for bay in (1, 2):
        stand.bus.publish(DriveInserted(bay, "S", 1))
        stand.run(10)
    between = Utc(stand.clock.utc() - 15 * MICROSECONDS)
    start = Utc(between - MICROSECONDS)
    stand.bus.adopt(between, "recording:1", 1, DriveInserted(9, "S", 1))
    await asyncio.wrap_future(stand.journal.flush())
    path = await stand.path()
    await seek(stand, path, start)
    assert [items["Bay"] for _, _, items in await stand.told(path)] == ["9", "2"]
    await seek(stand, path, stand.clock.utc(), reverse=True)
    assert [items.get("Bay") for _, _, items in await stand.told(path)] == ["2", "9", "1", None]


async def test_the_past_backwards(stand: Stand) -> None:
    """EVENT-6-1-5."""
    for bay in range(1, 6):
        stand.bus.publish(DriveInserted(bay, "S", 1))
        stand.run(10)
    await asyncio.wrap_future(stand.journal.flush())
    path = await stand.path()
    await seek(stand, path, Utc(stand.clock.utc() - 30 * MICROSECONDS), reverse=True)
    told = await stand.told(path)
    assert [items.get("Bay") for _, _, items in told] == ["3", "2", "1", None]
    assert told[-1][0] == "tns1:EventBuffer/Begin"
    assert await stand.told(path) == []
