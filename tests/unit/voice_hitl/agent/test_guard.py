from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.agent.guard import (
    HIDDEN,
    MASK,
    hide,
    hide_words,
    luhn,
    mask,
    mask_start,
    mask_value,
)
from voice_hitl.agent.numbers import spell_digits


def card(body: str) -> str:
    """A number that passes the Luhn check."""
    return next(body + str(last) for last in range(10) if luhn(body + str(last)))


@given(st.text(alphabet="0123456789", min_size=12, max_size=18), st.sampled_from(["", " ", "-"]))
def test_no_card_number_is_shown_however_it_is_grouped(body: str, gap: str) -> None:
    number = card(body)
    written = gap.join(number[at : at + 4] for at in range(0, len(number), 4))
    masked = mask(f"the card {written} is yours")
    assert masked == f"the card {MASK * (len(number) - 4)}{number[-4:]} is yours"


@given(st.text(alphabet="0123456789", min_size=8, max_size=16))
def test_no_long_run_of_spoken_digits_is_shown(digits: str) -> None:
    masked = mask(f"it is {spell_digits(digits)} thanks")
    assert masked == f"it is {MASK * (len(digits) - 4)}{digits[-4:]} thanks"


def test_account_numbers_are_hidden_after_their_name_only() -> None:
    assert (
        mask("your account number 12345678 is open")
        == f"your account number {MASK * 4}5678 is open"
    )
    assert mask("case 12345678 is open") == "case 12345678 is open"


@pytest.mark.parametrize(
    "text",
    [
        "ending in 4321",
        "call +1 555 010 0123",
        "on 2025-03-12 at 10:30",
        "two thousand eight hundred forty dollars",
        "four three two one",
        "",
    ],
)
def test_ordinary_numbers_stay(text: str) -> None:
    assert mask(text) == text


@given(st.text(max_size=60))
def test_masking_twice_changes_nothing(text: str) -> None:
    once = mask(text)
    assert mask(once) == once


@pytest.mark.parametrize(
    ("name", "value", "seen"),
    [
        ("pin", "4821", MASK * 4),
        ("card_pin", "4821", MASK * 4),
        ("ssn", "078-05-1120", "•••-••-••••"),
        ("password", "open sesame", "•••• ••••••"),
        ("account_number", "12345678", f"{MASK * 4}5678"),
        ("account", "checking", "checking"),
        ("account", "1234", "1234"),
        ("card", "4532 0151 1283 0366", f"{MASK * 12}0366"),
        ("to", "123456789", f"{MASK * 5}6789"),
        ("day", "2025-03-12", "2025-03-12"),
        ("patient_born", "1980-02-03", "1980-02-03"),
        ("amount", "12345678", "12345678"),
        ("amount", "50.00", "50.00"),
        ("phone", "+15550100123", "+15550100123"),
        ("callback_number", "5550100123", "5550100123"),
        ("note", "account number 12345678", f"account number {MASK * 4}5678"),
        ("", "", ""),
    ],
)
def test_values_are_hidden_by_their_name_and_by_what_they_look_like(
    name: str, value: str, seen: str
) -> None:
    assert mask_value(name, value) == seen


@given(
    st.sampled_from(["pin", "account_number", "policy", "to", "amount", "x"]),
    st.text(alphabet="0123456789 -a", max_size=20),
)
def test_hiding_a_value_twice_changes_nothing(name: str, value: str) -> None:
    once = mask_value(name, value)
    assert mask_value(name, once) == once


PIECES = st.sampled_from(
    [
        "the card 4532 0151 1283 0366 is",
        "account number 12345678,",
        spell_digits("45320151"),
        "you have 200 dollars.",
        " ",
    ]
)


@given(st.lists(PIECES, max_size=4).map(" ".join), st.integers(0, 120))
def test_the_start_of_a_text_shows_no_more_than_the_whole(text: str, cut: int) -> None:
    masked = mask_start(text, text[:cut])
    assert mask(text).startswith(masked.rstrip(MASK))
    assert mask_start(text, text) == mask(text)


def test_a_number_that_breaks_off_is_hidden_whole() -> None:
    text = "it is 4532 0151 1283 0366 or account number 12345678"
    assert mask_start(text, text[:20]) == f"it is {MASK * 16}"
    assert mask_start(text, text[:-1]) == (f"it is {MASK * 12}0366 or account number {MASK * 8}")
    with pytest.raises(ValueError, match="not the start"):
        mask_start(text, "is")


@pytest.mark.parametrize(
    ("digits", "good"), [("4532015112830366", True), ("4532015112830367", False)]
)
def test_luhn(digits: str, good: bool) -> None:
    assert luhn(digits) is good


def test_nothing_of_a_sensitive_value_is_shown_whatever_its_name() -> None:
    for value in ("4321", "checking", "50.00", "+15550100"):
        shown = mask_value("amount", value, sensitive=True)
        assert shown == HIDDEN
        assert mask_value("amount", shown, sensitive=True) == HIDDEN
    assert mask_value("amount", "", sensitive=True) == ""


@pytest.mark.parametrize(
    ("text", "secrets", "shown"),
    [
        ("Wrong PIN 4321.", ["4321"], f"Wrong PIN {HIDDEN}."),
        ("4-3-2-1 and 4 3 2 1, four three two one", ["4321"], f"{HIDDEN} and {HIDDEN}, {HIDDEN}"),
        ("order 543210 costs 43210", ["4321"], "order 543210 costs 43210"),
        ("of AB12 and ab123", ["ab12"], f"of {HIDDEN} and ab123"),
        ("a (b) c", ["(b)"], f"a {HIDDEN} c"),
        ("nothing", ["", " "], "nothing"),
        ("12 and 1234", ["12", "1234"], f"{HIDDEN} and {HIDDEN}"),
    ],
)
def test_values_are_hidden_in_texts_however_they_are_written(
    text: str, secrets: list[str], shown: str
) -> None:
    assert hide(text, secrets) == shown


@pytest.mark.parametrize(
    ("said", "spans", "shown"),
    [
        ("it is four three two one", [(2, 6)], f"it is {HIDDEN}"),
        ("it is four three", [], f"it is {HIDDEN}"),
        ("oh four double two oh please", [], f"{HIDDEN} please"),
        ("oh dear", [], "oh dear"),
        ("my mother is smith", [(3, 4)], f"my mother is {HIDDEN}"),
        ("twenty one hundred and fifty", [], HIDDEN),
        ("4321 or 43", [], f"{HIDDEN} or {HIDDEN}"),
        ("", [], ""),
    ],
)
def test_words_are_shown_without_a_value_and_without_any_number(
    said: str, spans: list[tuple[int, int]], shown: str
) -> None:
    assert hide_words(said.split(), spans) == shown
