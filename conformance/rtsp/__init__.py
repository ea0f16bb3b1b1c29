"""Black-box cases for RTSP servers (RFC 2326), for any vendor's camera, recorder or media server."""

from conformance.rtsp import cases
from conformance.rtsp.suite import SUITE

__all__ = ["SUITE", "cases"]
