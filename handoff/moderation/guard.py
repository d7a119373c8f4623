"""What may be said: layers of moderation over each sentence of a caller or an agent.

Known texts first, then patterns of what an agent may not leak, then a classifier. The most certain layer
decides alone; the classifier's calibrated probability is routed by the policy's thresholds. What passes is
sampled for audit by a keyed hash of its id, so that the share of violations that passed can be estimated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from handoff.moderation.leaks import leak_in
from handoff.moderation.text import KnownTexts
from handoff.policy import Policy
from handoff.sampling import draw

Scorer = Callable[[str], float]
REMEMBERED = 200  # letters of what came before that a violation may begin in
HEARD = 1000  # letters of a caller's turn that are judged, its last: over a minute without a pause


class Speaker(StrEnum):
    """Whose sentence it is."""

    CALLER = "caller"
    AGENT = "agent"


class Route(StrEnum):
    """What becomes of a sentence."""

    PASS = "pass"
    FLAG = "flag"  # goes on, looked at later
    HOLD = "hold"  # an agent's is not spoken until, and unless, a person says so
    BLOCK = "block"  # an agent's is never spoken, a caller's brings a person


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence about to be spoken, or just heard."""

    line_id: str  # unique, e.g. call, turn and number of the sentence
    call_id: str
    turn: int
    speaker: Speaker
    text: str
    before: str = ""  # what they said just before it in the same turn


@dataclass(frozen=True, slots=True)
class Judgement:
    """What moderation says of a line."""

    line_id: str
    call_id: str
    turn: int
    speaker: Speaker
    route: Route
    layer: str  # which layer decided: known | pattern | classifier | none
    score: float  # calibrated P(violation), 0..1; 1 from a list or a pattern
    reason: str  # which entry, which pattern; empty from the classifier
    say: str | None  # what the caller hears of an agent's line; None for a caller's
    review: bool  # a person should look at it
    propensity: (
        float  # the probability with which `review` was set, 0..1; 1 where the route demands it
    )


class Moderator:
    """Judges lines one by one; holds no memory of them."""

    __slots__ = ("_key", "_known", "_policy", "_scorer")

    def __init__(
        self,
        policy: Policy,
        *,
        key: bytes,
        known: KnownTexts | None = None,
        scorer: Scorer | None = None,
    ) -> None:
        """`key`: secret bytes for the audit's sample. `known` may grow while in use.

        Raises `ValueError` for an empty key.
        """
        if not key:
            raise ValueError("the sampling key is empty: give some secret bytes")
        self._policy = policy.moderation
        self._key = key
        self._known = KnownTexts() if known is None else known
        self._scorer = scorer

    def judge(self, line: Line) -> Judgement:
        """Judge a line; the same line always gets the same judgement.

        An agent's is judged whole, as all of it would be spoken; of a caller's the last `HEARD` letters, so
        that no turn takes long. A known text (400 letters at most) at its end lies within them.
        """
        layer, score, reason = self._layers(line)
        route = self._route(score)
        propensity = self._policy.audit if route is Route.PASS else 1.0
        spoken = line.text if route in (Route.PASS, Route.FLAG) else self._policy.safe_line
        return Judgement(
            line.line_id,
            line.call_id,
            line.turn,
            line.speaker,
            route,
            layer,
            score,
            reason,
            spoken if line.speaker is Speaker.AGENT else None,
            draw(self._key, "moderation", line.line_id) < propensity,
            propensity,
        )

    def _layers(self, line: Line) -> tuple[str, float, str]:
        before = line.before[-REMEMBERED:]
        text = line.text if line.speaker is Speaker.AGENT else _end_of(line.text)
        entry = self._known.find(text, before)
        if entry is not None:
            return "known", 1.0, entry
        if line.speaker is Speaker.AGENT:  # callers may say their own card number
            leak = leak_in(text, before)
            if leak is not None:
                return "pattern", 1.0, leak
        if self._scorer is None:
            return "none", 0.0, ""
        score = self._scorer(text)
        if not 0.0 <= score <= 1.0:
            return "classifier", self._policy.hold, "bad_score"  # broken is not harmless
        return "classifier", score, ""

    def _route(self, score: float) -> Route:
        if score >= self._policy.block:
            return Route.BLOCK
        if score >= self._policy.hold:
            return Route.HOLD
        return Route.FLAG if score >= self._policy.flag else Route.PASS


def _end_of(text: str) -> str:
    """The last `HEARD` letters, from the first whole word on; one endless word is cut."""
    if len(text) <= HEARD:
        return text
    kept = text[-HEARD:]
    if text[-HEARD - 1].isspace() or kept[0].isspace():
        return kept
    return kept.partition(" ")[2] or kept
