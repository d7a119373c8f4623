from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from handoff.audit import AuditItem, AuditRecord, AuditState
from handoff.policy import Policy
from handoff.ports import MachineRecord
from handoff.testing import MemoryStore
from tests.support.flooring import WorkFloor, nothing
from voice_hitl.background import background
from voice_hitl.call import auditing
from voice_hitl.call.exercising_audits import MACHINE, AuditExercises, PastAudit
from voice_hitl.call.journal import Journal
from voice_hitl.clock import Clock
from voice_hitl.server.audit_exercises import AuditExercisesApi
from voice_hitl.server.auth import Identity
from voice_hitl.server.http import one_shape
from voice_hitl.server.openapi import add_routes

Client = TestClient[web.Request, web.Application]
URL = "/api/v1/exercises/audits"
ITEM = AuditItem("CA1:2", "decision", "CA1", 2, "automatic", "", 0.5, "told the balance")
RECORD = AuditRecord(ITEM, AuditState.DONE, 0.1, 1, 0.5, auditor="ana", verdict="wrong")


class Nobody:
    """Consoles that show nothing (`AuditExerciseConsole`)."""

    def audit_shown(self, operator_id: str, item: AuditItem | None, seconds: float) -> None:
        pass

    def audit_over(self, operator_id: str, audit_id: str, reason: str) -> None:
        pass


def kept(record: AuditRecord) -> MachineRecord:
    return MachineRecord(
        auditing.MACHINE, record.item.audit_id, 1.0, record.state.value, detail=record.as_dict()
    )


@pytest.fixture
async def store() -> MemoryStore:
    """Three audits: one is judged, one is not, and one cannot be read."""
    store = MemoryStore()
    queued = replace(
        RECORD, item=replace(ITEM, audit_id="CA1:3"), state=AuditState.QUEUED, verdict=None
    )
    bad = MachineRecord(auditing.MACHINE, "bad", 1.0, "done", detail={})
    await store.save([kept(RECORD), kept(queued), bad])
    return store


@pytest.fixture
async def client(store: MemoryStore) -> AsyncIterator[Client]:
    async def identify(request: web.Request) -> Identity:
        name = request.headers.get("X-Operator")
        if name is None:
            raise web.HTTPUnauthorized(text="sign in first")
        return Identity(name, name, "supervisor" if name == "boss" else "operator")

    journal = Journal(store)
    clock = Clock.of_running_loop()
    service = AuditExercises(
        Policy(), b"key", (), clock, journal, Nobody(), WorkFloor(), lambda _: 0.0, nothing
    )
    app = web.Application(middlewares=[one_shape])
    add_routes(app, AuditExercisesApi(store, journal, service, identify).routes)
    async with TestClient(TestServer(app)) as client, background() as start:
        start(journal.run())
        yield client


async def test_a_supervisor_makes_an_exercise_of_an_audit_that_was_judged(
    client: Client, store: MemoryStore
) -> None:
    body = {"audit_id": "CA1:2", "verdict": "right"}
    assert (await client.post(URL, json=body, headers={"X-Operator": "boss"})).status == 204
    (record,) = await store.machine_records(MACHINE)
    assert PastAudit.of(record) == PastAudit(RECORD, "right")


@pytest.mark.parametrize(
    ("operator", "audit_id", "verdict", "status"),
    [
        ("ana", "CA1:2", "right", 403),
        ("boss", "CA1:3", "right", 404),
        ("boss", "bad", "right", 404),
        ("boss", "never was", "right", 404),
        ("boss", "CA1:2", "unsure", 422),
    ],
)
async def test_others_and_what_was_not_judged_are_refused(
    client: Client, store: MemoryStore, operator: str, audit_id: str, verdict: str, status: int
) -> None:
    body = {"audit_id": audit_id, "verdict": verdict}
    said = await client.post(URL, json=body, headers={"X-Operator": operator})
    assert said.status == status
    assert (await said.json())["error"]
    assert await store.machine_records(MACHINE) == []


async def test_nobody_adds_an_exercise_without_signing_in(client: Client) -> None:
    assert (await client.post(URL, json={})).status == 401
