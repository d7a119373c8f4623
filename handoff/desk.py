"""The floor: who waits for a person, who is asked, who gets the call.

Sans-I/O like the engine. One operator is asked at a time and has `offer_seconds` to answer; then the next,
and after a pause everyone once more. An accept counts only for the offer that rings now, so of two accepts
exactly one gets the call. Every `Assign` carries a larger epoch than all before it: whoever holds an older
one has lost the call.

Facts about this machine that its users rely on:

- `GiveUp` follows every request that no `Assign` and no withdrawal has ended, exactly once. (A call that
  triage cleared and a person raises again is asked for once more.)
- A call has one owner at most, from `Assign` to `CallReleased`; so has a callback, until it is closed.
- Nothing rings for a call that is assigned, withdrawn or given up, and nothing rings at someone who rests.
- Callbacks and epochs survive a crash: `Desk(policy, now, last_epoch=..., callbacks=...)`. Calls do not.

The parts: `search` asks, `claims` knows who has what, `overrides` takes people's word on triage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from handoff.callbacks import CallbackRecord
from handoff.claims import Claims, Ownership
from handoff.commands import DeskCommand, PresenceChanged, RefuseAccept
from handoff.errors import ProtocolError
from handoff.events import (
    CallbackDone,
    CallbackFailed,
    CallbackPromised,
    CallbackWithdrawn,
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
    TriageOverridden,
    WorkDone,
    WorkTaken,
    WrapUpDone,
)
from handoff.fences import Fences
from handoff.operators import Care, Operator, Roster
from handoff.overrides import Overrides
from handoff.policy import Policy
from handoff.queue import Waiting
from handoff.search import Offer, Search
from handoff.traffic import Traffic

__all__ = ["Desk", "Offer", "Ownership"]


class Desk:
    """The machine of the whole floor; `now` is monotonic seconds, the same clock in every method."""

    __slots__ = (
        "_claims",
        "_fences",
        "_now",
        "_overrides",
        "_policy",
        "_roster",
        "_search",
    )

    def __init__(
        self,
        policy: Policy,
        now: float,
        *,
        last_epoch: int = 0,
        care: Care | None = None,
        callbacks: Iterable[CallbackRecord] = (),
        sample_key: bytes = b"handoff",
    ) -> None:
        """`now`: from when on traffic is measured. `last_epoch`: the largest ever given out, from the store,
        so that a restart stays monotone.

        `care`: who must rest or has had enough of a category; None: nobody. `callbacks`: the promises kept
        last, their times on this process's clock. `sample_key`: decides which cleared calls are looked at;
        a secret of the deployment, the same over restarts.
        """
        self._policy = policy
        self._roster = Roster()
        self._fences = Fences()
        self._search = Search(policy, self._roster, self._fences, care)
        self._overrides = Overrides(policy.triage, self._search, self._roster, sample_key)
        self._claims = Claims(
            policy, now, self._search, self._roster, self._fences, last_epoch, callbacks
        )
        self._now = now

    # --- the machine ------------------------------------------------------------------------

    def handle(self, event: DeskEvent, now: float) -> None:
        """Take in one event.

        Raises `UnknownOperator` for the presence of someone who never joined, `ProtocolError` for an
        unknown type of event.
        """
        self._now = now
        self._expire(now)
        action = _ACTIONS.get(type(event))
        if action is None:
            raise ProtocolError(f"the desk does not know {type(event).__name__}")
        action(self, event, now)
        self._search.dispatch(now)

    def next_deadline(self) -> float | None:
        """When to send `DeadlinePassed`, or None."""
        times = [
            self._search.next_deadline(self._now),
            self._claims.callbacks.next_deadline(self._now),
            *(operator.wrap_up_until for operator in self._roster),
        ]
        return min((time for time in times if time is not None), default=None)

    def take_commands(self) -> list[DeskCommand]:
        """Hand out what has to be done since the last time, in order."""
        commands = self._search.commands.copy()
        self._search.commands.clear()
        return commands

    # --- views ------------------------------------------------------------------------------

    def operators(self) -> tuple[Operator, ...]:
        """Everyone on the floor; read only."""
        return tuple(self._roster)

    def offers(self, operator_id: str | None = None) -> tuple[Offer, ...]:
        """What rings now, everywhere or at one operator."""
        return tuple(
            offer for offer in self._search.offers() if operator_id in (None, offer.operator_id)
        )

    def waiting(self) -> tuple[Waiting, ...]:
        """The calls and due callbacks that wait, in order of service; read only."""
        return tuple(self._search.queue)

    def callbacks(self) -> tuple[CallbackRecord, ...]:
        """The promises that are open."""
        return self._claims.callbacks.records()

    def owner(self, call_id: str) -> Ownership | None:
        """Who has a call, or a callback."""
        return self._claims.owner(call_id)

    @property
    def epoch(self) -> int:
        """The largest fencing number given out."""
        return self._claims.epoch

    def for_work(
        self, weight: int, skill: str | None, language: str | None, now: float
    ) -> tuple[str, ...]:
        """Who may be asked for light work (an approval, a review, a chat): the least loaded first.

        Only those who want calls, are in none, have room for its weight and do not rest.
        """
        able = [
            operator
            for operator in self._roster
            if operator.room >= weight
            and operator.can(skill, language)
            and not self._search.rests(operator, now)
        ]
        able.sort(key=lambda o: (o.load, o.idle_since, o.operator_id))
        return tuple(operator.operator_id for operator in able)

    def traffic(self, skill: str | None, language: str | None, now: float) -> Traffic:
        """How busy the floor is for such calls; who rests serves nobody."""
        kinds = [
            (waiting.request.skill, waiting.request.language)
            for waiting in self.waiting()
            if waiting.is_call and waiting.offer_id is None  # what rings has its operator
        ]
        awake = [
            operator
            for operator in self._roster
            if operator.call_id is not None or not self._search.rests(operator, now)
        ]
        return self._claims.meter.read((skill, language), awake, kinds, now)

    def expected_wait(self, skill: str | None, language: str | None, now: float) -> float:
        """Seconds until one more such caller has somebody; the policy's `waiting.limit` at most."""
        limits = self._policy.waiting
        wait = self.traffic(skill, language, now).wait_now(limits.patience)
        return min(wait, limits.limit)

    # --- events -----------------------------------------------------------------------------

    def _joined(self, event: OperatorJoined, now: float) -> None:
        operator = self._roster.join(event, now, self._policy.floor.capacity)
        self._claims.rejoin(operator)
        self._search.publish(operator)

    def _presence(self, event: OperatorPresence, now: float) -> None:
        operator = self._roster.get(event.operator_id)
        if not self._roster.set_presence(operator, event.presence, now):
            return
        offer = self._search.offer(operator.offer_id)
        if event.presence is not Presence.AVAILABLE and offer is not None:
            self._search.close(offer, "away")
        else:
            self._search.publish(operator)

    def _left(self, event: OperatorLeft, _now: float) -> None:
        operator = self._roster.find(event.operator_id)
        if operator is None:
            return
        operator.wants_calls = False
        offer = self._search.offer(operator.offer_id)
        if offer is not None:
            self._search.close(offer, "away")
        self._roster.remove(event.operator_id)
        self._do(PresenceChanged(event.operator_id, "gone", operator.call_id))

    def _wrapped_up(self, event: WrapUpDone, now: float) -> None:
        operator = self._roster.find(event.operator_id)
        if operator is not None and operator.wrap_up_until is not None:
            self._end_wrap_up(operator, now)

    def _work(self, event: WorkTaken | WorkDone, _now: float) -> None:
        operator = self._roster.find(event.operator_id)
        if operator is None:
            return  # they left, and what they held with them
        if isinstance(event, WorkTaken):
            operator.work[event.work_id] = max(1, event.weight)
        else:
            operator.work.pop(event.work_id, None)
        self._search.publish(operator)

    def _requested(self, event: HandoffRequested, now: float) -> None:
        if self._fences.is_stale(event):
            return
        owner = self._claims.owner(event.call_id)
        if owner is not None:
            self._claims.free(
                event.call_id, owner.operator_id, now
            )  # the request says they are gone
        is_new = self._search.queue.find(event.call_id) is None
        waiting = self._search.queue.put(event, now)
        if is_new:
            self._claims.meter.arrived((event.skill, event.language), now)
            self._overrides.arrived(waiting)

    def _withdrawn(self, event: RequestWithdrawn, _now: float) -> None:
        waiting = self._search.queue.find(event.call_id)
        waits_for = waiting.number if waiting else None
        if event.request is None or waits_for is None or waits_for <= event.request:
            self._search.stop_waiting(event.call_id, event.reason)
            self._overrides.forget(event.call_id)
        self._fences.request_over(event.call_id, event.request)
        if event.reason == "caller_gone":
            self._fences.call_over(event.call_id)

    def _accepted(self, event: OfferAccepted, now: float) -> None:
        offer = self._search.offer(event.offer_id)
        operator = self._roster.find(event.operator_id)
        if offer is not None and operator is not None and offer.operator_id == event.operator_id:
            self._search.close(offer, None)
            self._give(operator, offer.call_id, offer.offer_id, now)
            return
        call_id = event.offer_id.rpartition(".")[0]
        owner = self._claims.owner(call_id)
        if owner is not None and owner.operator_id == event.operator_id:
            return  # a second click: it is theirs already
        reason = "taken" if offer else self._fences.fate_of(event.offer_id)
        self._do(RefuseAccept(event.offer_id, call_id, event.operator_id, reason))

    def _declined(self, event: OfferDeclined, now: float) -> None:
        offer = self._search.offer(event.offer_id)
        if offer is not None and offer.operator_id == event.operator_id:
            self._search.close(offer, "declined", now)

    def _takeover(self, event: TakeoverRequested, now: float) -> None:
        operator = self._roster.find(event.operator_id)
        not_due = (
            self._claims.callbacks.find(event.call_id) is not None
            and self._search.queue.find(event.call_id) is None
        )
        if self.owner(event.call_id) is not None and operator is not None:
            reason = "taken"
        elif operator is None or not_due:
            reason = "unknown"
        elif self._fences.is_call_over(event.call_id):
            reason = "caller_gone"
        elif operator.call_id is not None:
            reason = "busy"
        else:
            answered = ""
            offer = self._search.offer(operator.offer_id)
            if offer is not None and offer.call_id == event.call_id:
                answered = offer.offer_id  # it rings at them anyway
                self._search.close(offer, None)
            elif offer is not None:
                self._search.close(offer, "away")  # they leave another call ringing
            self._search.stop_ringing(event.call_id, "taken")
            self._give(operator, event.call_id, answered, now)
            return
        self._do(RefuseAccept("", event.call_id, event.operator_id, reason))

    def _released(self, event: CallReleased, now: float) -> None:
        owner = self._claims.owner(event.call_id)
        if owner is not None and event.epoch not in (None, owner.epoch):
            return  # they have been given the call again since
        if self._claims.callbacks.find(event.call_id) is None:  # callbacks are closed, not released
            self._claims.free(event.call_id, event.operator_id, now)

    def _call_over(self, event: CallOver, now: float) -> None:
        self._search.stop_waiting(event.call_id, "caller_gone")
        self._overrides.forget(event.call_id)
        self._fences.call_over(event.call_id)
        owner = self._claims.owner(event.call_id)
        if owner is not None:
            self._claims.free(event.call_id, owner.operator_id, now)

    def _drain(self, _event: ServerDraining, _now: float) -> None:
        self._search.drain()

    def _callback(self, event: Any, now: float) -> None:
        self._claims.follow(event, now)

    def _nothing(self, _event: DeadlinePassed, _now: float) -> None:
        """Whatever is due has just been expired."""

    def _overridden(self, event: TriageOverridden, now: float) -> None:
        self._overrides.handle(event, now, taken=self.owner(event.call_id) is not None)

    # --- what the events share --------------------------------------------------------------

    def _do(self, command: DeskCommand) -> None:
        self._search.commands.append(command)

    def _give(self, operator: Operator, call_id: str, offer_id: str, now: float) -> None:
        self._overrides.forget(call_id)
        self._claims.give(operator, call_id, offer_id, now)

    def _expire(self, now: float) -> None:
        self._search.expire(now)
        for operator in self._roster:
            if operator.wrap_up_until is not None and operator.wrap_up_until <= now:
                self._end_wrap_up(operator, operator.wrap_up_until)
        self._claims.follow(DeadlinePassed(), now)

    def _end_wrap_up(self, operator: Operator, at: float) -> None:
        operator.idle_since = at
        operator.wrap_up_until = None
        self._search.publish(operator)


# What the desk does on each event; `_expire` has been before, `dispatch` comes after.
_ACTIONS: Mapping[type, Callable[[Desk, Any, float], None]] = {
    OperatorJoined: Desk._joined,
    OperatorPresence: Desk._presence,
    OperatorLeft: Desk._left,
    WrapUpDone: Desk._wrapped_up,
    WorkTaken: Desk._work,
    WorkDone: Desk._work,
    HandoffRequested: Desk._requested,
    RequestWithdrawn: Desk._withdrawn,
    OfferAccepted: Desk._accepted,
    OfferDeclined: Desk._declined,
    TakeoverRequested: Desk._takeover,
    CallReleased: Desk._released,
    CallOver: Desk._call_over,
    TriageOverridden: Desk._overridden,
    CallbackPromised: Desk._callback,
    CallbackDone: Desk._callback,
    CallbackFailed: Desk._callback,
    CallbackWithdrawn: Desk._callback,
    DeadlinePassed: Desk._nothing,
    ServerDraining: Desk._drain,
}
