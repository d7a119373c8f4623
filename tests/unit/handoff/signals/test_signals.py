from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.events import (
    ActionFinished,
    AgentSpoke,
    CallerSilent,
    DialogueFacts,
    Effect,
    StageTimed,
)
from handoff.signals import (
    CODES,
    RECENT,
    WORDS,
    Reading,
    Recent,
    Signals,
)
from handoff.testing import a_proposal, a_turn


def now(reading: Reading, code: str) -> float:
    return reading.now[CODES.index(code)]


def recent(reading: Reading, code: str) -> float:
    return reading.recent[CODES.index(code)]


def read(event: Any, *before: Any) -> Reading:
    signals = Signals(0.0)
    for other in before:
        signals.note(other)
    return signals.turn(event, 60.0)


def test_a_good_turn_shows_no_trouble() -> None:
    reading = read(a_turn(1))
    assert all(value == 0.0 for value in reading.now)
    assert reading.raw["dialogue.minutes"] == 1.0


def test_every_code_has_words() -> None:
    assert all(len(words) > 10 for words in WORDS.values())


@pytest.mark.parametrize(
    ("code", "event", "before"),
    [
        ("low_speech_confidence", a_turn(1, heard=0.3), []),
        ("low_speech_confidence", CallerSilent(1, 5.0), []),
        ("low_intent_confidence", a_turn(1, sure=0.4), []),
        ("low_intent_confidence", a_turn(1, intent=None), []),
        ("ambiguous_intent", a_turn(1, margin=0.05), []),
        ("negations", a_turn(1, dialogue=DialogueFacts(negation=True)), []),
        ("repeats", a_turn(1, dialogue=DialogueFacts(repeat=True)), []),
        ("stuck_slot", a_turn(1, dialogue=DialogueFacts(stuck_slot=3)), []),
        ("frustration", a_turn(1, dialogue=DialogueFacts(frustration=0.5)), []),
        ("interruptions", a_turn(1, dialogue=DialogueFacts(interruptions=2)), []),
        ("tool_errors", a_turn(1), [ActionFinished("a", "x", Effect.READ, False, "no")]),
        ("apologies", a_turn(1), [AgentSpoke(0, "Sorry", "apology")]),
        ("latency", a_turn(1), [StageTimed(0, "response", 80, 50)]),
    ],
)
def test_a_trouble_shows_where_it_belongs(code: str, event: Any, before: list[Any]) -> None:
    reading = read(event, *before)
    assert now(reading, code) > 0
    assert [c for c in CODES if now(reading, c) > 0] == [code]


def test_trouble_fades_and_adds_up() -> None:
    signals = Signals(0.0)
    bad = DialogueFacts(negation=True)
    first = signals.turn(a_turn(1, "one", dialogue=bad), 1.0)
    second = signals.turn(a_turn(2, "two", dialogue=bad), 2.0)
    third = signals.turn(a_turn(3, "three"), 3.0)
    assert recent(first, "negations") == 1.0
    assert recent(second, "negations") == pytest.approx(1 + RECENT)
    assert recent(third, "negations") == pytest.approx(RECENT * (1 + RECENT))
    assert now(third, "negations") == 0.0
    signals.forget()
    assert recent(signals.turn(a_turn(4, "four"), 4.0), "negations") == 0.0


def test_what_happened_between_turns_counts_for_the_next_turn_only() -> None:
    signals = Signals(0.0)
    signals.note(a_proposal(amount=70))
    signals.note(StageTimed(1, "reply", 60, 50))
    first = signals.turn(a_turn(1), 1.0)
    assert first.raw["action.irreversibility"] == 1.0
    assert first.raw["action.amount"] == 70.0
    assert first.raw["latency.breaches"] == 1.0
    second = signals.turn(a_turn(2), 2.0)
    assert second.raw["action.irreversibility"] == second.raw["latency.breaches"] == 0.0


@given(st.lists(st.dictionaries(st.sampled_from(CODES), st.floats(0, 1)), max_size=50))
def test_recent_sums_stay_below_their_limit(turns: list[dict[str, float]]) -> None:
    sums = Recent()
    for troubles in turns:
        assert all(0 <= value <= 1 / (1 - RECENT) + 1e-9 for value in sums.update(troubles))


def test_what_says_itself_how_long_it_lasts_is_not_summed_up() -> None:
    sums = Recent()
    for _ in range(5):
        values = sums.update({"stuck_slot": 0.5, "long_call": 0.25, "repeats": 0.5})
    assert values[CODES.index("stuck_slot")] == 0.5
    assert values[CODES.index("long_call")] == 0.25
    assert values[CODES.index("repeats")] > 1.0
