from __future__ import annotations

import pytest

from handoff.approvals import (
    APPROVAL_EVENTS,
    Answer,
    Answered,
    Approve,
    ApproveEdited,
    Reject,
    Respond,
)
from handoff.approvals.messages import audit_of
from handoff.events import CallOver, DeadlinePassed, ServerDraining


@pytest.mark.parametrize(
    ("answer", "action", "detail"),
    [
        (Approve(), "approve", {}),
        (ApproveEdited({"amount": "3"}), "approve_edited", {"amount": "3"}),
        (Reject("too much"), "reject", {"reason": "too much"}),
        (Respond("ask for the date"), "respond", {"text": "ask for the date"}),
    ],
)
def test_the_audit_log_says_what_was_answered_and_why_not(
    answer: Answer, action: str, detail: dict[str, str]
) -> None:
    event = Answered("p1", "ann", "abc", answer)
    line = audit_of(event, "c1", "late")
    assert (line.actor, line.action, line.detail) == ("ann", action, detail)
    assert (line.counted, line.why, line.digest) == (False, "late", "abc")
    assert audit_of(event, "c1").counted


def test_calls_floor_and_time_are_among_the_events() -> None:
    assert {CallOver, DeadlinePassed, ServerDraining} <= set(APPROVAL_EVENTS)
