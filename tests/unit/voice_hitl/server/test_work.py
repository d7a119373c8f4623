from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from handoff.approvals import ApprovalAsked, Gate, Show
from handoff.board import ApprovalChanged, Board, Step, TaskAdded, TaskMoved
from handoff.events import CallOver, Effect
from handoff.oversight import Mode, Proposal, Verdict
from handoff.policy import Policy
from handoff.ports import CallRecord, DecisionRecord, HandoffRecord, OperatorRecord, Record
from handoff.testing import MemoryStore, a_decision
from tests.support.flooring import NoExercises, WorkFloor, nothing
from voice_hitl.background import background
from voice_hitl.call import approving
from voice_hitl.call import journal as journal_module
from voice_hitl.call.approving import ApprovalService
from voice_hitl.call.board import BoardService
from voice_hitl.call.journal import Journal
from voice_hitl.clock import Clock
from voice_hitl.server import work as work_module
from voice_hitl.server.auth import Identity
from voice_hitl.server.http import one_shape
from voice_hitl.server.openapi import add_routes
from voice_hitl.server.wire import FollowUps, WorkBoard
from voice_hitl.server.work import FINISHED_SHOWN, WorkApi

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
                "CA1", 1, 5, 50.0, True, "hard", 0.5, 0.5, 0.4, 0.3, 2.5, "medium", (), "p"
            ),
            DecisionRecord(
                "CA1", 2, 6, 60.0, False, "soft", 0.5, 0.5, 0.4, 0.3, 0.5, "medium", (), "p"
            ),
            HandoffRecord("CA1", 0, 10.0, {}, operator_id="bob"),
            HandoffRecord("CA1", 1, 50.0, {}, operator_id="ana"),
        ]
    )
    return store


class Nobody:
    """Consoles that show nothing (`ApprovalConsole`)."""

    def approval_asked(self, ask: Show, seconds: float) -> None:
        pass

    def approval_over(self, operator_id: str, approval_id: str, why: str) -> None:
        pass

    def answer_taken(self, operator_id: str, approval_id: str, status: str) -> None:
        pass

    def answer_refused(self, operator_id: str, approval_id: str, why: str) -> None:
        pass


@dataclass
class Work:
    """What the interface shows, and the clock it is on."""

    clock: Clock
    board: BoardService
    approvals: ApprovalService
    journal: Journal
    kept: list[Record] = field(default_factory=list)  # what whoever counts was told of


@pytest.fixture
async def work(store: MemoryStore) -> Work:
    clock, journal = Clock.of_running_loop(), Journal(store)
    board = BoardService(Board(), clock, journal)
    gate = Gate(Policy())
    approvals = ApprovalService(
        gate, clock, journal, Nobody(), lambda _: None, WorkFloor(), NoExercises(), nothing
    )
    work = Work(clock, board, approvals, journal)
    journal.on_put = work.kept.append
    return work


@pytest.fixture
async def client(store: MemoryStore, work: Work) -> AsyncIterator[Client]:
    async def identify(request: web.Request) -> Identity:
        if "X-Operator" not in request.headers:
            raise web.HTTPUnauthorized(text="sign in first")
        return Identity(request.headers["X-Operator"], "Someone")

    app = web.Application(middlewares=[one_shape])
    api = WorkApi(store, work.clock, identify, work.board, work.approvals, work.journal)
    add_routes(app, api.routes)
    async with TestClient(TestServer(app)) as client, background() as start:
        start(work.journal.run())
        start(work.approvals.run())
        yield client


async def say(client: Client, operator: str, verdict: str, url: str = URL) -> int:
    answer = await client.post(url, json={"verdict": verdict}, headers={"X-Operator": operator})
    return answer.status


async def test_what_an_operator_says_of_their_handoff_is_kept_and_becomes_labels(
    client: Client, store: MemoryStore, work: Work
) -> None:
    assert await say(client, "ana", "too_late") == 204
    (kept,) = await store.dispositions("CA1")
    assert work.kept[0] == kept
    assert (kept.seq, kept.turn, kept.verdict, kept.by, kept.hard) == (
        1,
        5,
        "too_late",
        "ana",
        True,
    )
    labels = await store.labels("CA1")
    assert sorted(label.turn for label in labels) == [3, 4, 5]
    assert {label.head for label in labels} == {"breakdown"}


async def test_a_store_that_is_stuck_keeps_nobody_waiting_for_ever(
    client: Client, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    well, save = asyncio.Event(), store.save

    async def hangs(records: Sequence[Record]) -> None:
        await well.wait()
        await save(records)

    monkeypatch.setattr(store, "save", hangs)
    monkeypatch.setattr(journal_module, "STORED_WITHIN", 0.05)
    assert await say(client, "ana", "too_late") == 503
    well.set()
    await asyncio.sleep(0.05)  # it was put all the same
    assert [kept.verdict for kept in await store.dispositions("CA1")] == ["too_late"]


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


ANA = {"X-Operator": "ana"}


async def test_the_board_shows_every_task_by_column_with_who_and_when(
    client: Client, store: MemoryStore, work: Work
) -> None:
    await store.save([OperatorRecord("ana", "Ana Maria", "", "operator")])
    board, now = work.board.board, work.clock.now()
    for task in ("a1", "a2"):
        board.handle(TaskAdded(task, "CA1", f"do {task}"), now)
        board.handle(TaskMoved(task, Step.START, "agent"), now)
    board.handle(ApprovalChanged("a1", "open", "agent"), now)
    board.handle(ApprovalChanged("a1", "approved", "ana", "fine"), now)
    board.handle(TaskMoved("a2", Step.EXECUTE, "agent"), now)  # not approved: refused
    answer = await client.get("/api/v1/work", headers=ANA)
    shown = WorkBoard.model_validate_json(await answer.text())
    assert [column.column for column in shown.columns] == [
        *("queued", "processing", "review", "approved"),
        *("executed", "rejected", "expired", "failed"),
    ]
    cards = {card.task_id: card for column in shown.columns for card in column.cards}
    assert [(move.column, move.by) for move in cards["a1"].moves] == [
        ("queued", "agent"),
        ("processing", "agent"),
        ("review", "agent"),
        ("approved", "Ana Maria"),
    ]
    assert cards["a1"].moves[-1].note == "fine"
    assert cards["a1"].moves[-1].at == pytest.approx(work.clock.wall(), abs=5.0)
    assert (cards["a2"].title, cards["a2"].call_id) == ("do a2", "CA1")
    assert shown.refused == 1


async def test_of_what_is_over_the_newest_are_shown_and_all_are_counted(
    client: Client, work: Work
) -> None:
    board, now = work.board.board, work.clock.now()
    for number in range(FINISHED_SHOWN + 5):
        board.handle(TaskAdded(f"done{number}", "CA1", "do"), now)
        board.handle(TaskMoved(f"done{number}", Step.EXPIRE, "caller"), now)
        board.handle(TaskAdded(f"new{number}", "CA1", "do"), now)
    answer = await client.get("/api/v1/work", headers=ANA)
    shown = WorkBoard.model_validate_json(await answer.text())
    columns = {column.column: column for column in shown.columns}
    over = columns["expired"]
    assert over.count == FINISHED_SHOWN + 5
    assert [card.task_id for card in over.cards] == [
        f"done{number}" for number in range(5, FINISHED_SHOWN + 5)
    ]
    assert columns["queued"].count == len(columns["queued"].cards) == FINISHED_SHOWN + 5


async def test_a_board_that_many_look_at_is_rendered_once_a_second(
    client: Client, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cards() -> int:
        answer = await client.get("/api/v1/work", headers=ANA)
        shown = WorkBoard.model_validate_json(await answer.text())
        return sum(column.count for column in shown.columns)

    assert await cards() == 0
    work.board.board.handle(TaskAdded("a1", "CA1", "do"), work.clock.now())
    assert await cards() == 0
    monkeypatch.setattr(work_module, "RENDER_SECONDS", 0.0)
    assert await cards() == 1


def left_undone(work: Work) -> str:
    """An approval whose caller hung up."""
    gate, now = work.approvals.gate, work.clock.now()
    proposal = Proposal("a1", "CA1", "send", {"card": "7788"}, Effect.IRREVERSIBLE, "send a card")
    gate.handle(ApprovalAsked("p1", proposal, Verdict(Mode.IN, 60, 45.0), ("ana",)), now)
    gate.handle(CallOver("CA1"), now)
    return "p1"


async def test_what_is_left_to_do_is_listed_until_somebody_says_that_it_is_done(
    client: Client, store: MemoryStore, work: Work
) -> None:
    approval_id = left_undone(work)
    answer = await client.get("/api/v1/follow-ups", headers=ANA)
    (left,) = FollowUps.model_validate_json(await answer.text()).follow_ups
    assert (left.approval_id, left.status, left.caller) == (
        approval_id,
        "caller_gone",
        "+15550100",
    )
    assert (left.summary, left.arguments) == ("send a card", {"card": "7788"})
    assert left.closed_at == pytest.approx(work.clock.wall(), abs=5.0)

    done = await client.post(f"/api/v1/follow-ups/{approval_id}/done", headers=ANA)
    assert done.status == 204
    kept = await store.machine_record(approving.MACHINE, approval_id)
    assert kept is not None
    assert (kept.open, kept.detail["followed_up_by"]) == (False, "ana")
    answer = await client.get("/api/v1/follow-ups", headers=ANA)
    assert FollowUps.model_validate_json(await answer.text()).follow_ups == []
    again = await client.post(f"/api/v1/follow-ups/{approval_id}/done", headers=ANA)
    assert again.status == 404


@pytest.mark.parametrize("what", ["store", "gate"])
async def test_of_what_is_not_known_to_be_stored_nobody_is_told_that_it_is_done(
    client: Client, store: MemoryStore, work: Work, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    approval_id = left_undone(work)
    well, save = asyncio.Event(), store.save

    async def hangs(records: Sequence[Record]) -> None:
        await well.wait()
        await save(records)

    with monkeypatch.context() as patch:
        if what == "store":
            patch.setattr(store, "save", hangs)
            patch.setattr(journal_module, "STORED_WITHIN", 0.05)
        else:
            patch.setattr(work.approvals, "post", lambda _event: None)
            patch.setattr(approving, "SEEN_TO_WITHIN", 0.05)
        done = await client.post(f"/api/v1/follow-ups/{approval_id}/done", headers=ANA)
        assert done.status == 503
        assert "say it again" in (await done.json())["error"]
        well.set()


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/work"), ("GET", "/follow-ups"), ("POST", "/follow-ups/p1/done")],
)
async def test_nobody_sees_the_work_without_a_session(
    client: Client, method: str, path: str
) -> None:
    answer = await client.request(method, f"/api/v1{path}")
    assert answer.status == 401
