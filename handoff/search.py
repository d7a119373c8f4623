"""Finding a person for whoever waits: who rings, for how long, when to ask again, when to give up.

The half of the desk that asks; `handoff.desk` is the half that answers events and gives calls out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from handoff.callbacks import CallbackRecord
from handoff.commands import (
    AlertOnCall,
    AlertOver,
    DeskCommand,
    GiveUp,
    PresenceChanged,
    Ring,
    RingCallback,
    StopRinging,
)
from handoff.events import HandoffRequested, Seniority
from handoff.fences import Fences
from handoff.operators import Care, Operator, Roster
from handoff.policy import Policy
from handoff.queue import Queue, Waiting
from handoff.routing import choose, fits, may_ask_again, may_come, suits


@dataclass(frozen=True, slots=True)
class Offer:
    """A call, or a callback, that rings at an operator."""

    offer_id: str
    call_id: str  # or the callback's id
    operator_id: str
    deadline: float


class Search:
    """Queue, offers and alerts. Whoever drives it calls `expire` before and `dispatch` after a change."""

    __slots__ = (
        "_care",
        "_fences",
        "_free",
        "_offer_count",
        "_offers",
        "_policy",
        "_roster",
        "commands",
        "draining",
        "queue",
    )

    def __init__(self, policy: Policy, roster: Roster, fences: Fences, care: Care | None) -> None:
        self.queue = Queue(policy)
        self.commands: list[DeskCommand] = []  # in order; whoever hands them out empties it
        self.draining = False
        self._policy = policy
        self._roster = roster
        self._fences = fences
        self._care = care
        self._offers: dict[str, Offer] = {}
        self._free: list[Operator] = []  # while dispatching: who may still be asked, if critical
        self._offer_count = 0

    # --- views ------------------------------------------------------------------------------

    def offer(self, offer_id: str | None) -> Offer | None:
        """What rings under this id."""
        return None if offer_id is None else self._offers.get(offer_id)

    def offers(self) -> Iterable[Offer]:
        """All that rings."""
        return self._offers.values()

    def next_deadline(self, now: float) -> float | None:
        """When something lapses, may be asked again, or has waited long enough."""
        times = [offer.deadline for offer in self._offers.values()]
        for waiting in self.queue:
            if waiting.offer_id is None:
                times.append(waiting.until)
                if waiting.again_at is not None:
                    times.append(waiting.again_at)
                if waiting.seniors_until > now:
                    times.append(waiting.seniors_until)
        change = self._care.next_change(now) if self._care is not None and self.queue else None
        if change is not None:
            times.append(change)
        return min((time for time in times if time < math.inf), default=None)

    def allowed(self, operator: Operator, waiting: Waiting, now: float) -> bool:
        """Whether operator care lets this ring there; a critical call asks about rest alone."""
        category = None if waiting.critical else waiting.request.category
        return self._care is None or self._care.may_offer(operator.operator_id, category, now)

    def rests(self, operator: Operator, now: float) -> bool:
        """Whether they rest: a break of their own, or one that care orders."""
        if operator.on_break:
            return True
        return self._care is not None and not self._care.may_offer(operator.operator_id, None, now)

    # --- asking -----------------------------------------------------------------------------

    def expire(self, now: float) -> None:
        """Close what nobody answered in time, and what rings at someone whose rest has begun."""
        for offer in list(self._offers.values()):
            if offer.deadline <= now:
                self.close(offer, "lapsed", now)
            elif self.rests(self._roster.get(offer.operator_id), now):
                self.close(offer, "rest")

    def dispatch(self, now: float) -> None:
        """Ring for everyone who waits and for whom someone is free; give up where nobody can come."""
        self._free = [each for each in self._roster if each.free_for(critical=True)]
        for waiting in self.queue:
            if waiting.critical:
                self._alert(waiting, now)
            if waiting.offer_id is None:
                self._seek(waiting, now)

    def drain(self) -> None:
        """Give up on all calls but emergencies, and from now on at once."""
        self.draining = True
        for waiting in self.queue:
            if not waiting.critical:
                self._end(waiting, "draining")

    def ring(self, waiting: Waiting, operator: Operator, now: float) -> None:
        """Offer it to an operator."""
        self._offer_count += 1
        offer = Offer(
            offer_id=f"{waiting.call_id}.{self._offer_count}",
            call_id=waiting.call_id,
            operator_id=operator.operator_id,
            deadline=now + self._policy.floor.offer_seconds,
        )
        self._offers[offer.offer_id] = offer
        waiting.offer_id = operator.offer_id = offer.offer_id
        waiting.tried[operator.operator_id] = waiting.asked[operator.operator_id] = None
        waiting.offers += 1
        waiting.again_at = None
        request = waiting.request
        if isinstance(request, CallbackRecord):
            self.commands.append(
                RingCallback(offer.offer_id, offer.operator_id, request, offer.deadline)
            )
        else:
            self.commands.append(
                Ring(
                    offer.offer_id, offer.call_id, offer.operator_id, request.brief, offer.deadline
                )
            )
        self.publish(operator)

    def close(self, offer: Offer, reason: str | None, idle_since: float | None = None) -> None:
        """End an offer; None: it was accepted, and the console learns that from `Assign`."""
        del self._offers[offer.offer_id]
        self._fences.offer_closed(offer.offer_id, reason or "taken")
        waiting = self.queue.find(offer.call_id)
        if waiting is not None:
            waiting.offer_id = None
        operator = self._roster.get(offer.operator_id)
        operator.offer_id = None
        if idle_since is not None:
            operator.idle_since = idle_since  # back of the line: others first next time
        if reason is not None:
            self.commands.append(
                StopRinging(offer.offer_id, offer.call_id, offer.operator_id, reason)
            )
            self.publish(operator)

    def stop_ringing(self, call_id: str, reason: str) -> None:
        """Nothing rings for it any more."""
        waiting = self.queue.find(call_id)
        offer = None if waiting is None else self.offer(waiting.offer_id)
        if offer is not None:
            self.close(offer, reason)

    def stop_waiting(self, call_id: str, reason: str) -> Waiting | None:
        """Take it out of the queue, with all that rings for it."""
        self.stop_ringing(call_id, reason)
        return self.take(call_id, reason)

    def take(self, call_id: str, reason: str) -> Waiting | None:
        """Take it out of the queue; the alerted learn that it is over."""
        waiting = self.queue.remove(call_id)
        if waiting is not None:
            self.end_alert(waiting, reason)
        return waiting

    def give_up(self, waiting: Waiting, reason: str) -> None:
        """Nobody comes: the one answer to a call's request that does not name an operator."""
        self.stop_ringing(waiting.call_id, "withdrawn")
        self.take(waiting.call_id, "given_up")
        self._fences.request_over(waiting.call_id, waiting.number)
        promise = self._policy.floor.callbacks.enabled and reason != "cleared"
        self.commands.append(
            GiveUp(waiting.call_id, len(waiting.asked), waiting.number, reason, promise)
        )

    def end_alert(self, waiting: Waiting, reason: str) -> None:
        """Tell the alerted that they need not come."""
        if waiting.alerted:
            self.commands.append(AlertOver(waiting.call_id, tuple(waiting.alerted), reason))
            waiting.alerted.clear()

    def publish(self, operator: Operator) -> None:
        """Tell how an operator is doing."""
        busy_with = operator.call_id
        offer = self.offer(operator.offer_id)
        if busy_with is None and offer is not None:
            busy_with = offer.call_id
        self.commands.append(
            PresenceChanged(operator.operator_id, operator.presence, busy_with, operator.load)
        )

    # --- what asking is made of -------------------------------------------------------------

    def _seek(self, waiting: Waiting, now: float) -> None:
        floor = self._policy.floor
        if self.draining and not waiting.critical:
            self._end(waiting, "draining")
            return
        operator = self._choose(waiting, now)
        if operator is None and waiting.again_at is not None and waiting.again_at <= now:
            waiting.next_round()
            operator = self._choose(waiting, now)
        if operator is not None:
            self._free.remove(operator)
            self.ring(waiting, operator, now)
            return
        more_rounds = not waiting.is_call or waiting.round < floor.rounds
        open_end = more_rounds and waiting.again_at is None and not self._spent(waiting)
        if open_end and may_ask_again(self._roster, waiting, now, self.allowed):
            waiting.again_at = now + (
                floor.round_pause if waiting.is_call else floor.callbacks.retry
            )
        waiting.until = self._patience(waiting, now)
        if now >= waiting.until:
            self._end(waiting, "nobody")

    def _end(self, waiting: Waiting, reason: str) -> None:
        """Give a call up; a callback only stops waiting, since its promise stands."""
        if waiting.is_call:
            self.give_up(waiting, reason)
        else:
            self.stop_waiting(waiting.call_id, "withdrawn")

    def _choose(self, waiting: Waiting, now: float) -> Operator | None:
        if self._spent(waiting) or not self._free:
            return None
        everyone = self._free if waiting.seniors_until <= now else self._roster
        return choose(everyone, waiting, now, self.allowed, self._preference)

    def _spent(self, waiting: Waiting) -> bool:
        return waiting.is_call and waiting.offers >= self._policy.floor.max_offers

    def _preference(self, operator: Operator, waiting: Waiting, now: float) -> float:
        if self._care is None:
            return 0.0
        return self._care.preference(operator.operator_id, waiting.request.category, now)

    def _patience(self, waiting: Waiting, now: float) -> float:
        """Until when it waits while nothing rings for it."""
        limits, rules = self._policy.waiting, self._policy.triage
        if not waiting.is_call:
            return math.inf
        until = waiting.since + limits.for_absent
        if self._spent(waiting):
            until = -math.inf
        elif may_come(self._roster, waiting, now, self.allowed) or self._somebody_rests(
            waiting, now
        ):
            until = max(waiting.since + limits.for_busy, waiting.seniors_until)
        if waiting.alerted:
            until = max(until, waiting.alerted_at + rules.on_call_wait)
        if waiting.again_at is not None:
            until = max(until, waiting.again_at)
        return until

    def _somebody_rests(self, waiting: Waiting, now: float) -> bool:
        """Whether someone who fits and wants calls only rests, as care has them: they come back."""
        return any(
            operator.wants_calls
            and operator.operator_id not in waiting.tried
            and fits(operator, waiting)
            and self.rests(operator, now)
            for operator in self._roster
        )

    def _alert(self, waiting: Waiting, now: float) -> None:
        """Alert the on-call who were not yet; whoever rests is left alone.

        Those who fit, or all where none of them does: a person beats none. For the same reason it rings at
        them too where nobody at work fits.
        """
        request = waiting.request
        assert isinstance(request, HandoffRequested)  # a callback is never critical
        awake = [operator for operator in self._roster if not self.rests(operator, now)]
        waiting.misfits = not any(o.wants_calls and suits(o, waiting) for o in awake)
        on_call = [operator for operator in awake if operator.seniority is Seniority.ON_CALL]
        called = [operator for operator in on_call if suits(operator, waiting)] or on_call
        new = tuple(
            operator.operator_id
            for operator in called
            if operator.operator_id not in waiting.alerted
        )
        if new:
            if not waiting.alerted:
                waiting.alerted_at = now
            waiting.alerted.update(dict.fromkeys(new))
            self.commands.append(AlertOnCall(waiting.call_id, new, request.brief))
