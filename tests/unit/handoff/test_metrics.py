from __future__ import annotations

from dataclasses import fields
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.calibration import brier, ece
from handoff.errors import ProtocolError
from handoff.intervals import NOT_ENOUGH, Figure
from handoff.metrics import (
    BUCKETS,
    PATHS,
    CallFinished,
    Disposed,
    Fact,
    Handled,
    Judged,
    Metrics,
    Predicted,
    ProposalAnswered,
    QueueLeft,
    Reviewed,
    Tally,
    Window,
)
from handoff.policy import Policy

DAY = 24 * 3600.0


def fed(*facts: Fact, at: float = 0.0) -> Metrics:
    metrics = Metrics(Policy())
    for fact in facts:
        metrics.handle(fact, at)
    return metrics


def value(figure: Figure) -> float:
    assert figure.value is not None and figure.low is not None and figure.high is not None
    assert figure.low <= figure.value <= figure.high
    return figure.value


# --- each figure by hand --------------------------------------------------------------------


def test_nothing_seen_is_not_enough_for_any_figure() -> None:
    figures = Metrics(Policy()).snapshot(5.0)
    for name in (f.name for f in fields(figures)):
        part = getattr(figures, name)
        for figure in part.values() if isinstance(part, dict) else [part]:
            if isinstance(figure, Figure):
                assert (figure.n, figure.value, figure.note) == (0, None, NOT_ENOUGH)
    assert figures.reviewers.kappa.note == NOT_ENOUGH and figures.at == 5.0


def test_calls_by_outcome_and_how_long_they_took() -> None:
    figures = fed(
        *[CallFinished("automated", 100.0)] * 70,
        *[CallFinished("handed_off", 300.0)] * 20,
        *[CallFinished("abandoned", 7.0)] * 6,
        *[CallFinished("failed", 9.0)] * 4,
    ).snapshot(1.0)
    assert value(figures.automation_rate) == 0.7
    assert value(figures.routed) == 0.2
    assert value(figures.failed) == 0.04
    assert value(figures.time_to_resolution) == pytest.approx(13_000 / 90)
    assert figures.time_to_resolution.n == 90


def test_the_queue() -> None:
    figures = fed(
        *[QueueLeft(5.0, True)] * 60,
        *[QueueLeft(20.0, True)] * 10,  # within: the limit counts
        *[QueueLeft(40.0, True)] * 20,
        *[QueueLeft(10.0, False)] * 10,  # gone early is not served early
    ).snapshot(1.0)
    assert value(figures.service_level) == 0.7
    assert value(figures.abandonment) == 0.1
    assert value(figures.queue_time) == pytest.approx(14.0)


def test_people() -> None:
    figures = fed(
        *[Disposed("needed")] * 20,
        *[Disposed("too_late")] * 5,
        *[Disposed("premature")] * 10,
        *[Disposed("not_needed")] * 15,
        *[ProposalAnswered(True)] * 8,
        *[ProposalAnswered(False)] * 32,
        *[Handled(120.0)] * 20,
        *[Handled(180.0)] * 20,
        *[Reviewed("yes", "yes")] * 70,
        *[Reviewed("no", "no")] * 20,
        *[Reviewed("no", "yes")] * 10,
    ).snapshot(1.0)
    assert value(figures.routing_accuracy) == 0.5
    assert value(figures.override_rate) == 0.2
    assert value(figures.handle_time) == pytest.approx(150.0)
    assert value(figures.reviewers.share) == pytest.approx(0.9)
    assert 0 < value(figures.reviewers.kappa) < value(figures.reviewers.ac1) < 1


def test_errors_by_path_undo_how_they_were_sampled() -> None:
    """10 % of easy items (2 % wrong) and all hard ones (30 % wrong, a tenth of the whole) are audited."""
    rng, metrics = np.random.default_rng(1), Metrics(Policy())
    for _ in range(40_000):
        hard = rng.random() < 0.1
        propensity = 1.0 if hard else 0.1
        if rng.random() < propensity:
            wrong = bool(rng.random() < (0.3 if hard else 0.02))
            metrics.handle(Judged("automatic", wrong, propensity), 0.0)
    figure = metrics.snapshot(0.0).error_by_path["automatic"]
    truth = 0.1 * 0.3 + 0.9 * 0.02
    assert value(figure) == pytest.approx(truth, abs=0.006)
    assert figure.low is not None and figure.high is not None and figure.low < truth < figure.high
    assert metrics.snapshot(0.0).error_by_path["approved"].value is None


def test_weighted_errors_lie_in_their_intervals_as_often_as_they_say() -> None:
    rng, inside = np.random.default_rng(2), 0
    for _ in range(200):
        metrics = Metrics(Policy())
        hard = rng.random(3000) < 0.2
        audited = np.nonzero(rng.random(3000) < np.where(hard, 0.5, 0.1))[0]
        for index in audited:
            wrong = bool(rng.random() < (0.4 if hard[index] else 0.05))
            metrics.handle(Judged("automatic", wrong, 0.5 if hard[index] else 0.1), 0.0)
        figure = metrics.snapshot(0.0).error_by_path["automatic"]
        assert figure.low is not None and figure.high is not None
        inside += figure.low <= 0.2 * 0.4 + 0.8 * 0.05 <= figure.high
    assert inside >= 180  # 190 of 200 promised


def test_the_policy_says_how_much_one_audit_may_speak_for() -> None:
    facts = [Judged("approved", True, 0.01), *[Judged("approved", False)] * 90]
    for clip in (10.0, 50.0, 100.0):
        metrics = Metrics(Policy.from_mapping({"audit": {"clip": clip}}, "test"))
        for fact in facts:
            metrics.handle(fact, 0.0)
        figure = metrics.snapshot(0.0).error_by_path["approved"]
        assert value(figure) == pytest.approx(clip / (clip + 90))


def test_uneven_weights_tell_less_than_even_ones() -> None:
    even = [Judged("approved", n % 4 == 0) for n in range(200)]
    uneven = [Judged("approved", n % 4 == 0, 0.02 if n % 8 < 4 else 1.0) for n in range(200)]
    one = fed(*even).snapshot(0.0).error_by_path["approved"]
    other = fed(*uneven).snapshot(0.0).error_by_path["approved"]
    assert value(one) == pytest.approx(value(other)) == 0.25
    assert one.low is not None and other.low is not None and other.low < one.low - 0.01


def test_live_calibration_is_that_of_the_last_outcomes() -> None:
    rng, metrics = np.random.default_rng(3), Metrics(Policy())
    p = rng.random(3000)
    y = rng.random(3000) < p
    for a, b in zip(p, y, strict=True):
        metrics.handle(Predicted("h", float(a), bool(b)), 0.0)
        metrics.handle(Predicted("q", float(a), not b), 0.0)
    figures = metrics.snapshot(0.0)
    assert figures.ece["h"].n == 2000
    assert value(figures.ece["h"]) == pytest.approx(ece(p[1000:], y[1000:]))
    assert value(figures.brier["h"]) == pytest.approx(brier(p[1000:], y[1000:]), abs=1e-9)
    assert value(figures.ece["h"]) < 0.05 < 0.3 < value(figures.ece["q"])
    assert metrics.snapshot(0.0) == figures


def test_calibration_needs_more_than_the_other_figures() -> None:
    figures = fed(*[Predicted("h", 0.5, True)] * 199).snapshot(0.0)
    assert figures.ece["h"].note == NOT_ENOUGH and value(figures.brier["h"]) == 0.25


# --- the window -----------------------------------------------------------------------------


def test_what_is_older_than_the_window_is_forgotten() -> None:
    metrics = fed(*[ProposalAnswered(True)] * 40, at=0.0)
    for _ in range(40):
        metrics.handle(ProposalAnswered(False), DAY / 2)
    assert value(metrics.snapshot(DAY / 2).override_rate) == 0.5
    assert value(metrics.snapshot(DAY + 1).override_rate) == 0.0
    assert metrics.snapshot(3 * DAY).override_rate.n == 0


@given(st.lists(st.floats(0, 10 * DAY), max_size=400))
def test_a_window_is_bounded_and_counts_what_is_in_it(times: list[float]) -> None:
    window, last = Window(DAY), 0.0
    for at in sorted(times):
        window.add(Tally.of(1.0), at)
        last = at
    bucket = DAY / BUCKETS
    kept = sum(int(at // bucket) > int(last // bucket) - BUCKETS for at in times)
    assert window.sum(last).n == kept


observations = st.lists(st.tuples(st.booleans(), st.floats(0.5, 50)), max_size=60)


@given(observations, observations)
def test_tallies_merge(one: list[tuple[bool, float]], other: list[tuple[bool, float]]) -> None:
    def tally(rows: list[tuple[bool, float]]) -> Tally:
        return sum((Tally.of(hit, weight) for hit, weight in rows), Tally())

    merged, whole = tally(one) + tally(other), tally(one + other)
    first, second = merged.share(1), whole.share(1)
    assert (first.n, first.note) == (second.n, second.note)
    if first.value is not None and second.value is not None:
        assert first.value == pytest.approx(second.value)
        assert 0 <= value(first) <= 1
        scaled = sum((Tally.of(hit, 7 * weight) for hit, weight in one + other), Tally())
        assert value(scaled.share(1)) == pytest.approx(first.value)  # only ratios of weights matter


facts = st.one_of(
    st.builds(
        CallFinished, st.sampled_from(["automated", "handed_off", "failed"]), st.floats(0, 1e4)
    ),
    st.builds(QueueLeft, st.floats(0, 300), st.booleans()),
    st.builds(Disposed, st.sampled_from(["needed", "premature", "too_late", "not_needed"])),
    st.builds(ProposalAnswered, st.booleans()),
    st.builds(Judged, st.sampled_from(PATHS), st.booleans(), st.floats(0.001, 1)),
)


@given(st.lists(facts, max_size=150))
def test_order_within_a_moment_does_not_matter(given_facts: list[Fact]) -> None:
    backwards = list(reversed(given_facts))
    one, other = fed(*given_facts).snapshot(0.0), fed(*backwards).snapshot(0.0)
    for name in ("routed", "override_rate", "service_level", "queue_time", "routing_accuracy"):
        a, b = getattr(one, name), getattr(other, name)
        assert a.n == b.n and (a.value is None) == (b.value is None)
        if a.value is not None:
            assert value(a) == pytest.approx(value(b))


@pytest.mark.parametrize(
    "bad",
    [
        CallFinished("automated", -1.0),
        QueueLeft(float("nan"), True),
        Judged("automatic", True, 0.0),
        Judged("automatic", True, 1.5),
        Judged(cast(object, "sideways"), True),  # type: ignore[arg-type]
        Predicted("h", 1.5, True),
        "noise",
    ],
)
def test_what_cannot_be_is_refused_and_counts_nowhere(bad: Fact) -> None:
    metrics = Metrics(Policy())
    before = metrics.snapshot(0.0)
    with pytest.raises(ProtocolError):
        metrics.handle(bad, 0.0)
    assert metrics.snapshot(0.0) == before
