"""Each endurance run in a short form: the same steps and the same judgement, without limits on time."""

from __future__ import annotations

import json
from pathlib import Path

from tests.endurance import faults, outage, planes, recording
from tests.endurance.report import Progress, Report


def _must(report: Report, *but: str) -> None:
    """Everything is as it must be; figures named like `but` are about speed, and a busy machine's."""
    wrong = [each for each in report.figures if not each.good and not any(text in each.name for text in but)]
    assert (report.problems, wrong) == ([], []), report.notes


def test_faults_leave_nothing_untold(tmp_path: Path) -> None:
    programme = tmp_path / "programme"
    steps = [(1.5, "hole", 0.5), (3, "refuse", 1.5), (6.5, "freeze", 1.5), (8.5, "clock", 1)]
    lines = [{"at": at, "camera": faults.ILL, "fault": name, "seconds": lasts} for at, name, lasts in steps]
    programme.write_text("".join(json.dumps(line) + "\n" for line in lines))
    report = faults.run(tmp_path, 10 / 60, Progress("faults"), programme=str(programme))
    _must(report, "time wrong")


def test_every_event_arrives_however_often_the_sender_was_killed(tmp_path: Path) -> None:
    _must(outage.run(tmp_path, 0.2, Progress("outage")))


def test_recording_does_not_notice_the_end_of_other_planes(tmp_path: Path) -> None:
    _must(planes.run(tmp_path, 5 / 60, Progress("planes"), every=1.5), "time wrong")


def test_a_killed_recording_plane_comes_back_and_tells_what_it_missed(tmp_path: Path) -> None:
    _must(
        recording.run(tmp_path, 1, Progress("recording")), "acknowledged again", "of them over", "time wrong"
    )
