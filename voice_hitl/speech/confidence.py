"""How likely a recognized utterance is right, from what the decoder knows of each of its words.

Logistic (Platt) models over four figures of an utterance and three of a word. Their constants were
fitted once, on 480 utterances that docs/recognition.md lists: people and synthetic voices, clear
and in noise, within and outside the domain, and noise alone. No transcript goes in here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

# Words that may be wrong without the sense being lost.
FUNCTION_WORDS = frozenset(
    (
        *("a", "an", "the", "of", "to", "and", "or", "in", "on", "at", "for", "with"),
        *("is", "are", "was", "were", "be", "been", "am", "it", "that", "this", "i", "you"),
        *("me", "my", "your", "um", "uh", "please", "do", "does", "did", "will", "would"),
        *("could", "can", "have", "has", "some"),
    )
)

_ACOUSTIC, _DOUBT, _LANGUAGE, _SURPRISE = -0.923, -0.329, -1.03, -0.68
_UTTERANCE = 6.897

_WORD_ACOUSTIC, _WORD_DOUBT, _WORD_LANGUAGE = -0.419, -0.599, -0.318
_WORD = 4.206

_MOST_LOGIT = 500.0  # exp of more would overflow
# Figures beyond these were as rare as they are hopeless; the fit cut them too.
_MOST_ACOUSTIC, _MOST_WORD_ACOUSTIC, _MOST_DOUBT, _MOST_LANGUAGE = 10.0, 15.0, 8.0, 20.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the decoder knows of one word; nats, all at least 0."""

    text: str
    frames: int  # 10 ms each, at least 1
    acoustic: float  # distance from the best sound, a frame
    doubt: float  # -ln of the word's posterior in the lattice
    language: float  # -ln P(word | history)
    entropy: float  # what `language` is on average after that history


def word_confidence(evidence: Evidence) -> float:
    """Return P(the word is right), 0..1."""
    return _logistic(
        _WORD
        + _WORD_ACOUSTIC * min(evidence.acoustic, _MOST_WORD_ACOUSTIC)
        + _WORD_DOUBT * min(evidence.doubt, _MOST_DOUBT)
        + _WORD_LANGUAGE * min(evidence.language, _MOST_LANGUAGE)
    )


def utterance_confidence(words: Sequence[Evidence], ending: Evidence) -> float:
    """Return P(every content word is right), 0..1; 0 without words.

    `ending` tells what the language model says of the sentence's end after the last words. Costs
    count as they are and as surprise, over what was to be expected there: any figure of a card is
    a costly word, and no surprising one.
    """
    if not words:
        return 0.0
    content = [word for word in words if word.text not in FUNCTION_WORDS] or list(words)
    frames = sum(word.frames for word in words)
    acoustic = sum(word.acoustic * word.frames for word in words) / frames
    doubt = sum(min(word.doubt, _MOST_DOUBT) for word in content)
    costs = [*words, ending]
    language = sum(cost.language for cost in costs) / len(costs)
    entropy = sum(cost.entropy for cost in costs) / len(costs)
    return _logistic(
        _UTTERANCE
        + _ACOUSTIC * min(acoustic, _MOST_ACOUSTIC)
        + _DOUBT * min(doubt, _MOST_DOUBT)
        + _LANGUAGE * language
        + _SURPRISE * (language - entropy)
    )


def _logistic(logit: float) -> float:
    return 1 / (1 + math.exp(min(-logit, _MOST_LOGIT)))
