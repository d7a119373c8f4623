from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from handoff.agreement import ONE_ANSWER, agreement
from handoff.intervals import NOT_ENOUGH, Z95, Figure

Pairs = list[tuple[str, str]]


def pairs(table: list[list[int]]) -> Pairs:
    return [
        (str(i), str(j))
        for i, row in enumerate(table)
        for j, count in enumerate(row)
        for _ in range(count)
    ]


def told(figure: Figure) -> tuple[float, float, float]:
    assert figure.value is not None and figure.low is not None and figure.high is not None
    return figure.value, figure.low, figure.high


def test_kappa_as_published_with_statpsych() -> None:
    """R package statpsych, ci.kappa(.05, 31, 12, 4, 58): 0.6756757 [0.5317210, 0.8196303]."""
    found = agreement(pairs([[31, 12], [4, 58]]))
    assert found.n == 105
    assert told(found.kappa) == pytest.approx((0.6756757, 0.5317210, 0.8196303), abs=1e-6)


def test_ac1_as_published_with_irrcac() -> None:
    """R package irrCAC, cont3x3abstractors: AC1 0.8493305, standard error 0.04321747."""
    found = agreement(pairs([[13, 0, 0], [0, 20, 7], [0, 4, 56]]))
    value, low, high = told(found.ac1)
    assert value == pytest.approx(0.8493305, abs=1e-6)
    assert (high - low) / 2 / Z95 == pytest.approx(0.04321747, rel=0.01)


def test_the_paradox_of_a_rare_answer() -> None:
    found = agreement(pairs([[118, 5], [2, 0]]))  # Gwet 2008's case: much agreement, kappa below 0
    assert told(found.share)[0] > 0.94
    assert told(found.kappa)[0] < 0.0 and told(found.ac1)[0] > 0.93


def test_the_analytic_intervals_are_those_of_the_bootstrap() -> None:
    rng = np.random.default_rng(2)
    data = pairs([[60, 10, 5], [8, 90, 12], [3, 9, 40]])
    kappas, ac1s = [], []
    for _ in range(400):
        drawn = [data[i] for i in rng.integers(0, len(data), len(data))]
        again = agreement(drawn)
        kappas.append(told(again.kappa)[0])
        ac1s.append(told(again.ac1)[0])
    found = agreement(data)
    for figure, drawn_values in ((found.kappa, kappas), (found.ac1, ac1s)):
        _, low, high = told(figure)
        assert (high - low) / 2 / Z95 == pytest.approx(float(np.std(drawn_values)), rel=0.12)


def test_too_few_pairs_say_nothing() -> None:
    found = agreement(pairs([[50, 0], [0, 49]]))
    assert (found.share.note, found.kappa.note, found.ac1.note) == (NOT_ENOUGH,) * 3
    assert told(agreement(pairs([[50, 0], [0, 50]])).kappa)[0] == 1.0


def test_perfect_agreement_is_not_certain() -> None:
    _, low, high = told(agreement(pairs([[50, 0], [0, 50]])).ac1)
    assert 0.9 < low < 1.0 and high == 1.0


def test_one_answer_alone_tells_nothing_but_the_share() -> None:
    found = agreement([("yes", "yes")] * 120)
    assert (found.kappa.note, found.ac1.note) == (ONE_ANSWER, ONE_ANSWER)
    assert told(found.share)[0] == 1.0
    known = agreement([("yes", "yes")] * 120, categories=("yes", "no"))
    assert known.kappa.note == ONE_ANSWER and told(known.ac1)[0] == 1.0


def linearized(data: Pairs) -> float:
    """The variance of AC1 from each item's share in it (Gwet 2008, and as irrCAC has it)."""
    names = sorted({answer for pair in data for answer in pair})
    q, n = len(names), len(data)
    either = {name: sum((a == name) + (b == name) for a, b in data) / (2 * n) for name in names}
    chance = sum(p * (1 - p) for p in either.values()) / (q - 1)
    seen = sum(a == b for a, b in data) / n
    value = (seen - chance) / (1 - chance)
    parts = []
    for a, b in data:
        own = sum(((a == k) + (b == k)) / 2 * (1 - either[k]) for k in names) / (q - 1)
        parts.append(((a == b) - chance - 2 * (1 - value) * (own - chance)) / (1 - chance))
    return float(np.var(parts))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=30))
def test_ac1s_variance_is_that_of_its_parts(data: Pairs) -> None:
    data = [*data, ("a", "b"), ("b", "b"), ("c", "c")]
    value, low, high = told(agreement(data, minimum=1).ac1)
    half = Z95 * (linearized(data) / len(data)) ** 0.5
    assert low == pytest.approx(max(-1.0, value - half), abs=1e-9)
    assert high == pytest.approx(min(1.0, value + half), abs=1e-9)


tables = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1, max_size=120
)


@given(tables)
def test_bounds_symmetry_and_sklearn(data: Pairs) -> None:
    found = agreement(data, minimum=1)
    swapped = agreement([(b, a) for a, b in data], minimum=1)
    for figure, other in ((found.kappa, swapped.kappa), (found.ac1, swapped.ac1)):
        if figure.value is None:
            assert figure.note == ONE_ANSWER
            continue
        value, low, high = told(figure)
        assert -1 <= low <= value <= high <= 1
        assert told(other) == pytest.approx((value, low, high), abs=1e-9)
    if found.kappa.value is not None:
        first, second = zip(*data, strict=True)
        assert found.kappa.value == pytest.approx(cohen_kappa_score(first, second), abs=1e-9)


@given(tables)
def test_names_of_answers_do_not_matter(data: Pairs) -> None:
    names = {"a": "z", "b": "y", "c": "x"}
    renamed = agreement([(names[a], names[b]) for a, b in data], minimum=1)
    found = agreement(data, minimum=1)
    for one, other in ((found.kappa, renamed.kappa), (found.ac1, renamed.ac1)):
        assert (one.value is None) == (other.value is None)
        if one.value is not None:
            assert told(other) == pytest.approx(told(one), abs=1e-9)
