"""A small trade of its own, whose agent breaks down when it asks one thing over and over."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from handoff.acts import ActsModel, fit, prefixes, training
from handoff.acts.history import AGE
from handoff.calibration import Platt

Call = dict[str, Any]
STEPS = ("greet", "ask_size", "ask_topping", "ask_street", "read_back", "pay")


def turn(speaker: str, *acts: str) -> dict[str, Any]:
    return {"speaker": speaker, "acts": [{"act": act, "entities": ["thing"]} for act in acts]}


def pizza(number: int, *, salt: int = 0) -> Call:
    """An order; a third gets stuck at the street and is handed over."""
    random = np.random.default_rng([number, salt])
    turns, stuck = [], number % 3 == 0
    for step in STEPS:
        turns += [turn("agent", step), turn("caller", "tell" if random.random() < 0.8 else "hm")]
        if step == "ask_street" and stuck:
            for _ in range(2 + int(random.integers(0, 3))):
                turns += [turn("agent", "sorry", step), turn("caller", "complain")]
            break
    turns.append(turn("agent", "bye"))
    return {
        "call_id": f"p{number:03}",
        "turns": turns,
        "outcome": "handed_off" if stuck else "completed",
    }


CALLS = [pizza(number) for number in range(150)]


@pytest.fixture(scope="module", autouse=True)
def _few_trees() -> Iterator[None]:
    """A small trade needs no large forest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "TREES", 15)
        yield


@pytest.fixture(scope="module")
def model() -> ActsModel:
    return fit(CALLS)


def scored(model: ActsModel, calls: list[Call]) -> tuple[list[bool], list[float]]:
    truth = [prefix.label for call in calls for prefix in prefixes(call)]
    return truth, [score for call in calls for score in model.scores(call)]


def test_breakdowns_of_calls_it_has_not_seen_are_foreseen(model: ActsModel) -> None:
    truth, guess = scored(model, [pizza(number, salt=1) for number in range(300, 400)])
    assert roc_auc_score(truth, guess) > 0.9
    assert np.mean(guess) == pytest.approx(np.mean(truth), abs=0.04)
    assert model.calibration != Platt()


def test_scores_are_those_of_the_prefixes_that_count(model: ActsModel) -> None:
    for call in CALLS[:20]:
        assert len(model.scores(call)) == len(list(prefixes(call)))


def test_a_prefix_is_scored_without_what_follows(model: ActsModel) -> None:
    call = CALLS[0]
    for length in range(5, len(call["turns"]) + 1):
        cut = call | {"turns": call["turns"][:length], "outcome": "completed"}
        scores = model.scores(cut)
        assert scores == model.scores(call)[: len(scores)]


def test_the_order_of_the_training_calls_does_not_matter(model: ActsModel) -> None:
    again = fit(list(reversed(CALLS)))
    other = pizza(7, salt=2)
    assert again.scores(other) == model.scores(other)
    assert again.calibration == model.calibration


def test_names_mean_nothing(model: ActsModel) -> None:
    """Every act renamed, in an order that keeps the columns' order: the same numbers."""

    def renamed(call: Call) -> Call:
        turns = [
            {
                "speaker": turn["speaker"],
                "acts": [{"act": f"a_{a['act']}", "entities": ["Thing 1"]} for a in turn["acts"]],
            }
            for turn in call["turns"]
        ]
        return call | {"turns": turns}

    again = fit([renamed(call) for call in CALLS])
    other = pizza(9, salt=2)
    assert again.scores(renamed(other)) == pytest.approx(model.scores(other), abs=1e-9)


acts = st.lists(st.sampled_from([*STEPS, "tell", "hm", "complain", "sorry", "??", ""]), max_size=3)
turns = st.lists(st.tuples(st.sampled_from(["agent", "caller"]), acts), max_size=24)


@settings(deadline=None, max_examples=40)
@given(turns)
def test_a_live_reader_says_the_same_numbers(
    model: ActsModel, said: list[tuple[str, list[str]]]
) -> None:
    call = {
        "call_id": "x",
        "turns": [turn(speaker, *names) for speaker, names in said],
        "outcome": "completed",
    }
    reader, live = model.reader(), []
    for done, (speaker, _) in enumerate(said, start=1):
        found = call["turns"][done - 1]["acts"]  # type: ignore[index]
        if speaker == "agent":
            reader.agent(found)
        else:
            p = reader.caller(found)
            assert 0.0 < p < 1.0
            if 3 <= done < len(said):
                live.append(p)
    assert live == model.scores(call)


def test_the_base_rate_until_something_can_be_known(model: ActsModel) -> None:
    reader = model.reader()
    assert reader.caller([{"act": "complain", "entities": []}]) == model.base_rate
    reader.agent([{"act": "sorry", "entities": []}])
    assert reader.caller([{"act": "complain", "entities": []}]) != model.base_rate


def test_reasons_name_what_goes_wrong(model: ActsModel) -> None:
    reader = model.reader()
    for said in CALLS[0]["turns"][:12]:
        (reader.agent if said["speaker"] == "agent" else reader.heard)(said["acts"])
    reasons = reader.reasons()
    assert len(reasons) == 3
    assert [reason.weight for reason in reasons] == sorted(
        (reason.weight for reason in reasons), reverse=True
    )
    assert any("sorry" in reason.words or "complain" in reason.words for reason in reasons)
    assert reader.reasons(1) == reasons[:1]


def test_a_turn_is_quick_and_stays_so(model: ActsModel) -> None:
    reader, taken = model.reader(), []
    for _ in range(600):
        reader.agent([{"act": "ask_street", "entities": ["thing"]}])
        started = time.thread_time()
        reader.caller([{"act": "tell", "entities": []}])
        taken.append(time.thread_time() - started)
    assert np.median(taken) < 0.003
    assert np.median(taken[-100:]) < 3 * np.median(taken[:100])


def test_few_calls_are_enough_to_learn_without_calibration() -> None:
    small = fit(CALLS[:4])
    assert small.calibration == Platt()
    assert AGE in small.columns
    assert all(0 < score < 1 for score in small.scores(CALLS[5]))


def test_two_ends_only() -> None:
    """Calls so short that every prefix is near the end: the regression has two classes."""
    ask = [turn("agent", "ask"), turn("caller", "no")] * 2 + [turn("agent", "bye")]
    calls = [
        {"call_id": str(at), "turns": ask, "outcome": ("completed", "handed_off")[at % 2]}
        for at in range(30)
    ]
    assert fit(calls).scores(calls[0]) == [pytest.approx(0.5, abs=0.05)]


@pytest.mark.parametrize(
    "calls",
    [
        [],
        [{"call_id": "1", "turns": [turn("agent", "hi")], "outcome": "handed_off"}],
        [call for call in CALLS if call["outcome"] == "completed"],
    ],
)
def test_labels_of_one_kind_are_a_value_error(calls: list[Call]) -> None:
    with pytest.raises(ValueError, match="both kinds"):
        fit(calls)
