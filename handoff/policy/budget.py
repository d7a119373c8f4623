"""How much of the traffic people may be asked to take."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from handoff.policy.base import Cost, PolicyModel, Probability


class BudgetPolicy(PolicyModel):
    """The band of the routed share, and how slowly lambda moves to keep it there."""

    enabled: bool = True  # False: lambda stays at `costs.price`
    low: Probability = 0.05
    high: Probability = 0.15
    window: Annotated[int, Field(ge=20, le=10_000)] = 200  # calls that the share is measured over
    gain: Annotated[float, Field(gt=0, le=10)] = (
        0.05  # cost units a call, times the share's distance
    )
    max_price: Cost = 20.0
    # Below 0, lambda would pay for handoffs where too few calls are routed.
    min_price: Annotated[float, Field(ge=-1e6, le=0)] = 0.0

    @model_validator(mode="after")
    def _ordered(self) -> BudgetPolicy:
        if self.high <= self.low:
            raise ValueError("'high' must be above 'low': raise 'high' or lower 'low'")
        return self
