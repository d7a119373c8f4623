from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from handoff.ports import CallRecord, DecisionRecord, HandoffRecord
from handoff.testing import MemoryStore, a_decision
from voice_hitl.clock import Clock
from voice_hitl.server.auth import Identity
from voice_hitl.server.http import one_shape
from voice_hitl.server.openapi import add_routes
from voice_hitl.server.work import WorkApi

Client = TestClient[web.Request, web.Application]
URL = "/api/v1/calls/CA1/disposition"


@pytest.fixture
async def store() -> MemoryStore:
    """A call of two handoffs: ana took the second, which a hard trigger asked for on turn 5."""
    store = MemoryStore()
    await store.save(
        [
            CallRecord("CA1", "+15550100", "banking", "en", 0.0),
            DecisionRecord.of(a_decision("CA1"), seq=0, at=10.0, policy_version="p"),
            DecisionRecord(
                "CA1", 1, 5, 50.0, True, True, 0.5, 0.5, 0.4, 0.3, 2.5, "medium", (), "p"
            ),
            DecisionRecord(
                "CA1", 2, 6, 60.0, False, False, 0.5, 0.5, 0.4, 0.3, 0.5, "medium", (), "p"
            ),
            HandoffRecord("CA1", 0, 10.0, {}, operator_id="bob"),
            HandoffRecord("CA1", 1, 50.0, {}, operator_id="ana"),
        ]
    )
    return store


@pytest.fixture
async def client(store: MemoryStore) -> AsyncIterator[Client]:
    async def identify(request: web.Request) -> Identity:
        return Identity(request.headers["X-Operator"], "Someone")

    app = web.Application(middlewares=[one_shape])
    add_routes(app, WorkApi(store, Clock.of_running_loop(), identify).routes)
    async with TestClient(TestServer(app)) as client:
        yield client


async def say(client: Client, operator: str, verdict: str, url: str = URL) -> int:
    answer = await client.post(url, json={"verdict": verdict}, headers={"X-Operator": operator})
    return answer.status


async def test_what_an_operator_says_of_their_handoff_is_kept_and_becomes_labels(
    client: Client, store: MemoryStore
) -> None:
    assert await say(client, "ana", "too_late") == 204
    (kept,) = await store.dispositions("CA1")
    assert (kept.seq, kept.turn, kept.verdict, kept.by, kept.hard) == (
        1,
        5,
        "too_late",
        "ana",
        True,
    )
    labels = await store.labels("CA1")
    assert sorted(label.turn for label in labels) == [1, 2, 3, 4, 5]
    assert {label.head for label in labels} == {"breakdown"}


async def test_a_changed_mind_replaces_what_was_said(client: Client, store: MemoryStore) -> None:
    assert await say(client, "ana", "too_late") == 204
    assert await say(client, "ana", "not_needed") == 204
    (kept,) = await store.dispositions("CA1")
    assert kept.verdict == "not_needed"
    counting = [label for label in await store.labels("CA1") if label.weight > 0]
    assert [(label.turn, label.value) for label in counting] == [(5, False)]


@pytest.mark.parametrize(
    ("operator", "verdict", "url", "status"),
    [
        ("carl", "needed", URL, 404),
        ("ana", "needed", URL.replace("CA1", "CA9"), 404),
        ("ana", "great", URL, 422),
    ],
)
async def test_who_did_not_take_the_call_or_says_something_else_is_refused(
    client: Client, store: MemoryStore, operator: str, verdict: str, url: str, status: int
) -> None:
    assert await say(client, operator, verdict, url) == status
    assert await store.labels() == []
