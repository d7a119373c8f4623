"""Amounts of money: read from spoken or typed words, said for a voice, shown on a screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from voice_hitl.agent.numbers import TENS, UNITS, read_number, spell


@dataclass(frozen=True, slots=True)
class Currency:
    """Names of a currency, as callers say them."""

    code: str
    sign: str
    unit: str
    units: str
    cent: str
    cents: str
    slang: tuple[str, ...] = ()

    @property
    def unit_words(self) -> frozenset[str]:
        """Every word that names the unit."""
        return frozenset((self.unit, self.units, *self.slang))

    @property
    def cent_words(self) -> frozenset[str]:
        """Every word that names the hundredth."""
        return frozenset((self.cent, self.cents))


CURRENCIES = {
    currency.code: currency
    for currency in (
        Currency("USD", "$", "dollar", "dollars", "cent", "cents", ("buck", "bucks")),
        Currency("GBP", "£", "pound", "pounds", "penny", "pence", ("quid",)),
        Currency("EUR", "€", "euro", "euros", "cent", "cents"),
    )
}


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount found in words `start` (inclusive) to `end` (exclusive)."""

    value: Decimal
    start: int
    end: int
    unit: bool  # the currency was said


def show_amount(value: Decimal, currency: Currency) -> str:
    """Write an amount for a screen: "$2,500.00"."""
    return f"{currency.sign}{value:,.2f}"


def say_amount(value: Decimal, currency: Currency) -> str:
    """Say an amount, 0 to 999,999,999.99: "two thousand five hundred dollars and ten cents"."""
    whole, cents = divmod(int((value * 100).to_integral_value()), 100)
    parts = []
    if whole or not cents:
        parts.append(f"{spell(whole)} {currency.unit if whole == 1 else currency.units}")
    if cents:
        parts.append(f"{spell(cents)} {currency.cent if cents == 1 else currency.cents}")
    return " and ".join(parts)


def read_amounts(words: Sequence[str], currency: Currency) -> list[Amount]:
    """All amounts in the words, left to right, without overlaps."""
    found: list[Amount] = []
    at = 0
    while at < len(words):
        amount = read_amount(words, at, currency)
        if amount is None:
            at += 1
        else:
            found.append(amount)
            at = amount.end
    return found


def read_amount(words: Sequence[str], start: int, currency: Currency) -> Amount | None:
    """Read the amount that begins at `start`, or None.

    Colloquial pairs: "two fifty" is 250; "nineteen ninety nine" is 19.99 unless the unit follows.
    """
    head = _whole(words, start, currency)
    if head is None:
        return None
    value, at = head
    pair = _pair(words, start, at, value)
    if pair is not None:
        second, after = pair
        unit = _is(words, after, currency.unit_words)
        joined = value * 100 + second if value < 10 or unit else value + Decimal(second) / 100
        return Amount(joined, start, after + unit, bool(unit))
    if _is(words, at, currency.cent_words) and value < 100:
        return Amount(value / 100, start, at + 1, unit=True)
    if not _is(words, at, currency.unit_words):
        return Amount(value, start, at, unit=False)
    at += 1
    cents_at = at + 1 if _is(words, at, frozenset({"and"})) else at
    cents = read_number(words, cents_at)
    if cents is not None and cents.value < 100:
        named = _is(words, cents.end, currency.cent_words)
        # "ten dollars fifty" needs no "cents", "ten dollars and two more" must not become 10.02.
        if named or (cents_at == at and cents.value >= 10 and cents.end == len(words)):
            return Amount(value + Decimal(cents.value) / 100, start, cents.end + named, unit=True)
    return Amount(value, start, at, unit=True)


def _whole(words: Sequence[str], start: int, currency: Currency) -> tuple[Decimal, int] | None:
    """The number before the unit, with its colloquial forms, and the index after it."""
    word = words[start]
    if word == "a" and _is(words, start + 1, frozenset({"couple"})):
        at = start + (3 if _is(words, start + 2, frozenset({"of"})) else 2)
        scale = {"hundred": 100, "thousand": 1000}.get(words[at] if at < len(words) else "")
        return (Decimal(2 * scale), at + 1) if scale else None
    if word == "a" and _is(words, start + 1, currency.unit_words | {"grand"}):
        one_grand = words[start + 1] == "grand"
        return (Decimal(1000), start + 2) if one_grand else (Decimal(1), start + 1)
    if "." in word and word.replace(".", "", 1).isdigit():
        return _scaled(Decimal(word), words, start + 1)
    number = read_number(words, start)
    if number is None:
        return None
    value, at = Decimal(number.value), number.end
    if list(words[at : at + 3]) == ["and", "a", "half"]:
        scaled = _scaled(value + Decimal("0.5"), words, at + 3)
        return scaled if scaled[1] > at + 3 else (value, at)
    if _is(words, at, frozenset({"point"})):
        digits, after = "", at + 1
        while after < len(words) and UNITS.get(words[after], 10) < 10 and len(digits) < 2:
            digits, after = digits + str(UNITS[words[after]]), after + 1
        if not digits and (tail := read_number(words, at + 1)) and tail.value < 100:
            digits, after = f"{tail.value:02d}", tail.end
        if digits:
            return _scaled(value + Decimal(f"0.{digits}"), words, after)
    return _scaled(value, words, at)


def _scaled(value: Decimal, words: Sequence[str], at: int) -> tuple[Decimal, int]:
    """Apply a trailing "grand", "k" or (after a fraction) "thousand"."""
    if _is(words, at, frozenset({"grand", "k"})) and value < 1000:
        return value * 1000, at + 1
    if _is(words, at, frozenset({"thousand"})) and value != value.to_integral_value():
        return value * 1000, at + 1
    return value, at


def _pair(words: Sequence[str], start: int, at: int, value: Decimal) -> tuple[int, int] | None:
    """The second half of "two fifty": a two-digit number right after a small one, and its end."""
    small_words = at - start <= 2 and all(w in UNITS or w in TENS for w in words[start:at])
    if not (small_words and 1 <= value <= 99):
        return None
    second = read_number(words, at)
    if second is None or not 10 <= second.value <= 99 or words[at].isdigit():
        return None
    return second.value, second.end


def _is(words: Sequence[str], at: int, wanted: frozenset[str]) -> int:
    """1 when the word at `at` is one of `wanted`, else 0 (so that it can move an index)."""
    return int(at < len(words) and words[at] in wanted)
