from __future__ import annotations

from itertools import pairwise
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff.errors import ProtocolError
from handoff.exercises import (
    BankAdded,
    Exercise,
    ExerciseAnswered,
    ExerciseEvent,
    ExerciseLapsed,
    Exercises,
    ItemComing,
    Scored,
    Serve,
)
from handoff.policy import Policy

BANK = [Exercise(f"past-{n}", "approve" if n % 2 else "reject") for n in range(180)]


def served(machine: Exercises, items: int, gap: float = 600.0, who: str = "ann") -> list[int]:
    """Which of so many coming approvals an exercise was put before."""
    found = []
    for number in range(items):
        machine.handle(ItemComing(who, f"{who}-{number}"), number * gap)
        if any(isinstance(command, Serve) for command in machine.take_commands()):
            found.append(number)
    return found


def test_about_one_in_so_many_and_never_foreseeable() -> None:
    at = served(Exercises(Policy(), b"secret", BANK), 1000)
    assert 25 <= len(at) <= 60  # one in 25 on average
    gaps = {b - a for a, b in pairwise(at)}
    assert len(gaps) > 10 and max(gaps) <= 75
    assert at == served(Exercises(Policy(), b"secret", BANK), 1000)
    assert at != served(Exercises(Policy(), b"other", BANK), 1000)
    assert at != served(Exercises(Policy(), b"secret", BANK), 1000, who="bob")


def test_what_was_drawn_before_a_restart_foretells_nothing() -> None:
    """The key stays; the ids of items, which are never used twice, decide."""
    runs = []
    for run in ("first", "second"):
        machine, found = Exercises(Policy(), b"secret", BANK), []
        for number in range(300):
            machine.handle(ItemComing("ann", f"{run}-{number}"), number * 600.0)
            found.append(bool(machine.take_commands()))
        runs.append(found)
    assert runs[0] != runs[1]


def test_only_so_many_an_hour() -> None:
    rules = Policy.from_mapping({"care": {"exercise_every": 1, "exercises_per_hour": 2}}, "test")
    assert served(Exercises(rules, b"s", BANK), 70, gap=60.0) == [0, 1, 60, 61]


def test_nobody_sees_the_same_one_twice() -> None:
    rules = Policy.from_mapping({"care": {"exercise_every": 1}}, "test")
    machine = Exercises(rules, b"s", BANK[:3])
    assert len(served(machine, 50, gap=3600.0)) == 3
    machine.handle(BankAdded(Exercise("new", "reject")), 0.0)
    machine.handle(ItemComing("ann", "later"), 1e6)
    [serve] = machine.take_commands()
    assert isinstance(serve, Serve) and serve.exercise.exercise_id == "new"


def test_an_answer_is_scored_once_and_never_executed() -> None:
    rules = Policy.from_mapping({"care": {"exercise_every": 1}}, "test")
    machine = Exercises(rules, b"s", [Exercise("e", "reject")])
    machine.handle(ItemComing("ann", "a1"), 1.0)
    assert [type(command) for command in machine.take_commands()] == [Serve]
    assert machine.is_exercise("a1") and not machine.is_exercise("a2")
    machine.handle(ExerciseAnswered("a1", "bob", "reject", 5.0), 2.0)  # not theirs
    machine.handle(ExerciseAnswered("a1", "ann", "approve", 5.0), 3.0)
    machine.handle(ExerciseAnswered("a1", "ann", "reject", 5.0), 4.0)  # too late to change
    [scored] = machine.take_commands()
    assert isinstance(scored, Scored)
    assert (scored.right, scored.answer, scored.minutes, scored.at) == (False, "approve", 5.0, 3.0)
    assert machine.is_exercise("a1")
    with pytest.raises(ProtocolError, match="used once"):
        machine.handle(ItemComing("ann", "a1"), 5.0)


def test_one_that_lapses_scores_nobody() -> None:
    rules = Policy.from_mapping({"care": {"exercise_every": 1}}, "test")
    machine = Exercises(rules, b"s", BANK)
    machine.handle(ItemComing("ann", "a1"), 1.0)
    machine.take_commands()
    machine.handle(ExerciseLapsed("a1"), 2.0)
    machine.handle(ExerciseLapsed("a1"), 2.0)
    machine.handle(ExerciseAnswered("a1", "ann", "reject", 1.0), 3.0)
    assert machine.take_commands() == [] and machine.is_exercise("a1")


def test_a_restart_forgets_neither_what_was_seen_nor_what_is_no_real_item() -> None:
    rules = Policy.from_mapping({"care": {"exercise_every": 1}}, "test")
    machine = Exercises(rules, b"s", BANK[:2])
    machine.handle(ItemComing("ann", "a1"), 0.0)
    kept = [command for command in machine.take_commands() if isinstance(command, Serve)]
    again = Exercises(rules, b"s", BANK[:2], kept)
    assert again.is_exercise("a1")
    again.handle(ExerciseAnswered("a1", "ann", "reject", 1.0), 1.0)
    assert again.take_commands() == []
    again.handle(ItemComing("ann", "a2"), 7200.0)
    again.handle(ItemComing("ann", "a3"), 14400.0)  # both known by now
    [serve] = again.take_commands()
    assert isinstance(serve, Serve) and serve.exercise != kept[0].exercise


@pytest.mark.parametrize("care", [{"enabled": False}, {"exercise_every": 0}])
def test_switched_off_there_are_none(care: dict[str, int]) -> None:
    assert served(Exercises(Policy.from_mapping({"care": care}, "test"), b"s", BANK), 300) == []


def test_what_it_does_not_know_is_refused() -> None:
    machine = Exercises(Policy(), b"s")
    with pytest.raises(ProtocolError, match="no event str"):
        machine.handle(cast(ExerciseEvent, "quiz"), 0.0)
    assert machine.next_deadline() is None


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.floats(0, 900)),
        max_size=120,
    )
)
def test_caps_hold_for_any_course(course: list[tuple[str, float]]) -> None:
    rules = Policy.from_mapping({"care": {"exercise_every": 2, "exercises_per_hour": 3}}, "test")
    machine, now = Exercises(rules, b"s", BANK), 0.0
    given_at: dict[str, list[float]] = {}
    seen: set[tuple[str, str]] = set()
    for number, (who, gap) in enumerate(course):
        now += gap
        machine.handle(ItemComing(who, f"i{number}"), now)
        for command in machine.take_commands():
            assert isinstance(command, Serve)
            assert command.operator_id == who
            assert (who, command.exercise.exercise_id) not in seen
            seen.add((who, command.exercise.exercise_id))
            given_at.setdefault(who, []).append(now)
            assert sum(now < at + 3600 for at in given_at[who]) <= 3
            assert machine.is_exercise(f"i{number}")


def test_what_somebody_knows_from_elsewhere_is_not_chosen_for_them() -> None:
    rules = Policy.from_mapping({"care": {"exercise_every": 1}}, "test")
    machine = Exercises(rules, b"s", [Exercise("one", "approve"), Exercise("two", "approve")])
    machine.handle(ItemComing("ann", "a1", frozenset({"one"})), 0.0)
    machine.handle(ItemComing("ann", "a2", frozenset({"one"})), 3600.0)
    assert [
        each.exercise.exercise_id for each in machine.take_commands() if isinstance(each, Serve)
    ] == ["two"]
