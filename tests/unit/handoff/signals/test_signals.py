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
    IntentFacts,
    SpeechFacts,
    StageTimed,
)
from handoff.signals import (
    CODES,
    RECENT,
    WORDS,
    Reading,
    Recent,
    Signals,
    action,
    caller,
    dialogue,
    intent,
    latency,
    speech,
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
        ("latency", a_turn(1), [StageTimed(0, "reply", 80, 50)]),
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


def test_one_reply_apologises_once_however_often_it_is_reported() -> None:
    signals = Signals(0.0)
    for text in ("Sorry, I did not get that.", "Sorry, I"):
        signals.note(AgentSpoke(3, text, "apology"))
    assert signals.turn(a_turn(4), 1.0).raw["action.apologies"] == 1.0


class TestWords:
    def test_a_request_said_again_is_a_repeat_and_nearly_again_a_rephrasing(self) -> None:
        signals = Signals(0.0)
        signals.turn(a_turn(1, "I want to block my stolen card"), 1.0)
        same = signals.turn(a_turn(2, "block my stolen card please"), 2.0)
        assert now(same, "repeats") == 1.0
        assert now(same, "rephrasing") == 0.0
        near = signals.turn(a_turn(3, "block that stolen bank card"), 3.0)
        assert now(near, "repeats") == 0.0
        assert now(near, "rephrasing") == 1.0
        other = signals.turn(a_turn(4, "what are your opening hours"), 4.0)
        assert now(other, "repeats") == now(other, "rephrasing") == 0.0

    def test_a_similar_question_after_an_answer_or_with_a_new_detail_is_no_rephrasing(self) -> None:
        signals = Signals(0.0)
        signals.turn(a_turn(1, "balance of my savings account"), 1.0)
        signals.note(AgentSpoke(1, "Ten dollars.", "answer"))
        served = signals.turn(a_turn(2, "balance of my checking account"), 2.0)
        assert now(served, "rephrasing") == 0.0
        detail = a_turn(3, "balance of my blue account", slots={"account": "blue"})
        assert now(signals.turn(detail, 3.0), "rephrasing") == 0.0
        signals.note(AgentSpoke(3, "Which account?", "question", pending="the account"))
        again = a_turn(4, "the balance of that blue one", slots={"account": "blue"})
        assert now(signals.turn(again, 4.0), "rephrasing") == 1.0

    def test_short_answers_repeat_rightly(self) -> None:
        signals = Signals(0.0)
        signals.turn(a_turn(1, "yes"), 1.0)
        assert now(signals.turn(a_turn(2, "yes please"), 2.0), "repeats") == 0.0

    @given(st.text(), st.text())
    def test_overlap_is_a_similarity(self, one: str, other: str) -> None:
        a, b = dialogue.content_words(one), dialogue.content_words(other)
        assert dialogue.overlap(a, b) == dialogue.overlap(b, a)
        assert 0.0 <= dialogue.overlap(a, b) <= 1.0
        assert dialogue.overlap(a, a) in (0.0, 1.0)


def test_a_call_is_long_after_a_routine_calls_length() -> None:
    counter = dialogue.Dialogue(0.0)
    for turn in range(1, 40):
        counter.spoke(a_turn(turn, f"turn {turn}"))
        expected = min(1.0, max(0, turn - 12) / 12)
        assert counter.long() == pytest.approx(expected)


def test_silence_resets_the_count_of_no_matches_no_more_than_speech_that_of_silences() -> None:
    counter = dialogue.Dialogue(0.0)
    lost = a_turn(1, "x", dialogue=DialogueFacts(no_match=True))
    counter.spoke(lost)
    counter.silent(CallerSilent(2, 5))
    counter.spoke(lost)
    assert counter.no_matches == 2, "silence between two no-matches is no success"
    assert counter.silences == 0


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 50), st.none() | st.floats(-20, 60))
def test_speech_trouble_is_bounded_and_falls_with_confidence(
    low: float, high: float, revisions: int, snr: float | None
) -> None:
    low, high = sorted((low, high))
    worse = SpeechFacts(low, revisions=revisions, snr_db=snr)
    better = SpeechFacts(high, revisions=revisions, snr_db=snr)
    assert 0 <= speech.trouble(better) <= speech.trouble(worse) <= 1
    assert ("speech.snr_db" in speech.read(worse)) == (snr is not None)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.booleans())
def test_intent_troubles_are_bounded(
    probability: float, margin: float, novelty: float, disagreement: float, matched: bool
) -> None:
    name = "balance" if matched else None
    facts = IntentFacts(name, probability, margin, novelty, disagreement)
    for trouble in (intent.unsure, intent.ambiguous, intent.novel):
        assert 0 <= trouble(facts) <= 1
    assert set(intent.read(facts)) == {
        "intent.probability",
        "intent.margin",
        "intent.novelty",
        "intent.disagreement",
        "intent.matched",
    }


def test_interruptions_are_capped() -> None:
    assert caller.interrupting(DialogueFacts(interruptions=0)) == 0
    assert caller.interrupting(DialogueFacts(interruptions=30)) == 1


def test_a_stage_without_a_budget_cannot_breach_it() -> None:
    counter = latency.Latency()
    counter.timed(StageTimed(1, "reply", 900, 0))
    assert counter.trouble() == 0
    counter.timed(StageTimed(1, "reply", 900, 100))
    assert counter.trouble() == 1


def test_actions_keep_the_weightiest_proposal() -> None:
    counter = action.Actions()
    counter.proposed(a_proposal(effect=Effect.IRREVERSIBLE, amount=10))
    counter.proposed(a_proposal(effect=Effect.READ, amount=None))
    assert counter.read()["action.irreversibility"] == 1.0
    assert counter.read()["action.amount"] == 10.0


@given(st.lists(st.dictionaries(st.sampled_from(CODES), st.floats(0, 1)), max_size=50))
def test_recent_sums_stay_below_their_limit(turns: list[dict[str, float]]) -> None:
    sums = Recent()
    for troubles in turns:
        assert all(0 <= value <= 1 / (1 - RECENT) + 1e-9 for value in sums.update(troubles))
