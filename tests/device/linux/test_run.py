"""Running other programs: what they say, how they fail, and that none is left behind."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from device.linux.run import ProgramFailed, ProgramHung, ProgramMissing, run


async def test_what_a_program_says_is_returned() -> None:
    assert await run(["printf", "%s", "a b; $HOME `id`"], within=30) == "a b; $HOME `id`"


async def test_a_program_is_given_what_it_shall_read() -> None:
    assert await run(["cat"], within=30, stdin=b"secret\n") == "secret\n"


async def test_a_program_that_does_not_read_harms_nothing() -> None:
    assert await run(["true"], within=30, stdin=b"x" * (1 << 20)) == ""


async def test_messages_are_in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert await run(["sh", "-c", 'printf %s "$LC_ALL"'], within=30) == "C"


async def test_an_error_has_code_and_complaint() -> None:
    with pytest.raises(ProgramFailed, match="no good") as caught:
        await run(["sh", "-c", "echo half; echo no good >&2; exit 3"], within=30)
    error = caught.value
    assert (error.code, error.program, error.said, error.printed) == (3, "sh", "no good\n", "half\n")


async def test_a_program_that_complains_where_it_should_print_is_heard() -> None:
    with pytest.raises(ProgramFailed, match="501 Not authorised"):
        await run(["sh", "-c", "echo 501 Not authorised; exit 1"], within=5)


async def test_a_program_that_is_not_there_is_missing() -> None:
    with pytest.raises(ProgramMissing, match="no-such-program"):
        await run(["no-such-program"], within=30)


async def test_a_program_that_hangs_is_killed(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    with pytest.raises(ProgramHung, match=r"within 2 s"):
        await run(["sh", "-c", f"echo $$ > {mark}; exec sleep 60"], within=2)
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


@pytest.mark.parametrize("where", ["", ">&2"])
async def test_a_program_that_does_not_stop_talking_is_killed(where: str) -> None:
    with pytest.raises(ProgramHung, match="more than 5000 octets"):
        await run(["sh", "-c", f"yes {where}"], within=20, most=5000)


async def test_bytes_that_are_no_text_are_text_with_replacements() -> None:
    assert await run(["printf", r"\377a"], within=30) == "\ufffda"


async def test_a_caller_that_is_cancelled_leaves_no_program(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    task = asyncio.create_task(run(["sh", "-c", f"echo $$ > {mark}; exec sleep 60"], within=60))
    while not (mark.exists() and mark.read_text()):  # noqa: ASYNC110 - another process writes it
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)
