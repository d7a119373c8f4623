"""How finished the caller sounds, from the words so far: decides how long a pause the server waits out."""

from __future__ import annotations

from voice_hitl.agent.languages import Language
from voice_hitl.agent.money import Currency
from voice_hitl.agent.nlu import OUTSIDE, IntentModel
from voice_hitl.agent.numbers import TENS, UNITS, read_digits
from voice_hitl.agent.reading import Context
from voice_hitl.agent.slots import SlotReader
from voice_hitl.agent.spec import SlotSpec
from voice_hitl.agent.table import State
from voice_hitl.agent.text import Tokens, plain, tokens

# Judgements by hand, not fitted: there are no recordings yet that could teach them.
NOTHING, HANGING, OPEN, LIKELY, WHOLE = 0.2, 0.05, 0.45, 0.6, 0.95
_SURE_SHARE, _FAIR_SHARE = 0.8, 0.5
_LONGEST_TAIL = 3  # words of an unfinished ending
_NUMBER_TAIL = frozenset({*UNITS, *TENS, "hundred", "thousand", "million", "point", "grand"})


class Completeness:
    """Judges partial transcripts for one pack. Costs tens of microseconds."""

    def __init__(
        self,
        specs: dict[str, SlotSpec],
        language: Language,
        currency: Currency,
        slots: SlotReader,
        intents: IntentModel,
    ) -> None:
        self._specs = specs
        self._language = language
        self._units = currency.unit_words | currency.cent_words
        self._slots = slots
        self._intents = intents

    def __call__(self, partial: str, context: Context) -> float:
        """P(the caller has finished), 0..1."""
        raw, words = tokens(partial), plain(partial)
        if not words:
            return NOTHING
        pending = context.pending
        if pending is not None and self._specs[pending].type == "digits":
            return self._digits(words, self._specs[pending].length)
        if self._hangs(raw):
            return HANGING
        if pending is not None:
            values = self._slots.read(words, (pending,), context.today, pending=pending)
            if pending in values:
                return self._answered(words, pending)
        elif context.state not in (State.OPEN, State.MORE):
            answer, said = self._slots.read_yes_no(words)
            if answer is not None and said * 2 >= len(words):
                # After a no often comes what is right: "no, from savings".
                return WHOLE if answer else LIKELY
        if self._number_may_go_on(words):
            return OPEN
        intent, share = self._intents.best(words)
        if intent == OUTSIDE or share < _FAIR_SHARE:
            return OPEN
        return 0.9 if share >= _SURE_SHARE else LIKELY

    def _hangs(self, raw: Tokens) -> bool:
        """Whether the words end in one that never ends a sentence."""
        return any(raw[-size:] in self._language.unfinished for size in range(1, _LONGEST_TAIL + 1))

    def _answered(self, words: Tokens, pending: str) -> float:
        if self._specs[pending].type == "amount" and self._number_may_go_on(words):
            return LIKELY
        if self._specs[pending].type == "yes_no" and self._slots.read_yes_no(words)[0] is False:
            return 0.8
        return WHOLE

    def _number_may_go_on(self, words: Tokens) -> bool:
        """Whether the words end in a number without its unit: "two hundred" may go on."""
        return words[-1] in _NUMBER_TAIL or words[-1].isdigit()

    @staticmethod
    def _digits(words: Tokens, length: int) -> float:
        most = 0
        for at in range(len(words)):
            most = max(most, len(read_digits(words, at)[0]))
        if most == 0:
            return OPEN
        return WHOLE if most >= length else HANGING
