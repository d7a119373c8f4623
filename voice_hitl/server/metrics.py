"""The server's own figures, in Prometheus' text format at `/metrics`.

Figures about people and decisions are counted in `handoff`; they are shown here once a minute.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import fields
from hmac import compare_digest

from aiohttp import web
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from handoff.ladder import LadderStats
from voice_hitl.server.peers import is_local

LATENCY_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.35, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0)


class _Ladder(Collector):
    """Reads the ladder's own figures when it is asked for them."""

    def __init__(self, stats: LadderStats) -> None:
        self._stats = stats

    def collect(self) -> Iterable[Metric]:
        """One counter, by rung and outcome."""
        turns = CounterMetricFamily(
            "voice_hitl_ladder_turns",
            "Turns that an agent of the ladder was asked about, by how that ended",
            labels=["rung", "outcome"],
        )
        for rung, figures in self._stats.rungs().items():
            for field in fields(figures):
                turns.add_metric([rung, field.name], getattr(figures, field.name))
        yield turns


class Metrics:
    """One registry a server, so that two servers in one process do not mix."""

    def __init__(self, token: str | None = None) -> None:
        """`token`: who shows it is given the figures on people and decisions, too, from anywhere."""
        self._token = token
        self.registry = CollectorRegistry()
        self.people = CollectorRegistry()
        """What judges people and decisions: for this machine and for the token alone."""
        self.calls = Counter(
            "voice_hitl_calls", "Ended calls by outcome", ["outcome"], registry=self.registry
        )
        self.live = Gauge("voice_hitl_live_calls", "Calls on the line", registry=self.registry)
        self.long_run_wait = Gauge(
            "voice_hitl_long_run_wait_seconds",
            "Mean wait for a person if traffic and staffing stay as now (Erlang A)",
            registry=self.registry,
        )
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
        self.warnings = Counter(
            "voice_hitl_warnings", "Warnings raised", ["code"], registry=self.people
        )
        self._figures = Gauge(
            "voice_hitl_figure",
            "Figures of the whole system over the policy's window; absent while there is too little",
            ["name"],
            registry=self.people,
        )
        self._counts = Gauge(
            "voice_hitl_figure_observations",
            "What a figure rests on",
            ["name"],
            registry=self.people,
        )

    def figure(self, name: str, value: float | None, n: int) -> None:
        """A figure of the whole system rests on `n` observations; None: there is none to tell."""
        self._counts.labels(name).set(n)
        if value is not None:
            self._figures.labels(name).set(value)
        else:
            with suppress(KeyError):  # it was told before
                self._figures.remove(name)

    def watch_ladder(self, stats: LadderStats) -> None:
        """Show how the agents of a ladder do."""
        self.registry.register(_Ladder(stats))

    def ended(self, outcome: str) -> None:
        """A call is over."""
        self.calls.labels(outcome).inc()

    async def handle(self, request: web.Request) -> web.Response:
        """`GET /metrics`."""
        body = generate_latest(self.registry)
        if is_local(request) or self._has_token(request):
            body += generate_latest(self.people)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    def _has_token(self, request: web.Request) -> bool:
        shown = request.headers.get("Authorization", "").encode()
        return self._token is not None and compare_digest(shown, f"Bearer {self._token}".encode())
