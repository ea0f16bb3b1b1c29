"""XML as JSON, by the example of the specification (ONVIF Core, JSON Event Payload) and by its rules."""

from __future__ import annotations

import pytest
from lxml import etree

from protocols.onvif.elementjson import Json, element_json

TT = 'xmlns:tt="http://www.onvif.org/ver10/schema"'
POINT = '<tt:Point x="0.10" y="0.50"/>'


@pytest.mark.parametrize(
    ("xml", "told"),
    [
        (
            f'<tt:Polyline {TT}>{POINT}<tt:Point x="1.0" y="0.50"/></tt:Polyline>',
            {"Polyline": {"Point": [{"@x": "0.10", "@y": "0.50"}, {"@x": "1.0", "@y": "0.50"}]}},
        ),
        (f"<tt:A {TT}>{POINT * 3}</tt:A>", {"A": {"Point": [{"@x": "0.10", "@y": "0.50"}] * 3}}),
        (f"<tt:A {TT}> text </tt:A>", {"A": "text"}),
        (f'<tt:A {TT} n="1">text</tt:A>', {"A": {"@n": "1", "#text": "text"}}),
        (f"<tt:A {TT}/>", {"A": None}),
        (f"<tt:A {TT}><tt:B/><tt:B/></tt:A>", {"A": {"B": [None, None]}}),
        ('<hf:A xmlns:hf="urn:holdfast:topics"><B/></hf:A>', {"hf:A": {"B": None}}),
    ],
)
def test_an_element_is_told_as_the_specification_says(xml: str, told: dict[str, Json]) -> None:
    assert element_json(etree.fromstring(xml)) == told
