"""Reports have the shape that scripts outside the repository read."""

from __future__ import annotations

import json

import pytest

from bench.load import parse_sent
from bench.powercut import Loss, Summary
from bench.report import Report

LOAD = """
{"mbit": 16.4, "fps": 30, "playing": 1, "cpu_seconds": 1.5, "packets": 300, "octets": 375000, "cameras": [
    {"url": "rtsp://127.0.0.1:1/load/1", "packets": 300, "octets": 375000, "frames": 7, "sessions": 2,
     "unsent": 0, "latest": 0.25, "began": 1795371552408034},
    {"url": "rtsp://127.0.0.1:1/load/2", "packets": 0, "octets": 0, "frames": 0, "sessions": 0,
     "unsent": 0, "latest": 0.0, "began": null}]}
"""


def test_a_report_has_the_five_parts_of_the_contract_and_is_json() -> None:
    report = Report(
        {"packets_lost": 0}, {"ffmpeg": {"cpu_seconds": 2.0}}, {"ffmpeg": 0.125}, {"cameras": 16}, ()
    )

    told = json.loads(json.dumps(report.json()))

    assert set(told) == {"holdfast", "peers", "ratios", "load", "machine"}
    assert told["ratios"] == {"ffmpeg": 0.125}
    assert told["peers"]["ffmpeg"]["cpu_seconds"] == 2.0


def test_the_counters_of_the_load_are_read_and_added_up() -> None:
    sent = parse_sent(LOAD)

    assert (sent.packets, sent.playing, sent.fps) == (300, 1, 30)
    assert sent.gigabits == pytest.approx(0.003)
    assert sent.latest == 0.25
    assert sent.cameras[0].began == pytest.approx(1_795_371_552.408034)
    assert sent.cameras[1].began is None


def loss(writer: str, camera: int, sent: float, read: float) -> Loss:
    return Loss(writer, camera, sent, sent, read)


def test_what_is_lost_is_what_was_sent_and_cannot_be_read() -> None:
    losses = [
        *(loss("us", camera, 30.0, 29.0 + camera / 10) for camera in range(4)),
        *(loss("us", camera, 50.0, 49.5) for camera in range(4)),
        loss("them", 9, 30.0, 0.0),
    ]

    found = Summary.of(losses, "us")

    assert found is not None
    assert found.json() == {"min": 0.5, "mean": 0.675, "max": 1.0, "cuts": 2}


def test_who_was_never_cut_has_no_figures() -> None:
    assert Summary.of([loss("them", 1, 2, 1)], "us") is None


def test_a_frame_that_was_read_before_its_time_had_passed_is_no_gain() -> None:
    assert loss("us", 1, 10.0, 10.03).lost == 0.0
