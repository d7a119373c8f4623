from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff.budget import (
    AT_LEAST,
    AT_MOST,
    WORDS,
    AlarmCleared,
    AlarmRaised,
    Budget,
    BudgetChanged,
    BudgetCommand,
    BudgetEvent,
    BudgetRecord,
    BudgetState,
    CallCounted,
    KeepBudget,
)
from handoff.commands import DecisionKind
from handoff.errors import PolicyError, ProtocolError
from handoff.policy import Policy

COUNTED = {routed: CallCounted(routed) for routed in (None, *DecisionKind)}


def policy(**budget: float | bool) -> Policy:
    return Policy.from_mapping({"budget": budget}, "test")


def state_of(budget: Budget) -> BudgetState:
    """The state now; a call, so that mypy does not believe it to last."""
    return budget.state


def feed(budget: Budget, hard: int, soft: int, none: int) -> None:
    """So many calls of each kind, evenly mixed."""
    kinds = [DecisionKind.HARD] * hard + [DecisionKind.SOFT] * soft + [None] * none
    order = np.random.default_rng(3).permutation(len(kinds))
    for index in order:
        budget.handle(COUNTED[kinds[index]], 0.0)


def simulate(
    budget: Budget,
    calls: int,
    mean: float,
    spread: float,
    hard: float = 0.01,
    seed: int = 1,
    told: list[BudgetCommand] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """A call is routed where its V less the price is above 0. Returns who was routed, and the prices."""
    rng = np.random.default_rng(seed)
    values, triggers = rng.normal(mean, spread, calls), rng.random(calls) < hard
    routed, prices = np.zeros(calls), np.zeros(calls)
    for call in range(calls):
        kind = None
        if triggers[call]:
            kind = DecisionKind.HARD
        elif values[call] > budget.price:
            kind = DecisionKind.SOFT
        budget.handle(COUNTED[kind], float(call))
        routed[call], prices[call] = kind is not None, budget.price
    commands = budget.take_commands()
    if told is not None:
        told += commands
    return routed, prices


# --- simulation: does it settle, and stay settled? ------------------------------------------


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("mean", "spread"), [(0.0, 1.0), (1.0, 3.0), (-1.0, 2.0), (4.0, 4.0)])
def test_too_many_handoffs_settle_in_the_band(mean: float, spread: float, seed: int) -> None:
    budget = Budget(policy())
    told: list[BudgetCommand] = []
    routed, prices = simulate(budget, 8000, mean, spread, seed=seed, told=told)
    assert routed[:200].mean() > 0.15
    for start in range(4000, 8000, 1000):
        assert 0.05 <= routed[start : start + 1000].mean() <= 0.17
    assert 0.05 <= routed[4000:].mean() <= 0.155
    changes = [c for c in told if isinstance(c, BudgetChanged)]
    assert len(changes) < 30  # 8,000 calls: the dashboard does not flicker
    # No oscillation: once there, the price moves less than a fifth of the spread of V.
    assert prices[4000:].std() < 0.2 * spread


def test_too_few_settle_in_the_band_where_the_price_may_fall_below_zero() -> None:
    budget = Budget(policy(min_price=-20))
    routed, prices = simulate(budget, 10_000, -6.0, 2.0, hard=0.005)
    assert routed[:200].mean() < 0.02
    assert 0.045 <= routed[6000:].mean() <= 0.15
    assert -6 < prices[-1] < 0 and prices[6000:].std() < 0.4


def test_a_price_of_zero_is_the_least_by_default_and_said() -> None:
    budget = Budget(policy())
    simulate(budget, 1000, -6.0, 1.0, hard=0.0)
    assert (budget.price, budget.state, budget.words) == (0.0, BudgetState.BELOW, AT_LEAST)


def test_a_step_in_the_traffic_is_followed_both_ways() -> None:
    budget = Budget(policy())
    simulate(budget, 6000, 0.0, 2.0)
    calm = budget.price
    worse, _ = simulate(budget, 8000, 3.0, 2.0, seed=2)
    assert worse[:200].mean() > 0.25
    assert 0.05 <= worse[5000:].mean() <= 0.16 and budget.price > calm + 1.5
    better, _ = simulate(budget, 12_000, 0.0, 2.0, seed=3)
    assert better[:500].mean() < 0.05
    assert 0.045 <= better[8000:].mean() <= 0.15


def test_no_wind_up_at_the_highest_price() -> None:
    budget = Budget(policy(max_price=2.0))
    simulate(budget, 6000, 9.0, 1.0)
    assert (budget.price, budget.state, budget.words) == (2.0, BudgetState.ABOVE, AT_MOST)
    _, prices = simulate(budget, 1200, 0.0, 1.0)
    # What was out of reach left nothing behind: the price comes down as soon as the window shows it.
    assert prices[-1] < 2.0


def test_the_same_calls_give_the_same_prices() -> None:
    first = simulate(Budget(policy()), 2000, 1.0, 2.0)[1]
    assert (first == simulate(Budget(policy()), 2000, 1.0, 2.0)[1]).all()


# --- alarms, conflict, off ------------------------------------------------------------------


def test_alarms_freeze_the_price_and_leave_no_debt() -> None:
    budget = Budget(policy())
    simulate(budget, 2000, 1.0, 2.0)
    budget.handle(AlarmRaised("overrides"), 2000.0)
    budget.handle(AlarmRaised("emergency"), 2001.0)
    assert (budget.state, budget.since) == (BudgetState.FROZEN, 2000.0)
    before = budget.price
    _, prices = simulate(budget, 1000, 6.0, 1.0)
    assert (prices == before).all()
    budget.handle(AlarmCleared("overrides"), 3001.0)
    assert state_of(budget) is BudgetState.FROZEN
    budget.handle(AlarmCleared("emergency"), 3002.0)
    assert state_of(budget) is BudgetState.ABOVE and budget.price == before
    budget.handle(CallCounted(DecisionKind.SOFT), 3003.0)
    assert before < budget.price < before + 0.05  # one step, not a thousand


def test_hard_triggers_beyond_the_band_make_it_yield() -> None:
    budget = Budget(policy())
    simulate(budget, 4000, 1.0, 2.0)
    raised = budget.price
    assert raised > 1
    feed(budget, hard=60, soft=0, none=140)
    assert state_of(budget) is BudgetState.CONFLICT and budget.words == WORDS[BudgetState.CONFLICT]
    for _ in range(5):
        feed(budget, hard=60, soft=0, none=140)
    assert budget.price == 0.0  # back to where it started: it does not starve what is soft
    budget.handle(AlarmRaised("emergency"), 1.0)
    assert state_of(budget) is BudgetState.CONFLICT  # an alarm does not hide it
    budget.handle(AlarmCleared("emergency"), 2.0)
    feed(budget, hard=10, soft=10, none=180)
    assert state_of(budget) is BudgetState.WITHIN


def test_an_alarm_holds_the_price_in_a_conflict_as_well() -> None:
    budget = Budget(policy())
    simulate(budget, 3000, 1.0, 2.0)
    budget.handle(AlarmRaised("emergency"), 0.0)
    before = budget.price
    feed(budget, hard=60, soft=0, none=140)
    assert budget.state is BudgetState.CONFLICT and budget.price == before > 0


def test_conflict_does_not_flap_at_the_edge() -> None:
    budget = Budget(policy())
    feed(budget, hard=31, soft=0, none=169)
    assert state_of(budget) is BudgetState.CONFLICT
    feed(budget, hard=29, soft=0, none=171)
    assert state_of(budget) is BudgetState.CONFLICT
    feed(budget, hard=26, soft=0, none=174)
    assert state_of(budget) is BudgetState.WITHIN


def test_switched_off_it_keeps_the_policys_price() -> None:
    off = Budget(Policy.from_mapping({"budget": {"enabled": False}, "costs": {"price": 3}}, "test"))
    simulate(off, 500, 9.0, 1.0)
    assert (off.price, off.state) == (3.0, BudgetState.OFF)


def test_few_calls_move_nothing() -> None:
    budget = Budget(policy(window=200))
    for _ in range(49):
        budget.handle(CallCounted(DecisionKind.SOFT), 0.0)
    assert (budget.price, budget.state, budget.share.value) == (0.0, BudgetState.STARTING, None)
    budget.handle(CallCounted(DecisionKind.SOFT), 7.0)
    assert state_of(budget) is BudgetState.ABOVE and budget.share.value == 1.0
    assert budget.since == 7.0 and budget.price > 0


# --- commands, records ----------------------------------------------------------------------


def test_a_change_of_state_is_told_once() -> None:
    budget = Budget(policy())
    feed(budget, hard=0, soft=20, none=180)
    told = [c for c in budget.take_commands() if isinstance(c, BudgetChanged)]
    assert told[-1].state is BudgetState.WITHIN and told[-1].words == WORDS[BudgetState.WITHIN]
    feed(budget, hard=0, soft=20, none=180)
    assert all(isinstance(c, KeepBudget) for c in budget.take_commands())
    assert budget.next_deadline() is None


events = st.one_of(
    st.sampled_from(list(COUNTED.values())),
    st.sampled_from([AlarmRaised("a"), AlarmCleared("a"), AlarmRaised("b"), AlarmCleared("b")]),
)


@settings(max_examples=50)
@given(
    st.lists(events, max_size=150), st.lists(st.sampled_from(list(COUNTED.values())), max_size=60)
)
def test_any_events_keep_the_price_bounded_and_a_restart_loses_nothing(
    before: list[BudgetEvent], after: list[BudgetEvent]
) -> None:
    rules = policy(window=20, gain=5.0, max_price=4.0, min_price=-1.0)
    budget = Budget(rules)
    for event in before:
        frozen, price = budget.state is BudgetState.FROZEN, budget.price
        budget.handle(event, 0.0)
        assert -1 <= budget.price <= 4
        if frozen and isinstance(event, CallCounted):
            assert budget.price == price
    budget.handle(AlarmCleared("a"), 0.0)
    budget.handle(AlarmCleared("b"), 0.0)
    kept = [c.record for c in budget.take_commands() if isinstance(c, KeepBudget)]
    again = Budget(rules, kept[-1] if kept else None)
    for event in after:
        budget.handle(event, 0.0)
        again.handle(event, 0.0)
    if BudgetState.CONFLICT not in (
        budget.state,
        again.state,
    ):  # which side of its edge is not kept
        assert again.share == budget.share


def test_what_it_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="'x' is not one of"):
        Budget(policy(), BudgetRecord(0.0, "nnx"))
    with pytest.raises(ProtocolError, match="no event str"):
        Budget(policy()).handle("soft", 0.0)  # type: ignore[arg-type]
    with pytest.raises(PolicyError, match="'high' must be above 'low'"):
        policy(low=0.2, high=0.1)


def test_takeovers_count_in_the_share_and_not_as_hard_triggers() -> None:
    budget = Budget(policy(window=40))
    for number in range(40):
        budget.handle(CallCounted(DecisionKind.TAKEN_OVER if number % 4 == 0 else None), 0.0)
    assert (budget.share.value, budget.hard_share.value) == (0.25, 0.0)
