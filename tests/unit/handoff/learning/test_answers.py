"""Answers are read from what the gate itself keeps."""

from __future__ import annotations

from typing import Any

import pytest

from handoff.approvals import (
    Answered,
    ApprovalAsked,
    ApprovalRecord,
    Approve,
    ApproveEdited,
    ExecutionClaimed,
    Gate,
    Reject,
    Respond,
    digest,
)
from handoff.events import CallOver, DeadlinePassed, Effect
from handoff.labels import of_approval
from handoff.learning import answer_of
from handoff.oversight import Mode, Proposal, Verdict
from handoff.policy import Policy

ARGUMENTS = {"card": "7788"}
SEEN = digest("refund", ARGUMENTS)


def after(*events: Any, mode: Mode = Mode.IN) -> ApprovalRecord:
    """The record once ann was asked and these have happened, a second apart."""
    gate = Gate(Policy())
    proposal = Proposal("a1", "c1", "refund", ARGUMENTS, Effect.IRREVERSIBLE, "refund")
    gate.handle(ApprovalAsked("p1", proposal, Verdict(mode, 60, 40.0), ("ann", "bob")), 0.0)
    for number, event in enumerate(events, start=1):
        gate.handle(event, 1000.0 if isinstance(event, DeadlinePassed) else float(number))
    record = gate.record("p1")
    assert record is not None
    return record


def said(answer: Any) -> Answered:
    return Answered("p1", "ann", SEEN, answer)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Approve(), "approve"),
        (ApproveEdited({"card": "1122"}), "approve_with_edits"),
        (Reject("wrong card"), "reject"),
        (Respond("ask which card"), "respond"),
    ],
)
@pytest.mark.parametrize("later", [[], [CallOver("c1")]])
def test_what_a_person_said_is_an_answer(answer: Any, expected: str, later: list[Any]) -> None:
    found = answer_of(after(said(answer), *later), turn=3, at=9.0)
    assert found is not None
    assert (found.answer, found.by, found.turn, found.at) == (expected, "ann", 3, 9.0)
    assert of_approval(found)


def test_what_became_of_an_approved_action_says_nothing_of_the_answer() -> None:
    executing = after(said(Approve()), ExecutionClaimed("p1", SEEN), DeadlinePassed())
    found = answer_of(executing, 3, 9.0)
    assert found is not None
    assert found.answer == "approve"


@pytest.mark.parametrize("mode", [Mode.IN, Mode.ON])
@pytest.mark.parametrize("event", [None, DeadlinePassed(), CallOver("c1")])
def test_time_and_events_are_nobodys_judgement(mode: Mode, event: Any) -> None:
    record = after(*([] if event is None else [event]), mode=mode)
    assert answer_of(record, 3, 9.0) is None


def test_a_veto_is_a_rejection() -> None:
    found = answer_of(after(said(Reject("no")), mode=Mode.ON), 3, 9.0)
    assert found is not None
    assert found.answer == "reject"
