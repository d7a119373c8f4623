from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from handoff.ladder import AskRung, LadderStats, LateAnswer
from voice_hitl.server.metrics import Metrics

Client = TestClient[web.Request, web.Application]
Figures = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def client(metrics: Metrics) -> AsyncIterator[Client]:
    app = web.Application()
    app.router.add_get("/metrics", metrics.handle)
    async with TestClient(TestServer(app)) as client:
        yield client


async def figures(client: Client) -> Figures:
    answer = await client.get("/metrics")
    assert answer.status == 200
    assert answer.content_type == "text/plain"
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(await answer.text())
        for sample in family.samples
    }


def labels(**given: str) -> frozenset[tuple[str, str]]:
    return frozenset(given.items())


async def test_ended_calls_are_counted_by_outcome(metrics: Metrics, client: Client) -> None:
    for outcome in ("automated", "failed", "automated"):
        metrics.ended(outcome)
    found = await figures(client)
    assert found["voice_hitl_calls_total", labels(outcome="automated")] == 2
    assert found["voice_hitl_calls_total", labels(outcome="failed")] == 1


async def test_live_calls_are_read_when_they_are_asked_for(
    metrics: Metrics, client: Client
) -> None:
    live = [1, 2]
    metrics.live.set_function(lambda: len(live))
    assert (await figures(client))["voice_hitl_live_calls", labels()] == 2
    live.clear()
    assert (await figures(client))["voice_hitl_live_calls", labels()] == 0


async def test_stages_are_seconds_with_buckets_around_the_budgets(
    metrics: Metrics, client: Client
) -> None:
    for seconds in (0.12, 0.4, 2.0):
        metrics.stages.labels("response").observe(seconds)
    found = await figures(client)
    name = "voice_hitl_stage_seconds"
    assert found[f"{name}_count", labels(stage="response")] == 3
    assert found[f"{name}_sum", labels(stage="response")] == pytest.approx(2.52)
    within = {
        limit: found[f"{name}_bucket", labels(stage="response", le=limit)]
        for limit in ("0.1", "0.15", "0.5", "2.5")
    }
    assert within == {"0.1": 0, "0.15": 1, "0.5": 2, "2.5": 3}


async def test_a_ladder_is_shown_by_agent_and_outcome(metrics: Metrics, client: Client) -> None:
    stats = LadderStats()
    metrics.watch_ladder(stats)
    stats.add(AskRung("CA1", 1, "flow", 2.0))
    stats.add(LateAnswer("CA1", 1, "flow", 0.5))
    found = await figures(client)
    name = "voice_hitl_ladder_turns_total"
    assert found[name, labels(rung="flow", outcome="asked")] == 1
    assert found[name, labels(rung="flow", outcome="late")] == 1
    assert found[name, labels(rung="flow", outcome="settled")] == 0


async def test_two_servers_of_one_process_do_not_mix(metrics: Metrics, client: Client) -> None:
    Metrics().ended("automated")
    assert ("voice_hitl_calls_total", labels(outcome="automated")) not in await figures(client)


@pytest.mark.parametrize(
    ("headers", "seen"),
    [
        ({}, True),
        ({"X-Forwarded-For": "203.0.113.9"}, False),
        ({"Host": "calls.example.com"}, False),
        ({"Host": "calls.example.com", "Authorization": "Bearer secret"}, True),
        ({"Host": "calls.example.com", "Authorization": "Bearer wrong"}, False),
        ({"Host": "calls.example.com", "Authorization": "Bearer \u00e9"}, False),
    ],
)
async def test_figures_on_people_are_for_this_machine_and_the_token(
    headers: dict[str, str], seen: bool
) -> None:
    metrics = Metrics(token="secret")
    metrics.figure("override_rate", 0.3, 40)
    metrics.warnings.labels("overrides").inc()
    app = web.Application()
    app.router.add_get("/metrics", metrics.handle)
    async with TestClient(TestServer(app)) as client:
        text = await (await client.get("/metrics", headers=headers)).text()
    assert "voice_hitl_live_calls" in text
    assert ("voice_hitl_figure{" in text) is seen
    assert ("voice_hitl_warnings_total{" in text) is seen


async def test_without_a_token_nobody_outside_has_one() -> None:
    metrics = Metrics()
    metrics.figure("override_rate", 0.3, 40)
    app = web.Application()
    app.router.add_get("/metrics", metrics.handle)
    async with TestClient(TestServer(app)) as client:
        headers = {"Host": "calls.example.com", "Authorization": "Bearer None"}
        text = await (await client.get("/metrics", headers=headers)).text()
    assert "voice_hitl_figure{" not in text


async def test_a_figure_is_absent_while_there_is_too_little(
    metrics: Metrics, client: Client
) -> None:
    metrics.figure("routed", None, 3)
    metrics.figure("failed", 0.1, 40)
    found = await figures(client)
    assert ("voice_hitl_figure", labels(name="routed")) not in found
    assert found["voice_hitl_figure_observations", labels(name="routed")] == 3
    assert found["voice_hitl_figure", labels(name="failed")] == 0.1
    metrics.figure("failed", None, 5)
    assert ("voice_hitl_figure", labels(name="failed")) not in await figures(client)
