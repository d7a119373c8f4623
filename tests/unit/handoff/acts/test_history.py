from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.acts.history import FADING, LAGS, RARE, Fact, History, tokens, words

KNOWN = frozenset({"agent: ask", "agent: offer", "caller: yes", "caller: no", "caller with time"})


def acts(*names: str, entities: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    return [{"act": name, "entities": list(entities)} for name in names]


def told(*turns: tuple[str, list[dict[str, Any]]]) -> dict[Fact, float]:
    history = History(KNOWN)
    for speaker, said in turns:
        history.add(speaker, said)
    return dict(history.facts([2.0, 3.0]))


def test_tokens_are_marked_with_who_spoke() -> None:
    assert tokens("caller", acts("yes", "no", entities=("time",))) == (
        ["caller: yes", "caller: no"],
        ["caller with time", "caller with time"],
    )
    assert tokens("agent", [{"act": "ask"}]) == (["agent: ask"], [])


def test_the_last_turns_are_remembered_one_by_one() -> None:
    facts = told(*[("agent", acts("ask")), ("caller", acts("yes"))] * 3)
    lags = {fact[1:] for fact in facts if fact[0] == "at"}
    assert lags == {
        (str(lag), "caller: yes" if lag % 2 else "agent: ask") for lag in range(1, LAGS + 1)
    }


def test_counts_ages_and_fading_sums_are_those_of_the_whole_call() -> None:
    facts = told(
        ("agent", acts("ask")),
        ("caller", acts("no", entities=("time",))),
        ("agent", acts("ask", "ask")),
        ("caller", acts("yes")),
    )
    assert facts[("count", "agent: ask")] == pytest.approx(math.log(3))
    assert facts[("fading", "agent: ask")] == pytest.approx(FADING + FADING**3)
    assert facts[("age", "agent: ask")] == 1 / 2
    assert facts[("age", "caller: yes")] == 1.0
    assert facts[("count", "caller with time")] == pytest.approx(math.log(2))
    assert facts[("turns",)] == 0.4
    assert facts[("turns", "2")] == 0.2
    assert facts[("turns", "3")] == 0.1


def test_an_agent_that_says_nothing_new_is_counted() -> None:
    ask, yes = ("agent", acts("ask")), ("caller", acts("yes"))
    facts = told(ask, yes, ask, yes, ask, ("caller", acts("no")))
    assert facts[("without news",)] == 2
    assert facts[("most repeated",)] == 3
    assert facts[("repeated now",)] == 3
    assert facts[("said again",)] == 1
    assert facts[("repeats",)] == 2
    assert facts[("different acts",)] == 1
    again = told(ask, yes, ask, yes, ("agent", acts("offer")), yes)
    assert again[("without news",)] == 0


def test_what_answers_what() -> None:
    facts = told(
        ("agent", acts("ask")),
        ("caller", acts("no", "yes")),
        ("agent", acts("offer")),
        ("caller", acts("yes")),
    )
    assert facts[("answer", "agent: offer", "caller: yes")] == 1.0
    assert facts[("reply", "agent: offer", "caller: yes")] == 1.0
    assert facts[("answer before", "agent: ask", "caller: no + caller: yes")] == 1.0
    assert facts[("next question", "agent: ask", "agent: offer")] == 1.0
    assert ("reply", "agent: ask", "caller: no") not in facts


def test_unknown_acts_and_things_are_all_one() -> None:
    one = told(("agent", acts("x")), ("caller", acts("y", entities=("p",))))
    other = told(("agent", acts("v", "w")), ("caller", acts("z", entities=("q", "r"))))
    assert one == other
    assert ("at", "1", f"caller with {RARE}") in one


names = st.lists(st.text(max_size=4) | st.sampled_from(["ask", "yes"]), max_size=3)
turns = st.lists(st.tuples(st.sampled_from(["agent", "caller"]), names), max_size=30)


@given(turns)
def test_any_calls_facts_are_finite_bounded_and_not_negative(
    said: list[tuple[str, list[str]]],
) -> None:
    history = History(KNOWN)
    for speaker, found in said:
        history.add(speaker, acts(*found, entities=tuple(found)))
    facts = list(history.facts([4.0]))
    assert len({fact for fact, _ in facts}) == len(facts)
    assert all(math.isfinite(value) and value >= 0 for _, value in facts)


def test_memory_does_not_grow_with_the_call() -> None:
    history = History(KNOWN)
    sizes = []
    for number in range(200):
        history.add("agent", acts(f"new {number}", "ask"))
        history.add("caller", acts("yes", f"odd {number}"))
        sizes.append(len(list(history.facts([2.0]))))
    assert sizes[3] == sizes[-1]


@pytest.mark.parametrize(
    ("fact", "text"),
    [
        (("at", "2", "agent: ask_date"), 'the AI\'s "ask date"'),
        (("fading", "caller: no"), 'the caller\'s "no"'),
        (("age", "caller with time"), 'the caller\'s mention of "time"'),
        (("count", "agent: rare"), "the AI's something unusual"),
        (("reply", "agent: ask", "caller: no"), 'the caller\'s "no" after the AI\'s "ask"'),
        (
            ("next question", "agent: ask", "agent: offer + agent: sorry"),
            'the AI\'s "offer" and "sorry" soon after the AI\'s "ask"',
        ),
        (("answer", "", "caller: no"), 'the caller\'s "no" after a turn without acts'),
        (("turns", "12"), "how long the call has been going on"),
        (("repeats",), "the AI repeats itself"),
    ],
)
def test_facts_have_words(fact: Fact, text: str) -> None:
    assert words(fact) == text
