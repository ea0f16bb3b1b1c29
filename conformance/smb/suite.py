"""The suite of archives on a share, before its cases."""

from __future__ import annotations

from conformance.smb.archive import Session, arguments, contact
from conformance.suite import Suite

SUITE: Suite[Session] = Suite(
    "smb",
    "archives of recordings on a share (SMB 2.1 to 3.1.1; ISO/IEC 14496-12)",
    {
        "target": "Whose folder it is",
        "name": "Names, and what they promise",
        "file": "Segments: whole, and what they say they are",
        "part": "What is being written",
    },
    arguments,
    contact,
)
case = SUITE.case
