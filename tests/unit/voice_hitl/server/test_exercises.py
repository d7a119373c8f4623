from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from handoff.approvals import ApprovalRecord, Outcome, Show, State, digest
from handoff.audit import AuditItem, AuditRecord, AuditState
from handoff.errors import StorageError
from handoff.events import Effect
from handoff.oversight import Mode, Proposal
from handoff.policy import Policy
from handoff.ports import CallRecord, MachineRecord
from handoff.testing import MemoryStore
from tests.support.flooring import WorkFloor, nothing
from voice_hitl.background import background
from voice_hitl.call import approving, auditing, exercising_audits
from voice_hitl.call import journal as journal_module
from voice_hitl.call.exercising import MACHINE, ExerciseService, Past
from voice_hitl.call.exercising_audits import AuditExercises, PastAudit
from voice_hitl.call.journal import Journal
from voice_hitl.clock import Clock
from voice_hitl.server.auth import Identity
from voice_hitl.server.exercises import ExercisesApi
from voice_hitl.server.http import one_shape
from voice_hitl.server.openapi import add_routes

Client = TestClient[web.Request, web.Application]
URL = "/api/v1/exercises"
AUDITS_URL = "/api/v1/exercises/audits"
ARGUMENTS = {"amount": "50"}
RECORD = ApprovalRecord(
    approval_id="over",
    proposal=Proposal("a1", "CA1", "transfer", ARGUMENTS, Effect.IRREVERSIBLE, "move it"),
    mode=Mode.IN,
    risk=50,
    reasons=(),
    arguments=ARGUMENTS,
    digest=digest("transfer", ARGUMENTS),
    asked_at=0.0,
    escalate_at=20.0,
    deadline=40.0,
    due_at=None,
    silence_consents=False,
    state=State.CLOSED,
    outcome=Outcome.EXECUTED,
    by="ana",
)
ITEM = AuditItem("CA1:2", "decision", "CA1", 2, "automatic", "", 0.5, "told the balance")
AUDIT = AuditRecord(ITEM, AuditState.DONE, 0.1, 1, 0.5, auditor="ana", verdict="wrong")


class Nobody:
    """Consoles that show nothing (`ExerciseConsole`, `AuditExerciseConsole`)."""

    def exercise_asked(self, ask: Show, seconds: float, caller: str) -> None:
        pass

    def exercise_over(self, operator_id: str, approval_id: str, right: bool | None) -> None:
        pass

    def answer_refused(self, operator_id: str, approval_id: str, why: str) -> None:
        pass

    def audit_shown(self, operator_id: str, item: AuditItem | None, seconds: float) -> None:
        pass

    def audit_over(self, operator_id: str, audit_id: str, reason: str) -> None:
        pass


def kept(record: ApprovalRecord) -> MachineRecord:
    return MachineRecord(
        approving.MACHINE, record.approval_id, 1.0, record.status, detail=record.as_dict()
    )


def kept_audit(record: AuditRecord) -> MachineRecord:
    return MachineRecord(
        auditing.MACHINE, record.item.audit_id, 1.0, record.state.value, detail=record.as_dict()
    )


@pytest.fixture
async def store() -> MemoryStore:
    """A call's three approvals and three audits: one is over, one is open, and one cannot be read."""
    store = MemoryStore()
    is_open = replace(RECORD, approval_id="open", state=State.OPEN, outcome=None, by="")
    queued = replace(
        AUDIT, item=replace(ITEM, audit_id="CA1:3"), state=AuditState.QUEUED, verdict=None
    )
    await store.save(
        [
            CallRecord("CA1", "+15550100", "banking", "en", 0.0),
            kept(RECORD),
            kept(is_open),
            MachineRecord(approving.MACHINE, "bad", 1.0, "executed", detail={}),
            kept_audit(AUDIT),
            kept_audit(queued),
            MachineRecord(auditing.MACHINE, "bad", 1.0, "done", detail={}),
        ]
    )
    return store


@pytest.fixture
async def journal(store: MemoryStore) -> Journal:
    return Journal(store)


@pytest.fixture
async def client(store: MemoryStore, journal: Journal) -> AsyncIterator[Client]:
    async def identify(request: web.Request) -> Identity:
        name = request.headers.get("X-Operator")
        if name is None:
            raise web.HTTPUnauthorized(text="sign in first")
        return Identity(name, name, "supervisor" if name == "boss" else "operator")

    clock = Clock.of_running_loop()
    service = ExerciseService(
        Policy(), b"key", (), clock, journal, Nobody(), lambda _: 0.0, nothing
    )
    audits = AuditExercises(
        Policy(), b"key", (), clock, journal, Nobody(), WorkFloor(), lambda _: 0.0, nothing
    )
    app = web.Application(middlewares=[one_shape])
    add_routes(app, ExercisesApi(store, journal, service, audits, identify).routes)
    async with TestClient(TestServer(app)) as client, background() as start:
        start(journal.run())
        yield client


async def test_a_supervisor_makes_an_exercise_of_an_approval_that_is_over(
    client: Client, journal: Journal
) -> None:
    heard: list[object] = []
    journal.on_put = heard.append
    body = {"approval_id": "over", "answer": "reject"}
    answer = await client.post(URL, json=body, headers={"X-Operator": "boss"})
    assert answer.status == 204
    (record,) = heard
    assert isinstance(record, MachineRecord)
    assert (record.machine, record.key) == (MACHINE, "over")
    assert Past.of(record) == Past(RECORD, "reject")
    assert "+15550100" not in str(record), "whose call it was is not kept with it"


async def test_an_exercise_that_is_not_stored_is_not_promised(
    client: Client, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuses(_records: object) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr(journal_module, "STORED_WITHIN", 0.05)
    monkeypatch.setattr(store, "save", refuses)
    body = {"approval_id": "over", "answer": "reject"}
    answer = await client.post(URL, json=body, headers={"X-Operator": "boss"})
    assert answer.status == 503
    assert "say it again" in (await answer.json())["error"]
    monkeypatch.undo()


@pytest.mark.parametrize(
    ("operator", "approval_id", "answer", "status"),
    [
        ("ana", "over", "reject", 403),
        ("boss", "open", "reject", 404),
        ("boss", "bad", "reject", 404),
        ("boss", "never was", "reject", 404),
        ("boss", "over", "maybe", 422),
    ],
)
async def test_others_and_what_is_not_over_are_refused(
    client: Client, journal: Journal, operator: str, approval_id: str, answer: str, status: int
) -> None:
    heard: list[object] = []
    journal.on_put = heard.append
    body = {"approval_id": approval_id, "answer": answer}
    said = await client.post(URL, json=body, headers={"X-Operator": operator})
    assert (said.status, heard) == (status, [])
    assert (await said.json())["error"]


async def test_one_approval_is_found_without_reading_all(
    client: Client, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def too_much(*_: object, **__: object) -> list[MachineRecord]:
        raise AssertionError("every approval is read")

    monkeypatch.setattr(store, "machine_records", too_much)
    body = {"approval_id": "over", "answer": "reject"}
    answer = await client.post(URL, json=body, headers={"X-Operator": "boss"})
    assert answer.status == 204


async def test_a_supervisor_makes_an_exercise_of_an_audit_that_was_judged(
    client: Client, store: MemoryStore
) -> None:
    body = {"audit_id": "CA1:2", "verdict": "right"}
    assert (await client.post(AUDITS_URL, json=body, headers={"X-Operator": "boss"})).status == 204
    (record,) = await store.machine_records(exercising_audits.MACHINE)
    assert PastAudit.of(record) == PastAudit(AUDIT, "right")


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
    said = await client.post(AUDITS_URL, json=body, headers={"X-Operator": operator})
    assert said.status == status
    assert (await said.json())["error"]
    assert await store.machine_records(exercising_audits.MACHINE) == []


@pytest.mark.parametrize("url", [URL, AUDITS_URL])
async def test_nobody_adds_an_exercise_without_signing_in(client: Client, url: str) -> None:
    assert (await client.post(url, json={})).status == 401
