"""When an approval does what: every event has a row in every state, and a row says where it may lead.

`docs/patterns/approval-gate.md` shows the diagram that `diagram()` draws from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from handoff.approvals.approval import Approval
from handoff.approvals.messages import (
    APPROVAL_EVENTS,
    Answered,
    ApprovalAsked,
    ApprovalEvent,
    CallTakenOver,
    CandidatesChanged,
    ExecutionClaimed,
    ExecutionFinished,
    FollowUpDone,
    NotKept,
    ProposalWithdrawn,
    ReviewerLeft,
)
from handoff.approvals.values import State
from handoff.errors import ProtocolError
from handoff.events import CallOver, DeadlinePassed, ServerDraining


@dataclass(frozen=True, slots=True)
class Row:
    """What a state does on an event: an action, where it may lead, and both in words."""

    action: Callable[[Approval, Any, float], State]
    targets: frozenset[State]
    words: str


def _row(action: Callable[[Approval, Any, float], State], words: str, *targets: State) -> Row:
    return Row(action, frozenset(targets), words)


def _table() -> dict[tuple[State, type], Row]:
    opened, escalated, approved, executing, closed = State
    over = "not done; follow-up"
    table: dict[tuple[State, type], Row] = {
        (opened, DeadlinePassed): _row(
            Approval._due,
            "half time: ask a second; deadline: the default",
            escalated,
            approved,
            closed,
        ),
        (escalated, DeadlinePassed): _row(Approval._due, "deadline: the default", approved, closed),
        (approved, DeadlinePassed): _row(Approval._lapse, over, closed),
        (executing, DeadlinePassed): _row(
            Approval._lose_track, "outcome unknown; follow-up", closed
        ),
        (approved, ExecutionClaimed): _row(Approval._claim, "execute, once", executing, approved),
        (executing, ExecutionFinished): _row(Approval._finish, "keep how it went", closed),
        (executing, CallOver): _row(
            Approval._note_caller_gone, "let it finish; follow-up if it fails", executing
        ),
        (executing, CallTakenOver): _row(
            Approval._note_person, "let it finish; the person tells the caller", executing
        ),
        (closed, FollowUpDone): _row(Approval._followed_up, "keep who did it", closed),
    }
    for state in (opened, escalated):
        table |= {
            (state, Answered): _row(
                Approval._answer, "the first that counts decides", state, approved, closed
            ),
            (state, ReviewerLeft): _row(Approval._unseat, "ask the next", state),
            (state, CandidatesChanged): _row(Approval._rank, "ask who is there now", state),
            (state, ExecutionClaimed): _row(Approval._claim_too_soon, "refuse, log", state),
            (state, ServerDraining): _row(
                Approval._drain, "goes on, but silence does not consent", state
            ),
        }
    for state in (opened, escalated, approved):
        table |= {
            (state, CallOver): _row(Approval._lose_caller, over, closed),
            (state, CallTakenOver): _row(Approval._hand_over, "not done; theirs now", closed),
            (state, ProposalWithdrawn): _row(Approval._withdraw, "not done", closed),
        }
    for state in (approved, executing):
        table[state, NotKept] = _row(Approval._interrupt, "not begun; follow-up", closed)
    for state in (approved, executing, closed):
        table[state, Answered] = _row(Approval._answer_late, "refuse, log", state)
    for state in (executing, closed):
        table[state, ExecutionClaimed] = _row(Approval._claim_late, "refuse, log", state)
    for state in State:
        table[state, ApprovalAsked] = _row(Approval._asked_again, "known: log", state)
        table.setdefault(
            (state, ExecutionFinished), _row(Approval._log_result, "unexpected: log", state)
        )
        for event in APPROVAL_EVENTS:
            table.setdefault((state, event), _row(Approval._nothing, "no effect", state))
    return table


TABLE: Mapping[tuple[State, type], Row] = _table()


def step(approval: Approval, event: ApprovalEvent, now: float) -> None:
    """Take one event through the table; raises `ProtocolError` where an action breaks its row's word."""
    row = TABLE[approval.record.state, type(event)]
    target = row.action(approval, event, now)
    if target not in row.targets:
        raise ProtocolError(
            f"approval {approval.record.approval_id}: {type(event).__name__} led to {target}, "
            f"which its row does not name"
        )


def diagram() -> str:
    """Draw the table's changes of state as a Mermaid diagram."""
    arrows: dict[tuple[State, State], list[str]] = {}
    for (state, event), row in TABLE.items():
        for target in row.targets - {state}:
            arrows.setdefault((state, target), []).append(event.__name__)
    lines = ["stateDiagram-v2", "    direction LR", "    [*] --> open: ApprovalAsked"]
    lines += [
        f"    {state} --> {target}: {', '.join(arrows[state, target])}"
        for state in State
        for target in State
        if (state, target) in arrows
    ]
    return "\n".join([*lines, "    closed --> [*]"])


def markdown(events: Iterable[type]) -> str:
    """List what every state does on these events as a Markdown table."""
    named = list(events)
    lines = ["| in state | " + " | ".join(f"`{event.__name__}`" for event in named) + " |"]
    lines.append("|---" * (len(named) + 1) + "|")
    for state in State:
        cells = [TABLE[state, event].words for event in named]
        lines.append(f"| `{state}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)
