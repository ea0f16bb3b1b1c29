"""Recording Search (ONVIF Recording Search s5)."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import lru_cache

from lxml import etree

from device.errors import HoldfastError, NotFound
from device.media import Codec, Utc
from device.media import Kind as TrackKind
from device.recordings.archive import EVENTS, METADATA, RECORDINGS, Archive, Entry, Scope
from device.recordings.contents import Change, Measured, TrackExtent
from device.recordings.metadata import Occurrence, Wanted
from device.recordings.names import FIRST
from device.recordings.sessions import TooManySearches
from protocols.onvif import searchfilter
from protocols.onvif.faults import BAD_ARGUMENT, Kind, Refusal, impossible, invalid
from protocols.onvif.names import PREFIXES, TNS1, TSE, TT, WSNT
from protocols.onvif.operations import Access, Call, Legacy, Operation, Service
from protocols.onvif.services.recording import NO_RECORDING, TYPES, check_plays, write_origin
from protocols.onvif.xml import (
    Element,
    content,
    find,
    flag,
    instant,
    need,
    parse,
    qualified,
    read_span,
    span,
    sub,
    text,
    texts,
    whole,
    write_instant,
)

PATH = "/onvif/search_service"
CONCRETE = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"
_DIALECTS = (CONCRETE, "http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete")
_UTC_TIME = "UtcTime"
_RECORDING_STATE, _TRACK_STATE = "RecordingHistory/Recording/State", "RecordingHistory/Track/State"
NO_TOKEN = invalid("InvalidToken", "There is no such search")
_TOO_MANY = impossible("ResourceProblem", "There are too many searches")
_SESSION: tuple[tuple[type[HoldfastError], Kind], ...] = ((NotFound, NO_TOKEN),)
_FIND: tuple[tuple[type[HoldfastError], Kind], ...] = ((NotFound, NO_TOKEN), (TooManySearches, _TOO_MANY))
_NAMES = {Codec.MJPEG: "JPEG", Codec.PCMU: "G711", Codec.PCMA: "G711", Codec.AAC: "AAC", Codec.G726: "G726"}


class Search:
    """The service."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    async def get_summary(self, call: Call, reply: Element) -> None:
        """s5.4."""
        summary = await self._archive.summary(call.plays)
        element = sub(reply, TSE.Summary)
        first = call.now if summary.first is None else summary.first
        sub(element, TT.DataFrom, write_instant(first))
        sub(element, TT.DataUntil, write_instant(first if summary.last is None else summary.last))
        sub(element, TT.NumberRecordings, summary.number)

    async def get_information(self, call: Call, reply: Element) -> None:
        """s5.5."""
        entry = await self._archive.entry(check_plays(call, need(call.body, TSE.RecordingToken)))
        reply.append(copy.deepcopy(_information(TSE.RecordingInformation, entry)))

    async def get_attributes(self, call: Call, reply: Element) -> None:
        """s5.6."""
        at = instant(call.body, TSE.Time)
        if at is None:
            raise Refusal(BAD_ARGUMENT, "Time is missing.")
        wanted = [check_plays(call, token) for token in texts(call.body, TSE.RecordingTokens)]
        for token, tracks in await self._archive.measured(wanted, at, call.plays):
            element = sub(reply, TSE.MediaAttributes)
            sub(element, TT.RecordingToken, token)
            for track in tracks:
                _write_attributes(sub(element, TT.TrackAttributes), track)
            sub(element, TT.From, write_instant(at))
            sub(element, TT.Until, write_instant(at))

    async def find_recordings(self, call: Call, reply: Element) -> None:
        """s5.7."""
        token = await self._archive.find_recordings(_read_scope(call), _most(call.body), _keep(call.body))
        sub(reply, TSE.SearchToken, token)

    async def recording_results(self, call: Call, reply: Element) -> None:
        """s5.8."""
        found, over = await self._results(call, RECORDINGS)
        element = _result_list(reply, over)
        for entry in found:
            assert isinstance(entry, Entry)
            element.append(copy.deepcopy(_information(TT.RecordingInformation, entry)))

    async def find_events(self, call: Call, reply: Element) -> None:
        """s5.9."""
        body = call.body
        start = _read_start(body)
        states = flag(body, TSE.IncludeStartState)
        if states is None:
            raise Refusal(BAD_ARGUMENT, "IncludeStartState is missing.")
        wanted = _read_filter(find(body, TSE.SearchFilter))
        scope, end = _read_scope(call), instant(body, TSE.EndPoint)
        token = await self._archive.find_events(scope, start, end, states, wanted, _most(body), _keep(body))
        sub(reply, TSE.SearchToken, token)

    async def event_results(self, call: Call, reply: Element) -> None:
        """s5.10."""
        found, over = await self._results(call, EVENTS)
        element = _result_list(reply, over)
        for change in found:
            assert isinstance(change, Change)
            element.append(_write_result(change))

    async def find_metadata(self, call: Call, reply: Element) -> None:
        """s5.11."""
        body = call.body
        start = _read_start(body)
        wanted = _documents(text(find(body, TSE.MetadataFilter), TT.MetadataStreamFilter))
        scope, end = _read_scope(call), instant(body, TSE.EndPoint)
        token = await self._archive.find_metadata(scope, start, end, wanted, _most(body), _keep(body))
        sub(reply, TSE.SearchToken, token)

    async def metadata_results(self, call: Call, reply: Element) -> None:
        """s5.12."""
        found, over = await self._results(call, METADATA)
        element = _result_list(reply, over)
        for each in found:
            assert isinstance(each, Occurrence)
            result = sub(element, TT.Result)
            sub(result, TT.RecordingToken, each.recording)
            sub(result, TT.TrackToken, each.track)
            sub(result, TT.Time, write_instant(each.utc))

    async def end(self, call: Call, reply: Element) -> None:
        """s5.19."""
        last = self._archive.searches.end(need(call.body, TSE.SearchToken))
        sub(
            reply,
            TSE.Endpoint,
            write_instant(call.now if last is None or isinstance(last, Entry) else last.utc),
        )

    def capabilities(self, element: Element) -> None:
        """s5.20."""
        element.set("MetadataSearch", "true")
        element.set("GeneralStartEvents", "false")

    def service(self) -> Service:
        """The rows."""
        read = Access.READ_MEDIA
        one: tuple[tuple[type[HoldfastError], Kind], ...] = ((NotFound, NO_RECORDING),)
        return Service(
            TSE,
            PATH,
            (26, 6),
            "SearchPort",
            self.capabilities,
            (
                Operation("GetRecordingSummary", read, self.get_summary),
                Operation("GetRecordingInformation", read, self.get_information, one),
                Operation("GetMediaAttributes", read, self.get_attributes, one),
                Operation("FindRecordings", read, self.find_recordings, _FIND),
                Operation("GetRecordingSearchResults", read, self.recording_results, _SESSION),
                Operation("FindEvents", read, self.find_events, _FIND),
                Operation("GetEventSearchResults", read, self.event_results, _SESSION),
                Operation("FindMetadata", read, self.find_metadata, _FIND),
                Operation("GetMetadataSearchResults", read, self.metadata_results, _SESSION),
                Operation("EndSearch", read, self.end, _SESSION),
            ),
            Legacy("Search", extension=True, fill=_legacy),
        )

    async def _results(self, call: Call, kind: str) -> tuple[list[Entry | Change | Occurrence], bool]:
        body = call.body
        most = whole(body, TSE.MaxResults)
        return await self._archive.searches.take(
            kind, need(body, TSE.SearchToken), most, span(body, TSE.WaitTime)
        )


def _legacy(element: Element) -> None:
    sub(element, TT.MetadataSearch, True)


# -------------------------------------------------------------------------------------------- what is asked


def _keep(body: Element) -> float:
    return read_span(TSE.KeepAliveTime, need(body, TSE.KeepAliveTime))


def _most(body: Element) -> int | None:
    most = whole(body, TSE.MaxMatches)
    return None if most is None or most <= 0 else most


def _read_start(body: Element) -> Utc:
    """Where a search begins. Raises Refusal."""
    start = instant(body, TSE.StartPoint)
    if start is None:
        raise Refusal(BAD_ARGUMENT, "StartPoint is missing.")
    return start


def _result_list(reply: Element, over: bool) -> Element:
    """Where results go, behind what it says of the search."""
    element = sub(reply, TSE.ResultList)
    sub(element, TT.SearchState, "Completed" if over else "Searching")
    return element


def _read_scope(call: Call) -> Scope:
    """tt:SearchScope, within what who asks may see."""
    scope = find(call.body, TSE.Scope)
    sources = {need(source, TT.Token) for source in scope.iterfind(TT.IncludedSources)}
    expression = text(scope, TT.RecordingInformationFilter)
    test = searchfilter.parse(expression) if expression else None

    def match(entry: Entry) -> bool:
        assert test is not None
        return test(_information(TT.RecordingInformation, entry))

    tokens = frozenset(texts(scope, TT.IncludedRecordings))
    return Scope(tokens, frozenset(sources), match if test is not None else None, call.plays)


def _read_filter(element: Element) -> Callable[[Change], bool]:
    """tt:EventFilter: each of its expressions must hold (ONVIF Core s9.4)."""
    tests: list[Callable[[Change], bool]] = []
    for expression in element.iterfind(WSNT.TopicExpression):
        if expression.get("Dialect", CONCRETE) not in _DIALECTS:
            raise Refusal(searchfilter.INVALID_FILTER, "The dialect of a topic expression is not known.")
        tests.append(_topics(expression))
    messages = element.iterfind(WSNT.MessageContent)
    tests += [_message(searchfilter.parse(content(expression))) for expression in messages]
    return lambda change: all(test(change) for test in tests)


def _topics(expression: Element) -> Callable[[Change], bool]:
    """Topics, `|` between them; one that ends in `//.` means all below it."""
    paths: list[tuple[str, bool]] = []
    for each in content(expression).split("|"):
        path, _, deep = each.strip().partition("//.")
        name = qualified(expression, path)
        if deep or not name or any(char in name for char in "*[]"):
            raise Refusal(searchfilter.INVALID_FILTER, f"{each[:80]!r} is no topic expression.")
        paths.append((name, each.strip().endswith("//.")))

    def test(change: Change) -> bool:
        topic = TNS1.name(_topic(change))
        return any(topic == name or (below and topic.startswith(name + "/")) for name, below in paths)

    return test


def _documents(expression: str | None) -> Wanted:
    """A metadata stream filter (s5.22), of whole documents; an empty one wants all. What cannot be read is not
    wanted."""
    test = searchfilter.parse(expression) if expression else _anything

    def wanted(document: bytes) -> bool:
        try:
            return test(parse(document))
        except Refusal:
            return False

    return wanted


def _anything(_: Element) -> bool:
    return True


def _message(test: searchfilter.Test) -> Callable[[Change], bool]:
    return lambda change: test(_write_message(etree.Element(TT.Message), change))


# -------------------------------------------------------------------------------------------- what is found


@lru_cache(512)
def _information(name: str, entry: Entry) -> Element:
    """tt:RecordingInformation, to be copied; kept, because what a filter has looked at is shown then."""
    element = etree.Element(name, nsmap=PREFIXES)
    plan, contents = entry.plan, entry.contents
    sub(element, TT.RecordingToken, plan.token)
    write_origin(sub(element, TT.Source), plan.origin)
    if contents.first is not None and contents.last is not None:
        sub(element, TT.EarliestRecording, write_instant(contents.first))
        sub(element, TT.LatestRecording, write_instant(contents.last))
    sub(element, TT.Content, plan.content)
    descriptions = {track.token: track.description for track in plan.tracks}
    for extent in contents.tracks:
        _write_extent(sub(element, TT.Track), extent, descriptions.get(extent.token, ""))
    sub(element, TT.RecordingStatus, entry.status)
    return element


def _write_extent(element: Element, extent: TrackExtent, description: str) -> None:
    """tt:TrackInformation."""
    sub(element, TT.TrackToken, extent.token)
    sub(element, TT.TrackType, TYPES[extent.track.kind])
    sub(element, TT.Description, description)
    sub(element, TT.DataFrom, write_instant(extent.first))
    sub(element, TT.DataTo, write_instant(extent.last))


def _write_attributes(element: Element, found: Measured) -> None:
    """tt:TrackAttributes."""
    track = found.extent.track
    _write_extent(sub(element, TT.TrackInformation), found.extent, "")
    name = _NAMES.get(track.codec, track.codec.value)
    if track.kind is TrackKind.VIDEO:
        video = sub(element, TT.VideoAttributes)
        sub(video, TT.Bitrate, found.bitrate // 1000)
        sub(video, TT.Width, track.width)
        sub(video, TT.Height, track.height)
        sub(video, TT.Encoding, name)
        sub(video, TT.Framerate, round(found.rate, 2))
    elif track.kind is TrackKind.AUDIO:
        audio = sub(element, TT.AudioAttributes)
        sub(audio, TT.Bitrate, found.bitrate // 1000)
        sub(audio, TT.Encoding, name)
        sub(audio, TT.Samplerate, track.clock_rate)
    else:
        metadata = sub(element, TT.MetadataAttributes)
        sub(metadata, TT.CanContainPTZ, False)
        sub(metadata, TT.CanContainAnalytics, True)
        sub(metadata, TT.CanContainNotifications, True)


def _topic(change: Change) -> str:
    return _TRACK_STATE if change.track else _RECORDING_STATE


def _write_result(change: Change) -> Element:
    """tt:FindEventResult."""
    result = copy.deepcopy(_result(change.recording, change.track, change.present, change.virtual))
    at = write_instant(change.utc)
    for place in result.iter(TT.Time):
        place.text = at
    for message in result.iter(TT.Message):
        message.set(_UTC_TIME, at)
    return result


@lru_cache(2048)
def _result(recording: str, track: str, present: bool, virtual: bool) -> Element:
    """All of it but the time, to be copied: a recorder's events are few kinds at many times."""
    change = Change(Utc(0), recording, track, present, virtual)
    result = etree.Element(TT.Result, nsmap=PREFIXES)
    sub(result, TT.RecordingToken, recording)
    sub(result, TT.TrackToken, track or FIRST[TrackKind.VIDEO])  # mandatory in the schema
    sub(result, TT.Time)
    event = sub(result, TT.Event)  # wsnt:NotificationMessageHolderType (s5.21)
    sub(event, WSNT.Topic, f"tns1:{_topic(change)}", Dialect=CONCRETE)
    _write_message(sub(sub(event, WSNT.Message), TT.Message), change)
    sub(result, TT.StartStateEvent, virtual)
    return result


def _write_message(element: Element, change: Change) -> Element:
    """tt:Message."""
    element.set(_UTC_TIME, write_instant(change.utc))
    element.set("PropertyOperation", "Initialized" if change.virtual else "Changed")
    source = sub(element, TT.Source)
    sub(source, TT.SimpleItem, Name="RecordingToken", Value=change.recording)
    if change.track:
        sub(source, TT.SimpleItem, Name="Track", Value=change.track)
    name = "IsDataPresent" if change.track else "IsRecording"
    sub(sub(element, TT.Data), TT.SimpleItem, Name=name, Value=change.present)
    return element
