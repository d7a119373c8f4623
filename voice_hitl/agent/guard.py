"""What must never be spoken or logged in full: card and account numbers."""

from __future__ import annotations

import re

from voice_hitl.agent.numbers import UNITS, read_digits

_RUN = re.compile(r"(?<!\d)\d(?:[ \-.]?\d){7,18}(?!\d)")
_ACCOUNT = re.compile(r"\b(?:account|iban|routing|policy)(?:\s+(?:number|no|code))?(?:\s+is)?\W*$")
_DIGIT_WORDS = frozenset({*(word for word, value in UNITS.items() if value < 10), "oh"})
_SPOKEN_LEAST = 8  # spoken digits in a row that are no telephone extension or date any more
MASK = "•"


def luhn(digits: str) -> bool:
    """Whether digits pass the check of card numbers (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def mask(text: str) -> str:
    """Hide all but the last four digits of card and account numbers, written or spoken.

    Written: 12 to 19 digits that pass the Luhn check, or 8 to 19 right after "account number" and the
    like. Spoken: eight or more digit words in a row, since recognizers write no punctuation that could tell
    a card from anything else.
    """
    text = _RUN.sub(_mask_run, text)
    return _mask_spoken(text)


def _mask_run(match: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", match.group())
    card = len(digits) >= 12 and luhn(digits)
    account = _ACCOUNT.search(match.string[: match.start()].lower()) is not None
    return MASK * (len(digits) - 4) + digits[-4:] if card or account else match.group()


def _mask_spoken(text: str) -> str:
    parts = re.split(r"(\s+)", text)
    words = parts[::2]
    out = list(parts)
    at = 0
    while at < len(words):
        end = at
        while end < len(words) and words[end].lower().strip(",.") in _DIGIT_WORDS:
            end += 1
        if end - at >= _SPOKEN_LEAST:
            digits, _ = read_digits([word.lower().strip(",.") for word in words[at:end]])
            for place in range(2 * at, 2 * end - 1):
                out[place] = ""
            out[2 * at] = MASK * (len(digits) - 4) + digits[-4:]
        at = max(end, at + 1)
    return "".join(out)
