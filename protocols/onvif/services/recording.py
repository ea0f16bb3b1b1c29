"""Recording Control (ONVIF Recording Control s5)."""

# ruff: noqa: ARG002 - operations are called alike, whether they read or answer anything
from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from device.accounts.rights import NotAllowed, Rights
from device.errors import BadValue, HoldfastError, NotFound
from device.media import Kind as TrackKind
from device.recordings.jobs import State
from device.recordings.model import Job, JobMode, JobSource, Link, Origin, Plan, TrackPlan
from device.recordings.names import STEMS
from device.recordings.recordings import (
    JOBS,
    RECORDINGS,
    TRACKS_OF_A_KIND,
    BadConfiguration,
    CannotDelete,
    Full,
    Recordings,
)
from protocols.onvif.faults import Kind, Refusal, impossible, invalid
from protocols.onvif.names import TRC, TT
from protocols.onvif.operations import Access, Call, Legacy, Operation, Service
from protocols.onvif.xml import Element, find, flag, member, need, read_span, sub, text, whole, write_span

VIDEO_ENCODINGS = ("JPEG", "H264", "H265")
AUDIO_ENCODINGS = ("G711", "G726", "AAC")
PATH = "/onvif/recording_service"
KINDS = {"Video": TrackKind.VIDEO, "Audio": TrackKind.AUDIO, "Metadata": TrackKind.METADATA}
TYPES = {kind: name for name, kind in KINDS.items()}

NO_RECORDING = invalid("NoRecording", "There is no such recording")
_NO_TRACK = invalid("NoTrack", "There is no such track")
_NO_JOB = invalid("NoRecordingJob", "There is no such recording job")
_BAD = invalid("BadConfiguration", "The configuration is invalid")
_BAD_MODE = invalid("BadMode", "The mode is invalid")
_CANNOT_DELETE = impossible("CannotDelete", "It cannot be deleted")
_MAX_RECORDINGS = impossible("MaxRecordings", "There are as many recordings as there may be")
_MAX_TRACKS = impossible("MaxTracks", "There are as many tracks as there may be")
_MAX_JOBS = impossible("MaxRecordingJobs", "There are as many recording jobs as there may be")

Rows = tuple[tuple[type[HoldfastError], Kind], ...]
_RECORDING: Rows = ((NotFound, NO_RECORDING), (BadValue, _BAD), (BadConfiguration, _BAD))
_TRACK: Rows = (
    (NotFound, _NO_TRACK),
    (BadConfiguration, _BAD),
    (CannotDelete, _CANNOT_DELETE),
    (Full, _MAX_TRACKS),
)
_JOB: Rows = (
    (NotFound, _NO_JOB),
    (BadConfiguration, _BAD),
    (CannotDelete, _CANNOT_DELETE),
    (Full, _MAX_JOBS),
)


@dataclass(frozen=True, slots=True)
class Rates:
    """What can be recorded, in kbit/s."""

    stream: float = 65_536.0
    total: float = 1_048_576.0


class Recording:
    """The service."""

    def __init__(self, recordings: Recordings, rates: Rates = Rates()) -> None:
        self._recordings = recordings
        self._rates = rates
        self._plans: tuple[Plan, ...] = ()  # of which ...
        self._written: dict[Rights, bytes] = {}  # ... the replies are, to who may see as much

    # ---------------------------------------------------------------------------------------- recordings

    async def get_recordings(self, call: Call, reply: Element) -> bytes:
        """s5.9. Clients ask for all of them again and again: what was written is kept while nothing changes."""
        plans = self._recordings.plans()
        if self._plans is not plans:
            self._plans, self._written = plans, {}
        written = self._written.get(call.rights)
        if written is None:
            for plan in plans:
                if call.plays(plan.token):
                    _write_item(reply, plan)
            written = self._written[call.rights] = etree.tostring(reply, encoding="utf-8")
        return written

    async def create_recording(self, call: Call, reply: Element) -> None:
        """s5.4."""
        if call.rights.cameras is not None:
            raise NotAllowed("An account that is limited to cameras makes no recordings.")
        plan = _read_plan(find(call.body, TRC.RecordingConfiguration))
        sub(reply, TRC.RecordingToken, self._recordings.create(plan, call.account))

    async def delete_recording(self, call: Call, reply: Element) -> None:
        """s5.5."""
        await self._recordings.delete(self._plan(call).token, call.account)

    async def get_recording_configuration(self, call: Call, reply: Element) -> None:
        """s5.8."""
        write_plan(sub(reply, TRC.RecordingConfiguration), self._plan(call))

    async def set_recording_configuration(self, call: Call, reply: Element) -> None:
        """s5.7."""
        token = self._plan(call).token
        plan = _read_plan(find(call.body, TRC.RecordingConfiguration))
        self._recordings.configure(token, plan, call.account)

    async def get_recording_options(self, call: Call, reply: Element) -> None:
        """s5.10."""
        plan = self._plan(call)
        spare, offered = self._recordings.spare_jobs(plan.token)
        sources = [each for each in offered if _may_take(call, each)]
        options = sub(reply, TRC.Options)
        sub(options, TRC.Job, Spare=spare, CompatibleSources=" ".join(sources) if sources else None)
        spares: dict[str, int | None] = {}
        if plan.created:
            for kind, name in TYPES.items():
                spares["Spare" + name] = TRACKS_OF_A_KIND - sum(each.kind is kind for each in plan.tracks)
            spares = {"SpareTotal": sum(value or 0 for value in spares.values()), **spares}
        sub(options, TRC.Track, **spares)

    # ---------------------------------------------------------------------------------------- tracks

    async def create_track(self, call: Call, reply: Element) -> None:
        """s5.11."""
        token = need(call.body, TRC.RecordingToken)
        self._known(call, token)
        track = _read_track(find(call.body, TRC.TrackConfiguration))
        sub(reply, TRC.TrackToken, self._recordings.create_track(token, track))

    async def delete_track(self, call: Call, reply: Element) -> None:
        """s5.12."""
        token = need(call.body, TRC.RecordingToken)
        self._known(call, token)
        self._recordings.delete_track(token, need(call.body, TRC.TrackToken))

    async def get_track_configuration(self, call: Call, reply: Element) -> None:
        """s5.14."""
        token = need(call.body, TRC.RecordingToken)
        self._known(call, token)
        track = self._recordings.track(token, need(call.body, TRC.TrackToken))
        write_track(sub(reply, TRC.TrackConfiguration), track)

    async def set_track_configuration(self, call: Call, reply: Element) -> None:
        """s5.13."""
        token, track = need(call.body, TRC.RecordingToken), need(call.body, TRC.TrackToken)
        self._known(call, token)
        asked = _read_track(find(call.body, TRC.TrackConfiguration))
        self._recordings.describe_track(token, track, asked.kind.value, asked.description)

    # ---------------------------------------------------------------------------------------- jobs

    async def get_jobs(self, call: Call, reply: Element) -> None:
        """s5.17."""
        for job in self._recordings.jobs():
            if not call.plays(job.recording):
                continue
            item = sub(reply, TRC.JobItem)
            sub(item, TT.JobToken, job.token)
            write_job(sub(item, TT.JobConfiguration), job)

    async def create_job(self, call: Call, reply: Element) -> None:
        """s5.15."""
        asked, auto = _read_job(find(call.body, TRC.JobConfiguration))
        self._known(call, asked.recording)
        _check_sources(call, asked)
        job = self._recordings.create_job(asked, auto, call.account)
        sub(reply, TRC.JobToken, job.token)
        write_job(sub(reply, TRC.JobConfiguration), job)

    async def delete_job(self, call: Call, reply: Element) -> None:
        """s5.16."""
        self._recordings.delete_job(self._job(call).token, call.account)

    async def get_job_configuration(self, call: Call, reply: Element) -> None:
        """s5.19."""
        write_job(sub(reply, TRC.JobConfiguration), self._job(call))

    async def set_job_configuration(self, call: Call, reply: Element) -> None:
        """s5.18."""
        token = self._job(call).token
        asked, auto = _read_job(find(call.body, TRC.JobConfiguration))
        _check_sources(call, asked)
        job = self._recordings.configure_job(token, asked, auto, call.account)
        write_job(sub(reply, TRC.JobConfiguration), job)

    async def set_job_mode(self, call: Call, reply: Element) -> None:
        """s5.20."""
        self._recordings.set_mode(self._job(call).token, _mode(call.body, TRC.Mode), call.account)

    async def get_job_state(self, call: Call, reply: Element) -> None:
        """s5.21."""
        token = self._job(call).token
        write_state(sub(reply, TRC.State), (await self._recordings.states())[token])

    # ---------------------------------------------------------------------------------------- the service

    def capabilities(self, element: Element) -> None:
        """s5.25."""
        element.set("DynamicRecordings", "true")
        element.set("DynamicTracks", "true")
        element.set("Encoding", " ".join((*VIDEO_ENCODINGS, *AUDIO_ENCODINGS)))
        element.set("MaxRate", f"{self._rates.stream:g}")
        element.set("MaxTotalRate", f"{self._rates.total:.0f}")
        element.set("MaxRecordings", str(RECORDINGS))
        element.set("MaxRecordingJobs", str(RECORDINGS * JOBS))
        element.set("Options", "true")
        element.set("MetadataRecording", "true")

    def legacy(self, element: Element) -> None:
        """tt:RecordingCapabilities (ONVIF Core s8.1.2.1)."""
        sub(element, TT.ReceiverSource, True)
        sub(element, TT.MediaProfileSource, True)
        sub(element, TT.DynamicRecordings, True)
        sub(element, TT.DynamicTracks, True)
        sub(element, TT.MaxStringLength, 64)

    def service(self) -> Service:
        """The rows."""
        read, act = Access.READ_MEDIA, Access.ACTUATE
        created: Rows = (*_RECORDING, (Full, _MAX_RECORDINGS), (CannotDelete, _CANNOT_DELETE))
        return Service(
            TRC,
            PATH,
            (26, 6),
            "RecordingPort",
            self.capabilities,
            (
                Operation("GetRecordings", read, self.get_recordings),
                Operation("CreateRecording", act, self.create_recording, created),
                Operation("DeleteRecording", act, self.delete_recording, created),
                Operation("GetRecordingConfiguration", read, self.get_recording_configuration, _RECORDING),
                Operation("SetRecordingConfiguration", act, self.set_recording_configuration, _RECORDING),
                Operation("GetRecordingOptions", read, self.get_recording_options, _RECORDING),
                Operation("CreateTrack", act, self.create_track, _TRACK),
                Operation("DeleteTrack", act, self.delete_track, _TRACK),
                Operation("GetTrackConfiguration", read, self.get_track_configuration, _TRACK),
                Operation("SetTrackConfiguration", act, self.set_track_configuration, _TRACK),
                Operation("GetRecordingJobs", read, self.get_jobs),
                Operation("CreateRecordingJob", act, self.create_job, _JOB),
                Operation("DeleteRecordingJob", act, self.delete_job, _JOB),
                Operation("GetRecordingJobConfiguration", read, self.get_job_configuration, _JOB),
                Operation("SetRecordingJobConfiguration", act, self.set_job_configuration, _JOB),
                Operation("SetRecordingJobMode", act, self.set_job_mode, _JOB),
                Operation("GetRecordingJobState", read, self.get_job_state, _JOB),
            ),
            Legacy("Recording", extension=True, fill=self.legacy),
        )

    def _plan(self, call: Call) -> Plan:
        """The recording that is asked for. Raises NotFound: also where who asks may not see it."""
        return self._recordings.plan(check_plays(call, need(call.body, TRC.RecordingToken)))

    def _job(self, call: Call) -> Job:
        """The job that is asked for, likewise."""
        job = self._recordings.job(need(call.body, TRC.JobToken))
        if not call.plays(job.recording):
            raise NotFound("recording job", job.token)
        return job

    def _known(self, call: Call, token: str) -> None:
        """Raises Refusal: there is no such recording, which is another fault than that of a track or job."""
        try:
            self._recordings.plan(check_plays(call, token))
        except NotFound as error:
            raise Refusal(NO_RECORDING, str(error)) from None


def check_plays(call: Call, recording: str) -> str:
    """A recording's token. Raises NotFound where who asks may not see what was recorded of its camera."""
    if not call.plays(recording):
        raise NotFound("recording", recording)
    return recording


def _may_take(call: Call, source: str) -> bool:
    """Whether who asks may let that source be recorded: he could watch the recording then. A receiver is nobody's
    camera."""
    return call.rights.cameras is None or call.watches(source)


def _check_sources(call: Call, asked: Job) -> None:
    for source in asked.sources:
        if source.token and not _may_take(call, source.token):
            raise BadConfiguration(f"There is no source {source.token[:80]!r}.")


# -------------------------------------------------------------------------------------------- the structures


def write_origin(element: Element, origin: Origin) -> None:
    """tt:RecordingSourceInformation."""
    sub(element, TT.SourceId, origin.id)
    sub(element, TT.Name, origin.name)
    sub(element, TT.Location, origin.location)
    sub(element, TT.Description, origin.description)
    sub(element, TT.Address, origin.address)


def write_state(element: Element, state: State) -> None:
    """tt:RecordingJobStateInformation."""
    sub(element, TT.RecordingToken, state.job.recording)
    sub(element, TT.State, state.state)
    for source in state.sources:
        entry = sub(element, TT.Sources)
        sub(sub(entry, TT.SourceToken, Type=source.source.kind), TT.Token, source.source.token)
        sub(entry, TT.State, source.state)
        tracks = sub(entry, TT.Tracks)
        for track in source.tracks:
            row = sub(tracks, TT.Track)
            sub(row, TT.SourceTag, track.link.tag)
            sub(row, TT.Destination, track.link.destination)
            if track.error:
                sub(row, TT.Error, track.error)
            sub(row, TT.State, track.state)


def _write_item(reply: Element, plan: Plan) -> None:
    """tt:GetRecordingsResponseItem."""
    item = sub(reply, TRC.RecordingItem)
    sub(item, TT.RecordingToken, plan.token)
    write_plan(sub(item, TT.Configuration), plan)
    tracks = sub(item, TT.Tracks)
    for track in plan.tracks:
        entry = sub(tracks, TT.Track)
        sub(entry, TT.TrackToken, track.token)
        write_track(sub(entry, TT.Configuration), track)


def write_plan(element: Element, plan: Plan) -> None:
    """tt:RecordingConfiguration."""
    write_origin(sub(element, TT.Source), plan.origin)
    sub(element, TT.Content, plan.content)
    sub(element, TT.MaximumRetentionTime, write_span(plan.retention))


def _read_plan(element: Element) -> Plan:
    source = find(element, TT.Source)
    names = (TT.SourceId, TT.Name, TT.Location, TT.Description, TT.Address)
    origin = Origin(*(need(source, name) for name in names))
    retention = read_span(TT.MaximumRetentionTime, need(element, TT.MaximumRetentionTime))
    return Plan("", origin, need(element, TT.Content), max(retention, 0.0))


def write_track(element: Element, track: TrackPlan) -> None:
    """tt:TrackConfiguration."""
    sub(element, TT.TrackType, TYPES[track.kind])
    sub(element, TT.Description, track.description)


def _read_track(element: Element) -> TrackPlan:
    name = need(element, TT.TrackType)
    if name not in KINDS:
        raise Refusal(_BAD, f"TrackType: {name[:40]!r} is none of {', '.join(KINDS)}.")
    return TrackPlan(STEMS[KINDS[name]], KINDS[name], need(element, TT.Description))


def write_job(element: Element, job: Job) -> None:
    """tt:RecordingJobConfiguration."""
    sub(element, TT.RecordingToken, job.recording)
    sub(element, TT.Mode, job.mode)
    sub(element, TT.Priority, job.priority)
    for source in job.sources:
        entry = sub(element, TT.Source)
        sub(sub(entry, TT.SourceToken, Type=source.kind), TT.Token, source.token)
        for link in source.links:
            track = sub(entry, TT.Tracks)
            sub(track, TT.SourceTag, link.tag)
            sub(track, TT.Destination, link.destination)


def _read_job(element: Element) -> tuple[Job, list[bool]]:
    """A job without a token, and for each source whether a receiver is to be made for it."""
    sources: list[JobSource] = []
    auto: list[bool] = []
    for entry in element.iterfind(TT.Source):
        given = entry.find(TT.SourceToken)
        token = "" if given is None else text(given, TT.Token) or ""
        kind = "" if given is None else given.get("Type", "")
        links = tuple(
            Link(need(track, TT.SourceTag), need(track, TT.Destination))
            for track in entry.iterfind(TT.Tracks)
        )
        sources.append(JobSource(kind, token, links))
        auto.append(bool(flag(entry, TT.AutoCreateReceiver)))
    priority = whole(element, TT.Priority)
    if priority is None or priority < 0:
        raise Refusal(_BAD, "Priority: an integer of 0 or more.")
    recording = need(element, TT.RecordingToken)
    return Job("", recording, _mode(element, TT.Mode), priority, tuple(sources)), auto


def _mode(element: Element, name: str) -> JobMode:
    try:
        return member(JobMode, element, name)
    except Refusal as error:
        raise Refusal(_BAD_MODE, str(error)) from None
