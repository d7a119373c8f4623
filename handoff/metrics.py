"""The figures of the whole system, people included, over a sliding window.

Fed by plain facts; each figure comes with its count and 95 % interval, or says "not enough data". Memory is
bounded: sums in `BUCKETS` buckets of time that are forgotten as they leave the window, the last predictions
of each head (`handoff.predictions`) and the last `PAIRS` reviews. A look costs a millisecond or two.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from handoff.agreement import Agreement, agreement
from handoff.errors import ProtocolError
from handoff.intervals import Figure, mean_figure, share_figure, too_little, wilson
from handoff.policy import Policy
from handoff.predictions import Predictions

BUCKETS = 288  # of five minutes in a day
PAIRS = 5000

Path = Literal["automatic", "vetoable", "approved", "handed_off"]
Outcome = Literal["automated", "handed_off", "abandoned", "failed"]
Disposition = Literal["needed", "premature", "too_late", "not_needed"]
Head = Literal["h", "q"]
PATHS: tuple[Path, ...] = get_args(Path)
HEADS: tuple[Head, ...] = get_args(Head)
# A handoff that came too late was needed: it was right to route, if slow.
RIGHTLY_ROUTED: frozenset[Disposition] = frozenset({"needed", "too_late"})


@dataclass(frozen=True, slots=True)
class CallFinished:
    """A call ended, `seconds` after it began."""

    outcome: Outcome
    seconds: float


@dataclass(frozen=True, slots=True)
class Handled:
    """An operator is through with a call: `seconds` of talk and wrap-up."""

    seconds: float


@dataclass(frozen=True, slots=True)
class QueueLeft:
    """A caller left the queue after `seconds`: answered, or gone."""

    seconds: float
    answered: bool


@dataclass(frozen=True, slots=True)
class Disposed:
    """What an operator said of a handoff they took."""

    disposition: Disposition


@dataclass(frozen=True, slots=True)
class ProposalAnswered:
    """A person answered a proposal; `overridden`: with edits, a refusal or another answer."""

    overridden: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """Somebody found what went some path right or wrong; counts 1 / `propensity`, `audit.clip` at most."""

    path: Path
    wrong: bool
    propensity: float = 1.0  # with which it was drawn, in (0, 1]


@dataclass(frozen=True, slots=True)
class Reviewed:
    """Two reviewers answered the same item, neither seeing the other."""

    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Predicted:
    """What a head said, and what came of it."""

    head: Head
    probability: float
    outcome: bool


Fact = (
    CallFinished | Handled | QueueLeft | Disposed | ProposalAnswered | Judged | Reviewed | Predicted
)


@dataclass(frozen=True, slots=True)
class Tally:
    """Count, weights and sums of some observations; tallies of separate observations add up."""

    n: int = 0
    total: float = 0.0  # of weight * value
    squares: float = 0.0  # of value squared
    weights: float = 0.0
    weights_squared: float = 0.0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.n + other.n,
            self.total + other.total,
            self.squares + other.squares,
            self.weights + other.weights,
            self.weights_squared + other.weights_squared,
        )

    @classmethod
    def together(cls, parts: Collection[Tally]) -> Tally:
        """The sum of many, faster than one by one."""
        return cls(
            sum([part.n for part in parts]),
            sum([part.total for part in parts], 0.0),
            sum([part.squares for part in parts], 0.0),
            sum([part.weights for part in parts], 0.0),
            sum([part.weights_squared for part in parts], 0.0),
        )

    @classmethod
    def of(cls, value: float, weight: float = 1.0) -> Tally:
        """One observation."""
        return cls(1, weight * value, value * value, weight, weight * weight)

    def share(self, minimum: int) -> Figure:
        """The share of ones; with weights Hajek's estimate, its interval from Kish's effective count."""
        if self.n < minimum or self.weights == 0:
            return too_little(self.n)
        if self.weights == self.weights_squared == self.n:  # every weight is 1
            return share_figure(round(self.total), self.n)
        share = min(1.0, self.total / self.weights)
        effective = min(self.n, self.weights**2 / self.weights_squared)
        return Figure(self.n, share, *wilson(share * effective, effective))

    def mean(self, minimum: int) -> Figure:
        """The mean of the values, each counted once."""
        return mean_figure(self.n, self.total, self.squares, minimum)


class Window:
    """Tallies in buckets of time; what is older than the window is forgotten."""

    __slots__ = ("_buckets", "_closed", "_seconds")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds / BUCKETS
        self._buckets: deque[tuple[int, Tally]] = deque()
        self._closed: Tally | None = None  # the sum of all buckets but the last; None: not known

    def add(self, tally: Tally, now: float) -> None:
        """Count at `now`; times earlier than the last one's bucket count into that."""
        index = int(now // self._seconds)
        if self._buckets and self._buckets[-1][0] >= index:
            last, before = self._buckets[-1]
            self._buckets[-1] = (last, before + tally)
        else:
            self._buckets.append((index, tally))
            self._closed = None
        self._forget(index)

    def sum(self, now: float) -> Tally:
        """All of the window that ends now."""
        self._forget(int(now // self._seconds))
        if not self._buckets:
            return Tally()
        if self._closed is None:
            parts = [tally for _, tally in self._buckets]
            self._closed = Tally.together(parts[:-1])
        return self._closed + self._buckets[-1][1]

    def _forget(self, index: int) -> None:
        while self._buckets and self._buckets[0][0] <= index - BUCKETS:
            self._buckets.popleft()
            self._closed = None


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything at one moment; shares in [0, 1], times in seconds."""

    at: float
    routing_accuracy: Figure  # handoffs that were needed, of those with a disposition
    routed: Figure  # calls handed over, of all that ended
    automation_rate: Figure  # calls that the AI finished
    failed: Figure  # calls that failed
    override_rate: Figure  # proposals that a person answered otherwise
    time_to_resolution: Figure  # of calls that were automated or handed off
    handle_time: Figure  # of operators, wrap-up included
    queue_time: Figure  # of all who queued
    abandonment: Figure  # gone before an answer, of all who queued
    service_level: Figure  # answered within `warnings.service_within`, of all who queued
    error_by_path: dict[Path, Figure]
    reviewers: Agreement
    ece: dict[Head, Figure]
    brier: dict[Head, Figure]


class Metrics:
    """The accumulators; feed facts with `handle`, read with `snapshot`."""

    __slots__ = ("_clip", "_outcomes", "_policy", "_reviews", "_windows")

    def __init__(self, policy: Policy) -> None:
        self._policy = policy.warnings
        self._clip = policy.audit.clip
        self._windows: dict[str, Window] = {}
        self._outcomes: dict[Head, Predictions] = {head: Predictions() for head in HEADS}
        self._reviews: deque[tuple[str, str]] = deque(maxlen=PAIRS)

    def handle(self, fact: Fact, now: float) -> None:
        """Count one fact; raises `ProtocolError` for an unknown one, or a value out of its range."""
        entries = list(self._entries(fact))
        for _, value, weight in entries:
            if not (0 <= value < float("inf") and 0 < weight < float("inf")):
                raise ProtocolError(f"{type(fact).__name__}: {value} or its weight is out of range")
        for name, value, weight in entries:
            if name not in self._windows:
                self._windows[name] = Window(self._policy.window_hours * 3600)
            self._windows[name].add(Tally.of(value, weight), now)

    def snapshot(self, now: float) -> Figures:
        """All figures of the window that ends now."""
        return Figures(
            at=now,
            routing_accuracy=self._share("rightly_routed", now),
            routed=self._share("routed", now),
            automation_rate=self._share("automated", now),
            failed=self._share("failed", now),
            override_rate=self._share("overridden", now),
            time_to_resolution=self._mean("resolution", now),
            handle_time=self._mean("handled", now),
            queue_time=self._mean("queued", now),
            abandonment=self._share("abandoned", now),
            service_level=self._share("in_time", now),
            error_by_path={path: self._share(f"wrong:{path}", now) for path in PATHS},
            reviewers=agreement(self._reviews),
            ece={head: said.ece(self._policy.ece_minimum) for head, said in self._outcomes.items()},
            brier={head: said.brier(self._policy.minimum) for head, said in self._outcomes.items()},
        )

    # --- inside -----------------------------------------------------------------------------

    def _entries(self, fact: Fact) -> Iterable[tuple[str, float, float]]:
        """What a fact adds to which windows: name, value, weight."""
        match fact:
            case CallFinished(outcome, seconds):
                yield "routed", outcome == "handed_off", 1.0
                yield "automated", outcome == "automated", 1.0
                yield "failed", outcome == "failed", 1.0
                if outcome in ("automated", "handed_off"):
                    yield "resolution", seconds, 1.0
            case Handled(seconds):
                yield "handled", seconds, 1.0
            case QueueLeft(seconds, answered):
                yield "queued", seconds, 1.0
                yield "abandoned", not answered, 1.0
                yield "in_time", answered and seconds <= self._policy.service_within, 1.0
            case Disposed(disposition):
                yield "rightly_routed", disposition in RIGHTLY_ROUTED, 1.0
            case ProposalAnswered(overridden):
                yield "overridden", overridden, 1.0
            case Judged(path, wrong, propensity):
                if path not in PATHS:
                    raise ProtocolError(f"no path '{path}': one of {', '.join(PATHS)}")
                if not 0 < propensity <= 1:
                    raise ProtocolError(f"a propensity must be above 0 and at most 1: {propensity}")
                yield f"wrong:{path}", wrong, min(self._clip, 1 / propensity)
            case Reviewed(first, second):
                self._reviews.append((first, second))
            case Predicted(head, probability, outcome):
                if head not in HEADS or not 0 <= probability <= 1:
                    raise ProtocolError(f"no probability of h or q: {head}, {probability}")
                self._outcomes[head].add(probability, outcome)
            case _:
                raise ProtocolError(f"metrics know no fact {type(fact).__name__}")

    def _sum(self, name: str, now: float) -> Tally:
        window = self._windows.get(name)
        return Tally() if window is None else window.sum(now)

    def _share(self, name: str, now: float) -> Figure:
        return self._sum(name, now).share(self._policy.minimum)

    def _mean(self, name: str, now: float) -> Figure:
        return self._sum(name, now).mean(self._policy.minimum)
