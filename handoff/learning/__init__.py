"""From people's decisions to a better model, step by step; each step is pure.

1. `rows_of_call`: a call's labels and facts become training rows (what the model saw, what was so).
2. `challenge`: a challenger is fitted with the champion as its prior, and tried against it on calls that it
   has not seen.
   `foretell` tries the dialogue acts of past calls (`told`) in the same way.
3. `propose_marks`: where the rule would then leave the policy's budget, other hysteresis marks.
4. `propose`, `approve`, `rollback`: a version is proposed; only a person makes it active, and one step takes
   it back.
"""

from handoff.learning.answers import answer_of
from handoff.learning.foretelling import ActsTrial, Told, foretell, told
from handoff.learning.judging import Contest, Scores, Shortage
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
    Trial,
    challenge,
    challenger_models,
    shortages,
)

__all__ = [
    "ActsTrial",
    "CallValues",
    "Contest",
    "LearningError",
    "Marks",
    "Row",
    "Scores",
    "Shortage",
    "Told",
    "Trial",
    "active",
    "answer_of",
    "approve",
    "call_values",
    "challenge",
    "challenger_models",
    "foretell",
    "models_of",
    "policy_of",
    "propose",
    "propose_marks",
    "rollback",
    "rows_of_call",
    "shortages",
    "told",
]
