from __future__ import annotations

from handoff.events import CallerHungUp, DeadlinePassed
from handoff.states import LIVE, Row, State, markdown, mermaid


def test_ended_is_the_only_state_that_is_not_live() -> None:
    assert set(State) - set(LIVE) == {State.ENDED}


def test_a_diagram_shows_changes_of_state_and_nothing_else() -> None:
    def action(_machine: object, _event: object, _now: float) -> State:
        return State.ENDED

    table = {
        (State.AI, CallerHungUp): Row(action, frozenset({State.ENDED}), "end"),
        (State.AI, DeadlinePassed): Row(action, frozenset({State.AI}), "stay"),
    }
    lines = mermaid(table).splitlines()
    assert lines[0] == "stateDiagram-v2"
    assert "    ai --> ended: CallerHungUp" in lines
    assert not any("DeadlinePassed" in line for line in lines)


def test_a_table_lists_what_live_states_do() -> None:
    def action(_machine: object, _event: object, _now: float) -> State:
        return State.ENDED

    row = Row(action, frozenset({State.ENDED}), "end it")
    lines = markdown({(state, CallerHungUp): row for state in LIVE}, [CallerHungUp]).splitlines()
    assert lines[0] == "| in state | `CallerHungUp` |"
    assert lines[2] == "| `ai` | end it |"
    assert len(lines) == 2 + len(LIVE)
