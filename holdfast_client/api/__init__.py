"""All parts of the API, made from the recorder's table of routes."""

from __future__ import annotations

from holdfast_client.api.about import AboutPart
from holdfast_client.api.access import AccessPart
from holdfast_client.api.accounts import AccountsPart
from holdfast_client.api.automation import AutomationPart
from holdfast_client.api.cameras import CamerasPart
from holdfast_client.api.certificates import CertificatesPart
from holdfast_client.api.events import EventsPart
from holdfast_client.api.exports import ExportsPart
from holdfast_client.api.hardware import HardwarePart
from holdfast_client.api.logs import LogsPart
from holdfast_client.api.machine import MachinePart
from holdfast_client.api.metrics import MetricsPart
from holdfast_client.api.ptz import PtzPart
from holdfast_client.api.recordings import RecordingsPart
from holdfast_client.api.settings import SettingsPart
from holdfast_client.api.stretches import StretchesPart
from holdfast_client.api.system import SystemPart
from holdfast_client.api.video import VideoPart
from holdfast_client.connection import Connection


class Parts:
    """A part for each subject."""

    def __init__(self, connection: Connection) -> None:
        self.access = AccessPart(connection)
        self.accounts = AccountsPart(connection)
        self.settings = SettingsPart(connection)
        self.cameras = CamerasPart(connection)
        self.ptz = PtzPart(connection)
        self.recordings = RecordingsPart(connection)
        self.stretches = StretchesPart(connection)
        self.exports = ExportsPart(connection)
        self.events = EventsPart(connection)
        self.automation = AutomationPart(connection)
        self.logs = LogsPart(connection)
        self.hardware = HardwarePart(connection)
        self.machine = MachinePart(connection)
        self.certificates = CertificatesPart(connection)
        self.system = SystemPart(connection)
        self.about = AboutPart(connection)
        self.video = VideoPart(connection)
        self.metrics = MetricsPart(connection)
