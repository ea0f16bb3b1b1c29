"""The official schemas as a judge of replies: those of the conformance suite, without its network."""

from __future__ import annotations

from lxml import etree

from conformance.onvif.schema import complaint
from protocols.onvif.names import ENV


def judge(reply: bytes) -> None:
    """Raises AssertionError with what the schemas say of a reply. Every element of ours must be one of theirs."""
    root = etree.fromstring(reply)
    against = complaint(root)
    assert against is None, f"{against}\n{etree.tostring(root).decode()[:4000]}"
    body = root.find(ENV.Body)
    assert body is not None
    assert len(body) == 1
