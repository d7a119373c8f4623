from __future__ import annotations

import pytest

from handoff.risk import SHIPPED
from handoff.signals import CODES
from voice_hitl.evaluate.error_head import FROM_INTENTS, Judged, figures, fit_error
from voice_hitl.evaluate.intents import Line

TRADES = {
    "balance": ["what is my balance", "how much money do i have", "show me my account balance"],
    "card": ["i lost my card", "my card was stolen", "please block my card"],
    "transfer": ["send money to my savings", "transfer some money", "move money to checking"],
}
ENDINGS = ["", " please", " today", " now", " for me", " if you can"]


def lines(*endings: str) -> list[Line]:
    return [
        Line(text=text + ending, intent=name)
        for name, texts in TRADES.items()
        for text in texts
        for ending in endings
    ]


@pytest.fixture(scope="module")
def judged() -> Judged:
    """A set in which some turns fit no intent, and so are named wrong whatever they are named."""
    outside = [Line(text=text, intent=None) for text in ("sing me a song", "is it going to rain")]
    return Judged("toy", lines(*ENDINGS[:4]), lines(ENDINGS[4]), lines(ENDINGS[5]) + outside)


def test_outside_turns_are_wrong_and_count_as_a_twentieth(judged: Judged) -> None:
    assert judged.wrong[-2:].all()
    assert judged.weights[-2:].sum() / judged.weights.sum() == pytest.approx(0.05)
    assert judged.weights.sum() == pytest.approx(1000)


def test_only_what_intents_show_is_fitted(judged: Judged) -> None:
    fitted = fit_error([judged], SHIPPED.error)
    assert figures(fitted, judged)[1] < figures(SHIPPED.error, judged)[1]
    for code, weight, prior in zip(CODES, fitted.weights, SHIPPED.error.weights, strict=True):
        assert weight >= 0
        if code not in FROM_INTENTS:
            assert weight == pytest.approx(prior)
