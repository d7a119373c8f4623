from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from handoff.approvals import ApprovalRecord, Outcome, State
from handoff.board import Board, Column, Step, TaskAdded, TaskMoved
from handoff.events import CallOver, Effect
from handoff.oversight import Mode, Proposal
from handoff.ports import MachineRecord
from handoff.testing import MemoryStore
from tests.support import virtual
from voice_hitl.call.board import MACHINE, BoardService, of_the_last_run, reopened_board
from voice_hitl.call.journal import Journal
from voice_hitl.clock import Clock

CLOCK = Clock(epoch=500.0)


@dataclass
class Shop:
    service: BoardService
    store: MemoryStore
    journal: Journal

    async def records(self) -> dict[str, MachineRecord]:
        await asyncio.sleep(0.1)
        await self.journal.flush()
        return {record.key: record for record in await self.store.machine_records(MACHINE)}


@asynccontextmanager
async def a_shop(board: Board | None = None) -> Any:
    store = MemoryStore()
    journal = Journal(store)
    service = BoardService(board or Board(), CLOCK, journal)
    tasks = [asyncio.create_task(journal.run()), asyncio.create_task(service.run())]
    try:
        yield Shop(service, store, journal)
    finally:
        for task in reversed(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def begun(service: BoardService, task_id: str, call_id: str = "CA1") -> None:
    service.post(TaskAdded(task_id, call_id, "send a card"))
    service.post(TaskMoved(task_id, Step.START, "agent"))


def approval(state: State, outcome: Outcome | None = None, by: str = "") -> ApprovalRecord:
    proposal = Proposal("a1", "CA1", "send", {}, Effect.IRREVERSIBLE, "send a card")
    return ApprovalRecord(
        *("p1", proposal, Mode.IN, 60, (), {}, "d", 0.0, 1.0, 2.0, None, False),
        state=state,
        outcome=outcome,
        by=by,
        words="to 4111 1111 1111 1111",
    )


@pytest.mark.parametrize(
    ("records", "column", "by"),
    [
        ([approval(State.OPEN)], "review", "agent"),
        ([approval(State.OPEN), approval(State.ESCALATED)], "review", "agent"),
        ([approval(State.OPEN), approval(State.APPROVED, by="ana")], "approved", "ana"),
        ([approval(State.OPEN), approval(State.APPROVED)], "approved", "policy"),
        (
            [
                approval(State.OPEN),
                approval(State.APPROVED, by="ana"),
                approval(State.CLOSED, Outcome.EXECUTED, "ana"),
            ],
            "executed",
            "agent",
        ),
        (
            [approval(State.OPEN), approval(State.CLOSED, Outcome.REJECTED, "ana")],
            "rejected",
            "ana",
        ),
        ([approval(State.OPEN), approval(State.CLOSED, Outcome.EXPIRED)], "expired", "deadline"),
        ([approval(State.OPEN), approval(State.CLOSED, Outcome.WITHDRAWN)], "rejected", "agent"),
        ([approval(State.OPEN), approval(State.CLOSED, Outcome.CALLER_GONE)], "expired", "caller"),
        ([approval(State.OPEN), approval(State.CLOSED, Outcome.DRAINING)], "expired", "server"),
    ],
)
def test_a_task_follows_its_approval(records: list[ApprovalRecord], column: str, by: str) -> None:
    async def main() -> None:
        async with a_shop() as shop:
            begun(shop.service, "p1")
            for record in records:
                shop.service.approval_kept(record)
            (kept,) = (await shop.records()).values()
            last = kept.detail["moves"][-1]
            assert (kept.state, last["by"]) == (column, by)
            assert last["note"] == "to ••••••••••••1111"
            assert last["at"] == pytest.approx(1500.0, abs=1.0)  # Unix seconds

    virtual.run(main())


def test_a_move_that_no_task_may_make_is_in_the_audit_log() -> None:
    async def main() -> None:
        async with a_shop() as shop:
            begun(shop.service, "t1")
            shop.service.post(TaskMoved("t1", Step.EXECUTE, "agent"))
            assert (await shop.records())["t1"].state == "processing"
            (event,) = await shop.store.events()
            assert (event.action, event.actor) == ("board.refused", "agent")
            assert event.detail == {"task_id": "t1", "column": "processing", "step": "execute"}

    virtual.run(main())


def test_after_a_restart_every_task_finds_its_end() -> None:
    async def main() -> None:
        async with a_shop() as shop:
            for task in ("done", "running", "asked", "thinking"):
                begun(shop.service, task, f"CA_{task}")
            for task in ("done", "running", "asked"):
                shop.service.post(TaskMoved(task, Step.APPROVE, "policy"))
            shop.service.post(TaskMoved("done", Step.EXECUTE, "agent"))
            kept = [
                *(await shop.records()).values(),
                MachineRecord(MACHINE, "odd", 0.0, "queued", detail={}),
            ]
        later = Clock(epoch=400.0)  # another start: the same moment has another number
        board = reopened_board(kept, later)
        assert board.cards(Column.EXECUTED)[0].since == pytest.approx(1100.0, abs=1.0)
        events = of_the_last_run(board, asked=["asked"])
        assert CallOver("CA_thinking") in events
        for event in events:
            board.handle(event, later.now() + 200)
        columns = {
            task: card.column
            for task in ("done", "running", "asked", "thinking")
            if (card := board.card(task)) is not None
        }
        assert columns == {
            "done": Column.EXECUTED,
            "running": Column.FAILED,  # nobody knows how it went
            "asked": Column.APPROVED,  # its approval's record says
            "thinking": Column.EXPIRED,
        }

    virtual.run(main())
