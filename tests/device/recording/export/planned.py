"""Exports of segment files, planned and written as tests want them."""

from __future__ import annotations

from pathlib import Path

from device.media import Utc
from device.recording.export.part import Files, Part, Written
from device.recording.export.planner import Form, parts
from device.recording.playback import Catalogue
from tests.device.recording import material as m


def at(seconds: float) -> Utc:
    """So long after the recording began."""
    return Utc(m.START + round(seconds * 1e6))


def planned(
    catalogue: Catalogue,
    start: float,
    end: float,
    form: Form = Form.MP4,
    *,
    largest: int | None = None,
    thorough: bool = False,
    files: Files | None = None,
) -> list[Part]:
    """The parts of a span, in seconds after the recording began."""
    files = files or Files()
    return list(
        parts(
            catalogue,
            "CAM1",
            at(start),
            at(end),
            form=form,
            largest=largest,
            thorough=thorough,
            files=files,
            tell=lambda: None,
        )
    )


def written(part: Part, path: Path) -> Path:
    """The file of a part, which has the size that was said."""
    told = Written()
    path.write_bytes(b"".join(part.pieces(told)))
    assert path.stat().st_size == part.size == told.done
    assert told.spoilt == []
    return path
