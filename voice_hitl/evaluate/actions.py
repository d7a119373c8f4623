"""How well wrong actions of an agent are told from right ones before they are done.

A line is a conversation: `{conversation_id, task_id, messages, actions}`, an action
`{at, name, arguments, effect, bad}`; `at` is the message in which the agent acts. Only messages before
`at` and the action itself are read, never `failed`. Conversations of one `task_id` belong together in every
split.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, field_validator, model_validator
from rich.table import Table
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score

from handoff.calibration import brier, ece
from handoff.conduct import CODES, Conduct, fit_action
from voice_hitl.evaluate.files import DataError
from voice_hitl.evaluate.reports import REPLICATES, Interval, Report, intervals, on_intervals

TROUBLES = ("failed_before", "tool_errors", "refused_before", "insisted", "changed_mind")
NAME_STRENGTH = 4.0  # imagined actions of average badness that a name starts with
_FAILURE = re.compile(r"\s*(?:error|failed|failure|exception)\b|\s*\{\s*\"error\"", re.IGNORECASE)

Floats = NDArray[np.float64]


class Call(BaseModel):
    """A tool that the agent calls."""

    name: str = ""
    arguments: dict[str, Any] = Field(default_factory=dict)

    @field_validator("arguments", mode="before")
    @classmethod
    def _none_is_empty(cls, value: Any) -> Any:
        return {} if value is None else value


class Message(BaseModel):
    """One message; `tool` holds what a call returned."""

    role: str
    content: str | None = None
    name: str | None = None  # of the tool that answers
    tool_calls: list[Call] | None = None


class Action(Call):
    """An action that cannot be undone, and whether it was wrong."""

    at: int = Field(ge=0)
    effect: str = "irreversible"
    bad: bool


class Conversation(BaseModel):
    """One line of the file."""

    conversation_id: str
    task_id: int | str | None = None
    messages: list[Message]
    actions: list[Action] = Field(default_factory=list)

    @model_validator(mode="after")
    def _within(self) -> Conversation:
        if any(action.at > len(self.messages) for action in self.actions):
            raise ValueError("'at' of an action lies beyond the messages")
        return self


class ActionsReport(Report):
    """The figures; positive is a bad action."""

    auc: float
    brier: float
    ap: float
    ece: float  # 10 bins of equal mass
    baselines: dict[str, dict[str, float]]  # name -> auc, brier, ap
    intervals: dict[str, Interval]  # of auc, brier, ap; by task
    baseline_intervals: dict[str, dict[str, Interval]]
    actions: int
    bad: int
    conversations: int
    groups: int

    def table(self) -> Table:
        """What a person reads."""
        tasks = f"{self.groups} {'task' if self.groups == 1 else 'tasks'}"
        table = Table(title=f"Bad actions: {self.bad} of {self.actions} ({tasks})")
        for heading in ("", "AUC", "AP", "Brier"):
            table.add_column(heading, justify="left" if not heading else "right")
        own = {"auc": self.auc, "ap": self.ap, "brier": self.brier}
        rows = [("conduct", own, self.intervals)]
        rows += [(n, f, self.baseline_intervals[n]) for n, f in self.baselines.items()]
        for name, found, spread in rows:
            cells = [_cell(found[key], spread.get(key)) for key in ("auc", "ap", "brier")]
            table.add_row(name.replace("_", " "), *cells)
        said = on_intervals(self.intervals, self.groups, "task")
        table.caption = f"calibration error {self.ece:.3f}; {said}"
        return table


def group_of(row: Conversation) -> Hashable:
    """What must not be split: the task, or else the conversation."""
    return row.conversation_id if row.task_id is None else row.task_id


def check_test(rows: Sequence[Conversation], file: Path) -> None:
    """Refuse a test file that cannot tell one kind of action from the other; raises `DataError`."""
    kinds = {action.bad for row in rows for action in row.actions}
    if len(kinds) == 1:
        kind = "bad" if kinds.pop() else "good"
        raise DataError(f"{file}: every action is {kind}: give good and bad actions")


def read_facts(row: Conversation) -> list[tuple[float, ...]]:
    """The facts of each of a conversation's actions, in their order, from what came before it."""
    conduct = Conduct()
    opened: deque[tuple[str, str]] = deque()  # ids and names of calls whose answer is to come
    found: dict[int, tuple[float, ...]] = {}
    order = sorted(range(len(row.actions)), key=lambda index: row.actions[index].at)
    begins = [0, *(row.actions[index].at for index in order)]
    for index, (start, stop) in zip(order, pairwise(begins), strict=True):
        for at in range(start, stop):
            _hear(conduct, row.messages[at], at, opened)
        action = row.actions[index]
        found[index] = conduct.facts(action.name, action.arguments)
    return [found[index] for index in range(len(row.actions))]


def _hear(conduct: Conduct, message: Message, at: int, opened: deque[tuple[str, str]]) -> None:
    text = message.content or ""
    if message.role == "user":
        conduct.caller(text)
    elif message.role == "tool":
        action_id, name = opened.popleft() if opened else ("", message.name or "")
        conduct.finished(action_id, name, ok=not _FAILURE.match(text), result=text)
    elif message.role == "assistant":
        if text:
            conduct.agent(text)
        opened.clear()
        for number, call in enumerate(message.tool_calls or []):
            opened.append((f"{at}.{number}", call.name))
            conduct.proposed(f"{at}.{number}", call.name, call.arguments)


class _Actions:
    """Actions of many conversations side by side."""

    def __init__(self, rows: Sequence[Conversation]) -> None:
        pairs = [(row, index) for row in rows for index in range(len(row.actions))]
        read = [facts for row in rows for facts in read_facts(row)]
        self.facts: Floats = np.array(read, dtype=np.float64).reshape(len(pairs), len(CODES))
        self.bad: Floats = np.array([row.actions[i].bad for row, i in pairs], dtype=np.float64)
        self.groups = [group_of(row) for row, _ in pairs]
        self.names = [row.actions[i].name for row, i in pairs]
        self.at: Floats = np.array([row.actions[i].at for row, i in pairs], dtype=np.float64)
        self.texts = [_text(row, row.actions[i]) for row, i in pairs]


def evaluate_actions(
    train: Sequence[Conversation],
    test: Sequence[Conversation],
    *,
    replicates: int = REPLICATES,
) -> ActionsReport:
    """Fit on the training conversations, score the actions of the others.

    Raises `DataError` when the training part lacks good or bad actions or the test part has no action.
    AUC and AP of a test part of one kind are NaN. `replicates`: resamplings behind the intervals.
    """
    known, asked = _Actions(train), _Actions(test)
    if len(set(known.bad.tolist())) < 2:
        raise DataError("the training part needs good and bad actions, of both at least one")
    if not len(asked.bad):
        raise DataError("the test part holds no action to score")
    scores = {"conduct": _conduct(known, asked)}
    scores |= {name: baseline(known, asked) for name, baseline in BASELINES.items()}
    found = {name: _figures(asked.bad, p) for name, p in scores.items()}
    spread = {name: _spread(asked, p, replicates) for name, p in scores.items()}
    return ActionsReport(
        **found.pop("conduct"),
        ece=ece(scores["conduct"], asked.bad),
        baselines=found,
        intervals=spread.pop("conduct"),
        baseline_intervals=spread,
        actions=len(asked.bad),
        bad=int(asked.bad.sum()),
        conversations=len(test),
        groups=len(set(asked.groups)),
    )


def _conduct(train: _Actions, test: _Actions) -> Floats:
    """Our score. No calibration map: on held-out tasks Platt's slope is 1.0, and fitting it costs Brier."""
    head = fit_action(train.facts, train.bad, source="training part")
    return np.array([head.probability(facts) for facts in test.facts], dtype=np.float64)


def _base_rate(train: _Actions, test: _Actions) -> Floats:
    return np.full(len(test.bad), train.bad.mean())


def _turn_index(train: _Actions, test: _Actions) -> Floats:
    return _logistic(train.at[:, None] / 10, train.bad, test.at[:, None] / 10)


def _trouble_count(train: _Actions, test: _Actions) -> Floats:
    """How many of the troubles that anyone would count there are."""
    counted = [CODES.index(code) for code in TROUBLES]
    return _summed(train.facts[:, counted], train.bad, test.facts[:, counted])


def _unweighted(train: _Actions, test: _Actions) -> Floats:
    """All our facts, each as weighty as any other: what fitting the weights adds."""
    return _summed(train.facts, train.bad, test.facts)


def _action_name(train: _Actions, test: _Actions) -> Floats:
    mean = train.bad.mean()
    rates: dict[str, float] = {}
    for name in set(train.names):
        of_name = train.bad[np.array(train.names) == name]
        rates[name] = (of_name.sum() + NAME_STRENGTH * mean) / (len(of_name) + NAME_STRENGTH)
    return np.array([rates.get(name, mean) for name in test.names], dtype=np.float64)


def _tf_idf(train: _Actions, test: _Actions) -> Floats:
    words = TfidfVectorizer(sublinear_tf=True, min_df=2, ngram_range=(1, 2))
    try:
        before = words.fit_transform(train.texts)
    except ValueError:  # no word twice
        return _base_rate(train, test)
    return _logistic(before, train.bad, words.transform(test.texts))


BASELINES: Mapping[str, Callable[[_Actions, _Actions], Floats]] = {
    "base_rate": _base_rate,
    "turn_index": _turn_index,
    "trouble_count": _trouble_count,
    "unweighted_facts": _unweighted,
    "action_name": _action_name,
    "tfidf_logistic": _tf_idf,
}


def _summed(facts: Floats, bad: Floats, asked: Floats) -> Floats:
    return _logistic(facts.sum(axis=1, keepdims=True), bad, asked.sum(axis=1, keepdims=True))


def _logistic(x: Any, y: Floats, asked: Any) -> Floats:
    found: Floats = LogisticRegression(max_iter=1000).fit(x, y).predict_proba(asked)[:, 1]
    return found


def _text(row: Conversation, action: Action) -> str:
    """What a rival would read: the action and the last messages before it."""
    latest = [message.content or "" for message in row.messages[max(0, action.at - 6) : action.at]]
    return f"{action.name} {action.arguments} {' '.join(latest)}"


def _spread(asked: _Actions, scores: Floats, replicates: int) -> dict[str, Interval]:
    return intervals(
        asked.groups,
        lambda rows: _figures(asked.bad[rows], scores[rows]),
        replicates=replicates,
    )


def _figures(bad: Floats, probabilities: Floats) -> dict[str, float]:
    both = 0 < bad.sum() < len(bad)
    return {
        "auc": float(roc_auc_score(bad, probabilities)) if both else float("nan"),
        "ap": float(average_precision_score(bad, probabilities)) if both else float("nan"),
        "brier": brier(probabilities, bad),
    }


def _cell(value: float, spread: Interval | None) -> str:
    return f"{value:.3f}" + (f" ({spread.low:.2f} to {spread.high:.2f})" if spread else "")
