"""The web: pages, API and what other protocols mount.

    /api/...          JSON; what each route answers stands in docs/design/http.md
    /api/live         WebSocket: the recorder's state as it changes
    /metrics          for Prometheus
    /a/BUILD/...      the files of the pages (`static/`), for ever
    /NAME             what is in `static/site/`
    anything else     `static/index.html`: the page looks at its own URL

Other protocols hand in a mount (`endpoint.Mounts`), other parts of the web a WebSocket (`routes.Table.websocket`).
"""
