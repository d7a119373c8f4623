"""Everything that can be done to one approval, through the gate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from handoff.approvals import (
    Acknowledge,
    Answer,
    Approve,
    ApproveEdited,
    Audit,
    CallTakenOver,
    CandidatesChanged,
    Execute,
    ExecutionFinished,
    FollowUp,
    Hide,
    Keep,
    Notice,
    Outcome,
    Permit,
    ProposalWithdrawn,
    RefuseAnswer,
    RefuseClaim,
    Reject,
    Respond,
    ReviewerLeft,
    Show,
    State,
    TellAgent,
    TellCaller,
    digest,
)
from handoff.events import CallOver, DeadlinePassed, ServerDraining
from handoff.oversight import Mode

if TYPE_CHECKING:
    from tests.unit.handoff.approvals.conftest import Driver

EDITED = {"card": "7788", "amount": "30"}


def kinds(commands: list[Any]) -> list[type]:
    return [type(command) for command in commands]


# --- who is asked -----------------------------------------------------------------------------


def test_one_reviewer_is_asked_and_the_caller_told(driver: Driver) -> None:
    assert kinds(driver.ask("ann", "bob")) == [Keep, TellCaller, Show]
    assert driver.the(TellCaller).notice is Notice.CHECKING
    show = driver.the(Show)
    assert (show.operator_id, show.second, show.record.risk) == ("ann", False, 60)


def test_on_the_loop_the_caller_need_not_wait(driver: Driver) -> None:
    assert kinds(driver.ask("ann", mode=Mode.ON)) == [Keep, Show]


def test_a_second_is_asked_at_half_time_and_either_may_answer(driver: Driver) -> None:
    driver.ask("ann", "bob", "cyd")
    assert kinds(driver.send(DeadlinePassed(), at=20.0)) == [Keep, Show]
    assert (driver.the(Show).operator_id, driver.the(Show).second) == ("bob", True)
    driver.answer("ann", Approve())
    assert driver.the(Acknowledge).operator_id == "ann"
    assert (driver.the(Hide).operator_id, driver.the(Hide).why) == ("bob", "approved")
    driver.answer("bob", Reject("no"))
    assert driver.the(RefuseAnswer).why == "answered"


def test_a_reviewer_who_leaves_is_replaced_by_the_next(driver: Driver) -> None:
    driver.ask("ann", "bob")
    assert kinds(driver.send(ReviewerLeft("ann"))) == [Hide, Show]
    assert driver.the(Show).operator_id == "bob"
    driver.answer("ann", Approve())
    assert driver.the(RefuseAnswer).why == "not_yours"


def test_with_nobody_left_anybody_may_answer(driver: Driver) -> None:
    driver.ask("ann")
    driver.send(ReviewerLeft("ann"))
    assert driver.gate.reviewers("p1") == ()
    driver.answer("zoe", Approve())
    assert driver.record.by == "zoe"


def test_whoever_comes_is_asked_when_nobody_was_there(driver: Driver) -> None:
    driver.ask()
    driver.send(CandidatesChanged("p1", ("bob", "bob", "cyd")))
    assert driver.the(Show).operator_id == "bob"
    driver.send(CandidatesChanged("p1", ("cyd",)))
    assert driver.gate.reviewers("p1") == ("bob",)  # who has it keeps it


def test_a_free_second_seat_is_filled_when_somebody_comes(driver: Driver) -> None:
    driver.ask("ann")
    assert kinds(driver.send(DeadlinePassed(), at=20.0)) == [Keep]
    driver.send(CandidatesChanged("p1", ("ann", "bob")))
    assert driver.the(Show).operator_id == "bob"


# --- answers ----------------------------------------------------------------------------------


def test_an_approval_is_kept_before_anything_else(driver: Driver) -> None:
    driver.ask("ann")
    assert kinds(driver.answer("ann", Approve())) == [Keep, Permit, Audit, Acknowledge]
    assert (driver.record.by, driver.record.decided_at) == ("ann", 1.0)
    assert driver.the(Permit).valid_until == 16.0
    assert driver.the(Audit).counted


def test_only_the_edited_arguments_can_be_executed(driver: Driver) -> None:
    driver.ask("ann")
    driver.answer("ann", ApproveEdited(EDITED))
    assert driver.the(Permit).arguments == EDITED
    driver.claim(wanted=digest("refund", {"card": "7788", "amount": "40"}))
    assert driver.the(RefuseClaim).why == "stale_digest"
    driver.claim(wanted=digest("refund", EDITED))
    assert driver.the(Execute).arguments == EDITED
    assert driver.record.proposal.arguments["amount"] == "40"  # what the AI wanted stays on record


@pytest.mark.parametrize(
    ("answer", "outcome", "words"),
    [
        (Reject("too much"), Outcome.REJECTED, "too much"),
        (Respond("ask"), Outcome.RESPONDED, "ask"),
    ],
)
def test_a_refusal_reaches_the_agent(
    driver: Driver, answer: Answer, outcome: Outcome, words: str
) -> None:
    driver.ask("ann")
    assert kinds(driver.answer("ann", answer)) == [Keep, TellAgent, Audit, Acknowledge]
    assert (driver.the(TellAgent).outcome, driver.the(TellAgent).words) == (outcome, words)
    driver.claim()
    assert driver.the(RefuseClaim).why == "not_approved"


@pytest.mark.parametrize(
    ("operator", "answer", "seen", "why"),
    [
        ("bob", Approve(), None, "not_yours"),
        ("ann", Approve(), digest("refund", EDITED), "stale_digest"),
        ("ann", Reject("no"), "", "stale_digest"),
        ("ann", ApproveEdited({"card": "7788"}), None, "bad_edit"),
        ("ann", ApproveEdited({**EDITED, "to": "me"}), None, "bad_edit"),
    ],
)
def test_an_answer_that_does_not_count_is_logged_and_leaves_it_open(
    driver: Driver, operator: str, answer: Answer, seen: str | None, why: str
) -> None:
    driver.ask("ann")
    assert kinds(driver.answer(operator, answer, seen=seen)) == [Audit, RefuseAnswer]
    assert (driver.the(Audit).why, driver.the(Audit).counted) == (why, False)
    assert (driver.the(RefuseAnswer).why, driver.state) == (why, State.OPEN)
    driver.answer("ann", Approve())
    assert driver.state is State.APPROVED


# --- the deadline -----------------------------------------------------------------------------


def test_in_the_loop_silence_is_a_no_with_a_follow_up(driver: Driver) -> None:
    driver.ask("ann")
    driver.send(DeadlinePassed(), at=40.0)
    assert kinds(driver.commands) == [Keep, Hide, TellAgent, TellCaller, FollowUp]
    assert driver.the(TellCaller).notice is Notice.NOT_DONE
    assert driver.record.outcome is Outcome.EXPIRED


def test_on_the_loop_silence_is_a_yes(driver: Driver) -> None:
    driver.ask("ann", mode=Mode.ON)
    driver.send(DeadlinePassed(), at=40.0)
    assert kinds(driver.commands) == [Keep, Hide, Permit]
    assert (driver.state, driver.record.by) == (State.APPROVED, "")
    driver.answer("ann", Reject("too late"))
    assert driver.the(RefuseAnswer).why == "late"
    driver.claim()
    driver.the(Execute)


def test_a_veto_in_time_stops_it(driver: Driver) -> None:
    driver.ask("ann", mode=Mode.ON)
    driver.answer("ann", Reject("no"), at=39.9)
    assert driver.record.outcome is Outcome.REJECTED


@pytest.mark.parametrize("came_at", [None, 20.5])
def test_silence_of_those_who_had_no_time_to_veto_is_a_no(
    driver: Driver, came_at: float | None
) -> None:
    driver.ask(mode=Mode.ON)
    driver.send(DeadlinePassed(), at=20.0)
    if came_at is not None:
        driver.send(CandidatesChanged("p1", ("ann",)), at=came_at)
    driver.send(DeadlinePassed(), at=40.0)
    assert driver.record.outcome is Outcome.EXPIRED


def test_an_approval_lapses(driver: Driver) -> None:
    driver.ask("ann")
    driver.answer("ann", Approve(), at=1.0)
    driver.claim(at=16.0)
    assert driver.the(RefuseClaim).why == "late"
    assert driver.record.outcome is Outcome.LAPSED
    assert driver.the(FollowUp).record.by == "ann"


# --- carrying it out --------------------------------------------------------------------------


def test_a_claim_is_kept_before_it_is_executed_and_counts_once(driver: Driver) -> None:
    driver.ask("ann")
    driver.claim()
    assert driver.the(RefuseClaim).why == "not_approved"
    driver.answer("ann", Approve())
    assert kinds(driver.claim()) == [Keep, Audit, Execute]
    assert driver.record.state is State.EXECUTING
    assert kinds(driver.claim()) == [Audit, RefuseClaim]
    assert driver.the(RefuseClaim).why == "claimed"


@pytest.mark.parametrize(
    ("ok", "outcome"),
    [(True, Outcome.EXECUTED), (False, Outcome.FAILED), (None, Outcome.UNKNOWN)],
)
def test_how_it_went_is_kept(driver: Driver, ok: bool | None, outcome: Outcome) -> None:
    driver.ask("ann")
    driver.answer("ann", Approve())
    driver.claim()
    driver.send(ExecutionFinished("p1", ok, "said so"))
    assert (driver.record.outcome, driver.record.words) == (outcome, "said so")
    assert len(driver.all(FollowUp)) == (ok is None)
    driver.claim()
    assert driver.the(RefuseClaim).why == "claimed"


def test_no_word_in_time_means_unknown(driver: Driver) -> None:
    driver.ask("ann")
    driver.answer("ann", Approve())
    driver.claim(at=3.0)
    driver.send(DeadlinePassed(), at=63.0)
    assert driver.record.outcome is Outcome.UNKNOWN
    assert driver.the(TellCaller).notice is Notice.UNSURE


def test_a_result_of_something_never_claimed_is_logged(driver: Driver) -> None:
    driver.ask("ann")
    driver.send(ExecutionFinished("p1", True))
    assert (driver.the(Audit).why, driver.state) == ("not_approved", State.OPEN)


# --- when the call moves on -------------------------------------------------------------------


@pytest.mark.parametrize("approved", [False, True])
@pytest.mark.parametrize(
    ("event", "outcome", "follow_up"),
    [
        (CallOver("c1"), Outcome.CALLER_GONE, True),
        (CallTakenOver("c1"), Outcome.TAKEN_OVER, False),
        (ProposalWithdrawn("p1"), Outcome.WITHDRAWN, False),
    ],
)
def test_before_it_is_claimed_the_call_can_take_it_back(
    driver: Driver, approved: bool, event: Any, outcome: Outcome, follow_up: bool
) -> None:
    driver.ask("ann")
    if approved:
        driver.answer("ann", Approve())
    driver.send(event)
    assert driver.record.outcome is outcome
    assert bool(driver.all(FollowUp)) is follow_up
    assert driver.all(TellCaller) == []
    driver.claim()
    assert driver.the(RefuseClaim).why == "over"
    driver.answer("ann", Approve())
    assert driver.the(RefuseAnswer).why == ("answered" if approved else "over")


@pytest.mark.parametrize("event", [CallOver("c1"), CallTakenOver("c1"), ProposalWithdrawn("p1")])
def test_what_is_under_way_is_let_finish(driver: Driver, event: Any) -> None:
    driver.ask("ann")
    driver.answer("ann", Approve())
    driver.claim()
    assert driver.send(event) == []
    driver.send(ExecutionFinished("p1", True))
    assert driver.record.outcome is Outcome.EXECUTED


def test_the_person_who_has_the_call_tells_the_caller(driver: Driver) -> None:
    driver.ask("ann")
    driver.answer("ann", Approve())
    driver.claim()
    driver.send(CallTakenOver("c1"))
    driver.send(ExecutionFinished("p1", None))
    assert driver.all(TellCaller) == []
    assert driver.the(FollowUp).record.outcome is Outcome.UNKNOWN


def test_a_failure_after_the_hang_up_is_followed_up(driver: Driver) -> None:
    driver.ask("ann")
    driver.answer("ann", Approve())
    driver.claim()
    driver.send(CallOver("c1"))
    driver.send(ExecutionFinished("p1", False, "no such card"))
    assert driver.the(FollowUp).record.outcome is Outcome.FAILED


def test_while_the_server_drains_silence_is_no_consent(driver: Driver) -> None:
    driver.ask("ann", mode=Mode.ON)
    assert kinds(driver.send(ServerDraining())) == [Keep]
    assert driver.send(ServerDraining()) == []
    driver.send(DeadlinePassed(), at=40.0)
    assert driver.record.outcome is Outcome.EXPIRED
