"""What recognition says about how well the caller is understood."""

from __future__ import annotations

from handoff.events import SpeechFacts


def read(facts: SpeechFacts) -> dict[str, float]:
    """Raw values of one utterance: confidences in [0, 1], `revisions` a count, `seconds`, `snr_db`."""
    raw = {
        "speech.confidence": facts.confidence,
        "speech.lowest_word": facts.lowest_word,
        "speech.revisions": float(facts.revisions),
        "speech.words": float(facts.words),
        "speech.seconds": facts.seconds,
    }
    if facts.snr_db is not None:
        raw["speech.snr_db"] = facts.snr_db
    return raw


CLEAR = 0.4  # at and above this the transcript is as good as a telephone's transcripts usually are


def trouble(facts: SpeechFacts) -> float:
    """How hard the caller is to understand, 0 (at or above `CLEAR`) .. 1 (nothing is certain).

    The confidence is of every word; most turns whose confidence is middling are understood all the same,
    which the intent's own probability tells. Below `CLEAR` trouble grows linearly. Partials that took words
    back add a little.
    """
    confidence = max(0.0, CLEAR - facts.confidence) / CLEAR
    return min(1.0, confidence + 0.05 * min(facts.revisions, 4))
