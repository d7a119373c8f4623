from __future__ import annotations

from pathlib import Path

import pytest

from handoff.approvals import (
    APPROVAL_EVENTS,
    TABLE,
    CallTakenOver,
    ReviewerLeft,
    Row,
    State,
    diagram,
    markdown,
)
from handoff.approvals import table as table_module
from handoff.approvals.approval import Approval
from handoff.approvals.table import step
from handoff.errors import ProtocolError
from handoff.events import CallOver, DeadlinePassed, ServerDraining
from handoff.policy import Policy
from tests.unit.handoff.approvals.test_values import a_record

PAGE = Path(__file__).parents[4] / "docs" / "patterns" / "approval-gate.md"


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", APPROVAL_EVENTS)
def test_every_event_has_a_row_in_every_state(state: State, event: type) -> None:
    assert TABLE[state, event].words


def test_nothing_leaves_closed() -> None:
    assert {
        target
        for (state, _), row in TABLE.items()
        if state is State.CLOSED
        for target in row.targets
    } == {State.CLOSED}


def test_only_a_claim_leads_to_executing() -> None:
    ways = {
        (state.value, event.__name__)
        for (state, event), row in TABLE.items()
        if State.EXECUTING in row.targets and state is not State.EXECUTING
    }
    assert ways == {("approved", "ExecutionClaimed")}


@pytest.mark.parametrize("state", [State.OPEN, State.ESCALATED, State.APPROVED, State.EXECUTING])
def test_what_goes_wrong_has_a_row_of_its_own(state: State) -> None:
    events: list[type] = [CallOver, DeadlinePassed]
    if state in (State.OPEN, State.ESCALATED):
        events += [ReviewerLeft, ServerDraining, CallTakenOver]
    for event in events:
        assert TABLE[state, event].words != "no effect"


def test_an_action_that_breaks_its_rows_word_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Row(lambda approval, event, now: State.OPEN, frozenset((State.CLOSED,)), "wrong")
    monkeypatch.setattr(table_module, "TABLE", {(State.CLOSED, DeadlinePassed): wrong})
    with pytest.raises(ProtocolError, match="DeadlinePassed led to open"):
        step(Approval(Policy().approvals, a_record({})), DeadlinePassed(), 0.0)


def test_the_page_shows_the_diagram_and_the_rows_of_the_table() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert f"```mermaid\n{diagram()}\n```" in text, f"paste:\n{diagram()}"
    rows = markdown([CallOver, CallTakenOver, ReviewerLeft, ServerDraining, DeadlinePassed])
    assert rows in text, f"paste:\n{rows}"
