"""*h* of a live call by the acts of its deployment, and by what acts cannot show.

h = sigmoid(slope * (z + sum of weight * recent trouble) + offset): z are the log odds of the learned acts,
slope and offset those of their calibration. Troubles that acts show themselves weigh nothing here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from handoff.acts.live import Turn
from handoff.acts.model import ActsModel, ActsReader
from handoff.calibration import logit
from handoff.risk import ACTS, Foreseen, Head
from handoff.signals import CODES

UNSEEN = (  # reason codes of what dialogue acts cannot show
    "low_speech_confidence",
    "ambiguous_intent",
    "novel_request",
    "frustration",
    "interruptions",
    "latency",
)
WORDS = "calls like this one tended to break down"
NAMED = 2  # acts that an operator is told of


@dataclass(frozen=True, slots=True, eq=False)
class ActsForeseer:
    """A `handoff.risk.Foreseer` by learned acts."""

    model: ActsModel
    weights: tuple[float, ...]  # by CODES, not negative; 0 for what acts show

    @property
    def calm(self) -> float:
        """P of a call that nothing is known of."""
        return self.model.base_rate

    def follow(self) -> ActsForesight:
        """Follow a new call."""
        return ActsForesight(self.model.reader(), self.weights)


@dataclass(frozen=True, slots=True)
class ActsForesight:
    """A `handoff.risk.Foresight`: one call."""

    reader: ActsReader
    weights: tuple[float, ...]

    def turn(self, said: Sequence[Turn], recent: Sequence[float]) -> Foreseen:
        """Take in the turns since the last time, the caller's last; `recent` by `CODES`."""
        *before, last = said
        for turn in before:
            self.reader.agent(turn["acts"])
        model, besides = self.reader.model, push(self.weights, recent)
        h = self.reader.caller(last["acts"], besides)
        slope = model.calibration.slope
        pushes = {
            code: slope * weight * value
            for code, weight, value in zip(CODES, self.weights, recent, strict=True)
            if weight
        }
        by_acts = logit(h) - slope * besides - logit(model.base_rate)
        if by_acts <= 0:
            return Foreseen(h, pushes)
        named = "; ".join(reason.words for reason in self.reader.reasons(NAMED))
        return Foreseen(h, pushes | {ACTS: by_acts}, f"{WORDS}: {named}" if named else WORDS)


def unseen(head: Head) -> tuple[float, ...]:
    """A head's weights of what acts cannot show, by `CODES`; 0 for the rest."""
    pairs = zip(CODES, head.weights, strict=True)
    return tuple(weight if code in UNSEEN else 0.0 for code, weight in pairs)


def push(weights: Sequence[float], recent: Sequence[float]) -> float:
    """The log odds that recent troubles add, 0 or more."""
    return sum(weight * value for weight, value in zip(weights, recent, strict=True))
