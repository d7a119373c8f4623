"""The floor of operators."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from handoff.policy.base import PolicyModel, Seconds


class Floor(PolicyModel):
    """How operators are offered calls."""

    offer_seconds: Annotated[float, Field(ge=1, le=300)] = 15.0
    max_offers: Annotated[int, Field(ge=1, le=1000)] = 20  # operators tried for one request
    wrap_up: Seconds = 0.0  # rest after a call before the next offer
