"""A pack's own words: material for the recognizer's language model and for the intent models."""

from __future__ import annotations

import itertools
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from voice_hitl.agent.dates import spoken_dates
from voice_hitl.agent.languages import Language
from voice_hitl.agent.money import Currency, say_amount
from voice_hitl.agent.numbers import UNITS, spell, spell_digits
from voice_hitl.agent.spec import AgentSpec, SlotSpec
from voice_hitl.agent.text import Tokens, plain, tokens
from voice_hitl.language import LanguageSource

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
DIGIT = "digit"  # class of single digits; slots of digits are rows of it
_COPIES = 2  # a template becomes this many training sentences


@dataclass(frozen=True, slots=True)
class Example:
    """One training sentence; sentences of one template share `group` and never part in a split."""

    words: Tokens
    label: str
    group: int


def spoken_amounts(currency: Currency) -> tuple[str, ...]:
    """Amounts as callers say them, with and without the unit."""
    values = [*range(1, 101), *range(110, 1000, 10), *range(125, 1000, 50)]
    values += [*range(1000, 3001, 100), *range(3500, 10_001, 500), 15_000, 20_000, 50_000]
    said: dict[str, None] = {}
    for value in sorted(set(values)):
        for form in _forms(value):
            said[f"{form} {currency.unit if value == 1 else currency.units}"] = None
            if value >= 20:
                said[form] = None
            for slang in currency.slang[-1:]:
                if value <= 100 and value % 5 == 0:
                    said[f"{form} {slang}"] = None
    for value in range(5, 100, 5):
        for cents in (25, 50, 75, 99):
            said[say_amount(Decimal(value) + Decimal(cents) / 100, currency)] = None
    return tuple(said)


def _forms(value: int) -> Iterator[str]:
    """Ways to say a whole number: with "and", with "a", in hundreds."""
    plain_form = spell(value)
    yield plain_form
    hundreds, rest = divmod(value, 100)
    if rest and 1 <= hundreds <= 9:
        yield f"{spell(hundreds)} hundred and {spell(rest)}"
        if rest >= 10:
            yield f"{spell(hundreds)} {spell(rest)}"
    if plain_form.startswith("one "):
        yield "a " + plain_form.removeprefix("one ")
    if 11 <= hundreds <= 99 and hundreds % 10 and not rest:
        yield f"{spell(hundreds)} hundred"


def spoken_values(spec: SlotSpec, language: Language, currency: Currency) -> tuple[str, ...]:
    """What callers may say for a slot; of digits only samples, since there are too many."""
    if spec.type == "choice":
        return tuple(_clean(text) for texts in spec.values.values() for text in texts)
    if spec.type == "amount":
        return spoken_amounts(currency)
    if spec.type == "date":
        return spoken_dates()
    if spec.type == "yes_no":
        return tuple(_clean(text) for text in (*language.spec.yes, *language.spec.no))
    step = 10**spec.length // 97  # spread over the range, so that every digit occurs in each place
    samples = (f"{n * step:0{spec.length}d}" for n in range(1, 97))
    return tuple(spell_digits(sample) for sample in samples)


def language_source(
    agent: AgentSpec, language: Language, currency: Currency, expected: Iterable[str] = ()
) -> LanguageSource:
    """All that callers of a pack may say; `expected` are further sentences."""
    rows = {
        name: " ".join([f"{{{DIGIT}}}"] * spec.length)
        for name, spec in agent.slots.items()
        if spec.type == "digits"
    }
    spec = language.spec
    texts: list[str] = [text for intent in agent.intents.values() for text in intent.examples]
    texts += agent.phrases
    for name, slot in agent.slots.items():
        if slot.type != "yes_no":
            texts += [f"{{{name}}}", f"{{{name}}} please", f"it's {{{name}}}"]
            texts += [f"{cue} {{{name}}}" for cue in slot.cues]
    for act in spec.acts.values():
        texts += act.examples
    texts += [*spec.yes, *spec.no, *spec.unknown, *spec.frustration, *spec.emergency]
    texts += [*agent.emergency, *spec.not_person, *agent.elsewhere, *spec.elsewhere, *expected]
    classes = {
        name: spoken_values(slot, language, currency)
        for name, slot in agent.slots.items()
        if slot.type not in ("digits", "yes_no")
    }
    if rows:
        classes[DIGIT] = (*(word for word, value in UNITS.items() if value < 10), "oh")
    sentences = dict.fromkeys(_clean(_fill(text, rows)) for text in texts)
    return LanguageSource(sentences=tuple(sentences), classes=classes)


def examples(agent: AgentSpec, language: Language, currency: Currency) -> list[Example]:
    """Training sentences of all intents and acts, templates filled with rotating slot values."""
    values = {name: spoken_values(slot, language, currency) for name, slot in agent.slots.items()}
    found: list[Example] = []
    group = 0
    acts: dict[str, str] = {}
    for name, intent in agent.intents.items():
        if intent.act is not None:
            acts[intent.act] = name
        for text in intent.examples:
            found += (Example(words, name, group) for words in expand(text, values))
            group += 1
    for act, spec in language.spec.acts.items():
        label = acts.get(act, act)
        for text in spec.examples:
            found.append(Example(plain(text), label, group))
            group += 1
    return found


def answers(agent: AgentSpec, language: Language, currency: Currency) -> list[Tokens]:
    """The pack's further phrases, filled: answers and corrections within the flows."""
    values = {name: spoken_values(slot, language, currency) for name, slot in agent.slots.items()}
    return [words for text in agent.phrases for words in expand(text, values)]


def expand(text: str, values: Mapping[str, tuple[str, ...]]) -> list[Tokens]:
    """Fill a template `_COPIES` times with different values; a text without slots comes back alone."""
    copies = _COPIES if PLACEHOLDER.search(text) else 1
    start = zlib.crc32(text.encode())
    return [plain(_filled(text, values, start + 7919 * copy)) for copy in range(copies)]


def _filled(text: str, values: Mapping[str, tuple[str, ...]], start: int) -> str:
    numbers = itertools.count(start)

    def pick(match: re.Match[str]) -> str:
        choices = values[match.group(1)]
        return choices[next(numbers) % len(choices)]

    return PLACEHOLDER.sub(pick, text)


def _fill(text: str, values: Mapping[str, str]) -> str:
    return PLACEHOLDER.sub(lambda match: values.get(match.group(1), match.group(0)), text)


def _clean(text: str) -> str:
    """Lower case and without punctuation, placeholders kept."""
    parts = []
    at = 0
    for match in PLACEHOLDER.finditer(text):
        parts += [*tokens(text[at : match.start()]), match.group(0)]
        at = match.end()
    return " ".join([*parts, *tokens(text[at:])])
