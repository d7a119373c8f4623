"""Latency figures of a demo: percentiles by stage, against the budgets of DESIGN section 6."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from voice_hitl.call.latency import BUDGETS, Budget, Stage

WORDS: Mapping[Stage, str] = {
    Stage.ENDPOINT: "end of complete speech → turn closed",
    Stage.ENDPOINT_UNFINISHED: "end of unfinished speech → turn closed",
    Stage.TRANSCRIPT: "turn closed → final transcript",
    Stage.DECISION: "turn closed → handoff decision",
    Stage.REPLY: "transcript → first sentence",
    Stage.FIRST_AUDIO: "sentence → first audio frame",
    Stage.RESPONSE: "end of speech → first reply audio",
    Stage.BARGE_IN: "caller interrupts → agent silent",
    Stage.OFFER: "decision → offer on the console",
    Stage.BRIDGE: "operator takes it → caller hears them",
    Stage.AUDIO_AGE_IN: "audio age, caller to operator",
    Stage.AUDIO_AGE_OUT: "audio age, operator to caller",
}


@dataclass(frozen=True, slots=True)
class Measured:
    """One stage as measured at one place, in milliseconds."""

    stage: Stage
    n: int
    p50: float
    p95: float
    budget: Budget

    @property
    def ok(self) -> bool:
        """Whether both percentiles are within the budget."""
        return self.p50 <= self.budget.p50 and self.p95 <= self.budget.p95

    def to_dict(self) -> dict[str, object]:
        """JSON form."""
        return {
            "n": self.n,
            "p50": round(self.p50, 1),
            "p95": round(self.p95, 1),
            "budget_p50": self.budget.p50,
            "budget_p95": self.budget.p95,
            "ok": self.ok,
        }


def measure(stage: Stage, milliseconds: Sequence[float]) -> Measured | None:
    """Percentiles of a stage; None without any value."""
    if not milliseconds:
        return None
    return Measured(
        stage,
        len(milliseconds),
        percentile(milliseconds, 0.50),
        percentile(milliseconds, 0.95),
        BUDGETS[stage],
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def collect(samples: Iterable[tuple[Stage, float]]) -> dict[Stage, Measured]:
    """Percentiles of every stage that was measured, in the order of `Stage`."""
    by_stage: dict[Stage, list[float]] = {}
    for stage, milliseconds in samples:
        by_stage.setdefault(stage, []).append(milliseconds)
    return {stage: found for stage in Stage if (found := measure(stage, by_stage.get(stage, [])))}
