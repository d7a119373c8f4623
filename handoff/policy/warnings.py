"""When the system's own figures are worth a supervisor's attention."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from handoff.policy.base import PolicyModel, Probability, Seconds

Rate = Annotated[float, Field(gt=0, lt=1)]


class WarningsPolicy(PolicyModel):
    """Windows of the figures, and where each warning starts and ends."""

    window_hours: Annotated[float, Field(gt=0, le=720)] = 24.0  # what the figures look back on
    minimum: Annotated[int, Field(ge=2, le=100_000)] = 30  # observations below which none is given
    service_within: Seconds = 20.0  # the service level's "answered within"
    override_normal: Rate = 0.10  # p0: overrides of the AI's proposals while all is well
    override_bad: Rate = 0.20  # p1: the rate to notice
    cusum_limit: Annotated[float, Field(gt=0, le=50)] = 4.0  # h
    ewma_weight: Annotated[float, Field(gt=0, le=1)] = 0.2  # lambda of the charts
    ewma_sigmas: Annotated[float, Field(gt=0, le=10)] = 2.7  # their limits
    queue_length: Annotated[int, Field(ge=1, le=10_000)] = 3  # callers; below this no queue warns
    queue_seconds: Seconds = 120.0  # how long it must have been growing
    low_routing: Probability = 0.05  # a share routed below this ...
    high_error: Probability = 0.05  # ... with an error on the automatic path above this
    ece: Probability = 0.10  # calibration error of h or q that warns
    ece_minimum: Annotated[int, Field(ge=10, le=100_000)] = 200  # outcomes
    fatigue_drop: Probability = (
        0.05  # accuracy lost between the first and the last minutes on shift
    )
    clear: Annotated[float, Field(gt=0, lt=1)] = 0.7  # a warning ends at this part of its limit

    @model_validator(mode="after")
    def _ordered(self) -> WarningsPolicy:
        if self.override_bad <= self.override_normal:
            raise ValueError("'override_bad' must be above 'override_normal': raise or lower one")
        return self
