"""English number words, as a person on the phone says them."""

from __future__ import annotations

_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen"),
    *("seventeen", "eighteen", "nineteen"),
)
_TENS = (
    *("zero", "ten", "twenty", "thirty", "forty", "fifty"),
    *("sixty", "seventy", "eighty", "ninety"),
)
_SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"))
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}

LARGEST = 10**15 - 1


def cardinal(number: int) -> str:
    """Return ``1240`` as "one thousand two hundred forty"; `ValueError` outside 0..`LARGEST`."""
    if not 0 <= number <= LARGEST:
        raise ValueError(f"{number} is outside 0..{LARGEST}")
    if number < 20:
        return _ONES[number]
    if number < 100:
        tens, rest = divmod(number, 10)
        return _TENS[tens] + (f"-{_ONES[rest]}" if rest else "")
    if number < 1000:
        hundreds, rest = divmod(number, 100)
        return f"{_ONES[hundreds]} hundred" + (f" {cardinal(rest)}" if rest else "")
    scale, name = next((scale, name) for scale, name in _SCALES if number >= scale)
    many, rest = divmod(number, scale)
    return f"{cardinal(many)} {name}" + (f" {cardinal(rest)}" if rest else "")


def ordinal(number: int) -> str:
    """Return ``21`` as "twenty-first"; `ValueError` outside 0..`LARGEST`."""
    words = cardinal(number)
    at = max(words.rfind(" "), words.rfind("-")) + 1
    last = words[at:]
    if last in _ORDINALS:
        return words[:at] + _ORDINALS[last]
    return words[:at] + (last[:-1] + "ieth" if last.endswith("y") else last + "th")


def digits(figures: str) -> str:
    """Return ``"4421"`` as "four four two one"; anything but ASCII digits is skipped."""
    return " ".join(_ONES[int(figure)] for figure in figures if figure in "0123456789")


def year(number: int) -> str:
    """Return ``2026`` as "twenty twenty-six", ``2005`` as "two thousand five"; for 1000..2099."""
    if not 1000 <= number <= 2099:
        raise ValueError(f"{number} is outside 1000..2099")
    century, rest = divmod(number, 100)
    if century % 10 == 0:
        return cardinal(number) if rest < 10 else f"{cardinal(century)} {cardinal(rest)}"
    if rest == 0:
        return f"{cardinal(century)} hundred"
    return f"{cardinal(century)} " + (f"oh {_ONES[rest]}" if rest < 10 else cardinal(rest))


def decimal(figures: str) -> str:
    """Return ``"3.05"`` as "three point zero five"; thousands may be set off with commas."""
    whole, _, fraction = figures.replace(",", "").partition(".")
    words = integer(whole or "0")
    return f"{words} point {digits(fraction)}" if fraction else words


def integer(figures: str) -> str:
    """Return plain figures as a number, or one by one where nobody would say the number."""
    if len(figures) > 6 or (len(figures) > 1 and figures[0] == "0"):
        return digits(figures)
    return cardinal(int(figures))
