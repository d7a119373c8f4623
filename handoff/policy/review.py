"""Parallel review: how often a person decides blind beside the AI, and what a disagreement does."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from handoff.policy.base import PolicyModel, Probability


class ReviewPolicy(PolicyModel):
    """Who is checked, for how long, by what."""

    rate: Probability = 0.01  # share of turns reviewed at risk 0
    risky_rate: Probability = 0.10  # the same at risk 1; in between a straight line
    seconds: Annotated[float, Field(ge=1, le=86400)] = 120.0  # until an open review lapses
    max_open: Annotated[int, Field(ge=1, le=10_000)] = 20  # with so many, what is drawn is skipped
    compare: Literal["intent", "action", "verdict"] = "intent"  # what must be equal
    signal: Literal["never", "high_risk", "always"] = "high_risk"  # when to tell the call

    @model_validator(mode="after")
    def _ordered(self) -> ReviewPolicy:
        if self.risky_rate < self.rate:
            raise ValueError("'risky_rate' must not be below 'rate': raise it or lower 'rate'")
        return self
