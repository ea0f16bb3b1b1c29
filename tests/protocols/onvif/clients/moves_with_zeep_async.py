"""onvif-zeep-async as Frigate moves a camera with it: HOST PORT USER PASSWORD."""

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
    media = await camera.create_media_service()
    ptz = await camera.create_ptz_service()
    profile = next(each for each in await media.GetProfiles() if each.PTZConfiguration)
    options = await ptz.GetConfigurationOptions({"ConfigurationToken": profile.PTZConfiguration.token})
    about = {"ProfileToken": profile.token}
    found = {
        "profile": profile.token,
        "spaces": [each.URI.rpartition("/")[2] for each in options.Spaces.ContinuousPanTiltVelocitySpace],
        "flips": (await ptz.GetServiceCapabilities()).EFlip,
        "presets": [each.Name for each in await ptz.GetPresets(about)],
    }
    velocity = {"PanTilt": {"x": 0.5, "y": 0.5}}
    await ptz.ContinuousMove({**about, "Velocity": velocity, "Timeout": dt.timedelta(seconds=60)})
    found["moves"] = (await ptz.GetStatus(about)).MoveStatus.PanTilt
    await ptz.Stop({**about, "PanTilt": True, "Zoom": True})
    found["stops"] = (await ptz.GetStatus(about)).MoveStatus.PanTilt
    token = await ptz.SetPreset({**about, "PresetName": "Here"})
    await ptz.AbsoluteMove({**about, "Position": {"Zoom": {"x": 1}}, "Speed": {"Zoom": {"x": 1}}})
    await ptz.GotoPreset({**about, "PresetToken": token})
    await ptz.RemovePreset({**about, "PresetToken": token})
    await camera.close()
    print(json.dumps(found))


asyncio.run(main(*sys.argv[1:]))
