"""How far the server overran a turn's time budget."""

from __future__ import annotations

from dataclasses import dataclass

from handoff.events import StageTimed

WAITED_FOR = "response"  # end of speech -> first reply audio: the one stage that a caller waits for


@dataclass(slots=True)
class Latency:
    """Breaches since the last turn."""

    breaches: int = 0
    worst: float = 0.0  # largest measured time over budget, as a ratio
    waited: float = 0.0  # the same of `WAITED_FOR` alone

    def timed(self, event: StageTimed) -> None:
        """Read one stage; a budget of 0 means none was given."""
        if event.budget <= 0:
            return
        ratio = event.milliseconds / event.budget
        self.worst = max(self.worst, ratio)
        if event.stage == WAITED_FOR:
            self.waited = max(self.waited, ratio)
        if ratio > 1:
            self.breaches += 1

    def read(self) -> dict[str, float]:
        """Raw values over all stages: a count and a ratio."""
        return {"latency.breaches": float(self.breaches), "latency.worst": self.worst}

    def trouble(self) -> float:
        """How much the caller notices, 0 (within budget) .. 1 (twice the budget or more)."""
        return min(1.0, max(0.0, self.waited - 1.0))

    def next_turn(self) -> None:
        """Forget what has been read."""
        self.breaches = 0
        self.worst = 0.0
        self.waited = 0.0
