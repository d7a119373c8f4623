"""Written English to words a voice reads the way a person would: money, times, dates, card digits.

The rules run in order, each on what the ones before it left; figures never survive the last of them.
Made for American English, like the embedded voice; text without figures or symbols passes unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from re import Match

from voice_hitl.speech.numerals import cardinal, decimal, digits, integer, ordinal, year

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_MONTH = "|".join(
    [*_MONTHS, *(f"{month[:3]}\\.?" for month in _MONTHS if month != "May"), "Sept\\.?"]
)
_CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
}
# Letters that espeak would otherwise try to say as a word, or that a listener expects one by one.
_SPELLED = (
    *("ACH", "APR", "APY", "ATM", "CEO", "CVV", "FAQ", "FDIC", "GP", "HMO", "ID", "IRS", "IVR"),
    *("MRI", "PPO", "SMS", "SSN", "TSA", "URL", "USA"),
)
_WHOLE = r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)"
_NUMBER = rf"{_WHOLE}(?:\.[0-9]+)?"


def _money(match: Match[str]) -> str:
    one, many, cent, cents = _CURRENCIES[match["sign"]]
    sign = "minus " if match["minus"] else ""
    if match["scale"]:
        return f"{sign}{decimal(match['amount'])} {match['scale'].lower()} {many}"
    whole, _, fraction = match["amount"].replace(",", "").partition(".")
    if len(fraction) not in (0, 2):
        return f"{sign}{decimal(match['amount'])} {many}"
    units, parts = int(whole), int(fraction or "0")
    said = [f"{_amount(whole)} {one if units == 1 else many}"] if units or not parts else []
    if parts:
        said.append(f"{cardinal(parts)} {cent if parts == 1 else cents}")
    return sign + " and ".join(said)


def _amount(figures: str) -> str:
    number = figures.lstrip("0") or "0"
    return cardinal(int(number)) if len(number) <= 12 else digits(number)


def _time(match: Match[str]) -> str:
    hour, minute = int(match["hour"]), int(match["minute"] or "0")
    if hour > 24 or minute > 59:
        return match[0]
    half = f" {match['half'][0].upper()}M" if match["half"] else ""
    if minute:
        late = f"oh {cardinal(minute)}" if minute < 10 else cardinal(minute)
        return f"{cardinal(hour)} {late}{half}"
    if half:
        return f"{cardinal(hour)}{half}"
    if hour in (0, 24):
        return "midnight"
    return f"{cardinal(hour)} o'clock" if 1 <= hour <= 12 else f"{cardinal(hour)} hundred hours"


def _date(month: str, day: str, of_year: str) -> str | None:
    if not (1 <= int(month) <= 12 and 1 <= int(day) <= 31 and 1000 <= int(of_year) <= 2099):
        return None
    return f"{_MONTHS[int(month) - 1]} {ordinal(int(day))}, {year(int(of_year))}"


def _iso_date(match: Match[str]) -> str:
    return _date(match["month"], match["day"], match["year"]) or match[0]


def _month_day(match: Match[str]) -> str:
    day = int(match["day"])
    if not 1 <= day <= 31:
        return match[0]
    tail = f", {year(int(match['year']))}" if match["year"] else ""
    return f"{_month(match['month'])} {ordinal(day)}{tail}"


def _month(name: str) -> str:
    return next(month for month in _MONTHS if month.startswith(name[:3]))


def _month_year(match: Match[str]) -> str:
    return f"{match['before']} {year(int(match['year']))}"


def _one_by_one(match: Match[str]) -> str:
    return f"{match['before']}{_groups(match['figures'])}"


def _groups(figures: str) -> str:
    """Read figures one by one, with a breath where the writing has a gap."""
    return ", ".join(digits(group) for group in re.findall(r"[0-9]+", figures))


def _masked(match: Match[str]) -> str:
    return f"ending in {digits(match['figures'])}"


def _phone(match: Match[str]) -> str:
    return _groups(match[0])


def _code(match: Match[str]) -> str:
    return f"{' '.join(match['letters'])} {digits(match['figures'])}"


def _range(match: Match[str]) -> str:
    return f"{match['low']} to {match['high']}"


def _ordinal(match: Match[str]) -> str:
    number = int(match["number"].replace(",", ""))
    return ordinal(number) if number < 10**6 else match[0]


def _percent(match: Match[str]) -> str:
    return f"{decimal(match['number'])} percent"


def _version(match: Match[str]) -> str:
    return " point ".join(integer(part) for part in match[0].split("."))


def _spell(match: Match[str]) -> str:
    return " ".join(match[1]) + ("'s" if match[2] else "")


def _number(match: Match[str]) -> str:
    sign = "minus " if match["minus"] else ""
    figures = match["number"]
    whole, _, fraction = figures.partition(".")
    if "," in whole:  # set off in thousands, so a number and no row of figures
        said = _amount(whole.replace(",", "")) + (f" point {digits(fraction)}" if fraction else "")
    else:
        said = decimal(figures)
    return sign + said


_Rule = tuple[re.Pattern[str], Callable[[Match[str]], str] | str]


def _rule(pattern: str, said: Callable[[Match[str]], str] | str) -> _Rule:
    return re.compile(pattern), said


_RULES: tuple[_Rule, ...] = (
    _rule(r"\b24/7\b", "twenty-four seven"),
    _rule(
        rf"(?P<minus>(?<![\w.])-)?(?P<sign>[$€£])\s?(?P<amount>{_NUMBER})"
        r"(?:\s?(?P<scale>[Tt]housand|[Mm]illion|[Bb]illion)\b)?",
        _money,
    ),
    _rule(
        r"\b(?P<year>[0-9]{4})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})\b(?![-/])",
        _iso_date,
    ),
    _rule(
        r"\b(?P<month>[0-9]{1,2})/(?P<day>[0-9]{1,2})/(?P<year>[0-9]{4})\b(?![-/])",
        _iso_date,
    ),
    _rule(
        r"\b(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?!:?[0-9])(?:\s?(?P<half>[aApP]\.?[mM]\b\.?))?",
        _time,
    ),
    _rule(r"\b(?P<hour>[0-9]{1,2})(?P<minute>)\s?(?P<half>[aApP]\.?[mM]\b\.?)", _time),
    _rule(
        rf"\b(?P<month>{_MONTH})\s(?P<day>[0-9]{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s(?P<year>[12][09][0-9]{{2}})\b)?(?![-/,.]?[0-9])",
        _month_day,
    ),
    _rule(
        # Not "ending in 2000": those are a card's figures.
        r"(?<![Ee]nding )(?<![Ee]nds )"
        rf"\b(?P<before>{_MONTH}|[Ii]n|[Ss]ince|[Yy]ear)\s(?P<year>19[0-9]{{2}}|20[0-9]{{2}})\b(?![-/,.]?[0-9])",
        _month_year,
    ),
    _rule(r"(?:[*•]{2,}|\b[xX]{2,})[\s-]*(?P<figures>[0-9]{2,4})\b", _masked),
    _rule(r"(?:\+?\b1[-. ])?(?:\([0-9]{3}\) ?|\b[0-9]{3}[-. ])[0-9]{3}[-. ][0-9]{4}\b", _phone),
    _rule(r"\b[0-9]{3}-[0-9]{4}\b(?!-)", _phone),
    _rule(
        r"(?i:(?P<before>\b(?:ending(?: in| with)?|ends (?:in|with)|digits(?: are)?|account(?: number)?|"
        r"card(?: number)?|code|pin|reference(?: number)?|confirmation(?: number)?|extension|zip(?: code)?|"
        r"case(?: number)?|claim(?: number)?|policy(?: number)?|member(?: id| number)?|flight|"
        r"id|number)(?: is)?:? #?))(?P<figures>[0-9]{2,}(?:[ -][0-9]{2,})*)\b(?![.,:/]?[0-9])",
        _one_by_one,
    ),
    _rule(r"\b(?P<letters>[A-Z]{1,4})-?(?P<figures>[0-9]{2,})\b", _code),
    _rule(rf"\b(?P<number>{_WHOLE})(?:st|nd|rd|th)\b", _ordinal),
    # "4G" must not become "fourG".
    _rule(r"(?<=[^\W\d_])(?=[0-9])|(?<=[0-9])(?=[^\W\d_])", " "),
    _rule(rf"(?P<number>{_NUMBER})\s?%", _percent),
    _rule(r"(?<![0-9.])[0-9]{1,6}(?:\.[0-9]{1,6}){2,}\b", _version),
    _rule(r"\b(?P<low>[0-9]{1,6})\s?[–—-]\s?(?P<high>[0-9]{1,6})\b(?!-)", _range),
    _rule(r"(?<=[\s(])#(?=[0-9])|^#(?=[0-9])", "number "),
    _rule(r"(?<=[0-9]),(?=[0-9])(?![0-9]{3}(?![0-9]))", ", "),
    _rule(rf"(?P<minus>(?<![\w.])-)?(?P<number>{_NUMBER})", _number),
    _rule(r"\s*&\s*", " and "),
    _rule(rf"\b({'|'.join(_SPELLED)})(s?)\b", _spell),
    _rule(r"\s+", " "),
)


def spoken(text: str) -> str:
    """Return `text` as it should be said, without figures; idempotent."""
    for pattern, said in _RULES:
        text = pattern.sub(said, text)
    return text.strip()
