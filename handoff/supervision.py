"""The figures and the warnings of a whole floor in one machine: facts in, warnings out.

It joins `metrics` (figures), `outcomes` (what came of predictions), `shifts` (accuracy over minutes on shift)
and `drift` (warnings), and takes the samples that the warnings need: of the queue every `SAMPLE` seconds, of
the rest every `REST`th time. A new machine starts anew; `Supervision.reopened` counts again what was kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from handoff import drift, metrics, outcomes
from handoff.drift import Warned, WarningCleared, WarningRaised, Watch
from handoff.errors import ProtocolError
from handoff.events import DeadlinePassed
from handoff.metrics import HEADS, Figures, Metrics
from handoff.outcomes import Outcomes
from handoff.policy import Policy
from handoff.shifts import ShiftAnswer, ShiftAnswers, ShiftCurve

SAMPLE = 10.0  # seconds
REST = 6  # samples: a minute
SHIFT_ANSWERS = 20_000  # that the curve is drawn from, the newest


@dataclass(frozen=True, slots=True)
class FloorSeen:
    """How the floor stands: callers who wait, and operators at work who should have rested by now."""

    waiting: int
    overdue: int = 0


@dataclass(frozen=True, slots=True)
class Sampled:
    """The figures as they stood when they were last looked at; for a dashboard."""

    figures: Figures


SupervisionEvent = metrics.Fact | outcomes.OutcomeEvent | ShiftAnswer | FloorSeen | DeadlinePassed
SupervisionCommand = WarningRaised | WarningCleared | Sampled


class Supervision:
    """The machine; `now` is monotonic seconds, the same clock in every method."""

    __slots__ = (
        "_commands",
        "_due",
        "_metrics",
        "_outcomes",
        "_overdue",
        "_policy",
        "_samples",
        "_shift",
        "_waiting",
        "_watch",
    )

    def __init__(self, policy: Policy, now: float) -> None:
        """The first sample is taken `SAMPLE` seconds after `now`."""
        self._policy = policy
        self._metrics = Metrics(policy)
        self._outcomes = Outcomes()
        self._watch = Watch(policy)
        self._shift = ShiftAnswers(policy, SHIFT_ANSWERS)
        self._waiting, self._overdue = 0, 0
        self._samples = 0
        self._due = now + SAMPLE
        self._commands: list[SupervisionCommand] = []

    @classmethod
    def reopened(
        cls, policy: Policy, told: Iterable[tuple[float, SupervisionEvent]], now: float
    ) -> Supervision:
        """Rebuild after a stop from what was told before, each with its time, oldest first.

        Warnings that stand are raised once more, with the time since when they do. What cannot be counted
        is left. The queue, and what samples alone find, is known again with the next samples.
        """
        machine = cls(policy, now)
        for at, event in told:
            with suppress(ProtocolError):
                machine.handle(event, min(at, now))
        machine._commands = [WarningRaised(warning) for warning in machine.warnings]
        return machine

    # --- the machine ------------------------------------------------------------------------

    def handle(self, event: SupervisionEvent, now: float) -> None:
        """Take in one event.

        Raises `ProtocolError` for an unknown type of event, or a value out of its range; nothing of such an
        event counts.
        """
        if isinstance(event, DeadlinePassed):
            self._sample(now)
        elif isinstance(event, FloorSeen):
            self._floor(event, now)
        elif isinstance(event, ShiftAnswer):
            if not 0 <= event.minutes < float("inf"):
                raise ProtocolError("minutes on shift must be finite and not negative")
            self._shift.add(event)
        elif isinstance(event, metrics.Fact):
            self._metrics.handle(event, now)
            if isinstance(event, metrics.ProposalAnswered):
                self._watch.handle(drift.ApprovalAnswered(event.overridden), now)
        elif isinstance(event, outcomes.OutcomeEvent):
            for fact in self._outcomes.handle(event):
                self._metrics.handle(fact, now)
        else:
            raise ProtocolError(f"supervision knows no event {type(event).__name__}")
        self._commands += self._watch.take_commands()

    def next_deadline(self) -> float | None:
        """When to take the next sample: send `DeadlinePassed`."""
        return self._due

    def take_commands(self) -> list[SupervisionCommand]:
        """Hand out what has to be done since the last time, in order."""
        taken, self._commands = self._commands, []
        return taken

    # --- views ------------------------------------------------------------------------------

    def figures(self, now: float) -> Figures:
        """All figures of the window that ends now."""
        return self._metrics.snapshot(now)

    def shift(self) -> ShiftCurve:
        """Accuracy over minutes on shift, of everyone together."""
        return self._shift.curve()

    @property
    def warnings(self) -> tuple[Warned, ...]:
        """Those that stand, oldest first."""
        return self._watch.warnings

    @property
    def override_chart(self) -> tuple[float, float, float]:
        """The moving average of overrides with its lower and upper limit."""
        return self._watch.override_chart

    # --- inside -----------------------------------------------------------------------------

    def _floor(self, event: FloorSeen, now: float) -> None:
        if event.waiting < 0 or event.overdue < 0:
            raise ProtocolError("nobody waits or is overdue less than no one")
        changed = event.waiting != self._waiting
        self._waiting, self._overdue = event.waiting, event.overdue
        if changed:
            self._watch.handle(drift.QueueSampled(event.waiting), now)

    def _sample(self, now: float) -> None:
        if now < self._due:
            return  # the timer of an earlier deadline
        self._due = now + SAMPLE
        self._samples += 1
        self._watch.handle(drift.QueueSampled(self._waiting), now)
        if self._samples % REST:
            return
        figures, curve = self.figures(now), self.shift()
        share, error = figures.routed, figures.error_by_path["automatic"]
        self._watch.handle(drift.RoutingSampled(share, error), now)
        self._watch.handle(drift.FatigueSampled(curve.drop, curve.p, self._overdue), now)
        for head in HEADS:
            self._watch.handle(drift.CalibrationSampled(head, figures.ece[head]), now)
        self._commands.append(Sampled(figures))
