"""From people's decisions to a better model, step by step; each step is pure.

1. `rows_of_call`: a call's labels and facts become training rows (what the model saw, what was so).
2. `challenge`: a challenger is fitted with the champion as its prior, and tried against it on calls that it
   has not seen.
3. `propose_marks`: where the rule would then leave the policy's budget, other hysteresis marks.
4. `propose`, `approve`, `rollback`: a version is proposed; only a person makes it active, and one step takes
   it back.
"""

from handoff.learning.answers import answer_of
from handoff.learning.marks import CallValues, Marks, call_values, propose_marks
from handoff.learning.registry import (
    LearningError,
    active,
    approve,
    models_of,
    policy_of,
    propose,
    rollback,
)
from handoff.learning.rows import Row, rows_of_call
from handoff.learning.trials import (
    Figures,
    Shortage,
    Trial,
    challenge,
    challenger_models,
    shortages,
)

__all__ = [
    "CallValues",
    "Figures",
    "LearningError",
    "Marks",
    "Row",
    "Shortage",
    "Trial",
    "active",
    "answer_of",
    "approve",
    "call_values",
    "challenge",
    "challenger_models",
    "models_of",
    "policy_of",
    "propose",
    "propose_marks",
    "rollback",
    "rows_of_call",
    "shortages",
]
