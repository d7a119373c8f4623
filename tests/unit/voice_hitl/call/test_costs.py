from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from handoff.brief import Memory
from handoff.budget import AlarmRaised, Budget, BudgetState
from handoff.commands import DecisionKind
from handoff.desk import Desk
from handoff.events import (
    FloorReported,
    HandoffRequested,
    OperatorJoined,
    OperatorPresence,
    Presence,
)
from handoff.policy import Policy
from handoff.testing import MemoryStore, a_call, a_decision
from tests.support import virtual
from voice_hitl.call.costs import EVERY, MACHINE, PAUSE, CostService, reopened_budget
from voice_hitl.call.inbox import FloorSaid
from voice_hitl.call.journal import Journal
from voice_hitl.clock import Clock

EAGER = Policy.from_mapping({"budget": {"window": 20, "gain": 5}}, "test")


@dataclass
class Call:
    told: list[object] = field(default_factory=list)

    def post(self, event: FloorSaid) -> None:
        self.told.append(event.event)


class Till:
    def __init__(self, policy: Policy = EAGER) -> None:
        self.store = MemoryStore()
        self.journal = Journal(self.store)
        self.clock = Clock(epoch=1_700_000_000.0)
        self.desk = Desk(policy, self.clock.now())
        self.calls: dict[str, Call] = {}
        self.costs = CostService(
            policy, self.desk, Budget(policy), self.clock, self.journal, self.calls.get
        )

    def begins(self, call_id: str, language: str = "en") -> FloorReported:
        self.calls[call_id] = Call()
        return self.costs.began(call_id, language)

    def ends(self, call_id: str, kind: DecisionKind | None = None) -> None:
        if kind is not None:
            self.costs.routed(call_id, kind)
        self.costs.call_over(call_id)

    def opens(self, name: str = "ana", languages: frozenset[str] = frozenset()) -> None:
        now = self.clock.now()
        self.desk.handle(OperatorJoined(name, name, languages=languages), now)
        self.desk.handle(OperatorPresence(name, Presence.AVAILABLE), now)


@asynccontextmanager
async def running(till: Till) -> AsyncIterator[Till]:
    async with asyncio.TaskGroup() as tasks:
        services = [tasks.create_task(till.journal.run()), tasks.create_task(till.costs.run())]
        try:
            yield till
        finally:
            for service in reversed(services):
                service.cancel()


def test_the_wait_is_predicted_once_for_a_language_however_many_calls_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> None:
        async with running(Till()) as till:
            for number in range(20):
                till.begins(f"CA{number}", ("en", "es")[number % 2])
            asked: list[str] = []
            report = till.costs.report

            def counted(language: str) -> FloorReported:
                asked.append(language)
                return report(language)

            monkeypatch.setattr(till.costs, "report", counted)
            till.opens()
            till.costs.floor_changed()
            await asyncio.sleep(PAUSE / 2)
            assert sorted(asked) == ["en", "es"]

    virtual.run(main())


def test_a_call_begins_with_what_is_so_and_hears_of_changes_alone() -> None:
    async def main() -> None:
        async with running(Till()) as till:
            assert till.begins("CA1") == FloorReported(till_limit(), 0.0)
            await asyncio.sleep(3 * EVERY)
            assert till.calls["CA1"].told == []
            till.opens()
            till.costs.floor_changed()
            await asyncio.sleep(PAUSE + 0.1)
            assert till.calls["CA1"].told == [FloorReported(0.0, 0.0)]
            till.ends("CA1")
            till.desk.handle(OperatorPresence("ana", Presence.AWAY), till.clock.now())
            await asyncio.sleep(3 * EVERY)
            assert len(till.calls["CA1"].told) == 1

    virtual.run(main())


def till_limit() -> float:
    """With nobody there the wait has no end; what is told is the longest that anyone is kept."""
    return EAGER.waiting.limit


def test_the_long_run_wait_follows_staffing_and_traffic() -> None:
    async def main() -> None:
        till = Till()
        assert till.costs.long_run_wait() == math.inf, "nobody is there"
        till.opens("ana")
        assert till.costs.long_run_wait() == 0.0, "nobody calls"
        decision = a_decision("c1")
        brief = Memory(a_call("c1"), 3, 3).brief(decision)
        till.desk.handle(HandoffRequested("c1", brief, decision), till.clock.now())
        alone = till.costs.long_run_wait()
        till.opens("bob")
        assert 0 < till.costs.long_run_wait() < alone < EAGER.waiting.patience

    virtual.run(main())


def test_what_differs_is_told_without_news_too_and_by_language() -> None:
    async def main() -> None:
        async with running(Till()) as till:
            till.begins("CA1", "en")
            till.begins("CA2", "fr")
            till.opens(languages=frozenset({"fr"}))
            await asyncio.sleep(EVERY + PAUSE + 0.1)
            assert till.calls["CA1"].told == []
            assert till.calls["CA2"].told == [FloorReported(0.0, 0.0)]

    virtual.run(main())


def test_a_flood_of_news_is_told_once_a_pause() -> None:
    async def main() -> None:
        async with running(Till()) as till:
            till.begins("CA1")
            for step in range(100):
                presence = Presence.AWAY if step % 2 else Presence.AVAILABLE
                now = till.clock.now()
                till.desk.handle(OperatorJoined("ana", "Ana"), now)
                till.desk.handle(OperatorPresence("ana", presence), now)
                till.costs.floor_changed()
                await asyncio.sleep(0.03)
            assert len(till.calls["CA1"].told) <= 3 / PAUSE + 1

    virtual.run(main())


def test_calls_count_once_by_their_first_handoff_and_move_the_price() -> None:
    async def main() -> None:
        async with running(Till()) as till:
            for number in range(10):
                till.begins(f"CA{number}")
                kinds = {0: DecisionKind.HARD, 1: DecisionKind.TAKEN_OVER}
                till.costs.routed(f"CA{number}", kinds.get(number, DecisionKind.SOFT))
                till.costs.routed(f"CA{number}", DecisionKind.HARD)  # asked again: does not count
                till.ends(f"CA{number}")
                till.ends(f"CA{number}")  # over twice: does not count
            till.costs.routed("CA0", DecisionKind.HARD)  # a late word of a call that is over
            assert till.costs.budget.state is BudgetState.ABOVE
            assert till.costs.budget.price > 0
            report = till.begins("CA99")
            assert report.price == pytest.approx(till.costs.budget.price, abs=1e-4)
            till.ends("CA99")
            await till.journal.flush()
            (kept,) = await till.store.machine_records(MACHINE)
            assert kept.detail["recent"] == "ht" + "s" * 8 + "n"
            again = reopened_budget(EAGER, [kept])
            assert again.price == till.costs.budget.price
            assert again.state is till.costs.budget.state

    virtual.run(main())


def test_live_calls_hear_of_the_price() -> None:
    async def main() -> None:
        async with running(Till()) as till:
            till.begins("CA1")
            for number in range(10):
                till.begins(f"CB{number}")
                till.ends(f"CB{number}", DecisionKind.SOFT)
            await asyncio.sleep(PAUSE + 0.1)
            last = till.calls["CA1"].told[-1]
            assert isinstance(last, FloorReported)
            assert last.price > 0
            assert math.isfinite(last.expected_wait)

    virtual.run(main())


def test_an_alarm_keeps_the_price_where_it_is() -> None:
    async def main() -> None:
        async with running(Till()) as till:
            till.costs.tell_budget(AlarmRaised("drift"))
            for number in range(10):
                till.begins(f"CA{number}")
                till.ends(f"CA{number}", DecisionKind.SOFT)
            assert till.costs.budget.price == 0.0
            assert till.costs.budget.state is BudgetState.FROZEN

    virtual.run(main())


def test_a_budget_that_cannot_be_read_starts_afresh() -> None:
    async def main() -> None:
        async with running(Till()) as till:
            till.begins("CA1")
            till.ends("CA1")
            await till.journal.flush()
            (kept,) = await till.store.machine_records(MACHINE)
            for detail in ({"price": "dear"}, {**kept.detail, "recent": "xyz"}):
                assert reopened_budget(EAGER, [replace(kept, detail=detail)]).price == 0.0

    virtual.run(main())
