"""The outbox, as the control plane answers for it."""

from __future__ import annotations

from device.outbox.messages import AskOutbox, BoxShown, OutboxShown
from device.outbox.outbox import Box, Outbox
from device.planes.link import Server


def serve_outbox(server: Server, outbox: Outbox) -> None:
    """Let `server` answer for what waits to leave."""

    async def ask(request: AskOutbox) -> OutboxShown:
        del request
        fault = "" if outbox.fault is None else str(outbox.fault)
        return OutboxShown(tuple(map(_shown, outbox.boxes())), fault)

    server.on(AskOutbox, ask)


def _shown(box: Box) -> BoxShown:
    oldest = next((letter.utc for letter in box.take(1)), None)
    return BoxShown(box.name, box.waiting, box.octets, oldest, box.sent, box.dropped, box.fault)
