"""The PTZ service, in front of the motor of a virtual camera: every reply is judged by the official schemas."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from lxml import etree

from device.cameras.control import Lacks, Profile
from device.cameras.ptz import Vector
from integration.virtual_camera.head import ABILITIES, MOST_PRESETS, Motor
from protocols.onvif.client.ptz import OnvifHead
from protocols.onvif.client.wire import Fill
from protocols.onvif.names import TPTZ, TRT, TT
from protocols.onvif.services.media import Media, Stream
from protocols.onvif.services.ptz import Ptz
from protocols.onvif.xml import Element, sub
from tests.device.clock.simulated import SimulatedClock
from tests.protocols.onvif.rig import Device, Said, element
from tests.protocols.onvif.test_services import LOBBY, SMALL

STREAMS = (
    Stream("main", "video-1", "Gate", "/main", LOBBY, None, ABILITIES),
    Stream("sub", "video-1", "Gate (sub)", "/sub", SMALL, None, ABILITIES),
    Stream("fixed", "video-2", "Door", "/door", SMALL, None),
)
Axes = dict[str, dict[str, str]]  #: attributes by axis
FOREIGN = "http://www.onvif.org/ver10/tptz/PanTiltSpaces/VelocitySpaceFov"


class Mount:
    """A device with a head, its motor, and a clock that goes when it is told to."""

    def __init__(self) -> None:
        self.clock = SimulatedClock()
        self.motor = Motor(self.clock)
        self.device = Device(
            [
                Media(lambda: STREAMS, lambda: 8554, lambda: False).service(),
                Ptz(lambda: STREAMS, lambda _: self.motor).service(),
            ]
        )

    async def ask(self, name: str, children: Iterable[tuple[str, str]] = (), profile: str = "main") -> Said:
        """About a profile."""
        return await self.device.ask(element(name, [(TPTZ.ProfileToken, profile), *children]))

    async def order(self, name: str, part: str, axes: Axes, lasts: str = "") -> Said:
        """A movement, with the axes PanTilt and Zoom as attributes."""
        asked = element(name, [(TPTZ.ProfileToken, "main")])
        within = sub(asked, part)
        for axis, values in axes.items():
            sub(within, TT.name(axis), None, **values)
        if lasts:
            sub(asked, TPTZ.Timeout, lasts)
        return await self.device.ask(asked)

    @property
    def at(self) -> Vector:
        """Where it stands."""
        return self.motor.at(self.clock.utc())


@pytest.fixture
def mount() -> Mount:
    return Mount()


def tokens(found: Iterable[Element]) -> list[str | None]:
    return [each.get("token") for each in found]


async def test_nodes_and_configurations_are_told_and_stand_in_the_profiles(mount: Mount) -> None:
    ask = mount.device.ask
    assert tokens((await ask(TPTZ.GetNodes)).body) == ["video-1"]
    one = await ask(element(TPTZ.GetNode, [(TPTZ.NodeToken, "video-1")]))
    assert one.body[0].findtext(TT.MaximumNumberOfPresets) == str(MOST_PRESETS)
    assert tokens((await ask(TPTZ.GetConfigurations)).body) == ["video-1"]
    named = [(TPTZ.PTZConfigurationToken, "video-1")]
    assert (await ask(element(TPTZ.GetConfiguration, named))).body[0].findtext(TT.UseCount) == "2"
    options = await ask(element(TPTZ.GetConfigurationOptions, [(TPTZ.ConfigurationToken, "video-1")]))
    assert options.body[0].findtext(f"{TT.PTZTimeout}/{TT.Max}") == "PT60S"
    profiles = (await ask(TRT.GetProfiles)).body
    assert [each.find(TT.PTZConfiguration) is not None for each in profiles] == [True, True, False]
    assert tokens((await mount.ask(TPTZ.GetCompatibleConfigurations)).body) == ["video-1"]
    assert tokens((await mount.ask(TPTZ.GetCompatibleConfigurations, profile="fixed")).body) == []


async def test_it_moves_until_the_timeout_or_a_stop_and_says_so(mount: Mount) -> None:
    right = {"PanTilt": {"x": "1", "y": "-0.5"}}
    await mount.order(TPTZ.ContinuousMove, TPTZ.Velocity, right, "PT1S")
    mount.clock.run(0.5)
    status = (await mount.ask(TPTZ.GetStatus)).body[0]
    assert status.findtext(f"{TT.MoveStatus}/{TT.PanTilt}") == "MOVING"
    mount.clock.run(9.0)
    assert mount.at == Vector(0.5, -0.25, 0.0)
    await mount.order(TPTZ.ContinuousMove, TPTZ.Velocity, {"Zoom": {"x": "1"}})
    mount.clock.run(1.0)
    await mount.ask(TPTZ.Stop, [(TPTZ.PanTilt, "true"), (TPTZ.Zoom, "true")])
    mount.clock.run(9.0)
    status = (await mount.ask(TPTZ.GetStatus)).body[0]
    assert status.findtext(f"{TT.MoveStatus}/{TT.Zoom}") == "IDLE"
    position = status.find(TT.Position)
    assert position is not None
    assert [dict(axis.items())["x"] for axis in position] == ["0.5", "0.5"]


async def test_it_goes_ways_and_to_positions_and_stays_within_its_ends(mount: Mount) -> None:
    place = {"PanTilt": {"x": "-0.6", "y": "0.2"}}
    await mount.order(TPTZ.AbsoluteMove, TPTZ.Position, place)
    mount.clock.run(9.0)
    await mount.order(TPTZ.AbsoluteMove, TPTZ.Position, {"Zoom": {"x": "0.75"}})
    mount.clock.run(9.0)
    assert mount.at == Vector(-0.6, 0.2, 0.75)
    way = {"PanTilt": {"x": "-1", "y": "0.1"}}
    await mount.order(TPTZ.RelativeMove, TPTZ.Translation, way)
    mount.clock.run(9.0)
    assert mount.at == Vector(-1.0, 0.3, 0.75)


async def test_presets_are_kept_recalled_and_forgotten(mount: Mount) -> None:
    way = {"PanTilt": {"x": "0.5", "y": "0"}}
    await mount.order(TPTZ.RelativeMove, TPTZ.Translation, way)
    assert (await mount.ask(TPTZ.SetPreset)).fault[-1] == "MovingPTZ"
    mount.clock.run(9.0)
    made = await mount.ask(TPTZ.SetPreset, [(TPTZ.PresetName, "Räcke")])
    token = made.body.findtext(TPTZ.PresetToken, "")
    await mount.ask(TPTZ.SetHomePosition)
    await mount.ask(TPTZ.GotoPreset, [(TPTZ.PresetToken, "1")])
    mount.clock.run(9.0)
    assert mount.at == Vector()
    for order in ((TPTZ.GotoPreset, [(TPTZ.PresetToken, token)]), (TPTZ.GotoHomePosition, [])):
        await mount.ask(*order)
        mount.clock.run(9.0)
        assert mount.at == Vector(0.5, 0.0, 0.0)
    listed = (await mount.ask(TPTZ.GetPresets)).body
    assert {each.get("token"): each.findtext(TT.Name) for each in listed}[token] == "Räcke"
    assert (await mount.ask(TPTZ.RemovePreset, [(TPTZ.PresetToken, token)])).status == 200
    assert (await mount.ask(TPTZ.GotoPreset, [(TPTZ.PresetToken, token)])).fault[-1] == "NoToken"
    for _ in range(MOST_PRESETS - 3):
        assert (await mount.ask(TPTZ.SetPreset, [(TPTZ.PresetName, "More")])).status == 200
    assert (await mount.ask(TPTZ.SetPreset, [(TPTZ.PresetName, "Too many")])).fault[-1] == "TooManyPresets"


@pytest.mark.parametrize(
    ("axes", "lasts", "fault"),
    [
        ({"PanTilt": {"x": "2", "y": "0"}}, "", "InvalidVelocity"),
        ({"PanTilt": {"x": "nan", "y": "0"}}, "", "InvalidVelocity"),
        ({"PanTilt": {"x": "0", "y": "0", "space": FOREIGN}}, "", "SpaceNotSupported"),
        ({"Zoom": {"x": "0.5"}}, "PT10M", "TimeoutNotSupported"),
    ],
)
async def test_what_cannot_be_done_is_refused_with_the_fault_of_the_specification(
    mount: Mount, axes: Axes, lasts: str, fault: str
) -> None:
    said = await mount.order(TPTZ.ContinuousMove, TPTZ.Velocity, axes, lasts)
    assert said.fault[-1] == fault
    assert mount.at == Vector()


async def test_what_is_not_there_is_refused(mount: Mount) -> None:
    assert (await mount.ask(TPTZ.Stop, profile="fixed")).fault[-1] == "NoPTZProfile"
    assert (await mount.ask(TPTZ.Stop, profile="gone")).fault[-1] == "NoProfile"
    node = element(TPTZ.GetNode, [(TPTZ.NodeToken, "video-2")])
    assert (await mount.device.ask(node)).fault[-1] == "NoEntity"
    low = await mount.order(TPTZ.AbsoluteMove, TPTZ.Position, {"Zoom": {"x": "-0.1"}})
    assert low.fault[-1] == "InvalidPosition"
    viewer = await mount.device.ask(element(TPTZ.Stop, [(TPTZ.ProfileToken, "main")]), "vera")
    assert viewer.status == 401
    assert mount.device.defects == []


#: Of a camera whose coordinates are its own: degrees, and a velocity that is faster to one side; it has no zoom.
ODD = """<r><PTZNode token="other"/><PTZNode token="n1"><SupportedPTZSpaces>
<AbsolutePanTiltPositionSpace><URI>urn:degrees</URI><XRange><Min>0</Min><Max>360</Max></XRange>
<YRange><Min>-90</Min><Max>30</Max></YRange></AbsolutePanTiltPositionSpace>
<ContinuousPanTiltVelocitySpace><URI>urn:fast</URI><XRange><Min>-8</Min><Max>4</Max></XRange>
<YRange><Min>rubbish</Min></YRange></ContinuousPanTiltVelocitySpace>
</SupportedPTZSpaces><MaximumNumberOfPresets>5</MaximumNumberOfPresets></PTZNode></r>"""
STATUS = """<r><PTZStatus><Position><PanTilt x="90" y="-45"/></Position></PTZStatus></r>"""


async def test_a_camera_is_spoken_to_in_its_own_spaces_and_standing_still_is_zero() -> None:
    asked: list[dict[str, str]] = []

    async def ask(operation: str, fill: Fill) -> Element:
        body = etree.Element("asked")
        fill(body)
        axes = body.iter(TT.PanTilt, TT.Zoom)
        asked.extend({str(name): str(value) for name, value in each.items()} for each in axes)
        return etree.fromstring({"GetNodes": ODD, "GetStatus": STATUS}.get(operation, "<r/>"))

    head = OnvifHead(ask, "192.0.2.9", Profile("p", "", "", "", 0, 0, 0, "", "", "n1"))
    can = await head.abilities()
    assert (can.pan_tilt, can.zoom, can.absolute, can.home, can.presets) == (True, False, True, False, 5)
    await head.move(Vector(pan=-0.5, tilt=1.0), 1.0)
    await head.move(Vector(), 1.0)
    await head.place(Vector(pan=0.5, tilt=-0.5))
    assert asked == [
        {"space": "urn:fast", "x": "-4.0", "y": "1.0"},
        {"space": "urn:fast", "x": "0.0", "y": "0.0"},
        {"space": "urn:degrees", "x": "270.0", "y": "-45.0"},
    ]
    assert (await head.stand()).at == Vector(-0.5, -0.5, 0.0)
    with pytest.raises(Lacks, match="has no RelativeTranslationSpace"):
        await head.step(Vector(pan=0.1))
