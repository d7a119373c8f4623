from __future__ import annotations

import pytest

from voice_hitl.agent.memory import TurnMemory, negates
from voice_hitl.agent.reading import Reading
from voice_hitl.agent.table import Act, State
from voice_hitl.agent.text import plain


def said(text: str, act: Act = Act.REQUEST, intent: str | None = None, **keys: bool) -> Reading:
    return Reading(text, plain(text), act, 0.9, intent=intent, **keys)  # type: ignore[arg-type]


def test_saying_the_same_again_is_a_repeat() -> None:
    memory = TurnMemory()
    memory.note(said("what is the balance of my savings account"))
    assert memory.repeats(said("the balance of the savings account please"), None)
    assert not memory.repeats(said("when does the riverside branch open"), None)


def test_asking_for_what_is_under_way_is_a_repeat() -> None:
    assert TurnMemory().repeats(said("move money", Act.INFORM, "transfer"), "transfer")
    assert not TurnMemory().repeats(said("move money", intent="transfer"), "balance")


def test_short_answers_never_repeat() -> None:
    memory = TurnMemory()
    memory.note(said("yes", Act.AFFIRM))
    memory.note(said("checking", Act.INFORM))
    assert not memory.repeats(said("yes", Act.AFFIRM), None)
    assert not memory.repeats(said("checking", Act.INFORM), None)


def test_only_the_last_turns_count() -> None:
    memory = TurnMemory()
    memory.note(said("open the riverside branch"))
    for text in ("one apple tree", "two pear trees", "three plum trees"):
        memory.note(said(text))
    assert not memory.repeats(said("open the riverside branch"), None)


def test_counts_in_a_row() -> None:
    memory = TurnMemory()
    memory.note(said("blah", Act.NO_MATCH))
    memory.note(said("blah", Act.NO_MATCH))
    assert (memory.no_matches, memory.silences) == (2, 0)
    memory.note(said("", Act.SILENCE))
    assert (memory.no_matches, memory.silences) == (0, 1)
    memory.note(said("yes", Act.AFFIRM))
    assert (memory.no_matches, memory.silences) == (0, 0)


@pytest.mark.parametrize(
    ("reading", "state", "expected"),
    [
        (said("no", Act.DENY), State.CONFIRMING, True),
        (said("no", Act.DENY), State.MORE, False),
        (said("from savings", Act.CORRECT), State.CONFIRMING, True),
        (said("i said savings", Act.INFORM, corrects=True), State.ASKING, True),
        (said("savings", Act.INFORM), State.ASKING, False),
        (said("yes", Act.AFFIRM), State.CONFIRMING, False),
    ],
)
def test_negates(reading: Reading, state: State, expected: bool) -> None:
    assert negates(reading, state) is expected
