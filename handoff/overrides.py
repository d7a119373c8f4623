"""What triage leaves to the AI, and what people change of it: raise, lower, clear, reassign.

Every change is kept with who and why. Bounded: the `CLEARED_KEPT` requests cleared last can be raised again.
"""

from __future__ import annotations

from collections import OrderedDict

from handoff import triage
from handoff.commands import AuditCleared, KeepOverride, RefuseOverride, Urgency
from handoff.events import Override, TriageOverridden
from handoff.operators import Operator, Roster
from handoff.policy import Triage
from handoff.queue import Waiting
from handoff.sampling import draw
from handoff.search import Search

CLEARED_KEPT = 1000


class Overrides:
    """Changes the places of waiting calls."""

    __slots__ = ("_cleared", "_key", "_policy", "_roster", "_search")

    def __init__(self, policy: Triage, search: Search, roster: Roster, key: bytes) -> None:
        """`key`: who does not know it cannot foresee which of the cleared are looked at."""
        self._policy = policy
        self._key = key
        self._search = search
        self._roster = roster
        self._cleared: OrderedDict[str, Waiting] = OrderedDict()

    def arrived(self, waiting: Waiting) -> None:
        """A new request waits: clear it if the policy clears and it scores too low."""
        self.forget(waiting.call_id)
        if self._policy.clears and waiting.band is triage.Band.CLEARED:
            self._clear(waiting)
            self._draw(waiting)

    def forget(self, call_id: str) -> None:
        """The call is over, served or taken back: nobody can raise it any more."""
        self._cleared.pop(call_id, None)

    def handle(self, event: TriageOverridden, now: float, taken: bool) -> None:
        """Take in a person's word; `taken`: an operator has the call."""
        waiting = self._search.queue.find(event.call_id)
        cleared = None
        if waiting is None and event.action is Override.RAISE:
            waiting = cleared = self._cleared.get(event.call_id)
        operator = self._roster.find(event.to or "")
        if taken:
            refusal: str | None = "taken"
        elif event.action is Override.REASSIGN:
            refusal = self._why_not_there(operator, waiting, now)
        else:
            refusal = None
        if waiting is None or not waiting.is_call or refusal is not None:
            self._refuse(event, refusal or "unknown")
            return
        before = _place(waiting)
        match event.action:
            case Override.CLEAR:
                self._keep(event, before, "cleared", now)
                self._clear(waiting)
            case Override.REASSIGN:
                self._keep(event, before, f"at {event.to}", now)
                self._search.stop_ringing(event.call_id, "taken")
                if operator is not None:
                    self._search.ring(waiting, operator, now)
            case Override.RAISE | Override.LOWER:
                up = event.action is Override.RAISE
                urgency = triage.step(waiting.urgency, up)
                points = triage.moved(waiting.points, up, self._policy)
                if (urgency, points) == (waiting.urgency, waiting.points) and cleared is None:
                    self._refuse(event, "limit")
                    return
                waiting.rank(urgency, points, self._policy)
                waiting.overridden = True
                self._keep(event, before, _place(waiting), now)
                if urgency is not Urgency.CRITICAL:
                    self._search.end_alert(waiting, "lowered")
                if cleared is not None:
                    self.forget(event.call_id)
                    self._search.queue.put_back(_anew(cleared, now, self._policy))

    def _why_not_there(
        self, operator: Operator | None, waiting: Waiting | None, now: float
    ) -> str | None:
        if operator is None or waiting is None:
            return "unknown"
        if operator.offer_id is not None and operator.offer_id == waiting.offer_id:
            return "limit"  # it rings there
        if self._search.rests(operator, now):
            return "rest"
        if not self._search.allowed(operator, waiting, now):
            return "cap"  # it protects a person; skill and language are for people to judge
        return None if operator.free_for(critical=waiting.critical) else "busy"

    def _clear(self, waiting: Waiting) -> None:
        self._search.give_up(waiting, "cleared")
        self._cleared[waiting.call_id] = waiting
        if len(self._cleared) > CLEARED_KEPT:
            self._cleared.popitem(last=False)

    def _draw(self, waiting: Waiting) -> None:
        """A share of what the policy cleared is looked at; what a person clears is not the AI's decision."""
        name = f"{waiting.call_id}/{waiting.number}"
        if draw(self._key, "cleared", name) < self._policy.sample:
            self._search.commands.append(
                AuditCleared(waiting.call_id, waiting.number, waiting.points, self._policy.sample)
            )

    def _keep(self, event: TriageOverridden, before: str, after: str, now: float) -> None:
        self._search.commands.append(
            KeepOverride(event.call_id, event.action, event.by, event.why, before, after, now)
        )

    def _refuse(self, event: TriageOverridden, reason: str) -> None:
        self._search.commands.append(RefuseOverride(event.call_id, event.action, event.by, reason))


def _place(waiting: Waiting) -> str:
    return f"{waiting.urgency} {round(waiting.points, 1):g}"


def _anew(cleared: Waiting, now: float, policy: Triage) -> Waiting:
    """A cleared request that waits again, from now, for anyone."""
    waiting = Waiting(cleared.request, now, overridden=True)
    waiting.rank(cleared.urgency, cleared.points, policy)
    return waiting
