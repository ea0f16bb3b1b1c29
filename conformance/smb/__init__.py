"""Black-box cases for what a recorder leaves on a share: the suite logs in as anybody with an account does."""

from conformance.smb import cases
from conformance.smb.suite import SUITE

__all__ = ["SUITE", "cases"]
