"""Black-box cases for syslog senders: the suite listens, and judges what a device sends."""

from conformance.syslog import cases
from conformance.syslog.suite import SUITE

__all__ = ["SUITE", "cases"]
