from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from handoff.audit import AuditItem, AuditRecord, AuditState
from handoff.commands import DecisionKind
from handoff.labels import ApprovalAnswer, AuditAnswer, Disposition, of_approval, of_audit
from handoff.metrics import (
    CallFinished,
    Disposed,
    Handled,
    Judged,
    ProposalAnswered,
    QueueLeft,
    Reviewed,
)
from handoff.outcomes import (
    AiResumed,
    CallEnded,
    HandoffJudged,
    TakenOver,
    TurnDecided,
    TurnJudged,
)
from handoff.ports import CallRecord, DecisionRecord, HandoffRecord, MachineRecord
from handoff.review import Choice, ReviewRecord, ReviewState
from handoff.testing import a_decision
from voice_hitl.call import auditing, reviewing
from voice_hitl.call.counting import REMEMBERED, Counting

CALL = CallRecord("CA1", "+15550100", "banking", "en", 100.0)
HANDOFF = HandoffRecord("CA1", 0, 110.0, {"why": "asked"})
ITEM = AuditItem("au1", "decision", "CA1", 2, "automatic", "", 0.5, "told the balance")
AUDIT = AuditRecord(ITEM, AuditState.DONE, 0.1, 1, 0.5, auditor="ana", verdict="wrong")
REVIEW = ReviewRecord(
    "CA1:2", "CA1", 2, "?", "", 0.5, 0.1, ReviewState.CLOSED, Choice("balance"), Choice("transfer")
)


def audited(record: AuditRecord, machine: str = auditing.MACHINE) -> MachineRecord:
    return MachineRecord(
        machine, record.item.audit_id, 1.0, record.state.value, detail=record.as_dict()
    )


def reviewed(outcome: str, record: ReviewRecord = REVIEW) -> MachineRecord:
    done = replace(record, outcome=outcome)
    return MachineRecord(reviewing.MACHINE, done.review_id, 1.0, outcome, detail=done.as_dict())


def test_a_call_counts_once_when_it_has_ended() -> None:
    counting = Counting()
    assert counting.of(CALL) == []
    ended = replace(CALL, ended_at=160.0, outcome="automated")
    assert counting.of(ended) == [CallFinished("automated", 60.0), CallEnded("CA1", "automated")]
    assert counting.of(ended) == []
    assert counting.of(replace(ended, call_id="CA2", outcome="who knows")) == []


def test_who_is_answered_leaves_the_queue_and_the_ai_has_the_call_again_at_the_end() -> None:
    counting = Counting()
    assert counting.of(HANDOFF) == []
    answered = replace(HANDOFF, accepted_at=125.0)
    assert counting.of(answered) == [QueueLeft(15.0, answered=True)]
    assert counting.of(replace(answered, bridged_at=126.0)) == []
    assert counting.of(replace(answered, ended_at=150.0)) == [AiResumed("CA1")]
    assert counting.of(replace(answered, ended_at=150.0)) == []


def test_who_is_never_answered_leaves_the_queue_too() -> None:
    gone = replace(HANDOFF, ended_at=140.0, ended_why="caller_gone")
    assert Counting().of(gone) == [QueueLeft(30.0, answered=False), AiResumed("CA1")]


def test_a_call_that_is_taken_unasked_was_in_no_queue() -> None:
    taken = replace(HANDOFF, brief={}, accepted_at=110.0)
    assert Counting().of(taken) == [TakenOver("CA1")]


@pytest.mark.parametrize("kind", list(DecisionKind))
def test_a_decision_is_a_prediction(kind: DecisionKind) -> None:
    decision = replace(a_decision("CA1"), kind=kind)
    record = DecisionRecord.of(decision, seq=0, at=1.0, policy_version="")
    (told,) = Counting().of(record)
    assert told == TurnDecided(
        "CA1",
        decision.turn,
        decision.breakdown,
        decision.error,
        decision.hand_off,
        kind,
        tuple(reason.code for reason in decision.reasons),
    )


def test_of_a_disposition_the_first_word_counts() -> None:
    counting = Counting()
    said = Disposition("CA1", 0, 3, "too_late", "ana", 1.0)
    assert counting.of(said) == [Disposed("too_late"), HandoffJudged("CA1", "too_late")]
    assert counting.of(replace(said, verdict="not_needed")) == []
    other = replace(said, seq=1, verdict="premature")
    assert counting.of(other) == [Disposed("premature"), HandoffJudged("CA1", "premature")]


@pytest.mark.parametrize(
    ("answer", "overridden"),
    [("approve", False), ("approve_with_edits", True), ("reject", True), ("respond", True)],
)
def test_an_answered_approval_is_an_override_or_none(answer: Any, overridden: bool) -> None:
    counting = Counting()
    (label,) = of_approval(ApprovalAnswer("ap1", "CA1", 2, answer, "ana", 1.0))
    assert counting.of(label) == [ProposalAnswered(overridden), TurnJudged("CA1", 2, overridden)]
    assert counting.of(label) == []


def test_an_audit_counts_by_the_inverse_of_its_propensity_once() -> None:
    counting = Counting()
    assert counting.of(audited(replace(AUDIT, state=AuditState.SHOWN))) == []
    assert counting.of(audited(AUDIT, auditing.LAST)) == []
    assert counting.of(audited(AUDIT)) == [Judged("automatic", True, 0.1)]
    assert counting.of(audited(AUDIT)) == []
    (label,) = of_audit(AuditAnswer("au1", "CA1", 2, "wrong", "ana", 1.0, 0.1))
    assert counting.of(label) == [TurnJudged("CA1", 2, True)]


@pytest.mark.parametrize(
    "record",
    [
        replace(AUDIT, verdict="unsure"),
        replace(AUDIT, referred=True),
        replace(AUDIT, item=replace(ITEM, path="by pigeon")),
    ],
)
def test_an_audit_that_says_nothing_of_a_path_does_not_count(record: AuditRecord) -> None:
    assert Counting().of(audited(record)) == []


def test_a_review_pairs_two_blind_choices() -> None:
    assert Counting().of(reviewed("different")) == [Reviewed("balance", "transfer")]
    assert Counting().of(reviewed("equal")) == [Reviewed("balance", "balance")]
    same = replace(REVIEW, human=Choice("balance", text="but not like this"))
    ((pair),) = Counting().of(reviewed("different", same))
    assert isinstance(pair, Reviewed)
    assert pair.first != pair.second
    assert Counting().of(reviewed("lapsed")) == []
    assert Counting().of(reviewed("equal", replace(REVIEW, human=None))) == []
    counting = Counting()
    assert [len(counting.of(reviewed("equal"))) for _ in range(2)] == [1, 0]


@pytest.mark.parametrize(
    ("machine", "state"), [(auditing.MACHINE, "done"), (reviewing.MACHINE, "equal")]
)
def test_an_unreadable_record_is_logged_and_not_counted(machine: str, state: str) -> None:
    assert Counting().of(MachineRecord(machine, "x", 1.0, state, detail={"no": "record"})) == []


def test_an_operator_has_handled_a_call_when_the_wrap_up_is_over() -> None:
    counting = Counting()
    assert counting.presence("ana", "available", 0.0) == []
    assert counting.presence("ana", "in_call", 10.0) == []
    assert counting.presence("ana", "wrap_up", 70.0) == []
    assert counting.presence("bob", "available", 80.0) == []
    assert counting.presence("ana", "away", 90.0) == [Handled(80.0)]
    assert counting.presence("ana", "available", 95.0) == []


def test_what_was_counted_is_forgotten_in_the_end() -> None:
    counting = Counting()
    calls = [replace(CALL, call_id=f"CA{n}", ended_at=160.0, outcome="failed") for n in range(3)]
    for call in calls[:2]:
        counting.of(call)
    for number in range(REMEMBERED - 1):
        counting.of(Disposition("CA1", number, 1, "needed", "ana", 1.0))
    assert counting.of(calls[1]) == []
    assert len(counting.of(calls[0])) == 2
