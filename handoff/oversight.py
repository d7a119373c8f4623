"""Oversight: whether a person must approve an action, may veto it, or looks at it afterwards.

Pure functions of the policy, the proposal and what is known of the call. The score orders proposals by
expected harm, consequence times likelihood as in a risk matrix (IEC 31010:2019); its constants are our own
judgement, not fitted:

    impact = 1 - (1 - effect) * (1 - 0.6 * share of the limit)
    score  = 100 * impact * (0.25 + 0.75 * max(risk of the call, q)), and 100 where regulated

with effect 0.05 (read), 0.3 (reversible), 0.7 (irreversible). No factor lowers it: more money, a riskier
call or a less certain action never scores less.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from handoff.events import ActionProposed, Effect
from handoff.policy import Policy
from handoff.policy.oversight import STRICTNESS, Mode

__all__ = ["PATHS", "REASONS", "Circumstances", "Mode", "Proposal", "Verdict", "judge"]

EFFECT = {Effect.READ: 0.05, Effect.REVERSIBLE: 0.3, Effect.IRREVERSIBLE: 0.7}
MONEY = 0.6  # what an amount at the limit adds to the impact of a harmless action
LEAST = 0.25  # share of the impact that counts however sure the AI is

PATHS: Mapping[Mode, str] = {Mode.OUT: "automatic", Mode.ON: "vetoable", Mode.IN: "approved"}
REASONS: Mapping[str, str] = {
    "regulated": "a decision that the AI may not make",
    "over_limit": "above what the AI may do alone",
    "safe_mode": "nobody came when this call needed a person",
    "call_risk": "the conversation is too uncertain for this",
    "risk": "the action itself is risky",
    "amount": "the amount is large",
    "rule": "the policy asks for it",
}


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the AI wants to do, and why; it is not done yet."""

    action_id: str
    call_id: str
    name: str
    arguments: Mapping[str, str]
    effect: Effect
    summary: str  # one line for an operator
    reasoning: str = ""
    alternatives: tuple[str, ...] = ()  # what else was considered, one line each
    doubts: tuple[str, ...] = ()  # why it may be wrong, one line each (`CallEngine.doubts`)
    amount: float | None = None  # in the pack's currency
    limit: float | None = None  # the largest amount that the AI may move alone
    regulated: str | None = None  # a category of the policy's table, or None
    over_limit: bool = False
    pack: str = ""
    sensitive: tuple[str, ...] = ()  # arguments whose values nobody is shown

    @classmethod
    def of(
        cls,
        action: ActionProposed,
        call_id: str,
        summary: str,
        *,
        pack: str = "",
        reasoning: str = "",
        alternatives: tuple[str, ...] = (),
        doubts: tuple[str, ...] = (),
        limit: float | None = None,
        sensitive: tuple[str, ...] = (),
    ) -> Proposal:
        """A call's `ActionProposed` with what a reviewer needs beside it."""
        return cls(
            action_id=action.action_id,
            call_id=call_id,
            name=action.name,
            arguments=dict(action.arguments),
            effect=action.effect,
            summary=summary,
            reasoning=reasoning,
            alternatives=alternatives,
            doubts=doubts,
            amount=action.amount,
            limit=limit,
            regulated=action.regulated,
            over_limit=action.over_limit,
            pack=pack,
            sensitive=sensitive,
        )


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known of the call when the AI wants to act."""

    risk: float  # rolling risk of the call, 0..1
    error: float = 0.0  # q: P(next answer or action is wrong), 0..1
    safe_mode: bool = False  # nobody came when a person was needed


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an action is overseen."""

    mode: Mode
    risk: int  # score of the proposal, 0..100
    seconds: float  # for an answer or a veto; 0 where nobody is asked
    reasons: tuple[str, ...] = field(default=())  # codes of `REASONS`; none out of the loop


def risk_score(proposal: Proposal, risk: float, error: float) -> int:
    """Score a proposal, 0..100; `risk` of the call and `error` (q) are in [0, 1].

    What is not a number counts as the worst, and so does an amount without a known limit.
    """
    if proposal.regulated:
        return 100
    impact = 1 - (1 - EFFECT[proposal.effect]) * (1 - MONEY * _share_of_limit(proposal))
    likelihood = max(_probability(risk), _probability(error))
    return round(100 * impact * (LEAST + (1 - LEAST) * likelihood))


def judge(policy: Policy, proposal: Proposal, call: Circumstances) -> Verdict:
    """Decide how a proposal is overseen.

    The rule for the action's name counts, else the pack's for its effect, else the general one for its
    effect. Whatever is regulated, above the AI's limit, or irreversible in a call in safe mode is in the
    loop under any rule. Something irreversible whose rule names no `call_risk` is risky from
    `thresholds.irreversible_risk` on.
    """
    section = policy.oversight
    rule = section.rule_for(proposal.name, proposal.pack, proposal.effect)
    score = risk_score(proposal, call.risk, call.error)
    irreversible = proposal.effect is Effect.IRREVERSIBLE
    forbidden = [
        code
        for code, holds in (
            ("regulated", bool(proposal.regulated)),
            ("over_limit", _is_over_limit(proposal)),
            ("safe_mode", irreversible and call.safe_mode),
        )
        if holds
    ]
    mark = rule.call_risk
    if mark is None and irreversible:
        mark = policy.thresholds.irreversible_risk
    amount = _amount(proposal)
    risky = [
        code
        for code, holds in (
            ("call_risk", mark is not None and _probability(call.risk) >= mark),
            ("risk", rule.risk is not None and score >= rule.risk),
            ("amount", rule.amount is not None and amount is not None and amount >= rule.amount),
        )
        if holds
    ]
    wanted = [rule.mode]
    if risky:
        wanted.append(rule.risky)
    if forbidden:
        wanted.append(Mode.IN)
    mode = max(wanted, key=lambda mode: STRICTNESS[mode])
    if mode is Mode.OUT:
        return Verdict(mode, score, 0.0)
    reasons = forbidden + (risky if STRICTNESS[rule.risky] > STRICTNESS[rule.mode] else [])
    if mode is Mode.ON:
        seconds = section.veto_seconds if rule.seconds is None else rule.seconds
    else:
        seconds = policy.approvals.deadline if rule.seconds is None else rule.seconds
    return Verdict(mode, score, seconds, tuple(reasons) or ("rule",))


def _amount(proposal: Proposal) -> float | None:
    if proposal.amount is None:
        return None
    return math.inf if math.isnan(proposal.amount) else abs(proposal.amount)


def _is_over_limit(proposal: Proposal) -> bool:
    amount = _amount(proposal)
    known = proposal.limit is not None and not math.isnan(proposal.limit)
    return proposal.over_limit or (known and amount is not None and amount > (proposal.limit or 0))


def _share_of_limit(proposal: Proposal) -> float:
    amount = _amount(proposal)
    if _is_over_limit(proposal):
        return 1.0
    if not amount:
        return 0.0
    return min(1.0, amount / proposal.limit) if proposal.limit else 1.0


def _probability(value: float) -> float:
    return 1.0 if math.isnan(value) else min(1.0, max(0.0, value))
