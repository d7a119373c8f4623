"""Layered moderation of what callers and the agent say, before it is spoken."""

from __future__ import annotations

from handoff.moderation.guard import Judgement, Line, Moderator, Route, Scorer, Speaker
from handoff.moderation.leaks import leak_in
from handoff.moderation.scorer import TextScorer, fit_scorer, held_out_scores
from handoff.moderation.text import KnownTexts, fingerprint, fold

__all__ = [
    "Judgement",
    "KnownTexts",
    "Line",
    "Moderator",
    "Route",
    "Scorer",
    "Speaker",
    "TextScorer",
    "fingerprint",
    "fit_scorer",
    "fold",
    "held_out_scores",
    "leak_in",
]
