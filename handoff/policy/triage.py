"""Who is served first, and by whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, model_validator

from handoff.policy.base import PolicyModel, Probability, Seconds

Points = Annotated[float, Field(ge=0, le=100)]


class HeadStart(PolicyModel):
    """By how many seconds of waiting each urgency is ahead: what makes the wait of the others bounded."""

    low: Seconds = 0.0
    medium: Seconds = 30.0
    high: Seconds = 120.0
    critical: Seconds = 600.0

    @model_validator(mode="after")
    def _ordered(self) -> HeadStart:
        if not self.low <= self.medium <= self.high <= self.critical:
            raise ValueError("must not fall from 'low' to 'critical': reorder the four")
        return self


class UrgencyPoints(PolicyModel):
    """What urgency adds to a score; critical makes it 100."""

    low: Points = 0.0
    medium: Points = 5.0
    high: Points = 20.0


def _reasons() -> dict[str, float]:
    return {"irreversible_failed": 15.0, "regulated": 15.0, "over_limit": 5.0}


class Triage(PolicyModel):
    """Urgency, score and bands."""

    head_start: HeadStart = HeadStart()
    value_scale: Annotated[float, Field(gt=0, le=1e6)] = 4.0  # V above the mark worth 73 points
    risk: Points = 10.0  # points at risk 1
    urgency: UrgencyPoints = UrgencyPoints()
    reasons: Mapping[str, Points] = Field(default_factory=_reasons)  # code -> points
    senior_above: Points = 80.0
    clear_below: Points = 50.0
    clears: bool = False  # requests that score too low are left to the AI
    sample: Probability = 0.05  # share of the cleared that is looked at afterwards
    senior_wait: Seconds = 10.0  # before standard operators are asked for a senior's call
    on_call_wait: Seconds = 45.0  # a critical call waits for whom it alerted

    @model_validator(mode="after")
    def _bands(self) -> Triage:
        if self.clear_below > self.senior_above:
            raise ValueError("'clear_below' must not be above 'senior_above': lower it")
        return self
