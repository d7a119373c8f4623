from __future__ import annotations

from voice_hitl.call.latency import BUDGETS, Stage, TurnClock


def test_every_stage_has_a_budget_whose_tail_is_looser() -> None:
    assert set(BUDGETS) == set(Stage)
    assert all(budget.p50 < budget.p95 for budget in BUDGETS.values())


def test_a_stage_is_measured_once_from_the_first_moments() -> None:
    clock = TurnClock()
    assert clock.between(Stage.REPLY, "final", "sentence") is None
    clock.moment("final", 1.0)
    clock.moment("final", 5.0)
    clock.moment("sentence", 1.25)
    assert clock.between(Stage.REPLY, "final", "sentence") == 250.0
    assert clock.between(Stage.REPLY, "final", "sentence") is None
    assert clock.stages == {Stage.REPLY: 250.0}
