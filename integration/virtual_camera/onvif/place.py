"""Where a camera's ONVIF answers. Apart from the rest: a port is taken long before there is somebody who answers."""

from __future__ import annotations

import socket

PATH = "/onvif/device_service"
BACKLOG = 64


def reserve(host: str, port: int = 0) -> socket.socket:
    """A socket that listens; whoever connects waits until somebody answers. Raises OSError."""
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


def url_of(sock: socket.socket) -> str:
    """Of the device service behind a socket."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}{PATH}" if ":" in host else f"http://{host}:{port}{PATH}"
