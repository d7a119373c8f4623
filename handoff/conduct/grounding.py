"""What has been said and shown in a conversation, and whether an action's arguments are among it.

Language-neutral: words, numbers and ids are compared as they are written; nothing is known of any trade.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

LONGEST_TEXT = 10_000  # characters of one text that are read; what follows is not seen
REMEMBERED = 2_000  # distinct words kept of one speaker; the oldest are forgotten first
MOST_VALUES = 200  # values of one action that are looked at
DEEPEST = 8  # levels of nested arguments that are looked at
SMALLEST_AMOUNT = 20.0  # smaller numbers are mostly counts, which people say in words
STEM = 4  # letters that two forms of a word share ("book", "booking")

_WORD = re.compile(r"[a-z0-9]+(?:[_:.'’-][a-z0-9]+)*")
_PIECE = re.compile(r"[a-z]+|\d+")
_PART = re.compile(r"[_:.'’-]")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_DATE_OR_TIME = re.compile(r"\d{4}-\d\d-\d\d.*|\d{1,2}:\d\d.*")
_PLAIN_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_MONEY = re.compile(r"[$€£]\s?(\d[\d,]*(?:\.\d+)?)|(\d[\d,]*\.\d\d)")

Value = str | int | float


def words(text: str) -> dict[str, None]:
    """The words of a text in lower case, each joined one whole and in parts; numbers in plain form."""
    found: dict[str, None] = {}
    for word in _WORD.findall(_THOUSANDS.sub("", text[:LONGEST_TEXT].lower())):
        found[word] = None
        if not word.isalnum():
            if _PLAIN_NUMBER.fullmatch(word):
                found[plain(float(word))] = None
            for part in _PART.split(word):
                found[part] = None
    return found


def plain(number: float) -> str:
    """A number as `words` gives it: 250.0 is "250", 2.5 is "2.50"."""
    return str(int(number)) if number == int(number) else f"{number:.2f}"


class Seen:
    """The latest distinct words of one source, bounded by `REMEMBERED`."""

    __slots__ = ("_words",)

    def __init__(self) -> None:
        self._words: dict[str, None] = {}

    def add(self, found: Iterable[str]) -> None:
        """Take in the words of a text."""
        _keep(self._words, found)

    def __contains__(self, word: str) -> bool:
        return word in self._words

    def says(self, value: Value) -> bool:
        """Whether all words of a value were said."""
        parts = parts_of(value)
        return bool(parts) and all(part in self._words for part in parts)


class Named(Seen):
    """The same, knowing words by their first letters too."""

    __slots__ = ("_stems",)

    def __init__(self) -> None:
        super().__init__()
        self._stems: dict[str, None] = {}

    def add(self, found: Iterable[str]) -> None:
        """Take in the words of a text."""
        kept = list(found)
        super().add(kept)
        _keep(self._stems, (word[:STEM] for word in kept))

    def names(self, name: str) -> bool:
        """Whether any word of an argument's name was said, in any form that begins alike."""
        return any(part[:STEM] in self._stems for part in name_words(name))


def _keep(known: dict[str, None], new: Iterable[str]) -> None:
    for word in new:
        known.pop(word, None)
        known[word] = None
    while len(known) > REMEMBERED:
        del known[next(iter(known))]


def name_words(name: str) -> list[str]:
    """The words of an argument's or action's name, from snake_case or camelCase; two letters are none."""
    return [part for part in re.findall(r"[a-z]+", _HUMP.sub(" ", name).lower()) if len(part) > 2]


def parts_of(value: Value) -> list[str]:
    """The smallest words of a value: `credit_card_12` -> credit, card, 12; a figure is one."""
    figure = number(value)
    if figure is not None:
        return [plain(figure)]
    return _PIECE.findall(_THOUSANDS.sub("", str(value)[:LONGEST_TEXT].lower()))


def details(arguments: Mapping[str, object]) -> dict[str, list[Value]]:
    """All values of an action by the name they stand under, lists and objects unfolded.

    Empty, boolean-free and bounded: None and NaN are left out, True and False become "yes" and "no", and what
    lies deeper than `DEEPEST` or beyond `MOST_VALUES` is not looked at.
    """
    found: dict[str, list[Value]] = {}
    budget = MOST_VALUES

    def unfold(name: str, item: object, depth: int) -> None:
        nonlocal budget
        if depth > DEEPEST or budget <= 0:
            return
        if isinstance(item, Mapping):
            for key, inner in item.items():
                unfold(str(key), inner, depth + 1)
        elif isinstance(item, list | tuple):
            for inner in item:
                unfold(name, inner, depth + 1)
        elif isinstance(item, bool):
            budget -= 1
            found.setdefault(name, []).append("yes" if item else "no")
        elif isinstance(item, str) or (isinstance(item, int | float) and abs(item) < 1e15):
            budget -= 1
            found.setdefault(name, []).append(item)

    unfold("", arguments, 0)
    return found


def is_id(value: Value) -> bool:
    """Whether a value looks like a record's key: text of four characters or more with a digit, no date."""
    return (
        isinstance(value, str)
        and len(value) >= 4
        and any(letter.isdigit() for letter in value)
        and not _DATE_OR_TIME.fullmatch(value)
        and not _MONEY.fullmatch(value.strip())
    )


def number(value: Value) -> float | None:
    """The figure that a value is: a number, or text written as money ("$1,200", "250.00")."""
    if not isinstance(value, str):
        return float(value)
    written = _MONEY.fullmatch(value.strip()[:40])
    return float((written[1] or written[2]).replace(",", "")) if written else None
