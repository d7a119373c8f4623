from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.moderation.leaks import leak_in

CARD = "4111111111111111"  # the number that card schemes publish for tests
SPOKEN = "four one one one one one one one one one one one one one one one"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"your card is {CARD}", "card_number"),
        ("your card is 4111 1111 1111 1111, valid till May", "card_number"),
        ("your card is 4111-1111-1111-1111 12/27", "card_number"),
        ("it is 378282246310005", "card_number"),
        (f"it is {SPOKEN}.", "card_number"),
        ("it is four triple one, double one double one, 1111 double one one one", "card_number"),
        ("the number is 078-05-1120", "social_security_number"),
        ("-----BEGIN RSA PRIVATE KEY-----", "private_key"),
        ("use sk-abcdefghij0123456789", "api_key"),
        ("AKIA0123456789ABCDEF is it", "api_key"),
        ("your password is hunter2!", "password"),
        ("Your PIN is 4921", "password"),
    ],
)
def test_leaks_are_found(text: str, kind: str) -> None:
    assert leak_in(text) == kind


@pytest.mark.parametrize(
    "text",
    [
        "",
        "your card ends in 1111",
        "your order number is 4111111111111112",  # fails the check
        "0000 0000 0000 0000",
        "call us on 020 7946 0018",
        "your password is required",
        "your pin is wrong",
        "I can meet one, two or three of you at four",
        "the ski-mountaineering-race-of-2026 is on",
        "sk-iing-in-the-high-mountains",
        "between 2024-05-1120",
    ],
)
def test_harmless_sentences_are_left_alone(text: str) -> None:
    assert leak_in(text) is None


@given(st.integers(1, 14))
def test_a_leak_over_two_sentences_is_found_in_the_second(cut: int) -> None:
    words = SPOKEN.split()
    first, second = " ".join(words[:cut]), " ".join(words[cut:])
    assert leak_in(first) is None
    assert leak_in(second, before=first) == "card_number"
    assert leak_in("anything else?", before=f"it is {CARD}") is None
