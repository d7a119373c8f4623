"""What an agent must never say: card numbers, social security numbers, keys, passwords.

Patterns, not judgement: they find these few things wherever they are written (card numbers also where they
are spelled out in English, as for speech) and nothing else.
"""

from __future__ import annotations

import re

_CARD = re.compile(r"(?<!\d)\d(?:[ .\-]?\d){12,}(?!\d)")
_PATTERNS = (
    ("social_security_number", re.compile(r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])")),
    ("private_key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")),
    (
        "api_key",
        # With a digit: "sk-" may begin a word or two.
        re.compile(r"\b(?:(?:sk|pk|rk|ghp|gho|xox[abp])[-_]|AKIA|AIza)(?=[\w-]*\d)[\w-]{16,}"),
    ),
    (
        "password",
        # "is" and a word with a digit or sign in it: "your password is required" is no leak.
        re.compile(
            r"\b(?:password|passcode|pin)\b(?: code| number)? (?:is|was)[: ]+"
            r"(?=\S*[\d!#$%^&*])\S{4,}",
            re.IGNORECASE,
        ),
    ),
)
_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_DIGITS = {"oh": "0"} | {word: str(value) for value, word in enumerate(_WORDS)}
_TIMES = {"double": 2, "triple": 3}


def leak_in(text: str, before: str = "") -> str | None:
    """The kind of the first leak that ends in `text`, or None.

    `before` is what was said just before in the same breath: a leak may begin there.
    """
    joined = f"{before} {text}" if before else text
    begin = len(joined) - len(text)
    for written in (joined, _with_digits(before, text)):
        start = begin if written is joined else len(_digits_of(before))
        for match in _CARD.finditer(written):
            if match.end() > start and _holds_card(re.sub(r"\D", "", match.group())):
                return "card_number"
    for kind, pattern in _PATTERNS:
        if any(match.end() > begin for match in pattern.finditer(joined)):
            return kind
    return None


def _with_digits(before: str, text: str) -> str:
    return f"{_digits_of(before)} {_digits_of(text)}"


def _digits_of(text: str) -> str:
    """The text with spelled-out digits as digits: "double four, one" becomes "44 1"."""
    out: list[str] = []
    times = 1
    for word in re.findall(r"[^\W_]+", text.casefold()):
        if word in _TIMES:
            times = _TIMES[word]
            continue
        out.append(_DIGITS[word] * times if word in _DIGITS else word)
        times = 1
    return " ".join(out)


def _holds_card(digits: str) -> bool:
    """Whether a run of digits is a card number, or begins or ends with one (an expiry date may follow)."""
    runs = {digits[:15], digits[:16], digits[-16:]} | ({digits} if len(digits) <= 19 else set())
    return any(len(run) >= 13 and _is_card(run) for run in runs)


def _is_card(digits: str) -> bool:
    """The check of card numbers (Luhn; ISO/IEC 7812-1, annex B) and the first digits that cards have."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0 and digits[0] in "23456" and len(set(digits)) > 1
