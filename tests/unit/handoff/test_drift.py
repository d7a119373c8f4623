from __future__ import annotations

from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.drift import (
    CAP,
    TODO,
    ApprovalAnswered,
    CalibrationSampled,
    Code,
    Cusum,
    DriftEvent,
    Ewma,
    FatigueSampled,
    QueueSampled,
    RoutingSampled,
    WarningCleared,
    WarningRaised,
    Watch,
)
from handoff.errors import PolicyError, ProtocolError
from handoff.intervals import Figure, share_figure, too_little
from handoff.policy import Policy


def raised(watch: Watch) -> list[Code]:
    return [c.warning.code for c in watch.take_commands() if isinstance(c, WarningRaised)]


def run_lengths(rate: float, runs: int, seed: int) -> np.ndarray:
    """Answers until the CUSUM warns."""
    rng = np.random.default_rng(seed)
    lengths = []
    for _ in range(runs):
        cusum, n = Cusum(0.10, 0.20, 4.0), 1
        while not cusum.add(bool(rng.random() < rate)):
            n += 1
        lengths.append(n)
    return np.array(lengths)


# --- the charts -----------------------------------------------------------------------------


def test_false_alarms_are_as_rare_and_drift_is_found_as_soon_as_the_docs_say() -> None:
    assert run_lengths(0.10, 200, 1).mean() == pytest.approx(1850, rel=0.2)
    assert run_lengths(0.20, 600, 2).mean() == pytest.approx(75, rel=0.1)


@given(st.lists(st.booleans(), max_size=300), st.integers(0, 299))
def test_the_cusum_is_bounded_and_one_more_override_never_lowers_it(
    answers: list[bool], at: int
) -> None:
    plain, worse = Cusum(0.1, 0.2, 4.0), Cusum(0.1, 0.2, 4.0)
    for number, hit in enumerate(answers):
        plain.add(hit)
        worse.add(hit or number == at)
        assert 0 <= plain.value <= worse.value <= CAP * 4.0


def test_the_cusum_adds_log_likelihood_ratios() -> None:
    cusum = Cusum(0.1, 0.2, 4.0)
    for _ in range(6):
        assert cusum.add(True) == (cusum.value > 4)
    assert cusum.value == pytest.approx(6 * np.log(2))
    cusum.add(False)
    assert cusum.value == pytest.approx(6 * np.log(2) + np.log(0.8 / 0.9))


def test_the_ewma_stays_within_its_limits_about_as_often_as_they_say() -> None:
    rng, outside = np.random.default_rng(4), 0
    chart = Ewma(0.5, 0.2, 2.7)
    for _ in range(5000):
        chart.add(bool(rng.random() < 0.5))
        low, high = chart.limits
        assert 0 <= low < 0.5 < high <= 1 and 0 <= chart.value <= 1
        outside += not low <= chart.value <= high
    assert outside < 60  # 0.7 % of 5,000 is 35 for a normal value


def test_the_limits_widen_to_their_asymptote() -> None:
    chart = Ewma(0.1, 0.2, 2.7)
    assert chart.limits == (0.1, 0.1)
    chart.add(False)
    first = chart.limits[1]
    for _ in range(100):
        chart.add(False)
    assert first < chart.limits[1] == pytest.approx(0.1 + 2.7 * 0.3 * (0.2 / 1.8) ** 0.5)


# --- warnings -------------------------------------------------------------------------------


def test_rising_overrides_warn_once_and_clear_when_they_fall() -> None:
    watch = Watch(Policy())
    for number in range(20):
        watch.handle(ApprovalAnswered(True), float(number))
    commands = watch.take_commands()
    assert len(commands) == 1 and isinstance(commands[0], WarningRaised)
    warning = commands[0].warning
    assert (warning.code, warning.since, warning.todo) == (
        Code.OVERRIDES,
        5.0,
        TODO[Code.OVERRIDES],
    )
    assert "usual 10%" in warning.words and dict(warning.evidence)["cusum"] > 4
    assert watch.warnings[0].since == 5.0
    for number in range(20, 60):
        watch.handle(ApprovalAnswered(False), float(number))
    [cleared] = watch.take_commands()
    assert isinstance(cleared, WarningCleared) and cleared.code is Code.OVERRIDES
    assert watch.warnings == ()
    value, low, high = watch.override_chart
    assert low <= value <= high


def test_a_warning_of_overrides_does_not_flap_at_its_limit() -> None:
    watch = Watch(Policy())
    for number in range(6):
        watch.handle(ApprovalAnswered(True), float(number))
    assert raised(watch) == [Code.OVERRIDES]
    for number in range(6):  # S falls from 4.2 to 3.5: below 4, above 2.8
        watch.handle(ApprovalAnswered(False), float(number))
    assert watch.take_commands() == [] and dict(watch.warnings[0].evidence)["cusum"] < 4
    for number in range(8):
        watch.handle(ApprovalAnswered(False), float(number))
    assert [type(c) for c in watch.take_commands()] == [WarningCleared]


def test_a_queue_that_keeps_growing_warns_and_a_long_steady_one_does_not() -> None:
    watch = Watch(Policy())
    for second in range(0, 3600, 10):
        watch.handle(QueueSampled(8), float(second))
    assert raised(watch) == []
    for second in range(3600, 4200, 10):
        watch.handle(QueueSampled(8 + (second - 3600) // 30), float(second))
    assert raised(watch) == [Code.QUEUE]
    for second in range(4200, 4600, 10):
        watch.handle(QueueSampled(0), float(second))
    assert [type(c) for c in watch.take_commands()] == [WarningCleared]


def test_a_burst_of_callers_is_no_growing_queue() -> None:
    watch = Watch(Policy())
    for second in range(0, 3600, 10):
        watch.handle(QueueSampled(6 if 600 <= second < 660 else 0), float(second))
    assert watch.take_commands() == []


def test_low_routing_with_high_error_warns_only_on_firm_evidence() -> None:
    watch = Watch(Policy())
    share = share_figure(20, 1000)
    watch.handle(RoutingSampled(share, too_little(3)), 0.0)
    watch.handle(RoutingSampled(share, share_figure(3, 40)), 1.0)  # 7.5 %, but it might be 3 %
    watch.handle(RoutingSampled(share_figure(100, 1000), share_figure(100, 1000)), 2.0)
    assert watch.take_commands() == []
    watch.handle(RoutingSampled(share, share_figure(100, 1000)), 3.0)
    assert raised(watch) == [Code.UNDER_ROUTED]
    watch.handle(RoutingSampled(share, share_figure(40, 1000)), 4.0)  # better, but not clear of it
    assert watch.take_commands() == []
    watch.handle(RoutingSampled(share, share_figure(20, 1000)), 5.0)
    assert [type(c) for c in watch.take_commands()] == [WarningCleared]


def test_fatigue_warns_on_a_sure_fall_or_someone_overdue() -> None:
    watch = Watch(Policy())
    watch.handle(FatigueSampled(0.2, 0.2, 0), 0.0)
    watch.handle(FatigueSampled(0.02, 0.001, 0), 1.0)
    watch.handle(FatigueSampled(None, None, 0), 2.0)
    watch.handle(FatigueSampled(-0.2, 0.001, 0), 2.0)
    assert watch.take_commands() == [], "accuracy that rises is no fatigue"
    watch.handle(FatigueSampled(0.1, 0.001, 0), 3.0)
    assert raised(watch) == [Code.FATIGUE]
    watch.handle(FatigueSampled(0.01, 0.5, 0), 4.0)
    watch.handle(FatigueSampled(None, None, 2), 5.0)
    assert [type(c) for c in watch.take_commands()] == [WarningCleared, WarningRaised]
    assert watch.warnings[0].words.startswith("2 at work")


@pytest.mark.parametrize(("drop", "p"), [(0.02, 0.001), (0.1, 0.3), (-0.1, 0.001), (None, None)])
def test_fatigue_is_over_once_accuracy_no_longer_surely_falls(
    drop: float | None, p: float | None
) -> None:
    watch = Watch(Policy())
    for sample in (FatigueSampled(0.1, 0.001, 0), FatigueSampled(0.1, 0.02, 0)):
        watch.handle(sample, 0.0)
    assert raised(watch) == [Code.FATIGUE]
    assert [warning.code for warning in watch.warnings] == [Code.FATIGUE]
    watch.handle(FatigueSampled(drop, p, 0), 1.0)
    assert watch.warnings == ()


def test_calibration_warns_by_head_with_hysteresis() -> None:
    watch = Watch(Policy())

    def sample(head: str, value: float, n: int = 500) -> None:
        watch.handle(CalibrationSampled(head, Figure(n, value, 0.0, 1.0)), 0.0)

    sample("h", 0.3, n=50)
    assert raised(watch) == []
    sample("h", 0.12)
    sample("q", 0.05)
    assert raised(watch) == [Code.CALIBRATION_BREAKDOWN]
    sample("h", 0.08)
    assert watch.take_commands() == [] and dict(watch.warnings[0].evidence)["ece"] == 0.08
    sample("h", 0.06)
    assert [type(c) for c in watch.take_commands()] == [WarningCleared]
    with pytest.raises(ProtocolError, match="no head"):
        sample("x", 0.1)


def test_what_it_does_not_know_is_refused() -> None:
    watch = Watch(Policy())
    with pytest.raises(ProtocolError, match="no event str"):
        watch.handle(cast(DriftEvent, "smoke"), 0.0)
    with pytest.raises(ProtocolError, match="shorter than nobody"):
        watch.handle(QueueSampled(-1), 0.0)
    with pytest.raises(PolicyError, match="override_bad"):
        Policy.from_mapping({"warnings": {"override_bad": 0.05}}, "test")
    assert watch.next_deadline() is None and set(TODO) == set(Code)


figures = st.one_of(
    st.integers(0, 50).map(too_little),
    st.integers(0, 500).map(lambda hits: share_figure(hits, 500)),
)
events = st.one_of(
    st.builds(ApprovalAnswered, st.booleans()),
    st.builds(QueueSampled, st.integers(0, 50)),
    st.builds(RoutingSampled, figures, figures),
    st.builds(CalibrationSampled, st.sampled_from("hq"), figures),
    st.builds(
        FatigueSampled,
        st.none() | st.floats(-1, 1),
        st.none() | st.floats(0, 1),
        st.integers(0, 3),
    ),
)


@given(st.lists(st.tuples(events, st.floats(0, 300)), max_size=100))
def test_every_warning_is_raised_once_and_cleared_once(
    course: list[tuple[DriftEvent, float]],
) -> None:
    watch, now, standing = Watch(Policy()), 0.0, {}
    for event, gap in course:
        now += gap
        watch.handle(event, now)
        for command in watch.take_commands():
            if isinstance(command, WarningRaised):
                assert command.warning.code not in standing
                standing[command.warning.code] = now
            else:
                del standing[command.code]
        assert {warning.code: warning.since for warning in watch.warnings} == standing
