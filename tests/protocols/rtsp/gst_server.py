"""An RTSP server of GStreamer's, run by the system's python3: `gst_server.py '{"mounts": {...}, "user": ...,
...}'`.

Prints one line of JSON with its port, and serves until its standard input ends.
"""

import json
import sys
import threading

import gi  # type: ignore[import-not-found]  # of the system's python3

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
gi.require_version("GstRtsp", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # type: ignore[import-not-found]  # noqa: E402 - after the versions


def main() -> None:
    wanted = json.loads(sys.argv[1])
    Gst.init(None)
    loop = GLib.MainLoop()
    server = GstRtspServer.RTSPServer()
    server.set_address(wanted.get("address", "127.0.0.1"))
    server.set_service(str(wanted.get("port", 0)))
    if wanted.get("user"):
        auth = GstRtspServer.RTSPAuth()
        auth.set_supported_methods(
            GstRtsp.RTSPAuthMethod.DIGEST if wanted["auth"] == "digest" else GstRtsp.RTSPAuthMethod.BASIC
        )
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "user")
        if wanted["auth"] == "digest":
            auth.add_digest(wanted["user"], wanted["password"], token)
        else:
            auth.add_basic(GstRtspServer.RTSPAuth.make_basic(wanted["user"], wanted["password"]), token)
        server.set_auth(auth)
    for path, launch in wanted["mounts"].items():
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(launch)
        factory.set_shared(wanted.get("shared", False))
        if wanted.get("user"):
            permissions = GstRtspServer.RTSPPermissions()
            for permission in ("media.factory.access", "media.factory.construct"):
                permissions.add_permission_for_role("user", permission, True)
            factory.set_permissions(permissions)
        if wanted.get("protocols") == "tcp":
            factory.set_protocols(GstRtsp.RTSPLowerTrans.TCP)
        server.get_mount_points().add_factory(path, factory)
    server.attach(None)
    # As GStreamer's examples do it: without this, sessions that nobody keeps alive stay for ever.
    GLib.timeout_add_seconds(2, lambda: (server.get_session_pool().cleanup(), True)[1])

    def watch() -> None:
        sys.stdin.read()
        loop.quit()

    threading.Thread(target=watch, daemon=True).start()
    print(json.dumps({"port": server.get_bound_port()}), flush=True)
    loop.run()


main()
