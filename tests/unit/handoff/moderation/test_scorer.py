from __future__ import annotations

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from handoff.calibration import logit
from handoff.moderation.scorer import fit_scorer, grams, held_out_scores
from tests.unit.handoff.moderation.examples import rows

TEXTS, LABELS, THEMES = rows()
SCORER = fit_scorer(TEXTS, LABELS)


def test_it_learns_what_it_is_shown() -> None:
    scores = [SCORER.raw(text) for text in TEXTS]
    assert roc_auc_score(LABELS, scores) > 0.99


def test_so_few_examples_say_little_of_new_themes_and_its_probabilities_own_up_to_it() -> None:
    scores, right = held_out_scores(TEXTS, LABELS, groups=THEMES)
    assert 0.55 < roc_auc_score(right, scores) < 0.80
    honest = fit_scorer(TEXTS, LABELS, groups=THEMES)
    assert max(honest(text) for text in TEXTS) < 0.95  # blocks nothing


@pytest.mark.skipif(
    not Path(os.environ.get("VOICE_HITL_DATA", "../shared/data")).is_dir(),
    reason="the folder VOICE_HITL_DATA is not here",
)
def test_why_none_is_shipped_it_would_flag_most_of_what_real_callers_say() -> None:
    file = Path(os.environ.get("VOICE_HITL_DATA", "../shared/data")) / "banking77" / "train.jsonl"
    lines = file.read_text().splitlines()[:2000]
    flagged = np.mean([SCORER(json.loads(line)["text"]) >= 0.30 for line in lines])
    assert flagged > 0.5


def test_a_rarer_violation_in_real_speech_lowers_every_probability() -> None:
    rare = fit_scorer(TEXTS, LABELS, share=0.01)
    moved = [logit(SCORER(text)) - logit(rare(text)) for text in TEXTS]
    assert np.allclose(moved, logit(0.5) - logit(0.01))


def test_fitting_is_deterministic() -> None:
    assert fit_scorer(TEXTS, LABELS) == SCORER


@given(st.text())
def test_any_text_has_a_probability(text: str) -> None:
    assert 0.0 <= SCORER(text) <= 1.0


def test_grams_stay_within_words() -> None:
    assert set(grams("Ab c")) == {" a", "ab", "b ", " ab", "ab ", " ab ", " c", "c ", " c "}


@pytest.mark.parametrize(
    ("texts", "labels", "groups", "words"),
    [
        (["a"], [True, False], None, "of one length"),
        (["a", "b"], [True, False], None, "at least 5 violations"),
        (["a"] * 10, [True, False] * 5, ["x"] * 10, "at least two groups"),
        (["a"] * 10, [True, False] * 5, ["x", "y"] * 5, "mix them"),
    ],
)
def test_examples_that_cannot_be_learned_from_are_refused(
    texts: list[str], labels: list[bool], groups: list[str] | None, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        fit_scorer(texts, labels, groups=groups)


def test_a_share_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="share"):
        fit_scorer(TEXTS, LABELS, share=1.0)


def test_a_sentence_takes_well_under_a_millisecond() -> None:
    text = "thank you for calling, I would like to know when my new credit card will arrive please"
    fastest = min(_seconds(text) for _ in range(50))
    assert fastest < 0.001


def _seconds(text: str) -> float:
    start = time.perf_counter()
    SCORER(text)
    return time.perf_counter() - start
