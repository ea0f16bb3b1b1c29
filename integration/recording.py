"""The recording plane: cameras in, segments on the disk, the catalogue's only writer.

Nothing that anyone asks for over a network runs here."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from device.archive.ledger import highest
from device.archive.messages import Moved, MoveSegments, SegmentsErased, ShareHas
from device.cameras.reconnect import Ladder
from device.cameras.source import ROUND, Address, Cause, Source
from device.cameras.station import Frozen, Health, Loss, Station
from device.errors import BadValue, NotFound
from device.events import catalogue as said
from device.events.event import event_values
from device.events.evidence import EvidenceLocked, EvidenceUnlocked, RecordingDeleted
from device.media import MICROSECONDS, Kind, Sample, Track, Utc
from device.planes.leash import Leash, attach
from device.planes.link import Outlet
from device.planes.messages import (
    AskRecording,
    Deleted,
    DeleteSpan,
    Done,
    ForgetVolumes,
    Forgotten,
    Lock,
    Locked,
    RecordingStatus,
    StreamStatus,
    Tap,
    TapLost,
    TapPatience,
    TapTracks,
    TriggerEvent,
    Unlock,
    VolumeStatus,
)
from device.recording.behind import Behind
from device.recording.intake import StreamIntake
from device.recording.modes import Mode, Policy
from device.recording.moving import Proven
from device.recording.notices import Notice
from device.recording.recorder import Recorder
from device.recording.shelf import VolumeSettings
from device.recording.volume import Room
from device.recordings.names import STREAMS, token_of
from device.settings.cameras import Camera
from device.settings.clock import DateAndTime
from device.settings.recording import Recording
from device.settings.schedule import weekly
from device.settings.shares import NetworkStorage
from device.settings.storages import Storage
from integration.filling import FillingDesk
from integration.notices import event_of
from integration.plane import FOLLOW_SECONDS, Plane, plane, until
from integration.zone import local_zone
from protocols.rtsp.health import Patience
from protocols.rtsp.source import LeftOut, RtspSource

TAP_OCTETS = 8 << 20  #: that may wait for one who watches before he is taken to the next key frame
GIGABYTE = 1_000_000_000
DAY = 86_400 * MICROSECONDS
SECTIONS = (Recording, Camera, Storage, NetworkStorage, DateAndTime)
AFTER_DEFECT = 1.0  #: seconds


def policy_of(camera: Camera) -> Policy:
    """What a camera's settings say about keeping its streams."""
    spans = camera.schedule
    return Policy(
        camera.mode if camera.enabled else Mode.OFF,
        camera.pre_event,
        camera.post_event,
        weekly(spans, local_zone()) if spans else None,
        camera.minimum_days,
        camera.retention_days,
        None if camera.quota_gb is None else round(camera.quota_gb * GIGABYTE),
        camera.storage,
    )


def kinds_of(camera: Camera) -> frozenset[Kind]:
    """Which tracks a camera's settings want of its streams."""
    wanted = {Kind.VIDEO: True, Kind.AUDIO: camera.audio, Kind.METADATA: camera.metadata}
    return frozenset(kind for kind, so in wanted.items() if so)


def volume_of(uuid: str, storage: Storage, share: NetworkStorage | None) -> VolumeSettings:
    """A storage, as the recording core knows it. `share`: whose spool it is."""
    path, reserve = Path(storage.path), storage.reserve_percent / 100
    if share is None or not share.target:
        return VolumeSettings(path, uuid, reserve)
    behind = Behind(
        share.target,
        None if share.retention_days is None else round(share.retention_days * DAY),
        None if share.quota_gb is None else round(share.quota_gb * GIGABYTE),
        share.reserve_percent / 100,
    )
    limit = round(share.spool_gb * GIGABYTE)
    return VolumeSettings(path, uuid, reserve, limit_bytes=limit, behind=behind)


class Taps:
    """Those who watch one stream. Implements `device.recording.intake.Watcher` while there are any."""

    def __init__(self, intake: StreamIntake, station: Station) -> None:
        self._intake = intake
        self._station = station
        self._run = 0
        self._outlets: dict[Outlet, int] = {}  #: samples that each has missed and was not told of

    async def serve(self, outlet: Outlet) -> None:
        """Send the stream to `outlet` until it goes away."""
        self._outlets[outlet] = 0
        self._intake.watcher = self
        self._station.attention(0)
        try:
            if self._intake.tracks:
                outlet.put(TapTracks(self._run, self._intake.tracks))
            await outlet.gone()
        finally:
            del self._outlets[outlet]
            if not self._outlets:
                self._intake.watcher = None
                self._station.attention(ROUND)

    def wait(self, seconds: float) -> None:
        """They are content with what is so old."""
        if self._outlets:
            self._station.attention(seconds)

    @property
    def watched(self) -> bool:
        """Whether somebody watches."""
        return bool(self._outlets)

    def begun(self, tracks: Sequence[Track], run: int) -> None:
        """Watcher."""
        self._run = run
        for outlet in self._outlets:
            outlet.put(TapTracks(run, tuple(tracks)))

    def sample(self, sample: Sample) -> None:
        """Watcher."""
        for outlet, missed in self._outlets.items():
            if missed:
                if not (sample.key and sample.track == self._intake.lead):
                    self._outlets[outlet] = missed + 1
                    continue
                if outlet.offer(
                    sample, 0
                ):  # he has read all that waited: from this key frame on he follows again
                    self._outlets[outlet] = 0
                    continue
                self._outlets[outlet] = missed + 1
            elif not outlet.offer(sample, TAP_OCTETS):
                self._outlets[outlet] = 1
                outlet.put(TapLost(1))


@dataclass(slots=True)
class Stream:
    """One stream of one camera, while it is recorded."""

    camera: str
    stream: str
    token: str
    address: Address
    kinds: Set[Kind]
    intake: StreamIntake
    station: Station
    taps: Taps
    task: asyncio.Task[None]
    since: Utc  #: of the last change of health


class RecordingPlane:
    """Holds the recording core, and a station for every stream that is due."""

    def __init__(self, own: Plane) -> None:
        self._own = own
        self._streams: dict[str, Stream] = {}
        self._intakes: dict[str, StreamIntake] = {}
        self._paths: dict[str, str] = {}
        self._changing = asyncio.Lock()  #: held while a camera is taken up or let go of
        self._recorder = self._make_recorder()

    def _make_recorder(self) -> Recorder:
        how = self._own.settings.get(Recording)
        return Recorder(
            self._own.clock,
            self._own.folder.catalogue,
            self._volumes(),
            self._own.identity.id,
            durability=how.durability,
            segment_length=how.segment,
            on_event=self._noticed,
            acknowledged=lambda token, utc: None,  # noqa: ARG005 - who wants to know asks for the status
            above=highest(self._own.folder.archive),
        )

    def _volumes(self) -> list[VolumeSettings]:
        shares = self._own.settings.entries(NetworkStorage)
        volumes = [
            volume_of(uuid, storage, shares.get(uuid))
            for uuid, storage in self._own.settings.entries(Storage).items()
            if storage.enabled
        ]
        # Those that went stay: there may be news of them on its way.
        self._paths |= {volume.uuid: str(volume.path) for volume in volumes}
        return volumes

    # --- life ---

    async def start(self) -> None:
        """Open the catalogue, mend what the last end left, and call the cameras."""
        await self._recorder.start()
        for key, camera in self._own.settings.entries(Camera).items():
            self._take_up(key, camera)
        self._release_gone()

    def _release_gone(self) -> None:
        """What held for a stream or a storage that is not used any more does not matter: it may have been taken away
        while the recorder was down, too."""
        publish, storages = self._own.bus.publish, {volume.uuid for volume in self._recorder.volumes()}
        for event in [entry.event for entry in self._own.bus.journal.active()]:
            if event.raises in said.CameraReleased.clears:
                camera, stream = map(str, event_values(event, ("camera", "stream")))
                if token_of(camera, stream) not in self._intakes:
                    publish(said.CameraReleased(said.CameraId(camera), stream))
            elif event.raises in said.VolumeReleased.clears:
                volume, path = map(str, event_values(event, ("volume", "path")))
                if volume not in storages:
                    publish(said.VolumeReleased(said.VolumeId(volume), path))

    async def follow(self, position: int) -> None:
        """Do what changed settings say, for ever."""
        async for changed in self._own.settings.follow(position, every=FOLLOW_SECONDS):
            local_zone().heed(changed, self._own.settings)
            match changed.section:
                case Camera.about.section:
                    await self._camera_changed(changed.key, set(changed.fields))
                case Storage.about.section | NetworkStorage.about.section:
                    await self._recorder.set_volumes(self._volumes())
                    self._release_gone()
                case Recording.about.section:
                    how = self._own.settings.get(Recording)
                    self._recorder.set_pace(durability=how.durability, segment_length=how.segment)

    async def stop(self, cause: Cause) -> None:
        """End every session, and make everything durable."""
        await self._let_go(list(self._streams), cause)
        self._intakes.clear()
        await self._recorder.stop(cause)

    # --- cameras ---

    async def _camera_changed(self, key: str, fields: set[str]) -> None:
        async with self._changing:
            await self._change_camera(key, fields)

    async def _change_camera(self, key: str, fields: set[str]) -> None:
        camera = self._own.settings.entries(Camera).get(key)
        for stream in STREAMS:
            token = token_of(key, stream)
            there = self._streams.get(token)
            address = camera.address(stream) if camera is not None and camera.enabled else None
            other = camera is None or there is None or there.kinds != kinds_of(camera)
            if there and (address is None or there.address != address or other):
                await self._let_go([token], Cause.DISABLED if address is None else Cause.CONNECTING)
            elif there and fields & {"user", "password"}:
                there.station.credentials_changed()
            if address is None and token in self._intakes:
                del self._intakes[token]
                self._recorder.remove(token)
                self._release_gone()
        if camera is not None:
            self._take_up(key, camera)

    def _take_up(self, key: str, camera: Camera) -> None:
        """Let the streams of a camera be as its settings say, and begin those that are not there yet."""
        policy, kinds = policy_of(camera), kinds_of(camera)
        for stream in STREAMS:
            token, address = token_of(key, stream), camera.address(stream)
            if address is None or not camera.enabled:
                continue
            intake = self._intakes.get(token)
            if intake is None:
                intake = self._intakes[token] = self._recorder.intake(token, key, stream, policy)
            elif intake.policy != policy:
                self._recorder.set_policy(token, policy)
            if token in self._streams:
                continue
            station = Station(
                partial(self._source, key, stream, address, kinds),
                intake,
                Ladder(random.random),
                self._own.clock,
                partial(self._health, token),
                partial(self._frozen, token),
                partial(self._lossy, token),
            )
            task = asyncio.create_task(_kept(station, intake), name=f"station {token}")
            taps, since = Taps(intake, station), self._own.clock.utc()
            self._streams[token] = Stream(
                key, stream, token, address, kinds, intake, station, taps, task, since
            )

    def _source(self, key: str, stream: str, address: Address, kinds: Set[Kind]) -> Source:
        return RtspSource(
            address, self._own.clock, Patience(), partial(self._left_out, key, stream), kinds=kinds
        )

    async def _let_go(self, tokens: Sequence[str], cause: Cause) -> None:
        """End the sessions of some streams. Their intakes stay, and count what is missing."""
        going = [self._streams.pop(token) for token in tokens if token in self._streams]
        for stream in going:
            stream.task.cancel()
        await asyncio.gather(*(stream.task for stream in going), return_exceptions=True)
        for stream in going:
            stream.intake.closed(cause)

    # --- what is noticed ---

    def _noticed(self, notice: Notice) -> None:
        event = event_of(notice, lambda uuid: self._paths.get(uuid, ""))
        if event is not None:
            self._own.bus.publish(event)

    def _health(self, token: str, health: Health) -> None:
        stream = self._streams.get(token)
        if stream is None:
            return
        now = self._own.clock.utc()
        down = (now - stream.since) / MICROSECONDS
        stream.since = now
        camera = said.CameraId(stream.camera)
        if health.well:
            self._own.bus.publish(said.CameraOnline(camera, stream.stream, down))
            self._own.bus.publish(said.CredentialsAccepted(camera, stream.stream))
            return
        assert health.cause is not None
        self._own.bus.publish(said.CameraOffline(camera, stream.stream, health.cause, health.detail))
        if health.cause is Cause.REJECTED:
            self._own.bus.publish(said.CredentialsRejected(camera, stream.stream, health.detail))

    def _frozen(self, token: str, frozen: Frozen | None) -> None:
        stream = self._streams.get(token)
        if stream is None:
            return
        camera, clock = said.CameraId(stream.camera), self._own.clock
        if frozen is None:
            self._own.bus.publish(said.VideoResumed(camera, stream.stream))
            return
        since = Utc(clock.utc() - round((clock.monotonic() - frozen.since) * MICROSECONDS))
        self._own.bus.publish(said.VideoFrozen(camera, stream.stream, since, frozen.packets))

    def _lossy(self, token: str, loss: Loss) -> None:
        stream = self._streams.get(token)
        if stream is not None:
            camera = said.CameraId(stream.camera)
            told = said.PacketLoss(camera, stream.stream, loss.lost, loss.received, loss.over)
            self._own.bus.publish(told)

    def _left_out(self, key: str, stream: str, track: LeftOut) -> None:
        if track.kind == "audio":
            self._own.bus.publish(said.AudioUnsupported(said.CameraId(key), stream, track.reason))

    # --- what others ask ---

    def answer(self) -> None:
        """Register the answers of this plane."""
        server = self._own.server
        server.on(AskRecording, self._status)
        server.on_stream(Tap, self._tap)
        server.on(TapPatience, self._patience)
        server.on(Lock, self._lock)
        server.on(Unlock, self._unlock)
        server.on(TriggerEvent, self._trigger)
        server.on(DeleteSpan, self._delete)
        server.on(ForgetVolumes, self._forget)
        server.on(MoveSegments, self._move)
        server.on(SegmentsErased, self._erased)
        server.on(ShareHas, self._share_has)
        FillingDesk(self._recorder, self._policy).answer(server)

    def _policy(self, token: str) -> Policy | None:
        intake = self._intakes.get(token)
        return None if intake is None else intake.policy

    async def _status(self, request: AskRecording) -> RecordingStatus:  # noqa: ARG002 - carries nothing
        acknowledged = {status.token: status.acknowledged for status in self._recorder.status()}
        streams = tuple(self._stream_status(stream, acknowledged) for stream in self._streams.values())
        volumes = tuple(
            VolumeStatus(
                each.uuid,
                str(each.path),
                each.state.value,
                each.size,
                each.free,
                each.size - each.free,
                each.detail,
            )
            for each in self._recorder.volumes()
        )
        return RecordingStatus(self._own.since, streams, volumes)

    def _stream_status(self, stream: Stream, acknowledged: dict[str, Utc]) -> StreamStatus:
        health, reception = stream.station.health, stream.station.reception
        return StreamStatus(
            stream.camera,
            stream.stream,
            stream.token,
            health.well,
            "" if health.cause is None else health.cause.value,
            health.detail,
            stream.since,
            stream.intake.tracks,
            acknowledged.get(stream.token, Utc(0)),
            reception.packets,
            reception.lost,
            reception.octets,
            reception.samples,
            stream.taps.watched,
        )

    async def _tap(self, request: Tap, outlet: Outlet) -> None:
        stream = self._streams.get(request.token)
        if stream is None:
            raise NotFound("camera stream", request.token)
        await stream.taps.serve(outlet)

    async def _patience(self, request: TapPatience) -> Done:
        if not 0 <= request.seconds <= ROUND:
            raise BadValue("seconds", f"must be 0 to {ROUND:g}")
        stream = self._streams.get(request.token)
        if stream is None:
            raise NotFound("camera stream", request.token)
        stream.taps.wait(request.seconds)
        return Done()

    async def _lock(self, request: Lock) -> Locked:
        made = self._recorder.lock(
            request.token, request.start, request.end, until=request.until, who=request.who, why=request.why
        )
        lock = await asyncio.wrap_future(made)
        self._own.bus.publish(
            EvidenceLocked(request.token, lock, request.start, request.end, request.why, request.who)
        )
        return Locked(lock)

    async def _unlock(self, request: Unlock) -> Done:
        await asyncio.wrap_future(self._recorder.unlock(request.lock))
        self._own.bus.publish(EvidenceUnlocked(request.lock, request.who))
        return Done()

    async def _trigger(self, request: TriggerEvent) -> Done:
        tokens = [stream.token for stream in self._streams.values() if stream.camera == request.camera]
        if not tokens:
            raise NotFound("camera", request.camera)
        for token in tokens:
            await asyncio.wrap_future(self._recorder.trigger(token, request.utc))
        return Done()

    async def _forget(self, request: ForgetVolumes) -> Forgotten:
        return Forgotten(await asyncio.wrap_future(self._recorder.forget(Path(request.path))))

    async def _move(self, request: MoveSegments) -> Moved:
        if len(request.segments) != len(request.octets):
            raise BadValue("octets", "one for each segment")
        proven = [Proven(*each) for each in zip(request.segments, request.octets, strict=True)]
        moving = self._recorder.archive(request.target, request.place, proven, evidence=request.evidence)
        moved = await asyncio.wrap_future(moving)
        return Moved(tuple(moved))

    async def _share_has(self, request: ShareHas) -> Done:
        self._recorder.share_has(request.target, Room(request.size, request.free))
        return Done()

    async def _erased(self, request: SegmentsErased) -> Done:
        await asyncio.wrap_future(self._recorder.erased(request.segments))
        return Done()

    async def _delete(self, request: DeleteSpan) -> Deleted:
        async with self._changing:  # a camera that is being let go of still writes
            if request.token not in self._intakes:
                await self._recorder.settled()
        gone = self._recorder.delete(request.token, request.start, request.end)
        octets = await asyncio.wrap_future(gone)
        end = min(request.end, self._own.clock.utc())
        self._own.bus.publish(RecordingDeleted(request.token, request.start, end, len(octets), request.who))
        return Deleted(len(octets), sum(octets))


async def _kept(station: Station, intake: StreamIntake) -> None:
    """A station, for ever: a defect in it costs its own camera a second, and no other camera anything."""
    while True:
        try:
            await station.run()
        except Exception as error:  # noqa: BLE001 - whatever it is, the camera must go on being recorded
            asyncio.get_running_loop().call_exception_handler(
                {"message": f"{intake.token}: the station failed", "exception": error}
            )
            intake.closed(Cause.PROTOCOL, "a defect of the recorder")
        await asyncio.sleep(AFTER_DEFECT)


async def run(data: Path, leash: Leash) -> None:
    """The plane, until it is told to stop."""
    async with plane("recording", data, leash, SECTIONS) as own:
        position = own.settings.position()
        recording = RecordingPlane(own)
        await recording.start()
        recording.answer()
        leash.ready({})
        try:
            await until(own.stop, asyncio.create_task(recording.follow(position)))
        finally:
            await recording.stop(Cause.RECORDER_DOWN)


def main(data: str) -> None:
    """The process."""
    leash = attach()
    asyncio.run(run(Path(data), leash))
