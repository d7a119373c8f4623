from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from handoff.acts import fit_breakdown, prefixes
from handoff.calibration import ece
from handoff.risk import PRIOR_BREAKDOWN, SHIPPED, Rolling
from handoff.signals import CODES

DATA = Path(os.environ.get("VOICE_HITL_DATA", "../shared/data"))
BETOLD = DATA / "betold" / "calls.jsonl"


def turn(speaker: str, *acts: str) -> dict[str, Any]:
    return {"speaker": speaker, "acts": [{"act": act, "entities": []} for act in acts]}


def call(outcome: str, *turns: dict[str, Any]) -> dict[str, Any]:
    return {"call_id": "b1", "turns": list(turns), "outcome": outcome}


def trouble(recent: tuple[float, ...], code: str) -> float:
    return recent[CODES.index(code)]


def test_only_strict_prefixes_of_three_turns_that_end_with_the_caller_count() -> None:
    turns = [turn("agent", "intro"), turn("caller", "confirm")] * 4
    found = list(prefixes(call("handed_off", *turns)))
    assert [prefix.turns for prefix in found] == [4, 6]
    assert [prefix.label for prefix in found] == [True, True]
    assert not any(prefix.label for prefix in prefixes(call("completed", *turns)))


def test_the_label_looks_four_turns_ahead() -> None:
    turns = [turn("agent", "intro"), turn("caller", "confirm")] * 6
    labels = {prefix.turns: prefix.label for prefix in prefixes(call("handed_off", *turns))}
    assert labels == {4: False, 6: False, 8: True, 10: True}


def test_acts_are_read_as_the_troubles_that_they_are() -> None:
    turns = [
        turn("agent", "ask_desired_service"),
        turn("caller", "user_initial_request"),
        turn("agent", "did_not_understand", "ask_desired_service"),
        turn("caller", "user_initial_request", "inconclusive"),
        turn("agent", "failed_schedule_warning", "ask_desired_service"),
        turn("caller", "negate", "rephrase"),
        turn("agent", "ask_additional_service"),
        turn("caller", "negate"),
        turn("agent", "propose_date"),
    ]
    first, second, third = [prefix.recent for prefix in prefixes(call("completed", *turns))]
    assert trouble(first, "low_intent_confidence") == 1.0
    assert trouble(first, "repeats") == 1.0
    assert trouble(first, "apologies") == 1.0
    assert trouble(first, "stuck_slot") == pytest.approx(1 / 3)
    assert trouble(second, "tool_errors") == 1.0
    assert trouble(second, "rephrasing") == 1.0
    assert trouble(second, "stuck_slot") == pytest.approx(2 / 3)
    assert trouble(second, "negations") == 1.0
    assert trouble(third, "negations") == pytest.approx(0.7), (
        "no to 'anything else' is no correction"
    )
    assert trouble(third, "stuck_slot") == 0.0


@pytest.fixture(scope="module")
def calls() -> list[dict[str, Any]]:
    return [json.loads(line) for line in BETOLD.read_text(encoding="utf-8").splitlines()]


@pytest.mark.skipif(not BETOLD.exists(), reason=f"no data at {BETOLD} (set VOICE_HITL_DATA)")
class TestShippedWeights:
    def test_they_are_what_the_fit_gives(self, calls: list[dict[str, Any]]) -> None:
        fitted = fit_breakdown(calls, PRIOR_BREAKDOWN)
        assert np.allclose(fitted.weights, SHIPPED.breakdown.weights, atol=0.002)
        assert fitted.intercept == pytest.approx(SHIPPED.breakdown.intercept, abs=0.002)

    def test_they_are_as_good_as_the_comment_says(self, calls: list[dict[str, Any]]) -> None:
        """Five folds by call, as quoted beside the weights."""
        truth: list[bool] = []
        guess: list[float] = []
        running: list[float] = []  # what decides in a live call
        for fold in range(5):
            rest = [c for place, c in enumerate(calls) if place % 5 != fold]
            model = fit_breakdown(rest, PRIOR_BREAKDOWN)
            for held_out in calls[fold::5]:
                rolling = Rolling(model.calm)
                for prefix in prefixes(held_out):
                    truth.append(prefix.label)
                    guess.append(model.probability(prefix.recent))
                    running.append(rolling.update(guess[-1]))
        assert len(truth) == 11_490
        assert roc_auc_score(truth, guess) == pytest.approx(0.768, abs=0.005)
        assert ece(guess, truth) == pytest.approx(0.031, abs=0.005)
        assert ece(running, truth) == pytest.approx(0.033, abs=0.005)
        assert np.mean(guess) == pytest.approx(0.0785, abs=0.0005)
        assert np.mean(running) == pytest.approx(0.0781, abs=0.0005)
