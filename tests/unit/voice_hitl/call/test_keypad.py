from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.call.keypad import ENTRY_GAP, Entry
from voice_hitl.call.masking import LAST_SHOWN, LONG_ENTRY
from voice_hitl.call.transcript import Line, Role

KEYS = st.text("0123456789*#", min_size=1, max_size=24)


def line(role: Role, text: str, heard: str | None = None) -> Line:
    return Line(1, role, text, 0.0, heard=heard)


@given(KEYS)
def test_an_entry_shows_the_end_of_a_long_number_and_no_other_digit_but_a_single_0(
    keys: str,
) -> None:
    shown = [each for each in Entry(0, keys, 0.0, over=True).words if each.isdigit()]
    digits = [each for each in keys if each.isdigit()]
    last = digits[-LAST_SHOWN:] if len(digits) >= LONG_ENTRY else []
    assert shown == (["0"] if keys == "0" else last)


@pytest.mark.parametrize(
    ("between", "goes_on"),
    [
        ([], True),
        ([line("caller", "")], True),
        ([line("system", "A person is being called.")], True),
        ([line("agent", "Are you still there?")], True),
        ([line("agent", "Are you still there?", heard="Are you")], True),
        ([line("agent", "Thank you.", heard="Thank you.")], False),
        ([line("caller", "hello")], False),
        ([line("operator", "hello")], False),
    ],
)
def test_an_entry_goes_on_until_somebody_has_said_something(
    between: list[Line], goes_on: bool
) -> None:
    before = Line(0, "caller", "my number is", 0.0)
    assert Entry(0, "12", 10.0).goes_on([before, *between], 11.0) is goes_on


def test_an_entry_ends_with_the_hash_and_with_time() -> None:
    assert Entry(0, "12", 10.0).goes_on([], 10.0 + ENTRY_GAP)
    assert not Entry(0, "12", 10.0).goes_on([], 10.1 + ENTRY_GAP)
    assert not Entry(0, "12#", 10.0, over=True).goes_on([], 10.1)
