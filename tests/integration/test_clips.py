"""Pictures and clips that rules send: from real cameras' streams to real servers, past SIGKILL."""

from __future__ import annotations

import email
import email.policy
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from device.errors import HoldfastError
from device.folder import DataFolder
from device.media import MICROSECONDS
from device.outbox.messages import AskOutbox
from device.planes.messages import SettingsSet
from device.planes.wire import Request
from device.recording.catalogue import CatalogueReader
from device.rules.messages import FireTrigger
from integration.commands.reach import call
from tests.integration.rig import Cameras, Recorder, run, wait_until
from tests.protocols.recipients.test_files import Vsftpd
from tests.protocols.recipients.test_mail import PASSWORD as MAIL_PASSWORD
from tests.protocols.recipients.test_mail import USER as MAIL_USER
from tests.protocols.recipients.test_mail import MailServer, mail_server
from tests.protocols.smb.samba import PASSWORD, Samba

WITHIN = 90.0
CAMERAS = ["c-cam1", "c-cam2"]
R = TypeVar("R")
pytestmark = pytest.mark.timeout(400)  # three waits of `WITHIN`
JPEG = b"\xff\xd8\xff"


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    folder = tmp_path_factory.mktemp("clips")
    with Cameras(folder, 2, "--onvif") as cameras:
        settings = cameras.assignments(sub=False)
        for number, camera in enumerate(cameras.told["cameras"], 1):
            settings += [
                f"cameras[c-cam{number}].{each}" for each in (f"onvif={camera['onvif']}", "follow=false")
            ]
        with run(folder / "data", *settings) as running:
            yield running


def ask(recorder: Recorder, request: Request[R]) -> R:
    return call(DataFolder(recorder.data), "control", request)


def recipient(recorder: Recorder, key: str, **values: object) -> None:
    changes = {"name": key.title(), "host": "127.0.0.1"} | values
    ask(recorder, SettingsSet("recipients", key, json.dumps(changes), "anna"))


def rule(recorder: Recorder, bell: str, *actions: dict[str, object]) -> None:
    """And ring."""
    when = [{"kind": "manual", "name": bell}]
    changes = {"name": bell.title(), "conditions": when, "actions": actions}
    ask(recorder, SettingsSet("rules", bell, json.dumps(changes), "anna"))
    ask(recorder, FireTrigger(bell, "anna"))


def waiting(recorder: Recorder) -> dict[str, int]:
    """Letters, of each destination that has some."""
    return {each.destination: each.waiting for each in ask(recorder, AskOutbox()).boxes if each.waiting}


def recorded(recorder: Recorder) -> float:
    """Seconds, of the camera that began last."""
    with CatalogueReader(DataFolder(recorder.data).catalogue) as catalogue:
        rows = [catalogue.recording(camera) for camera in CAMERAS]
    return min(((row.last or 0) - (row.first or 0)) / MICROSECONDS for row in rows)


def shown(path: Path) -> dict[str, Any]:
    """What ffprobe reads of a clip: how it is packed, and the time between its first picture and its last."""
    argv = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "packet=pts_time"]
    argv += ["-show_entries", "format=format_name", "-of", "default=nokey=1:noprint_wrappers=1", str(path)]
    lines = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout.split()
    times = [float(line) for line in lines if line[0].isdigit()]
    return {"form": lines[-1], "seconds": max(times) - min(times)}


@pytest.mark.proves("M-305", "M-308", "M-322")
def test_a_share_gets_matroska_from_before_until_after_and_a_mail_a_picture(
    recorder: Recorder, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with Samba(tmp_path) as samba, mail_server(tmp_path_factory) as mail:
        share = {"kind": "storage", "port": samba.port, "share": "video"}
        recipient(recorder, "nas", **share, user=samba.user, password=PASSWORD)
        login = {"user": MAIL_USER, "password": MAIL_PASSWORD, "verify": False}
        letters = {"kind": "email", "to": "anna@example.org", "sender": "nvr@example.org"}
        recipient(recorder, "office", **letters, **login, host="localhost", port=mail.starttls)
        wait_until("there is something before", lambda: recorded(recorder) > 3.0, WITHIN)
        rule(
            recorder,
            "door",
            {
                "kind": "clip",
                "recipient": "nas",
                "cameras": CAMERAS,
                "before": 2,
                "after": 3,
                "name": "#r-#c-#s",
            },
            {"kind": "pictures", "recipient": "office", "cameras": CAMERAS[:1], "name": "%Y-#n"},
        )
        wait_until("both clips are there", lambda: len(clips(samba.folder)) == 2, WITHIN)
        one, other = clips(samba.folder)
        assert one.name.startswith("Door-c-cam1-")
        assert other.name.startswith("Door-c-cam2-")
        assert one.stem.rpartition("-")[2] != other.stem.rpartition("-")[2]
        for clip in (one, other):
            told = shown(clip)
            assert told["form"] == "matroska,webm"
            assert 4.0 <= told["seconds"] <= 8.0, told  # it begins with the key frame before
        wait_until("the mail is there", lambda: any(mail.folder.glob("*.json")), WITHIN)
        _a_picture(mail)


def clips(folder: Path) -> list[Path]:
    """Those that are whole."""
    return sorted(folder.glob("*.mkv"))


def _a_picture(mail: MailServer) -> None:
    read = email.message_from_bytes(mail.got()["mail"].encode(), policy=email.policy.default)
    assert read["Subject"] == "Door"
    (attached,) = read.iter_attachments()
    assert attached.get_content_type() == "image/jpeg"
    assert attached.get_content().startswith(JPEG)


@pytest.mark.proves("M-305", "M-308", "M-313")
def test_what_is_promised_to_a_server_that_is_away_arrives_though_the_recorder_is_killed(
    recorder: Recorder, tmp_path: Path
) -> None:
    server = Vsftpd(tmp_path)
    server.reserve()
    recipient(recorder, "ftp", kind="ftp", port=server.port, folder="in")
    rule(
        recorder,
        "gate",
        {"kind": "pictures", "recipient": "ftp", "cameras": CAMERAS[:1], "count": 2, "every": 0.5},
        {"kind": "clip", "recipient": "ftp", "cameras": CAMERAS[1:], "after": 4, "form": "mp4"},
    )
    wait_until("the clip is ordered", lambda: waiting(recorder).get("clips/ftp") == 1, WITHIN)
    _kill(recorder)  # what comes after the event is not recorded yet
    wait_until("the clip is made", lambda: waiting(recorder) == {"recipient/ftp": 3}, WITHIN)
    _kill(recorder)
    with server:
        folder = server.root / "in"
        wait_until("all of it is there", lambda: len(_whole(folder)) == 3, WITHIN)
        *pictures, clip = sorted(_whole(folder), key=lambda path: path.suffix)
        assert [each.read_bytes()[:3] for each in pictures] == [JPEG, JPEG]
        told = shown(clip)
        assert told["form"].startswith("mov,mp4")
        assert told["seconds"] >= 8.0
    spool = recorder.data / "spool"
    wait_until("nothing waits in the spool any more", lambda: not any(spool.iterdir()), WITHIN)


def _whole(folder: Path) -> list[Path]:
    return [each for each in folder.iterdir() if not each.name.endswith(".part")]


def _kill(recorder: Recorder) -> None:
    control = recorder.plane("control")
    assert control is not None
    os.kill(control, signal.SIGKILL)
    wait_until("the plane is back", lambda: recorder.plane("control") not in (None, control), WITHIN)

    def answers() -> bool:
        try:
            ask(recorder, AskOutbox())
        except HoldfastError:
            return False
        return True

    wait_until("it answers", answers, WITHIN)
