"""A floor's shell with all that it tells, for tests that have no workplace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
    watch = CareService(care, clock, journal, consoles)
    return FloorService(desk, clock, journal, consoles, find_call, watch, costs)
