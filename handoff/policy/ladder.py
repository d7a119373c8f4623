"""The escalation ladder: who is asked for an answer, for how long, and how sure they must be."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from handoff.policy.base import PolicyModel, Probability, Seconds


class RungShare(PolicyModel):
    """One agent of the ladder."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    share: Annotated[float, Field(gt=0, le=1000)] = 1.0  # of the turn's budget, beside the others
    # Its calibration (Platt): P(right) = sigmoid(slope * logit(its own confidence) + offset).
    slope: Annotated[float, Field(ge=0, le=100)] = 1.0
    offset: Annotated[float, Field(ge=-100, le=100)] = 0.0


class LadderPolicy(PolicyModel):
    """From cheap to capable to human."""

    rungs: Annotated[tuple[RungShare, ...], Field(max_length=8)] = (RungShare(name="flow"),)
    budget: Annotated[float, Field(gt=0, le=60)] = 2.0  # seconds for all rungs together
    sufficient: Probability = 0.90  # calibrated confidence at which a rung's answer is used
    high_risk_sufficient: Probability = 0.95  # the same in a high-risk category
    by_category: dict[str, Probability] = Field(
        default_factory=dict
    )  # the same in one category, before the two above
    human: Seconds = 20.0  # how long a person has for an answer

    @model_validator(mode="after")
    def _distinct(self) -> LadderPolicy:
        names = [rung.name for rung in self.rungs]
        if len(set(names)) < len(names):
            raise ValueError("'rungs' must have different names: rename one")
        return self
