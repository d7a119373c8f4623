"""Those who wait for a person, in the order in which they are served."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from handoff import triage
from handoff.commands import Urgency
from handoff.events import HandoffRequested
from handoff.policy import Policy, Triage

if TYPE_CHECKING:
    from handoff.callbacks import CallbackRecord


_URGENCIES = tuple(Urgency)


@dataclass(slots=True)
class Waiting:
    """A call, or a callback that is due; times are monotonic seconds."""

    request: HandoffRequested | CallbackRecord
    since: float
    tried: dict[str, None] = field(default_factory=dict)  # operators asked in this round, in order
    offer_id: str | None = None  # what rings for it now
    urgency: Urgency = Urgency.MEDIUM  # the request's, or as a person changed it
    points: float = triage.TOP / 2
    band: triage.Band = triage.Band.STANDARD
    seniors_until: float = -math.inf  # until then it is kept for seniors
    asked: dict[str, None] = field(default_factory=dict)  # operators asked in any round
    offers: int = 0
    round: int = 1
    again_at: float | None = None  # when those who did not take it are asked again
    until: float = math.inf  # how long it waits while nothing rings for it, as last found
    alerted: dict[str, None] = field(default_factory=dict)  # on-call operators
    alerted_at: float = -math.inf  # when the first of them was
    misfits: bool = False  # nobody at work suits it: when critical it rings at any on-call one
    overridden: bool = False  # a person has said how urgent it is

    @property
    def call_id(self) -> str:
        """The call, or the callback's id: what offers and owners are called by."""
        return self.request.key

    @property
    def is_call(self) -> bool:
        """Whether a caller is on the line."""
        return isinstance(self.request, HandoffRequested)

    @property
    def number(self) -> int | None:
        """The number of the request in its call."""
        return self.request.request if isinstance(self.request, HandoffRequested) else None

    @property
    def critical(self) -> bool:
        """Whether it overrides what can be overridden."""
        return self.is_call and self.urgency is Urgency.CRITICAL

    def next_round(self) -> None:
        """Everyone may be asked again."""
        self.tried.clear()
        self.again_at = None
        self.round += 1

    def rank(self, urgency: Urgency, points: float, policy: Triage) -> None:
        """Set urgency and score, and what follows from them."""
        self.urgency, self.points = urgency, points
        self.band = triage.band_of(points, policy)
        kept = self.band is triage.Band.SENIOR and not self.critical
        self.seniors_until = self.since + policy.senior_wait if kept else -math.inf


class Queue:
    """Calls in the order of waiting time plus the head start of their urgency; then due callbacks.

    Callbacks are served when no caller on the line wants the operator: the one promised earliest first.
    """

    __slots__ = ("_policy", "_waiting")

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._waiting: dict[str, Waiting] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[Waiting]:
        """In order of service; a snapshot, so that calls may be removed while iterating."""
        return iter(sorted(self._waiting.values(), key=self._place))

    def find(self, call_id: str) -> Waiting | None:
        """The waiting call, or None."""
        return self._waiting.get(call_id)

    def put(self, request: HandoffRequested | CallbackRecord, now: float) -> Waiting:
        """Add a call or a callback, or renew a call that waits already (it keeps its place in age).

        Urgency and score never fall by themselves: an emergency is not over because the next turn was calm.
        What a person said of them stands, but for a call that becomes critical.
        """
        waiting = self._waiting.get(request.key)
        is_new = waiting is None
        if waiting is None:
            waiting = self._waiting[request.key] = Waiting(request, now)
        waiting.request = request
        if not isinstance(request, HandoffRequested):
            waiting.urgency = request.urgency
        elif not waiting.overridden or request.urgency is Urgency.CRITICAL:
            urgency, points = request.urgency, triage.score(request.decision, self._policy).points
            if not is_new:
                urgency = max(urgency, waiting.urgency, key=_URGENCIES.index)
                points = max(points, waiting.points)
            waiting.rank(urgency, points, self._policy.triage)
        return waiting

    def put_back(self, waiting: Waiting) -> None:
        """Add what was taken out, as it was."""
        self._waiting[waiting.call_id] = waiting

    def remove(self, call_id: str) -> Waiting | None:
        """Take a call out."""
        return self._waiting.pop(call_id, None)

    def _place(self, waiting: Waiting) -> tuple[bool, float, float]:
        # Everyone ages alike, so the order of two never changes: no clock is needed.
        if isinstance(waiting.request, HandoffRequested):
            ahead = triage.head_start(waiting.urgency, self._policy.triage)
            return (False, waiting.since - ahead, waiting.since)
        return (True, waiting.request.by, waiting.since)
