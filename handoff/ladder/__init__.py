"""The escalation ladder of one turn: agents from cheap to capable are asked for an answer, at last a person.

Each rung has a slice of the turn's budget. Slices end at fixed times after the start, so what one rung does
not use is the next one's. A rung is asked once, alone, and only while its slice is open; it is cut when the
slice is over. Confidence counts only after the rung's own calibration map: scores of two agents mean
different things. An answer below what its category needs is no answer, but the best of them is what a person
gets as a suggestion. Cascades of models: Viola & Jones 2001; with language models: Chen et al. 2023.

Facts that users rely on: exactly one `Settle` a turn, and it is the last command but for `LateAnswer`; no
`AskRung` after the budget, none with a deadline beyond it.
"""

from __future__ import annotations

from handoff.ladder.climb import (
    TABLE,
    Climb,
    Phase,
    Rung,
    needed_confidence,
    rungs_of,
)
from handoff.ladder.messages import (
    Answer,
    AskHuman,
    AskRung,
    Attempt,
    CancelRung,
    HumanAnswered,
    HumanUnavailable,
    LadderCommand,
    LadderEvent,
    LateAnswer,
    RungAnswered,
    RungFailed,
    Settle,
    TurnWithdrawn,
)
from handoff.ladder.stats import (
    LadderStats,
    RungStats,
)

__all__ = [
    "TABLE",
    "Answer",
    "AskHuman",
    "AskRung",
    "Attempt",
    "CancelRung",
    "Climb",
    "HumanAnswered",
    "HumanUnavailable",
    "LadderCommand",
    "LadderEvent",
    "LadderStats",
    "LateAnswer",
    "Phase",
    "Rung",
    "RungAnswered",
    "RungFailed",
    "RungStats",
    "Settle",
    "TurnWithdrawn",
    "needed_confidence",
    "rungs_of",
]
