from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.console import Console

from handoff.learning import ActsTrial, Marks, Scores, Shortage, Trial
from handoff.policy import Hysteresis, Policy
from handoff.ports import CallRecord, TurnRecord
from handoff.replay import compare
from handoff.risk import SHIPPED
from handoff.testing import a_decision
from tests.support.talks import acts_of_talks
from voice_hitl.learning.again import Answer
from voice_hitl.learning.show import lesson_report, show_answer, show_lesson, show_versions, totals
from voice_hitl.learning.study import Lesson

WON = Trial(
    300,
    150,
    90,
    Scores(0.5, 0.2, 0.05),
    Scores(0.4, 0.15, 0.04),
    -0.1,
    -0.2,
    -0.01,
    SHIPPED.error,
)
LESSON = Lesson("m4", {("error", "audit", True): 90}, 0, {"error": WON}, None, None, ())


def shown(show: Callable[[Console], None]) -> str:
    console = Console(width=200)
    with console.capture() as captured:
        show(console)
    return captured.get()


@pytest.mark.parametrize(
    ("trial", "words"),
    [
        (WON, "the challenger wins, on 300 labels (90 yes) of 150 calls"),
        (replace(WON, high=0.01), "the champion stays: the difference may be chance"),
        (
            replace(WON, challenger=replace(WON.challenger, ece=0.06)),
            "the champion stays: the challenger is worse calibrated",
        ),
    ],
)
def test_a_verdict_says_why(trial: Trial, words: str) -> None:
    said = shown(lambda console: show_lesson(replace(LESSON, trials={"error": trial}), console))
    assert words in said
    assert "Champion (m4)" in said
    assert "-0.1000" in said


@pytest.mark.parametrize(
    ("marks", "words"),
    [
        (None, "Marks: they may stay."),
        (Shortage("recorded calls", 3, 100), "not enough data: 3 of 100 recorded calls"),
        (Marks(3.5, 1.5, 200, 0.4, 0.15, 0.0), "40% of 200 calls would be routed; high 3.5"),
    ],
)
def test_marks_are_told(marks: Marks | Shortage | None, words: str) -> None:
    assert words in shown(lambda console: show_lesson(replace(LESSON, marks=marks), console))


def test_labels_that_cannot_be_used_are_counted() -> None:
    said = shown(lambda console: show_lesson(replace(LESSON, unusable=7), console))
    assert "7 labels cannot be used" in said


def test_too_little_data_says_where_labels_come_from() -> None:
    few = replace(LESSON, labels={}, trials={"error": (Shortage("labels", 0, 100),)})
    said = shown(lambda console: show_lesson(few, console))
    assert said.startswith("No labels yet.\n")
    assert "docs/patterns/learning.md" in said.splitlines()[-1]
    assert "learning.md" not in shown(lambda console: show_lesson(LESSON, console))


def test_what_a_caller_said_is_no_markup() -> None:
    call = CallRecord("c1", "+1", "banking", "en", 0.0)
    turns = [TurnRecord("c1", 0, 1, "caller", "[red]my code is [/]", 0.0)]
    compared = compare([a_decision()], [])
    said = shown(lambda console: show_answer(Answer(call, turns, compared), console))
    assert "[red]my code is [/]" in said
    assert "a person: the caller asked for a person" in said
    assert "Handed off at turn 1, would be at turn -; 1 turn differs." in said


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (
            Policy(hysteresis=Hysteresis(high=3.5, low=1.0, low_turns=4)),
            "a person comes above 3.5 once, or above 1 in 4 turns in a row",
        ),
        (Policy(rule="simple"), "the rule `simple` decides without it"),
    ],
)
def test_a_legend_says_what_v_is_and_which_marks_hold(policy: Policy, words: str) -> None:
    call = CallRecord("c1", "+1", "banking", "en", 0.0)
    compared = compare([a_decision()], [])
    answer = Answer(call, (), compared, policy=policy)
    said = " ".join(shown(lambda console: show_answer(answer, console)).split())
    assert f"V: the value of handing off now, in the policy's cost units; {words}" in said
    assert "Later turns follow the recorded course" in said


def test_totals_count_what_was_decided_again() -> None:
    call = CallRecord("c1", "+1", "banking", "en", 0.0)
    same = compare([a_decision()], [a_decision()])
    differs = compare([], [a_decision()])
    answers = [
        Answer(call, (), same, exact=True),
        Answer(call, (), differs),
        Answer(call, (), None),
    ]
    assert totals(answers) == {
        "calls": 3,
        "replayed": 2,
        "same": 1,
        "differ": 1,
        "handed_off_was": 1,
        "handed_off_now": 2,
    }


def test_an_empty_list_says_what_is_active() -> None:
    assert "The shipped models are active." in shown(lambda console: show_versions([], console))


def test_acts_are_told_with_their_evidence() -> None:
    trial = ActsTrial(**WON.values(), acts=acts_of_talks())
    lesson = replace(LESSON, acts=trial)
    said = shown(lambda console: show_lesson(lesson, console))
    assert "h by dialogue acts: the challenger wins, on 300 turns (90 yes) of 150 calls" in said
    assert lesson_report(lesson)["acts"] == trial.evidence() | {"wins": True}
    few = replace(LESSON, acts=(Shortage("calls that broke down", 3, 50),))
    said = shown(lambda console: show_lesson(few, console))
    assert "h by dialogue acts: not enough data: 3 of 50 calls that broke down" in said
    assert lesson_report(few)["acts"] == {
        "not_enough": [{"what": "calls that broke down", "have": 3, "need": 50}]
    }
