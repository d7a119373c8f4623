from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.events import (
    BridgeUp,
    CallEvent,
    DigitPressed,
    FloorReported,
    OperatorAssigned,
    ServerDraining,
)
from handoff.learning import CallValues, Marks, Shortage, call_values, propose_marks
from handoff.learning.marks import routed_share
from handoff.policy import Hysteresis, Policy
from handoff.replay import RecordedEngine
from handoff.risk import SHIPPED
from handoff.testing import a_bad_turn, a_call, a_turn

MARKS = Policy().hysteresis
CALLS = st.lists(
    st.builds(CallValues, st.lists(st.floats(-5, 15), max_size=8).map(tuple), st.just(False)),
    min_size=1,
    max_size=30,
)


def calls_at(level: float, count: int = 300, hard: int = 0) -> list[CallValues]:
    """Calls of three turns whose values lie about `level`; the first `hard` go by a trigger."""
    random = np.random.default_rng(1)
    values = random.normal(level, 2.0, (count, 3)).tolist()
    return [CallValues(tuple(row), number < hard) for number, row in enumerate(values)]


def test_values_go_on_where_the_rule_called_a_person() -> None:
    engine = RecordedEngine(a_call(), Policy(), 0.0)
    engine.handle(a_turn(1), 1.0)
    engine.handle(a_bad_turn(2), 2.0)
    assert not engine.answering
    engine.handle(a_turn(3), 3.0)
    found = call_values(engine.take_facts(), Policy(), SHIPPED)
    assert len(found.values) == 3
    assert found.values[1] > MARKS.high > 0 > found.values[0]
    assert not found.hard


def test_what_the_budget_charged_then_is_not_in_the_values() -> None:
    def values(price: float, wait: float = 5.0) -> tuple[float, ...]:
        engine = RecordedEngine(a_call(), Policy(), 0.0)
        engine.handle(FloorReported(wait, price), 0.5)
        engine.handle(a_turn(1), 1.0)
        engine.handle(a_bad_turn(2), 2.0)
        return call_values(engine.take_facts(), Policy(), SHIPPED).values

    assert values(8.0) == values(Policy().costs.price)
    assert values(0.0, wait=80.0) < values(0.0), "what waiting costs is"


@pytest.mark.parametrize(("last", "hard"), [(DigitPressed("0"), True), (None, False)])
def test_values_end_where_someone_came(last: DigitPressed | None, hard: bool) -> None:
    engine = RecordedEngine(a_call(), Policy(), 0.0)
    engine.handle(a_turn(1), 1.0)
    if last is not None:
        engine.handle(last, 2.0)
    engine.handle(OperatorAssigned("ann", "Ann", 1), 3.0)
    engine.handle(BridgeUp("ann", 1), 4.0)
    engine.handle(a_turn(2), 5.0)
    found = call_values(engine.take_facts(), Policy(), SHIPPED)
    assert (len(found.values), found.hard) == (1, hard)


def test_a_takeover_is_no_hard_trigger_and_what_is_decided_in_between_no_turn() -> None:
    engine = RecordedEngine(a_call(), Policy(), 0.0)
    engine.handle(ServerDraining(), 0.5)
    in_hand = OperatorAssigned("ann", "Ann", 1)
    events: list[CallEvent] = [a_turn(1), DigitPressed("0"), a_turn(2), in_hand]
    for now, event in enumerate(events, 1):
        engine.handle(event, float(now))
    found = call_values(engine.take_facts(), Policy(), SHIPPED)
    assert (len(found.values), found.hard) == (2, False)


def test_too_many_handoffs_raise_both_marks_as_little_as_will_do() -> None:
    calls = calls_at(0.0)
    found = propose_marks(calls, Policy())
    assert isinstance(found, Marks)
    assert found.share_before > 0.3
    assert found.share_after <= 0.15
    assert found.high - MARKS.high == pytest.approx(found.low - MARKS.low)
    step_back = Hysteresis(high=found.high - 0.02, low=found.low - 0.02)
    assert routed_share(calls, step_back) > 0.15, "no smaller move would do"
    applied = MARKS.model_copy(update=found.diff["hysteresis"])
    assert routed_share(calls, applied) == found.share_after


def test_too_few_handoffs_lower_the_mark_but_never_below_what_is_worth_it() -> None:
    found = propose_marks(calls_at(-3.2), Policy())
    assert isinstance(found, Marks)
    assert found.share_before < 0.05 <= found.share_after
    assert 0 <= found.low <= found.high < MARKS.high
    assert propose_marks(calls_at(-20.0), Policy()) is None, "nothing is worth a handoff"


def test_within_the_band_or_beyond_help_nothing_is_proposed() -> None:
    assert propose_marks(calls_at(-2.3), Policy()) is None
    assert propose_marks(calls_at(-20.0, hard=90), Policy()) is None, "hard triggers come first"
    assert propose_marks(calls_at(0.0), Policy(rule="simple")) is None
    assert propose_marks(calls_at(0.0, count=99), Policy()) == Shortage("recorded calls", 99, 100)


@given(CALLS, st.floats(0, 10), st.floats(0, 10))
def test_higher_marks_never_route_more(calls: list[CallValues], low: float, by: float) -> None:
    one = Hysteresis(high=low + 2, low=low)
    other = Hysteresis(high=low + 2 + by, low=low + by)
    assert routed_share(calls, other) <= routed_share(calls, one)
