"""What goes wrong between us and a broker."""

from __future__ import annotations

from device.errors import PeerFault


class BrokerAway(PeerFault):
    """There is no connection to the broker, or it says nothing."""


class BrokerRefuses(PeerFault):
    """The broker does not take a publication, whenever it comes."""

    transient = False
    hint = "Look at the broker's access list: the recorder must be let write to its topics."
