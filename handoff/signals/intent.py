"""What understanding says about how well it knows what the caller wants."""

from __future__ import annotations

from handoff.events import IntentFacts


def read(facts: IntentFacts) -> dict[str, float]:
    """Raw values of one utterance, all in [0, 1]."""
    return {
        "intent.probability": facts.probability,
        "intent.margin": facts.margin,
        "intent.novelty": facts.novelty,
        "intent.disagreement": facts.disagreement,
        "intent.matched": 0.0 if facts.name is None else 1.0,
    }


def unsure(facts: IntentFacts) -> float:
    """How unsure the top intent is, 0 (at or above 0.9) .. 1; 1 when nothing matches."""
    if facts.name is None:
        return 1.0
    return max(0.0, 0.9 - facts.probability) / 0.9


def ambiguous(facts: IntentFacts) -> float:
    """How close the second intent is, 0 (margin at or above 0.3) .. 1 (equal); disagreement counts too."""
    if facts.name is None:
        return 0.0  # nothing matched: that is `unsure`, not ambiguous
    close = max(0.0, 0.3 - facts.margin) / 0.3 if facts.probability < 1.0 else 0.0
    return max(close, facts.disagreement)


def novel(facts: IntentFacts) -> float:
    """How unlike anything known the request is, 0 (novelty at or below 0.5) .. 1."""
    return max(0.0, facts.novelty - 0.5) / 0.5
