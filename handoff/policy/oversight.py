"""How much of a person's attention an action gets: before, during or after."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from handoff.events import Effect
from handoff.policy.base import PolicyModel, Probability


class Mode(StrEnum):
    """Where the person stands, from least to most attention."""

    OUT = "out"  # out of the loop: done, audited afterwards
    ON = "on"  # on the loop: announced, done unless vetoed in time
    IN = "in"  # in the loop: done only once approved


STRICTNESS = {mode: place for place, mode in enumerate(Mode)}


class Rule(PolicyModel):
    """Oversight of one action or one effect: `mode`, or `risky` once one of the marks is reached."""

    mode: Mode = Mode.OUT
    risky: Mode = Mode.IN
    risk: Annotated[int | None, Field(ge=0, le=100)] = None  # mark: the proposal's score
    call_risk: Probability | None = None  # mark: the call's risk; None: see `judge`
    amount: Annotated[float | None, Field(ge=0)] = None  # mark: in the pack's currency
    seconds: Annotated[float | None, Field(ge=1, le=3600)] = None  # to answer; None: the section's

    @model_validator(mode="after")
    def _ordered(self) -> Rule:
        if STRICTNESS[self.risky] < STRICTNESS[self.mode]:
            raise ValueError(
                f"'risky' must not be looser than 'mode': write 'risky: {self.mode.value}'"
            )
        return self


class PackRules(PolicyModel):
    """A pack's own rules by effect; None: as everywhere."""

    read: Rule | None = None
    reversible: Rule | None = None
    irreversible: Rule | None = None

    def of(self, effect: Effect) -> Rule | None:
        """The rule for an effect."""
        return {
            Effect.READ: self.read,
            Effect.REVERSIBLE: self.reversible,
            Effect.IRREVERSIBLE: self.irreversible,
        }[effect]


class OversightPolicy(PolicyModel):
    """Rules by action name, then by pack, then by effect: the first there is counts."""

    read: Rule = Rule(risky=Mode.OUT)
    reversible: Rule = Rule(risky=Mode.OUT)
    irreversible: Rule = Rule()  # in the loop from `thresholds.irreversible_risk` on
    packs: dict[str, PackRules] = Field(default_factory=dict)
    actions: dict[str, Rule] = Field(default_factory=dict)
    wrong: Annotated[float, Field(gt=0, lt=1)] = 0.05  # share of proposals expected to be wrong
    veto_seconds: Annotated[float, Field(ge=1, le=600)] = 8.0

    def rule_for(self, action: str, pack: str, effect: Effect) -> Rule:
        """The rule that counts for an action."""
        by_effect = {
            Effect.READ: self.read,
            Effect.REVERSIBLE: self.reversible,
            Effect.IRREVERSIBLE: self.irreversible,
        }
        rules = self.packs.get(pack)
        return (
            self.actions.get(action) or (rules.of(effect) if rules else None) or by_effect[effect]
        )
