"""The policy: everything about deciding that an operator of this software may set.

Costs are in one free unit; only their ratios matter. Times are seconds. A policy is frozen, closed (unknown
fields are refused) and has a version digest, which every stored decision carries.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, Field, ValidationError, model_validator

from handoff.errors import PolicyError
from handoff.policy.approvals import ApprovalsPolicy
from handoff.policy.audit import AuditPolicy
from handoff.policy.base import PolicyModel
from handoff.policy.budget import BudgetPolicy
from handoff.policy.care import CarePolicy
from handoff.policy.deciding import (
    BriefLimits,
    Costs,
    Hysteresis,
    Thresholds,
    Trigger,
    Triggers,
    Waiting,
)
from handoff.policy.floor import Floor
from handoff.policy.ladder import LadderPolicy
from handoff.policy.moderation import ModerationPolicy
from handoff.policy.oversight import OversightPolicy
from handoff.policy.review import ReviewPolicy
from handoff.policy.triage import Triage
from handoff.policy.warnings import WarningsPolicy

__all__ = [
    "BriefLimits",
    "Costs",
    "Floor",
    "Hysteresis",
    "Policy",
    "Thresholds",
    "Triage",
    "Trigger",
    "Triggers",
    "Waiting",
]


def _regulated() -> dict[str, str]:
    return {
        "credit_decision": "a decision on credit",
        "claim_denial": "denying a claim",
        "medical_advice": "medical advice",
        "legal_advice": "legal advice",
    }


class Policy(PolicyModel):
    """When a person takes over, and who."""

    name: Annotated[str, Field(min_length=1, max_length=64)] = "default"
    rule: Literal["value", "simple"] = "value"
    skill: str | None = None  # what an operator must know for this pack's calls
    costs: Costs = Costs()
    thresholds: Thresholds = Thresholds()
    hysteresis: Hysteresis = Hysteresis()
    triggers: Triggers = Triggers()
    waiting: Waiting = Waiting()
    floor: Floor = Floor()
    triage: Triage = Triage()
    brief: BriefLimits = BriefLimits()
    budget: BudgetPolicy = BudgetPolicy()
    care: CarePolicy = CarePolicy()
    warnings: WarningsPolicy = WarningsPolicy()
    ladder: LadderPolicy = LadderPolicy()
    moderation: ModerationPolicy = ModerationPolicy()
    review: ReviewPolicy = ReviewPolicy()
    audit: AuditPolicy = AuditPolicy()
    approvals: ApprovalsPolicy = ApprovalsPolicy()
    oversight: OversightPolicy = OversightPolicy()
    high_risk: frozenset[str] = frozenset({"medical", "financial", "legal"})
    regulated: dict[str, str] = Field(
        default_factory=_regulated
    )  # category -> words; never learned

    @model_validator(mode="after")
    def _clears_by_value(self) -> Policy:
        if self.rule == "simple" and self.triage.clears:
            raise ValueError(
                "'triage.clears' goes by V, which rule 'simple' does not: leave it out, or take rule 'value'"
            )
        return self

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any], source: str) -> Policy:
        """Check a policy from outside, e.g. a pack's `policy.yaml`; `source` names it in errors.

        Raises `PolicyError` naming every bad field and how to mend it.
        """
        try:
            return cls.model_validate(dict(data))
        except ValidationError as error:
            raise PolicyError(f"{source}: " + "; ".join(_explain(error))) from error

    @property
    def version(self) -> str:
        """Digest of all values (12 hex digits): two policies that decide alike have the same."""
        values = self.model_dump(mode="json")
        values["high_risk"] = sorted(values["high_risk"])
        canonical = json.dumps(values, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def _explain(error: ValidationError) -> list[str]:
    lines = []
    for problem in error.errors(include_url=False):
        path = tuple(str(part) for part in problem["loc"])
        where = f"field '{'.'.join(path)}'" if path else "the policy"
        if problem["type"] == "extra_forbidden":
            known = sorted(_fields_at(path[:-1]))
            close = difflib.get_close_matches(path[-1], known, n=1)
            mend = f"write '{close[0]}'" if close else f"remove it, known here: {', '.join(known)}"
            lines.append(f"{where} is unknown: {mend}")
        else:
            got = problem.get("input")
            message = problem["msg"].removeprefix("Value error, ")
            shown = "" if isinstance(got, (dict, list)) else f" (got {got!r})"
            lines.append(f"{where}: {message[0].lower()}{message[1:]}{shown}")
    return lines


def _fields_at(path: tuple[str, ...]) -> set[str]:
    model: type[BaseModel] = Policy
    for part in path:
        field = model.model_fields.get(part)
        if field is None:
            continue  # a place in a list, or a name in a mapping, of the model at hand
        inner = next(_models_in(field.annotation), None)
        if inner is None:
            return set()
        model = inner
    return set(model.model_fields)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models of an annotation, e.g. of `tuple[Rung, ...]`, `dict[str, Rule]` or `Rule | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
