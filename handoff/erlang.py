"""Queues of callers: Erlang B, Erlang C (nobody gives up) and Erlang A (patience runs out).

Arrivals are Poisson, handle times and patience exponential, calls served in order of arrival. B and C:
Erlang 1917; A (M/M/n+M): Palm 1957, Garnett, Mandelbaum & Reiman 2002. All are computed by recursions over
positive terms, which neither overflow nor cancel. Times are seconds; `load` is in erlangs (arrivals times
handle time).
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Waits:
    """What callers of an Erlang A queue meet."""

    p_wait: float  # nobody is free at once
    p_abandon: float  # hangs up before an answer
    mean_wait: float  # seconds, over all callers, those who give up included
    occupancy: float  # share of the operators' time that calls take


def erlang_b(servers: int, load: float) -> float:
    """P(all busy) where nobody queues, in [0, 1]; B(n) = a B(n-1) / (n + a B(n-1)).

    Raises `ValueError` on negative or infinite input, as every function here does.
    """
    _check(servers, load)
    blocked = 1.0
    for n in range(1, servers + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked


def erlang_c(servers: int, load: float) -> float:
    """P(wait) where everyone waits, in [0, 1]; 1 where `load` reaches `servers`: the queue never ends."""
    blocked = erlang_b(servers, load)
    if load >= servers:
        return 1.0
    return servers * blocked / (servers - load * (1 - blocked))


def expected_wait(arrivals_per_s: float, handle_s: float, servers: int) -> float:
    """Mean wait of all callers where everyone waits (Erlang C); infinite in overload."""
    _check(servers, arrivals_per_s, handle_s)
    load = arrivals_per_s * handle_s
    if load >= servers:
        return math.inf
    return erlang_c(servers, load) * handle_s / (servers - load)


def erlang_a(arrivals_per_s: float, handle_s: float, servers: int, patience_s: float) -> Waits:
    """What callers meet whose patience has the mean `patience_s`; finite in overload as well.

    With x = servers * patience / handle and y = arrivals * patience, the queue behind busy operators has
    weights y^j / ((x+1)...(x+j)). From the far end down, u = 1 / (their sum from x on) and its mean length L
    follow u(x) = (x+1) u(x+1) / ((x+1) u(x+1) + y), L(x) = (1 - u(x)) (1 + L(x+1)).

    Raises `ValueError` as the others do, and unless `handle_s` and `patience_s` are above 0.
    """
    _check(servers, arrivals_per_s, handle_s, patience_s)
    if handle_s == 0 or patience_s == 0:
        raise ValueError("handle_s and patience_s must be above 0")
    if servers == 0:
        return Waits(1.0, 1.0, patience_s, 0.0)
    if arrivals_per_s == 0:
        return Waits(0.0, 0.0, 0.0, 0.0)
    x, y = servers * patience_s / handle_s, arrivals_per_s * patience_s
    u, length = 1.0, 0.0
    for j in range(math.ceil(max(0.0, y - x) + 12 * math.sqrt(y)) + 60, 0, -1):
        u = (x + j) * u / ((x + j) * u + y)
        length = (1 - u) * (1 + length)
        if u < 1e-18:  # the queue is never shorter than this: the rest adds one each
            length += j - 1
            break
    blocked = erlang_b(servers, arrivals_per_s * handle_s)
    p_wait = blocked / (u * (1 - blocked) + blocked)
    p_abandon = min(1.0, p_wait * length / y)
    busy = min(1.0, arrivals_per_s * handle_s * (1 - p_abandon) / servers)
    return Waits(p_wait, p_abandon, p_abandon * patience_s, busy)


def _check(servers: int, *amounts: float) -> None:
    if servers < 0 or any(not (math.isfinite(a) and a >= 0) for a in amounts):
        raise ValueError("servers, rates and times must be finite and not negative")
