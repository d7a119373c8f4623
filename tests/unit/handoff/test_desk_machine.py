"""The floor under anything: double accepts, late timers, breaks and rest, overrides, callbacks, crashes.

A crash may come between any two commands: what was carried out before it is stored, the rest never happened.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from handoff.brief import Memory
from handoff.callbacks import OPEN, CallbackRecord, CallbackState
from handoff.commands import (
    AlertOnCall,
    AlertOver,
    Assign,
    AssignCallback,
    AuditCleared,
    DecisionKind,
    DeskCommand,
    GiveUp,
    KeepCallback,
    KeepOverride,
    PresenceChanged,
    Ring,
    RingCallback,
    StopRinging,
    Urgency,
)
from handoff.desk import Desk
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
    Override,
    Presence,
    RequestWithdrawn,
    Seniority,
    ServerDraining,
    TakeoverRequested,
    TriageOverridden,
    WorkDone,
    WorkTaken,
    WrapUpDone,
)
from handoff.policy import Policy
from handoff.testing import a_call, a_decision

PEOPLE = {"ann": Seniority.STANDARD, "bob": Seniority.SENIOR, "cyd": Seniority.ON_CALL}
POLICY = Policy.from_mapping(
    {
        "waiting": {"for_busy": 40},
        "triage": {"clears": True, "sample": 0.5},
        "floor": {
            "wrap_up": 4,
            "round_pause": 3,
            "callbacks": {"enabled": True, "within": 200, "claim": 60, "tries": 2, "retry": 20},
        },
    },
    "test",
)
GONE = 10_000  # the number of the last request of a call that is over
people = st.sampled_from(sorted(PEOPLE))


@dataclass
class Rests:
    """A `Care` whose rest periods and caps are drawn at random."""

    periods: list[tuple[str, str | None, float, float]] = field(default_factory=list)

    def may_offer(self, operator_id: str, category: str | None, now: float) -> bool:
        return not any(
            who == operator_id and what in (None, category) and start <= now < end
            for who, what, start, end in self.periods
        )

    def preference(self, operator_id: str, category: str | None, now: float) -> float:
        return float(len(operator_id + str(category)) % 3)

    def next_change(self, now: float) -> float | None:
        times = [time for period in self.periods for time in period[2:] if time > now]
        return min(times, default=None)


class Floor(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0
        self.care = Rests()
        self.kept: dict[str, CallbackRecord] = {}  # the store's
        self.epochs = [7]
        self.claims: list[tuple[str, str, int]] = []  # of callbacks: id, operator, epoch
        self.done: Counter[str] = Counter()
        self.overridden: list[KeepOverride] = []
        self.promised = 0
        self.calls_so_far = 0
        self._start()

    def _start(self) -> None:
        """A process starts: it knows what is kept."""
        self.started = self.now
        self.desk = Desk(
            POLICY,
            self.now,
            last_epoch=self.epochs[-1],
            care=self.care,
            callbacks=self.kept.values(),
        )
        self.ringing: dict[str, Ring | RingCallback] = {}
        self.old_offers: list[tuple[str, str]] = []
        self.owners: dict[str, tuple[str, int]] = {}
        self.requests: Counter[str] = Counter()  # newest of each call
        self.answered: dict[str, int] = {}  # newest that has its outcome
        self.open: set[str] = set()  # calls that wait for an outcome
        self.raised: set[str] = set()  # put back by a person
        self.alerted: dict[str, set[str]] = {}
        self.draining = False
        self.known = {key for key, record in self.kept.items() if record.state in OPEN}

    # --- plumbing ---

    def _say(self, event: DeskEvent, crash_after: int | None = None) -> None:
        self.desk.handle(event, self.now)
        commands = self.desk.take_commands()
        if not self.draining:
            self._in_order([c for c in commands if isinstance(c, Ring)])
        for command in commands[:crash_after]:
            self._carry_out(command)
        if crash_after is not None:
            self._start()

    def _carry_out(self, command: DeskCommand) -> None:
        match command:
            case Ring() | RingCallback():
                assert command.offer_id not in self.ringing
                self._may_ring(command)
                self.ringing[command.offer_id] = command
                self.old_offers.append((command.operator_id, command.offer_id))
            case StopRinging():
                del self.ringing[command.offer_id]
            case Assign():
                self._given(command.call_id, command)
                self.open.discard(command.call_id)
                self.raised.discard(command.call_id)
                self.answered[command.call_id] = self.requests[command.call_id]
            case AssignCallback():
                self._given(command.callback_id, command)
                record = self.kept[command.callback_id]
                assert record.state is CallbackState.CLAIMED, "kept before it is acted on"
                assert (record.operator_id, record.epoch) == (command.operator_id, command.epoch)
                self.claims.append((command.callback_id, command.operator_id, command.epoch))
            case GiveUp():
                assert command.request is not None
                if command.call_id not in self.raised:
                    assert command.call_id in self.open, "once, and for nothing that is over"
                    assert command.request > self.answered.get(command.call_id, 0)
                    assert command.request == self.requests[command.call_id]
                self.open.discard(command.call_id)
                self.raised.discard(command.call_id)
                self.answered[command.call_id] = command.request
                assert command.callback == (command.reason != "cleared")
            case KeepCallback(record=record):
                before = self.kept.get(record.key)
                if before is not None:
                    assert before.state in OPEN, "an outcome is final"
                    assert record.tries in (before.tries, before.tries + 1)
                if record.state is CallbackState.DONE:
                    self.done[record.key] += 1
                self.kept[record.key] = record
                self.known.add(record.key)
            case AlertOnCall():
                on_break = {o.operator_id for o in self.desk.operators() if o.on_break}
                assert not on_break & set(command.operator_ids)
                for operator in command.operator_ids:
                    assert PEOPLE[operator] is Seniority.ON_CALL
                    assert self.care.may_offer(operator, None, self.now)
                assert not self.alerted.get(command.call_id, set()) & set(command.operator_ids)
                self.alerted.setdefault(command.call_id, set()).update(command.operator_ids)
            case AlertOver():
                assert self.alerted.pop(command.call_id) == set(command.operator_ids)
            case KeepOverride():
                self.overridden.append(command)
            case AuditCleared():
                assert command.propensity == 0.5
            case PresenceChanged():
                assert command.presence != "offered" or command.busy_with is not None

    def _may_ring(self, ring: Ring | RingCallback) -> None:
        operator = next(o for o in self.desk.operators() if o.operator_id == ring.operator_id)
        assert not operator.on_break
        assert self.care.may_offer(ring.operator_id, None, self.now), "they rest"
        if isinstance(ring, RingCallback):
            assert ring.record.not_before <= self.now < ring.record.by
            assert self.care.may_offer(ring.operator_id, ring.record.category, self.now)

    def _in_order(self, rings: list[Ring]) -> None:
        """An operator is asked for the first in line who may be served by them."""
        line = [waiting for waiting in self.desk.waiting() if waiting.is_call]
        for ring in rings:
            for ahead in line[: [w.call_id for w in line].index(ring.call_id)]:
                category = None if ahead.critical else ahead.request.category
                senior = PEOPLE[ring.operator_id] is not Seniority.STANDARD
                assert (
                    ahead.offer_id is not None
                    or ring.operator_id in ahead.tried
                    or not self.care.may_offer(ring.operator_id, category, self.now)
                    or (self.now < ahead.seniors_until and not senior)
                )

    def _given(self, key: str, command: Assign | AssignCallback) -> None:
        self.ringing.pop(command.offer_id, None)
        assert command.epoch > self.epochs[-1], "epochs only grow"
        others = [record.epoch or 0 for record in self.kept.values() if record.key != key]
        assert command.epoch > max(others, default=0), "those of claims nobody heard of too"
        self.epochs.append(command.epoch)
        self.owners[key] = (command.operator_id, command.epoch)

    # --- what may happen ---

    @initialize()
    def an_ordinary_morning(self) -> None:
        for operator in PEOPLE:
            self.joins(operator)

    @rule(operator=people)
    def joins(self, operator: str) -> None:
        self._say(OperatorJoined(operator, operator.title(), seniority=PEOPLE[operator]))
        self._say(OperatorPresence(operator, Presence.AVAILABLE))

    def _present(self, operator: str) -> bool:
        return any(o.operator_id == operator for o in self.desk.operators())

    @rule(operator=people, presence=st.sampled_from([*Presence, *[Presence.AVAILABLE] * 5]))
    def changes_presence(self, operator: str, presence: Presence) -> None:
        if self._present(operator):
            self._say(OperatorPresence(operator, presence))

    @rule(
        operator=people,
        what=st.sampled_from([OperatorLeft, WrapUpDone, OperatorJoined, OperatorJoined]),
    )
    def leaves_or_is_ready(self, operator: str, what: Callable[..., DeskEvent]) -> None:
        if what is OperatorJoined:
            self.joins(operator)
        else:
            self._say(what(operator))

    @rule(operator=people, weight=st.integers(1, 2), done=st.booleans(), work=st.sampled_from("xy"))
    def works(self, operator: str, weight: int, done: bool, work: str) -> None:
        self._say(WorkDone(operator, work) if done else WorkTaken(operator, work, weight))

    @rule(
        data=st.data(),
        category=st.sampled_from([None, None, "harsh"]),
        start=st.sampled_from([0.0, 0.0, 3.0, 10.0]),
        length=st.floats(1, 20),
    )
    def must_rest(
        self, data: st.DataObject, category: str | None, start: float, length: float
    ) -> None:
        """Most likely someone at whom it rings."""
        rung = sorted(ring.operator_id for ring in self.ringing.values())
        operator = data.draw(st.sampled_from(rung or sorted(PEOPLE)))
        start += self.now
        self.care.periods.append((operator, category, start, start + length))
        self._say(DeadlinePassed())

    @rule(
        data=st.data(),
        again=st.booleans(),
        urgency=st.sampled_from(list(Urgency)),
        value=st.sampled_from([-30.0, 1.0, 1.0, 9.0, 9.0]),
        category=st.sampled_from(["general", "harsh"]),
    )
    def asks(
        self, data: st.DataObject, again: bool, urgency: Urgency, value: float, category: str
    ) -> None:
        live = [k for k, n in self.requests.items() if n < GONE and k not in self.owners]
        self.calls_so_far += 1
        key = f"call-{self.calls_so_far}"
        if again and live:
            key = data.draw(st.sampled_from(sorted(live)))
        self.requests[key] += 1
        self.open.add(key)
        self.raised.discard(key)
        decision = a_decision(key, urgency=urgency)
        decision = type(decision)(
            **{
                name: getattr(decision, name)
                for name in decision.__slots__
                if name not in ("value", "kind")
            },
            value=value,
            kind=DecisionKind.HARD if value == 1.0 else DecisionKind.SOFT,
        )
        self._say(
            HandoffRequested(
                key,
                Memory(a_call(key), 1, 1).brief(decision),
                decision,
                request=self.requests[key],
                category=category,
            )
        )

    @precondition(lambda self: self.answered)
    @rule(data=st.data())
    def an_old_request_comes_late(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.answered)))
        if key not in self.owners and key not in self.open:
            before = len(self.desk.waiting())
            decision = a_decision(key)
            brief = Memory(a_call(key), 1, 1).brief(decision)
            self._say(HandoffRequested(key, brief, decision, request=self.answered[key]))
            assert len(self.desk.waiting()) <= before

    @precondition(lambda self: len(self.requests) > 2)
    @rule(data=st.data(), over=st.booleans())
    def is_not_needed(self, data: st.DataObject, over: bool) -> None:
        call = data.draw(st.sampled_from(sorted(self.requests)))
        self.open.discard(call)
        self.raised.discard(call)
        if over:
            self.owners.pop(call, None)
            self._say(CallOver(call))
            self._say(CallReleased(call, "ann"))
            self.answered[call] = self.requests[call] = GONE
        else:
            self._say(RequestWithdrawn(call, "withdrawn", self.requests[call]))
            self.answered[call] = self.requests[call]

    @precondition(lambda self: self.ringing)
    @rule(data=st.data(), accepts=st.booleans(), twice=st.booleans())
    def answers(self, data: st.DataObject, accepts: bool, twice: bool) -> None:
        offer = self.ringing[data.draw(st.sampled_from(sorted(self.ringing)))]
        event = (OfferAccepted if accepts else OfferDeclined)(offer.operator_id, offer.offer_id)
        for _ in range(2 if twice else 1):
            self._say(event)

    @precondition(lambda self: any(isinstance(r, RingCallback) for r in self.ringing.values()))
    @rule(reached=st.booleans())
    def calls_somebody_back(self, reached: bool) -> None:
        """So that second claims, and what comes late from the first, are not rare."""
        ring = next(r for r in self.ringing.values() if isinstance(r, RingCallback))
        self._say(OfferAccepted(ring.operator_id, ring.offer_id))
        record = self.kept[ring.record.key]
        assert record.operator_id == ring.operator_id
        assert record.epoch is not None
        if not reached:
            self._say(CallbackFailed(record.key, ring.operator_id, record.epoch))
            self.time_passes(POLICY.floor.callbacks.retry)

    @precondition(lambda self: self.old_offers)
    @rule(data=st.data(), operator=people)
    def accepts_late(self, data: st.DataObject, operator: str) -> None:
        whose, offer_id = data.draw(st.sampled_from(self.old_offers))
        self._say(OfferAccepted(data.draw(st.sampled_from([whose, operator])), offer_id))

    @rule(data=st.data(), operator=people)
    def takes_over(self, data: st.DataObject, operator: str) -> None:
        keys = sorted({*self.known, *self.requests, "call-unheard-of"})
        key = data.draw(st.sampled_from(keys))
        if self.requests[key] < GONE:
            self._say(TakeoverRequested(operator, key))

    @precondition(lambda self: self.owners)
    @rule(data=st.data(), stale=st.booleans())
    def releases(self, data: st.DataObject, stale: bool) -> None:
        key = data.draw(st.sampled_from(sorted(self.owners)))
        operator, epoch = self.owners[key]
        self._say(CallReleased(key, operator, epoch - 1 if stale else epoch))
        if not stale and key not in self.kept:
            del self.owners[key]

    @precondition(lambda self: self.requests)
    @rule(data=st.data(), action=st.sampled_from(list(Override)), to=people)
    def overrides(self, data: st.DataObject, action: Override, to: str) -> None:
        key = data.draw(st.sampled_from(sorted(self.requests)))
        waited = {w.call_id for w in self.desk.waiting()}
        before = len(self.overridden)
        event = TriageOverridden(key, action, "sue", "I know them", to)
        self.desk.handle(event, self.now)
        commands = self.desk.take_commands()
        kept = [c for c in commands if isinstance(c, KeepOverride)]
        if kept and key not in waited:
            self.raised.add(key)  # it had been cleared
            self.open.discard(key)
        for command in commands:
            self._carry_out(command)
        assert all((c.by, c.why) == ("sue", "I know them") for c in kept)
        assert len(self.overridden) == before + len(kept)
        assert len(kept) <= 1

    @precondition(lambda self: len(self.desk.callbacks()) < 2)
    @rule(later=st.sampled_from([0.0, 0.0, 30.0]))
    def promises(self, later: float) -> None:
        self.promised += 1
        self._say(
            CallbackPromised(
                f"back-{self.promised}",
                "call-0",
                "+15550100",
                "asked for a person",
                Urgency.HIGH,
                category="harsh",
                not_before=self.now + later,
            )
        )

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), kind=st.sampled_from([CallbackDone, CallbackFailed]))
    def closes_a_callback(self, data: st.DataObject, kind: Any) -> None:
        """Maybe an old claim's, maybe twice."""
        callback, operator, epoch = data.draw(st.sampled_from(self.claims))
        before = self.kept[callback]
        fresh = before.state is CallbackState.CLAIMED and before.epoch == epoch
        self._say(kind(callback, operator, epoch))
        if not fresh:
            assert self.kept[callback].tries == before.tries
            assert self.done[callback] == (before.state is CallbackState.DONE)

    @precondition(lambda self: len(self.kept) > 2)
    @rule(data=st.data())
    def withdraws_a_callback(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.kept)))
        self._say(CallbackWithdrawn(key))
        assert self.kept[key].state not in OPEN

    @rule(seconds=st.sampled_from([0.1, 1.0, 5.0, 40.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        due = self.desk.next_deadline()
        if due is not None and due <= self.now:
            self._say(DeadlinePassed())

    @precondition(lambda self: self.desk.next_deadline() is not None)
    @rule()
    def the_next_timer_fires(self) -> None:
        due = self.desk.next_deadline()
        assert due is not None
        self.now = max(due, self.now)
        self._say(DeadlinePassed())
        due = self.desk.next_deadline()
        assert due is None or due > self.now, "no timer is due for ever"

    @precondition(lambda self: not self.draining and self.now > 200)
    @rule()
    def server_drains(self) -> None:
        self.draining = True
        self._say(ServerDraining())
        critical = {waiting.call_id for waiting in self.desk.waiting() if waiting.critical}
        assert self.open <= critical, "for an emergency those who are there are asked on"
        assert {_key_of(ring) for ring in self.ringing.values()} <= critical

    @precondition(lambda self: self.now > self.started + 40)
    @rule(data=st.data(), commands=st.integers(0, 3))
    def crashes(self, data: st.DataObject, commands: int) -> None:
        """In the middle of carrying out an answer, a timer or nothing."""
        events: list[DeskEvent] = [DeadlinePassed()]
        for offer in self.ringing.values():
            events.append(OfferAccepted(offer.operator_id, offer.offer_id))
        for callback, operator, epoch in self.claims[-2:]:
            events.append(CallbackDone(callback, operator, epoch))
        self._say(data.draw(st.sampled_from(events)), crash_after=commands)
        for key in self.kept:
            owner = self.desk.owner(key)
            if owner is not None:
                self.owners[key] = (owner.operator_id, owner.epoch)
        self.an_ordinary_morning()

    # --- what must hold ---

    @invariant()
    def promises_are_what_is_kept(self) -> None:
        """Nothing acknowledged is lost, whatever crashed."""
        kept = {key: record for key, record in self.kept.items() if record.state in OPEN}
        assert {record.key: record for record in self.desk.callbacks()} == kept

    @invariant()
    def one_owner(self) -> None:
        owned = []
        for key in {*self.owners, *self.kept}:
            owner = self.desk.owner(key)
            if key in self.kept:
                claimed = self.kept[key].state is CallbackState.CLAIMED
                assert (owner is not None) == claimed
            elif owner is not None:
                assert self.owners.get(key) == owner
            if owner is not None:
                owned.append(owner.operator_id)
                assert all(ring != key for ring in map(_key_of, self.ringing.values()))
        assert len(owned) == len(set(owned)), "one voice call each"
        assert all(count <= 1 for count in self.done.values())

    @invariant()
    def an_outcome_for_everyone(self) -> None:
        """Whoever asked waits or has been answered."""
        waiting = {w.call_id for w in self.desk.waiting() if w.is_call}
        assert waiting - self.raised == self.open

    @invariant()
    def nobody_who_rests_is_rung_or_alerted(self) -> None:
        assert set(self.ringing) == {offer.offer_id for offer in self.desk.offers()}
        at = [ring.operator_id for ring in self.ringing.values()]
        assert len(at) == len(set(at))
        critical = {w.call_id for w in self.desk.waiting() if w.critical}
        assert set(self.alerted) <= critical
        for operator in self.desk.operators():
            if operator.operator_id in at:
                assert not operator.on_break
                assert operator.wants_calls
                assert self.care.may_offer(operator.operator_id, None, self.now)


def _key_of(ring: Ring | RingCallback) -> str:
    return ring.call_id if isinstance(ring, Ring) else ring.record.key


TestDeskMachine = Floor.TestCase
TestDeskMachine.settings = settings(max_examples=80, stateful_step_count=60, deadline=None)
