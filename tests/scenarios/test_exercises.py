"""A calibration exercise before a real approval, in whole calls on virtual time."""

from __future__ import annotations

import asyncio
from typing import Any

from handoff.approvals import Answer, ApprovalRecord, Approve, Reject, Show
from handoff.events import Effect
from handoff.policy import Policy
from tests.support import virtual
from tests.support.scripted import ScriptedAgent
from tests.support.world import Operator, World, a_world
from voice_hitl.agent.protocol import Proposal
from voice_hitl.call.exercising import OTHERWISE, Past

PAY = Proposal("a1", "transfer", {"amount": "50"}, Effect.IRREVERSIBLE, "move 50 dollars")
POLICY: dict[str, Any] = {
    "oversight": {"actions": {"transfer": {"mode": "in"}}},
    "care": {"exercise_every": 1},
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
            world.workplace.exercises.add(Past(record, OTHERWISE, "+15550100"))
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
