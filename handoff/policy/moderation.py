"""Moderation: how certain a violation must be before a sentence is blocked, held or flagged."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from handoff.policy.base import PolicyModel, Probability


class ModerationPolicy(PolicyModel):
    """What happens at which calibrated P(violation)."""

    block: Probability = 0.95  # at or above: never spoken; from a caller: a person at once
    hold: Probability = 0.60  # at or above: not spoken, a person looks at it
    flag: Probability = 0.30  # at or above: spoken, looked at later
    share: Annotated[float, Field(gt=0, lt=1)] | None = (
        None  # of all that is said, how much violates; None: as much as of a pack's examples
    )
    audit: Probability = 0.02  # share of what passes that is looked at anyway
    # Said instead of what may not be spoken.
    safe_line: Annotated[str, Field(min_length=1, max_length=300)] = (
        "I'm sorry, I can't help with that. Is there anything else I can do for you?"
    )

    @model_validator(mode="after")
    def _ordered(self) -> ModerationPolicy:
        if not self.block >= self.hold >= self.flag:
            raise ValueError("'block', 'hold' and 'flag' must not rise: lower 'flag' or 'hold'")
        return self
