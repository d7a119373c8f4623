"""Typed slots: finds what a turn says of amounts, days, digits, choices, yes and no.

Reading goes in two steps. Every wanted slot marks the words it could take; then spans that overlap
are settled, longest first, and each is given to one slot: by the cue before it ("from", "to"), else
to the slot that was asked for, else to the only one that is still open.
"""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from voice_hitl.agent.dates import read_dates, say_date, show_date
from voice_hitl.agent.languages import Language
from voice_hitl.agent.money import Amount, Currency, read_amounts, say_amount, show_amount
from voice_hitl.agent.numbers import UNITS, read_digits, spell_digits
from voice_hitl.agent.spec import SlotSpec
from voice_hitl.agent.text import LIGHT, Tokens, find, plain

EXACT, BARE, LOOSE = 0.97, 0.75, 0.6  # P(value right): in its own words; unit not said; words alike
_ALIKE = 0.84  # difflib ratio of two words that a recognizer may have mixed up
_CUE_WINDOW = 5  # words before a value in which its cue is looked for
_DIGIT_CUES = frozenset({"ending", "ends", "end", "digits", "number", "numbers", "code", "four"})
_SLOT_WORDS = frozenset({"account", "accounts", "card", "branch", "dollars", "day", "one", "it"})


@dataclass(frozen=True, slots=True)
class SlotValue:
    """A slot's value and the words it was read from (none when keyed in)."""

    slot: str
    value: str  # canonical: choice key, "250.00", "2025-03-03", "4321", "yes"
    shown: str  # for screens
    spoken: str  # for voices
    score: float = EXACT  # P(read right), given that the words are right
    start: int = 0
    end: int = 0


@dataclass(slots=True)
class _Span:
    start: int
    end: int
    rank: int  # smaller wins a tie
    options: dict[str, tuple[str, float]] = field(default_factory=dict)  # slot -> value, score


class SlotReader:
    """Reads the slots of one pack."""

    def __init__(
        self, specs: Mapping[str, SlotSpec], language: Language, currency: Currency
    ) -> None:
        self._specs = dict(specs)
        self._language = language
        self._currency = currency
        self._synonyms: dict[str, list[tuple[Tokens, str]]] = {}
        self._telling: dict[str, dict[str, str]] = {}
        for name, spec in self._specs.items():
            pairs = [(plain(text), key) for key, texts in spec.values.items() for text in texts]
            self._synonyms[name] = sorted(pairs, key=lambda pair: -len(pair[0]))
            self._telling[name] = _telling_words(pairs)
        self._cues = {name: [plain(cue) for cue in spec.cues] for name, spec in self._specs.items()}
        self._cue_words = frozenset(
            word for cues in self._cues.values() for cue in cues for word in cue
        )

    def read(
        self,
        words: Tokens,
        wanted: Sequence[str],
        today: dt.date,
        *,
        pending: str | None = None,
        known: Iterable[str] = (),
    ) -> dict[str, SlotValue]:
        """Find the values of the `wanted` slots in `words` (from `plain`)."""
        spans = self._settle(self._spans(words, wanted, today, pending))
        spans = [span for span in spans if not self._negated(words, span)]
        chosen: dict[str, SlotValue] = {}
        loose: list[_Span] = []
        for index, span in enumerate(spans):
            floor = spans[index - 1].end if index else 0
            slot = self._cued(words, span, floor)
            if slot is None:
                loose.append(span)
            else:
                chosen[slot] = self._value(slot, span)
        taken: dict[str, _Span] = {}
        for span in loose:
            slot = self._place(words, span, pending, {*known, *chosen}, taken, len(loose))
            if slot is not None:
                taken[slot] = span
                chosen[slot] = self._value(slot, span)
        return chosen

    def read_yes_no(self, words: Tokens) -> tuple[bool | None, int]:
        """Whether the words say yes or no (None: neither or both), and how many words say it."""
        left = list(words)
        no = _strip(left, self._language.no)
        yes = _strip(left, self._language.yes)
        if yes and no:
            return None, yes + no  # "no, that was me": nothing to rely on
        return (bool(yes), yes + no) if yes or no else (None, 0)

    def keyed(self, slot: str, digits: str) -> SlotValue | None:
        """The value of a slot keyed in on the phone, if keys can say it."""
        spec = self._specs[slot]
        if spec.type == "digits" and len(digits) == spec.length and digits.isdigit():
            return self.make(slot, digits)
        if spec.type == "amount" and digits.isdigit() and int(digits) > 0 and len(digits) <= 9:
            return self.make(slot, f"{int(digits)}.00")
        return None

    def make(
        self, slot: str, value: str, score: float = EXACT, start: int = 0, end: int = 0
    ) -> SlotValue:
        """Dress a canonical value with its spoken and shown forms."""
        spec = self._specs[slot]
        if spec.type == "amount":
            amount = Decimal(value)
            shown, spoken = (
                show_amount(amount, self._currency),
                say_amount(amount, self._currency),
            )
        elif spec.type == "date":
            day = dt.date.fromisoformat(value)
            shown, spoken = show_date(day), say_date(day)
        elif spec.type == "digits":
            shown, spoken = value, spell_digits(value)
        elif spec.type == "choice":
            shown = spoken = spec.values[value][0]
        else:
            shown = spoken = value
        return SlotValue(slot, value, shown, spoken, score, start, end)

    def unexplained(self, words: Tokens, values: Iterable[SlotValue]) -> list[str]:
        """The content words that no value, cue, yes, no or polite phrase accounts for."""
        covered = {at for value in values for at in range(value.start, value.end)}
        left = [word if at not in covered else "" for at, word in enumerate(words)]
        said = self._language
        for group in (said.corrections, said.no, said.yes, said.polite):
            _strip(left, group)
        ignored = LIGHT | _SLOT_WORDS | self._cue_words
        return [word for word in left if word and word not in ignored]

    # --- marking ------------------------------------------------------------------------------

    def _spans(
        self, words: Tokens, wanted: Sequence[str], today: dt.date, pending: str | None
    ) -> list[_Span]:
        spans: dict[tuple[int, int, int], _Span] = {}

        def mark(rank: int, start: int, end: int, slot: str, value: str, score: float) -> None:
            span = spans.setdefault((start, end, rank), _Span(start, end, rank))
            span.options.setdefault(slot, (value, score))

        for name in wanted:
            spec = self._specs[name]
            if spec.type == "choice":
                for start, end, value, score in self._choices(words, name, loose=name == pending):
                    mark(0, start, end, name, value, score)
            elif spec.type == "digits":
                for start, end, digits in _digit_runs(words, spec.length):
                    near = words[max(0, start - 3) : start]
                    if name == pending or _DIGIT_CUES.intersection(near):
                        mark(1, start, end, name, digits, EXACT)
            elif spec.type == "date":
                for day in read_dates(words, today, future=spec.future):
                    mark(2, day.start, day.end, name, day.value.isoformat(), EXACT)
            elif spec.type == "amount":
                for amount in self._amounts(words, asked=name == pending):
                    score = EXACT if amount.unit else 0.95 if name == pending else BARE
                    mark(3, amount.start, amount.end, name, f"{amount.value:.2f}", score)
        if pending in wanted and pending is not None and self._specs[pending].type == "yes_no":
            answer, said = self.read_yes_no(words)
            if answer is not None:
                score = EXACT if said * 2 >= len(words) else BARE
                mark(4, 0, 0, pending, "yes" if answer else "no", score)
        return list(spans.values())

    def _choices(
        self, words: Tokens, slot: str, *, loose: bool
    ) -> list[tuple[int, int, str, float]]:
        found: list[tuple[int, int, str, float]] = []
        for phrase, key in self._synonyms[slot]:
            at = find(phrase, words)
            while at >= 0:
                found.append((at, at + len(phrase), key, EXACT))
                at = find(phrase, words, at + 1)
        if found or not loose:
            return found
        # The slot was asked for and nothing fits exactly: take a telling or similar word.
        telling = self._telling[slot]
        for at, word in enumerate(words):
            if word in telling:
                return [(at, at + 1, telling[word], LOOSE)]
        for at, word in enumerate(words):
            close = difflib.get_close_matches(word, telling, n=1, cutoff=_ALIKE)
            if close and len(word) >= 5:
                return [(at, at + 1, telling[close[0]], LOOSE)]
        return []

    def _amounts(self, words: Tokens, *, asked: bool) -> list[Amount]:
        found = read_amounts(words, self._currency)
        if asked and len(found) > 1 and not any(amount.unit for amount in found):
            digits, end = read_digits(words, found[0].start)
            single = all(
                word in UNITS or word in ("oh", "o") for word in words[found[0].start : end]
            )
            if single and end == found[-1].end and int(digits) > 0 and len(digits) <= 9:
                return [Amount(Decimal(int(digits)), found[0].start, end, unit=False)]
        # A bare "one" or "two" is a word of the sentence far more often than an amount.
        return [
            amount
            for amount in found
            if amount.value > 0 and (amount.unit or asked or amount.value >= 5)
        ]

    # --- settling -----------------------------------------------------------------------------

    @staticmethod
    def _settle(spans: list[_Span]) -> list[_Span]:
        kept: list[_Span] = []
        for span in sorted(spans, key=lambda each: (each.start - each.end, each.rank, each.start)):
            if all(span.end <= other.start or span.start >= other.end for other in kept):
                kept.append(span)
        return sorted(kept, key=lambda each: each.start)

    @staticmethod
    def _negated(words: Tokens, span: _Span) -> bool:
        for word in reversed(words[max(0, span.start - 4) : span.start]):
            if word == "not":
                return True
            if word not in LIGHT and word not in ("from", "into", "out"):
                return False
        return False

    def _cued(self, words: Tokens, span: _Span, floor: int) -> str | None:
        """The slot whose cue is nearest before the span, if just one of its options has it."""
        best: dict[str, int] = {}
        for slot in span.options:
            for cue in self._cues[slot]:
                for at in range(max(floor, span.start - _CUE_WINDOW), span.start - len(cue) + 1):
                    if words[at : at + len(cue)] == cue:
                        best[slot] = max(best.get(slot, -1), at + len(cue))
        if not best:
            return None
        nearest = max(best.values())
        winners = [slot for slot, at in best.items() if at == nearest]
        return winners[0] if len(winners) == 1 else None

    def _place(
        self,
        words: Tokens,
        span: _Span,
        pending: str | None,
        known: set[str],
        taken: Mapping[str, _Span],
        loose: int,
    ) -> str | None:
        """The slot of a span without a cue."""
        options = [slot for slot in span.options if slot not in taken]
        if pending in span.options:
            former = taken.get(pending or "")
            corrected = former is None or "no" in words[former.end : span.start]
            if corrected or not [slot for slot in options if slot not in known]:
                return pending
        open_ones = [slot for slot in options if slot not in known]
        if len(span.options) == 1:
            return next(iter(span.options))
        if len(open_ones) == 1 or (open_ones and loose > 1):
            return open_ones[0]
        return None

    def _value(self, slot: str, span: _Span) -> SlotValue:
        value, score = span.options[slot]
        return self.make(slot, value, score, span.start, span.end)


def _telling_words(pairs: Sequence[tuple[Tokens, str]]) -> dict[str, str]:
    """Words of five letters or more that occur in the phrases of one value only."""
    owners: dict[str, set[str]] = {}
    for phrase, key in pairs:
        for word in phrase:
            owners.setdefault(word, set()).add(key)
    return {
        word: next(iter(keys))
        for word, keys in owners.items()
        if len(keys) == 1 and len(word) >= 5 and word not in LIGHT
    }


def _digit_runs(words: Tokens, length: int) -> list[tuple[int, int, str]]:
    """Runs of digit words that make exactly `length` digits."""
    found, at = [], 0
    while at < len(words):
        digits, end = read_digits(words, at)
        if len(digits) == length:
            found.append((at, end, digits))
        at = max(end, at + 1)
    return found


def _strip(words: list[str], phrases: Sequence[Tokens]) -> int:
    """Blank the first hit of each phrase (longest first) and return how many words went."""
    gone = 0
    for phrase in phrases:
        at = find(phrase, words)
        if at >= 0:
            words[at : at + len(phrase)] = [""] * len(phrase)
            gone += len(phrase)
    return gone
