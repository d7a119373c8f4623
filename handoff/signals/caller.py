"""What the caller shows: wish for a person, frustration, interruptions."""

from __future__ import annotations

from handoff.events import DialogueFacts


def read(facts: DialogueFacts) -> dict[str, float]:
    """Raw values of one turn: probabilities in [0, 1], `interruptions` a count."""
    return {
        "caller.wants_person": facts.wants_person,
        "caller.frustration": facts.frustration,
        "caller.emergency": 1.0 if facts.emergency else 0.0,
        "caller.interruptions": float(facts.interruptions),
    }


def interrupting(facts: DialogueFacts) -> float:
    """How much the caller cuts in, 0 .. 1 (three times in a turn or more)."""
    return min(facts.interruptions, 3) / 3
