from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from handoff.brief import Memory
from handoff.commands import (
    ConnectOperator,
    DisconnectOperator,
    EndCall,
    HoldAgent,
    Notice,
    RequestOperator,
    RequestTakeover,
    ResumeAgent,
    Tell,
    Urgency,
    WithdrawRequest,
)
from handoff.errors import ProtocolError
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
from handoff.session import TABLE, Session, State
from handoff.states import LIVE, CannotGoOn, HandOffDecided
from handoff.testing import a_call, a_decision

ANN = OperatorAssigned("ann", "Ann", 3)
WAITING = Policy().waiting


class Driver:
    """A session, the time, and what it has asked for."""

    def __init__(self) -> None:
        self.memory = Memory(a_call(), 6, 6)
        self.session = Session(Policy(), self.memory)
        self.now = 0.0

    def send(self, *events: Any, after: float = 1.0) -> list[Any]:
        commands: list[Any] = []
        for event in events:
            self.now += after
            self.session.handle(event, self.now)
            commands += self.session.take_commands()
        return commands

    @property
    def state(self) -> State:
        return self.session.state

    def to(self, state: State) -> Driver:
        path: dict[State, list[Any]] = {
            State.AI: [],
            State.WAITING: [HandOffDecided(a_decision())],
            State.BRIDGING: [HandOffDecided(a_decision()), ANN],
            State.OPERATOR: [HandOffDecided(a_decision()), ANN, BridgeUp("ann", 3)],
            State.ENDED: [CallerHungUp()],
        }
        self.send(*path[state])
        assert self.state is state
        return self


def kinds(commands: list[Any]) -> list[type]:
    return [type(command) for command in commands]


def tells(commands: list[Any]) -> list[Notice]:
    return [command.notice for command in commands if isinstance(command, Tell)]


@pytest.mark.parametrize("state", LIVE)
def test_a_hang_up_ends_the_call_in_any_state_and_frees_everybody(state: State) -> None:
    driver = Driver().to(state)
    commands = driver.send(CallerHungUp())
    assert driver.state is State.ENDED
    assert driver.session.next_deadline() is None
    assert isinstance(commands[-1], EndCall)
    assert commands[-1].outcome == ("handed_off" if state is State.OPERATOR else "abandoned")
    assert (WithdrawRequest in kinds(commands)) == (state is not State.AI)
    assert (DisconnectOperator in kinds(commands)) == (state in (State.BRIDGING, State.OPERATOR))


@pytest.mark.parametrize(
    ("answered", "speaking", "outcome"),
    [(True, False, "automated"), (True, True, "abandoned"), (False, False, "abandoned")],
)
def test_who_hangs_up_on_the_ai_was_served_if_answered_and_silent(
    answered: bool, speaking: bool, outcome: str
) -> None:
    driver = Driver()
    driver.memory.answered = answered
    (end,) = driver.send(CallerHungUp(speaking))
    assert end.outcome == outcome


def test_a_handoff_holds_the_ai_tells_the_caller_and_asks_in_this_order() -> None:
    driver = Driver()
    commands = driver.send(HandOffDecided(a_decision()))
    assert kinds(commands) == [HoldAgent, Tell, RequestOperator]
    assert tells(commands) == [Notice.CONNECTING]
    assert commands[2].brief.why.startswith("Call")
    assert commands[2].language == "en"
    assert driver.state is State.WAITING


def test_while_waiting_the_caller_hears_every_ten_seconds_that_we_go_on() -> None:
    driver = Driver().to(State.WAITING)
    started = driver.now
    for number in (1, 2, 3):
        due = driver.session.next_deadline() or 0.0
        assert due == pytest.approx(started + 10 * number)
        driver.now = due
        commands = driver.send(DeadlinePassed(), after=0)
        assert tells(commands) == [Notice.STILL_CONNECTING]


def test_waiting_has_an_end_even_if_the_desk_never_answers() -> None:
    driver = Driver().to(State.WAITING)
    commands = driver.send(DeadlinePassed(), after=WAITING.limit)
    assert kinds(commands) == [WithdrawRequest, Tell, ResumeAgent]
    assert tells(commands) == [Notice.NOBODY]
    assert driver.state is State.AI
    assert driver.session.safe_mode


def test_an_early_timer_does_nothing() -> None:
    for state in State:
        driver = Driver().to(state)
        assert driver.send(DeadlinePassed(), after=0.1) == []
        assert driver.state is state


def test_when_nobody_comes_the_ai_goes_on_carefully() -> None:
    driver = Driver().to(State.WAITING)
    commands = driver.send(NobodyAvailable(2, request=1))
    assert tells(commands) == [Notice.NOBODY]
    assert commands[-1] == ResumeAgent("call-1", safe_mode=True)
    assert driver.session.safe_mode
    assert driver.session.next_deadline() is None


def test_a_call_that_triage_leaves_to_the_ai_goes_on_without_safe_mode() -> None:
    driver = Driver().to(State.WAITING)
    commands = driver.send(NobodyAvailable(0, reason="cleared"))
    assert tells(commands) == [Notice.BACK_TO_AI]
    assert commands[-1] == ResumeAgent("call-1", safe_mode=False)
    assert driver.session.may_request(driver.now)


def test_what_triage_cleared_holds_back_the_soft_rule_alone_and_longer_each_time() -> None:
    driver = Driver()
    pause = WAITING.backoff
    for _ in range(WAITING.max_requests):
        assert driver.session.may_request(driver.now, soft=True)
        driver.send(HandOffDecided(a_decision()), NobodyAvailable(0, reason="cleared"))
        assert driver.session.may_request(driver.now)
        assert not driver.session.may_request(driver.now + pause - 0.1, soft=True)
        driver.now += pause
        pause *= 2
    assert not driver.session.may_request(driver.now + 1e6, soft=True)
    assert driver.session.may_request(driver.now)
    driver.send(TakeoverAsked("ann"), ANN, BridgeUp("ann"), HandedBack("ann"))
    assert driver.session.may_request(driver.now, soft=True)


@pytest.mark.parametrize("state", [State.BRIDGING, State.OPERATOR])
def test_what_comes_up_with_an_operator_is_told_to_the_next_if_they_are_lost(state: State) -> None:
    driver = Driver().to(state)
    assert driver.send(HandOffDecided(a_decision(urgency=Urgency.CRITICAL), ("emergency",))) == []
    assert driver.state is state
    request = driver.send(OperatorLost("ann"))[-1]
    assert request.decision.urgency is Urgency.CRITICAL
    assert request.category == "emergency"


def test_a_caller_who_is_called_back_hears_of_it() -> None:
    driver = Driver().to(State.WAITING)
    commands = driver.send(NobodyAvailable(0, reason="callback"))
    assert tells(commands) == [Notice.CALLBACK]
    assert commands[-1] == ResumeAgent("call-1", safe_mode=True)


@pytest.mark.parametrize(
    ("code", "category"),
    [("explicit_request", "medical"), ("emergency", "emergency"), ("harmful_content", "abuse")],
)
def test_a_request_says_what_the_call_is_for_whoever_takes_it(code: str, category: str) -> None:
    driver = Driver()
    driver.memory.category = "medical"
    request = driver.send(HandOffDecided(a_decision(), ("silences", code)))[-1]
    assert request.category == category


def test_an_emergency_late_in_a_wait_gets_time_for_the_on_call() -> None:
    driver = Driver().to(State.WAITING)
    driver.now += WAITING.limit - 5.0
    driver.send(HandOffDecided(a_decision(urgency=Urgency.CRITICAL)))
    on_call_wait = Policy().triage.on_call_wait
    driver.send(HandOffDecided(a_decision(urgency=Urgency.CRITICAL)), after=10.0)  # told again
    assert tells(driver.send(DeadlinePassed(), after=on_call_wait - 10.1)) != [Notice.NOBODY]
    assert tells(driver.send(DeadlinePassed(), after=0.2)) == [Notice.NOBODY]


def test_a_newer_request_that_is_no_emergency_does_not_prolong_the_wait() -> None:
    driver = Driver().to(State.WAITING)
    driver.send(HandOffDecided(a_decision(urgency=Urgency.HIGH)), after=WAITING.limit - 2.0)
    driver.send(DeadlinePassed(), after=2.0)
    assert driver.state is State.AI


def test_a_late_answer_to_an_earlier_request_is_ignored() -> None:
    driver = Driver().to(State.WAITING)
    driver.send(HandOffDecided(a_decision(urgency=Urgency.CRITICAL)))  # request 2 by now
    assert driver.send(NobodyAvailable(0, request=1)) == []
    assert driver.state is State.WAITING
    assert ResumeAgent in kinds(driver.send(NobodyAvailable(0, request=2)))


def test_asking_again_waits_longer_each_time_unless_it_is_urgent() -> None:
    driver = Driver()
    pause = WAITING.backoff
    for _ in range(3):
        driver.send(HandOffDecided(a_decision()), NobodyAvailable(0))
        assert not driver.session.may_request(driver.now + pause - 0.1)
        assert driver.session.may_request(driver.now + pause - 0.1, urgent=True)
        assert driver.session.may_request(driver.now + pause)
        driver.now += pause
        pause *= 2


def test_a_call_asks_so_often_and_then_only_when_urgent() -> None:
    driver = Driver()
    for _ in range(WAITING.max_requests):
        driver.send(HandOffDecided(a_decision()), NobodyAvailable(0), after=1000)
    assert not driver.session.may_request(driver.now + 1e6)
    assert driver.session.may_request(driver.now, urgent=True)


def test_only_requests_that_nobody_answered_count() -> None:
    driver = Driver()
    for epoch in range(1, WAITING.max_requests + 2):
        driver.send(HandOffDecided(a_decision()), OperatorAssigned("ann", "Ann", epoch))
        driver.send(BridgeUp("ann", epoch), HandedBack("ann", epoch=epoch))
        assert driver.session.may_request(driver.now)
        driver.send(HandOffDecided(a_decision()), NobodyAvailable(0, reason="cleared"))
        assert driver.session.may_request(driver.now)


def test_a_lost_operators_replacement_is_no_request_of_the_caller() -> None:
    driver = Driver()
    driver.send(HandOffDecided(a_decision()))
    for epoch in range(1, WAITING.max_requests + 2):
        driver.send(OperatorAssigned("ann", "Ann", epoch), OperatorLost("ann", epoch))
        assert driver.state is State.WAITING
    driver.send(NobodyAvailable(0))
    assert driver.session.may_request(driver.now + WAITING.backoff)


def test_after_a_hand_back_a_person_may_be_asked_for_at_once() -> None:
    driver = Driver()
    for _ in range(WAITING.max_requests):
        driver.send(HandOffDecided(a_decision()), NobodyAvailable(0), after=1000)
    driver.send(TakeoverAsked("ann"), ANN, BridgeUp("ann"), HandedBack("ann"))
    assert driver.session.may_request(driver.now)


def test_an_operator_is_connected_and_talks() -> None:
    driver = Driver().to(State.WAITING)
    assert driver.send(ANN) == [ConnectOperator("call-1", "ann", 3)]
    assert driver.send(BridgeUp("ann", 3)) == []
    assert driver.state is State.OPERATOR
    assert driver.session.next_deadline() is None


def test_a_takeover_goes_through_the_desk_and_holds_the_ai() -> None:
    driver = Driver()
    assert driver.send(TakeoverAsked("ann")) == [RequestTakeover("call-1", "ann")]
    assert driver.state is State.AI
    assert driver.send(ANN) == [HoldAgent("call-1"), ConnectOperator("call-1", "ann", 3)]


@pytest.mark.parametrize("state", [State.AI, State.WAITING, State.BRIDGING, State.OPERATOR])
def test_an_assignment_of_an_old_epoch_is_ignored(state: State) -> None:
    driver = Driver().to(state)
    driver.session.epoch = 9
    assert driver.send(OperatorAssigned("bob", "Bob", 9)) == []
    assert driver.state is state


@pytest.mark.parametrize("state", [State.BRIDGING, State.OPERATOR])
def test_a_newer_epoch_replaces_the_operator(state: State) -> None:
    driver = Driver().to(state)
    commands = driver.send(OperatorAssigned("bob", "Bob", 4))
    assert commands == [
        DisconnectOperator("call-1", "ann", "replaced", 3),
        ConnectOperator("call-1", "bob", 4),
    ]
    assert driver.state is State.BRIDGING


def test_an_operator_who_comes_after_the_end_is_given_back() -> None:
    driver = Driver().to(State.ENDED)
    assert driver.send(ANN) == [DisconnectOperator("call-1", "ann", "call_ended", 3)]


@pytest.mark.parametrize("state", [State.BRIDGING, State.OPERATOR])
@pytest.mark.parametrize(
    "event",
    [
        OperatorLost("bob"),
        OperatorLost("ann", 2),
        HandedBack("bob"),
        HandedBack("ann", epoch=2),
        OperatorEndedCall("bob"),
        OperatorEndedCall("ann", 2),
        BridgeUp("bob"),
        BridgeUp("ann", 2),
    ],
)
def test_what_a_former_operator_does_has_no_effect(state: State, event: Any) -> None:
    driver = Driver().to(state)
    assert driver.send(event) == []
    assert driver.state is state


@pytest.mark.parametrize("state", [State.BRIDGING, State.OPERATOR])
def test_a_lost_operator_is_replaced_and_asked_last(state: State) -> None:
    driver = Driver().to(state)
    commands = driver.send(OperatorLost("ann", 3))
    assert kinds(commands) == [DisconnectOperator, Tell, RequestOperator]
    assert tells(commands) == [Notice.OPERATOR_LOST]
    assert commands[2].skip == ("ann",)
    assert commands[2].decision.urgency is Urgency.HIGH
    assert commands[2].request == 2
    commands = driver.send(NobodyAvailable(0, request=2))
    assert driver.state is State.AI
    assert driver.session.safe_mode


def test_audio_that_does_not_come_counts_as_lost() -> None:
    driver = Driver().to(State.BRIDGING)
    commands = driver.send(DeadlinePassed(), after=WAITING.bridge)
    assert commands[0] == DisconnectOperator("call-1", "ann", "bridge_failed", 3)
    assert driver.state is State.WAITING


def test_a_call_handed_back_goes_on_with_the_note_and_without_safe_mode() -> None:
    driver = Driver()
    driver.send(HandOffDecided(a_decision()), NobodyAvailable(0))
    assert driver.session.safe_mode
    driver.send(TakeoverAsked("ann"), ANN, BridgeUp("ann"))
    commands = driver.send(HandedBack("ann", "identity checked", 3))
    assert kinds(commands) == [DisconnectOperator, Tell, ResumeAgent]
    assert commands[-1] == ResumeAgent("call-1", safe_mode=False, note="identity checked")
    assert not driver.session.safe_mode
    assert driver.send(AgentEndedCall())[-1].outcome == "handed_off"


@pytest.mark.parametrize("safe", [False, True])
def test_a_hand_back_before_anybody_spoke_is_a_decline(safe: bool) -> None:
    driver = Driver()
    if safe:
        driver.send(HandOffDecided(a_decision()), NobodyAvailable(0))
        driver.now += WAITING.backoff
    driver.send(HandOffDecided(a_decision()), ANN)
    commands = driver.send(HandedBack("ann", "not mine", 3))
    assert kinds(commands) == [DisconnectOperator, Tell, ResumeAgent]
    assert commands[-1] == ResumeAgent("call-1", safe_mode=safe, note="not mine")
    assert driver.session.safe_mode == safe
    assert not driver.session.may_request(driver.now), "as after a request that nobody took"
    assert driver.send(AgentEndedCall())[-1].outcome == "automated"


def test_who_ends_a_call_before_they_spoke_has_helped_nobody() -> None:
    driver = Driver().to(State.BRIDGING)
    assert driver.send(OperatorEndedCall("ann", 3))[-1].outcome == "failed"


def test_an_operator_may_end_the_call() -> None:
    driver = Driver().to(State.OPERATOR)
    commands = driver.send(OperatorEndedCall("ann", 3))
    assert kinds(commands) == [WithdrawRequest, DisconnectOperator, EndCall]
    assert commands[-1].outcome == "handed_off"


def test_the_agent_may_end_the_call_only_while_it_talks() -> None:
    assert Driver().send(AgentEndedCall()) == [EndCall("call-1", "automated", "agent_ended")]
    for state in (State.WAITING, State.BRIDGING, State.OPERATOR, State.ENDED):
        driver = Driver().to(state)
        assert driver.send(AgentEndedCall()) == []
        assert driver.state is state


def test_a_call_that_nobody_can_serve_ends_with_a_goodbye() -> None:
    commands = Driver().send(CannotGoOn("component_failed"))
    assert tells(commands) == [Notice.GOODBYE]
    assert commands[-1] == EndCall("call-1", "failed", "component_failed")


@pytest.mark.parametrize("state", [State.AI, State.BRIDGING, State.OPERATOR])
def test_a_draining_server_lets_a_call_go_on_for_a_while(state: State) -> None:
    driver = Driver().to(state)
    assert driver.send(ServerDraining()) == []
    assert driver.state is state
    driver.send(BridgeUp("ann", 3))
    asked = driver.now
    driver.send(ServerDraining())  # said twice: the first deadline holds
    assert (driver.session.next_deadline() or 0) <= asked - 1 + WAITING.drain
    commands = driver.send(DeadlinePassed(), after=WAITING.drain + 2)
    assert tells(commands) == [Notice.DRAINING]
    assert isinstance(commands[-1], EndCall)
    assert commands[-1].outcome == ("failed" if state is State.AI else "handed_off")


def test_a_draining_server_asks_for_nobody() -> None:
    driver = Driver().to(State.WAITING)
    commands = driver.send(ServerDraining())
    assert kinds(commands) == [WithdrawRequest, Tell, ResumeAgent]
    assert not driver.session.may_request(driver.now + 1e6)
    driver = Driver().to(State.OPERATOR)
    commands = driver.send(ServerDraining(), OperatorLost("ann"))
    assert RequestOperator not in kinds(commands)
    assert driver.state is State.AI


def test_a_draining_server_asks_on_in_an_emergency_until_its_deadline() -> None:
    driver = Driver()
    emergency = HandOffDecided(a_decision(urgency=Urgency.CRITICAL))
    driver.send(ServerDraining())
    assert driver.session.may_request(driver.now, urgent=True)
    driver.send(emergency)
    assert driver.state is State.WAITING
    driver.send(OperatorAssigned("ann", "Ann", 1))
    driver.send(OperatorLost("ann"))
    assert driver.state is State.WAITING, "who was lost is replaced"
    commands = driver.send(DeadlinePassed(), after=WAITING.drain + 1)
    assert WithdrawRequest in kinds(commands)
    assert tells(commands) == [Notice.DRAINING]
    assert driver.session.state is State.ENDED


def test_an_emergency_that_waits_when_the_server_begins_to_drain_waits_on() -> None:
    driver = Driver()
    driver.send(HandOffDecided(a_decision(urgency=Urgency.CRITICAL)))
    assert driver.send(ServerDraining()) == []
    assert driver.state is State.WAITING
    assert driver.session.next_deadline() is not None


def test_an_unknown_event_is_an_error() -> None:
    with pytest.raises(ProtocolError, match="no row for str"):
        Driver().send("hello")


def test_an_action_that_leaves_its_row_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    row = TABLE[State.AI, AgentEndedCall]
    broken = {**TABLE, (State.AI, AgentEndedCall): replace(row, targets=frozenset({State.AI}))}
    monkeypatch.setattr("handoff.session.session.TABLE", broken)
    with pytest.raises(ProtocolError, match="which its row does not name"):
        Driver().send(AgentEndedCall())
