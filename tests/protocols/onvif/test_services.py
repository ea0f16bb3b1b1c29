"""Device, Media and DeviceIO: every reply is judged by the official schemas (see rig.Device.post)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from device.accounts.role import Role
from device.accounts.store import Accounts
from device.settings.clock import ClockKeeper
from device.settings.network import NetworkKeeper
from device.vault import Vault
from protocols.onvif.names import ENV, PREFIXES, TDS, TMD, TRT, TT
from protocols.onvif.operations import LEAST, Service
from protocols.onvif.services.device import About
from protocols.onvif.services.device import Device as DeviceService
from protocols.onvif.services.deviceio import DeviceIo
from protocols.onvif.services.media import Audio, Media, Stream, Video
from protocols.onvif.xml import Element, sub
from tests.device.clock.simulated import SimulatedClock
from tests.protocols.onvif.machine import Setup, Timekeeper
from tests.protocols.onvif.rig import Device, element

FIXED = ("onvif://www.onvif.org/Profile/G", "onvif://www.onvif.org/name/Hall")
LOBBY = Video("H264", 1920, 1080, 25, 4000, 50, "High")
SMALL = Video("JPEG", 640, 360, 5, 900, 1, "High")
GATE = Video(None, 3840, 2160, 20, 8000, 40, "High")
STREAMS = (
    Stream("c-1", "c-1", "Lobby", "/live/c-1", LOBBY, Audio("AAC", 64, 48, 2)),
    Stream("c-1.sub", "c-1", "Lobby (sub)", "/live/c-1/sub", SMALL, None),
    Stream("c-2", "c-2", "Gate", "/live/c-2", GATE, Audio("G711", 64, 8, 1)),
    Stream("c-3", "c-3", "Yard", "/live/c-3", None, None),
)
SAME = "DiscoveryResolve DiscoveryBye RemoteDiscovery SystemBackup SystemLogging FirmwareUpgrade"


@dataclass
class Recorder:
    """`protocols.onvif.services.device.Recorder`."""

    added: tuple[str, ...] = ()
    found: bool = True
    restarts: int = 0
    resets: list[bool] = field(default_factory=list)

    def fixed_scopes(self) -> tuple[str, ...]:
        return FIXED

    def scopes(self) -> tuple[str, ...]:
        return self.added

    def set_scopes(self, scopes: tuple[str, ...], *, by: str) -> None:
        self.added = scopes

    def discoverable(self) -> bool:
        return self.found

    def set_discoverable(self, on: bool, *, by: str) -> None:
        self.found = on

    async def log(self) -> str:
        return "one\ntwo \x1b[31m<three>"

    def restart(self) -> str:
        self.restarts += 1
        return "soon"

    def reset(self, *, hard: bool, by: str) -> None:
        self.resets.append(hard)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def accounts(tmp_path: Path) -> AsyncIterator[Accounts]:
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    vault = Vault(b"k" * 32)
    made = Accounts(tmp_path / "accounts", vault, "HF", SimulatedClock(), lambda _: None, quick)
    await made.create_first("ada", "wonderful!")
    yield made
    made.close()


@pytest.fixture
def device(recorder: Recorder, accounts: Accounts) -> Device:
    about = About("Holdfast", "NVR", "0.1", "HF1", "box", "9d6b9c3e-0000-4000-8000-000000000000")
    everything: list[Service] = []
    everything += [
        DeviceService(
            about,
            recorder,
            Setup(NetworkKeeper.SYSTEM),
            Timekeeper(ClockKeeper.SYSTEM),
            accounts,
            everything,
        ).service(),
        Media(lambda: STREAMS, lambda: 8554, lambda: False).service(),
        DeviceIo(lambda: STREAMS).service(),
    ]
    return Device(everything)


#: Operations that ask for nothing but themselves.
ASK_NOTHING = """
tds GetDeviceInformation GetSystemDateAndTime GetEndpointReference GetScopes GetDiscoveryMode GetUsers GetHostname
tds GetDNS GetNTP GetNetworkInterfaces GetZeroConfiguration GetNetworkProtocols GetNetworkDefaultGateway
tds GetRelayOutputs GetWsdlUrl GetCapabilities GetServiceCapabilities SystemReboot
trt GetProfiles GetVideoSources GetAudioSources GetVideoSourceConfigurations GetVideoEncoderConfigurations
trt GetAudioSourceConfigurations GetAudioEncoderConfigurations GetMetadataConfigurations GetAudioOutputs
trt GetVideoAnalyticsConfigurations GetAudioOutputConfigurations GetAudioDecoderConfigurations
trt GetVideoSourceConfigurationOptions GetVideoEncoderConfigurationOptions GetAudioSourceConfigurationOptions
trt GetAudioEncoderConfigurationOptions GetServiceCapabilities
tmd GetVideoSources GetAudioSources GetVideoOutputs GetAudioOutputs GetRelayOutputs GetDigitalInputs GetSerialPorts
tmd GetServiceCapabilities
"""
PLAIN = [
    f"{{{PREFIXES[line.split()[0]]}}}{name}"
    for line in ASK_NOTHING.strip().splitlines()
    for name in line.split()[1:]
]


@pytest.mark.parametrize("name", PLAIN)
async def test_every_plain_operation_answers_by_the_schema(device: Device, name: str) -> None:
    said = await device.ask(name)
    assert (said.status, said.reason) == (200, "")
    assert said.body.tag == name + "Response"
    assert device.defects == []


async def test_every_operation_survives_an_empty_and_a_strange_request(device: Device) -> None:
    for row in device.responder.table:
        for children in ([], [(row.request, "?"), (TT.Token, "?"), (TDS.User, ""), (TRT.ProfileToken, "?")]):
            said = await device.ask(element(row.request, children))
            assert said.status in (200, 400, 500), row.request
    assert device.defects == []


async def test_every_operation_asks_for_its_class(device: Device) -> None:
    for row in device.responder.table:
        least = LEAST[row.operation.access]
        nobody = await device.ask(row.request, None)
        assert (nobody.status == 401) is (least is not None), row.request
        viewer = await device.ask(row.request, "vera")
        assert (viewer.status == 401) is (least in (Role.OPERATOR, Role.ADMINISTRATOR)), row.request


async def test_both_ways_to_ask_for_capabilities_agree(device: Device) -> None:
    """DEVICE-1-1-19, DEVICE-1-1-30."""
    services = await device.ask(element(TDS.GetServices, [(TDS.IncludeCapability, "1")]))
    shown = services.body.find(f".//{TDS.System}")
    old = (await device.ask(TDS.GetCapabilities)).body.find(f".//{TT.System}")
    assert shown is not None
    assert old is not None
    for name in SAME.split():
        assert shown.get(name) == old.findtext(TT.name(name))


# ------------------------------------------------------------------------------------------------ device


async def scopes(device: Device) -> list[tuple[str | None, str | None]]:
    told = await device.ask(TDS.GetScopes)
    return [(each.findtext(TT.ScopeDef), each.findtext(TT.ScopeItem)) for each in told.body]


async def test_scopes(device: Device, recorder: Recorder) -> None:
    """DISCOVERY-1-1-11."""
    fixed = [("Fixed", each) for each in FIXED]
    one, two = "onvif://www.onvif.org/hall/3", "urn:other:x"
    await device.ask(element(TDS.AddScopes, [(TDS.ScopeItem, one), (TDS.ScopeItem, one)]))
    assert await scopes(device) == [*fixed, ("Configurable", one)]
    await device.ask(element(TDS.SetScopes, [(TDS.Scopes, two), (TDS.Scopes, FIXED[0])]))
    assert await scopes(device) == [*fixed, ("Configurable", two)]
    no = await device.ask(element(TDS.RemoveScopes, [(TDS.ScopeItem, two), (TDS.ScopeItem, FIXED[0])]))
    assert no.fault == ("Sender", "OperationProhibited", "FixedScope")
    none = await device.ask(element(TDS.RemoveScopes, [(TDS.ScopeItem, one)]))
    assert none.fault == ("Sender", "InvalidArgVal", "NoScope")
    gone = await device.ask(element(TDS.RemoveScopes, [(TDS.ScopeItem, two)]))
    assert gone.body.findtext(TDS.ScopeItem) == two
    many = await device.ask(element(TDS.SetScopes, [(TDS.Scopes, f"urn:x:{n}") for n in range(33)]))
    assert many.fault == ("Receiver", "Action", "TooManyScopes")
    bad = await device.ask(element(TDS.SetScopes, [(TDS.Scopes, "two words")]))
    assert bad.fault == ("Sender", "InvalidArgVal")
    assert recorder.added == ()


async def test_discovery_can_be_switched_off(device: Device, recorder: Recorder) -> None:
    await device.ask(element(TDS.SetDiscoveryMode, [(TDS.DiscoveryMode, "NonDiscoverable")]))
    assert not recorder.found
    assert (await device.ask(TDS.GetDiscoveryMode)).body[0].text == "NonDiscoverable"


async def test_the_log_is_text_whatever_stands_in_it(device: Device) -> None:
    told = await device.ask(element(TDS.GetSystemLog, [(TDS.LogType, "System")]))
    assert told.body.findtext(f".//{TT.String}") == "one\ntwo \ufffd[31m<three>"
    access = await device.ask(element(TDS.GetSystemLog, [(TDS.LogType, "Access")]))
    assert access.fault[-1] == "AccesslogUnavailable"


async def test_restart_and_factory_default(device: Device, recorder: Recorder) -> None:
    await device.ask(TDS.SystemReboot)
    await device.ask(element(TDS.SetSystemFactoryDefault, [(TDS.FactoryDefault, "Soft")]))
    await device.ask(element(TDS.SetSystemFactoryDefault, [(TDS.FactoryDefault, "Hard")]))
    wrong = await device.ask(element(TDS.SetSystemFactoryDefault, [(TDS.FactoryDefault, "Warm")]))
    assert wrong.fault == ("Sender", "InvalidArgVal")
    assert (recorder.restarts, recorder.resets) == (1, [False, True])


# ------------------------------------------------------------------------------------------------- users


def users(operation: str, *wanted: tuple[str, str | None, str]) -> Element:
    asked = element(TDS.name(operation))
    for name, password, level in wanted:
        user = sub(asked, TDS.User)
        sub(user, TT.Username, name)
        if password is not None:
            sub(user, TT.Password, password)
        sub(user, TT.UserLevel, level)
    return asked


def known(accounts: Accounts) -> dict[str, Role]:
    return {account.name: account.role for account in accounts.list()}


async def test_users_are_the_recorders_accounts(device: Device, accounts: Accounts) -> None:
    """DEVICE-4-1-1, 4-1-4, 4-1-7, 4-1-9."""
    said = await device.ask(
        users("CreateUsers", ("otto", "watching", "Operator"), ("vera", "looking", "User"))
    )
    assert said.status == 200
    assert known(accounts) == {"ada": Role.ADMINISTRATOR, "otto": Role.OPERATOR, "vera": Role.VIEWER}
    told = await device.ask(TDS.GetUsers)
    assert [(u.findtext(TT.Username), u.findtext(TT.UserLevel)) for u in told.body] == [
        ("ada", "Administrator"),
        ("otto", "Operator"),
        ("vera", "User"),
    ]
    assert told.body.find(f".//{TT.Password}") is None
    await device.ask(users("SetUser", ("vera", "seeing", "Operator")))
    assert known(accounts)["vera"] is Role.OPERATOR
    assert (await accounts.verify("vera", "seeing", peer="", protocol="")).name == "vera"
    await device.ask(element(TDS.DeleteUsers, [(TDS.Username, "vera"), (TDS.Username, "otto")]))
    assert known(accounts) == {"ada": Role.ADMINISTRATOR}


@pytest.mark.parametrize(
    ("asked", "fault"),
    [
        (users("CreateUsers", ("new", "p", "User"), ("ada", "p", "User")), "UsernameClash"),
        (users("CreateUsers", ("new", "p", "User"), ("NEW", "p", "User")), "UsernameClash"),
        (users("CreateUsers", ("new", "p", "User"), ("x" * 65, "p", "User")), "UsernameTooLong"),
        (users("CreateUsers", ("new", "p", "User"), ("", "p", "User")), "UsernameTooShort"),
        (users("CreateUsers", ("new", "p", "User"), ("a:b", "p", "User")), "InvalidArgVal"),
        (users("CreateUsers", ("new", "p", "User"), ("two", "p" * 65, "User")), "PasswordTooLong"),
        (users("CreateUsers", ("new", "p", "User"), ("two", None, "User")), "Password"),
        (users("CreateUsers", ("new", "p", "User"), ("two", "\u00fc", "User")), "Password"),
        (users("CreateUsers", ("new", "p", "User"), ("two", "p", "Anonymous")), "AnonymousNotAllowed"),
        (users("CreateUsers", ("new", "p", "User"), ("two", "p", "King")), "InvalidArgVal"),
        (users("CreateUsers", *((f"u{n}", "p", "User") for n in range(100))), "TooManyUsers"),
        (users("CreateUsers"), "InvalidArgVal"),
        (users("SetUser", ("ada", "p", "Administrator"), ("nobody", "p", "User")), "UsernameMissing"),
        (users("SetUser", ("ada", None, "User")), "FixedUser"),
        (element(TDS.DeleteUsers, [(TDS.Username, "ada")]), "FixedUser"),
        (element(TDS.DeleteUsers, [(TDS.Username, "ada"), (TDS.Username, "nobody")]), "UsernameMissing"),
    ],
)
async def test_a_request_about_users_is_done_whole_or_not_at_all(
    device: Device, accounts: Accounts, asked: Element, fault: str
) -> None:
    """DEVICE-4-1-3, 4-1-5, 4-1-6, 4-1-8."""
    said = await device.ask(asked)
    assert said.fault[-1] == fault
    assert known(accounts) == {"ada": Role.ADMINISTRATOR}
    assert (await accounts.verify("ada", "wonderful!", peer="", protocol="")).name == "ada"


# ------------------------------------------------------------------------------------------------- media


async def test_there_is_a_profile_for_each_stream(device: Device) -> None:
    told = await device.ask(TRT.GetProfiles)
    assert [each.get("token") for each in told.body] == [each.token for each in STREAMS]
    assert all(each.get("fixed") == "true" for each in told.body)
    lobby, sub_stream, gate, yard = told.body
    encoder = lobby.find(TT.VideoEncoderConfiguration)
    assert encoder is not None
    assert encoder.findtext(TT.Encoding) == "H264"
    assert encoder.findtext(f"{TT.Resolution}/{TT.Width}") == "1920"
    assert encoder.findtext(f"{TT.H264}/{TT.GovLength}") == "50"
    source = lobby.find(TT.VideoSourceConfiguration)
    assert source is not None
    assert (source.get("token"), source.findtext(TT.UseCount)) == ("c-1", "2")
    assert sub_stream.findtext(f"{TT.VideoEncoderConfiguration}/{TT.Encoding}") == "JPEG"
    assert gate.find(TT.VideoEncoderConfiguration) is None, "H.265 has no word in Media 1"
    assert yard.find(TT.VideoEncoderConfiguration) is None, "nothing comes"
    one = await device.ask(element(TRT.GetProfile, [(TRT.ProfileToken, "c-1.sub")]))
    assert one.body[0].get("token") == "c-1.sub"
    none = await device.ask(element(TRT.GetProfile, [(TRT.ProfileToken, "c-9")]))
    assert none.fault == ("Sender", "InvalidArgVal", "NoProfile")
    more = await device.ask(element(TRT.CreateProfile, [(TRT.Name, "SynoProfile")]))
    assert more.fault == ("Receiver", "Action", "MaxNVTProfiles")


def stream_uri(kind: str, protocol: str, profile: str = "c-1.sub") -> Element:
    asked = element(TRT.GetStreamUri)
    setup = sub(asked, TRT.StreamSetup)
    sub(setup, TT.Stream, kind)
    sub(sub(setup, TT.Transport), TT.Protocol, protocol)
    sub(asked, TRT.ProfileToken, profile)
    return asked


@pytest.mark.parametrize(
    ("kind", "protocol", "uri"),
    [
        ("RTP-Unicast", "UDP", "rtsp://192.0.2.7:8554/live/c-1/sub"),
        ("RTP-Unicast", "RTSP", "rtsp://192.0.2.7:8554/live/c-1/sub"),
        ("RTP-Unicast", "HTTP", "http://192.0.2.7:8554/live/c-1/sub"),
    ],
)
async def test_a_profile_leads_to_its_stream(device: Device, kind: str, protocol: str, uri: str) -> None:
    assert (await device.ask(stream_uri(kind, protocol))).body.findtext(f".//{TT.Uri}") == uri


@pytest.mark.parametrize(
    ("asked", "fault"),
    [
        (stream_uri("RTP-Multicast", "UDP"), "InvalidStreamSetup"),
        (stream_uri("RTP-Unicast", "TCP"), "InvalidStreamSetup"),
        (stream_uri("RTP-Unicast", "PIGEON"), "InvalidArgVal"),
        (stream_uri("RTP-Unicast", "RTSP", "c-9"), "NoProfile"),
        (element(TRT.GetStreamUri), "InvalidArgVal"),
        (element(TRT.GetSnapshotUri, [(TRT.ProfileToken, "c-1")]), "ActionNotSupported"),
        (element(TRT.DeleteProfile, [(TRT.ProfileToken, "c-1")]), "DeletionOfFixedProfile"),
        (element(TRT.GetVideoEncoderConfiguration, [(TRT.ConfigurationToken, "c-2")]), "NoConfig"),
    ],
)
async def test_what_there_is_no_stream_for(device: Device, asked: Element, fault: str) -> None:
    assert (await device.ask(asked)).fault[-1] == fault


@pytest.mark.parametrize("part", ["VideoSource", "VideoEncoder", "AudioSource", "AudioEncoder"])
async def test_a_configuration_is_the_same_wherever_it_is_asked(device: Device, part: str) -> None:
    everything = await device.ask(TRT.name(f"Get{part}Configurations"))
    assert len(everything.body)
    for shown in everything.body:
        token = shown.get("token") or ""
        asked = [(TRT.ConfigurationToken, token)]
        alone = await device.ask(element(TRT.name(f"Get{part}Configuration"), asked))
        assert [each.text for each in alone.body[0].iter()] == [each.text for each in shown.iter()]
        for more in (asked, [(TRT.ProfileToken, "c-1")]):
            options = await device.ask(element(TRT.name(f"Get{part}ConfigurationOptions"), more))
            assert options.status == 200
    compatible = await device.ask(
        element(TRT.name(f"GetCompatible{part}Configurations"), [(TRT.ProfileToken, "c-1")])
    )
    assert [each.get("token") for each in compatible.body] == ["c-1"]


async def test_cameras_are_the_inputs(device: Device) -> None:
    video = await device.ask(TMD.GetVideoSources)
    assert [each.text for each in video.body] == ["c-1", "c-2", "c-3"]
    audio = await device.ask(TMD.GetAudioSources)
    assert [each.text for each in audio.body] == ["c-1", "c-2"]
    assert (await device.ask(TRT.GetVideoSources)).root.find(ENV.Body) is not None
