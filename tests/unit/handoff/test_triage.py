from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff.brief import Memory
from handoff.commands import Decision, DecisionKind, Reason, Urgency
from handoff.errors import PolicyError
from handoff.events import HandoffRequested
from handoff.policy import Policy, Triage
from handoff.queue import Queue
from handoff.testing import a_call, a_decision
from handoff.triage import Band, band_of, head_start, moved, score, step

POLICY = Triage()
decisions = st.builds(
    replace,
    st.just(a_decision()),
    value=st.floats(-1e6, 1e6),
    risk=st.floats(0, 1),
    kind=st.sampled_from(DecisionKind),
    urgency=st.sampled_from(Urgency),
    reasons=st.lists(
        st.builds(Reason, st.sampled_from(["regulated", "repeats"]), st.just("x"), st.just(1.0)),
        max_size=3,
    ).map(tuple),
)


def a_soft(value: float, risk: float = 0.3) -> Decision:
    return replace(a_decision(), kind=DecisionKind.SOFT, value=value, risk=risk, reasons=())


@given(decisions)
def test_a_score_is_bounded_and_says_what_made_it(decision: Decision) -> None:
    found = score(decision, Policy())
    assert 0 <= found.points <= 100
    assert found.points == pytest.approx(min(100, math.fsum(points for _, points in found.parts)))
    assert found.band is band_of(found.points, POLICY)
    if decision.kind is not DecisionKind.SOFT:
        assert found.points >= POLICY.clear_below - 1e-9
    if decision.urgency is Urgency.CRITICAL:
        assert found.band is Band.SENIOR


@given(decisions, st.floats(0, 10), st.floats(0, 1))
def test_more_value_or_risk_never_lowers_a_score(
    decision: Decision, more: float, risk: float
) -> None:
    worse = replace(decision, value=decision.value + more, risk=max(decision.risk, risk))
    assert score(worse, Policy()).points >= score(decision, Policy()).points - 1e-9


def test_the_middle_of_the_scale_is_where_one_turn_starts_a_handoff() -> None:
    mark = Policy().hysteresis.high
    assert score(a_soft(mark, risk=0.0), Policy()).points == 55  # 5 for medium urgency
    low = replace(a_soft(mark, risk=0.0), urgency=Urgency.LOW)
    assert score(low, Policy()).points == 50
    assert score(a_soft(mark), Policy()).band is Band.STANDARD
    assert score(a_soft(mark + 4.0), Policy()).band is Band.SENIOR


def test_the_middle_of_the_scale_goes_with_the_mark_that_starts_a_handoff() -> None:
    bold = Policy.from_mapping({"hysteresis": {"high": 6.0}}, "test")
    assert score(a_soft(6.0), bold) == score(a_soft(2.0), Policy())


def test_what_the_rule_hands_over_can_fall_into_every_band() -> None:
    """A value little above 0 hands over too, in its second turn: that can be left to the AI."""
    marks = Policy().hysteresis
    values = np.linspace(marks.low + 0.05, 8.0, 100)
    bands = [score(a_soft(float(value)), Policy()).band for value in values]
    assert list(dict.fromkeys(bands)) == [Band.CLEARED, Band.STANDARD, Band.SENIOR]
    weakest = max(v for v, band in zip(values, bands, strict=True) if band is Band.CLEARED)
    assert weakest < marks.high, "one turn above the mark is worth a person"


def test_what_must_be_decided_by_a_person_goes_to_seniors() -> None:
    failed = Reason("irreversible_failed", "x", 100.0)
    decision = replace(a_decision(urgency=Urgency.HIGH), reasons=(failed,))
    assert score(decision, Policy()).band is Band.SENIOR
    assert score(a_decision(), Policy()).band is Band.STANDARD, "the caller asked for a person"


@pytest.mark.parametrize(
    ("points", "band"),
    [
        (0.0, "cleared"),
        (49.999, "cleared"),
        (50.0, "standard"),
        (80.0, "standard"),
        (80.001, "senior"),
    ],
)
def test_the_bands(points: float, band: str) -> None:
    assert band_of(points, POLICY) == band


@given(st.floats(0, 100))
def test_a_person_moves_a_score_by_one_band_and_lowering_never_clears(points: float) -> None:
    order = [Band.CLEARED, Band.STANDARD, Band.SENIOR]
    before = order.index(band_of(points, POLICY))
    assert order.index(band_of(moved(points, True, POLICY), POLICY)) == min(before + 1, 2)
    after = order.index(band_of(moved(points, False, POLICY), POLICY))
    assert after == (1 if before == 2 else before)


def test_urgency_moves_by_one_step_and_stops_at_the_ends() -> None:
    assert step(Urgency.LOW, True) is Urgency.MEDIUM
    assert step(Urgency.CRITICAL, True) is Urgency.CRITICAL
    assert step(Urgency.LOW, False) is Urgency.LOW


def _request(call_id: str, urgency: Urgency) -> HandoffRequested:
    decision = a_decision(call_id, urgency=urgency)
    return HandoffRequested(call_id, Memory(a_call(call_id), 1, 1).brief(decision), decision)


@given(
    urgency=st.sampled_from([Urgency.LOW, Urgency.MEDIUM]),
    ahead=st.integers(0, 5),
    handle=st.integers(10, 40),
    gaps=st.lists(st.integers(1, 15), min_size=40, max_size=60),
)
@settings(max_examples=40, deadline=None)
def test_nobody_starves_while_more_urgent_calls_never_stop(
    urgency: Urgency, ahead: int, handle: int, gaps: list[int]
) -> None:
    """One server, more high calls than it can serve: only those within the head start go first."""
    queue = Queue(Policy())
    for number in range(ahead):
        queue.put(_request(f"before-{number}", Urgency.HIGH), 0.0)
    queue.put(_request("ours", urgency), 0.0)
    bound = head_start(Urgency.HIGH, POLICY) - head_start(urgency, POLICY)
    arrivals = {}
    for number in range(len(gaps)):
        arrivals[f"late-{number}"] = sum(gaps[: number + 1])
    served: list[str] = []
    free_at, pending = 0, dict(arrivals)
    for now in range(sum(gaps) + 1):
        for call_id, at in list(pending.items()):
            if at == now:
                queue.put(_request(call_id, Urgency.HIGH), float(now))
                del pending[call_id]
        if now >= free_at and len(queue):
            first = next(iter(queue)).call_id
            queue.remove(first)
            served.append(first)
            free_at = now + handle
        if "ours" in served:
            break
    in_time = [call_id for call_id, at in arrivals.items() if at <= bound]
    assert set(served) - {"ours"} <= {f"before-{n}" for n in range(ahead)} | set(in_time)
    assert len(served) <= ahead + len(in_time) + 1
    if "ours" not in served:
        assert now < handle * (ahead + len(in_time)), "served when all those are"


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"head_start": {"low": 50}}, "must not fall"),
        ({"clear_below": 90}, "'clear_below' must not be above"),
    ],
)
def test_a_policy_that_contradicts_itself_is_refused(
    section: dict[str, object], words: str
) -> None:
    with pytest.raises(PolicyError, match=words):
        Policy.from_mapping({"triage": section}, "test")


def test_the_plain_rule_clears_nothing_since_it_does_not_go_by_value() -> None:
    Policy.from_mapping({"rule": "simple"}, "test")
    with pytest.raises(PolicyError, match=r"'triage\.clears' goes by V"):
        Policy.from_mapping({"rule": "simple", "triage": {"clears": True}}, "test")
