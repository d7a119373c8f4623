"""A floor's shell with all that it tells, for tests that have no workplace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from handoff.approvals import Answered, Show
from handoff.budget import Budget
from handoff.care import Care
from handoff.desk import Desk
from handoff.policy import Policy
from voice_hitl.call.caring import CareService
from voice_hitl.call.costs import CostService
from voice_hitl.call.floor import FloorService
from voice_hitl.call.journal import Journal
from voice_hitl.clock import Clock


def a_floor(
    policy: Policy,
    clock: Clock,
    journal: Journal,
    consoles: Any,
    find_call: Callable[[str], Any],
    last_epoch: int = 0,
) -> FloorService:
    """Care and costs are told, but nobody runs them: nobody tires, no call hears of a change."""
    care = Care(policy)
    desk = Desk(policy, clock.now(), last_epoch=last_epoch, care=care)
    costs = CostService(policy, desk, Budget(policy), clock, journal, find_call)
    watch = CareService(care, clock, journal, consoles, nothing)
    return FloorService(desk, clock, journal, consoles, find_call, watch, costs, nothing, nothing)


def nothing(*_: object) -> None:
    """What whoever needs not be told does about it."""


class WorkFloor:
    """What a floor would hear (`WorkPort`), and who is `there` to be asked."""

    def __init__(self, *there: str) -> None:
        self.there = there
        self.in_hand: list[tuple[str, str, str]] = []  # operator, work, kind

    def free(self) -> tuple[str, ...]:
        return self.there

    def work_taken(self, operator_id: str, work_id: str, kind: str) -> None:
        self.in_hand.append((operator_id, work_id, kind))

    def work_done(self, operator_id: str, work_id: str) -> None:
        self.in_hand = [each for each in self.in_hand if each[:2] != (operator_id, work_id)]


class NoExercises:
    """Exercises where there are none (`ExercisePort`)."""

    async def before(self, real: Show) -> None:
        pass

    def answered(self, event: Answered) -> bool:
        return False
