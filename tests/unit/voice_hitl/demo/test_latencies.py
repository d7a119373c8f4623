import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.call.latency import BUDGETS, Stage
from voice_hitl.demo.latencies import WORDS, collect, measure, percentile

VALUES = st.lists(st.floats(0, 10_000), min_size=1, max_size=60)


def test_percentiles_are_nearest_ranks() -> None:
    values = [float(n) for n in range(1, 101)]
    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.95) == 95
    assert percentile([7.0], 0.95) == 7.0


@given(VALUES, st.sampled_from([0.05, 0.5, 0.95, 1.0]))
def test_a_percentile_is_a_value_that_enough_others_do_not_exceed(
    values: list[float], share: float
) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)
    assert sum(value < found for value in values) < share * len(values)


def test_a_stage_keeps_its_budget_only_with_both_percentiles() -> None:
    good = measure(Stage.RESPONSE, [500.0] * 20)
    slow_tail = measure(Stage.RESPONSE, [500.0] * 18 + [2000.0] * 2)
    assert good is not None and good.ok
    assert slow_tail is not None and not slow_tail.ok


def test_nothing_measured_is_no_figure() -> None:
    assert measure(Stage.REPLY, []) is None
    assert collect([]) == {}


def test_samples_are_collected_by_stage_in_the_table_s_order() -> None:
    found = collect([(Stage.BRIDGE, 30.0), (Stage.REPLY, 5.0), (Stage.BRIDGE, 50.0)])
    assert list(found) == [Stage.REPLY, Stage.BRIDGE]
    assert found[Stage.BRIDGE].n == 2


@pytest.mark.parametrize("stage", list(Stage))
def test_every_stage_has_words_and_a_budget(stage: Stage) -> None:
    assert WORDS[stage]
    found = measure(stage, [1.0])
    assert found is not None
    assert found.budget == BUDGETS[stage]


def test_complete_and_unfinished_sentences_are_each_held_against_their_own_budget() -> None:
    found = collect([(Stage.ENDPOINT, 320.0), (Stage.ENDPOINT_UNFINISHED, 790.0)])
    assert all(each.ok for each in found.values())
    mixed = measure(Stage.ENDPOINT, [320.0, 790.0])
    assert mixed is not None
    assert not mixed.ok
    assert (mixed.budget.p50, mixed.budget.p95) == (350, 600)
    unfinished = found[Stage.ENDPOINT_UNFINISHED].budget
    assert (unfinished.p50, unfinished.p95) == (800, 1200)
