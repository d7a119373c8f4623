from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.agent.evaluation import (
    auroc,
    calibration_error,
    read_intents,
    score_detector,
    score_intents,
)
from voice_hitl.agent.flow import Models
from voice_hitl.agent.nlu import OUTSIDE
from voice_hitl.agent.text import plain


def test_calibration_error() -> None:
    assert calibration_error([0.9] * 10, [1] * 9 + [0]) == pytest.approx(0.0)
    assert calibration_error([0.9] * 10, [0] * 10) == pytest.approx(0.9)
    assert calibration_error([1.0, 0.0], [1, 0]) == 0.0


def test_auroc() -> None:
    assert auroc([0.9, 0.8, 0.2], [True, True, False]) == 1.0
    assert auroc([0.1, 0.2, 0.9], [True, True, False]) == 0.0
    assert auroc([0.5, 0.5], [True, False]) == 0.5


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=2, max_size=30))
def test_auroc_turned_round_adds_up_to_one(rows: list[tuple[float, bool]]) -> None:
    scores, truth = [row[0] for row in rows], [row[1] for row in rows]
    if any(truth) and not all(truth):
        flipped = auroc(scores, [not each for each in truth])
        assert auroc(scores, truth) + flipped == pytest.approx(1.0)


def test_detector_figures() -> None:
    figures = score_detector([0.9, 0.6, 0.2, 0.1], [True, False, True, False])
    assert (figures.precision, figures.recall) == (0.5, 0.5)
    assert (figures.positives, figures.negatives) == (2, 2)


def test_intent_figures(models: Models) -> None:
    texts = [plain("what is my balance"), plain("i lost my card"), plain("tell me a joke")]
    figures = score_intents(models.intents, texts, ["balance", "transfer", OUTSIDE])
    assert (figures.turns, figures.outside, figures.accuracy) == (2, 1, 0.5)
    assert figures.auroc == 1.0


def test_reading_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text('{"text": "Hi there", "intent": "hello"}\n{"text": "zzz", "intent": null}\n\n')
    first, second = read_intents(path)
    assert (first.words, first.label) == (("hi", "there"), "hello")
    assert (second.label, second.group) == (OUTSIDE, 1)
