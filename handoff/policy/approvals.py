"""The approval gate: how long a person has to answer, and how long an answer lasts."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from handoff.policy.base import PolicyModel, Seconds


class ApprovalsPolicy(PolicyModel):
    """Deadlines of one approval, and how many that are done with the gate remembers."""

    deadline: Seconds = 45.0  # for an answer, where the rule says nothing else
    escalate: Annotated[float, Field(gt=0, le=1)] = (
        0.5  # share of it before a second person sees it
    )
    validity: Annotated[float, Field(ge=1, le=600)] = 15.0  # from the answer to the claim
    execution: Annotated[float, Field(ge=1, le=3600)] = 60.0  # then its outcome counts as unknown
    remember: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000  # approvals that are done with
