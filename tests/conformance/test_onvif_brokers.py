"""What an event broker is sent, as the ONVIF suite judges it: each thing that may be wrong is found."""

from __future__ import annotations

import pytest

from conformance.case import Failed
from conformance.onvif.broker import Publication
from conformance.onvif.cases.brokers import Config, judge

KNOWN = frozenset({"Device/HardwareFailure/FanFailure", "Rule/Told"})
PROPERTIES = frozenset({"Device/HardwareFailure/FanFailure"})
CONFIG = Config("mqtt://192.0.2.7:1883", "site/a", qos=1)
FAN = "site/a/onvif-ej/Device/HardwareFailure/FanFailure/&fan 1"
SAID = b'{"UtcTime":"2026-09-21T14:13:20Z","Source":{"Token":"fan 1"},"Data":{"Failed":true}}'


@pytest.mark.parametrize(
    "told",
    [
        Publication(FAN, SAID, 1, True),
        Publication(FAN, b"", 1, True),
        Publication(
            "site/a/onvif-ej/acme:Rule/Told", b'{"UtcTime":"2026-09-21T14:13:20Z","Source":{}}', 1, False
        ),
    ],
)
def test_what_is_right_is_taken(told: Publication) -> None:
    judge(told, CONFIG, PROPERTIES, KNOWN)


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (Publication(FAN.replace("site/a", "site/b"), SAID, 1, True), "does not begin with"),
        (Publication(FAN.replace("FanFailure", "Fan"), SAID, 1, True), "there is no topic"),
        (Publication(FAN, SAID, 0, True), "QoS 0"),
        (Publication(FAN, SAID, 1, False), "the retained flag"),
        (Publication(FAN.removesuffix("/&fan 1"), SAID, 1, True), "names 0 values"),
        (Publication(FAN, SAID.replace(b"UtcTime", b"Utc"), 1, True), "is not UtcTime, Source and Data"),
        (Publication(FAN, SAID.replace(b"20Z", b"20"), 1, True), "no time with a zone"),
        (Publication(FAN, b"[1]", 1, True), "is not UtcTime, Source and Data"),
        (Publication(FAN, b"{", 1, True), "is not UtcTime, Source and Data"),
        (Publication("site/a/onvif-ej/Rule/Told", b"", 1, False), "is not UtcTime, Source and Data"),
    ],
)
def test_what_is_wrong_is_found(told: Publication, why: str) -> None:
    with pytest.raises(Failed, match=why):
        judge(told, CONFIG, PROPERTIES, KNOWN)
