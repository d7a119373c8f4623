"""Measures the present turn's stages and tells the book and the decision core."""

from __future__ import annotations

from handoff.engine import CallEngine
from handoff.events import StageTimed
from voice_hitl.call.book import CallBook
from voice_hitl.call.latency import BUDGETS, Stage, TurnClock


class Stopwatch:
    """One call's; moments are monotonic seconds."""

    def __init__(self, engine: CallEngine, book: CallBook) -> None:
        self.turn = 0  # the caller's turn, from 1
        self._engine = engine
        self._book = book
        self._clock = TurnClock()

    def next_turn(self) -> None:
        """A turn of the caller has closed."""
        self.turn += 1
        self._clock = TurnClock()
        self._book.turn_begins(self.turn)

    def moment(self, name: str, now: float) -> None:
        """Something happened; only the first time in a turn counts."""
        self._clock.moment(name, now)

    def knows(self, name: str) -> bool:
        """Whether it has happened in this turn."""
        return self._clock.knows(name)

    def measure(self, stage: Stage, start: str, end: str, now: float) -> None:
        """Measure a stage between two moments, once, if both have happened."""
        milliseconds = self._clock.between(stage, start, end)
        if milliseconds is not None:
            self._book.stage(stage, milliseconds)
            budget = BUDGETS[stage].p95
            self._engine.handle(StageTimed(self.turn, stage.value, milliseconds, budget), now)
