"""All recordings, jobs and receivers, and what may be changed of them (ONVIF Recording Control s5, Receiver s5).

A camera of the settings records its own streams: its recordings cannot be deleted, and have one job each, which is the
camera's mode. A recording that was created from outside takes what its winning job says, and for that is a camera of
the settings itself: the recording plane, the pages and the command line know no difference.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from device.errors import BadValue, NotFound, Refused
from device.events import recordings as said
from device.events.event import Event
from device.planes.messages import StreamStatus
from device.recording.catalogue import RecordingRow
from device.recording.modes import Mode
from device.recordings import jobs as arbitration
from device.recordings.jobs import State, users
from device.recordings.model import (
    PROFILE,
    RECEIVER,
    TRACKS,
    Job,
    JobMode,
    JobSource,
    Link,
    Origin,
    Plan,
    Receiver,
    ReceiverMode,
    TrackPlan,
)
from device.recordings.names import STEMS, STREAMS, camera_of, token_of
from device.recordings.standing import Connection, Standing
from device.recordings.store import Store
from device.recordings.uri import check_uri, settings_of, shown
from device.settings.cameras import Camera, new_camera_key
from device.settings.store import Store as Settings

DAY = 86_400.0  #: seconds
RECORDINGS = 128  #: at most that are created from outside
JOBS = 8  #: at most in one recording
RECEIVERS = 128
TRACKS_OF_A_KIND = 4

Statuses = Callable[[], Awaitable[Sequence[StreamStatus]]]


class Full(Refused):
    """There are as many as there may be."""


class CannotDelete(Refused):
    """What is there as long as something else is."""


class BadConfiguration(Refused):
    """What was asked for does not fit together."""


class Recordings:
    """The recordings of one recorder."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        statuses: Statuses,
        erase: Callable[[str, str], Awaitable[None]],
        publish: Callable[[Event], object],
    ) -> None:
        """`statuses` asks the recording plane; `erase` lets it delete all that was recorded under a token, for
        somebody."""
        self._store = store
        self._settings = settings
        self._statuses = statuses
        self._erase = erase
        self._publish = publish
        self._plans = store.all(Plan)
        self._jobs = store.all(Job)
        self._receivers = store.all(Receiver)
        self._seen: tuple[int, dict[str, Camera]] = (-1, {})
        self._all: tuple[Plan, ...] | None = None  #: `plans`, until a setting or a plan is changed
        self._standing = Standing(publish)

    # ------------------------------------------------------------------------------------------ recordings

    def plans(self) -> tuple[Plan, ...]:
        """All that are to be recorded, by token. As long as nothing is changed, it is the same tuple."""
        self._cameras()  # forgets what another setting has changed
        if self._all is None:
            found = {token: self._plan_of(token, camera) for token, camera in self._streams().items()}
            found |= {token: plan for token, plan in self._plans.items() if plan.created}
            self._all = tuple(found[token] for token in sorted(found))
        return self._all

    def plan(self, token: str) -> Plan:
        """One. Raises NotFound."""
        plan = self._plans.get(token)
        if plan is not None and plan.created:
            return plan
        streams = self._streams()
        if token not in streams:
            raise NotFound("recording", token)
        return self._plan_of(token, streams[token])

    def left(self, rows: Sequence[RecordingRow]) -> list[Plan]:
        """Those of the catalogue's that are not recorded any more, and of which there is something."""
        known = {plan.token for plan in self.plans()}
        return [
            Plan(row.token, Origin(id=row.camera, name=row.camera))
            for row in rows
            if row.first is not None and row.token not in known
        ]

    def create(self, plan: Plan, by: str) -> str:
        """A recording that is empty, with a track of each kind; its token. Raises Full."""
        if sum(each.created for each in self._plans.values()) >= RECORDINGS:
            raise Full(f"At most {RECORDINGS} recordings may be created.")
        token = self._new(new_camera_key, {*self._plans, *self._cameras()})
        made = replace(plan, token=token, tracks=TRACKS, created=True)
        _check(made)
        self._keep(made)
        self._publish(said.RecordingCreated(said.RecordingId(token), by))
        for track in made.tracks:
            self._publish(said.TrackCreated(said.RecordingId(token), track.token))
        return token

    async def delete(self, token: str, by: str) -> None:
        """One that was created, with its jobs and all that was recorded. Raises NotFound, CannotDelete."""
        plan = self._created(token)
        for job in [job for job in self._jobs.values() if job.recording == token]:
            self._drop_job(job)
        if token in self._cameras():
            self._settings.remove(Camera, key=token, by=by)
        del self._plans[token]
        self._all = None
        self._store.drop(plan)
        for track in plan.tracks:
            self._publish(said.TrackDeleted(said.RecordingId(token), track.token))
        self._publish(said.RecordingDeleted(said.RecordingId(token), by))
        await self._erase(token, by)

    def configure(self, token: str, asked: Plan, by: str) -> None:
        """Another source, content and retention. Raises NotFound, BadValue."""
        plan = self.plan(token)
        changed = replace(plan, origin=asked.origin, content=asked.content, retention=asked.retention)
        _check(changed)
        key, _ = camera_of(token)
        if key in self._cameras():
            days = changed.retention / DAY or None
            self._settings.patch(
                Camera, {"name": changed.origin.name[:64], "retention_days": days}, key=key, by=by
            )
        self._keep(changed)
        self._publish(said.RecordingConfigured(said.RecordingId(token), by))

    def create_track(self, token: str, track: TrackPlan) -> str:
        """One more track of a recording that was created; its token. Raises NotFound, Full, CannotDelete."""
        plan = self._created(token)
        alike = [each.token for each in plan.tracks if each.kind is track.kind]
        if len(alike) >= TRACKS_OF_A_KIND:
            raise Full(f"A recording has at most {TRACKS_OF_A_KIND} tracks of a kind.")
        numbers = (f"{STEMS[track.kind]}{number:03d}" for number in range(1, TRACKS_OF_A_KIND + 1))
        made = replace(track, token=next(name for name in numbers if name not in alike))
        self._keep(replace(plan, tracks=(*plan.tracks, made)))
        self._publish(said.TrackCreated(said.RecordingId(token), made.token))
        return made.token

    def delete_track(self, token: str, track: str) -> None:
        """A track that nothing is recorded into. Raises NotFound, CannotDelete."""
        self.track(token, track)
        plan = self._created(token)
        if any(
            link.destination == track for job in self.jobs_of(token) for s in job.sources for link in s.links
        ):
            raise CannotDelete(f"A job records into {track}.")
        self._keep(replace(plan, tracks=tuple(each for each in plan.tracks if each.token != track)))
        self._publish(said.TrackDeleted(said.RecordingId(token), track))

    def track(self, token: str, track: str) -> TrackPlan:
        """One track. Raises NotFound: the recording, or the track."""
        found = next((each for each in self.plan(token).tracks if each.token == track), None)
        if found is None:
            raise NotFound("track", track)
        return found

    def describe_track(self, token: str, track: str, kind: str, description: str) -> None:
        """Another description. Raises NotFound, and BadConfiguration: the kind of a track stays."""
        there = self.track(token, track)
        if there.kind.value != kind.lower():
            raise BadConfiguration("The type of a track cannot be changed.")
        plan = self.plan(token)
        changed = replace(there, description=description)
        self._keep(replace(plan, tracks=tuple(changed if each is there else each for each in plan.tracks)))
        self._publish(said.TrackConfigured(said.RecordingId(token), track))

    def spare_jobs(self, token: str) -> tuple[int, list[str]]:
        """How many more jobs a recording may have, and the sources that they may have. Raises NotFound."""
        if not self.plan(token).created:
            return 0, []
        sources = [*self._receivers, *self._streams()]
        return JOBS - len(self.jobs_of(token)), sources

    # ------------------------------------------------------------------------------------------ jobs

    def jobs(self) -> list[Job]:
        """All, by token."""
        own = [self._own_job(token, camera) for token, camera in self._streams().items()]
        return sorted((*own, *self._jobs.values()), key=lambda job: job.token)

    def jobs_of(self, recording: str) -> list[Job]:
        """Those of one recording."""
        return [job for job in self.jobs() if job.recording == recording]

    def job(self, token: str) -> Job:
        """One. Raises NotFound."""
        found = next((job for job in self.jobs() if job.token == token), None)
        if found is None:
            raise NotFound("recording job", token)
        return found

    def create_job(self, asked: Job, auto: Sequence[bool], by: str) -> Job:
        """`auto`: for each source, whether a receiver is to be made for it. What was made, with its token and its
        tracks. Raises NotFound (the recording), Full, BadConfiguration."""
        plan = self.plan(asked.recording)
        if not plan.created or len(self.jobs_of(plan.token)) >= JOBS:
            raise Full("The recording takes no more jobs.")
        token = self._new(lambda: "job-" + secrets.token_hex(4), self._jobs)
        made = max((job.made for job in self._jobs.values()), default=0) + 1
        sources, receivers = self._sources(plan, asked.sources, auto)
        job = replace(asked, token=token, sources=sources, made=made, own=False)
        self._enter(job, receivers)
        self._project(plan.token, by)
        self._publish(said.JobConfigured(said.JobToken(token)))
        return job

    def configure_job(self, token: str, asked: Job, auto: Sequence[bool], by: str) -> Job:
        """Another mode, priority and other sources. Raises NotFound, BadConfiguration."""
        job = self.job(token)
        if asked.recording != job.recording:
            raise BadConfiguration("The recording of a job cannot be changed.")
        if job.own:
            if [(each.kind, each.token) for each in asked.sources] != [(PROFILE, job.recording)]:
                raise BadConfiguration("The job of a camera has the camera's stream as its source.")
            self.set_mode(token, asked.mode, by)
            return self.job(token)
        sources, receivers = self._sources(self.plan(job.recording), asked.sources, auto)
        changed = replace(job, mode=asked.mode, priority=asked.priority, sources=sources)
        self._enter(changed, receivers)
        self._tidy()
        self._project(job.recording, by)
        self._publish(said.JobConfigured(said.JobToken(token)))
        return changed

    def set_mode(self, token: str, mode: JobMode, by: str) -> None:
        """Raises NotFound, and CannotDelete for the sub stream of a camera, which is recorded with the main one."""
        job = self.job(token)
        if job.own:
            self._set_camera(job, mode, by)
        elif job.mode is not mode:
            self._enter(replace(job, mode=mode), ())
            self._project(job.recording, by)
        self._publish(said.JobConfigured(said.JobToken(token)))

    def delete_job(self, token: str, by: str) -> None:
        """Raises NotFound, CannotDelete."""
        job = self.job(token)
        if job.own:
            raise CannotDelete("The job of a camera is there as long as the camera.")
        self._drop_job(job)
        self._project(job.recording, by)

    async def states(self) -> dict[str, State]:
        """What becomes of every job now."""
        return await self._look()

    # ------------------------------------------------------------------------------------------ receivers

    async def receivers(self) -> list[Connection]:
        """All, by token, and whether they are connected."""
        await self._look()
        return [self._standing.connection(self._receivers[token]) for token in sorted(self._receivers)]

    def receiver(self, token: str) -> Receiver:
        """One. Raises NotFound."""
        if token not in self._receivers:
            raise NotFound("receiver", token)
        return self._receivers[token]

    async def connection(self, token: str) -> Connection:
        """One, and whether it is connected. Raises NotFound."""
        await self._look()
        return self._standing.connection(self.receiver(token))

    def create_receiver(self, asked: Receiver) -> Receiver:
        """What was made, with its token. Raises Full, BadValue."""
        if len(self._receivers) >= RECEIVERS:
            raise Full(f"There are at most {RECEIVERS} receivers.")
        made = self._receiver(replace(asked, auto=False))
        self._receivers[made.token] = made
        self._store.put(made)
        return made

    def configure_receiver(self, token: str, asked: Receiver, by: str) -> None:
        """Another stream and mode. The URL as it is shown, without its password, is the one that is there. Raises
        NotFound, BadValue."""
        there = self.receiver(token)
        uri = there.uri if asked.uri == shown(there) else asked.uri
        changed = replace(asked, token=token, auto=there.auto, uri=uri)
        check_uri(changed.uri)
        self._receivers[token] = changed
        self._store.put(changed)
        for recording in {job.recording for job in users(self._jobs.values(), token)}:
            self._project(recording, by)

    def set_receiver_mode(self, token: str, mode: ReceiverMode, by: str) -> None:
        """Raises NotFound."""
        self.configure_receiver(token, replace(self.receiver(token), mode=mode), by)

    def delete_receiver(self, token: str) -> None:
        """Raises NotFound, and CannotDelete while a job has it."""
        receiver = self.receiver(token)
        if users(self._jobs.values(), token):
            raise CannotDelete("A recording job has this receiver.")
        del self._receivers[token]
        self._store.drop(receiver)

    def forget(self) -> None:
        """All that was made from outside goes; what was recorded stays. Raises DatabaseFault."""
        self._store.drop(*self._plans.values(), *self._jobs.values(), *self._receivers.values())
        self._plans.clear()
        self._all = None
        self._jobs.clear()
        self._receivers.clear()

    # ------------------------------------------------------------------------------------------ what happens

    async def watch(self, every: float) -> None:
        """Tell of every job and receiver whose state is another, for ever."""
        while True:
            await self._look()
            await asyncio.sleep(every)

    async def _look(self) -> dict[str, State]:
        """How all jobs stand. Whoever asks for a state looks: what somebody was answered is told to those who listen,
        too, however soon it is over."""
        statuses = {each.token: each for each in await self._statuses()}
        return self._standing.look(self.jobs(), self._receivers, statuses)

    # ------------------------------------------------------------------------------------------ within

    def _cameras(self) -> dict[str, Camera]:
        position = self._settings.position()
        if self._seen[0] != position:
            self._seen = position, self._settings.entries(Camera)
            self._all = None
        return self._seen[1]

    def _streams(self) -> dict[str, Camera]:
        """The recordings that are those of cameras, by token, without those that were created."""
        return {
            token: camera
            for key, camera in self._cameras().items()
            if not (key in self._plans and self._plans[key].created)
            for stream in STREAMS
            if camera.address(stream) is not None
            for token in (token_of(key, stream),)
        }

    def _plan_of(self, token: str, camera: Camera) -> Plan:
        key, stream = camera_of(token)
        kept = self._plans.get(token)
        address = camera.address(stream)
        origin = Origin(id=key, address=address.url if address is not None else "")
        if kept is not None:
            origin = replace(
                kept.origin, id=kept.origin.id or key, address=kept.origin.address or origin.address
            )
        return Plan(
            token,
            replace(origin, name=camera.name or key),
            kept.content if kept is not None else "",
            (camera.retention_days or 0.0) * DAY,
            kept.tracks if kept is not None else TRACKS,
        )

    def _created(self, token: str) -> Plan:
        plan = self.plan(token)
        if not plan.created:
            raise CannotDelete("The recording of a camera is there as long as the camera.")
        return plan

    def _keep(self, plan: Plan) -> None:
        self._plans[plan.token] = plan
        self._all = None
        self._store.put(plan)

    def _own_job(self, token: str, camera: Camera) -> Job:
        records = camera.enabled and camera.mode is not Mode.OFF
        links = tuple(Link(track.kind.value, track.token) for track in self._plan_of(token, camera).tracks)
        mode = JobMode.ACTIVE if records else JobMode.IDLE
        return Job("job-" + token, token, mode, 1, (JobSource(PROFILE, token, links),), own=True)

    def _set_camera(self, job: Job, mode: JobMode, by: str) -> None:
        if job.mode is mode:
            return
        key, stream = camera_of(job.recording)
        if stream != "main":
            raise CannotDelete("The sub stream is recorded with the camera's main stream.")
        if mode is JobMode.IDLE:
            self._settings.patch(Camera, {"mode": Mode.OFF.value}, key=key, by=by)
            return
        earlier = (version.values for version in self._settings.history(Camera, key) if version.values)
        modes = (str(value["mode"]) for value in earlier if value.get("mode") not in (None, Mode.OFF.value))
        change = {"enabled": True, "mode": next(modes, Mode.CONTINUOUS.value)}
        self._settings.patch(Camera, change, key=key, by=by)

    def _sources(
        self, plan: Plan, asked: Sequence[JobSource], auto: Sequence[bool]
    ) -> tuple[tuple[JobSource, ...], list[Receiver]]:
        """The sources as they will be, with the receivers that are to be made for them."""
        made: list[Receiver] = []
        found: list[JobSource] = []
        tokens = {track.token for track in plan.tracks}
        for source, makes in zip(asked, auto, strict=True):
            token, kind = source.token, source.kind or RECEIVER
            if makes and not token:
                receiver = self._receiver(Receiver("", ReceiverMode.AUTO, "", auto=True))
                made.append(receiver)
                token, kind = receiver.token, RECEIVER
            elif token not in (self._receivers if kind == RECEIVER else self._streams()):
                raise BadConfiguration(f"There is no source {token!r} of that type.")
            links = source.links or tuple(Link(track.kind.value, track.token) for track in plan.tracks)
            unknown = [link.destination for link in links if link.destination not in tokens]
            if unknown:
                raise BadConfiguration(f"The recording has no track {unknown[0]!r}.")
            found.append(JobSource(kind, token, links))
        if len(self._receivers) + len(made) > RECEIVERS:
            raise Full(f"There are at most {RECEIVERS} receivers.")
        return tuple(found), made

    def _enter(self, job: Job, receivers: Sequence[Receiver]) -> None:
        self._store.put(job, *receivers)
        self._jobs[job.token] = job
        self._receivers |= {each.token: each for each in receivers}

    def _drop_job(self, job: Job) -> None:
        del self._jobs[job.token]
        self._store.drop(job)
        self._tidy()

    def _tidy(self) -> None:
        """Receivers that were made for jobs go with the last one."""
        for receiver in [
            each
            for each in self._receivers.values()
            if each.auto and not users(self._jobs.values(), each.token)
        ]:
            del self._receivers[receiver.token]
            self._store.drop(receiver)

    def _receiver(self, asked: Receiver) -> Receiver:
        check_uri(asked.uri)
        return replace(asked, token=self._new(lambda: "rcv-" + secrets.token_hex(4), self._receivers))

    def _project(self, token: str, by: str) -> None:
        """Let a recording that was created take what its winning job says: as a camera of the settings."""
        plan = self._plans[token]
        wanted = self._address(token)
        there = self._cameras().get(token)
        if wanted is None:
            if there is not None and there.enabled:
                self._settings.patch(Camera, {"enabled": False}, key=token, by=by)
            return
        wanted = {
            **wanted,
            "name": plan.origin.name[:64],
            "enabled": True,
            "mode": Mode.CONTINUOUS.value,
            "retention_days": plan.retention / DAY or None,
        }
        self._settings.patch(Camera, wanted, key=token, by=by)

    def _address(self, token: str) -> dict[str, object] | None:
        """Where what is recorded comes from, as settings of a camera; None: from nowhere."""
        jobs = [job for job in self._jobs.values() if job.recording == token]
        won = arbitration.winners(jobs)
        winner = next(
            (won[token, track.token] for track in self._plans[token].tracks if (token, track.token) in won),
            "",
        )
        for source in self._jobs[winner].sources if winner else ():
            if source.kind == PROFILE:
                camera, (_, stream) = self._streams().get(source.token), camera_of(source.token)
                address = camera.address(stream) if camera is not None else None
                if address is not None:
                    return {"main": address.url, "user": address.user, "password": address.password}
                continue
            receiver = self._receivers.get(source.token)
            if receiver is not None and receiver.uri and receiver.mode is not ReceiverMode.NEVER:
                return settings_of(receiver.uri)
        return None

    def _new(self, make: Callable[[], str], taken: object) -> str:
        assert isinstance(taken, (dict, set))
        while (token := make()) in taken:
            pass
        return token


def _check(plan: Plan) -> None:
    limits = {
        "SourceId": (plan.origin.id, 128),
        "Name": (plan.origin.name, 64),
        "Address": (plan.origin.address, 2048),
    }
    limits |= {"Location": (plan.origin.location, 1024), "Description": (plan.origin.description, 1024)}
    limits |= {"Content": (plan.content, 1024)}
    for name, (text, limit) in limits.items():
        if len(text) > limit:
            raise BadValue(name, f"at most {limit} characters")
    if plan.retention and not 0.01 * DAY <= plan.retention <= 3650 * DAY:
        raise BadValue("MaximumRetentionTime", "PT0S, or 15 minutes to 3650 days")
