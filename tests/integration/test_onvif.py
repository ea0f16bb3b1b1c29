"""The demo as clients of others meet it, unmodified."""

from __future__ import annotations

from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
from onvif import ONVIFClient  # type: ignore[import-untyped]

from device.clock import SystemClock
from device.media import MICROSECONDS, Utc
from protocols.onvif.names import TDS
from protocols.onvif.xml import write_instant
from tests.integration.rig import Recorder
from tests.protocols.onvif.clients import node, python
from tests.protocols.onvif.rig import envelope, token

USER, PASSWORD = "viewer", "watch-me-7"


def where(recorder: Recorder) -> tuple[str, str]:
    """Host and port of ONVIF, as the ready line says."""
    url = urlsplit(recorder.told["endpoints"]["onvif"])
    assert url.path == "/onvif/device_service"
    return str(url.hostname), str(url.port)


def expected(recorder: Recorder) -> list[list[str]]:
    """Profile, encoding and address of each camera."""
    return [[camera["id"], "H264", camera["live"]] for camera in recorder.told["cameras"]]


@pytest.mark.slow
@pytest.mark.timeout(500)
def test_onvif_zeep_async_as_home_assistant_uses_it(shown: Recorder) -> None:
    found = python("onvif-zeep-async").ask("with_zeep_async.py", *where(shown), USER, PASSWORD)
    assert found["serial"] == shown.told["serial"]
    assert found["profiles"] == expected(shown)
    assert "tns1:Monitoring/OperatingTime/LastReboot" in found["topics"]
    assert "onvif://www.onvif.org/Profile/G" in found["scopes"]
    assert {"http://www.onvif.org/ver10/media/wsdl", "http://www.onvif.org/ver10/events/wsdl"} <= set(
        found["xaddrs"]
    )


@pytest.mark.slow
@pytest.mark.timeout(500)
def test_onvif_zeep(shown: Recorder) -> None:
    found = python("onvif-zeep").ask("with_zeep.py", *where(shown), USER, PASSWORD)
    assert found["serial"] == shown.told["serial"]
    assert found["profiles"] == expected(shown)
    assert found["messages"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_onvif_of_npm_which_unifi_protect_is_built_on(shown: Recorder) -> None:
    found = node().ask("with_onvif.js", *where(shown), USER, PASSWORD)
    assert found["serial"] == shown.told["serial"]
    assert found["profiles"] == expected(shown)
    assert found["recordings"] == [camera["id"] for camera in shown.told["cameras"]]
    assert found["replays"] == [camera["replay"] for camera in shown.told["cameras"]]
    assert {"tns1:Monitoring/OperatingTime/LastReboot", "tns1:RecordingHistory/Recording/State"} <= set(
        found["topics"]
    )


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_node_onvif(shown: Recorder) -> None:
    found = node().ask("with_node_onvif.js", *where(shown), USER, PASSWORD)
    assert found["serial"] == shown.told["serial"]
    assert found["profiles"] == expected(shown)


@pytest.mark.parametrize("digest", [False, True])
def test_onvif_python_with_either_way_to_log_in(shown: Recorder, digest: bool) -> None:
    host, port = where(shown)
    client: Any = ONVIFClient(host, int(port), USER, PASSWORD, http_digest=digest)
    device, media = client.devicemgmt(), client.media()
    assert device.GetDeviceInformation().SerialNumber == shown.told["serial"]
    assert {scope.ScopeDef for scope in device.GetScopes()} == {"Fixed"}
    assert device.GetUsers()[0].UserLevel == "Administrator"
    assert device.GetNetworkInterfaces()
    setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
    found = []
    for one in media.GetProfiles():
        uri = media.GetStreamUri(StreamSetup=setup, ProfileToken=one.token).Uri
        found.append([one.token, one.VideoEncoderConfiguration.Encoding, uri])
    assert found == expected(shown)


def test_a_clock_difference_holds_as_soon_as_it_is_set(shown: Recorder) -> None:
    host, port = where(shown)
    old = write_instant(Utc(SystemClock().utc() - 60 * MICROSECONDS))

    def status() -> int:
        body = envelope(TDS.GetDeviceInformation, token(USER, PASSWORD, old))
        connection = HTTPConnection(host, int(port), timeout=60.0)
        connection.request("POST", "/onvif/device_service", body)
        answered = connection.getresponse().status
        connection.close()
        return answered

    assert status() == 200
    shown.command("settings", "set", "onvif.clock_skew=20")
    assert status() == 401
    shown.command("settings", "set", "onvif.clock_skew=300")
    assert status() == 200
