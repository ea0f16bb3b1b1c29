"""All settings of the recorder.

Apart from the package, so that a process which needs a few does not make the others too: that takes its time, and a
recording plane that was killed has none to lose.
"""

from __future__ import annotations

from device.settings.archive import Archive
from device.settings.cameras import Camera
from device.settings.chassis import Chassis
from device.settings.clock import DateAndTime
from device.settings.event_brokers import EventBroker
from device.settings.mqtt import Mqtt
from device.settings.network import Network
from device.settings.onvif import Onvif
from device.settings.openid import ClientCredentials, OpenId
from device.settings.ports import Poe, Port
from device.settings.raid import Raid
from device.settings.recipients import Recipient
from device.settings.recorder import Recorder
from device.settings.recording import Recording
from device.settings.rtsp import Rtsp
from device.settings.rules import Rule, Schedule
from device.settings.section import Section
from device.settings.shares import NetworkStorage
from device.settings.snmp import Snmp
from device.settings.storages import Storage
from device.settings.syslog import Syslog
from device.settings.tls import Tls
from device.settings.virtual_hosts import VirtualHost
from device.settings.web import Web

#: Every section, in the order in which they are shown.
SECTIONS: tuple[type[Section], ...] = (
    Recorder,
    Network,
    DateAndTime,
    Recording,
    Camera,
    Storage,
    NetworkStorage,
    Raid,
    Poe,
    Port,
    Chassis,
    Web,
    Tls,
    OpenId,
    ClientCredentials,
    VirtualHost,
    Rtsp,
    Snmp,
    Syslog,
    Onvif,
    Recipient,
    Archive,
    Mqtt,
    EventBroker,
    Rule,
    Schedule,
)
