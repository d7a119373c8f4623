"""What the floor remembers of things that are over, so that a message that arrives late does nothing.

Messages between calls and the floor may overtake each other (a request waits until its decision is stored, a
hang-up does not). Memory is bounded: the oldest is forgotten first.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import TypeVar

from handoff.events import HandoffRequested

REMEMBERED = 20_000  # calls, and as many offers: far more than can be under way at once
V = TypeVar("V")


class Fences:
    """Closed offers, answered or withdrawn requests, and epochs given out, by call."""

    __slots__ = ("_epochs", "_offers", "_over")

    def __init__(self) -> None:
        self._offers: OrderedDict[str, str] = OrderedDict()
        self._over: OrderedDict[str, float] = OrderedDict()
        self._epochs: OrderedDict[str, int] = OrderedDict()

    def offer_closed(self, offer_id: str, reason: str) -> None:
        """An offer is over, for this reason."""
        _remember(self._offers, offer_id, reason)

    def fate_of(self, offer_id: str) -> str:
        """Why an offer is over; `unknown` if it never was or is forgotten."""
        return self._offers.get(offer_id, "unknown")

    def request_over(self, call_id: str, request: int | None) -> None:
        """This request of a call and all before it are over; None: the call does not number them."""
        if request is not None:
            _remember(self._over, call_id, max(request, self._over.get(call_id, 0)))

    def call_over(self, call_id: str) -> None:
        """The caller is gone: whatever comes for this call is late."""
        _remember(self._over, call_id, math.inf)

    def is_call_over(self, call_id: str) -> bool:
        """Whether the caller is known to be gone."""
        return self._over.get(call_id) == math.inf

    def assigned(self, call_id: str, epoch: int) -> None:
        """The call was given to somebody under this epoch."""
        _remember(self._epochs, call_id, epoch)

    def is_stale(self, event: HandoffRequested) -> bool:
        """Whether a hang-up, a withdrawal, an answer or an assignment has overtaken this request."""
        if self.is_call_over(event.call_id):
            return True
        if event.request is not None and event.request <= self._over.get(event.call_id, 0):
            return True
        return event.epoch is not None and event.epoch < self._epochs.get(event.call_id, 0)


def _remember(memory: OrderedDict[str, V], key: str, value: V) -> None:
    memory[key] = value
    memory.move_to_end(key)
    if len(memory) > REMEMBERED:
        memory.popitem(last=False)
