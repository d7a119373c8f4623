"""The floor: who waits for a person, who is asked, who gets the call.

Sans-I/O like the engine. One operator is asked at a time and has `offer_seconds` to answer; then the next. An
accept counts only for the offer that rings now, so of two accepts exactly one gets the call. Every `Assign`
carries a larger epoch than all before it: whoever holds an older one has lost the call.

Facts about this machine that its users rely on:

- `GiveUp` follows every request that no `Assign` and no withdrawal has ended, exactly once.
- A call has one owner at most, from `Assign` to `CallReleased`.
- Nothing rings for a call that is assigned, withdrawn or given up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from handoff.commands import (
    Assign,
    DeskCommand,
    GiveUp,
    PresenceChanged,
    RefuseAccept,
    Ring,
    StopRinging,
)
from handoff.errors import ProtocolError
from handoff.events import (
    CallOver,
    CallReleased,
    DeadlinePassed,
    DeskEvent,
    HandoffRequested,
    OfferAccepted,
    OfferDeclined,
    OperatorJoined,
    OperatorLeft,
    OperatorPresence,
    Presence,
    RequestWithdrawn,
    ServerDraining,
    TakeoverRequested,
)
from handoff.fences import Fences
from handoff.operators import Operator, Roster
from handoff.policy import Policy
from handoff.queue import Queue, Waiting
from handoff.routing import choose, may_come


@dataclass(frozen=True, slots=True)
class Offer:
    """A call that rings at an operator."""

    offer_id: str
    call_id: str
    operator_id: str
    deadline: float


class Ownership(NamedTuple):
    """Who has a call, under which fencing number."""

    operator_id: str
    epoch: int


class Desk:
    """The machine of the whole floor; `now` is monotonic seconds, the same clock in every method."""

    __slots__ = (
        "_commands",
        "_draining",
        "_epoch",
        "_fences",
        "_offer_count",
        "_offers",
        "_owners",
        "_policy",
        "_queue",
        "_roster",
    )

    def __init__(self, policy: Policy, *, last_epoch: int = 0) -> None:
        """`last_epoch`: the largest ever given out, from the store, so that a restart stays monotone."""
        self._policy = policy
        self._epoch = last_epoch
        self._roster = Roster()
        self._queue = Queue()
        self._offers: dict[str, Offer] = {}
        self._fences = Fences()
        self._owners: dict[str, Ownership] = {}
        self._commands: list[DeskCommand] = []
        self._offer_count = 0
        self._draining = False

    # --- the machine ------------------------------------------------------------------------

    def handle(self, event: DeskEvent, now: float) -> None:
        """Take in one event.

        Raises `UnknownOperator` for the presence of someone who never joined, `ProtocolError` for an
        unknown type of event.
        """
        self._expire(now)
        match event:
            case OperatorJoined():
                self._joined(event, now)
            case OperatorPresence():
                self._presence(event, now)
            case OperatorLeft():
                self._left(event)
            case HandoffRequested():
                self._requested(event, now)
            case RequestWithdrawn():
                self._withdrawn(event)
            case OfferAccepted():
                self._accepted(event)
            case OfferDeclined():
                self._declined(event, now)
            case TakeoverRequested():
                self._takeover(event)
            case CallReleased():
                self._released(event, now)
            case CallOver():
                self._call_over(event, now)
            case DeadlinePassed():
                pass  # whatever is due has just been expired
            case ServerDraining():
                self._drain()
            case _:
                raise ProtocolError(f"the desk does not know {type(event).__name__}")
        self._dispatch(now)

    def next_deadline(self) -> float | None:
        """When to send `DeadlinePassed`, or None."""
        times = [offer.deadline for offer in self._offers.values()]
        times += [o.wrap_up_until for o in self._roster if o.wrap_up_until is not None]
        times += [self._patience(w) for w in self._queue if w.offer_id is None]
        return min(times, default=None)

    def take_commands(self) -> list[DeskCommand]:
        """Hand out what has to be done since the last time, in order."""
        commands, self._commands = self._commands, []
        return commands

    # --- views ------------------------------------------------------------------------------

    def operators(self) -> tuple[Operator, ...]:
        """Everyone on the floor; read only."""
        return tuple(self._roster)

    def offers(self, operator_id: str | None = None) -> tuple[Offer, ...]:
        """What rings now, everywhere or at one operator."""
        return tuple(
            offer for offer in self._offers.values() if operator_id in (None, offer.operator_id)
        )

    def waiting(self) -> tuple[Waiting, ...]:
        """The calls that wait, in order of service; read only."""
        return tuple(self._queue)

    def owner(self, call_id: str) -> Ownership | None:
        """Who has a call."""
        return self._owners.get(call_id)

    @property
    def epoch(self) -> int:
        """The largest fencing number given out."""
        return self._epoch

    # --- events -----------------------------------------------------------------------------

    def _joined(self, event: OperatorJoined, now: float) -> None:
        operator = self._roster.join(event, now)
        for call_id, owner in self._owners.items():
            if owner.operator_id == event.operator_id:
                operator.call_id = call_id  # back at a call that was not released meanwhile
        self._publish(operator)

    def _presence(self, event: OperatorPresence, now: float) -> None:
        operator = self._roster.get(event.operator_id)
        if not self._roster.set_presence(operator, event.presence, now):
            return
        if event.presence is Presence.AWAY and operator.offer_id is not None:
            self._close(self._offers[operator.offer_id], "away")
        else:
            self._publish(operator)

    def _left(self, event: OperatorLeft) -> None:
        operator = self._roster.find(event.operator_id)
        if operator is None:
            return
        operator.wants_calls = False
        if operator.offer_id is not None:
            self._close(self._offers[operator.offer_id], "away")
        self._roster.remove(event.operator_id)
        self._commands.append(PresenceChanged(event.operator_id, "gone", operator.call_id))

    def _requested(self, event: HandoffRequested, now: float) -> None:
        if self._fences.is_stale(event):
            return
        owner = self._owners.get(event.call_id)
        if owner is not None:
            self._free(event.call_id, owner.operator_id, now)  # the request says they are gone
        self._queue.put(event, now)

    def _withdrawn(self, event: RequestWithdrawn) -> None:
        waiting = self._queue.find(event.call_id)
        waits_for = waiting.request.request if waiting else None
        if event.request is None or waits_for is None or waits_for <= event.request:
            self._stop_waiting(event.call_id, event.reason)
        self._fences.request_over(event.call_id, event.request)
        if event.reason == "caller_gone":
            self._fences.call_over(event.call_id)

    def _accepted(self, event: OfferAccepted) -> None:
        offer = self._offers.get(event.offer_id)
        operator = self._roster.find(event.operator_id)
        if offer is not None and operator is not None and offer.operator_id == event.operator_id:
            self._close(offer, None)
            self._assign(operator, offer.call_id, offer.offer_id)
            return
        call_id = event.offer_id.rpartition(".")[0]
        owner = self._owners.get(call_id)
        if owner is not None and owner.operator_id == event.operator_id:
            return  # a second click: it is theirs already
        reason = "taken" if offer else self._fences.fate_of(event.offer_id)
        self._refuse(event.operator_id, call_id, event.offer_id, reason)

    def _declined(self, event: OfferDeclined, now: float) -> None:
        offer = self._offers.get(event.offer_id)
        if offer is not None and offer.operator_id == event.operator_id:
            self._close(offer, "declined", now)

    def _takeover(self, event: TakeoverRequested) -> None:
        operator = self._roster.find(event.operator_id)
        if operator is None:
            reason = "unknown"
        elif event.call_id in self._owners:
            reason = "taken"
        elif self._fences.is_call_over(event.call_id):
            reason = "caller_gone"
        elif operator.call_id is not None:
            reason = "busy"
        else:
            answered = ""
            offer = self._offers.get(operator.offer_id or "")
            if offer is not None and offer.call_id == event.call_id:
                answered = offer.offer_id  # it rings at them anyway
                self._close(offer, None)
            elif offer is not None:
                self._close(offer, "away")  # they leave another call ringing
            self._stop_ringing(event.call_id, "taken")
            self._assign(operator, event.call_id, answered)
            return
        self._refuse(event.operator_id, event.call_id, "", reason)

    def _released(self, event: CallReleased, now: float) -> None:
        owner = self._owners.get(event.call_id)
        if owner is not None and event.epoch not in (None, owner.epoch):
            return  # they have been given the call again since
        self._free(event.call_id, event.operator_id, now)

    def _call_over(self, event: CallOver, now: float) -> None:
        self._stop_waiting(event.call_id, "caller_gone")
        self._fences.call_over(event.call_id)
        owner = self._owners.get(event.call_id)
        if owner is not None:
            self._free(event.call_id, owner.operator_id, now)

    def _drain(self) -> None:
        self._draining = True
        for waiting in self._queue:
            self._give_up(waiting)

    # --- what the events share --------------------------------------------------------------

    def _expire(self, now: float) -> None:
        for offer in [offer for offer in self._offers.values() if offer.deadline <= now]:
            self._close(offer, "lapsed", now)
        for operator in self._roster:
            if operator.wrap_up_until is not None and operator.wrap_up_until <= now:
                operator.idle_since = operator.wrap_up_until
                operator.wrap_up_until = None
                self._publish(operator)

    def _dispatch(self, now: float) -> None:
        """Ring for every waiting call for which someone is free; give up where nobody can come."""
        for waiting in self._queue:
            if waiting.offer_id is not None:
                continue
            tried_enough = len(waiting.tried) >= self._policy.floor.max_offers
            operator = None if tried_enough or self._draining else choose(self._roster, waiting)
            if operator is not None:
                self._ring(waiting, operator, now)
            elif tried_enough or self._draining or now >= self._patience(waiting):
                self._give_up(waiting)

    def _patience(self, waiting: Waiting) -> float:
        limits = self._policy.waiting
        busy = may_come(self._roster, waiting)
        return waiting.since + (limits.for_busy if busy else limits.for_absent)

    def _ring(self, waiting: Waiting, operator: Operator, now: float) -> None:
        self._offer_count += 1
        offer = Offer(
            offer_id=f"{waiting.call_id}.{self._offer_count}",
            call_id=waiting.call_id,
            operator_id=operator.operator_id,
            deadline=now + self._policy.floor.offer_seconds,
        )
        self._offers[offer.offer_id] = offer
        waiting.offer_id = operator.offer_id = offer.offer_id
        waiting.tried[operator.operator_id] = None
        self._commands.append(
            Ring(
                offer.offer_id,
                offer.call_id,
                offer.operator_id,
                waiting.request.brief,
                offer.deadline,
            )
        )
        self._publish(operator)

    def _close(self, offer: Offer, reason: str | None, idle_since: float | None = None) -> None:
        """End an offer; None: it was accepted, and the console learns that from `Assign`."""
        del self._offers[offer.offer_id]
        self._fences.offer_closed(offer.offer_id, reason or "taken")
        waiting = self._queue.find(offer.call_id)
        if waiting is not None:
            waiting.offer_id = None
        operator = self._roster.get(offer.operator_id)
        operator.offer_id = None
        if idle_since is not None:
            operator.idle_since = idle_since  # back of the line: others first next time
        if reason is not None:
            self._commands.append(
                StopRinging(offer.offer_id, offer.call_id, offer.operator_id, reason)
            )
            self._publish(operator)

    def _stop_waiting(self, call_id: str, reason: str) -> None:
        self._stop_ringing(call_id, reason)
        self._queue.remove(call_id)

    def _stop_ringing(self, call_id: str, reason: str) -> None:
        waiting = self._queue.find(call_id)
        if waiting is not None and waiting.offer_id is not None:
            self._close(self._offers[waiting.offer_id], reason)

    def _give_up(self, waiting: Waiting) -> None:
        request = waiting.request.request
        self._stop_waiting(waiting.call_id, "withdrawn")
        self._fences.request_over(waiting.call_id, request)
        self._commands.append(GiveUp(waiting.call_id, len(waiting.tried), request))

    def _assign(self, operator: Operator, call_id: str, offer_id: str) -> None:
        waiting = self._queue.remove(call_id)
        if waiting is not None:
            self._fences.request_over(call_id, waiting.request.request)
        self._epoch += 1
        self._owners[call_id] = Ownership(operator.operator_id, self._epoch)
        self._fences.assigned(call_id, self._epoch)
        operator.call_id = call_id
        operator.wrap_up_until = None
        self._commands.append(
            Assign(call_id, operator.operator_id, operator.name, offer_id, self._epoch)
        )
        self._publish(operator)

    def _free(self, call_id: str, operator_id: str, now: float) -> None:
        owner = self._owners.get(call_id)
        if owner is None or owner.operator_id != operator_id:
            return
        del self._owners[call_id]
        operator = self._roster.find(operator_id)
        if operator is None or operator.call_id != call_id:
            return
        operator.call_id = None
        operator.idle_since = now
        if self._policy.floor.wrap_up > 0:
            operator.wrap_up_until = now + self._policy.floor.wrap_up
        self._publish(operator)

    def _refuse(self, operator_id: str, call_id: str, offer_id: str, reason: str) -> None:
        self._commands.append(RefuseAccept(offer_id, call_id, operator_id, reason))

    def _publish(self, operator: Operator) -> None:
        busy_with = operator.call_id
        if busy_with is None and operator.offer_id is not None:
            busy_with = self._offers[operator.offer_id].call_id
        self._commands.append(PresenceChanged(operator.operator_id, operator.presence, busy_with))
