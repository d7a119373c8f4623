"""How far the server overran a turn's time budget."""

from __future__ import annotations

from dataclasses import dataclass

from handoff.events import StageTimed


@dataclass(slots=True)
class Latency:
    """Breaches since the last turn."""

    breaches: int = 0
    worst: float = 0.0  # largest measured time over budget, as a ratio

    def timed(self, event: StageTimed) -> None:
        """Read one stage; a budget of 0 means none was given."""
        if event.budget <= 0:
            return
        ratio = event.milliseconds / event.budget
        self.worst = max(self.worst, ratio)
        if ratio > 1:
            self.breaches += 1

    def read(self) -> dict[str, float]:
        """Raw values: a count and a ratio."""
        return {"latency.breaches": float(self.breaches), "latency.worst": self.worst}

    def trouble(self) -> float:
        """How much the caller notices, 0 (within budget) .. 1 (twice the budget or more)."""
        return min(1.0, max(0.0, self.worst - 1.0))

    def next_turn(self) -> None:
        """Forget what has been read."""
        self.breaches = 0
        self.worst = 0.0
