"""How an agent came to the action it proposes: facts, P(the action is wrong), and why.

The facts need no knowledge of the trade: were the details said by the caller, was the caller asked and
did they agree, did the same thing fail before, did the agent refuse it at first. `ConductReader` reads them
from a call's events, `Conduct` from plain texts; `SHIPPED_ACTION` holds weights fitted on public data.
"""

from handoff.conduct.head import (
    PRIOR_WEIGHTS,
    SHIPPED_ACTION,
    ActionHead,
    ActionRisk,
    by_codes,
    fit_action,
)
from handoff.conduct.reader import ConductReader
from handoff.conduct.reading import CODES, WORDS, Conduct

__all__ = [
    "CODES",
    "PRIOR_WEIGHTS",
    "SHIPPED_ACTION",
    "WORDS",
    "ActionHead",
    "ActionRisk",
    "Conduct",
    "ConductReader",
    "by_codes",
    "fit_action",
]
