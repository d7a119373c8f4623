from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff.erlang import (
    erlang_a,
    erlang_b,
    erlang_c,
    expected_wait,
)

SERVERS = st.integers(1, 60)
RATES = st.floats(0.001, 2.0)
HANDLES = st.floats(5.0, 600.0)
PATIENCE = st.floats(1.0, 900.0)


def brute_force(
    arrivals: float, handle: float, servers: int, patience: float
) -> tuple[float, float, float, float]:
    """P(wait), P(abandon), mean wait, occupancy from the chain's own balance equations."""
    load, states = arrivals * handle, [1.0]
    for n in range(1, 6000):
        drain = min(n, servers) / handle + max(0, n - servers) / patience
        states.append(states[-1] * arrivals / drain)
        if n > servers + load and states[-1] < 1e-30 * max(states):
            break
        if states[-1] > 1e200:
            states = [s / 1e200 for s in states]
    p = np.array(states) / np.sum(states)
    here = np.arange(len(p))
    busy = float((p * np.minimum(here, servers)).sum())
    waiting = float((p * np.maximum(here - servers, 0)).sum())
    wait = float(p[servers:].sum())
    return wait, waiting / patience / arrivals, waiting / arrivals, busy / servers


# --- published values -----------------------------------------------------------------------


def test_the_example_of_garnett_mandelbaum_and_reiman() -> None:
    """2002, table 1: 50 agents, 48 calls a minute of one minute each, patience 2 minutes."""
    assert expected_wait(48 / 60, 60, 50) == pytest.approx(20.8, abs=0.05)
    waits = erlang_a(48 / 60, 60, 50, 120)
    assert waits.p_abandon == pytest.approx(0.031, abs=0.0005)
    assert waits.mean_wait == pytest.approx(3.7, abs=0.05)
    assert waits.mean_wait * 48 / 60 == pytest.approx(3, abs=0.05)  # queue length
    assert waits.occupancy == pytest.approx(0.93, abs=0.005)


def test_the_eye_clinic_of_gross_and_harris() -> None:
    """Fundamentals of Queueing Theory, M/M/c: 6 an hour, 20 minutes each, 3 doctors: Lq = 8/9."""
    assert expected_wait(6 / 3600, 1200, 3) * 6 / 3600 == pytest.approx(8 / 9)
    assert erlang_c(3, 2) == pytest.approx(4 / 9)


@pytest.mark.parametrize(
    ("servers", "load", "blocked"),
    # The usual Erlang B table: load that N servers bear at a blocking of 1 % (and 5 %).
    [
        (1, 0.0101, 0.01),
        (5, 1.361, 0.01),
        (10, 4.461, 0.01),
        (20, 12.03, 0.01),
        (50, 37.90, 0.01),
        (1, 0.0526, 0.05),
        (5, 2.219, 0.05),
        (10, 6.216, 0.05),
        (20, 15.25, 0.05),
    ],
)
def test_erlang_b_meets_its_table(servers: int, load: float, blocked: float) -> None:
    assert erlang_b(servers, load) == pytest.approx(blocked, rel=5e-3)


# --- identities -----------------------------------------------------------------------------


@given(SERVERS, st.floats(0.0, 80.0))
def test_erlang_c_is_its_textbook_sum(servers: int, load: float) -> None:
    if load >= servers:
        assert erlang_c(servers, load) == 1.0
        return
    terms = [load**k / math.factorial(k) for k in range(servers)]
    last = load**servers / math.factorial(servers) * servers / (servers - load)
    assert erlang_c(servers, load) == pytest.approx(last / (sum(terms) + last), rel=1e-9)


@settings(max_examples=60)
@given(RATES, HANDLES, SERVERS, PATIENCE)
def test_erlang_a_is_the_steady_state_of_its_chain(
    arrivals: float, handle: float, servers: int, patience: float
) -> None:
    waits = erlang_a(arrivals, handle, servers, patience)
    wait, abandon, mean, busy = brute_force(arrivals, handle, servers, patience)
    assert waits.p_wait == pytest.approx(wait, rel=1e-7, abs=1e-12)
    assert waits.p_abandon == pytest.approx(abandon, rel=1e-7, abs=1e-12)
    assert waits.mean_wait == pytest.approx(mean, rel=1e-7, abs=1e-9)
    assert waits.occupancy == pytest.approx(busy, rel=1e-7)


@settings(max_examples=25)
@given(st.integers(1, 40), st.floats(0.05, 0.95), HANDLES)
def test_endless_patience_is_erlang_c_and_none_is_erlang_b(
    servers: int, use: float, handle: float
) -> None:
    arrivals = servers * use / handle
    endless = erlang_a(arrivals, handle, servers, 1e9)
    assert endless.p_wait == pytest.approx(erlang_c(servers, servers * use), rel=1e-4)
    assert endless.mean_wait == pytest.approx(expected_wait(arrivals, handle, servers), rel=1e-4)
    none = erlang_a(arrivals, handle, servers, 1e-7)
    assert none.p_abandon == pytest.approx(erlang_b(servers, servers * use), rel=1e-5, abs=1e-12)


def test_erlang_a_against_a_simulated_queue() -> None:
    rng = np.random.default_rng(5)
    calls, arrivals, handle, servers, patience = 100_000, 0.1, 100.0, 9, 60.0
    gaps, works = rng.exponential(1 / arrivals, calls), rng.exponential(handle, calls)
    limits, free = rng.exponential(patience, calls), np.zeros(servers)
    waits, gave_up, at = 0.0, 0, 0.0
    for gap, work, limit in zip(gaps, works, limits, strict=True):
        at += gap
        first = int(free.argmin())
        wait = max(0.0, float(free[first]) - at)
        if wait > limit:
            gave_up += 1
            waits += limit
            continue
        waits += wait
        free[first] = at + wait + work
    said = erlang_a(arrivals, handle, servers, patience)
    assert said.p_abandon == pytest.approx(gave_up / calls, abs=0.01)
    assert said.mean_wait == pytest.approx(waits / calls, abs=1.0)


# --- the far ends ---------------------------------------------------------------------------


def test_overload_is_endless_for_c_and_finite_for_a() -> None:
    assert erlang_c(5, 5) == erlang_c(0, 0) == 1.0
    assert expected_wait(1, 60, 5) == math.inf
    waits = erlang_a(1, 60, 5, 120)
    assert waits.p_abandon == pytest.approx(1 - 5 / 60, rel=1e-6)
    assert waits.p_wait == pytest.approx(1.0) and waits.occupancy == pytest.approx(1.0)
    # The fluid limit: callers leave until the rest fits (Whitt 2006).
    assert erlang_a(1, 60, 50, 1e8).p_abandon == pytest.approx(1 / 6)


def test_nobody_there_and_nobody_calling() -> None:
    waits = erlang_a(1, 60, 0, 90)
    assert (waits.p_wait, waits.p_abandon, waits.mean_wait) == (1.0, 1.0, 90)
    idle = erlang_a(0, 60, 3, 90)
    assert (idle.p_wait, idle.p_abandon, idle.mean_wait, idle.occupancy) == (0, 0, 0, 0)
    assert expected_wait(0, 60, 3) == 0.0


def test_hundreds_of_servers_do_not_overflow() -> None:
    assert 0 < erlang_c(5000, 4950) < 1
    assert 0 < erlang_a(100, 50, 5000, 60).p_abandon < 0.02
    assert erlang_c(5000, 10) == 0.0


@given(SERVERS, st.floats(0.01, 80), st.floats(0.0, 5.0))
def test_more_load_waits_more_and_one_more_operator_less(
    servers: int, load: float, more: float
) -> None:
    assert erlang_c(servers, load + more) >= erlang_c(servers, load) - 1e-12
    assert erlang_c(servers + 1, load) <= erlang_c(servers, load) + 1e-12
    fewer = erlang_a(load / 60, 60, servers, 120)
    assert erlang_a((load + more) / 60, 60, servers, 120).mean_wait >= fewer.mean_wait - 1e-9
    assert erlang_a(load / 60, 60, servers + 1, 120).mean_wait <= fewer.mean_wait + 1e-9


@pytest.mark.parametrize("bad", [-1.0, math.inf, math.nan])
def test_nonsense_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        erlang_b(2, bad)
    with pytest.raises(ValueError, match="finite"):
        expected_wait(bad, 60, 2)
    with pytest.raises(ValueError, match="finite"):
        erlang_c(-1, 2)
    with pytest.raises(ValueError, match="above 0"):
        erlang_a(1, 60, 2, 0)
    with pytest.raises(ValueError, match="above 0"):
        erlang_a(1, 0, 2, 60)
