"""Warnings for a supervisor: what drifts, since when, on what evidence, and what to do.

Each is raised once and cleared with hysteresis (`warnings.clear` of its limit). Rising overrides are found by
a Bernoulli CUSUM of log-likelihood ratios (Reynolds & Stoumbos 1999): S grows by ln(p1/p0) with an override
and by ln((1-p1)/(1-p0)) without, never below 0; it warns above h. With p0 = 0.10, p1 = 0.20, h = 4 and
independent answers, seeded simulation gives 1,850 answers (standard error 55) from one false alarm to the
next, and 75 (1) until a doubled rate is found (tests/unit/handoff/test_drift.py). EWMA charts (Roberts 1959)
show the same rate with its limits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum

from handoff.errors import ProtocolError
from handoff.intervals import Figure
from handoff.policy import Policy

CAP = 1.5  # S stops at so many times h, so that a good stretch can end a warning
QUEUE_MEMORY = 600.0  # seconds: time constant of what the queue is compared with
QUEUE_NOW = 60.0  # seconds: time constant of the queue's present length
SURE = 0.01  # p of a fall of accuracy that warns
DOUBTFUL = 0.05  # p of one that no longer does


@dataclass(slots=True)
class Cusum:
    """A one-sided Bernoulli CUSUM; `value` in [0, CAP * limit]."""

    normal: float  # p0, in control
    bad: float  # p1, above p0
    limit: float  # h
    value: float = 0.0

    def add(self, hit: bool) -> bool:
        """Count one trial; returns whether the limit is exceeded."""
        bad, normal = (self.bad, self.normal) if hit else (1 - self.bad, 1 - self.normal)
        step = math.log(bad / normal)
        self.value = min(max(0.0, self.value + step), CAP * self.limit)
        return self.value > self.limit


@dataclass(slots=True)
class Ewma:
    """An exponentially weighted moving average of trials with rate `normal`, and its control limits."""

    normal: float
    weight: float  # lambda, in (0, 1]
    sigmas: float
    value: float = field(init=False)
    n: int = 0

    def __post_init__(self) -> None:
        self.value = self.normal

    def add(self, hit: bool) -> None:
        """Count one trial."""
        self.value += self.weight * (float(hit) - self.value)
        self.n += 1

    @property
    def limits(self) -> tuple[float, float]:
        """Lower and upper limit after `n` trials, within [0, 1]; exact, not asymptotic."""
        part = self.weight / (2 - self.weight) * (1 - (1 - self.weight) ** (2 * self.n))
        half = self.sigmas * math.sqrt(self.normal * (1 - self.normal) * part)
        return max(0.0, self.normal - half), min(1.0, self.normal + half)


class Code(StrEnum):
    """What is wrong."""

    OVERRIDES = "overrides"
    QUEUE = "queue"
    UNDER_ROUTED = "under_routed"
    FATIGUE = "fatigue"
    CALIBRATION_BREAKDOWN = "calibration_h"
    CALIBRATION_ERROR = "calibration_q"


TODO = {
    Code.OVERRIDES: "Read the last overridden proposals; raise the oversight of that action or retrain.",
    Code.QUEUE: "Ask more operators in, offer callbacks, or let the AI keep calls of low urgency.",
    Code.UNDER_ROUTED: "Lower the price of a handoff or the thresholds; audit more automatic calls.",
    Code.FATIGUE: "Send those longest at work on a break and shorten the stretches between breaks.",
    Code.CALIBRATION_BREAKDOWN: "Recalibrate h from the newest labels; trust its confidence less until then.",
    Code.CALIBRATION_ERROR: "Recalibrate q from the newest labels; trust its confidence less until then.",
}


@dataclass(frozen=True, slots=True)
class Warned:
    """One warning, as a supervisor reads it; `since` is monotonic seconds."""

    code: Code
    since: float
    words: str
    evidence: tuple[tuple[str, float], ...]
    todo: str


@dataclass(frozen=True, slots=True)
class ApprovalAnswered:
    """A person answered a proposal of the AI; `overridden`: other than it proposed."""

    overridden: bool


@dataclass(frozen=True, slots=True)
class QueueSampled:
    """So many callers wait now; send it when that changes and every ten seconds."""

    waiting: int


@dataclass(frozen=True, slots=True)
class RoutingSampled:
    """The routed share and the error of the automatic path (`Metrics.snapshot`)."""

    share: Figure
    error: Figure


@dataclass(frozen=True, slots=True)
class FatigueSampled:
    """The trend of accuracy over minutes on shift (`handoff.shifts`), and how many must rest now."""

    drop: float | None  # above 0: it falls
    p: float | None  # two-sided
    overdue: int  # operators at work who should have rested


@dataclass(frozen=True, slots=True)
class CalibrationSampled:
    """The calibration error of head `h` or `q` over its last outcomes."""

    head: str
    ece: Figure


DriftEvent = ApprovalAnswered | QueueSampled | RoutingSampled | FatigueSampled | CalibrationSampled


@dataclass(frozen=True, slots=True)
class WarningRaised:
    """Show it, and freeze the budget (`budget.AlarmRaised(code)`)."""

    warning: Warned


@dataclass(frozen=True, slots=True)
class WarningCleared:
    """It is over (`budget.AlarmCleared(code)`)."""

    code: Code
    at: float


class Watch:
    """The machine of all warnings; it has no deadlines: what it judges is sampled by its shell."""

    __slots__ = (
        "_chart",
        "_commands",
        "_cusum",
        "_grows_since",
        "_policy",
        "_queue",
        "_usual",
        "_warnings",
    )

    def __init__(self, policy: Policy) -> None:
        rules = policy.warnings
        self._policy = rules
        self._cusum = Cusum(rules.override_normal, rules.override_bad, rules.cusum_limit)
        self._chart = Ewma(rules.override_normal, rules.ewma_weight, rules.ewma_sigmas)
        self._queue: tuple[float, float] | None = None  # present length, at
        self._usual = 0.0
        self._grows_since: float | None = None
        self._warnings: dict[Code, Warned] = {}
        self._commands: list[WarningRaised | WarningCleared] = []

    def handle(self, event: DriftEvent, now: float) -> None:
        """Take in one event; raises `ProtocolError` for an unknown type of event or head."""
        match event:
            case ApprovalAnswered():
                self._answered(event.overridden, now)
            case QueueSampled():
                self._queued(event.waiting, now)
            case RoutingSampled():
                self._routed(event, now)
            case FatigueSampled():
                self._fatigue(event, now)
            case CalibrationSampled():
                self._calibration(event, now)
            case _:
                raise ProtocolError(f"the watch knows no event {type(event).__name__}")

    def next_deadline(self) -> float | None:
        """None: nothing happens by itself."""
        return None

    def take_commands(self) -> list[WarningRaised | WarningCleared]:
        """What to do since the last call."""
        taken, self._commands = self._commands, []
        return taken

    @property
    def warnings(self) -> tuple[Warned, ...]:
        """Those that stand, oldest first."""
        return tuple(sorted(self._warnings.values(), key=lambda w: (w.since, w.code)))

    @property
    def override_chart(self) -> tuple[float, float, float]:
        """The EWMA of overrides with its lower and upper limit, for the chart."""
        return (self._chart.value, *self._chart.limits)

    # --- one judgement each -----------------------------------------------------------------

    def _answered(self, overridden: bool, now: float) -> None:
        bad = self._cusum.add(overridden)
        self._chart.add(overridden)
        words = (
            f"People overrule the AI more often than the usual {self._policy.override_normal:.0%}:"
            f" about {self._chart.value:.0%} of late."
        )
        evidence = (("cusum", self._cusum.value), ("limit", self._cusum.limit))
        fine = self._cusum.value <= self._policy.clear * self._cusum.limit
        chart = ("recent_rate", self._chart.value)
        self._set(Code.OVERRIDES, bad, fine, words, (*evidence, chart), now)

    def _queued(self, waiting: int, now: float) -> None:
        if waiting < 0:
            raise ProtocolError("a queue cannot be shorter than nobody")
        if self._queue is None:
            self._queue, self._usual = (float(waiting), now), float(waiting)
        length, at = self._queue
        passed = max(0.0, now - at)
        length += (1 - math.exp(-passed / QUEUE_NOW)) * (waiting - length)
        self._usual += (1 - math.exp(-passed / QUEUE_MEMORY)) * (waiting - self._usual)
        self._queue = (length, now)
        grows = length >= self._policy.queue_length and length > 1.2 * self._usual
        if not grows:
            self._grows_since = None
        elif self._grows_since is None:
            self._grows_since = now
        bad = (
            self._grows_since is not None and now >= self._grows_since + self._policy.queue_seconds
        )
        fine = length < self._policy.clear * self._policy.queue_length
        words = (
            f"The queue keeps growing: about {length:.0f} callers wait, usually {self._usual:.0f}."
        )
        evidence = (("waiting", length), ("usual", self._usual))
        self._set(Code.QUEUE, bad, fine, words, evidence, now)

    def _routed(self, event: RoutingSampled, now: float) -> None:
        share, error = event.share.value, event.error.low
        if share is None or error is None or event.error.value is None:
            return
        rules = self._policy
        # The error's lower bound must pass: a chance run of bad calls is no reason to act.
        bad = share < rules.low_routing and error > rules.high_error
        fine = share >= rules.low_routing or event.error.value < rules.clear * rules.high_error
        words = (
            f"Few calls reach people ({share:.1%}) while {event.error.value:.1%} of what the AI does"
            " alone is wrong."
        )
        evidence = (("routed", share), ("error", event.error.value), ("error_at_least", error))
        self._set(Code.UNDER_ROUTED, bad, fine, words, evidence, now)

    def _fatigue(self, event: FatigueSampled, now: float) -> None:
        drop = event.drop if event.drop is not None and event.p is not None else 0.0
        p = 1.0 if event.p is None else event.p
        bad = (p < SURE and drop >= self._policy.fatigue_drop) or event.overdue > 0
        over = p >= DOUBTFUL or drop < self._policy.clear * self._policy.fatigue_drop
        fine = event.overdue == 0 and over
        if event.overdue:
            words = f"{event.overdue} at work should have rested by now."
        else:
            words = f"Accuracy falls by {drop:.0%} over the minutes on shift."
        evidence = (("overdue", float(event.overdue)), ("accuracy_drop", drop))
        self._set(Code.FATIGUE, bad, fine, words, evidence, now)

    def _calibration(self, event: CalibrationSampled, now: float) -> None:
        codes = {"h": Code.CALIBRATION_BREAKDOWN, "q": Code.CALIBRATION_ERROR}
        if event.head not in codes:
            raise ProtocolError(f"no head '{event.head}': h or q")
        value = event.ece.value
        if value is None or event.ece.n < self._policy.ece_minimum:
            return
        bad, fine = value > self._policy.ece, value < self._policy.clear * self._policy.ece
        words = (
            f"The probability {event.head} is off by {value:.0%} on average over its last outcomes."
        )
        evidence = (("ece", value), ("outcomes", float(event.ece.n)))
        self._set(codes[event.head], bad, fine, words, evidence, now)

    def _set(
        self,
        code: Code,
        bad: bool,
        fine: bool,
        words: str,
        evidence: tuple[tuple[str, float], ...],
        now: float,
    ) -> None:
        standing = self._warnings.get(code)
        if standing is None and bad:
            warning = Warned(code, now, words, evidence, TODO[code])
            self._warnings[code] = warning
            self._commands.append(WarningRaised(warning))
        elif standing is not None and fine and not bad:
            del self._warnings[code]
            self._commands.append(WarningCleared(code, now))
        elif standing is not None:  # the same warning with today's numbers
            self._warnings[code] = Warned(code, standing.since, words, evidence, TODO[code])
