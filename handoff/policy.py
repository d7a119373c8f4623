"""The policy: everything about deciding that an operator of this software may set.

Costs are in one free unit; only their ratios matter. Times are seconds. A policy is frozen, closed (unknown
fields are refused) and has a version digest, which every stored decision carries.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from handoff.errors import PolicyError

Probability = Annotated[float, Field(ge=0, le=1)]
Cost = Annotated[float, Field(ge=0, le=1e6)]
Seconds = Annotated[float, Field(ge=0, le=3600)]


class PolicyModel(BaseModel):
    """Base of every part: frozen and closed."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Costs(PolicyModel):
    """What things cost, in one free unit (DESIGN section 5)."""

    fail: Cost = 10.0  # the conversation breaks down
    err: Cost = 4.0  # one wrong answer or action
    operator: Cost = 2.0  # an operator's time for one call
    wait: Cost = 0.02  # a caller's second in the queue
    abandon: Cost = 5.0  # a caller who hangs up in the queue
    price: Cost = 0.0  # lambda: what one more routed call costs beyond that
    high_risk_severity: Annotated[float, Field(ge=1, le=100)] = (
        1.5  # times `fail` in a high-risk category
    )


class Thresholds(PolicyModel):
    """Plain thresholds; the first three are the rule `simple`."""

    confidence: Probability = 0.90  # intent probability below this
    high_risk_confidence: Probability = 0.95  # the same in a high-risk category
    margin: Probability = 0.15  # top intent minus second below this
    wants_person: Probability = 0.5  # P(asked for a person) that counts as asked
    irreversible_risk: Probability = 0.35  # the AI does nothing irreversible at this risk or above


class Hysteresis(PolicyModel):
    """When V starts a handoff, and when the rule may fire again; marks are in cost units."""

    high: float = 2.0  # V above this once
    low: float = 0.0  # V above this `low_turns` times in a row
    low_turns: Annotated[int, Field(ge=1, le=20)] = 2
    calm_turns: Annotated[int, Field(ge=1, le=50)] = (
        3  # turns at or below `low` that re-arm the rule
    )

    @model_validator(mode="after")
    def _ordered(self) -> Hysteresis:
        if self.high < self.low:
            raise ValueError("'high' must not be below 'low': raise 'high' or lower 'low'")
        return self


class Trigger(PolicyModel):
    """A hard trigger: whether it counts, and how many times in a row (or in all) it takes."""

    enabled: bool = True
    count: Annotated[int, Field(ge=1, le=20)] = 1


class Triggers(PolicyModel):
    """The hard triggers, which bypass the value rule. `takeover` is an operator's right: no switch."""

    explicit_request: Trigger = Trigger()
    emergency: Trigger = Trigger()
    regulated: Trigger = Trigger()
    irreversible_failed: Trigger = Trigger()
    over_limit: Trigger = Trigger()
    two_no_match: Trigger = Trigger(count=2)  # in a row
    two_silences: Trigger = Trigger(count=2)  # in a row
    component_failed: Trigger = Trigger()
    digit_zero: Trigger = Trigger()


class Waiting(PolicyModel):
    """How long a caller waits for a person, and what they hear."""

    expected: Seconds = 10.0  # E[wait] in V
    patience: Annotated[float, Field(ge=1, le=3600)] = (
        120.0  # mean seconds before a caller gives up
    )
    notice_every: Annotated[float, Field(ge=1, le=600)] = 10.0  # "still connecting you"
    limit: Annotated[float, Field(ge=1, le=3600)] = 90.0  # the longest wait of all
    for_busy: Seconds = 30.0  # keep a caller while someone who fits is in another call
    for_absent: Seconds = 0.0  # keep a caller while nobody who fits is there at all
    bridge: Annotated[float, Field(ge=0.1, le=60)] = 5.0  # from accept to the operator's audio
    drain: Seconds = 60.0  # how long a call may go on while the server drains
    max_requests: Annotated[int, Field(ge=1, le=20)] = 4  # requests for a person in one call
    backoff: Seconds = (
        20.0  # after nobody came, before a hard trigger asks again; doubles each time
    )
    max_failures: Annotated[int, Field(ge=1, le=20)] = (
        3  # broken components before giving up, with nobody there
    )


class Floor(PolicyModel):
    """How operators are offered calls."""

    offer_seconds: Annotated[float, Field(ge=1, le=300)] = 15.0
    max_offers: Annotated[int, Field(ge=1, le=1000)] = 20  # operators tried for one request
    wrap_up: Seconds = 0.0  # rest after a call before the next offer


class BriefLimits(PolicyModel):
    """How much an operator is shown."""

    exchanges: Annotated[int, Field(ge=1, le=50)] = 6
    tried: Annotated[int, Field(ge=1, le=50)] = 6


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
    brief: BriefLimits = BriefLimits()
    high_risk: frozenset[str] = frozenset({"medical", "financial", "legal"})
    regulated: dict[str, str] = Field(
        default_factory=_regulated
    )  # category -> words; never learned

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
        if field is None or not isinstance(field.annotation, type):
            return set()
        if not issubclass(field.annotation, BaseModel):
            return set()
        model = field.annotation
    return set(model.model_fields)
