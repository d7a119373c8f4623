"""Signals: events of a call in, numbers out. One module a family; this one puts them together.

Two views of every caller turn: `raw` values, logged as they are, and `troubles`, one number in [0, 1] for
each soft reason code, 0 when all is well. A trouble is seen twice: as it is *now*, and *recently*: a decaying
sum (`RECENT` a turn), so that three bad turns weigh more than one and old ones fade.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from handoff.events import (
    ActionFinished,
    ActionProposed,
    AgentSpoke,
    CallerSilent,
    CallerSpoke,
    ComponentFailed,
    StageTimed,
)
from handoff.signals import caller, intent, speech
from handoff.signals.action import Actions
from handoff.signals.dialogue import Dialogue
from handoff.signals.latency import Latency

# Reason code -> what an operator reads. The order is that of the model's weights.
WORDS: Mapping[str, str] = {
    "low_speech_confidence": "the caller is hard to understand",
    "low_intent_confidence": "the AI is not sure what the caller wants",
    "ambiguous_intent": "the request could mean two things",
    "novel_request": "the request is unlike anything the AI knows",
    "repeats": "the caller has to repeat themselves",
    "rephrasing": "the caller keeps rephrasing the request",
    "negations": "the caller keeps correcting the AI",
    "stuck_slot": "the AI keeps asking for the same detail",
    "long_call": "the call is taking long",
    "tool_errors": "something the AI tried has failed",
    "apologies": "the AI keeps apologising or refusing",
    "frustration": "the caller sounds frustrated",
    "interruptions": "the caller keeps cutting in",
    "latency": "the AI answers too slowly",
}
CODES: tuple[str, ...] = tuple(WORDS)
RECENT = 0.7  # what is left of a trouble one turn later
_LASTING = ("long_call", "stuck_slot")  # say themselves how long it has been going on


@dataclass(frozen=True, slots=True)
class Reading:
    """The signals of one caller turn."""

    raw: Mapping[str, float]  # to be logged
    now: tuple[float, ...]  # troubles of this turn, by CODES, 0..1
    recent: tuple[float, ...]  # decayed sums, by CODES, 0..1/(1 - RECENT)


class Recent:
    """The decaying sums of one call's troubles."""

    __slots__ = ("_sums",)

    def __init__(self) -> None:
        self._sums = (0.0,) * len(CODES)

    def update(self, troubles: Mapping[str, float]) -> tuple[float, ...]:
        """Take in a turn's troubles by code (those left out are 0); returns the sums, by `CODES`."""
        self._sums = tuple(
            troubles.get(code, 0.0) if code in _LASTING else RECENT * old + troubles.get(code, 0.0)
            for code, old in zip(CODES, self._sums, strict=True)
        )
        return self._sums


class Signals:
    """The signals of one call; memory and time per turn do not grow with the call."""

    __slots__ = ("_actions", "_latency", "_recent", "dialogue")

    def __init__(self, started: float) -> None:
        self.dialogue = Dialogue(started)
        self._actions = Actions()
        self._latency = Latency()
        self._recent = Recent()

    def note(self, event: object) -> None:
        """Take in an event between two turns."""
        match event:
            case ActionProposed():
                self._actions.proposed(event)
            case ActionFinished():
                self._actions.finished(event)
            case AgentSpoke():
                self._actions.spoke(event)
                self.dialogue.replied(event)
            case StageTimed():
                self._latency.timed(event)
            case ComponentFailed():
                self._actions.errors += 1

    def turn(self, event: CallerSpoke | CallerSilent, now: float) -> Reading:
        """Close a caller's turn and read it."""
        troubles = dict.fromkeys(CODES, 0.0)
        raw: dict[str, float] = {}
        if isinstance(event, CallerSpoke):
            self.dialogue.spoke(event)
            raw |= speech.read(event.speech) | intent.read(event.intent)
            raw |= caller.read(event.dialogue)
            troubles["low_speech_confidence"] = speech.trouble(event.speech)
            troubles["low_intent_confidence"] = (
                1.0 if event.dialogue.no_match else intent.unsure(event.intent)
            )
            troubles["ambiguous_intent"] = intent.ambiguous(event.intent)
            troubles["novel_request"] = intent.novel(event.intent)
            troubles["frustration"] = event.dialogue.frustration
            troubles["interruptions"] = caller.interrupting(event.dialogue)
        else:
            self.dialogue.silent(event)
            raw["speech.no_input"] = 1.0
            troubles["low_speech_confidence"] = 1.0
        troubles["repeats"] = self.dialogue.repeat
        troubles["rephrasing"] = self.dialogue.rephrase
        troubles["negations"] = self.dialogue.negation
        troubles["stuck_slot"] = self.dialogue.stuck
        troubles["long_call"] = self.dialogue.long()
        troubles["tool_errors"] = float(min(self._actions.errors, 1))
        troubles["apologies"] = float(min(self._actions.apologies, 1))
        troubles["latency"] = self._latency.trouble()
        raw |= self.dialogue.read(now) | self._actions.read() | self._latency.read()
        self._actions.next_turn()
        self._latency.next_turn()
        now_by_code = tuple(troubles[code] for code in CODES)
        return Reading(raw, now_by_code, self._recent.update(troubles))

    def forget(self) -> None:
        """Start afresh: a person has sorted things out, old trouble says nothing about what follows."""
        self._recent = Recent()
        self.dialogue.no_matches = self.dialogue.silences = 0
        self._actions.next_turn()
        self._latency.next_turn()
