"""The recorder for Prometheus: above all how complete each camera's recording is."""

from __future__ import annotations

from aiohttp import web

from device.accounts.role import Role
from device.accounts.sessions import Scope
from device.errors import HoldfastError, Severity
from device.jobs import State
from device.media import MICROSECONDS, Utc
from device.planes.messages import AskRecording, AskStreaming, RecordingStatus
from device.poe.messages import AskPoe
from device.raid.messages import AskRaid
from protocols.http.house import House
from protocols.http.metrics import CONTENT_TYPE, Metric, counter, exposition, gauge
from protocols.http.table import Table

TABLE = Table("Metrics")

DAY = 86_400 * MICROSECONDS


@TABLE.get("/metrics", role=Role.OPERATOR, scope=Scope.METRICS, produces="text/plain")
async def metrics(house: House) -> web.StreamResponse:
    """All metrics, in the text format of Prometheus. A token with the scope `metrics` is what a scraper needs."""
    found = [
        gauge(
            "holdfast_info",
            "The recorder.",
            [({"serial": house.identity.serial, "version": house.version}, 1)],
        )
    ]
    try:
        status = await house.recording.call(AskRecording())
        found += _recording(status, house.clock.utc())
    except HoldfastError:
        found.append(_up({"recording": 0}))
    else:
        found.append(_up({"recording": 1}))
    found += await _complete(house)
    found += await _hardware(house)
    found += _events(house)
    text = exposition(found)
    return web.Response(body=text.encode(), headers={"Content-Type": CONTENT_TYPE})


def _up(planes: dict[str, int]) -> Metric:
    return gauge(
        "holdfast_plane_up",
        "A process of the recorder answers.",
        [({"plane": k}, v) for k, v in planes.items()],
    )


def _recording(status: RecordingStatus, now: Utc) -> list[Metric]:
    streams = [({"camera": each.camera, "stream": each.stream}, each) for each in status.streams]
    volumes = [({"storage": each.uuid, "path": each.path}, each) for each in status.volumes]
    return [
        gauge("holdfast_stream_well", "Key frames advance.", [(k, float(s.well)) for k, s in streams]),
        counter(
            "holdfast_stream_packets_total", "RTP packets received.", [(k, s.packets) for k, s in streams]
        ),
        counter("holdfast_stream_packets_lost_total", "RTP packets lost.", [(k, s.lost) for k, s in streams]),
        counter(
            "holdfast_stream_bytes_total", "Received of the stream.", [(k, s.octets) for k, s in streams]
        ),
        counter(
            "holdfast_stream_samples_total", "Pictures and sounds.", [(k, s.samples) for k, s in streams]
        ),
        gauge(
            "holdfast_stream_unsynced_seconds",
            "Age of the newest frame that is safe on the disk.",
            [(k, max(0, now - s.acknowledged) / MICROSECONDS) for k, s in streams if s.acknowledged],
        ),
        gauge("holdfast_storage_size_bytes", "Of the file system.", [(k, v.total) for k, v in volumes]),
        gauge("holdfast_storage_free_bytes", "Of the file system.", [(k, v.free) for k, v in volumes]),
        gauge("holdfast_storage_used_bytes", "By recordings.", [(k, v.used) for k, v in volumes]),
        gauge(
            "holdfast_storage_state",
            "1 for the state that it is in.",
            [({**k, "state": v.state}, 1) for k, v in volumes],
        ),
    ]


async def _complete(house: House) -> list[Metric]:
    """Of the last day, by recording."""
    end = house.clock.utc()
    start = Utc(end - DAY)
    try:
        rows = await house.catalogue.read(
            lambda catalogue: [
                (
                    {"recording": row.token, "camera": row.camera, "stream": row.stream},
                    row,
                    catalogue.completeness(row.token, start, end),
                )
                for row in catalogue.recordings()
            ]
        )
    except HoldfastError:
        return []
    return [
        gauge(
            "holdfast_recording_complete_ratio",
            "Share of the last 24 hours that is recorded, of what was due.",
            [(k, whole.share) for k, _, whole in rows],
        ),
        gauge(
            "holdfast_recording_missing_seconds",
            "Due in the last 24 hours and not recorded.",
            [(k, whole.missing / MICROSECONDS) for k, _, whole in rows],
        ),
        gauge("holdfast_recording_bytes", "On the disk.", [(k, row.bytes) for k, row, _ in rows]),
    ]


async def _hardware(house: House) -> list[Metric]:
    found: list[Metric] = []
    try:
        poe = await house.control.call(AskPoe())
        if poe.ports:
            ports = [({"port": str(each.port)}, each) for each in poe.ports]
            found += [
                gauge("holdfast_poe_budget_watts", "That can be given.", [({}, poe.budget / 1000)]),
                gauge("holdfast_poe_reserved_watts", "That is promised.", [({}, poe.reserved / 1000)]),
                gauge(
                    "holdfast_poe_port_watts",
                    "Drawn.",
                    [(k, p.drawn / 1000) for k, p in ports if p.drawn is not None],
                ),
            ]
    except HoldfastError:
        pass
    try:
        raid = await house.control.call(AskRaid())
    except HoldfastError:
        return found
    drives = [({"bay": str(each.bay), "serial": each.serial}, each) for each in raid.bays if each.serial]
    if drives:
        found += [
            gauge(
                "holdfast_drive_condition",
                "1 for the condition that it is in.",
                [({**k, "condition": d.condition}, 1) for k, d in drives],
            ),
            gauge(
                "holdfast_drive_temperature_celsius",
                "Of the drive.",
                [(k, d.temperature) for k, d in drives if d.temperature is not None],
            ),
            counter(
                "holdfast_drive_errors_total", "Of reading and writing.", [(k, d.errors) for k, d in drives]
            ),
        ]
    if raid.array is not None:
        array = raid.array
        found.append(
            gauge("holdfast_array_status", "1 for the status that it has.", [({"status": array.status}, 1)])
        )
    try:
        watching = (await house.streaming.call(AskStreaming())).sessions
        found.append(gauge("holdfast_stream_sessions", "Who watches by RTSP.", [({}, len(watching))]))
    except HoldfastError:
        pass
    return found


def _events(house: House) -> list[Metric]:
    held = house.bus.journal.active()
    jobs = house.jobs.list()
    return [
        counter("holdfast_events_total", "Said since the recorder started.", [({}, house.bus.journal.said)]),
        gauge(
            "holdfast_alarms",
            "States that hold and should not, by severity.",
            [
                ({"severity": severity.name.lower()}, sum(each.event.severity is severity for each in held))
                for severity in Severity
            ],
        ),
        gauge(
            "holdfast_jobs",
            "Remembered, by state.",
            [({"state": s.value}, sum(j.state is s for j in jobs)) for s in State],
        ),
        gauge("holdfast_web_sessions", "Who is logged in.", [({}, len(house.sessions.sessions()))]),
    ]
