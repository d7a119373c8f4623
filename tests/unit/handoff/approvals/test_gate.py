from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from handoff.approvals import (
    Acknowledge,
    Answered,
    ApprovalAsked,
    Approve,
    Audit,
    CallTakenOver,
    Execute,
    ExecutionClaimed,
    ExecutionFinished,
    FollowUp,
    FollowUpDone,
    Gate,
    Keep,
    Notice,
    NotKept,
    Outcome,
    ProposalWithdrawn,
    RefuseAnswer,
    RefuseClaim,
    Reject,
    State,
    TellAgent,
    TellCaller,
)
from handoff.errors import ProtocolError
from handoff.events import CallOver, CallStarted, DeadlinePassed, Effect, ServerDraining
from handoff.oversight import Mode, Proposal, Verdict
from handoff.policy import Policy
from handoff.policy.approvals import ApprovalsPolicy

if TYPE_CHECKING:
    from tests.unit.handoff.approvals.conftest import Driver


def reopened(driver: Driver, *, at: float = 100.0) -> list[Any]:
    """Start again from what was kept; the clock goes on."""
    record = type(driver.record).from_dict(driver.record.as_dict())
    driver.gate = Gate.reopened(Policy(), [record], at)
    driver.now = at
    driver.commands = driver.gate.take_commands()
    return driver.commands


def test_timers_come_at_half_time_and_at_the_deadline(driver: Driver) -> None:
    driver.ask("ann")
    assert driver.gate.next_deadline() == 20.0
    driver.send(DeadlinePassed(), at=20.0)
    assert (driver.state, driver.gate.next_deadline()) == (State.ESCALATED, 40.0)
    driver.send(DeadlinePassed(), at=40.0)
    assert (driver.state, driver.gate.next_deadline()) == (State.CLOSED, None)


def test_an_event_that_comes_before_its_late_timer_finds_the_deadline_passed(
    driver: Driver,
) -> None:
    driver.ask("ann")
    driver.answer("ann", Approve(), at=40.0)
    assert driver.the(RefuseAnswer).why == "late"
    assert driver.record.outcome is Outcome.EXPIRED


def test_an_action_out_of_the_loop_is_not_for_the_gate(driver: Driver) -> None:
    with pytest.raises(ProtocolError, match="out of the loop"):
        driver.ask("ann", mode=Mode.OUT)


def test_an_event_of_somebody_else_is_an_error(driver: Driver) -> None:
    with pytest.raises(ProtocolError, match="does not know CallStarted"):
        driver.send(CallStarted("c1", "", "banking"))


def test_asking_twice_changes_nothing(driver: Driver) -> None:
    driver.ask("ann")
    driver.ask("bob", arguments={"card": "9999", "amount": "1"})
    (line,) = driver.commands
    assert isinstance(line, Audit)
    assert (line.action, line.why) == ("ask", "known")
    assert driver.gate.reviewers("p1") == ("ann",)
    assert driver.record.arguments["card"] == "7788"


def test_what_happens_to_the_agents_arguments_later_changes_nothing(driver: Driver) -> None:
    arguments = {"card": "7788", "amount": "40"}
    driver.ask("ann", arguments=arguments)
    arguments["amount"] = "4000"
    driver.answer("ann", Approve())
    driver.claim()
    assert driver.the(Execute).arguments == {"card": "7788", "amount": "40"}


def test_answers_and_claims_for_nothing_known_are_refused_and_logged(driver: Driver) -> None:
    driver.send(Answered("p9", "ann", "abc", Approve()))
    assert (driver.the(RefuseAnswer).why, driver.the(Audit).why) == ("unknown", "unknown")
    driver.send(ExecutionClaimed("p9", "abc"))
    assert (driver.the(RefuseClaim).why, driver.the(Audit).why) == ("unknown", "unknown")
    assert driver.send(ExecutionFinished("p9", True)) == []


def test_calls_are_told_apart(driver: Driver) -> None:
    driver.ask("ann")
    assert driver.send(CallOver("c2")) == []
    assert driver.send(CallTakenOver("c2")) == []
    driver.send(CallOver("c1"))
    assert driver.record.outcome is Outcome.CALLER_GONE


def test_a_draining_server_asks_nobody_new(driver: Driver) -> None:
    driver.send(ServerDraining())
    driver.ask("ann")
    assert driver.record.outcome is Outcome.DRAINING
    assert driver.the(TellCaller).notice is Notice.NOT_DONE
    assert driver.the(TellAgent).outcome is Outcome.DRAINING
    assert driver.the(FollowUp).approval_id == "p1"


def test_a_follow_up_waits_until_somebody_has_seen_to_it(driver: Driver) -> None:
    driver.ask()
    driver.send(DeadlinePassed(), at=40.0)
    assert [record.approval_id for record in driver.gate.follow_ups()] == ["p1"]
    driver.send(FollowUpDone("p1", "dee"))
    assert driver.the(Keep).record.followed_up_by == "dee"
    assert driver.gate.follow_ups() == ()
    assert driver.send(FollowUpDone("p1", "eve")) == []
    assert driver.record.followed_up_by == "dee"


def test_the_oldest_that_is_over_is_forgotten(make_driver: type[Driver]) -> None:
    driver = make_driver(Policy(approvals=ApprovalsPolicy(remember=2)))
    for number in range(5):
        driver.ask(approval_id=f"p{number}")
        driver.send(ProposalWithdrawn(f"p{number}"))
    known = [driver.gate.record(f"p{number}") is not None for number in range(5)]
    assert known == [False, False, False, True, True]


def test_what_nobody_has_followed_up_is_never_forgotten(make_driver: type[Driver]) -> None:
    driver = make_driver(Policy(approvals=ApprovalsPolicy(remember=2)))
    for number in range(5):
        driver.ask(approval_id=f"p{number}")
    driver.send(DeadlinePassed(), at=1000.0)
    assert [r.approval_id for r in driver.gate.follow_ups()] == [f"p{n}" for n in range(5)]
    for number in range(5):
        driver.send(FollowUpDone(f"p{number}", "ann"))
    assert driver.gate.follow_ups() == ()
    known = [driver.gate.record(f"p{number}") is not None for number in range(5)]
    assert known == [False, False, False, True, True]


# --- after a stop -----------------------------------------------------------------------------


def test_what_was_approved_and_not_claimed_is_left_to_a_person(driver: Driver) -> None:
    driver.ask("ann")
    driver.answer("ann", Approve())
    commands = reopened(driver)
    assert [type(command) for command in commands] == [Keep, TellAgent, FollowUp]
    assert (driver.record.outcome, driver.record.by) == (Outcome.INTERRUPTED, "ann")
    driver.claim()
    assert driver.the(RefuseClaim).why == "over"


def test_what_was_begun_is_not_done_again(driver: Driver) -> None:
    driver.ask("ann")
    driver.answer("ann", Approve())
    driver.claim()
    commands = reopened(driver)
    assert [type(command) for command in commands] == [Keep, TellAgent, FollowUp]
    assert driver.record.outcome is Outcome.UNKNOWN
    driver.claim()
    assert driver.the(RefuseClaim).why == "claimed"
    driver.send(ExecutionFinished("p1", True, "done after all"))
    assert driver.the(Audit).detail == {"ok": "True", "result": "done after all"}
    assert driver.record.outcome is Outcome.UNKNOWN


def test_what_is_open_can_still_be_answered(driver: Driver) -> None:
    driver.ask("ann")
    assert reopened(driver, at=30.0) == []
    driver.answer("bob", Approve())  # nobody has been asked in this life: anybody may
    assert driver.the(Acknowledge).operator_id == "bob"


def test_what_expired_meanwhile_expires_at_once(driver: Driver) -> None:
    driver.ask("ann")
    reopened(driver, at=100.0)
    assert driver.gate.next_deadline() == 20.0
    driver.send(DeadlinePassed())
    assert driver.record.outcome is Outcome.EXPIRED


@pytest.mark.parametrize("claimed", [False, True])
def test_what_could_not_be_kept_is_not_begun_and_a_person_sees_to_it(
    driver: Driver, claimed: bool
) -> None:
    driver.ask("ann")
    driver.answer("ann", Approve())
    if claimed:
        driver.claim()
    driver.send(NotKept("p1"))
    assert driver.record.outcome is Outcome.INTERRUPTED
    assert [type(command) for command in driver.commands] == [Keep, TellAgent, FollowUp]
    assert [type(command) for command in driver.claim()] == [Audit, RefuseClaim]


def test_before_an_answer_nothing_waits_for_the_store(driver: Driver) -> None:
    driver.ask("ann")
    assert driver.send(NotKept("p1")) == []
    assert driver.state is State.OPEN


def test_silence_over_a_restart_is_no_consent(driver: Driver) -> None:
    driver.ask("ann", mode=Mode.ON)
    reopened(driver, at=10.0)
    assert driver.the(Keep).record.silence_consents is False
    driver.send(DeadlinePassed(), at=40.0)
    assert driver.record.outcome is Outcome.EXPIRED


def test_damaged_arguments_are_not_put_to_anybody(driver: Driver) -> None:
    driver.ask("ann")
    values = driver.record.as_dict() | {"arguments": {"card": "7788", "amount": "4000"}}
    driver.gate = Gate.reopened(Policy(), [type(driver.record).from_dict(values)], 5.0)
    assert driver.record.outcome is Outcome.INTERRUPTED


def test_what_is_over_stays_so_and_its_follow_up_comes_again(driver: Driver) -> None:
    driver.ask("ann")
    driver.answer("ann", Reject("no"))
    assert reopened(driver) == []
    assert driver.record.outcome is Outcome.REJECTED
    other = type(driver)()
    other.ask()
    other.send(DeadlinePassed(), at=40.0)
    assert [type(command) for command in reopened(other)] == [FollowUp]


def test_of_one_approval_the_last_record_counts(driver: Driver) -> None:
    driver.ask("ann")
    first = driver.record
    driver.answer("ann", Reject("no"))
    gate = Gate.reopened(Policy(), [first, driver.record], 9.0)
    assert gate.live() == ()


def test_a_thousand_that_are_followed_up_leave_little_behind() -> None:
    gate = Gate(Policy(approvals=ApprovalsPolicy(remember=10)))
    proposal = Proposal("a", "c1", "refund", {}, Effect.REVERSIBLE, "refund")
    for number in range(1000):
        verdict = Verdict(Mode.IN, 10, 40.0)
        gate.handle(ApprovalAsked(f"p{number}", proposal, verdict), float(number))
        gate.take_commands()
    gate.handle(DeadlinePassed(), 5000.0)
    assert (len(gate.live()), len(gate.follow_ups())) == (0, 1000)
    for number in range(1000):
        gate.handle(FollowUpDone(f"p{number}", "ann"), 5000.0)
    gate.take_commands()
    assert (len(gate.live()), len(gate.follow_ups())) == (0, 0)
    assert sum(gate.record(f"p{number}") is not None for number in range(1000)) == 10
