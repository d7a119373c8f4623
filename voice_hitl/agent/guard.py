"""What must never be spoken or logged in full: card and account numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from voice_hitl.agent.numbers import SCALES, TENS, UNITS, read_digits, spell_digits

_RUN = re.compile(r"(?<!\d)\d(?:[ \-.]?\d){7,18}(?!\d)")
_ACCOUNT = re.compile(r"\b(?:account|iban|routing|policy)(?:\s+(?:number|no|code))?(?:\s+is)?\W*$")
_DIGIT_WORDS = frozenset({*(word for word, value in UNITS.items() if value < 10), "oh"})
_SPOKEN_LEAST = 8  # spoken digits in a row that are no telephone extension or date any more
MASK = "•"
HIDDEN = MASK * 4  # instead of something sensitive: not even its length is told
_LAST = 4  # digits of a number that are shown

# What slots and arguments are called that hold a secret, or the number of a person's account or document.
_SECRET = frozenset(
    [
        "pin",
        "cvv",
        "cvc",
        "ssn",
        "social",
        "tin",
        "otp",
        "passcode",
        "password",
        "secret",
        "security",
    ]
)
_PAPERS = ["passport", "license", "licence", "identity", "national", "verification"]
_NUMBERED = frozenset(
    [
        "account",
        "card",
        "iban",
        "routing",
        "policy",
        "insurance",
        "member",
        "patient",
        "customer",
        *_PAPERS,
    ]
)
_NO_SECRET = frozenset(
    ["amount", "sum", "total", "limit", "phone", "telephone", "mobile", "callback", "caller"]
)
_LONG = re.compile(r"\d(?:[ \-]?\d){7,}")
_COUNTING = frozenset({*UNITS, *TENS, *SCALES, "hundred"})
_AMONG_NUMBERS = frozenset({"oh", "o", "and", "double", "triple"})  # part of a number beside one
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


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
    return _apply(text, _hidden(text))


def mask_value(name: str, value: str, *, sensitive: bool = False) -> str:
    """A slot's or an argument's value as people may see it and as it is kept; twice is as once.

    Nothing of it where the pack says that it is `sensitive`. Else by its `name`: secrets are hidden whole,
    numbers of accounts and documents but for their last four digits. Under any other name so are eight digits
    and more that are neither a day, an amount nor a phone number, and what `mask` hides.
    """
    if sensitive:
        return HIDDEN if value else value
    words = frozenset(name.lower().split("_"))
    if words & _SECRET:
        return re.sub(r"\w", MASK, value)
    if _DAY.fullmatch(value) or words & _NO_SECRET:
        return mask(value)
    value, long = mask(value), _LONG.fullmatch(value)
    digits = sum(each.isdigit() for each in value)
    if digits > _LAST and (long or words & _NUMBERED):
        return re.sub(r"\d", MASK, value, count=digits - _LAST)
    return value


def hide(text: str, secrets: Iterable[str]) -> str:
    """A text without these values, however their case; digits also where they are spelled or set apart."""
    for secret in sorted(set(secrets), key=len, reverse=True):
        if not secret.strip():
            continue
        forms = [re.escape(secret)]
        if secret.isascii() and secret.isdigit():
            forms += [r"\W?".join(secret), spell_digits(secret)]
        text = re.sub(rf"(?<!\w)(?:{'|'.join(forms)})(?!\w)", HIDDEN, text, flags=re.IGNORECASE)
    return text


def hide_words(words: Sequence[str], spans: Iterable[tuple[int, int]]) -> str:
    """Words as a text without those of `spans` (start, end), nor any number, in which a value may hide."""
    gone = {at for start, end in spans for at in range(start, end)}
    gone |= {at for at, word in enumerate(words) if _counts(word)}
    for step in (1, -1):  # "oh four" and "four oh oh"
        for at in range(len(words))[::step]:
            if words[at] in _AMONG_NUMBERS and at - step in gone:
                gone.add(at)
    out: list[str] = []
    for at, word in enumerate(words):
        if at not in gone:
            out.append(word)
        elif at - 1 not in gone:
            out.append(HIDDEN)
    return " ".join(out)


def _counts(word: str) -> bool:
    return word in _COUNTING or any(each.isdigit() for each in word)


def mask_start(text: str, start: str) -> str:
    """The `start` of a text, masked as the whole of it is; a number that it breaks off in is hidden whole.

    By itself, half a number could not be told from any other. Raises `ValueError` where it is no start.
    """
    if not text.startswith(start):
        raise ValueError("not the start of the text")
    cut = len(start)
    whole = [each for each in _hidden(text) if each.end <= cut]
    broken = [each for each in _hidden(text) if each.start < cut < each.end]
    rest = [_Hidden(each.start, cut, MASK * len(each.shown)) for each in broken]
    return _apply(start, [*whole, *rest])


@dataclass(frozen=True, slots=True)
class _Hidden:
    """A number in a text, and what is shown instead."""

    start: int
    end: int
    shown: str


def _apply(text: str, hidden: Sequence[_Hidden]) -> str:
    out, at = "", 0
    for each in sorted(hidden, key=lambda each: each.start):
        out += text[at : each.start] + each.shown
        at = each.end
    return out + text[at:]


def _hidden(text: str) -> list[_Hidden]:
    written = [each for match in _RUN.finditer(text) if (each := _written(match)) is not None]
    return written + _spoken(text)


def _written(match: re.Match[str]) -> _Hidden | None:
    digits = re.sub(r"\D", "", match.group())
    card = len(digits) >= 12 and luhn(digits)
    account = _ACCOUNT.search(match.string[: match.start()].lower()) is not None
    return _Hidden(*match.span(), _last_shown(digits)) if card or account else None


def _spoken(text: str) -> list[_Hidden]:
    words = [(match.start(), match.end()) for match in re.finditer(r"\S+", text)]
    plain = [text[start:end].lower().strip(",.") for start, end in words]
    found: list[_Hidden] = []
    at = 0
    while at < len(words):
        end = at
        while end < len(words) and plain[end] in _DIGIT_WORDS:
            end += 1
        if end - at >= _SPOKEN_LEAST:
            digits, _ = read_digits(plain[at:end])
            found.append(_Hidden(words[at][0], words[end - 1][1], _last_shown(digits)))
        at = max(end, at + 1)
    return found


def _last_shown(digits: str) -> str:
    return MASK * (len(digits) - _LAST) + digits[-_LAST:]
