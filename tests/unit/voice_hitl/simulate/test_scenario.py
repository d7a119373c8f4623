from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from voice_hitl.simulate.scenario import (
    Condition,
    Dtmf,
    Hangup,
    IfAgentSays,
    OperatorScript,
    Say,
    Wait,
)

Make = Callable[..., Any]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("agent_done", "agent_done"),
        ("operator", "operator"),
        (2, 2.0),
        (1.5, 1.5),
        ({"seconds": 3}, 3.0),
    ],
)
def test_a_wait_is_for_something_or_for_a_time(given: object, meant: object) -> None:
    assert Wait.model_validate({"wait": given}).wait == meant


@pytest.mark.parametrize("given", ["agent", -1, 601, True, None, {"minutes": 1}, {"seconds": "x"}])
def test_other_waits_are_refused(given: object) -> None:
    with pytest.raises(ValidationError, match="wait for agent_done, agent_speaking, operator or"):
        Wait.model_validate({"wait": given})


def test_words_are_waited_for_after_the_agent_alone() -> None:
    assert Wait.model_validate({"wait": "agent_done", "hears": ["else"]}).hears == ["else"]
    for wrong in ({"wait": "operator", "hears": ["x"]}, {"wait": "agent_done", "hears": []}):
        with pytest.raises(ValidationError, match="hears"):
            Wait.model_validate(wrong)


@pytest.mark.parametrize(
    "given",
    [
        {"approve": "as_proposed"},
        {"approve": {"amount": "400.00"}},
        {"approve": "reject", "note": "The account is under review."},
    ],
)
def test_an_approval_is_answered_in_one_of_three_ways(given: dict[str, Any]) -> None:
    assert OperatorScript.model_validate(given).approve == given["approve"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"approve": "yes"},
        {"approve": {}},
        {"approve": {"amount": 400.0}},
        {"approve": "reject"},
        {"approve": "reject", "note": "x" * 501},
    ],
)
def test_other_answers_to_an_approval_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="approve"):
        OperatorScript.model_validate(wrong)


def test_a_bare_hangup_is_one_at_once() -> None:
    assert Hangup.model_validate({"hangup": None}).hangup.after is None
    assert Hangup.model_validate({"hangup": {"after": 0.7}}).hangup.after == 0.7


def test_keys_are_text() -> None:
    assert Dtmf.model_validate({"dtmf": "0*#A"}).dtmf == "0*#A"
    with pytest.raises(ValidationError, match='write dtmf: "10"'):
        Dtmf.model_validate({"dtmf": 10})


def test_a_fork_goes_by_any_of_its_words_in_any_case() -> None:
    fork = Condition.model_validate(
        {"contains": ["limit", "Too Much"], "say": "a.wav", "text": "a", "else": [{"dtmf": "1"}]}
    )
    assert fork.branch("Over your LIMIT.") == [Say(say="a.wav", text="a")]
    assert fork.branch("that is too much") == [Say(say="a.wav", text="a")]
    assert fork.branch("done") == [Dtmf(dtmf="1")]
    bare = Condition.model_validate({"contains": "x", "then": [{"wait": 1}]})
    assert bare.branch("y") == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"contains": "x"},
        {"contains": "x", "say": "a.wav"},
        {"contains": "x", "say": "a.wav", "text": "a", "then": [{"wait": 1}]},
        {"contains": "", "then": [{"wait": 1}]},
        {"contains": [], "then": [{"wait": 1}]},
    ],
)
def test_a_fork_has_one_way_when_it_is_taken(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Condition.model_validate(wrong)


def test_all_that_may_be_said_is_known_beforehand(scenario: Make) -> None:
    made = scenario(
        {"say": "hello.wav", "text": "one"},
        {"if_agent_says": {"contains": "x", "say": "long.wav", "text": "two"}},
        {
            "if_agent_says": {
                "contains": "x",
                "then": [{"say": "hello.wav", "text": "three"}],
                "else": [{"say": "hello.wav", "text": "four"}, {"wait": "operator"}],
            }
        },
    )
    assert [saying.text for saying in made.sayings()] == ["one", "two", "three", "four"]
    assert len(list(made.every_step())) == 6
    assert isinstance(made.steps[1], IfAgentSays)
    assert made.needs_view()
    assert made.view_step() == "step 2, `if_agent_says`"


def test_only_forks_and_waiting_for_a_person_need_a_view(scenario: Make) -> None:
    assert not scenario({"wait": "agent_done"}, {"dtmf": "1"}, {"hangup": {}}).needs_view()
    assert scenario({"wait": "operator"}).needs_view()
    assert scenario({"wait": "agent_done", "hears": ["else"]}).needs_view()


def test_noise_is_as_loud_as_the_caller_allows(scenario: Make) -> None:
    quiet = scenario({"wait": 1}, name="quiet")
    noisy = scenario(
        {"say": "hello.wav", "text": "x"}, name="noisy", noise={"wav": "noise.wav", "snr_db": 10}
    )
    assert quiet.make_noise() is None
    assert noisy.make_noise() is not None
