from __future__ import annotations

import gc
import tracemalloc
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.commands import (
    Decision,
    DecisionKind,
    EndCall,
    HoldAgent,
    KeepDecision,
    Notice,
    RequestOperator,
    ResumeAgent,
    Tell,
    Urgency,
)
from handoff.conduct.grounding import REMEMBERED
from handoff.engine import CallEngine
from handoff.errors import ProtocolError
from handoff.events import (
    ActionFinished,
    ActionProposed,
    ActionRefused,
    AgentEndedCall,
    AgentSpoke,
    BridgeUp,
    CallerHungUp,
    CallerSilent,
    CallerSpoke,
    ComponentFailed,
    ContentFlagged,
    DeadlinePassed,
    DialogueFacts,
    DigitPressed,
    Effect,
    FloorReported,
    HandedBack,
    NobodyAvailable,
    OperatorAssigned,
    OperatorLost,
    SecondOpinion,
    ServerDraining,
    StageTimed,
    TakeoverAsked,
)
from handoff.oversight import Mode, Proposal
from handoff.policy import Policy
from handoff.risk import SHIPPED
from handoff.session import State
from handoff.testing import a_bad_turn, a_call, a_proposal, a_turn
from tests.support.talks import acts_of_talks

ANN = OperatorAssigned("ann", "Ann", 1)
PERSON = DialogueFacts(wants_person=0.9)


class Call:
    def __init__(self, **policy: Any) -> None:
        self.engine = CallEngine(a_call(), Policy.from_mapping(policy, "test"), now=0.0)
        self.now = 0.0

    def send(self, *events: Any, after: float = 5.0) -> list[Any]:
        commands: list[Any] = []
        for event in events:
            self.now += after
            self.engine.handle(event, self.now)
            commands += self.engine.take_commands()
        return commands

    def decision(self, *events: Any) -> Decision:
        """The decision after the last of these."""
        return [c.decision for c in self.send(*events) if isinstance(c, KeepDecision)][-1]


def codes(decision: Decision) -> list[str]:
    return [reason.code for reason in decision.reasons]


def test_a_call_that_goes_well_stays_with_the_ai() -> None:
    call = Call()
    for turn in range(1, 13):
        decision = call.decision(a_turn(turn, f"where is branch {turn}"))
        assert not decision.hand_off
        assert decision.turn == turn
        call.send(AgentSpoke(turn, "Here you are.", "answer"))
    assert call.engine.answering
    assert decision.confidence > 0.85
    assert decision.risk < 0.15
    assert call.send(AgentEndedCall()) == [EndCall("call-1", "automated", "agent_ended")]


def test_every_caller_turn_gets_one_decision_and_nothing_else_does() -> None:
    call = Call()
    for event in (a_turn(1), CallerSilent(2, 5.0)):
        assert [type(command) for command in call.send(event)] == [KeepDecision]
    quiet = (
        AgentSpoke(2, "Yes?", "question"),
        StageTimed(2, "reply", 90, 50),
        DigitPressed("5"),
        ActionProposed("a", "look_up", {}, Effect.READ),
        ActionFinished("a", "look_up", Effect.READ, True, "found"),
    )
    assert call.send(*quiet) == []


def test_trouble_that_lasts_brings_a_person_with_reasons_in_words() -> None:
    call = Call()
    assert not call.decision(a_turn(1)).hand_off
    mumbled = a_turn(2, "mumbling", heard=0.35, sure=0.4, margin=0.1)
    assert not call.decision(mumbled).hand_off
    commands = call.send(replace(mumbled, turn=3, text="well the other one then"))
    decision = commands[0].decision
    assert decision.hand_off
    assert decision.kind is DecisionKind.SOFT
    assert 1 <= len(decision.reasons) <= 3
    weights = [reason.weight for reason in decision.reasons]
    assert weights == sorted(weights, reverse=True)
    assert all(" " in reason.words for reason in decision.reasons)
    assert [type(c) for c in commands] == [KeepDecision, HoldAgent, Tell, RequestOperator]
    assert commands[3].decision == decision
    assert commands[3].brief.exchanges[-1].text == "well the other one then"
    assert not call.engine.answering


@pytest.mark.parametrize(
    ("code", "events", "urgency"),
    [
        ("explicit_request", [a_turn(1, dialogue=PERSON)], Urgency.MEDIUM),
        ("emergency", [a_turn(1, dialogue=DialogueFacts(emergency=True))], Urgency.CRITICAL),
        ("regulated", [a_turn(1, category="claim_denial")], Urgency.HIGH),
        ("regulated", [a_proposal(regulated="credit_decision")], Urgency.HIGH),
        ("over_limit", [a_proposal(over_limit=True)], Urgency.MEDIUM),
        ("digit_zero", [DigitPressed("0")], Urgency.MEDIUM),
        ("silences", [CallerSilent(1, 5), CallerSilent(2, 5)], Urgency.LOW),
        (
            "no_matches",
            [a_turn(n, f"mumble {n}", dialogue=DialogueFacts(no_match=True)) for n in (1, 2)],
            Urgency.MEDIUM,
        ),
        (
            "irreversible_failed",
            [ActionFinished("a", "transfer", Effect.IRREVERSIBLE, False, "timed out")],
            Urgency.HIGH,
        ),
        ("component_failed", [ComponentFailed("recognizer", "gone")], Urgency.HIGH),
        ("second_opinion", [SecondOpinion(1, "this is a complaint")], Urgency.MEDIUM),
        ("harmful_content", [ContentFlagged("caller", "a threat")], Urgency.HIGH),
    ],
)
def test_hard_triggers_bring_a_person_at_once(
    code: str, events: list[Any], urgency: Urgency
) -> None:
    call = Call()
    decision = call.decision(*events)
    assert decision.hand_off
    assert decision.kind is DecisionKind.HARD
    assert codes(decision)[0] == code
    assert decision.urgency is urgency
    assert call.engine.state is State.WAITING


@pytest.mark.parametrize(
    ("code", "event"),
    [
        ("explicit_request", a_turn(1, dialogue=PERSON)),
        ("emergency", a_turn(1, dialogue=DialogueFacts(emergency=True))),
        ("regulated", a_proposal(regulated="credit_decision")),
        ("over_limit", a_proposal(over_limit=True)),
        ("digit_zero", DigitPressed("0")),
        ("component_failed", ComponentFailed("agent", "gone")),
        ("second_opinion", SecondOpinion(1, "this is a complaint")),
        ("harmful_content", ContentFlagged("caller", "a threat")),
    ],
)
def test_a_trigger_that_is_off_does_nothing(code: str, event: Any) -> None:
    call = Call(triggers={code: {"enabled": False}})
    call.send(event)
    assert call.engine.state is State.AI


def test_a_trigger_says_what_was_found() -> None:
    decision = Call().decision(ContentFlagged("caller", "a threat"))
    assert decision.reasons[0].words == "something was said that must not pass: a threat"


def test_a_busy_floor_and_a_spent_budget_make_a_handoff_worth_less_but_stop_no_hard_trigger() -> (
    None
):
    calm, busy = Call(), Call()
    busy.send(FloorReported(expected_wait=120.0, price=3.0))
    turns = [a_bad_turn(n) for n in (1, 2)]
    assert busy.decision(*turns).value < calm.decision(*turns).value - 3.0
    assert busy.decision(DigitPressed("0")).hand_off


def test_two_in_a_row_means_in_a_row() -> None:
    lost = DialogueFacts(no_match=True)
    call = Call(hysteresis={"high": 100, "low": 100})
    call.send(a_turn(1, dialogue=lost), a_turn(2), a_turn(3, dialogue=lost), CallerSilent(4, 5))
    call.send(a_turn(5), CallerSilent(6, 5))
    assert call.engine.state is State.AI


def test_a_failing_tool_is_a_soft_signal() -> None:
    call = Call()
    decision = call.decision(ComponentFailed("tool", "bank offline"), a_turn(1))
    assert not decision.hand_off
    assert codes(decision) == ["tool_errors"]


def test_nobody_there_the_caller_insists_and_is_told_and_later_asked_again() -> None:
    call = Call()
    call.send(a_turn(1, dialogue=PERSON), NobodyAvailable(0))
    assert call.engine.safe_mode
    commands = call.send(a_turn(2, dialogue=PERSON))
    assert [type(c) for c in commands] == [KeepDecision, Tell]
    assert commands[1].notice is Notice.NOBODY
    assert not commands[0].decision.hand_off
    assert codes(commands[0].decision)[0] == "explicit_request"
    call.now += 30
    assert call.decision(a_turn(3, dialogue=PERSON)).hand_off


def test_the_soft_rule_asks_again_only_after_three_calm_turns() -> None:
    call = Call()
    handed = []
    bad, good = a_bad_turn, a_turn
    for turn, make in enumerate([*[bad] * 3, *[good] * 2, bad, *[good] * 9, *[bad] * 2], 1):
        commands = call.send(make(turn, f"alpha{turn} beta{turn}"), after=400)
        if any(isinstance(c, RequestOperator) for c in commands):
            handed.append(turn)
            taken = OperatorAssigned("ann", "Ann", len(handed))
            call.send(taken, BridgeUp("ann"), HandedBack("ann"))
    assert len(handed) == 2
    assert handed[0] <= 2, "bad turns"
    assert handed[1] >= 16, "not at turn 6, after two calm turns only"


def test_a_draining_server_asks_for_a_person_in_an_emergency_alone() -> None:
    call = Call()
    call.send(ServerDraining())
    commands = call.send(a_turn(1, "a person please", dialogue=PERSON))
    assert commands[1:] == [Tell("call-1", Notice.NOBODY)]
    assert not commands[0].decision.hand_off
    commands = call.send(a_turn(2, "fire", dialogue=DialogueFacts(emergency=True)))
    assert commands[0].decision.hand_off
    assert isinstance(commands[-1], RequestOperator)


@pytest.mark.parametrize("rule", ["value", "simple"])
def test_a_wish_that_could_not_be_followed_is_not_forgotten(rule: str) -> None:
    call = Call(rule=rule, hysteresis={"calm_turns": 1}, waiting={"backoff": 60})
    call.send(a_turn(1, dialogue=PERSON), NobodyAvailable(0))
    call.send(a_turn(2), a_turn(3))
    early = [call.decision(a_bad_turn(turn)) for turn in (4, 5)]
    assert early[-1].value > 0, "but it is too early to ask"
    assert not any(decision.hand_off for decision in early)
    assert call.decision(a_bad_turn(6), a_bad_turn(7)).hand_off is False
    call.now += 40.0
    assert call.decision(a_bad_turn(8)).hand_off


def upset(turn: int) -> CallerSpoke:
    """A turn that is worth a handoff by itself."""
    return a_bad_turn(turn, f"alpha{turn} beta{turn}")


def test_after_a_hand_back_the_soft_rule_waits_for_calm() -> None:
    call = Call(waiting={"backoff": 0})
    call.send(a_turn(1, dialogue=PERSON), ANN, BridgeUp("ann"), HandedBack("ann"))
    for turn in range(2, 6):
        decision = call.decision(upset(turn))
        assert not decision.hand_off
    assert decision.value > Policy().hysteresis.high


@pytest.mark.parametrize("reason", ["nobody", "draining", "callback", "cleared"])
def test_where_nobody_came_the_soft_rule_asks_again_after_the_backoff(reason: str) -> None:
    call = Call()
    assert call.decision(upset(1)).hand_off
    call.send(NobodyAvailable(0, reason=reason))
    early = call.decision(upset(2))
    assert early.value > Policy().hysteresis.high
    assert not early.hand_off, "too early"
    call.now += 20.0
    assert call.decision(upset(3)).hand_off


@pytest.mark.parametrize(
    "events",
    [[DeadlinePassed()], [ANN, HandedBack("ann")]],
    ids=["waited too long", "declined after accepting"],
)
def test_whatever_ends_a_request_without_a_person_arms_the_soft_rule(events: list[Any]) -> None:
    call = Call(waiting={"limit": 5, "bridge": 60})
    assert call.decision(upset(1)).hand_off
    call.send(*events)
    assert call.engine.answering
    assert call.engine.snapshot().armed


def test_a_decline_after_accepting_leaves_an_emergency_one() -> None:
    call = Call()
    call.send(a_turn(1, "fire", dialogue=DialogueFacts(emergency=True)), ANN, HandedBack("ann"))
    again = call.send(DigitPressed("0"), after=60.0)[-1]
    assert again.decision.urgency is Urgency.CRITICAL
    assert call.engine.brief() is not None
    assert call.send(CallerHungUp())[-1].outcome == "abandoned"


# What happens between two turns and calls for a person, and what it is called.
BETWEEN = [
    ("regulated", a_proposal(regulated="credit_decision")),
    ("irreversible_failed", ActionFinished("a", "pay", Effect.IRREVERSIBLE, False, "timed out")),
    ("component_failed", ComponentFailed("recognizer", "gone")),
    ("second_opinion", SecondOpinion(1, "this is a complaint")),
    ("harmful_content", ContentFlagged("caller", "a threat")),
    ("digit_zero", DigitPressed("0")),
]


def refused(*events: Any, **policy: Any) -> Call:
    """A call for which nobody came, told of more at once: too early to ask again."""
    call = Call(**policy)
    call.send(a_turn(1, dialogue=PERSON), NobodyAvailable(0))
    call.send(*events, after=1.0)
    return call


@pytest.mark.parametrize(("code", "event"), BETWEEN)
def test_what_comes_while_nobody_may_be_asked_is_kept_and_asked_for_with_a_later_turn(
    code: str, event: Any
) -> None:
    call = refused()
    kept = [c for c in call.send(event) if isinstance(c, KeepDecision)]
    assert [(codes(c.decision)[0], c.decision.hand_off) for c in kept] == [(code, False)]
    assert call.engine.next_deadline() is None
    assert not call.decision(a_turn(2)).hand_off, "too early"
    commands = call.send(a_turn(3), after=20.0)
    assert [type(c) for c in commands] == [KeepDecision, HoldAgent, Tell, RequestOperator]
    assert codes(commands[-1].decision)[0] == code
    call.send(NobodyAvailable(0))
    assert not call.decision(a_turn(4), CallerSilent(5, 5.0)).hand_off, "it has been asked for"


def test_a_wish_for_a_person_is_asked_for_later_too_but_not_what_the_next_turn_mends() -> None:
    lost = DialogueFacts(no_match=True)
    call = refused(*(a_turn(turn, f"mumble {turn}", dialogue=lost) for turn in (2, 3)))
    assert not call.decision(a_turn(4)).hand_off
    call.now += 60.0
    assert not call.decision(a_turn(5)).hand_off
    call = refused(a_turn(2, dialogue=PERSON))
    call.now += 60.0
    assert codes(call.decision(CallerSilent(3, 5.0)))[0] == "explicit_request"


OVER = a_proposal("pay", action_id="pay", over_limit=True, regulated="credit_decision")
PAID = ActionFinished("pay", "pay", Effect.IRREVERSIBLE, True, "paid")


@pytest.mark.parametrize("end", [ActionRefused("pay"), PAID])
def test_what_an_action_needed_a_person_for_is_not_asked_for_once_the_action_is_over(
    end: Any,
) -> None:
    call = refused(OVER, end)
    call.now += 60.0
    assert not call.decision(a_turn(2)).hand_off


@pytest.mark.parametrize(
    "others",
    [
        [ActionRefused("another")],
        [replace(PAID, ok=False, effect=Effect.REVERSIBLE)],
        [a_turn(2, category="medical_advice"), OVER, PAID],
        [OVER, a_turn(2, category="medical_advice"), PAID],
        [DigitPressed("0"), ActionRefused("pay")],
    ],
    ids=["another", "failed", "asked before", "asked after", "another reason"],
)
def test_what_is_not_over_with_an_action_is_asked_for(others: list[Any]) -> None:
    call = refused(OVER, *others)
    call.now += 60.0
    assert call.decision(a_turn(3)).hand_off


def test_what_is_kept_goes_with_the_next_request_the_most_urgent_first() -> None:
    threat = ContentFlagged("caller", "a threat")
    call = refused(DigitPressed("0"), threat, threat)
    fire = a_turn(2, "fire", dialogue=DialogueFacts(emergency=True))
    assert codes(call.send(fire)[-1].decision) == ["emergency", "harmful_content", "digit_zero"]
    call = refused(DigitPressed("0"), threat)
    call.now += 60.0
    assert codes(call.decision(a_turn(2)))[:2] == ["harmful_content", "digit_zero"]


def test_what_is_kept_is_gone_after_a_hand_back() -> None:
    call = refused(ContentFlagged("caller", "a threat"), ANN, BridgeUp("ann"), HandedBack("ann"))
    call.now += 60.0
    assert not call.decision(a_turn(2)).hand_off


def test_what_a_draining_server_or_one_asked_too_often_cannot_do_is_not_asked_for() -> None:
    for before in ([ServerDraining()], [DigitPressed("0"), NobodyAvailable(0)]):
        call = Call(waiting={"max_requests": 1, "drain": 1000})
        call.send(*before, ContentFlagged("caller", "a threat"))
        call.now += 600.0
        assert not call.decision(a_turn(1)).hand_off


@pytest.mark.parametrize(("code", "event"), BETWEEN)
def test_what_comes_while_waiting_is_in_a_newer_request(code: str, event: Any) -> None:
    call = Call()
    call.send(CallerSilent(1, 5), CallerSilent(2, 5))
    commands = call.send(event)
    assert [type(c) for c in commands] == [KeepDecision, RequestOperator]
    assert codes(commands[1].decision)[:2] == [code, "silences"]
    assert commands[1].brief.reasons[0].code == code
    assert commands[1].decision.urgency is not Urgency.LOW
    assert call.send(event) == [], "nothing new"


def test_what_weighs_less_does_not_make_a_request_less_urgent() -> None:
    call = Call()
    call.send(a_turn(1, "fire", dialogue=DialogueFacts(emergency=True)))
    commands = call.send(DigitPressed("0"))
    assert commands[-1].decision.urgency is Urgency.CRITICAL
    assert codes(commands[-1].decision)[:2] == ["emergency", "digit_zero"]


def test_a_takeover_whose_operator_is_lost_goes_to_another() -> None:
    call = Call()
    call.send(a_turn(1), TakeoverAsked("ann"), ANN, BridgeUp("ann"))
    commands = call.send(OperatorLost("ann"))
    (request,) = [c for c in commands if isinstance(c, RequestOperator)]
    assert request.skip == ("ann",)
    assert codes(request.decision) == ["takeover"]
    assert request.decision.urgency is Urgency.HIGH


def test_an_emergency_while_waiting_rings_louder() -> None:
    call = Call()
    call.send(a_turn(1, dialogue=PERSON))
    commands = call.send(
        a_turn(2, "they are emptying my account", dialogue=DialogueFacts(emergency=True))
    )
    assert [type(c) for c in commands] == [KeepDecision, RequestOperator]
    assert commands[1].decision.urgency is Urgency.CRITICAL
    assert commands[1].brief.exchanges[-1].text == "they are emptying my account"
    assert call.send(NobodyAvailable(1, request=1)) == [], (
        "the answer to the first request is stale"
    )


@pytest.mark.parametrize("bridged", [False, True])
def test_an_emergency_told_to_an_operator_who_gets_lost_stays_one(bridged: bool) -> None:
    call = Call()
    call.send(DigitPressed("0"), ANN, *([BridgeUp("ann")] if bridged else []))
    fire = a_turn(2, "there is a fire", dialogue=DialogueFacts(emergency=True))
    assert [type(c) for c in call.send(fire)] == [KeepDecision]
    assert call.send(replace(fire, turn=3, text="hurry")) == []
    commands = call.send(OperatorLost("ann"))
    (request,) = [c for c in commands if isinstance(c, RequestOperator)]
    assert request.decision.urgency is Urgency.CRITICAL
    assert request.category == "emergency"


def test_an_emergency_is_not_over_until_a_person_has_sorted_it_out() -> None:
    call = Call()
    call.send(a_turn(1, "fire", dialogue=DialogueFacts(emergency=True)), NobodyAvailable(0))
    again = call.send(DigitPressed("0"), after=60.0)[-1]
    assert again.decision.urgency is Urgency.CRITICAL
    assert codes(again.decision)[:2] == ["emergency", "digit_zero"]
    call.send(ANN, BridgeUp("ann"), HandedBack("ann"))
    assert call.send(DigitPressed("0"))[-1].decision.urgency is Urgency.MEDIUM


def test_an_emergency_that_is_switched_off_is_none_with_an_operator_either() -> None:
    call = Call(triggers={"emergency": {"enabled": False}})
    call.send(DigitPressed("0"), ANN)
    assert call.send(a_turn(2, "fire", dialogue=DialogueFacts(emergency=True))) == []


def test_what_the_caller_says_while_waiting_is_in_the_brief_that_follows() -> None:
    call = Call()
    call.send(a_turn(1, dialogue=PERSON), a_turn(2, "it is about the blue card"))
    call.send(ANN, BridgeUp("ann"))
    commands = call.send(a_turn(3, "hello?"))
    assert commands == []


def test_an_operator_takes_over_a_call_that_was_not_offered() -> None:
    call = Call()
    call.send(a_turn(1), TakeoverAsked("ann"))
    commands = call.send(ANN)
    assert isinstance(commands[0], KeepDecision)
    assert codes(commands[0].decision) == ["takeover"]
    assert call.engine.state is State.BRIDGING


def test_a_takeover_is_one_with_an_emergency_under_way_too() -> None:
    call = Call()
    call.send(a_turn(1, "fire", dialogue=DialogueFacts(emergency=True)), NobodyAvailable(0))
    decision = call.decision(ANN)
    assert decision.kind is DecisionKind.TAKEN_OVER
    assert codes(decision)[:2] == ["emergency", "takeover"]
    assert decision.urgency is Urgency.CRITICAL


def test_what_waits_for_a_person_is_told_to_who_takes_over_and_to_nobody_again() -> None:
    threat = ContentFlagged("caller", "a threat")
    call = refused(threat)
    assert codes(call.decision(ANN)) == ["harmful_content", "takeover"]
    request = call.send(OperatorLost("ann"))[-1]
    assert request.category == "abuse"
    assert request.decision.kind is DecisionKind.TAKEN_OVER
    assert call.send(threat) == [], "they know"
    assert codes(call.send(DigitPressed("0"))[-1].decision)[:2] == ["harmful_content", "digit_zero"]
    call.send(NobodyAvailable(0), after=60)
    call.now += 600.0
    assert not call.decision(a_turn(2, "where is my card")).hand_off, "it has been asked for"


def test_a_takeover_is_followed_by_calm_turns_before_the_soft_rule_asks() -> None:
    call = Call(waiting={"backoff": 0})
    call.send(ANN, BridgeUp("ann"))
    assert not call.engine.snapshot().armed


def test_an_abusive_call_stays_one_whatever_else_comes_up() -> None:
    call = Call()
    first, *more = [event for _, event in BETWEEN if not isinstance(event, ContentFlagged)]
    requests = [
        command
        for event in (ContentFlagged("caller", "a threat"), first, *more)
        for command in call.send(event)
        if isinstance(command, RequestOperator)
    ]
    assert len(requests) == len(BETWEEN)
    assert {request.category for request in requests} == {"abuse"}
    assert "harmful_content" in codes(requests[-1].decision), "the oldest of equals"
    call = Call()
    call.send(*(event for _, event in BETWEEN[:3]), ContentFlagged("caller", "a threat"))
    request = call.send(ANN, OperatorLost("ann"))[-1]
    assert "harmful_content" not in codes(request.decision)
    assert request.category == "abuse"


def test_the_note_of_a_hand_back_that_comes_too_late_is_in_no_brief() -> None:
    call = Call()
    call.send(a_turn(1), ANN, BridgeUp("ann"), HandedBack("stranger", "call them back"))
    brief = call.engine.brief()
    assert brief is not None and brief.pending is None


def test_after_a_hand_back_the_past_no_longer_counts() -> None:
    call = Call()
    call.send(a_turn(1), a_bad_turn(2), a_bad_turn(3), ANN, BridgeUp("ann"))
    before = call.engine.snapshot().risk
    call.send(HandedBack("ann", "all sorted"))
    snapshot = call.engine.snapshot()
    assert snapshot.risk < before / 2
    assert snapshot.reasons == ()
    assert not call.send(a_turn(4))[0].decision.hand_off
    assert not call.engine.safe_mode


def test_parts_that_keep_breaking_with_nobody_there_end_the_call() -> None:
    call = Call(waiting={"max_failures": 2})
    call.send(ComponentFailed("agent", "timeout"), NobodyAvailable(0))
    commands = call.send(ComponentFailed("agent", "timeout"))
    assert commands[-1] == EndCall("call-1", "failed", "component_failed")
    assert any(isinstance(command, Tell) for command in commands)


def test_the_simple_rule_goes_by_raw_thresholds() -> None:
    for sure, margin, category, hand_off in (
        (0.91, 0.5, "general", False),
        (0.89, 0.5, "general", True),
        (0.94, 0.5, "financial", True),
        (0.96, 0.5, "financial", False),
        (0.96, 0.14, "general", True),
    ):
        call = Call(rule="simple")
        decision = call.decision(a_turn(1, sure=sure, margin=margin, category=category))
        assert decision.hand_off is hand_off
        same = Call().decision(a_turn(1, sure=sure, margin=margin, category=category))
        assert decision.value == same.value, "V, whatever the rule"


@pytest.mark.parametrize("marks", [{"low": 1.0, "high": 4.0}, {"low": -50.0, "high": -40.0}])
def test_the_marks_of_the_value_do_not_move_the_simple_rule(marks: dict[str, float]) -> None:
    call = Call(rule="simple", hysteresis=marks, waiting={"backoff": 0})
    assert not call.decision(a_turn(1, sure=0.95, margin=0.5)).hand_off
    assert call.decision(a_turn(2, sure=0.8, margin=0.5)).hand_off
    call.send(ANN, BridgeUp("ann"), HandedBack("ann"))
    unsure = [call.decision(a_turn(turn, sure=0.8, margin=0.5)) for turn in range(3, 9)]
    assert not any(decision.hand_off for decision in unsure), "only after calm turns"
    for turn in (9, 10, 11):
        call.send(a_turn(turn, sure=0.95, margin=0.5))
    assert call.decision(a_turn(12, sure=0.8, margin=0.5)).hand_off


def test_a_call_tells_which_marks_its_risk_is_held_to() -> None:
    marks = {"low": 0.5, "high": 3.0, "low_turns": 4}
    call = Call(hysteresis=marks, costs={"fail": 6, "err": 4})
    call.send(a_turn(1))
    seen = call.engine.snapshot()
    assert seen.marks is not None
    assert seen.marks.high - seen.marks.low == pytest.approx(2.5 / (6 + 4))
    assert (seen.low_turns, seen.armed) == (4, True)
    call.send(FloorReported(600.0, 0.0))
    call.send(a_turn(2))
    dearer = call.engine.snapshot().marks
    assert dearer is not None and dearer.low > seen.marks.low, "a long queue makes it cost more"


def test_the_marks_do_not_count_from_a_handoff_until_the_call_is_calm() -> None:
    call = Call()
    call.send(a_turn(1), DigitPressed("0"))
    assert not call.engine.snapshot().armed


def test_the_simple_rule_holds_risk_to_nothing() -> None:
    call = Call(rule="simple")
    call.send(a_turn(1))
    assert call.engine.snapshot().marks is None


def test_whoever_takes_a_call_is_told_what_it_is_about() -> None:
    call = Call()
    call.send(a_turn(1))
    assert call.engine.brief() is None, "nobody is wanted yet"
    call.send(ANN)
    taken = call.engine.brief()
    assert taken is not None
    assert taken.reasons[0].code == "takeover"
    assert taken.exchanges[-1].role == "caller"
    asked = Call()
    *_, request = asked.send(a_turn(1), DigitPressed("0"))
    asked.send(ANN)
    assert asked.engine.brief() == request.brief, "why the person was asked, not that they came"
    asked.send(OperatorLost("ann"), OperatorAssigned("bob", "Bob", 2))
    colleague = asked.engine.brief()
    assert colleague is not None
    assert colleague.reasons == request.brief.reasons


def test_a_call_that_is_over_takes_nothing_in() -> None:
    call = Call()
    call.send(a_turn(1), CallerHungUp())
    before = call.engine.snapshot()
    assert call.send(a_bad_turn(2), DigitPressed("0"), AgentSpoke(1, "x", "answer")) == []
    assert call.engine.snapshot() == before
    assert before.outcome == "abandoned"
    assert call.engine.next_deadline() is None


def test_events_of_another_call_and_strangers_are_errors() -> None:
    call = Call()
    assert call.send(a_call()) == []
    with pytest.raises(ProtocolError, match="was told of call-2"):
        call.send(a_call("call-2"))
    with pytest.raises(ProtocolError):
        call.send("hello")


def test_raw_signals_are_logged_by_name() -> None:
    call = Call()
    assert call.engine.raw_signals == {}
    call.send(AgentSpoke(0, "Hi", "answer"), StageTimed(0, "reply", 100, 50), a_turn(1, heard=0.4))
    raw = call.engine.raw_signals
    assert raw["speech.confidence"] == 0.4
    assert raw["latency.worst"] == 2.0
    assert raw["dialogue.turns"] == 1.0
    assert all(isinstance(value, float) for value in raw.values())


turns = st.builds(
    a_turn,
    turn=st.just(1),
    text=st.text(max_size=60),
    heard=st.floats(0, 1),
    intent=st.sampled_from([None, "balance", "card"]),
    sure=st.floats(0, 1),
    margin=st.floats(0, 1),
    category=st.sampled_from(["general", "financial", "claim_denial"]),
    dialogue=st.builds(
        DialogueFacts,
        no_match=st.booleans(),
        repeat=st.booleans(),
        negation=st.booleans(),
        stuck_slot=st.integers(0, 9),
        wants_person=st.floats(0, 1),
        frustration=st.floats(0, 1),
        emergency=st.booleans(),
        interruptions=st.integers(0, 9),
    ),
)
others = st.sampled_from(
    [
        CallerSilent(1, 4.0),
        DigitPressed("0"),
        DigitPressed("7"),
        AgentSpoke(1, "Sorry", "apology"),
        StageTimed(1, "reply", 500, 50),
        ComponentFailed("tool", "x"),
        ActionFinished("a", "x", Effect.READ, False, "no"),
        NobodyAvailable(1),
        ANN,
        BridgeUp("ann"),
        HandedBack("ann"),
        FloorReported(40.0, 0.5),
        SecondOpinion(1, "no"),
        ContentFlagged("agent", "a secret"),
    ]
)


@given(st.lists(turns | others, max_size=25), st.sampled_from(["value", "simple"]))
def test_whatever_happens_decisions_are_sane_and_repeatable(events: list[Any], rule: str) -> None:
    runs = []
    for _ in range(2):
        call = Call(rule=rule)
        commands = call.send(*events)
        runs.append(commands)
        for command in commands:
            if isinstance(command, KeepDecision):
                decision = command.decision
                for value in (
                    decision.confidence,
                    decision.risk,
                    decision.breakdown,
                    decision.error,
                ):
                    assert 0 <= value <= 1
                assert len(decision.reasons) <= 3
        resumed = [c for c in commands if isinstance(c, ResumeAgent)]
        held = [c for c in commands if isinstance(c, HoldAgent)]
        assert len(held) - len(resumed) in (0, 1)
    assert runs[0] == runs[1]


def test_memory_does_not_grow_with_the_call() -> None:
    call = Call(hysteresis={"high": 1e6, "low": 1e6})

    def run(count: int) -> None:
        for turn in range(count):
            call.send(
                a_turn(turn + 1, f"turn number {turn} about something"),
                AgentSpoke(turn + 1, "An answer.", "answer"),
            )

    tracemalloc.start()
    run(REMEMBERED + 500)  # what is remembered of the words is full by then
    gc.collect()
    small = tracemalloc.get_traced_memory()[0]
    run(3000)
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - small
    tracemalloc.stop()
    assert grown < 16_000  # bytes


def overseen(call: Call, **changes: Any) -> tuple[Mode, tuple[str, ...]] | None:
    """How an action is overseen that this call now proposes, and why."""
    action = replace(a_proposal(), **changes)
    verdict = call.engine.oversee(Proposal.of(action, "call-1", "move money"))
    return None if verdict is None else (verdict.mode, verdict.reasons)


class TestOversee:
    def test_a_calm_call_may_do_everything_below_the_limit_alone(self) -> None:
        call = Call()
        call.send(a_turn(1))
        for effect in Effect:
            call.send(replace(a_proposal(), effect=effect))
            assert overseen(call, effect=effect) == (Mode.OUT, ())

    @pytest.mark.parametrize(
        ("field", "code"), [({"over_limit": True}, "over_limit"), ({"regulated": "x"}, "regulated")]
    )
    @pytest.mark.parametrize("effect", list(Effect))
    def test_limits_need_a_person_whatever_the_trigger_says(
        self, field: dict[str, Any], code: str, effect: Effect
    ) -> None:
        call = Call(triggers={code: {"enabled": False}})
        call.send(replace(a_proposal(effect=effect), **field))
        assert overseen(call, effect=effect, **field) == (Mode.IN, (code,))

    def test_in_safe_mode_what_cannot_be_undone_needs_a_person(self) -> None:
        call = Call()
        call.send(a_turn(1, dialogue=PERSON), NobodyAvailable(0))
        assert overseen(call) == (Mode.IN, ("safe_mode",))
        assert overseen(call, effect=Effect.REVERSIBLE) == (Mode.OUT, ())

    def test_in_an_uncertain_call_what_cannot_be_undone_needs_a_person(self) -> None:
        call = Call(hysteresis={"high": 1000, "low": 1000}, thresholds={"irreversible_risk": 0.2})
        call.send(a_bad_turn(1), a_bad_turn(2, "or maybe the second"))
        assert overseen(call) == (Mode.IN, ("call_risk",))
        assert overseen(call, effect=Effect.REVERSIBLE) == (Mode.OUT, ())

    def test_while_a_person_is_called_the_ai_does_nothing(self) -> None:
        call = Call()
        call.send(DigitPressed("0"))
        assert overseen(call, effect=Effect.READ) is None

    def test_a_refused_action_that_was_not_done_is_no_failure(self) -> None:
        call = Call()
        call.send(a_turn(1), a_proposal(), ActionRefused("action-1"))
        call.send(ActionFinished("action-1", "transfer", Effect.IRREVERSIBLE, False, "not allowed"))
        assert call.engine.state is State.AI

    def test_nobody_counts_what_was_refused_as_a_failure(self) -> None:
        asked, refused = Call(), Call()
        others = [a_proposal(action_id=f"n{number}") for number in range(3)]
        for call, more in ((asked, []), (refused, [ActionRefused("n0")])):
            call.send(a_turn(1), *others, *more)
        for number in (1, 2):
            refused.send(ActionRefused(f"n{number}"))  # only the last one was remembered
        for other in others:
            failed = ActionFinished(other.action_id, other.name, other.effect, False, "not allowed")
            assert refused.send(failed) == []
        action = a_proposal(action_id="last")
        for call in (asked, refused):
            call.send(action)
        assert refused.engine.doubts("last") == asked.engine.doubts("last")
        assert codes(refused.decision(a_turn(2))) == codes(asked.decision(a_turn(2)))
        assert refused.send(DigitPressed("0"))[-1].brief.tried == ()

    def test_the_oldest_of_many_refused_actions_is_forgotten(self) -> None:
        call = Call()
        call.send(*(ActionRefused(f"a{number}") for number in range(65)))
        ends = [ActionFinished(f"a{n}", "pay", Effect.IRREVERSIBLE, False, "no") for n in range(2)]
        assert call.send(ends[1]) == []
        assert call.decision(ends[0]).hand_off

    def test_the_same_id_proposed_anew_may_fail(self) -> None:
        call = Call()
        call.send(a_turn(1), a_proposal(), ActionRefused("action-1"), a_proposal())
        call.send(ActionFinished("action-1", "transfer", Effect.IRREVERSIBLE, False, "timed out"))
        assert call.engine.state is State.WAITING

    def test_how_an_action_came_about_raises_its_risk_and_is_said_in_words(self) -> None:
        agreed, pushed = Call(), Call()
        agreed.send(
            a_turn(1, "move fifty dollars to savings"),
            AgentSpoke(1, "Shall I move 50 dollars to savings?", "confirmation"),
            a_turn(2, "yes please"),
        )
        pushed.send(
            a_turn(1, "what can you do for me"),
            AgentSpoke(1, "I cannot do that.", "refusal"),
            a_turn(2, "no, you must, just do it"),
            ActionFinished("a0", "transfer", Effect.REVERSIBLE, False, "failed"),
        )
        action = a_proposal()
        for call in (agreed, pushed):
            call.send(action)
        calm, doubted = (
            c.engine.oversee(Proposal.of(action, "call-1", "move money")) for c in (agreed, pushed)
        )
        assert calm is not None
        assert doubted is not None
        assert calm.risk < doubted.risk
        assert pushed.engine.doubts(action.action_id)
        assert all(" " in words for words in pushed.engine.doubts(action.action_id))

    def test_the_risk_of_one_action_is_not_held_against_another(self) -> None:
        call = Call(triggers={"irreversible_failed": {"enabled": False}})
        call.send(a_turn(1, "what can you do for me"))
        look, pay = a_proposal("look_up", Effect.READ, action_id="r"), a_proposal(action_id="p")
        call.send(look)
        before = call.engine.oversee(Proposal.of(look, "call-1", "look it up"))
        call.send(AgentSpoke(1, "I cannot do that.", "refusal"), pay, replace(look, action_id="s"))
        other = Proposal.of(replace(look, action_id="s"), "call-1", "look it up")
        assert call.engine.doubts("p")
        assert call.engine.doubts("s") == ()
        assert call.engine.oversee(other) == before
        call.send(replace(look, action_id="p"))
        assert call.engine.doubts("p") == (), "the same name, another action"


def by_acts(*, high: float = 99.0) -> CallEngine:
    """An engine that knows the acts of calls in which being asked for the card number ends badly."""
    policy = Policy.from_mapping({"hysteresis": {"high": high, "low": high}}, "test")
    return CallEngine(a_call(), policy, 0.0, replace(SHIPPED, acts=acts_of_talks()))


def led_astray(engine: CallEngine, first: int = 1) -> list[Decision]:
    """The agent keeps asking for the card number; nothing else is wrong."""
    made = []
    for turn in range(first, first + 5):
        engine.handle(a_turn(turn, f"number {turn}", intent="address"), 10.0 * turn)
        asked = AgentSpoke(turn, "And the card number?", "question", "the card number")
        engine.handle(asked, 10.0 * turn + 4)
        made += [c.decision for c in engine.take_commands() if isinstance(c, KeepDecision)]
    return made


def test_acts_that_foretell_a_breakdown_bring_a_person() -> None:
    shipped = CallEngine(a_call(), Policy(), 0.0)
    assert not any(decision.hand_off for decision in led_astray(shipped))
    decisions = led_astray(by_acts(high=2.0))
    fired = next(decision for decision in decisions if decision.hand_off)
    assert fired.kind is DecisionKind.SOFT
    assert codes(fired)[0] == "acts"
    assert fired.reasons[0].words.startswith("calls like this one tended to break down: ")
    assert "card number" in fired.reasons[0].words or "address" in fired.reasons[0].words
    assert fired.reasons[0].weight < 10  # cost units, as every soft reason


def test_after_a_hand_back_acts_are_read_afresh() -> None:
    engine = by_acts()
    engine.handle(ANN, 1.0)
    engine.handle(BridgeUp("ann"), 2.0)
    engine.handle(HandedBack("ann"), 3.0)
    engine.take_commands()
    fresh = [decision.breakdown for decision in led_astray(engine)]
    engine.handle(OperatorAssigned("ann", "Ann", 2), 90.0)
    engine.handle(BridgeUp("ann"), 91.0)
    engine.handle(HandedBack("ann"), 92.0)
    engine.take_commands()
    again = [decision.breakdown for decision in led_astray(engine, first=11)]
    assert again == fresh
    assert fresh[-1] > fresh[0]
