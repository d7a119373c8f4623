from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from handoff.budget import AlarmCleared, AlarmRaised, BudgetEvent
from handoff.drift import Warned
from handoff.labels import ApprovalAnswer, of_approval
from handoff.metrics import Figures, Judged
from handoff.policy import Policy
from handoff.ports import CallRecord
from handoff.supervision import REST, SAMPLE, FloorSeen, Supervision
from handoff.testing import MemoryStore
from tests.support import virtual
from voice_hitl.call import service
from voice_hitl.call.journal import Journal
from voice_hitl.call.supervising import FiguresService
from voice_hitl.clock import Clock

EPOCH = 1_700_000_000.0
WRONG = Judged("automatic", wrong=True)
POLICY = Policy.from_mapping({"warnings": {"minimum": 2}}, "test")


@dataclass
class Screen:
    """What supervisors are told (`FiguresConsole`)."""

    told: list[str] = field(default_factory=list)
    since: list[float] = field(default_factory=list)
    sampled: list[Figures] = field(default_factory=list)

    def warning_raised(self, warning: Warned, since: float) -> None:
        self.told.append(f"+{warning.code.value}")
        self.since.append(since)

    def warning_over(self, code: str) -> None:
        self.told.append(f"-{code}")

    def figures_sampled(self, figures: Figures) -> None:
        self.sampled.append(figures)


class Office:
    """The service with all that it is joined to."""

    def __init__(self, store: MemoryStore) -> None:
        self.clock = Clock(epoch=EPOCH)
        self.store = store
        self.journal = Journal(self.store)
        self.screen = Screen()
        self.seen = FloorSeen(0)
        self.budget: list[BudgetEvent] = []
        self.figures = FiguresService(
            Supervision(POLICY, self.clock.now()),
            self.clock,
            self.journal,
            self.screen,
            lambda: self.seen,
            self.budget.append,
        )
        self.journal.on_put = self.figures.kept

    def answers(self, *overridden: bool) -> None:
        """Approvals are answered, each of a call of its own."""
        at = self.clock.wall()
        for over in overridden:
            approval = f"ap{len(self.journal._waiting)}-{self.clock.now()}"
            answer = ApprovalAnswer(approval, "CA1", 1, "reject" if over else "approve", "ana", at)
            self.journal.put(*of_approval(answer))


def play(story: Callable[[Office], Awaitable[None]], store: MemoryStore | None = None) -> Office:
    offices: list[Office] = []

    async def main() -> None:
        office = Office(store or MemoryStore())
        offices.append(office)
        if store is not None:
            await office.figures.rebuild(POLICY, store)
        tasks = [
            asyncio.create_task(office.journal.run()),
            asyncio.create_task(office.figures.run()),
        ]
        try:
            await story(office)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    virtual.run(main())
    return offices[0]


def test_what_is_kept_is_counted() -> None:
    async def story(office: Office) -> None:
        for number in range(2):
            call = CallRecord(
                f"CA{number}", "+15550100", "p", "en", 0.0, ended_at=9.0, outcome="failed"
            )
            office.journal.put(call)
        office.figures.presence("ana", "in_call")
        await asyncio.sleep(30.0)
        office.figures.presence("ana", "available")
        await asyncio.sleep(0.01)
        figures = office.figures.figures()
        assert (figures.failed.value, figures.failed.n) == (1.0, 2)
        assert figures.handle_time.n == 1

    play(story)


def test_a_warning_is_told_logged_and_freezes_the_budget_until_it_is_over() -> None:
    async def story(office: Office) -> None:
        await asyncio.sleep(25.0)
        office.answers(*[True] * 6)
        await asyncio.sleep(0.01)
        assert office.screen.told == ["+overrides"]
        ((warning, since),) = office.figures.warnings()
        assert warning.code == "overrides"
        assert since == pytest.approx(office.clock.wall(), abs=0.1)
        assert office.screen.since == [pytest.approx(since, abs=0.001)]
        assert office.budget == [AlarmRaised("overrides")]
        office.answers(*[False] * 40)
        await asyncio.sleep(0.01)
        assert office.screen.told == ["+overrides", "-overrides"]
        assert office.budget == [AlarmRaised("overrides"), AlarmCleared("overrides")]
        assert office.figures.warnings() == []

    office = play(story)
    log = asyncio.run(office.store.events())
    assert [(event.action, event.actor) for event in log] == [
        ("warning.cleared", "server"),
        ("warning.raised", "server"),
    ]
    assert log[1].detail["code"] == "overrides"
    assert "overrule" in log[1].detail["words"]


def test_a_warning_that_stood_at_the_stop_stands_again_and_freezes_the_budget() -> None:
    async def first(office: Office) -> None:
        office.answers(*[True] * 6)
        office.figures.presence("ana", "in_call")
        await asyncio.sleep(5.0)
        office.figures.presence("ana", "available")
        await office.journal.flush()

    async def again(office: Office) -> None:
        await asyncio.sleep(0.01)
        assert office.screen.told == ["+overrides"]
        assert office.budget == [AlarmRaised("overrides")]
        figures = office.figures.figures()
        assert (figures.override_rate.n, figures.handle_time.n) == (6, 1)
        office.answers(*[False] * 40)
        await asyncio.sleep(0.01)
        assert office.screen.told == ["+overrides", "-overrides"]

    play(again, play(first).store)


def test_samples_ask_how_the_floor_stands() -> None:
    async def story(office: Office) -> None:
        await asyncio.sleep(60.0)
        office.seen = FloorSeen(waiting=9)
        await asyncio.sleep(240.0 + SAMPLE / 2)
        assert office.screen.told == ["+queue"]
        assert len(office.screen.sampled) == 300 // (REST * SAMPLE)

    play(story)


def test_few_routed_is_mended_by_the_price_and_does_not_freeze_it() -> None:
    async def story(office: Office) -> None:
        for number in range(40):
            office.journal.put(
                CallRecord(f"CA{number}", "+1", "p", "en", 0.0, ended_at=9.0, outcome="automated")
            )
            office.figures.supervision.handle(WRONG, office.clock.now())
        await asyncio.sleep(REST * SAMPLE + 1.0)
        assert office.screen.told == ["+under_routed"]
        assert office.budget == []

    play(story)


def test_scored_exercises_make_the_shift_curve() -> None:
    async def story(office: Office) -> None:
        for number in range(30):
            office.figures.scored(f"op{number % 6}", 1.0, right=True)
        await asyncio.sleep(0.01)
        assert office.figures.shift().bins[0].accuracy.value == 1.0

    play(story)


def test_a_full_inbox_costs_a_figure_and_nothing_else() -> None:
    async def story(office: Office) -> None:
        for _ in range(service.INBOX_SIZE + 10):
            office.figures.scored("ana", 1.0, right=True)
        await asyncio.sleep(0.01)
        assert office.figures.shift().bins[0].accuracy.n == service.INBOX_SIZE

    play(story)
