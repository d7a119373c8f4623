"""The server's own figures, in Prometheus' text format at `/metrics`.

Figures about people and decisions live in `handoff`; these are about the machine.
"""

from __future__ import annotations

from aiohttp import web
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

LATENCY_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.35, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0)


class Metrics:
    """One registry a server, so that two servers in one process do not mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.calls = Counter(
            "voice_hitl_calls", "Ended calls by outcome", ["outcome"], registry=self.registry
        )
        self.live = Gauge("voice_hitl_live_calls", "Calls on the line", registry=self.registry)
        self.handoffs = Counter(
            "voice_hitl_handoffs",
            "Requests for a person by first reason",
            ["reason"],
            registry=self.registry,
        )
        self.stages = Histogram(
            "voice_hitl_stage_seconds",
            "Latency by stage",
            ["stage"],
            buckets=LATENCY_BUCKETS,
            registry=self.registry,
        )

    def ended(self, outcome: str) -> None:
        """A call is over."""
        self.calls.labels(outcome).inc()

    async def handle(self, _request: web.Request) -> web.Response:
        """`GET /metrics`."""
        return web.Response(
            body=generate_latest(self.registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )
