from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from handoff.audit import (
    AuditItem,
    AuditorAnswers,
    AuditorAsks,
    AuditRecord,
    Audits,
    AuditState,
    AuditVerdict,
)
from handoff.errors import StorageError
from handoff.policy import Policy
from handoff.ports import MachineRecord, Record
from handoff.testing import MemoryStore
from tests.support import virtual
from tests.support.flooring import WorkFloor
from voice_hitl.call.auditing import AuditService
from voice_hitl.call.exercising_audits import (
    MACHINE,
    SERVED,
    AuditExercises,
    PastAudit,
    Truth,
)
from voice_hitl.call.journal import Journal
from voice_hitl.clock import Clock

POLICY = Policy.from_mapping(
    {"care": {"exercise_every": 1, "exercises_per_hour": 2}, "audit": {"uniform": 1, "lease": 60}},
    "test",
)
NEVER = Policy.from_mapping({"care": {"exercise_every": 0}, "audit": {"uniform": 1}}, "test")


def item(name: str = "CA1:1") -> AuditItem:
    return AuditItem(name, "decision", name[:3], 1, "automatic", "", 0.2, f"said in {name}")


def past(name: str = "OLD:1", truth: Truth = "wrong") -> PastAudit:
    record = AuditRecord(item(name), AuditState.DONE, 0.5, 1, 0.2, auditor="sue", verdict="wrong")
    return PastAudit(replace(record, item=replace(record.item, handled_by=("hal",))), truth)


def other_record() -> AuditRecord:
    """Of an audit that another judged."""
    return replace(past("OLD:2").record, auditor="tom")


class SlowStore(MemoryStore):
    """Takes its time."""

    takes = 0.0  # seconds

    async def save(self, records: Sequence[Record]) -> None:
        await asyncio.sleep(self.takes)
        await super().save(records)


class Screen:
    """Consoles that keep what they were shown (`AuditConsole`)."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, AuditItem | None, float]] = []
        self.over: list[tuple[str, str]] = []

    def audit_shown(self, operator_id: str, item: AuditItem | None, seconds: float) -> None:
        self.shown.append((operator_id, item, round(seconds)))

    def audit_over(self, operator_id: str, audit_id: str, reason: str) -> None:
        self.over.append((operator_id, reason))


@dataclass
class Shop:
    """Audits with exercises among them; one real audit, of CA1, waits."""

    service: AuditService
    exercises: AuditExercises
    screen: Screen
    floor: WorkFloor
    store: MemoryStore
    scored: list[tuple[str, float, bool]]

    async def asks(self, operator: str = "ana") -> AuditItem | None:
        self.service.post(AuditorAsks(operator))
        await asyncio.sleep(0.1)
        return self.screen.shown[-1][1]

    async def judges(self, about: AuditItem, verdict: AuditVerdict, by: str = "ana") -> None:
        self.service.post(AuditorAnswers(about.audit_id, by, verdict))
        await asyncio.sleep(0.1)


@asynccontextmanager
async def a_shop(
    *bank: PastAudit, policy: Policy = POLICY, store: MemoryStore | None = None
) -> AsyncIterator[Shop]:
    store, screen, floor, clock = store or MemoryStore(), Screen(), WorkFloor(), Clock(epoch=0.0)
    journal = Journal(store)
    kept = [*await store.machine_records(MACHINE), *await store.machine_records(SERVED)]
    scored: list[tuple[str, float, bool]] = []
    exercises = AuditExercises(
        policy,
        b"key",
        kept,
        clock,
        journal,
        screen,
        floor,
        lambda _: 12.0,
        lambda *each: scored.append(each),
    )
    audits = Audits(policy, key=b"key")
    service = AuditService(audits, clock, journal, screen, lambda _: True, floor, exercises)
    running = [journal.run(), service.run(), exercises.run()]
    tasks = [asyncio.create_task(each) for each in running]
    try:
        for each in bank:
            exercises.add(each)
        service.automated(item())
        await asyncio.sleep(0.1)
        yield Shop(service, exercises, screen, floor, store, scored)
        await journal.flush()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize(
    ("verdict", "told", "right"),
    [("wrong", "exercise_right", True), ("right", "exercise_wrong", False)],
)
def test_one_comes_in_place_of_the_next_audit_and_its_verdict_is_scored(
    verdict: AuditVerdict, told: str, right: bool
) -> None:
    async def main() -> MemoryStore:
        async with a_shop(past()) as shop:
            exercise = await shop.asks()
            assert exercise is not None
            assert exercise.summary == "said in OLD:1"
            assert exercise.audit_id != "OLD:1"
            assert exercise.handled_by == ()
            assert shop.screen.shown == [("ana", exercise, 60)]
            assert shop.floor.in_hand == [("ana", exercise.audit_id, "audit")]
            await shop.judges(exercise, verdict)
            assert shop.screen.over == [("ana", told)]
            assert shop.scored == [("ana", 12.0, right)]
            assert shop.floor.in_hand == []
            await shop.judges(exercise, verdict)
            assert shop.screen.over[1:] == [("ana", "lapsed")], "a second verdict does not count"
            assert await shop.asks() == item(), "the real one has waited"
            return shop.store

    store = virtual.run(main())
    assert asyncio.run(store.labels()) == [], "it says nothing of the AI"
    (kept,) = asyncio.run(store.machine_records(SERVED))
    assert (kept.state, kept.detail["right"], kept.detail["minutes"]) == ("answered", right, 12.0)
    (logged,) = asyncio.run(store.events())
    assert (logged.action, logged.actor) == ("exercise.answered", "ana")


def test_whoever_asks_again_is_shown_the_same_one_with_what_is_left_of_its_time() -> None:
    async def main() -> None:
        async with a_shop(past()) as shop:
            first = await shop.asks()
            await asyncio.sleep(20.0)
            assert await shop.asks() == first
            assert shop.screen.shown[-1][2] == 40
            await asyncio.sleep(50.0)
            assert shop.screen.over == [("ana", "lapsed")]
            assert shop.scored == []
            assert shop.floor.in_hand == []

    virtual.run(main())


@pytest.mark.parametrize("operator", ["sue", "hal"])
def test_who_judged_it_or_had_a_part_in_its_call_gets_the_real_one(operator: str) -> None:
    async def main() -> None:
        async with a_shop(past()) as shop:
            assert await shop.asks(operator) == item()

    virtual.run(main())


def test_who_knows_one_gets_another() -> None:
    async def main() -> None:
        async with a_shop(past(), replace(past("OLD:2"), record=other_record())) as shop:
            exercise = await shop.asks("sue")
            assert exercise is not None
            assert exercise.summary == "said in OLD:2"

    virtual.run(main())


@pytest.mark.parametrize("leaves", [True, False])
def test_none_is_shown_to_who_has_left_before_it_is_stored_that_they_see_it(leaves: bool) -> None:
    async def main() -> None:
        store = SlowStore()
        async with a_shop(past(), store=store) as shop:
            store.takes = 0.5
            shop.service.post(AuditorAsks("ana"))
            await asyncio.sleep(0.1)
            assert shop.screen.shown == []
            if leaves:
                shop.exercises.left("ana")
            await asyncio.sleep(1.0)
            assert len(shop.screen.shown) == len(shop.floor.in_hand) == (not leaves)
            assert shop.screen.over == []

    virtual.run(main())


def test_none_comes_where_no_real_one_waits_nor_where_the_policy_wants_none() -> None:
    async def main() -> None:
        async with a_shop(past(), policy=NEVER) as shop:
            assert await shop.asks("ben") == item()
        async with a_shop(policy=POLICY) as shop:
            assert await shop.asks("ben") == item()
            shop.exercises.add(past())
            assert await shop.asks("ben") == item(), "it is in hand"
            assert await shop.asks("ana") is None, "nothing else waits"

    virtual.run(main())


def test_nobody_answers_for_others_and_doubt_or_leaving_scores_nobody() -> None:
    async def main() -> None:
        async with a_shop(past(), past("OLD:2")) as shop:
            exercise = await shop.asks()
            assert exercise is not None
            await shop.judges(exercise, "right", by="ben")
            assert shop.screen.over == [("ben", "not_yours")]
            await shop.judges(exercise, "unsure")
            assert shop.screen.over[1:] == [("ana", "answered")]
            other = await shop.asks()
            assert other is not None
            assert other.summary == "said in OLD:2" or exercise.summary == "said in OLD:2"
            shop.exercises.left("ana")
            assert shop.screen.over[2:] == [("ana", "lapsed")]
            assert shop.scored == []

    virtual.run(main())


def test_the_bank_and_who_saw_what_outlive_the_server() -> None:
    async def main() -> None:
        async with a_shop(past()) as shop:
            await shop.asks()
            store = shop.store
        await store.save(
            [
                MachineRecord(MACHINE, "bad", 1.0, "kept", detail={"truth": "perhaps"}),
                MachineRecord(SERVED, "bad", 1.0, "served", detail={}),
            ]
        )
        async with a_shop(store=store) as shop:
            assert await shop.asks("ana") == item(), "she has seen the only one"
        async with a_shop(store=store) as shop:
            found = await shop.asks("ben")
            assert found is not None
            assert found.summary == "said in OLD:1"

    virtual.run(main())


def test_an_exercise_is_kept_as_it_is() -> None:
    assert PastAudit.of(past().kept(1.0)) == past()
    for detail in ({}, {"truth": "right"}, {"truth": "unsure", "record": {}}):
        with pytest.raises(StorageError):
            PastAudit.of(MachineRecord(MACHINE, "x", 1.0, "kept", detail=detail))
