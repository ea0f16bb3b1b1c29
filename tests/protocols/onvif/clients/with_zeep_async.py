"""onvif-zeep-async as Home Assistant uses it: HOST PORT USER PASSWORD."""

# mypy: ignore-errors
import asyncio
import datetime as dt
import json
import sys
from pathlib import Path

import onvif
from onvif import ONVIFCamera

WSDL = str(Path(onvif.__file__).parent / "wsdl")


async def main(host: str, port: str, user: str, password: str) -> None:
    camera = ONVIFCamera(host, int(port), user, password, wsdl_dir=WSDL, no_cache=True)
    await camera.update_xaddrs()
    device = await camera.create_devicemgmt_service()
    media = await camera.create_media_service()
    found = {"xaddrs": sorted(camera.xaddrs)}
    found["time"] = str((await device.GetSystemDateAndTime()).UTCDateTime.Date.Year)
    found["serial"] = (await device.GetDeviceInformation()).SerialNumber
    found["interfaces"] = len(await device.GetNetworkInterfaces())
    found["scopes"] = [each.ScopeItem for each in await device.GetScopes()]
    found["profiles"] = []
    for profile in await media.GetProfiles():
        setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
        uri = await media.GetStreamUri({"StreamSetup": setup, "ProfileToken": profile.token})
        encoder = profile.VideoEncoderConfiguration
        found["profiles"].append([profile.token, encoder and encoder.Encoding, uri.Uri])
    manager = await camera.create_pullpoint_manager(dt.timedelta(seconds=60), lambda: None)
    pull = manager.get_service()
    await manager.set_synchronization_point()
    messages = await pull.PullMessages({"MessageLimit": 100, "Timeout": dt.timedelta(seconds=1)})
    found["topics"] = sorted({each.Topic._value_1 for each in messages.NotificationMessage})
    await manager.shutdown()
    await camera.close()
    print(json.dumps(found))


asyncio.run(main(*sys.argv[1:]))
