from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.agent.languages import load_language
from voice_hitl.agent.money import CURRENCIES, say_amount
from voice_hitl.agent.numbers import spell_digits
from voice_hitl.agent.slots import LOOSE, SlotReader
from voice_hitl.agent.spec import SlotSpec
from voice_hitl.agent.text import plain

TODAY = dt.date(2025, 3, 12)
ASK = ("Which?", "Which one?")
ACCOUNTS = {
    "checking": ("checking", "checking account"),
    "savings": ("savings", "savings account"),
    "money_market": ("money market",),
}
SPECS = {
    "source": SlotSpec.model_validate(
        {
            "type": "choice",
            "title": "from",
            "ask": ASK,
            "values": ACCOUNTS,
            "cues": ("from", "out of"),
        }
    ),
    "target": SlotSpec.model_validate(
        {
            "type": "choice",
            "title": "to",
            "ask": ASK,
            "values": ACCOUNTS,
            "cues": ("to", "into"),
            "differs_from": "source",
        }
    ),
    "amount": SlotSpec(type="amount", title="amount", ask=ASK),
    "digits": SlotSpec(type="digits", title="digits", ask=ASK, length=4),
    "day": SlotSpec(type="date", title="day", ask=ASK),
    "mine": SlotSpec(type="yes_no", title="mine", ask=ASK),
    "shop": SlotSpec(
        type="choice",
        title="shop",
        ask=ASK,
        values={"coffee": ("corner coffee",), "dragon": ("golden dragon", "the restaurant")},
    ),
}
READER = SlotReader(SPECS, load_language("en"), CURRENCIES["USD"])
TRANSFER = ("source", "target", "amount", "digits")


def read(
    text: str, wanted: tuple[str, ...] = TRANSFER, pending: str | None = None, known: str = ""
) -> dict[str, str]:
    found = READER.read(plain(text), wanted, TODAY, pending=pending, known=known.split())
    return {name: value.value for name, value in found.items()}


WORDS = "from to savings checking two hundred dollars not no four"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "transfer two hundred dollars from checking to savings",
            {"source": "checking", "target": "savings", "amount": "200.00"},
        ),
        (
            "take fifty bucks out of my savings account and put it into checking",
            {"source": "savings", "target": "checking", "amount": "50.00"},
        ),
        (
            "move 200 checking to savings",
            {"source": "checking", "target": "savings", "amount": "200.00"},
        ),
        ("to savings from money market", {"source": "money_market", "target": "savings"}),
        ("between checking and savings", {"source": "checking", "target": "savings"}),
        ("a transfer from savings please", {"source": "savings"}),
        ("i have one question", {}),
        ("transfer money to another account", {}),
    ],
)
def test_a_whole_request(text: str, expected: dict[str, str]) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "pending", "expected"),
    [
        ("savings", "target", {"target": "savings"}),
        ("from savings", "target", {"source": "savings"}),
        ("checking no savings", "source", {"source": "savings"}),
        ("not checking savings", "source", {"source": "savings"}),
        ("i said two hundred not three hundred", "amount", {"amount": "200.00"}),
        ("two zero zero", "amount", {"amount": "200.00"}),
        ("one", "amount", {"amount": "1.00"}),
        ("four three two one", "digits", {"digits": "4321"}),
        ("it's forty three twenty one", "digits", {"digits": "4321"}),
        ("four three two", "digits", {}),
        ("my card ends in four three two one", "amount", {"digits": "4321"}),
    ],
)
def test_an_answer_to_a_question(text: str, pending: str, expected: dict[str, str]) -> None:
    assert read(text, pending=pending) == expected


def test_an_open_slot_takes_what_a_filled_one_would_have_got() -> None:
    assert read("savings", ("source", "target"), known="source") == {"target": "savings"}
    assert read("savings", ("source", "target")) == {}  # could be either


@pytest.mark.parametrize(("text", "value"), [("the dragon", "dragon"), ("corner cofee", "coffee")])
def test_words_alike_are_taken_when_asked_for(text: str, value: str) -> None:
    found = READER.read(plain(text), ("shop",), TODAY, pending="shop")
    assert (found["shop"].value, found["shop"].score) == (value, LOOSE)
    assert READER.read(plain(text), ("shop",), TODAY) == {}


def test_days_and_answers() -> None:
    wanted = ("shop", "day", "mine")
    assert read("golden dragon on march third", wanted) == {
        "shop": "dragon",
        "day": "2025-03-03",
    }
    assert read("no that was not me", wanted, pending="mine") == {"mine": "no"}
    assert read("yes it was me", wanted, pending="mine") == {"mine": "yes"}


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("yes", True),
        ("yeah go ahead", True),
        ("that's right", True),
        ("okay", True),
        ("no", False),
        ("no thanks", False),
        ("that's not right", False),
        ("i don't think so", False),
        ("no that's wrong", False),
        ("no yes", None),
        ("no that was me", None),
        ("savings", None),
        ("", None),
    ],
)
def test_yes_and_no(text: str, answer: bool | None) -> None:
    assert READER.read_yes_no(plain(text))[0] is answer


@given(st.decimals(Decimal("0.01"), Decimal("99999.99"), places=2))
def test_any_amount_that_is_said_is_read(value: Decimal) -> None:
    said = say_amount(value, CURRENCIES["USD"])
    assert read(f"move {said} to savings", pending="amount") == {
        "amount": f"{value:.2f}",
        "target": "savings",
    }


@given(st.text(alphabet="0123456789", min_size=4, max_size=4))
def test_any_four_digits_that_are_said_are_read(digits: str) -> None:
    assert read(spell_digits(digits), pending="digits") == {"digits": digits}


@given(
    st.lists(st.sampled_from(WORDS.split())),
    st.sampled_from([None, *TRANSFER]),
)
def test_values_never_share_words(words: list[str], pending: str | None) -> None:
    found = READER.read(tuple(words), TRANSFER, TODAY, pending=pending)
    taken = [at for value in found.values() for at in range(value.start, value.end)]
    assert len(taken) == len(set(taken))


def test_keys() -> None:
    digits, amount = READER.keyed("digits", "4321"), READER.keyed("amount", "250")
    assert digits is not None
    assert amount is not None
    assert (digits.value, amount.value) == ("4321", "250.00")
    assert READER.keyed("digits", "43") is None
    assert READER.keyed("amount", "0") is None
    assert READER.keyed("shop", "1") is None


def test_forms_for_voice_and_screen() -> None:
    amount, day = READER.make("amount", "250.00"), READER.make("day", "2025-03-03")
    assert (amount.spoken, amount.shown) == ("two hundred fifty dollars", "$250.00")
    assert (day.spoken, day.shown) == ("march third", "March 3, 2025")
    assert READER.make("digits", "4321").spoken == "four three two one"
    assert READER.make("source", "money_market").spoken == "money market"


def test_unexplained_words() -> None:
    words = plain("no please move two hundred to savings quickly")
    values = READER.read(words, TRANSFER, TODAY)
    assert READER.unexplained(words, values.values()) == ["move", "quickly"]
