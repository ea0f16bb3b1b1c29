"""Which of a camera's recordings shows what a profile does."""

from __future__ import annotations

import pytest

from device.cameras.control import Profile
from protocols.onvif.client.card import Recorded, page, recording_of
from protocols.onvif.client.lenient import document

PROFILE = Profile("main", "Main", "source-1", "H264", 640, 360, 25.0, "rtsp://camera/main", "")


def recorded(token: str, source: str, *, video: bool = True) -> Recorded:
    return Recorded(token, source, "", video)


@pytest.mark.parametrize(
    ("found", "chosen"),
    [
        ([], None),
        ([recorded("r1", "something")], "r1"),
        ([recorded("r1", "a"), recorded("r2", "b")], None),
        ([recorded("r1", "a"), recorded("r2", "source-1")], "r2"),
        ([recorded("r1", "source-1"), recorded("r2", "main")], "r2"),
        ([recorded("r1", "source-1"), recorded("main", "source-1")], "main"),
        ([recorded("r1", "source-1", video=False), recorded("r2", "source-1")], "r2"),
        ([recorded("r1", "", video=False)], "r1"),
    ],
)
def test_it_is_known_by_its_name_or_its_source_or_by_being_the_only_one(
    found: list[Recorded], chosen: str | None
) -> None:
    told = recording_of(PROFILE, found)
    assert (told.token if told else None) == chosen


def test_a_page_is_read_whatever_its_prefixes_are() -> None:
    reply = document(
        b"""<GetRecordingSearchResultsResponse><ResultList><x:SearchState>Completed</x:SearchState>
        <RecordingInformation><RecordingToken>r1</RecordingToken><Source><SourceId>source-1</SourceId>
        <Name>Door</Name></Source><Track><TrackToken>V1</TrackToken><TrackType>Video</TrackType></Track>
        </RecordingInformation><RecordingInformation/></ResultList></GetRecordingSearchResultsResponse>"""
    )
    assert page(reply) == ([Recorded("r1", "source-1", "Door", True)], True)
    assert page(document(b"<empty/>")) == ([], False)
