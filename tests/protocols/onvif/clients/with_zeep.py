"""onvif-zeep, which asks for capabilities alone: HOST PORT USER PASSWORD."""

# mypy: ignore-errors
import json
import sys
from pathlib import Path

import onvif
from onvif import ONVIFCamera

WSDL = str(Path(onvif.__file__).parent.parent / "wsdl")


def main(host: str, port: str, user: str, password: str) -> None:
    camera = ONVIFCamera(host, int(port), user, password, WSDL)
    media = camera.create_media_service()
    found = {"serial": camera.devicemgmt.GetDeviceInformation().SerialNumber, "profiles": []}
    for profile in media.GetProfiles():
        setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
        uri = media.GetStreamUri({"StreamSetup": setup, "ProfileToken": profile.token})
        found["profiles"].append([profile.token, profile.VideoEncoderConfiguration.Encoding, uri.Uri])
    pull = camera.create_pullpoint_service()
    messages = pull.PullMessages({"Timeout": "PT1S", "MessageLimit": 100})
    found["messages"] = len(messages.NotificationMessage)  # its schemas are of 2014, and lose the topics
    print(json.dumps(found))


main(*sys.argv[1:])
