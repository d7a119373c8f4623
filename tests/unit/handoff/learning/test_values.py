from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.acts import ActsForeseer
from handoff.calibration import Isotonic
from handoff.fitting import CalibratedHead
from handoff.learning.foretelling import predictions
from handoff.learning.values import models_from_json, models_to_json
from handoff.risk import SHIPPED, Head, Models
from handoff.signals import CODES
from tests.support.talks import acts_of_talks, talks

WEIGHTS = st.lists(st.floats(0, 9), min_size=len(CODES), max_size=len(CODES)).map(tuple)
LINES = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=5).map(
    lambda pairs: Isotonic(tuple(p[0] for p in pairs), tuple(p[1] for p in pairs))
)
HEADS = st.builds(Head, st.floats(-9, 9), WEIGHTS) | st.builds(
    CalibratedHead, st.floats(-9, 9), WEIGHTS, LINES
)


@given(st.builds(Models, HEADS, HEADS, st.text()))
def test_models_come_back_from_json(models: Models) -> None:
    assert models_from_json(json.loads(json.dumps(models_to_json(models)))) == models


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ({"intercept": 0.0, "weights": {"charm": 1.0}}, "unknown reason codes: charm"),
        ({"intercept": 0.0, "weights": {"repeats": -1.0}}, "must not be negative"),
        ({"weights": {}}, "intercept"),
    ],
)
def test_models_that_cannot_be_are_refused(head: Any, words: str) -> None:
    with pytest.raises((KeyError, ValueError), match=words):
        models_from_json({**models_to_json(SHIPPED), "error": head})


def test_learned_acts_come_back_and_say_the_same() -> None:
    models = replace(SHIPPED, acts=acts_of_talks())
    values = json.loads(json.dumps(models_to_json(models)))
    again = models_from_json(values)
    assert isinstance(again.acts, ActsForeseer)
    assert again.acts.weights == acts_of_talks().weights
    assert models_to_json(again) == values
    for call in talks(80, foretold=True)[:10]:
        assert predictions(again, call) == predictions(models, call)


@pytest.mark.parametrize(
    ("acts", "words"),
    [
        ({"model": "?", "weights": {}}, r"\w"),
        ({"model": "aaaa", "weights": {}}, "no model|pickle|bytes"),
        ({"weights": {}}, "model"),
    ],
)
def test_acts_that_cannot_be_are_refused(acts: Any, words: str) -> None:
    with pytest.raises((KeyError, ValueError), match=words):
        models_from_json({**models_to_json(SHIPPED), "acts": acts})
