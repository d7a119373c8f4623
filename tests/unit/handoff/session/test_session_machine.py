"""One session under any order of events, early and late timers included: one outcome, one end, one owner."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from handoff.brief import Memory
from handoff.commands import (
    CallCommand,
    ConnectOperator,
    DecisionKind,
    DisconnectOperator,
    EndCall,
    HoldAgent,
    RequestOperator,
    ResumeAgent,
    WithdrawRequest,
)
from handoff.events import (
    AgentEndedCall,
    BridgeUp,
    CallerHungUp,
    DeadlinePassed,
    HandedBack,
    NobodyAvailable,
    OperatorAssigned,
    OperatorEndedCall,
    OperatorLost,
    ServerDraining,
    TakeoverAsked,
)
from handoff.policy import Policy
from handoff.session import Session, State
from handoff.states import CannotGoOn, HandOffDecided, SessionEvent
from handoff.testing import a_call, a_decision

OUTCOMES = {"automated", "handed_off", "abandoned", "failed"}
operators = st.sampled_from(["ann", "bob"])
epochs = st.integers(0, 4)


class AnySession(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        policy = Policy.from_mapping({"waiting": {"limit": 40, "backoff": 5}}, "test")
        self.session = Session(policy, Memory(a_call(), 6, 6))
        self.log: list[CallCommand] = []
        self.connected: ConnectOperator | None = None
        self.held = False
        self.asked = False  # a request that nobody has ended
        self.newest = 0  # epoch given out by the desk
        self.talked = False  # an operator did, with the caller
        self.before = self.session.epoch
        self.alone = 0  # times that nobody came, since the last hand-back
        self.why = ""

    def send(self, event: SessionEvent) -> None:
        self.why = event.reason if isinstance(event, NobodyAvailable) else ""
        self.before = self.session.epoch
        self.session.handle(event, self.now)
        for command in self.session.take_commands():
            self.carry_out(command)

    def carry_out(self, command: CallCommand) -> None:
        if self.session.outcome is not None and any(isinstance(c, EndCall) for c in self.log):
            assert isinstance(command, DisconnectOperator), "only who comes too late is given back"
            return
        self.log.append(command)
        match command:
            case ConnectOperator():
                assert self.connected is None, "two operators in one call"
                self.connected = command
            case DisconnectOperator():
                if self.connected is not None and command.epoch in (None, self.connected.epoch):
                    self.connected = None
            case HoldAgent():
                assert not self.held
                self.held = True
            case ResumeAgent():
                assert self.held, "the AI was in charge already"
                assert self.connected is None, "the AI and a person talk at once"
                self.held = False
                self.alone += command.safe_mode and self.why != "cleared"
            case RequestOperator():
                assert self.held, "the AI talks while a person is called"
                self.asked = True
            case WithdrawRequest():
                self.asked = False

    # --- what happens -----------------------------------------------------------------------

    @rule(kind=st.sampled_from([DecisionKind.SOFT, DecisionKind.HARD]))
    def decided(self, kind: DecisionKind) -> None:
        if self.session.may_request(self.now):
            self.send(HandOffDecided(replace(a_decision(), kind=kind)))

    @rule(who=operators)
    def assigned(self, who: str) -> None:
        """The desk gives a larger epoch each time."""
        self.newest += 1
        self.send(OperatorAssigned(who, who.title(), self.newest))

    @rule(who=operators, epoch=epochs)
    def assigned_late(self, who: str, epoch: int) -> None:
        self.newest = max(self.newest, epoch)
        self.send(OperatorAssigned(who, who.title(), epoch))

    @rule(
        request=st.none() | st.integers(0, 4),
        reason=st.sampled_from(["nobody", "draining", "cleared", "callback"]),
    )
    def nobody(self, request: int | None, reason: str) -> None:
        waited, safe = self.session.state is State.WAITING, self.session.safe_mode
        self.send(NobodyAvailable(2, request, reason))
        if waited and self.session.state is State.AI:
            if reason == "cleared":
                assert self.session.safe_mode == safe, "nothing is held against a cleared call"
            else:
                assert self.session.safe_mode

    @rule(who=operators, epoch=st.none() | epochs)
    def bridge_up(self, who: str, epoch: int | None) -> None:
        self.send(BridgeUp(who, epoch))
        self.talked = self.talked or self.session.state is State.OPERATOR

    @rule(who=operators, epoch=st.none() | epochs)
    def lost(self, who: str, epoch: int | None) -> None:
        self.send(OperatorLost(who, epoch))

    @rule(who=operators, epoch=st.none() | epochs)
    def handed_back(self, who: str, epoch: int | None) -> None:
        was, safe = self.session.state, self.session.safe_mode
        self.send(HandedBack(who, "done", epoch))
        if was is State.BRIDGING and self.session.state is State.AI:
            self.alone += not safe  # else it is counted with the command
            assert self.session.safe_mode == safe, "they declined: nothing has changed"
        elif self.session.state is not was:
            self.alone = 0
            assert not self.session.safe_mode
            assert self.session.draining or self.session.may_request(self.now)

    @rule(who=operators, epoch=st.none() | epochs)
    def ended_by_operator(self, who: str, epoch: int | None) -> None:
        self.send(OperatorEndedCall(who, epoch))

    @rule(who=operators)
    def takeover(self, who: str) -> None:
        self.send(TakeoverAsked(who))

    @rule()
    def agent_ends(self) -> None:
        self.send(AgentEndedCall())

    @rule(speaking=st.booleans())
    def hangs_up(self, speaking: bool) -> None:
        self.send(CallerHungUp(speaking))
        assert self.session.state is State.ENDED

    @rule()
    def broken(self) -> None:
        if self.session.state is State.AI:
            self.send(CannotGoOn("component_failed"))

    @rule()
    def drains(self) -> None:
        self.send(ServerDraining())

    @rule(seconds=st.floats(0.1, 60))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def timer(self) -> None:
        """As often as it likes, early, late or again."""
        self.send(DeadlinePassed())

    @precondition(lambda self: self.session.next_deadline() is not None)
    @rule()
    def timer_in_time(self) -> None:
        due = self.session.next_deadline()
        assert due is not None
        self.now = max(self.now, due)
        self.send(DeadlinePassed())
        after = self.session.next_deadline()
        assert after is None or after > self.now, "a deadline that is met is not set again"

    # --- what always holds ------------------------------------------------------------------

    @invariant()
    def one_outcome(self) -> None:
        ends = [command for command in self.log if isinstance(command, EndCall)]
        assert len(ends) == (self.session.state is State.ENDED)
        assert (self.session.outcome in OUTCOMES) == bool(ends)
        if ends:
            assert (self.session.outcome == "handed_off") == self.talked

    @invariant()
    def one_owner(self) -> None:
        in_call = self.session.state in (State.BRIDGING, State.OPERATOR)
        assert (self.connected is not None) == in_call
        if self.connected is not None:
            assert self.connected.epoch == self.session.epoch
            assert self.connected.operator_id == self.session.operator_id

    @invariant()
    def the_agent_is_held_while_a_person_is_called_or_there(self) -> None:
        if self.session.state is not State.ENDED:
            assert self.held == (self.session.state is not State.AI)

    @invariant()
    def only_those_whom_nobody_came_for_too_often_are_refused_for_good(self) -> None:
        if self.session.state is State.AI and not self.session.draining:
            later = self.now + 300.0  # the longest pause
            assert self.session.may_request(later) == (self.alone < 4)

    @invariant()
    def epochs_only_grow(self) -> None:
        assert self.session.epoch >= self.before

    @invariant()
    def a_live_wait_has_an_end(self) -> None:
        if self.session.state in (State.WAITING, State.BRIDGING):
            assert self.session.next_deadline() is not None


TestAnySession = AnySession.TestCase
TestAnySession.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
