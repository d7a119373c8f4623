"""The work board: where every task of the AI stands, who moved it there, and when.

Sans-I/O: `board.handle(event, now)`, `board.next_deadline()`, `board.take_commands()`.
"""

from handoff.board.board import Board
from handoff.board.cards import (
    BY_APPROVAL,
    FINISHED,
    MOVES_SHOWN,
    STEPS,
    Anomaly,
    ApprovalChanged,
    BoardCommand,
    BoardEvent,
    Card,
    Column,
    ColumnView,
    KeepAnomaly,
    KeepCard,
    Move,
    Step,
    TaskAdded,
    TaskMoved,
    diagram,
)

__all__ = [
    "BY_APPROVAL",
    "FINISHED",
    "MOVES_SHOWN",
    "STEPS",
    "Anomaly",
    "ApprovalChanged",
    "Board",
    "BoardCommand",
    "BoardEvent",
    "Card",
    "Column",
    "ColumnView",
    "KeepAnomaly",
    "KeepCard",
    "Move",
    "Step",
    "TaskAdded",
    "TaskMoved",
    "diagram",
]
