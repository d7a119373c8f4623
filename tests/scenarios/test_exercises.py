"""A calibration exercise before a real approval or audit, in whole calls on virtual time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from handoff.approvals import Answer, ApprovalRecord, Approve, Reject, Show
from handoff.audit import AuditRecord
from handoff.events import Effect
from handoff.policy import Policy
from tests.support import virtual
from tests.support.scripted import ScriptedAgent
from tests.support.world import Operator, World, a_world
from voice_hitl.agent.protocol import Proposal
from voice_hitl.call.exercising import OTHERWISE, Past
from voice_hitl.call.exercising_audits import PastAudit

PAY = Proposal("a1", "transfer", {"amount": "50"}, Effect.IRREVERSIBLE, "move 50 dollars")
POLICY: dict[str, Any] = {
    "oversight": {"actions": {"transfer": {"mode": "in"}}},
    "care": {"exercise_every": 1},
}
AUDITED: dict[str, Any] = {
    "audit": {"uniform": 1, "by_risk": 0},
    "care": {"exercise_every": 1, "exercises_per_hour": 1},
}


async def a_call(world: World, ana: Operator, answers: list[Answer]) -> list[Show]:
    """A caller asks for the transfer; ana answers what she is shown, in this order."""
    caller = await world.call()
    await caller.hears_the_end()
    await caller.says("move the money")
    cards = world.screen.asked.setdefault("ana", {})
    await world.until(lambda: len(cards) == len(answers))
    asked = list(cards.values())
    for ask, answer in zip(asked, answers, strict=True):
        ana.answers(ask, answer)
    await caller.hears("I have moved")
    cards.clear()
    await caller.hears_the_end()
    await caller.says("goodbye")
    await world.until(lambda: not caller.live)
    return asked


def test_an_exercise_comes_first_is_scored_and_touches_no_call() -> None:
    worlds: list[World] = []

    async def main() -> None:
        agent = ScriptedAgent(action=PAY)
        async with a_world(agent, Policy.from_mapping(POLICY, "test")) as world:
            worlds.append(world)
            ana = world.operator("ana")
            (first,) = await a_call(world, ana, [Approve()])
            await world.journal.flush()
            (kept,) = await world.store.machine_records("approvals")
            record = ApprovalRecord.from_dict(kept.detail)
            another = replace(record, by="sue")  # ana would know her own
            world.workplace.exercises.add(Past(another, OTHERWISE))
            exercise, real = await a_call(world, ana, [Reject("no"), Approve()])
            assert exercise.approval_id not in (first.approval_id, real.approval_id)
            assert exercise.record.proposal == first.record.proposal
            assert exercise.record.deadline == real.record.deadline
            assert world.screen.exercises == [("ana", True)]
            assert world.approvals.gate.record(exercise.approval_id) is None
            figures = world.workplace.figures.figures()
            assert (figures.override_rate.n, agent.acted) == (2, ["normal", "normal"])
            assert sum(each.accuracy.n for each in world.workplace.figures.shift().bins) == 1
            await a_call(world, ana, [Approve()])  # she knows that one now

    virtual.run(main())
    labels = asyncio.run(worlds[0].store.labels())
    assert [(label.source, label.value) for label in labels] == [("approval", False)] * 3


def test_an_exercise_comes_in_place_of_the_next_audit_and_makes_no_label() -> None:
    worlds: list[World] = []

    async def main() -> None:
        policy = Policy.from_mapping(AUDITED, "test")
        async with a_world(policy=policy) as world:
            worlds.append(world)
            ana, ben = world.operator("ana"), world.operator("ben")
            for _ in range(2):
                caller = await world.call()
                await caller.hears_the_end()
                await caller.says("what is my balance")
                await caller.hears_the_end()
                caller.hangs_up()
            await world.until(lambda: world.workplace.audits.audits.seen == 2)
            first = await ben.asks_to_audit()
            assert first is not None
            ben.judges(first, "wrong")
            await world.until(lambda: ("ben", "answered") in world.screen.audited)
            await world.journal.flush()
            found = await world.store.machine_record("audit", first.audit_id)
            assert found is not None
            record = AuditRecord.from_dict(found.detail)
            world.workplace.audit_exercises.add(PastAudit(record, "right"))

            exercise = await ana.asks_to_audit()
            assert exercise is not None
            assert (exercise.call_id, exercise.summary) == (first.call_id, first.summary)
            ana.judges(exercise, "right")
            await world.until(lambda: ("ana", "exercise_right") in world.screen.audited)
            real = await ana.asks_to_audit()
            assert real is not None
            assert real.call_id != first.call_id
            ana.judges(real, "right")
            await world.until(lambda: ("ana", "answered") in world.screen.audited)
            assert sum(each.accuracy.n for each in world.workplace.figures.shift().bins) == 1

    virtual.run(main())
    labels = asyncio.run(worlds[0].store.labels())
    assert sorted((label.by, label.value) for label in labels) == [("ana", False), ("ben", True)]
