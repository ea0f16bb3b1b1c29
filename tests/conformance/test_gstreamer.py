"""The suite at a server that is not ours: what GStreamer's does right, it is said to do right."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest

from conformance.case import Result
from conformance.rtsp import SUITE
from conformance.rtsp.device import contact
from conformance.suite import run
from tests.conformance.gstreamer import lacking, record, running

RIGHT = (
    "message.cseq",
    "message.pipeline",
    "message.require",
    "describe.valid",
    "describe.h264",
    "method.teardown",
    "method.play-one-track",
    "transport.interleaved",
    "transport.udp",
    "transport.ssrc",
    "account.challenge",
    "account.md5",
    "account.wrong",
    "media.rtp",
    "media.rtp-info-first",
    "media.requests",
    "replay.range",
    "replay.npt",
    "replay.info-seek",
    "replay.resume",
    "tunnel.play",
)


@pytest.mark.skipif(bool(lacking()), reason=f"not installed: {' '.join(lacking())}")
async def test_gstreamer_s_server_is_judged_like_any_other(tmp_path: Path) -> None:
    recording = tmp_path / "recording.mp4"
    record(recording)
    with running(recording, 0) as (server, _):
        given = Namespace(
            url=server.live,
            replay_url=server.replay,
            user=server.user,
            password=server.password,
            http_port=None,
            websocket_url=None,
            patience=0.0,
        )
        target = await contact(given)
        outcomes = await run(SUITE.chosen(RIGHT), target, 4, lambda _outcome: None)
    assert {o.id: o.detail for o in outcomes if o.result is not Result.PASS} == {}
    assert len(outcomes) == len(RIGHT)
