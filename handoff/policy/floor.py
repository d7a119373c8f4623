"""The floor of operators."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from handoff.policy.base import PolicyModel, Seconds


class CallbackPolicy(PolicyModel):
    """Calling back those whom nobody could serve."""

    enabled: bool = False  # a caller nobody came for may be promised one
    within: Annotated[float, Field(ge=60, le=604_800)] = 3600.0  # the promise, in seconds
    claim: Annotated[float, Field(ge=10, le=86_400)] = 900.0  # from claim to done, then it lapses
    tries: Annotated[int, Field(ge=1, le=20)] = 3  # operators' attempts in all
    retry: Annotated[float, Field(ge=1, le=86_400)] = 600.0  # between two attempts
    limit: Annotated[int, Field(ge=1, le=100_000)] = 500  # promises open at once


class Floor(PolicyModel):
    """How operators are offered calls."""

    offer_seconds: Annotated[float, Field(ge=1, le=300)] = 15.0
    max_offers: Annotated[int, Field(ge=1, le=1000)] = 20  # offers made for one request
    rounds: Annotated[int, Field(ge=1, le=10)] = 2  # times that everyone is asked
    round_pause: Seconds = 5.0  # between two rounds
    wrap_up: Seconds = 0.0  # rest after a call before the next offer
    capacity: Annotated[int, Field(ge=1, le=100)] = 3  # light work held at once, by weight
    memory: Annotated[float, Field(ge=60, le=86_400)] = 900.0  # running means fade over this
    handle: Annotated[float, Field(ge=1, le=86_400)] = 240.0  # seconds a call until measured
    callbacks: CallbackPolicy = CallbackPolicy()
