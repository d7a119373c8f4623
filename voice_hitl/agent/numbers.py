"""Whole numbers in English words: reading what recognizers give, saying what voices need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
)
_ROUND = "twenty thirty forty fifty sixty seventy eighty ninety"
UNITS = {word: value for value, word in enumerate(_SMALL.split())}
TENS = {word: 20 + 10 * index for index, word in enumerate(_ROUND.split())}
SCALES = {"million": 1_000_000, "thousand": 1_000}
_UNIT_WORDS = {value: word for word, value in UNITS.items()}
_TENS_WORDS = {value: word for word, value in TENS.items()}
_ORDINALS = {
    "first": 1,
    "second": 2,
    "third": 3,
    "fifth": 5,
    "eighth": 8,
    "ninth": 9,
    "twelfth": 12,
}
_REPEATS = {"double": 2, "triple": 3}
LARGEST = 999_999_999


@dataclass(frozen=True, slots=True)
class Number:
    """A number found in words `start` (inclusive) to `end` (exclusive)."""

    value: int
    start: int
    end: int


def spell(value: int) -> str:
    """Say a whole number; 0..999,999,999, else `ValueError`. No "and", as Americans speak."""
    if not 0 <= value <= LARGEST:
        raise ValueError(f"can only say 0 to {LARGEST}, not {value}")
    if value < 20:
        return _UNIT_WORDS[value]
    if value < 100:
        tens, unit = value // 10 * 10, value % 10
        return _TENS_WORDS[tens] + (f" {_UNIT_WORDS[unit]}" if unit else "")
    for size, word in ((1_000_000, "million"), (1_000, "thousand"), (100, "hundred")):
        if value >= size:
            head, rest = divmod(value, size)
            return f"{spell(head)} {word}" + (f" {spell(rest)}" if rest else "")
    raise AssertionError("unreachable: every value has a size")


def spell_digits(digits: str) -> str:
    """Say digits one by one: "4321" -> "four three two one"."""
    return " ".join(_UNIT_WORDS[int(digit)] for digit in digits)


def spell_ordinal(value: int) -> str:
    """Say an ordinal; 1..99, else `ValueError`."""
    if not 1 <= value <= 99:
        raise ValueError(f"can only say ordinals 1 to 99, not {value}")
    for word, ordinal in _ORDINALS.items():
        if ordinal == value:
            return word
    if value in _TENS_WORDS:
        return _TENS_WORDS[value].removesuffix("y") + "ieth"
    if value > 20:
        return f"{_TENS_WORDS[value // 10 * 10]} {spell_ordinal(value % 10)}"
    return _UNIT_WORDS[value] + "th"


ORDINALS = {spell_ordinal(value): value for value in range(1, 100)}


def read_number(words: Sequence[str], start: int = 0) -> Number | None:
    """Read the longest cardinal that begins at `start`; None when there is none.

    Takes "two hundred and fifty", "twenty five hundred", "a thousand", "2500".
    """
    total, at, ceiling = 0, start, LARGEST + 1
    found = False
    while at < len(words):
        after_and = found and words[at] == "and"
        group = _group(words, at + 1 if after_and else at)
        if group is None:
            break
        value, after = group
        scale = SCALES.get(words[after], 1) if after < len(words) else 1
        if scale > 1 and value < 1000:
            value, after = value * scale, after + 1
        else:
            scale = 1
        # Sizes must fall ("two thousand five hundred"), else the next number begins here.
        if value >= ceiling or (found and value == 0) or total + value > LARGEST:
            break
        total, at, found = total + value, after, True
        if scale == 1:
            break
        ceiling = scale
    return Number(total, start, at) if found else None


def _group(words: Sequence[str], at: int) -> tuple[int, int] | None:
    """A number without thousand or million: value and the index after it."""
    if at >= len(words):
        return None
    word = words[at]
    if word.isdigit() and len(word) <= 9:
        value, after = int(word), at + 1
    elif word in ("a", "an"):
        if at + 1 < len(words) and words[at + 1] in ("hundred", *SCALES):
            value, after = 1, at + 1
        else:
            return None
    elif (small := _below_hundred(words, at)) is not None:
        value, after = small
    else:
        return None
    if after < len(words) and words[after] == "hundred" and 1 <= value <= 99:
        value, after = value * 100, after + 1
        skip = 1 if after < len(words) and words[after] == "and" else 0
        rest = _below_hundred(words, after + skip)
        if rest is not None and rest[0] > 0:
            value, after = value + rest[0], rest[1]
    return value, after


def _below_hundred(words: Sequence[str], at: int) -> tuple[int, int] | None:
    if at >= len(words):
        return None
    word = words[at]
    if word in UNITS:
        return UNITS[word], at + 1
    if word in TENS:
        after = at + 1
        if after < len(words) and 1 <= UNITS.get(words[after], 0) <= 9:
            return TENS[word] + UNITS[words[after]], after + 1
        return TENS[word], after
    return None


def read_ordinal(words: Sequence[str], start: int = 0) -> Number | None:
    """Read an ordinal at `start`: "third", "twenty first", "21st"."""
    if start >= len(words):
        return None
    two = " ".join(words[start : start + 2])
    if two in ORDINALS and " " in two:
        return Number(ORDINALS[two], start, start + 2)
    word = words[start]
    if word in ORDINALS:
        return Number(ORDINALS[word], start, start + 1)
    if word[:-2].isdigit() and word[-2:] in ("st", "nd", "rd", "th"):
        return Number(int(word[:-2]), start, start + 1)
    return None


def read_digits(words: Sequence[str], start: int = 0) -> tuple[str, int]:
    """Read digits said one by one or in pairs from `start`; the digits and the index after them.

    "four three two one", "forty three twenty one", "double four oh two" all work.
    """
    digits, at = "", start
    while at < len(words):
        word = words[at]
        if word in _REPEATS and at + 1 < len(words) and (one := _digit(words[at + 1])):
            digits, at = digits + one * _REPEATS[word], at + 2
        elif one := _digit(word):
            digits, at = digits + one, at + 1
        elif word.isdigit():
            digits, at = digits + word, at + 1
        elif word == "hundred" and digits:
            digits, at = digits + "00", at + 1
        elif (pair := _below_hundred(words, at)) is not None:
            digits, at = digits + str(pair[0]), pair[1]
        else:
            break
    return digits, at


def _digit(word: str) -> str:
    if word in ("oh", "o"):
        return "0"
    value = UNITS.get(word, 10)
    return str(value) if value < 10 else ""
