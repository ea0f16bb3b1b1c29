"""Black-box cases for recorders of ONVIF Profile G, of any vendor, by the ids of the official device tests."""

from conformance.onvif import cases
from conformance.onvif.suite import SUITE

__all__ = ["SUITE", "cases"]
