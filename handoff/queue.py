"""The calls that wait for a person, in the order in which they are served."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from handoff.commands import Urgency
from handoff.events import HandoffRequested

_RANK = {urgency: rank for rank, urgency in enumerate(Urgency)}


@dataclass(slots=True)
class Waiting:
    """A call that waits for a person; times are monotonic seconds."""

    request: HandoffRequested
    since: float
    tried: dict[str, None] = field(default_factory=dict)  # operators asked, in order
    offer_id: str | None = None  # what rings for it now

    @property
    def call_id(self) -> str:
        """The call."""
        return self.request.call_id

    @property
    def urgency(self) -> Urgency:
        """How soon a person must take it."""
        return self.request.decision.urgency


class Queue:
    """Waiting calls: the most urgent first, among equals the one that waits longest."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: dict[str, Waiting] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[Waiting]:
        """In order of service; a snapshot, so that calls may be removed while iterating."""
        return iter(sorted(self._waiting.values(), key=lambda w: (-_RANK[w.urgency], w.since)))

    def find(self, call_id: str) -> Waiting | None:
        """The waiting call, or None."""
        return self._waiting.get(call_id)

    def put(self, request: HandoffRequested, now: float) -> Waiting:
        """Add a call, or renew brief and urgency of one that waits already (it keeps its place in age)."""
        waiting = self._waiting.get(request.call_id)
        if waiting is None:
            waiting = self._waiting[request.call_id] = Waiting(request, now)
        else:
            waiting.request = request
        return waiting

    def remove(self, call_id: str) -> Waiting | None:
        """Take a call out."""
        return self._waiting.pop(call_id, None)
