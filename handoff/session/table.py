"""What happens to every event in every state: total, so that no event can surprise a live call.

`docs/deciding.md` shows the diagram that `diagram()` draws from it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
from handoff.session.actions import Actions
from handoff.states import (
    LIVE,
    SESSION_EVENTS,
    CannotGoOn,
    HandOffDecided,
    Row,
    State,
    Table,
    mermaid,
)

Action = Callable[[Actions, Any, float], State]


def _row(action: Action, targets: State | tuple[State, ...], words: str) -> Row:
    return Row(action, frozenset((targets,) if isinstance(targets, State) else targets), words)


def _ignore(state: State, words: str) -> Row:
    return _row(Actions._nothing, state, words)


def _table() -> dict[tuple[State, type], Row]:
    ai, waiting, bridging, operator, ended = State
    table: dict[tuple[State, type], Row] = {
        (ai, HandOffDecided): _row(Actions._request, waiting, "hold the AI, tell the caller, ask"),
        (ai, CannotGoOn): _row(Actions._cannot_go_on, ended, "say goodbye, end as failed"),
        (ai, OperatorAssigned): _row(Actions._connect, (bridging, ai), "an operator takes over"),
        (ai, TakeoverAsked): _row(Actions._ask_takeover, ai, "ask the desk for the takeover"),
        (ai, AgentEndedCall): _row(Actions._agent_ended, ended, "end the call"),
        (ai, ServerDraining): _row(Actions._drain, ai, "go on until the drain deadline"),
        (ai, DeadlinePassed): _row(Actions._deadline, (ai, ended), "drain deadline: end"),
        (ai, OperatorLost): _ignore(ai, "nobody is bridged"),
        (waiting, HandOffDecided): _row(Actions._update_request, waiting, "newer urgency, brief"),
        (waiting, OperatorAssigned): _row(Actions._connect, (bridging, waiting), "connect them"),
        (waiting, NobodyAvailable): _row(
            Actions._nobody, (ai, waiting), "tell, go on, in safe mode unless cleared"
        ),
        (waiting, TakeoverAsked): _row(Actions._ask_takeover, waiting, "ask the desk"),
        (waiting, ServerDraining): _row(
            Actions._drain_waiting, (ai, waiting), "withdraw, safe mode; an emergency waits on"
        ),
        (waiting, DeadlinePassed): _row(
            Actions._deadline,
            (waiting, ai, ended),
            "still connecting, or waited too long; drain deadline: end",
        ),
        (waiting, OperatorLost): _ignore(waiting, "nobody is bridged"),
        (bridging, BridgeUp): _row(Actions._bridged, (operator, bridging), "they talk"),
        (ended, OperatorAssigned): _row(Actions._refuse_late_operator, ended, "give them back"),
    }
    for state, gives_back in ((bridging, Actions._declined), (operator, Actions._handed_back)):
        table |= {
            (state, HandOffDecided): _row(Actions._note, state, "kept, should they get lost"),
            (state, OperatorAssigned): _row(
                Actions._connect, (bridging, state), "a newer epoch replaces the operator"
            ),
            (state, OperatorLost): _row(
                Actions._operator_lost, (waiting, ai, state), "tell, ask for another"
            ),
            (state, HandedBack): _row(gives_back, (ai, state), "the AI resumes"),
            (state, OperatorEndedCall): _row(Actions._operator_ended, (ended, state), "end"),
            (state, TakeoverAsked): _row(Actions._ask_takeover, state, "the desk refuses"),
            (state, ServerDraining): _row(Actions._drain, state, "talk until the drain deadline"),
        }
    table[operator, DeadlinePassed] = _row(
        Actions._deadline, (operator, ended), "drain deadline: end"
    )
    table[bridging, DeadlinePassed] = _row(
        Actions._deadline, (bridging, waiting, ai, ended), "no audio in time: ask for another"
    )
    for state in LIVE:
        table[state, CallerHungUp] = _row(
            Actions._hung_up, ended, "stop ringing, free the operator"
        )
    for state in State:
        for event in SESSION_EVENTS:
            table.setdefault((state, event), _ignore(state, "late: has no effect"))
    return table


TABLE: Table = _table()


def diagram() -> str:
    """Draw the table's changes of state as a Mermaid diagram."""
    return mermaid(TABLE)
