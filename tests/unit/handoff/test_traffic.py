from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff import traffic
from handoff.operators import Operator
from handoff.policy import Floor
from handoff.traffic import Meter, Traffic

FLOOR = Floor(memory=600.0, handle=100.0)
ANY = (None, None)


def operators(*skills: str | None, busy: int = 0) -> list[Operator]:
    found = []
    for number, skill in enumerate(skills):
        known = frozenset({skill} if skill else ())
        found.append(Operator(f"o{number}", "x", known, frozenset(), 0.0, wants_calls=True))
    for operator in found[:busy]:
        operator.call_id = operator.operator_id
    return found


def test_nothing_measured_yet_means_the_policys_handling_time() -> None:
    assert Meter(FLOOR, 0.0).read(ANY, operators(None, None, busy=1), [ANY], 5.0) == Traffic(
        servers=2, busy=1, waiting=1, arrivals_per_s=0.0, handle_s=100.0
    )


@given(st.floats(5, 60), st.integers(30, 200))
def test_a_steady_stream_is_measured_as_it_is_from_early_on(gap: float, count: int) -> None:
    meter = Meter(FLOOR, 0.0)
    for number in range(count):
        meter.arrived(ANY, number * gap)
    found = meter.read(ANY, operators(None), [], (count - 1) * gap + gap / 2)
    assert found.arrivals_per_s == pytest.approx(1 / gap, rel=0.1)


def test_few_arrivals_count_by_the_time_watched_not_since_the_first() -> None:
    random = np.random.default_rng(1)
    found = []
    for _ in range(2000):  # 20 s of a call every ten seconds: two on average
        meter = Meter(FLOOR, 100.0)
        for at in np.sort(random.uniform(100.0, 120.0, random.poisson(2.0))):
            meter.arrived(ANY, float(at))
        found.append(meter.read(ANY, operators(None), [], 120.0).arrivals_per_s)
    assert np.mean(found) == pytest.approx(0.1, rel=0.05)  # standard error 1.6 %


def test_rates_fade_when_nobody_calls_any_more() -> None:
    meter = Meter(FLOOR, 0.0)
    for number in range(100):
        meter.arrived(ANY, number * 10.0)
    assert meter.read(ANY, operators(None), [], 1000.0 + 5 * 600).arrivals_per_s < 0.001


def test_handling_times_include_wrap_up_and_outweigh_the_policys() -> None:
    meter = Meter(FLOOR, 0.0)
    for number in range(50):
        meter.started(f"c{number}", ANY, 0.0)
        meter.ended(f"c{number}", 20.0, wrap_up=10.0)
    meter.ended("never-started", 20.0, 0.0)
    found = meter.read(ANY, operators(None), [], 20.0)
    assert found.handle_s == pytest.approx((100 + 50 * 30) / 51)


def test_other_kinds_of_call_count_by_the_operators_they_share() -> None:
    meter = Meter(FLOOR, 0.0)
    for number in range(60):
        meter.arrived(("claims", None), number * 10.0)
        meter.arrived(("cards", None), number * 10.0)
    floor = operators("claims", None)  # one knows claims alone, one takes anything
    now = 595.0
    claims = meter.read(("claims", None), floor, [("claims", None), ("cards", None)], now)
    cards = meter.read(("cards", None), floor, [("claims", None)], now)
    assert (claims.servers, cards.servers) == (2, 1)
    assert claims.arrivals_per_s == pytest.approx(0.2, rel=0.1), "its own and all cards"
    assert cards.arrivals_per_s == pytest.approx(0.15, rel=0.1), "its own and half the claims"
    assert (claims.waiting, cards.waiting) == (2, 1)


def test_only_so_many_kinds_are_kept() -> None:
    meter = Meter(FLOOR, 0.0)
    for number in range(traffic.KINDS + 1):
        meter.arrived((f"s{number}", None), 0.0)
    assert meter.read(("s0", None), operators("s0"), [], 1.0).arrivals_per_s == 0.0
    assert meter.read(("s1", None), operators("s1"), [], 1.0).arrivals_per_s > 0.0


def test_the_wait_now_is_that_of_a_queue_with_so_many_ahead() -> None:
    assert Traffic(0, 0, 0, 0.1, 60.0).wait_now(120.0) == math.inf
    assert Traffic(2, 1, 0, 0.1, 60.0).wait_now(120.0) == 0.0
    assert Traffic(2, 2, 0, 0.1, 60.0).wait_now(1e12) == pytest.approx(30.0)
    assert Traffic(2, 2, 3, 0.1, 60.0).wait_now(1e12) == pytest.approx(120.0)
    assert Traffic(1, 1, 1, 0.1, 60.0).wait_now(60.0) == pytest.approx(60.0 + 30.0)


def test_those_who_are_free_are_taken_first_by_those_who_wait() -> None:
    assert Traffic(3, 1, 1, 0.1, 60.0).wait_now(1e12) == 0.0, "two free, one of them is next"
    one_more = Traffic(3, 1, 2, 0.1, 60.0).wait_now(1e12)
    assert one_more == Traffic(3, 3, 0, 0.1, 60.0).wait_now(1e12) == pytest.approx(20.0)
    assert Traffic(3, 1, 4, 0.1, 60.0).wait_now(1e12) == pytest.approx(60.0)


def test_the_mean_wait_is_erlang_a() -> None:
    assert Traffic(0, 0, 0, 0.1, 60.0).mean_wait(120.0) == math.inf
    quiet = Traffic(8, 0, 0, 0.05, 60.0).mean_wait(120.0)
    busy = Traffic(3, 0, 0, 0.05, 60.0).mean_wait(120.0)
    assert 0 <= quiet < 1 < busy < 60
