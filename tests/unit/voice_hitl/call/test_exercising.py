from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.approvals import (
    Answer,
    Answered,
    ApprovalRecord,
    Approve,
    Outcome,
    Reject,
    Respond,
    Show,
    State,
    digest,
)
from handoff.errors import StorageError
from handoff.events import Effect
from handoff.oversight import Mode, Proposal
from handoff.policy import Policy
from handoff.ports import MachineRecord, Record
from handoff.testing import MemoryStore
from tests.support import virtual
from voice_hitl.call import journal as journal_module
from voice_hitl.call.exercising import (
    APPROVE,
    MACHINE,
    OTHERWISE,
    SERVED,
    ExerciseService,
    Past,
    nobodys_number,
)
from voice_hitl.call.journal import Journal
from voice_hitl.clock import Clock

ALWAYS = Policy.from_mapping({"care": {"exercise_every": 1, "exercises_per_hour": 60}}, "test")
NEVER = Policy.from_mapping({"care": {"exercise_every": 0}}, "test")


def approval(approval_id: str, at: float, amount: str = "50") -> ApprovalRecord:
    arguments = {"amount": amount}
    return ApprovalRecord(
        approval_id=approval_id,
        proposal=Proposal("a1", "CA1", "transfer", arguments, Effect.IRREVERSIBLE, "move it"),
        mode=Mode.IN,
        risk=50,
        reasons=(),
        arguments=arguments,
        digest=digest("transfer", arguments),
        asked_at=at,
        escalate_at=at + 20.0,
        deadline=at + 40.0,
        due_at=at + 20.0,
        silence_consents=False,
    )


def past(approval_id: str = "old", truth: str = OTHERWISE) -> Past:
    """An approval of yesterday, edited, refused and over."""
    over = replace(
        approval(approval_id, 5.0, amount="70"),
        arguments={"amount": "7"},
        state=State.CLOSED,
        outcome=Outcome.REJECTED,
        by="sue",
        words="too much",
    )
    return Past(over, truth)


class SlowStore(MemoryStore):
    """Takes its time."""

    takes = 0.0  # seconds

    async def save(self, records: Sequence[Record]) -> None:
        await asyncio.sleep(self.takes)
        await super().save(records)


@dataclass
class Screen:
    """What operators are told (`ExerciseConsole`)."""

    asked: list[tuple[Show, float, str]] = field(default_factory=list)
    over: list[tuple[str, str, bool | None]] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)

    def exercise_asked(self, ask: Show, seconds: float, caller: str) -> None:
        self.asked.append((ask, seconds, caller))

    def exercise_over(self, operator_id: str, approval_id: str, right: bool | None) -> None:
        self.over.append((operator_id, approval_id, right))

    def answer_refused(self, operator_id: str, approval_id: str, why: str) -> None:
        self.refused.append((operator_id, why))


class Office:
    """The service with all that it is joined to."""

    def __init__(
        self, store: MemoryStore, policy: Policy, kept: Iterable[MachineRecord] = ()
    ) -> None:
        self.clock = Clock(epoch=1_700_000_000.0)
        self.journal = Journal(store)
        self.screen = Screen()
        self.scored: list[tuple[str, float, bool]] = []
        self.exercises = ExerciseService(
            policy,
            b"key",
            kept,
            self.clock,
            self.journal,
            self.screen,
            lambda _: 12.0,
            lambda *scored: self.scored.append(scored),
        )

    async def real_comes(self, operator: str = "ana", second: bool = False) -> None:
        record = approval("real", self.clock.now())
        await self.exercises.before(Show("real", operator, record, second))

    def answers(self, answer: Answer, operator: str = "ana", seen: str = "") -> bool:
        ask = self.screen.asked[-1][0]
        event = Answered(ask.approval_id, operator, seen or ask.record.digest, answer)
        return self.exercises.answered(event)


def play(
    story: Callable[[Office], Awaitable[None]],
    policy: Policy = ALWAYS,
    store: MemoryStore | None = None,
    kept: Iterable[MachineRecord] = (),
) -> Office:
    offices: list[Office] = []

    async def main() -> None:
        office = Office(store or MemoryStore(), policy, kept)
        offices.append(office)
        tasks = [
            asyncio.create_task(office.journal.run()),
            asyncio.create_task(office.exercises.run()),
        ]
        try:
            await story(office)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    virtual.run(main())
    return offices[0]


def test_an_exercise_looks_like_the_past_approval_when_it_was_asked_with_times_of_today() -> None:
    async def story(office: Office) -> None:
        office.exercises.add(past())
        await office.real_comes()
        ((ask, seconds, caller),) = office.screen.asked
        assert (ask.operator_id, ask.second) == ("ana", False)
        assert caller == nobodys_number(ask.approval_id)
        assert ask.approval_id == ask.record.approval_id != "old"
        assert ask.record.arguments == {"amount": "70"}
        assert ask.record.is_intact
        assert (ask.record.state, ask.record.outcome, ask.record.by) == (State.OPEN, None, "")
        assert seconds == pytest.approx(40.0, abs=0.01)
        assert ask.record.deadline - ask.record.asked_at == pytest.approx(40.0)
        assert office.answers(Reject("no"))

    play(story)


@pytest.mark.parametrize(
    ("truth", "answer", "right"),
    [
        (OTHERWISE, Reject("no"), True),
        (OTHERWISE, Respond("come to the branch"), True),
        (OTHERWISE, Approve(), False),
        (APPROVE, Approve(), True),
        (APPROVE, Reject("no"), False),
    ],
)
def test_an_answer_is_scored_and_its_operator_told(truth: str, answer: Answer, right: bool) -> None:
    store = MemoryStore()

    async def story(office: Office) -> None:
        office.exercises.add(past(truth=truth))
        await office.real_comes()
        assert office.answers(answer)
        ((operator, approval_id, told),) = office.screen.over
        assert (operator, told) == ("ana", right)
        assert approval_id == office.screen.asked[0][0].approval_id
        assert office.scored == [("ana", 12.0, right)]
        assert office.answers(answer)
        assert office.screen.refused == [("ana", "late")]

    play(story, store=store)
    (logged,) = asyncio.run(store.events())
    assert (logged.action, logged.actor, logged.detail["right"]) == (
        "exercise.answered",
        "ana",
        right,
    )
    assert asyncio.run(store.labels()) == []  # it says nothing of the AI


def test_answers_of_others_and_to_other_arguments_do_not_count() -> None:
    async def story(office: Office) -> None:
        office.exercises.add(past())
        await office.real_comes()
        assert office.answers(Approve(), operator="bob")
        assert office.answers(Approve(), seen="0" * 64)
        assert office.screen.refused == [("bob", "not_yours"), ("ana", "stale_digest")]
        assert office.scored == []
        assert not office.exercises.answered(Answered("real", "ana", "0" * 64, Approve()))

    play(story)


def test_what_nobody_answers_lapses_and_scores_nobody() -> None:
    async def story(office: Office) -> None:
        office.exercises.add(past())
        await office.real_comes()
        await asyncio.sleep(39.0)
        assert office.screen.over == []
        await asyncio.sleep(2.0)
        assert [right for _, _, right in office.screen.over] == [None]
        assert office.scored == []

    play(story)


def test_who_leaves_is_asked_nothing_any_more() -> None:
    async def story(office: Office) -> None:
        office.exercises.add(past())
        await office.real_comes()
        office.exercises.presence("bob", "gone")
        office.exercises.presence("ana", "available")
        assert office.screen.over == []
        office.exercises.presence("ana", "in_call")
        assert len(office.screen.over) == 1
        await asyncio.sleep(60.0)
        assert len(office.screen.over) == 1

    play(story)


@pytest.mark.parametrize("presence", ["gone", "in_call"])
def test_who_leaves_before_it_is_stored_that_they_are_asked_is_not(presence: str) -> None:
    store = SlowStore()

    async def story(office: Office) -> None:
        office.exercises.add(past())
        office.exercises.add(past("older"))
        await asyncio.sleep(0.1)
        store.takes = 0.5
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(office.real_comes())
            await asyncio.sleep(0.2)
            office.exercises.presence("ana", presence)
        await office.real_comes()
        await asyncio.sleep(60.0)
        assert (office.screen.asked, office.screen.over) == ([], [])
        office.exercises.presence("ana", "available")
        await office.real_comes()
        ((_, seconds, _),) = office.screen.asked
        assert seconds == pytest.approx(39.5, abs=0.1), "what storing took is gone"

    play(story, store=store)


def test_one_that_cannot_be_stored_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    store = SlowStore()
    monkeypatch.setattr(journal_module, "STORED_WITHIN", 1.0)

    async def story(office: Office) -> None:
        office.exercises.add(past())
        await asyncio.sleep(0.1)
        store.takes = 5.0
        await office.real_comes()
        await asyncio.sleep(60.0)
        assert (office.screen.asked, office.screen.over) == ([], [])

    play(story, store=store)


def test_nobody_is_asked_what_they_answered_when_it_was_real() -> None:
    async def story(office: Office) -> None:
        office.exercises.add(past())
        await office.real_comes("sue")
        assert office.screen.asked == []

    play(story)


@pytest.mark.parametrize("policy", [NEVER, ALWAYS])
def test_no_exercise_comes_where_none_should_or_the_real_one_is_in_a_hurry(policy: Policy) -> None:
    async def story(office: Office) -> None:
        office.exercises.add(past())
        await office.real_comes(second=policy is ALWAYS)
        assert office.screen.asked == []

    play(story, policy)


def test_the_bank_and_who_saw_what_outlive_the_server() -> None:
    store = MemoryStore()

    async def first(office: Office) -> None:
        office.exercises.add(past("one"))
        await office.real_comes()

    async def second(office: Office) -> None:
        await office.real_comes()  # the only one there is, and she has seen it
        assert office.screen.asked == []
        await office.real_comes("bob")
        assert office.screen.asked[0][0].record.arguments == {"amount": "70"}
        office.answers(Reject("no"), "bob")

    play(first, store=store)

    async def left() -> list[MachineRecord]:
        return [
            *await store.machine_records(MACHINE),
            MachineRecord(MACHINE, "bad", 1.0, "kept", detail={}),
            *await store.machine_records(SERVED),
            MachineRecord(SERVED, "bad", 1.0, "served", detail={}),
        ]

    play(second, store=store, kept=asyncio.run(left()))


@given(st.text())
def test_a_number_to_show_is_nobodys_and_the_same_at_each_look(item_id: str) -> None:
    number = nobodys_number(item_id)
    assert re.fullmatch(r"\+1[2-9][2-8][0-9]55501[0-9]{2}", number)
    assert number == nobodys_number(item_id)


def test_an_exercise_is_kept_as_it_is() -> None:
    kept = past()
    assert Past.of(kept.kept(1.0)) == kept
    with pytest.raises(StorageError):
        Past.of(MachineRecord(MACHINE, "x", 1.0, "kept", detail={"record": {}}))
