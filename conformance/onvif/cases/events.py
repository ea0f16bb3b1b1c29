"""Events (ONVIF Core s9): properties, pull points, filters, namespaces, seeking."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import timedelta

from conformance.case import expect, provided
from conformance.onvif.device import Device, topics
from conformance.onvif.names import CONCRETE_SET, ITEM_FILTER, PREFIXES, name
from conformance.onvif.points import Message, content_filter, read, subscribe, topic_filter
from conformance.onvif.suite import official
from conformance.onvif.values import every, moment, only, text, write

_STATES = "RecordingConfig/JobState"  #: a property that every recorder has


@official("EVENT-1-1-2")
async def properties(device: Device) -> str:
    told = await device.call("tev:GetEventProperties")
    found = sorted(topics(only(told, "wstop:TopicSet")))
    expect(bool(found), "there are no topics")
    expect(len(set(found)) == len(found), "a topic is there twice")
    for what, short, wanted in (
        ("topic dialect", "wsnt:TopicExpressionDialect", CONCRETE_SET),
        ("content dialect", "tev:MessageContentFilterDialect", ITEM_FILTER),
    ):
        dialects = [(each.text or "").strip() for each in every(told, short)]
        expect(wanted in dialects, f"the {what} {wanted} is not offered: {', '.join(dialects)}")
    return f"{len(found)} topics"


@official("EVENT-3-1-9")
async def create(device: Device) -> str:
    point = await subscribe(device)
    lives = (point.ends - point.now).total_seconds()
    expect(lives >= 59, f"60 s were asked for, it lives {lives:.0f} s")
    return f"{point.url}, {lives:.0f} s"


@official("EVENT-3-1-12")
async def renew(device: Device) -> str:
    point = await subscribe(device)
    told = await device.call(
        "wsnt:Renew", "<wsnt:TerminationTime>PT120S</wsnt:TerminationTime>", url=point.url
    )
    now, ends = (moment(text(told, f"wsnt:{each}")) for each in ("CurrentTime", "TerminationTime"))
    lives = (ends - now).total_seconds()
    expect(lives >= 119, f"120 s were asked for, it lives {lives:.0f} s")
    await point.pull()
    absolute = write(now + timedelta(seconds=180))
    told = await device.call(
        "wsnt:Renew", f"<wsnt:TerminationTime>{absolute}</wsnt:TerminationTime>", url=point.url
    )
    lives = (moment(text(told, "wsnt:TerminationTime")) - now).total_seconds()
    expect(lives >= 179, f"a time 180 s ahead was asked for, it lives {lives:.0f} s")
    return "by a duration and by a time"


@official("EVENT-3-1-15")
async def pull(device: Device) -> str:
    point = await subscribe(device)
    first = await point.pull(5, 1)
    expect(len(first) == 1, f"{len(first)} messages came, and a property is told to every new subscriber")
    expect(first[0].operation == "Initialized", f"PropertyOperation is {first[0].operation or 'not told'}")
    more = await point.everything()
    return f"{1 + len(more)} properties are told at once"


@official("EVENT-3-1-16")
async def pull_filter(device: Device) -> str:
    point = await subscribe(device, topic_filter(_STATES))
    found = await point.everything()
    others = {each.topic for each in found} - {_STATES}
    expect(not others, f"{', '.join(others)} came too")
    expect(bool(found), f"no {_STATES} came")
    return f"{len(found)} of {_STATES}, nothing else"


@official("EVENT-3-1-17")
async def bad_content(device: Device) -> str:
    return await _bad_filter(
        device, content_filter("boolean(//tt:SimpleItem[@Name="), "InvalidMessageContentExpressionFault"
    )


@official("EVENT-3-1-22")
async def bad_topic(device: Device) -> str:
    told = topic_filter("InvalidTopic/NoSuchThing")
    return await _bad_filter(
        device, told, "InvalidFilterFault", "TopicNotSupportedFault", "InvalidTopicExpressionFault"
    )


async def _bad_filter(device: Device, filters: str, *faults: str) -> str:
    inner = (
        f"<tev:Filter>{filters}</tev:Filter><tev:InitialTerminationTime>PT10S</tev:InitialTerminationTime>"
    )
    fault = await device.refused("tev:CreatePullPointSubscription", inner)
    known = {*faults, "InvalidFilterFault"} & {*fault.detail, *fault.codes}
    expect(bool(known), f"{fault.said} ({', '.join(fault.detail)}), not {' or '.join(faults)}")
    return f"{fault.said} ({', '.join(fault.detail)})"


@official("EVENT-3-1-36")
async def unsubscribe(device: Device) -> str:
    point = await subscribe(device)
    await point.end()
    return await _gone(device, point.url, "wsnt:Unsubscribe", "")


@official("EVENT-3-1-19")
async def after_unsubscribe(device: Device) -> str:
    point = await subscribe(device)
    await point.end()
    inner = "<wsnt:TerminationTime>PT10S</wsnt:TerminationTime>"
    await _gone(device, point.url, "wsnt:Renew", inner)
    pulled = "<tev:Timeout>PT1S</tev:Timeout><tev:MessageLimit>1</tev:MessageLimit>"
    return await _gone(device, point.url, "tev:PullMessages", pulled)


async def _gone(device: Device, url: str, operation: str, inner: str) -> str:
    fault = await device.refused(operation, inner, url=url)
    known = "ResourceUnknownFault" in (*fault.detail, *fault.codes) or fault.status == 404
    expect(known, f"{operation} of a subscription that has ended: {fault.said}")
    return fault.said


@official("EVENT-3-1-20", slow=True)
async def timeout(device: Device) -> str:
    point = await subscribe(device, lives="PT10S")
    lives = (point.ends - point.now).total_seconds()
    provided(lives < 120, f"10 s were asked for, it lives {lives:.0f} s")
    await asyncio.sleep(lives + 2)
    return await _gone(device, point.url, "wsnt:Unsubscribe", "")


@official("EVENT-3-1-24")
async def keep_alive(device: Device) -> str:
    point = await subscribe(device, lives="PT10S")
    first = point.ends
    await point.pull(30, 1)
    expect(point.ends > first, f"it ended at {first}, and after a pull it ends at {point.ends}")
    return f"{(point.ends - first).total_seconds():.1f} s were added"


@official("EVENT-3-1-25")
async def synchronise(device: Device) -> str:
    point = await subscribe(device)
    before = {_key(each) for each in await point.everything() if each.operation == "Initialized"}
    await device.call("tev:SetSynchronizationPoint", url=point.url)
    after = {_key(each) for each in await point.everything() if each.operation == "Initialized"}
    expect(before <= after, f"{len(before - after)} properties were not told again")
    return f"{len(after)} properties were told again"


def _key(message: Message) -> tuple[str, tuple[tuple[str, str], ...]]:
    return message.topic, tuple(sorted(message.source.items()))


@official("EVENT-3-1-32", slow=True)
async def pull_timeout(device: Device) -> str:
    quiet = next(
        (each for each in sorted(device.facts.topics) if each.startswith("RecordingConfig/Delete")), None
    )
    provided(quiet is not None, "there is no topic that is surely quiet")
    point = await subscribe(device, topic_filter(quiet or ""), lives="PT120S")
    began = time.monotonic()
    found = await point.pull(20)
    took = time.monotonic() - began
    if not found:
        expect(took >= 19.5, f"an empty answer came after {took:.1f} s, and 20 s were asked for")
    expect(took < 30, f"the answer took {took:.1f} s")
    return f"{len(found)} messages after {took:.1f} s"


async def _only(device: Device, filters: str, allowed: tuple[str, ...]) -> str:
    point = await subscribe(device, filters)
    found = await point.everything()
    others = {each.topic for each in found if not each.topic.startswith(allowed)}
    expect(not others, f"{', '.join(sorted(others))} came too")
    expect(bool(found), "nothing came")
    return f"{len(found)} messages of {', '.join(sorted({each.topic for each in found}))}"


def _second(device: Device) -> str:
    """Another property than the jobs' state, from another part of the tree."""
    found = next(
        (
            each
            for each in ("RecordingHistory/Recording/State", "Monitoring/OperatingTime/LastReboot")
            if each in device.facts.topics
        ),
        None,
    )
    provided(found is not None, "there is no second property")
    return found or ""


@official("EVENT-3-1-33")
async def either_topic(device: Device) -> str:
    other = _second(device)
    return await _only(device, topic_filter(_STATES, other), (_STATES, other))


@official("EVENT-3-1-34")
async def subtree(device: Device) -> str:
    return await _only(device, topic_filter("RecordingConfig//."), ("RecordingConfig/",))


@official("EVENT-3-1-35")
async def subtree_or_topic(device: Device) -> str:
    other = _second(device)
    return await _only(device, topic_filter("RecordingConfig//.", other), ("RecordingConfig/", other))


@official("EVENT-3-1-38")
async def item_filter(device: Device) -> str:
    every_job = await (await subscribe(device, topic_filter(_STATES))).everything()
    tokens = sorted({each.source.get("RecordingJobToken", "") for each in every_job})
    provided(bool(tokens), "there is no job whose state could be told")
    wanted = f'boolean(//tt:SimpleItem[@Name="RecordingJobToken" and @Value="{tokens[0]}"])'
    point = await subscribe(device, topic_filter(_STATES) + content_filter(wanted))
    found = await point.everything()
    others = {each.source.get("RecordingJobToken") for each in found} - {tokens[0]}
    expect(not others, f"messages about {others} came too")
    expect(bool(found), f"nothing about {tokens[0]} came")
    return f"{tokens[0]} of {len(tokens)} jobs"


@official("EVENT-3-1-37")
async def most(device: Device) -> str:
    declared = int(device.capability("tev", "MaxPullPoints") or 0)
    expect(declared >= 2, f"MaxPullPoints is {declared}, and Profile G demands 2")
    points = [await subscribe(device, topic_filter(_STATES)) for _ in range(min(declared, 64))]
    for each in (points[0], points[-1]):
        await each.pull()
    return f"{len(points)} of {declared} at once"


@official("EVENT-6-1-3")
async def seek_begin(device: Device) -> str:
    point = await subscribe(device)
    await point.everything()
    start = write(point.now - timedelta(days=3650))
    await device.call("tev:Seek", f"<tev:UtcTime>{start}</tev:UtcTime>", url=point.url)
    first = await point.pull(10, 1)
    expect(
        bool(first) and first[0].topic == "EventBuffer/Begin",
        f"first came {first[0].topic if first else 'nothing'}",
    )
    return "EventBuffer/Begin comes first"


@official("EVENT-6-1-4")
async def seek(device: Device) -> str:
    return await _sought(device, reverse=False)


@official("EVENT-6-1-5")
async def seek_back(device: Device) -> str:
    return await _sought(device, reverse=True)


async def _sought(device: Device, *, reverse: bool) -> str:
    point = await subscribe(device)
    await point.everything()
    when = point.now if reverse else point.now - timedelta(hours=1)
    back = "<tev:Reverse>true</tev:Reverse>" if reverse else ""
    await device.call("tev:Seek", f"<tev:UtcTime>{write(when)}</tev:UtcTime>{back}", url=point.url)
    found = [each for each in await point.pull(10) if not each.topic.startswith("EventBuffer/")]
    provided(bool(found), "nothing has happened that could be told again")
    times = [each.when for each in found]
    expect(times == sorted(times, reverse=reverse), "they are not in the order of time")
    return f"{len(found)} events again, {'backward' if reverse else 'forward'}"


# --------------------------------------------------------------------------------------------- namespaces

_ENV, _TEV, _WSNT, _TNS1 = (PREFIXES[each] for each in ("env", "tev", "wsnt", "tns1"))
#: CreatePullPointSubscription for a topic, as clients may write its namespaces; `{security}` is the login
_CREATE: Mapping[str, str] = {
    "EVENT-4-1-6": (
        f'<Envelope xmlns="{_ENV}"><Header>{{security}}</Header><Body><CreatePullPointSubscription xmlns="{_TEV}">'
        f'<Filter><TopicExpression xmlns="{_WSNT}" xmlns:n="{_TNS1}" Dialect="{CONCRETE_SET}">n:{_STATES}'
        "</TopicExpression></Filter></CreatePullPointSubscription></Body></Envelope>"
    ),
    "EVENT-4-1-7": (
        f'<e:Envelope xmlns:e="{_ENV}" xmlns="{_TEV}" xmlns:w="{_WSNT}" xmlns:n="{_TNS1}"><e:Header>{{security}}'
        f'</e:Header><e:Body><CreatePullPointSubscription><Filter><w:TopicExpression Dialect="{CONCRETE_SET}">'
        f"n:{_STATES}</w:TopicExpression></Filter></CreatePullPointSubscription></e:Body></e:Envelope>"
    ),
    "EVENT-4-1-8": (
        f'<x1:Envelope xmlns:x1="{_ENV}" xmlns:x-2="{_TEV}" xmlns:_3="{_WSNT}" xmlns:q.4="{_TNS1}"><x1:Header>'
        "{security}</x1:Header><x1:Body><x-2:CreatePullPointSubscription><x-2:Filter>"
        f'<_3:TopicExpression Dialect="{CONCRETE_SET}">q.4:{_STATES}</_3:TopicExpression></x-2:Filter>'
        "</x-2:CreatePullPointSubscription></x1:Body></x1:Envelope>"
    ),
    "EVENT-4-1-9": (
        f'<a:Envelope xmlns:a="{_ENV}" xmlns:b="{_ENV}" xmlns:c="{_TEV}" xmlns:d="{_TEV}"><b:Header>{{security}}'
        f'</b:Header><a:Body><c:CreatePullPointSubscription><d:Filter><f:TopicExpression xmlns:f="{_WSNT}" '
        f'xmlns:g="{_TNS1}" xmlns:h="{_TNS1}" Dialect="{CONCRETE_SET}">h:{_STATES}</f:TopicExpression></d:Filter>'
        "</c:CreatePullPointSubscription></a:Body></a:Envelope>"
    ),
    "EVENT-4-1-10": (
        f'<p:Envelope xmlns:p="{_ENV}"><p:Header>{{security}}</p:Header><p:Body>'
        f'<p:CreatePullPointSubscription xmlns:p="{_TEV}"><p:Filter><q:TopicExpression xmlns:q="{_WSNT}" '
        f'xmlns:p="{_TNS1}" Dialect="{CONCRETE_SET}">p:{_STATES}</q:TopicExpression></p:Filter>'
        "</p:CreatePullPointSubscription></p:Body></p:Envelope>"
    ),
}
_LOGIN_SPACES = " ".join(f'xmlns:{each}="{PREFIXES[each]}"' for each in ("wsse", "wsu"))


def _written(case: str, request: str) -> None:
    @official(case)
    async def check(device: Device) -> str:
        security = device.address.login.token().replace(
            "<wsse:Security>", f"<wsse:Security {_LOGIN_SPACES}>", 1
        )
        answer = await device.raw(
            "tev:CreatePullPointSubscription", request.replace("{security}", security).encode()
        )
        told = device.good("tev:CreatePullPointSubscription", answer)
        url = text(told, "tev:SubscriptionReference/wsa:Address")
        device.later("wsnt:Unsubscribe", "", url)
        pulled = await device.call(
            "tev:PullMessages",
            "<tev:Timeout>PT2S</tev:Timeout><tev:MessageLimit>10</tev:MessageLimit>",
            url=url,
        )
        found = {read(each).topic for each in pulled.findall(name("wsnt:NotificationMessage"))}
        expect(
            found == {_STATES}, f"the filter was read as something else: {', '.join(found) or 'nothing'} came"
        )
        return "the filter was understood"


for _name, _request in _CREATE.items():
    _written(_name, _request)
