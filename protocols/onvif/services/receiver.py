"""The Receiver service (ONVIF Receiver s5)."""

# ruff: noqa: ARG002 - operations are called alike, whether they read or answer anything
from __future__ import annotations

from device.accounts.rights import NotAllowed
from device.errors import BadValue, HoldfastError, NotFound
from device.recordings.model import Receiver as Plan
from device.recordings.model import ReceiverMode
from device.recordings.recordings import RECEIVERS, CannotDelete, Full, Recordings
from device.recordings.uri import URI_LENGTH, shown
from protocols.onvif.faults import Kind, impossible, invalid
from protocols.onvif.names import TRV, TT
from protocols.onvif.operations import Access, Call, Legacy, Operation, Service
from protocols.onvif.xml import Element, find, member, need, sub

PATH = "/onvif/receiver_service"
_UNKNOWN = invalid("UnknownToken", "There is no such receiver")
_BAD_URI = invalid("BadStreamSetup", "The stream cannot be had so")
_MAX = impossible("MaxReceivers", "There are as many receivers as there may be")
_CANNOT_DELETE = impossible("CannotDeleteReceiver", "The receiver is in use")
_ROWS: tuple[tuple[type[HoldfastError], Kind], ...] = (
    (NotFound, _UNKNOWN),
    (Full, _MAX),
    (CannotDelete, _CANNOT_DELETE),
    (BadValue, _BAD_URI),
)
_STREAMS = {"RTP-Unicast": False, "RTP-Multicast": True}
_PROTOCOLS = ("UDP", "TCP", "RTSP", "HTTP")


class Receiver:
    """The service."""

    def __init__(self, recordings: Recordings) -> None:
        self._recordings = recordings

    async def get_receivers(self, call: Call, reply: Element) -> None:
        """s5.3."""
        for connection in await self._recordings.receivers() if call.rights.cameras is None else ():
            _write(sub(reply, TRV.Receivers), connection.receiver)

    async def get_receiver(self, call: Call, reply: Element) -> None:
        """s5.3."""
        _write(sub(reply, TRV.Receiver), self._recordings.receiver(self._token(call)))

    async def create(self, call: Call, reply: Element) -> None:
        """s5.3."""
        if call.rights.cameras is not None:
            raise NotAllowed("An account that is limited to cameras makes no receivers.")
        asked = _read("", find(call.body, TRV.Configuration))
        _write(sub(reply, TRV.Receiver), self._recordings.create_receiver(asked))

    async def delete(self, call: Call, reply: Element) -> None:
        """s5.3."""
        self._recordings.delete_receiver(self._token(call))

    async def configure(self, call: Call, reply: Element) -> None:
        """s5.3."""
        token = self._token(call)
        self._recordings.receiver(token)
        asked = _read(token, find(call.body, TRV.Configuration))
        self._recordings.configure_receiver(token, asked, call.account)

    async def set_mode(self, call: Call, reply: Element) -> None:
        """s5.3."""
        token = self._token(call)
        self._recordings.set_receiver_mode(token, member(ReceiverMode, call.body, TRV.Mode), call.account)

    async def get_state(self, call: Call, reply: Element) -> None:
        """s5.3."""
        connection = await self._recordings.connection(self._token(call))
        state = sub(reply, TRV.ReceiverState)
        sub(state, TT.State, connection.state)
        sub(state, TT.AutoCreated, connection.receiver.auto)

    def _token(self, call: Call) -> str:
        """Of the receiver that is asked for. Raises NotFound where the account is limited to cameras: a receiver is
        none."""
        token = need(call.body, TRV.ReceiverToken)
        if call.rights.cameras is not None:
            raise NotFound("receiver", token)
        return token

    def capabilities(self, element: Element) -> None:
        """s5.5."""
        element.set("RTP_Multicast", "false")
        element.set("RTP_TCP", "false")
        element.set("RTP_RTSP_TCP", "true")
        element.set("SupportedReceivers", str(RECEIVERS))
        element.set("MaximumRTSPURILength", str(URI_LENGTH))

    def legacy(self, element: Element) -> None:
        """tt:ReceiverCapabilities."""
        sub(element, TT.RTP_Multicast, False)
        sub(element, TT.RTP_TCP, False)
        sub(element, TT.RTP_RTSP_TCP, True)
        sub(element, TT.SupportedReceivers, RECEIVERS)
        sub(element, TT.MaximumRTSPURILength, URI_LENGTH)

    def service(self) -> Service:
        """The rows."""
        read, act = Access.READ_MEDIA, Access.ACTUATE
        return Service(
            TRV,
            PATH,
            (21, 12),
            "ReceiverPort",
            self.capabilities,
            (
                Operation("GetReceivers", read, self.get_receivers),
                Operation("GetReceiver", read, self.get_receiver, _ROWS),
                Operation("CreateReceiver", act, self.create, _ROWS),
                Operation("DeleteReceiver", act, self.delete, _ROWS),
                Operation("ConfigureReceiver", act, self.configure, _ROWS),
                Operation("SetReceiverMode", act, self.set_mode, _ROWS),
                Operation("GetReceiverState", read, self.get_state, _ROWS),
            ),
            Legacy("Receiver", extension=True, fill=self.legacy),
        )


def _write(element: Element, receiver: Plan) -> None:
    sub(element, TT.Token, receiver.token)
    configuration = sub(element, TT.Configuration)
    sub(configuration, TT.Mode, receiver.mode)
    sub(configuration, TT.MediaUri, shown(receiver))
    setup = sub(configuration, TT.StreamSetup)
    sub(setup, TT.Stream, "RTP-Multicast" if receiver.multicast else "RTP-Unicast")
    sub(sub(setup, TT.Transport), TT.Protocol, receiver.protocol)


def _read(token: str, element: Element) -> Plan:
    setup = find(element, TT.StreamSetup)
    stream = need(setup, TT.Stream)
    protocol = need(find(setup, TT.Transport), TT.Protocol)
    if stream not in _STREAMS:
        raise BadValue("Stream", f"one of {', '.join(_STREAMS)}")
    if protocol not in _PROTOCOLS:
        raise BadValue("Protocol", f"one of {', '.join(_PROTOCOLS)}")
    mode, uri = member(ReceiverMode, element, TT.Mode), need(element, TT.MediaUri)
    return Plan(token, mode, uri, _STREAMS[stream], protocol)
