"""Whether a call went as its scenario says; pure, from what was seen at both ends and in the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from voice_hitl.demo.measuring import Content
from voice_hitl.simulate.scenario import Expectation
from voice_hitl.simulate.verify import HEARD


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that had to hold."""

    what: str
    expected: str
    found: str
    ok: bool

    def to_dict(self) -> dict[str, object]:
        """JSON form."""
        return {
            "check": self.what,
            "expected": self.expected,
            "found": self.found,
            "ok": self.ok,
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call came to."""

    outcome: str | None  # None: the server never ended it
    reasons: tuple[str, ...]  # codes of every decision to hand over, the weightiest first
    requested: bool  # a person was asked for
    bridged: bool  # and talked to the caller
    contents: tuple[Content, ...]
    facts: Mapping[str, Any]  # of the pack's own database
    still_ringing: tuple[str, ...]  # operators at whom it rang on after its end
    problems: tuple[str, ...]  # of the caller or an operator
    approvals: tuple[str, ...] = ()  # how what the AI asked for was answered, oldest first


def judge(expect: Expectation, came: Outcome) -> list[Check]:
    """Every check that applies; the call is as it should be when all are ok."""
    checks = [
        Check("outcome", expect.outcome, str(came.outcome), came.outcome == expect.outcome),
    ]
    if expect.reasons_any:
        found = [code for code in came.reasons if code in expect.reasons_any]
        checks.append(
            Check(
                "reason",
                " or ".join(expect.reasons_any),
                ", ".join(came.reasons) or "none",
                bool(found),
            )
        )
    elif expect.outcome == "automated":
        said = ", ".join(came.reasons) or ("asked" if came.requested else "not asked")
        checks.append(Check("no person asked", "not asked", said, not came.requested))
    if expect.approval is not None:
        last = came.approvals[-1] if came.approvals else "nobody answered"
        checks.append(Check("approval", expect.approval, last, last == expect.approval))
    checks += [
        Check(
            f"bank: {name}", str(value), str(came.facts.get(name)), _same(came.facts, name, value)
        )
        for name, value in expect.bank.items()
    ]
    if expect.outcome == "handed_off":
        checks += _bridge(came)
    rang = ", ".join(came.still_ringing) or "nobody"
    checks.append(Check("rings after the end", "nobody", rang, not came.still_ringing))
    checks += [Check("problem", "none", problem, ok=False) for problem in came.problems]
    return checks


def _bridge(came: Outcome) -> list[Check]:
    """A handed-over call must have carried both voices."""
    checks = [Check("bridged", "yes", "yes" if came.bridged else "no", came.bridged)]
    for direction, words in (("to_caller", "caller hears"), ("to_operator", "operator hears")):
        scores = [content for content in came.contents if content.direction == direction]
        worst = min((content.score for content in scores), default=0.0)
        checks.append(
            Check(words, f"> {HEARD}", f"{worst:.2f}" if scores else "nothing", worst >= HEARD)
        )
    return checks


def _same(facts: Mapping[str, Any], name: str, expected: object) -> bool:
    return name in facts and str(facts[name]) == str(expected)


def failures(checks: Sequence[Check]) -> list[Check]:
    """Those that do not hold."""
    return [check for check in checks if not check.ok]
