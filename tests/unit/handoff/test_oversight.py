from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from handoff.events import ActionProposed, Effect
from handoff.oversight import (
    PATHS,
    REASONS,
    Circumstances,
    Mode,
    Proposal,
    judge,
    risk_score,
)
from handoff.policy import Policy
from handoff.policy.oversight import STRICTNESS

POLICY = Policy()
CALM = Circumstances(risk=0.1)


def a_proposal(effect: Effect = Effect.IRREVERSIBLE, **changes: Any) -> Proposal:
    return replace(Proposal("a1", "c1", "refund", {}, effect, "refund"), **changes)


def ruled(**rule: Any) -> Policy:
    return Policy.from_mapping({"oversight": {"actions": {"refund": rule}}}, "test")


proposals = st.builds(
    a_proposal,
    st.sampled_from(Effect),
    amount=st.none() | st.floats(),
    limit=st.none() | st.floats(),
    regulated=st.sampled_from([None, None, "credit_decision"]),
    over_limit=st.booleans(),
)
probabilities = st.floats(0, 1)
circumstances = st.builds(Circumstances, st.floats(), st.floats(), st.booleans())


# --- the defaults: what the AI did alone before, it does alone now ------------------------------


@given(probabilities)
def test_by_default_something_irreversible_is_the_ais_below_the_threshold(risk: float) -> None:
    alone = judge(POLICY, a_proposal(), Circumstances(risk)).mode is Mode.OUT
    assert alone is (risk < POLICY.thresholds.irreversible_risk)


def test_by_default_a_call_in_safe_mode_asks_a_person() -> None:
    verdict = judge(POLICY, a_proposal(), Circumstances(0.1, safe_mode=True))
    assert (verdict.mode, verdict.reasons) == (Mode.IN, ("safe_mode",))


@given(probabilities, st.sampled_from([Effect.READ, Effect.REVERSIBLE]), st.booleans())
def test_by_default_what_can_be_undone_is_the_ais(
    risk: float, effect: Effect, safe_mode: bool
) -> None:
    verdict = judge(POLICY, a_proposal(effect), Circumstances(risk, risk, safe_mode))
    assert (verdict.mode, verdict.seconds, verdict.reasons) == (Mode.OUT, 0.0, ())


@given(circumstances, st.sampled_from(Effect))
def test_no_rule_leaves_the_regulated_or_what_is_over_the_limit_to_the_ai(
    call: Circumstances, effect: Effect
) -> None:
    loose = ruled(mode="out", risky="out")
    assert judge(loose, a_proposal(effect, regulated="claim_denial"), call).mode is Mode.IN
    assert judge(loose, a_proposal(effect, over_limit=True), call).mode is Mode.IN
    assert judge(loose, a_proposal(effect, amount=11.0, limit=10.0), call).mode is Mode.IN


@given(st.sampled_from(["out", "on", "in"]), st.sampled_from(["out", "on", "in"]), circumstances)
def test_no_rule_leaves_what_cannot_be_undone_to_the_ai_once_nobody_came(
    mode: str, risky: str, call: Circumstances
) -> None:
    assume(STRICTNESS[Mode(risky)] >= STRICTNESS[Mode(mode)])
    verdict = judge(ruled(mode=mode, risky=risky), a_proposal(), replace(call, safe_mode=True))
    assert verdict.mode is Mode.IN
    assert "safe_mode" in verdict.reasons


# --- marks ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "proposal", "call", "reasons"),
    [
        ({"amount": 50}, a_proposal(amount=50.0), CALM, ("amount",)),
        ({"amount": 50}, a_proposal(amount=-50.0), CALM, ("amount",)),
        ({"amount": 50}, a_proposal(amount=math.nan), CALM, ("amount",)),
        ({"risk": 23}, a_proposal(), CALM, ("risk",)),
        ({"call_risk": 0.1}, a_proposal(Effect.READ), CALM, ("call_risk",)),
        ({}, a_proposal(), Circumstances(math.nan), ("call_risk",)),
        ({"mode": "in"}, a_proposal(), Circumstances(0.9), ("rule",)),
        ({"mode": "in"}, a_proposal(over_limit=True), CALM, ("over_limit",)),
        (
            {"amount": 5},
            a_proposal(amount=9.0, regulated="x"),
            Circumstances(0.9),
            ("regulated", "call_risk", "amount"),
        ),
    ],
)
def test_a_mark_that_is_reached_asks_a_person_and_says_why(
    rule: dict[str, Any], proposal: Proposal, call: Circumstances, reasons: tuple[str, ...]
) -> None:
    verdict = judge(ruled(**rule), proposal, call)
    assert (verdict.mode, verdict.reasons) == (Mode.IN, reasons)
    assert set(reasons) <= set(REASONS)


@pytest.mark.parametrize(
    ("rule", "proposal"),
    [
        ({"amount": 50}, a_proposal(amount=49.9)),
        ({"amount": 50}, a_proposal()),
        ({"risk": 24}, a_proposal()),
    ],
)
def test_a_mark_that_is_not_reached_does_not(rule: dict[str, Any], proposal: Proposal) -> None:
    assert judge(ruled(**rule), proposal, CALM).mode is Mode.OUT


@pytest.mark.parametrize(
    ("rule", "seconds"),
    [
        ({"mode": "on"}, POLICY.oversight.veto_seconds),
        ({"mode": "on", "seconds": 20}, 20.0),
        ({"mode": "in"}, POLICY.approvals.deadline),
        ({"mode": "in", "seconds": 9}, 9.0),
    ],
)
def test_the_rule_says_how_long_a_person_has(rule: dict[str, Any], seconds: float) -> None:
    assert judge(ruled(**rule), a_proposal(), CALM).seconds == seconds


# --- the score --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("proposal", "risk", "error", "score"),
    [
        (a_proposal(Effect.READ), 0.0, 0.0, 1),  # 100 * 0.05 * 0.25
        (a_proposal(Effect.REVERSIBLE), 0.2, 0.5, 19),  # 100 * 0.3 * 0.625
        (a_proposal(), 1.0, 0.0, 70),
        (a_proposal(amount=50.0, limit=100.0), 1.0, 0.0, 79),  # impact 1 - 0.3 * 0.7
        (a_proposal(amount=50.0), 1.0, 0.0, 88),  # no known limit: as at it
        (a_proposal(Effect.READ, regulated="credit_decision"), 0.0, 0.0, 100),
    ],
)
def test_the_score_is_the_documented_formula(
    proposal: Proposal, risk: float, error: float, score: int
) -> None:
    assert risk_score(proposal, risk, error) == score


@given(proposals, circumstances)
def test_any_proposal_gets_a_verdict(proposal: Proposal, call: Circumstances) -> None:
    verdict = judge(POLICY, proposal, call)
    assert 0 <= verdict.risk <= 100
    assert 0 <= verdict.seconds <= 45
    assert (verdict.mode is Mode.OUT) is (verdict.reasons == ())


@given(proposals, probabilities, probabilities, probabilities)
def test_more_trouble_never_lowers_score_or_oversight(
    proposal: Proposal, risk: float, more: float, error: float
) -> None:
    low, high = sorted((risk, more))
    assert risk_score(proposal, low, error) <= risk_score(proposal, high, error)
    assert risk_score(proposal, error, low) <= risk_score(proposal, error, high)
    worse = replace(proposal, effect=Effect.IRREVERSIBLE)
    assert risk_score(proposal, low, error) <= risk_score(worse, low, error)
    before = judge(POLICY, proposal, Circumstances(low, error)).mode
    after = judge(POLICY, proposal, Circumstances(high, error)).mode
    assert STRICTNESS[before] <= STRICTNESS[after]


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0.01, 1e6))
def test_more_money_never_scores_less(one: float, other: float, limit: float) -> None:
    low, high = sorted((one, other))
    scores = [
        risk_score(a_proposal(amount=amount, limit=limit), 0.5, 0.1) for amount in (low, high)
    ]
    assert scores == sorted(scores)


def test_every_mode_is_a_path() -> None:
    assert PATHS == {Mode.OUT: "automatic", Mode.ON: "vetoable", Mode.IN: "approved"}


def test_a_proposal_takes_everything_from_the_calls_event() -> None:
    event = ActionProposed(
        "a7", "pay", {"to": "x"}, Effect.REVERSIBLE, 7.0, "credit_decision", True
    )
    proposal = Proposal.of(
        event, "c1", "pay x", pack="banking", limit=5.0, reasoning="asked for it"
    )
    assert proposal == Proposal(
        "a7",
        "c1",
        "pay",
        {"to": "x"},
        Effect.REVERSIBLE,
        "pay x",
        reasoning="asked for it",
        amount=7.0,
        limit=5.0,
        regulated="credit_decision",
        over_limit=True,
        pack="banking",
    )
