from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.acts import LiveTurns
from handoff.acts.live import LONGEST, MOST
from handoff.events import (
    ActionFinished,
    AgentSpoke,
    CallerSilent,
    DialogueFacts,
    Effect,
)
from handoff.testing import a_turn


def told(live: LiveTurns, *events: Any) -> list[tuple[str, list[tuple[str, list[str]]]]]:
    """The turns that the last of these closes."""
    *before, last = events
    for event in before:
        live.note(event)
    return [
        (turn["speaker"], [(act["act"], act["entities"]) for act in turn["acts"]])
        for turn in live.turn(last)
    ]


@pytest.mark.parametrize(
    ("kind", "pending", "acts"),
    [
        ("question", "the card number", [("ask the card number", ["the card number"])]),
        ("question", None, [("question", [])]),
        ("answer", None, [("answer", [])]),
        ("apology", "The day", [("apology", []), ("ask the day", ["the day"])]),
        (
            "confirmation",
            "a yes or no: transfer 5000 to Ann",
            [("confirmation", []), ("ask a yes or no", ["a yes or no"])],
        ),
        ("answer", " : 12", [("answer", [])]),
    ],
)
def test_a_reply_is_its_kind_and_what_it_asks_for(kind: str, pending: Any, acts: Any) -> None:
    agent, caller = told(LiveTurns(), AgentSpoke(0, "?", kind, pending), a_turn())
    assert agent == ("agent", acts)
    assert caller == ("caller", [("balance", [])])


@pytest.mark.parametrize(
    ("event", "acts"),
    [
        (a_turn(slots={"b": "1", "a": "2"}), [("balance", ["a", "b"])]),
        (a_turn(intent=None), [("no match", [])]),
        (a_turn(dialogue=DialogueFacts(no_match=True)), [("no match", [])]),
        (
            a_turn(dialogue=DialogueFacts(negation=True, repeat=True)),
            [("balance", []), ("no", []), ("again", [])],
        ),
        (CallerSilent(1, 5.0), [("silence", [])]),
    ],
)
def test_a_callers_turn_is_what_they_want(event: Any, acts: Any) -> None:
    assert told(LiveTurns(), event) == [("caller", acts)]


def test_only_slots_that_are_new_or_changed_count() -> None:
    live = LiveTurns()
    live.turn(a_turn(1, slots={"day": "monday"}))
    live.turn(CallerSilent(2, 5.0))
    (said,) = told(live, a_turn(3, slots={"day": "monday", "time": "nine"}))
    assert said == ("caller", [("balance", ["time"])])
    (said,) = told(live, a_turn(4, slots={"day": "friday", "time": "nine"}))
    assert said == ("caller", [("balance", ["day"])])


def test_a_reply_told_again_counts_once_and_one_that_comes_late_not_at_all() -> None:
    live = LiveTurns()
    live.turn(a_turn(1))
    late = AgentSpoke(0, "Hello", "notice")
    cut_off = AgentSpoke(1, "It is", "answer"), AgentSpoke(1, "Which", "question", "the day")
    agent, _ = told(live, late, *cut_off, a_turn(2))
    assert agent == ("agent", [("ask the day", ["the day"])])


def test_what_was_tried_is_told() -> None:
    def done(name: str, *, ok: bool) -> ActionFinished:
        return ActionFinished(name, name, Effect.READ, ok, "")

    agent, _ = told(LiveTurns(), done("look", ok=True), done("find", ok=False), a_turn())
    assert agent == ("agent", [("look done", []), ("find failed", [])])


EVENTS = st.lists(
    st.builds(AgentSpoke, st.integers(0, 9), st.text(), st.text(), st.none() | st.text())
    | st.builds(
        ActionFinished, st.text(), st.text(), st.just(Effect.READ), st.booleans(), st.text()
    )
    | st.builds(
        lambda turn, intent, slots: replace(a_turn(turn, intent=intent), slots=slots),
        st.integers(0, 9),
        st.none() | st.text(),
        st.dictionaries(st.text(), st.text(), max_size=3),
    ),
    max_size=40,
)


@given(EVENTS)
def test_turns_alternate_and_stay_small(events: list[Any]) -> None:
    live = LiveTurns()
    for event in events:
        if not hasattr(event, "intent"):
            live.note(event)
            continue
        found = live.turn(event)
        assert [turn["speaker"] for turn in found] in (["caller"], ["agent", "caller"])
        for turn in found:
            assert 1 <= len(turn["acts"]) <= 3 * MOST
            for act in turn["acts"]:
                assert all(len(name) <= LONGEST for name in (act["act"], *act["entities"]))
