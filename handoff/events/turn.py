"""Facts about one turn of the caller: what was heard, what was understood, how the conversation is going."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SpeechFacts:
    """What recognition knows about one utterance."""

    confidence: float  # calibrated P(transcript right), 0..1
    words: int = 0
    lowest_word: float = 1.0  # smallest word confidence, 0..1
    revisions: int = 0  # how often a partial took back words already shown
    seconds: float = 0.0  # length of the utterance
    snr_db: float | None = None  # estimated signal-to-noise ratio


@dataclass(frozen=True, slots=True)
class IntentFacts:
    """What understanding knows about one utterance."""

    name: str | None  # top intent, None when nothing matches
    probability: float  # calibrated P(top intent right), 0..1
    margin: float = 0.0  # top minus second, 0..1
    novelty: float = 0.0  # distance to what the pack was trained on, 0 (known) .. 1 (never seen)
    disagreement: float = 0.0  # 1 - agreement with a second, differently built model, 0..1
    category: str = "general"  # the pack's category: general, financial, medical, legal, ...


@dataclass(frozen=True, slots=True)
class DialogueFacts:
    """How the conversation itself is going, as the agent sees it."""

    no_match: bool = False  # the agent could do nothing with the turn
    repeat: bool = False  # the caller said the same again
    negation: bool = False  # the caller refused or corrected ("no, not that")
    stuck_slot: int = 0  # how many times the slot now pending has been asked for
    wants_person: float = 0.0  # P(the caller asked for a person), 0..1
    frustration: float = 0.0  # 0..1
    emergency: bool = False  # danger to life or fraud under way, by the pack's own words
    interruptions: int = 0  # barge-ins in this turn
