from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from handoff.events import IntentFacts
from handoff.signals import intent


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.booleans())
def test_intent_troubles_are_bounded(
    probability: float, margin: float, novelty: float, disagreement: float, matched: bool
) -> None:
    name = "balance" if matched else None
    facts = IntentFacts(name, probability, margin, novelty, disagreement)
    for trouble in (intent.unsure, intent.ambiguous, intent.novel):
        assert 0 <= trouble(facts) <= 1
    assert set(intent.read(facts)) == {
        "intent.probability",
        "intent.margin",
        "intent.novelty",
        "intent.disagreement",
        "intent.matched",
    }


def test_nothing_matched_is_unsure_and_not_ambiguous() -> None:
    facts = IntentFacts(None, 0.3, margin=0.0)
    assert intent.unsure(facts) == 1.0
    assert intent.ambiguous(facts) == 0.0


def test_a_second_model_that_disagrees_makes_ambiguous() -> None:
    assert intent.ambiguous(IntentFacts("a", 0.95, margin=0.9)) == 0.0
    assert intent.ambiguous(IntentFacts("a", 0.95, margin=0.9, disagreement=0.8)) == 0.8


def test_a_certain_answer_has_no_second() -> None:
    assert intent.ambiguous(IntentFacts("yes", 1.0)) == 0.0
