"""When a person takes over: costs, thresholds, hysteresis, hard triggers, waiting, the brief."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from handoff.policy.base import Cost, PolicyModel, Probability, Seconds


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


class Switch(PolicyModel):
    """A hard trigger that once is enough for."""

    enabled: bool = True


class Trigger(PolicyModel):
    """A hard trigger: whether it counts, and how many times in a row (or in all) it takes."""

    enabled: bool = True
    count: Annotated[int, Field(ge=1, le=20)] = 1


class Triggers(PolicyModel):
    """The hard triggers, which bypass the value rule. `takeover` is an operator's right: no switch."""

    explicit_request: Trigger = Trigger()
    emergency: Switch = Switch()
    regulated: Switch = Switch()
    irreversible_failed: Trigger = Trigger()
    over_limit: Switch = Switch()
    no_matches: Trigger = Trigger(count=2)  # in a row
    silences: Trigger = Trigger(count=2)  # in a row
    component_failed: Trigger = Trigger()
    digit_zero: Switch = Switch()
    second_opinion: Trigger = Trigger()
    harmful_content: Trigger = Trigger()


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
    max_requests: Annotated[int, Field(ge=1, le=20)] = (
        4  # in a row that nobody came for; then only an emergency asks
    )
    backoff: Seconds = (
        20.0  # after nobody came, before a hard trigger asks again; doubles each time
    )
    max_failures: Annotated[int, Field(ge=1, le=20)] = (
        3  # broken components before giving up, with nobody there
    )


class BriefLimits(PolicyModel):
    """How much an operator is shown."""

    exchanges: Annotated[int, Field(ge=1, le=50)] = 6
    tried: Annotated[int, Field(ge=1, le=50)] = 6
