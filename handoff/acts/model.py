"""The acts of one deployment, learned: P(the call breaks down within four turns) after each caller turn.

Two differently built models over the facts of `history`, averaged as log odds: a multinomial logistic
regression and a random forest; `training` fits them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handoff.acts.forest import Forest
from handoff.acts.history import Act, Fact, History, words
from handoff.acts.troubles import SHORTEST
from handoff.calibration import Platt, logit, sigmoid
from handoff.commands import Reason

Floats = NDArray[np.float64]
Call = Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """Multinomial logistic regression: a row of weights an end; the last end is the one asked for."""

    weights: Floats  # (ends, facts)
    offsets: Floats  # (ends,)

    def ends(self, x: Floats) -> Floats:
        """P of each end."""
        z = self.weights @ x + self.offsets
        grown = np.exp(z - z.max())
        found: Floats = grown / grown.sum()
        return found

    def slopes(self, x: Floats) -> Floats:
        """How the log odds of the end asked for change with each fact, at `x`."""
        others = self.ends(x)[:-1]
        found: Floats = self.weights[-1] - others @ self.weights[:-1] / max(others.sum(), 1e-12)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class ActsModel:
    """What was learned. Read-only and shared by all calls; `reader()` follows one."""

    known: frozenset[str]
    knots: tuple[float, ...]
    columns: Mapping[Fact, int]
    ceiling: Floats  # (facts,) the largest values in training, above 0: the unit of each fact
    typical: Floats  # (facts,) means over the training prefixes, in these units
    linear: Linear
    forest: Forest
    calibration: Platt
    base_rate: float  # P of a prefix nothing is known of

    def reader(self) -> ActsReader:
        """Follow a new call."""
        return ActsReader(self)

    def scores(self, call: Call) -> list[float]:
        """P after each turn of `troubles.prefixes(call)`, in their order, as a live reader says them."""
        reader, found = self.reader(), []
        length = len(call["turns"])
        for done, turn in enumerate(call["turns"], start=1):
            if turn["speaker"] == "agent":
                reader.agent(turn["acts"])
            elif SHORTEST <= done < length:
                found.append(reader.caller(turn["acts"], turn.get("push", 0.0)))
            else:
                reader.heard(turn["acts"])
        return found

    def probability(self, x: Floats, push: float = 0.0) -> float:
        """P for the facts `x`, in (0, 1); `push`: log odds that speak for it besides, 0 or more."""
        soon = float(self.linear.ends(x)[-1])
        score = average(soon, self.forest(x.astype(np.float32)))
        return self.calibration(pushed(score, push))

    def base(self, push: float = 0.0) -> float:
        """P where the acts cannot say anything yet."""
        return pushed(self.base_rate, self.calibration.slope * push)

    def vector(self, history: History) -> Floats:
        """The facts of a call in the order of `columns`, in [0, 1]: as in training at the most."""
        x = np.zeros(len(self.columns))
        for fact, value in history.facts(self.knots):
            place = self.columns.get(fact)
            if place is not None:
                x[place] = value
        scaled: Floats = np.minimum(x / self.ceiling, 1.0)
        return scaled


@dataclass(slots=True)
class ActsReader:
    """One live call. A turn takes time that does not depend on how many there were."""

    model: ActsModel
    _history: History = field(init=False)

    def __post_init__(self) -> None:
        self._history = History(self.model.known)

    def agent(self, acts: Sequence[Act]) -> None:
        """The agent's turn: `[{act, entities}]`."""
        self._history.add("agent", acts)

    def heard(self, acts: Sequence[Act]) -> None:
        """A caller's turn after which nobody asks."""
        self._history.add("caller", acts)

    def caller(self, acts: Sequence[Act], push: float = 0.0) -> float:
        """A caller's turn; returns P(breakdown within `HORIZON` turns), in (0, 1).

        In the first turns (below `SHORTEST`) the base rate: nothing can be known then. `push`: log odds of
        what acts do not show, 0 or more; the more, the higher P.
        """
        self.heard(acts)
        if self._history.turns < SHORTEST:
            return self.model.base(push)
        return self.model.probability(self.model.vector(self._history), push)

    def reasons(self, most: int = 3) -> tuple[Reason, ...]:
        """What speaks most for a breakdown after the caller's turn, in log odds above a typical prefix's.

        The reasons explain the linear half of the model, and say which acts, not why.
        """
        x = self.model.vector(self._history)
        pushes = (self.model.linear.slopes(x) * (x - self.model.typical)).tolist()
        by_words: dict[str, float] = {}
        for fact, value, push in zip(self.model.columns, x.tolist(), pushes, strict=True):
            if value:
                text = words(fact, self._history.times(fact))
                by_words[text] = by_words.get(text, 0.0) + push
        largest = sorted(by_words.items(), key=lambda part: (-part[1], part[0]))[:most]
        return tuple(Reason("acts", text, round(push, 3)) for text, push in largest if push > 0)


def pushed(score: float, push: float) -> float:
    """A probability with more log odds."""
    return sigmoid(logit(score) + push) if push else score


def average(one: float, other: float) -> float:
    """Two probabilities averaged as log odds."""
    return sigmoid((logit(one) + logit(other)) / 2)
