"""How busy the floor is: what predicts a wait.

Arrivals and handling times are exponentially weighted means that fade over `memory` seconds; a start-up
correction (divide by the weight of the time watched so far, whether anybody called or not) keeps the rate of
arrivals unbiased from the first second on. Bounded: only the `KINDS` kinds of call seen last are kept.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from handoff.erlang import erlang_a
from handoff.operators import Operator
from handoff.policy import Floor

KINDS = 64  # pairs of skill and language
Kind = tuple[str | None, str | None]


@dataclass(frozen=True, slots=True)
class Traffic:
    """What the queueing formulas need to know of the operators for one kind of call."""

    servers: int  # operators who fit and want calls or are in one
    busy: int  # of them, those who could not be asked now
    waiting: int  # calls that wait, ring at nobody yet, and fit some of them
    arrivals_per_s: float  # their share of all calls that come
    handle_s: float  # mean seconds from taking a call to being free again

    def wait_now(self, patience_s: float) -> float:
        """Mean seconds until somebody is free for one more caller who stays; infinite if nobody is there.

        Those who are free take as many of those who wait, and nobody waits while one is left. With all n
        busy and q waiting ahead it is the sum over j = 0..q of 1 / (n / handle + j / patience): each of
        those ahead is served or hangs up (W. Whitt, "Predicting queueing delays", 1999, for M/M/n+M).
        """
        if self.servers == 0:
            return math.inf
        waiting = self.waiting - (self.servers - self.busy)
        if waiting < 0:
            return 0.0
        served = self.servers / self.handle_s
        return math.fsum(1 / (served + ahead / patience_s) for ahead in range(waiting + 1))

    def mean_wait(self, patience_s: float) -> float:
        """Mean seconds that callers wait in the long run at this traffic (Erlang A); infinite with nobody."""
        if self.servers == 0:
            return math.inf
        return erlang_a(self.arrivals_per_s, self.handle_s, self.servers, patience_s).mean_wait


@dataclass(slots=True)
class _Flow:
    updated: float
    arrivals: float = 0.0  # faded count
    handled: float = 0.0  # faded count
    seconds: float = 0.0  # faded sum


class Meter:
    """Counts what comes and how long it takes, by kind of call."""

    __slots__ = ("_flows", "_memory", "_prior", "_since", "_started")

    def __init__(self, policy: Floor, now: float) -> None:
        """It watches from `now` on."""
        self._since = now
        self._memory = policy.memory
        self._prior = policy.handle
        self._flows: OrderedDict[Kind, _Flow] = OrderedDict()
        self._started: dict[str, tuple[Kind, float]] = {}

    def arrived(self, kind: Kind, now: float) -> None:
        """A call asked for a person."""
        self._flow(kind, now).arrivals += 1.0

    def started(self, call_id: str, kind: Kind, now: float) -> None:
        """An operator took the call."""
        self._started[call_id] = (kind, now)

    def ended(self, call_id: str, now: float, wrap_up: float) -> None:
        """The operator is free again after `wrap_up` seconds more."""
        kind, since = self._started.pop(call_id, (None, now))
        if kind is not None:
            flow = self._flow(kind, now)
            flow.handled += 1.0
            flow.seconds += now - since + wrap_up

    def read(
        self, kind: Kind, operators: Iterable[Operator], waiting: Iterable[Kind], now: float
    ) -> Traffic:
        """The figures for one kind of call.

        Another kind's arrivals count by the share of its operators who also serve this one. The handling
        time starts from the policy's, which weighs as much as one call.
        """
        present = [o for o in operators if o.wants_calls or o.call_id is not None]
        mine = {o.operator_id for o in present if o.can(*kind)}
        arrivals, handled, seconds = 0.0, 1.0, self._prior
        seen = -math.expm1(-max(1.0, now - self._since) / self._memory)
        for other, flow in self._flows.items():
            theirs = {o.operator_id for o in present if o.can(*other)}
            share = len(mine & theirs) / len(theirs) if theirs else float(other == kind)
            fade = math.exp(-max(0.0, now - flow.updated) / self._memory)
            arrivals += share * flow.arrivals * fade / (seen * self._memory)
            handled += share * flow.handled * fade
            seconds += share * flow.seconds * fade
        return Traffic(
            servers=len(mine),
            busy=sum(o.operator_id in mine and not o.free for o in present),
            waiting=sum(
                any(o.can(*other) for o in present if o.operator_id in mine) for other in waiting
            ),
            arrivals_per_s=arrivals,
            handle_s=seconds / handled,
        )

    def _flow(self, kind: Kind, now: float) -> _Flow:
        flow = self._flows.get(kind)
        if flow is None:
            flow = self._flows[kind] = _Flow(now)
            if len(self._flows) > KINDS:
                self._flows.popitem(last=False)
        self._flows.move_to_end(kind)
        fade = math.exp(-max(0.0, now - flow.updated) / self._memory)
        flow.arrivals *= fade
        flow.handled *= fade
        flow.seconds *= fade
        flow.updated = now
        return flow
