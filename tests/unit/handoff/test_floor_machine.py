"""Calls and the floor together, under any order of events: one owner, one outcome, nobody rings for the gone.

Messages between the two travel like in the server: a request waits until its decision is stored, so it may be
overtaken by everything else; the rest is one queue each way, delivered at any later moment.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from handoff.commands import (
    AlertOnCall,
    AlertOver,
    Assign,
    CallCommand,
    ConnectOperator,
    DisconnectOperator,
    EndCall,
    GiveUp,
    HoldAgent,
    RefuseAccept,
    RequestOperator,
    ResumeAgent,
    Ring,
    StopRinging,
    Urgency,
)
from handoff.desk import Desk
from handoff.engine import CallEngine
from handoff.events import (
    AgentEndedCall,
    BridgeUp,
    CallerHungUp,
    CallEvent,
    DeadlinePassed,
    DeskEvent,
    DialogueFacts,
    DigitPressed,
    HandedBack,
    OfferAccepted,
    OfferDeclined,
    OperatorAssigned,
    OperatorEndedCall,
    OperatorJoined,
    OperatorLeft,
    OperatorLost,
    OperatorPresence,
    Presence,
    Seniority,
    ServerDraining,
    TakeoverAsked,
)
from handoff.policy import Policy
from handoff.session import State
from handoff.testing import a_bad_turn, a_call, a_turn
from handoff.wiring import call_event, desk_event

OPERATORS = ("ann", "bob")
ON_CALL = "bob"
OUTCOMES = {"automated", "handed_off", "abandoned", "failed"}
operators = st.sampled_from(OPERATORS)
POLICY = Policy.from_mapping(
    {"waiting": {"limit": 40, "for_busy": 20, "backoff": 5}, "floor": {"wrap_up": 3}}, "test"
)


@dataclass
class Call:
    engine: CallEngine
    turn: int = 0
    inbox: deque[CallEvent] = field(default_factory=deque)
    ends: list[EndCall] = field(default_factory=list)
    connected: list[ConnectOperator] = field(default_factory=list)  # bridged now, newest last
    held: bool = False
    alarmed: bool = False  # an emergency was told, and nobody has handed the call back since


class Floor(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0
        self.desk = Desk(POLICY, self.now, last_epoch=7)
        self.calls: dict[str, Call] = {}
        self.to_desk: deque[DeskEvent] = deque()
        self.being_stored: deque[DeskEvent] = deque()  # requests whose decision is being saved
        self.epochs: list[int] = [7]
        self.ringing: dict[str, Ring] = {}
        self.old_offers: list[tuple[str, str]] = []  # (operator, offer) that once rang
        self.old_assignments: list[tuple[str, OperatorAssigned]] = []
        self.on_floor: set[str] = set()
        self.draining = False
        self.calls_so_far = 0
        self.alerted: dict[str, float] = {}  # by call, since when those on call are

    # --- plumbing ---

    def _call_says(self, call_id: str, event: CallEvent) -> None:
        call = self.calls[call_id]
        call.engine.handle(event, self.now)
        for command in call.engine.take_commands():
            self._carry_out(call, command)

    def _carry_out(self, call: Call, command: CallCommand) -> None:
        # EndCall is the last command of a call, but for giving back operators who come too late.
        assert not call.ends or isinstance(command, DisconnectOperator)
        match command:
            case EndCall():
                call.ends.append(command)
            case ConnectOperator():
                call.connected.append(command)
            case DisconnectOperator():
                call.connected = [
                    c
                    for c in call.connected
                    if (c.operator_id, c.epoch) != (command.operator_id, command.epoch)
                ]
            case HoldAgent():
                call.held = True
            case ResumeAgent():
                call.held = False
            case RequestOperator():
                assert not call.alarmed or command.decision.urgency is Urgency.CRITICAL
        event = desk_event(command)
        if event is not None:
            (self.being_stored if isinstance(command, RequestOperator) else self.to_desk).append(
                event
            )

    def _desk_says(self, event: DeskEvent) -> None:
        self.desk.handle(event, self.now)
        for command in self.desk.take_commands():
            match command:
                case Ring():
                    assert command.offer_id not in self.ringing
                    self.ringing[command.offer_id] = command
                    self.old_offers.append((command.operator_id, command.offer_id))
                case StopRinging():
                    del self.ringing[command.offer_id]
                case Assign():
                    self.ringing.pop(command.offer_id, None)
                    assert command.epoch > self.epochs[-1], "epochs only grow"
                    self.epochs.append(command.epoch)
                case RefuseAccept():
                    assert command.reason
                case GiveUp():
                    assert command.tried <= len(OPERATORS)
                    since = self.alerted.pop(command.call_id, -math.inf)
                    wait = 0.0 if self.draining else POLICY.triage.on_call_wait
                    assert self.now >= since + wait, "those alerted had no time to come"
                case AlertOnCall():
                    self.alerted.setdefault(command.call_id, self.now)
                case AlertOver() if command.reason != "given_up":  # `GiveUp` comes next
                    del self.alerted[command.call_id]
            answer = call_event(command)
            if answer is not None:
                self.calls[command.call_id].inbox.append(answer)  # type: ignore[union-attr]

    def _live(self) -> list[str]:
        return [key for key, call in self.calls.items() if call.engine.state is not State.ENDED]

    # --- what may happen ---

    @initialize()
    def an_ordinary_morning(self) -> None:
        self.call_comes()
        for operator in OPERATORS:
            self.joins(operator)

    @precondition(lambda self: len(self.calls) < 3)
    @rule()
    def call_comes(self) -> None:
        call_id = f"call-{self.calls_so_far}"
        self.calls_so_far += 1
        self.calls[call_id] = Call(CallEngine(a_call(call_id), POLICY, self.now))

    @rule(operator=operators)
    def joins(self, operator: str) -> None:
        self.on_floor.add(operator)
        seniority = Seniority.ON_CALL if operator == ON_CALL else Seniority.STANDARD
        self._desk_says(OperatorJoined(operator, operator.title(), seniority=seniority))
        self._desk_says(OperatorPresence(operator, Presence.AVAILABLE))

    @precondition(lambda self: self.on_floor)
    @rule(data=st.data(), presence=st.sampled_from(list(Presence)))
    def changes_presence(self, data: st.DataObject, presence: Presence) -> None:
        operator = data.draw(st.sampled_from(sorted(self.on_floor)))
        self._desk_says(OperatorPresence(operator, presence))

    @rule(operator=operators)
    def leaves(self, operator: str) -> None:
        self.on_floor.discard(operator)
        self._desk_says(OperatorLeft(operator))

    @precondition(lambda self: self._live())
    @rule(
        data=st.data(),
        kind=st.sampled_from(
            ["person", "emergency", "emergency", "zero", "badly", "well", "agent_ends"]
        ),
    )
    def caller_says(self, data: st.DataObject, kind: str) -> None:
        call_id = data.draw(st.sampled_from(self._live()))
        call = self.calls[call_id]
        call.turn += 1
        event: CallEvent
        match kind:
            case "well":
                event = a_turn(call.turn)
            case "badly":
                event = a_bad_turn(call.turn)
            case "person":
                event = a_turn(call.turn, dialogue=DialogueFacts(wants_person=0.9))
            case "emergency":
                event = a_turn(call.turn, dialogue=DialogueFacts(emergency=True))
                call.alarmed = True
            case "zero":
                event = DigitPressed("0")
            case _:
                event = AgentEndedCall()
        self._call_says(call_id, event)

    @precondition(lambda self: self._live())
    @rule(data=st.data(), speaking=st.booleans())
    def hangs_up(self, data: st.DataObject, speaking: bool) -> None:
        self._call_says(data.draw(st.sampled_from(self._live())), CallerHungUp(speaking))

    @precondition(lambda self: self.ringing)
    @rule(data=st.data(), accepts=st.booleans(), twice=st.booleans())
    def answers(self, data: st.DataObject, accepts: bool, twice: bool) -> None:
        offer = data.draw(st.sampled_from(sorted(self.ringing.values(), key=lambda r: r.offer_id)))
        event = (OfferAccepted if accepts else OfferDeclined)(offer.operator_id, offer.offer_id)
        for _ in range(2 if twice else 1):
            self._desk_says(event)

    @precondition(lambda self: self._live())
    @rule(data=st.data(), bridged=st.booleans())
    def a_person_is_reached(self, data: st.DataObject, bridged: bool) -> None:
        """What is rare by chance: somebody asks, it rings, it is taken."""
        call_id = data.draw(st.sampled_from(self._live()))
        self._call_says(call_id, DigitPressed("0"))
        self._settle()
        for ring in list(self.ringing.values()):
            if ring.call_id == call_id:
                self._desk_says(OfferAccepted(ring.operator_id, ring.offer_id))
        self._settle()
        if bridged and self.calls[call_id].connected:
            self._call_says(call_id, BridgeUp(self.calls[call_id].connected[-1].operator_id))

    @precondition(lambda self: self.old_offers)
    @rule(data=st.data(), somebody_else=st.booleans())
    def accepts_late(self, data: st.DataObject, somebody_else: bool) -> None:
        operator, offer_id = data.draw(st.sampled_from(self.old_offers))
        if somebody_else:
            operator = data.draw(operators)
        self._desk_says(OfferAccepted(operator, offer_id))

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), operator=operators)
    def takes_over(self, data: st.DataObject, operator: str) -> None:
        self._call_says(data.draw(st.sampled_from(sorted(self.calls))), TakeoverAsked(operator))

    @precondition(lambda self: self._connected())
    @rule(
        data=st.data(),
        kind=st.sampled_from([BridgeUp, OperatorLost, HandedBack, OperatorEndedCall]),
        stale=st.booleans(),
    )
    def operator_acts(self, data: st.DataObject, kind: type, stale: bool) -> None:
        call_id = data.draw(st.sampled_from(self._connected()))
        connection = self.calls[call_id].connected[-1]
        epoch = data.draw(st.sampled_from(self.epochs)) if stale else connection.epoch
        before = self.calls[call_id].engine.state
        self._call_says(call_id, kind(connection.operator_id, epoch=epoch))
        if epoch != connection.epoch:
            assert self.calls[call_id].engine.state is before
        elif kind is HandedBack:
            self.calls[call_id].alarmed = False

    def _connected(self) -> list[str]:
        return [key for key, call in self.calls.items() if call.connected]

    @rule(seconds=st.floats(0.1, 30))
    def some_time_passes(self, seconds: float) -> None:
        """Timers fire, maybe late."""
        self.time_passes(seconds)

    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        due = self.desk.next_deadline()
        if due is not None and due <= self.now:
            self._desk_says(DeadlinePassed())
        for call_id, call in self.calls.items():
            due = call.engine.next_deadline()
            if due is not None and due <= self.now:
                self._call_says(call_id, DeadlinePassed())

    @precondition(lambda self: self._next_timer() is not None)
    @rule()
    def the_next_timer_fires(self) -> None:
        self.time_passes(max(0.0, (self._next_timer() or 0.0) - self.now))

    def _next_timer(self) -> float | None:
        times = [call.engine.next_deadline() for call in self.calls.values()]
        times.append(self.desk.next_deadline())
        return min((time for time in times if time is not None), default=None)

    @rule()
    def timers_fire_early(self) -> None:
        self._desk_says(DeadlinePassed())
        for call_id in self.calls:
            self._call_says(call_id, DeadlinePassed())

    @precondition(lambda self: self.to_desk)
    @rule()
    def desk_hears(self) -> None:
        self._desk_says(self.to_desk.popleft())

    @precondition(lambda self: self.being_stored)
    @rule()
    def decision_is_stored(self) -> None:
        self._desk_says(self.being_stored.popleft())

    @precondition(lambda self: any(call.inbox for call in self.calls.values()))
    @rule(data=st.data())
    def call_hears(self, data: st.DataObject) -> None:
        waiting = [key for key, call in self.calls.items() if call.inbox]
        call_id = data.draw(st.sampled_from(waiting))
        self._deliver(call_id)

    def _deliver(self, call_id: str) -> None:
        event = self.calls[call_id].inbox.popleft()
        self._call_says(call_id, event)
        if isinstance(event, OperatorAssigned):
            self.old_assignments.append((call_id, event))

    @precondition(lambda self: self.old_assignments)
    @rule(data=st.data())
    def an_old_assignment_comes_again(self, data: st.DataObject) -> None:
        call_id, event = data.draw(st.sampled_from(self.old_assignments))
        before = self.calls[call_id].engine.state
        self._call_says(call_id, event)
        assert self.calls[call_id].engine.state is before

    @precondition(lambda self: self.now > 200)
    @rule()
    def server_dies_and_comes_back(self) -> None:
        """Its calls are over, messages under way are lost; the epochs stored are not."""
        self.desk = Desk(POLICY, self.now, last_epoch=self.epochs[-1])
        self.calls.clear()
        self.to_desk.clear()
        self.being_stored.clear()
        self.ringing.clear()
        self.old_offers.clear()
        self.old_assignments.clear()
        self.on_floor.clear()
        self.alerted.clear()
        self.draining = False
        self.an_ordinary_morning()

    @precondition(lambda self: not self.draining and self.now > 300)
    @rule()
    def server_drains(self) -> None:
        self.draining = True
        self._desk_says(ServerDraining())
        for call_id in self.calls:
            self._call_says(call_id, ServerDraining())

    # --- what must hold ---

    def _settle(self) -> None:
        """Deliver everything that is under way."""
        while self.to_desk or self.being_stored or any(c.inbox for c in self.calls.values()):
            while self.to_desk:
                self._desk_says(self.to_desk.popleft())
            while self.being_stored:
                self._desk_says(self.being_stored.popleft())
            for call_id, call in self.calls.items():
                while call.inbox:
                    self._deliver(call_id)

    @precondition(lambda self: self.to_desk or self.being_stored)
    @rule()
    def everything_is_delivered(self) -> None:
        self._settle()

    @rule()
    def everything_arrives(self) -> None:
        """With nothing under way, calls and floor agree."""
        self._settle()
        waiting = {w.call_id for w in self.desk.waiting()}
        for call_id, call in self.calls.items():
            state = call.engine.state
            owner = self.desk.owner(call_id)
            if state in (State.BRIDGING, State.OPERATOR):
                snapshot = call.engine.snapshot()
                assert owner is not None
                assert (owner.operator_id, owner.epoch) == (snapshot.operator_id, snapshot.epoch)
            else:
                assert owner is None
            assert (call_id in waiting) == (state is State.WAITING)
        for ring in self.ringing.values():
            assert self.calls[ring.call_id].engine.state is State.WAITING

    @invariant()
    def one_owner(self) -> None:
        for call in self.calls.values():
            assert len(call.connected) <= 1
            talking = call.engine.state in (State.BRIDGING, State.OPERATOR)
            assert bool(call.connected) == talking
        for operator in self.desk.operators():
            owned = [
                key
                for key in self.calls
                if (owner := self.desk.owner(key)) and owner.operator_id == operator.operator_id
            ]
            assert owned == ([] if operator.call_id is None else [operator.call_id])

    @invariant()
    def one_outcome(self) -> None:
        for call in self.calls.values():
            assert len(call.ends) == (1 if call.engine.state is State.ENDED else 0)
            assert all(end.outcome in OUTCOMES for end in call.ends)
            if call.engine.state is State.ENDED:
                assert call.engine.next_deadline() is None

    @invariant()
    def the_agent_is_held_exactly_while_a_person_is_wanted(self) -> None:
        for call in self.calls.values():
            if call.engine.state is not State.ENDED:
                assert call.held == (call.engine.state is not State.AI)

    @invariant()
    def ringing_is_what_the_desk_thinks(self) -> None:
        assert set(self.ringing) == {offer.offer_id for offer in self.desk.offers()}
        ringing_at = [ring.operator_id for ring in self.ringing.values()]
        ringing_for = [ring.call_id for ring in self.ringing.values()]
        assert len(ringing_at) == len(set(ringing_at))
        assert len(ringing_for) == len(set(ringing_for))
        wanting = {o.operator_id for o in self.desk.operators() if o.wants_calls}
        for ring in self.ringing.values():
            assert self.desk.owner(ring.call_id) is None
            assert ring.operator_id in wanting

    @invariant()
    def nobody_waits_without_a_timer(self) -> None:
        for call in self.calls.values():
            if call.engine.state in (State.WAITING, State.BRIDGING):
                assert call.engine.next_deadline() is not None

    def teardown(self) -> None:
        """Whatever happened: when all callers have gone, the floor is empty and quiet."""
        for call_id in self._live():
            self._call_says(call_id, CallerHungUp())
        self._settle()
        assert not self.ringing
        assert not self.desk.waiting()
        assert all(self.desk.owner(call_id) is None for call_id in self.calls)
        assert all(call.ends for call in self.calls.values())


TestFloor = Floor.TestCase
TestFloor.settings = settings(max_examples=70, stateful_step_count=60, deadline=None)
