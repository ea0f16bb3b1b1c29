"""Metrics. Made from the recorder's table of routes; not to be changed by hand."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from aiohttp import ClientResponse

from holdfast_client.connection import Connection


class MetricsPart:
    """Metrics."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def metrics(self) -> AbstractAsyncContextManager[ClientResponse]:
        """All metrics, in the text format of Prometheus. A token with the scope `metrics` is what a scraper
        needs."""
        return self._connection.open("GET", "/metrics")
