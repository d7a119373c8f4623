"""Post-hoc audit: how much of what was automated is looked at afterwards."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from handoff.policy.base import PolicyModel, Probability

CLIP = 50.0  # that of a uniform sample of 2 %


class AuditPolicy(PolicyModel):
    """Sampling rates, and how audits are handed to people."""

    uniform: Probability = 0.02  # chance of everything that was automated
    by_risk: Probability = 0.03  # mean further chance, in proportion to risk
    clip: Annotated[float, Field(ge=1, le=1e6)] = CLIP  # largest weight 1 / propensity
    lease: Annotated[float, Field(ge=10, le=86400)] = 900.0  # seconds an auditor has for one
    max_open: Annotated[int, Field(ge=1, le=100_000)] = 500  # beyond: nothing more is sampled
