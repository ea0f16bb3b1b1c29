"""The box in the control plane: hardware that cannot be opened harms nothing else."""

from __future__ import annotations

from pathlib import Path

from tests.integration.rig import holdfast, run, wait_until


def test_a_button_device_that_is_not_there_is_said_and_the_recorder_runs(tmp_path: Path) -> None:
    settings = ["chassis.hardware=linux", "chassis.buttons_device=/dev/input/no-such-device"]
    with run(tmp_path / "data", *settings) as recorder:
        wait_until(
            "it is said",
            lambda: "chassis.unavailable" in holdfast("events", data=recorder.data).out,
            every=0.5,
        )
        recorder.command("settings", "set", "chassis.buttons_device=")
        wait_until(
            "it is over", lambda: "chassis.available" in holdfast("events", data=recorder.data).out, every=0.5
        )
        assert recorder.plane("control") == recorder.told["processes"]["control"]
