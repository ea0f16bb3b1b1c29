"""A camera's own recordings, found by Recording Search and opened by Replay Control (ONVIF Profile G). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from device.cameras.control import Profile
from protocols.onvif.client.lenient import children, find, text
from protocols.onvif.names import TRP, TSE, TT
from protocols.onvif.xml import Element, sub

KEEP = 10  #: seconds that a search waits for us
WAIT = 5  #: seconds that the camera may take for a page
PAGES = 10  #: that are asked for
PAGE = 32  #: recordings on one
SHOWS = ("Completed", "Complete")  #: of a search that is over, as cameras write it


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recording of a camera."""

    token: str
    source: str  #: SourceId: a video source, a profile, or a text of the camera's own
    name: str
    video: bool  #: a track of it is video


def ask_recordings(asked: Element) -> None:
    """Body of FindRecordings (Recording Search s5.7): all of them; a camera has few."""
    sub(asked, TSE.Scope)
    sub(asked, TSE.KeepAliveTime, f"PT{KEEP}S")


def ask_page(asked: Element, search: str) -> None:
    """Body of GetRecordingSearchResults (s5.8)."""
    sub(asked, TSE.SearchToken, search)
    sub(asked, TSE.MaxResults, PAGE)
    sub(asked, TSE.WaitTime, f"PT{WAIT}S")


def ask_address(asked: Element, recording: str) -> None:
    """Body of GetReplayUri (Replay Control s5.1)."""
    wanted = sub(asked, TRP.StreamSetup)
    sub(wanted, TT.Stream, "RTP-Unicast")
    sub(sub(wanted, TT.Transport), TT.Protocol, "RTSP")
    sub(asked, TRP.RecordingToken, recording)


def search_of(reply: Element) -> str:
    """Token of the search that was begun; empty: none was."""
    return text(reply, "SearchToken")


def page(reply: Element) -> tuple[list[Recorded], bool]:
    """What a page holds, and whether it is the last one."""
    told = find(reply, "ResultList")
    found = [
        Recorded(
            text(each, "RecordingToken"),
            text(each, "Source", "SourceId"),
            text(each, "Source", "Name"),
            any(text(track, "TrackType").lower() == "video" for track in children(each, "Track")),
        )
        for each in children(told, "RecordingInformation")
    ]
    return [each for each in found if each.token], text(told, "SearchState") in SHOWS


def recording_of(profile: Profile, found: Sequence[Recorded]) -> Recorded | None:
    """Which recording shows what a profile does: it is named after the profile, or its source is the profile's. Where
    several have that source, none is told from the others by its name, and the first will do. A camera with only one
    recording has recorded nothing else."""
    seen = [each for each in found if each.video] or list(found)
    for fits in (
        lambda each: profile.token in (each.token, each.source),
        lambda each: bool(profile.source) and each.source == profile.source,
    ):
        for each in seen:
            if fits(each):
                return each
    return seen[0] if len(seen) == 1 else None
