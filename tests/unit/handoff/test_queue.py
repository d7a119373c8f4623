from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from handoff.brief import Memory
from handoff.callbacks import CallbackRecord
from handoff.commands import Urgency
from handoff.events import HandoffRequested
from handoff.policy import Policy, Triage
from handoff.queue import Queue
from handoff.testing import a_call, a_decision
from handoff.triage import Band, head_start

POLICY = Triage()


def request(call_id: str, urgency: Urgency) -> HandoffRequested:
    decision = a_decision(call_id, urgency=urgency)
    return HandoffRequested(call_id, Memory(a_call(call_id), 1, 1).brief(decision), decision)


def callback(name: str, by: float) -> CallbackRecord:
    return CallbackRecord(name, "c0", "+15550100", "why", Urgency.CRITICAL, {}, 0.0, 0.0, by)


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.sampled_from(Urgency), st.booleans(), st.integers(0, 90)),
        max_size=30,
    )
)
def test_order_is_waiting_time_plus_head_start_whatever_comes_and_goes(
    steps: list[tuple[int, Urgency, bool, int]],
) -> None:
    queue = Queue(Policy())
    model: dict[str, tuple[Urgency, int]] = {}
    now = 0
    for number, urgency, stays, gap in steps:
        now += gap + 1
        call_id = f"c{number}"
        if stays:
            queue.put(request(call_id, urgency), float(now))
            before, since = model.get(call_id, (urgency, now))
            model[call_id] = (max(before, urgency, key=list(Urgency).index), since)
        else:
            assert (queue.remove(call_id) is None) == (model.pop(call_id, None) is None)

    def place(call_id: str) -> tuple[float, float]:
        urgency, since = model[call_id]
        return (-(now - since + head_start(urgency, POLICY)), since)

    assert [waiting.call_id for waiting in queue] == sorted(model, key=place)
    assert len(queue) == len(model)
    assert all(queue.find(call_id) is not None for call_id in model)


def test_a_renewed_request_keeps_who_was_asked() -> None:
    queue = Queue(Policy())
    waiting = queue.put(request("c1", Urgency.LOW), 1.0)
    waiting.tried["ann"] = None
    again = queue.put(request("c1", Urgency.HIGH), 2.0)
    assert again is waiting
    assert again.since == 1.0
    assert again.urgency is Urgency.HIGH
    assert list(again.tried) == ["ann"]


def test_an_emergency_is_not_over_because_the_next_turn_was_calm() -> None:
    queue = Queue(Policy())
    queue.put(request("c1", Urgency.CRITICAL), 1.0)
    waiting = queue.put(request("c1", Urgency.LOW), 2.0)
    assert (waiting.urgency, waiting.points) == (Urgency.CRITICAL, 100.0)


def test_what_a_person_said_stands_until_the_call_is_critical() -> None:
    queue = Queue(Policy())
    waiting = queue.put(request("c1", Urgency.MEDIUM), 1.0)
    waiting.rank(Urgency.LOW, 50.0, POLICY)
    waiting.overridden = True
    assert queue.put(request("c1", Urgency.HIGH), 2.0).urgency is Urgency.LOW
    assert queue.put(request("c1", Urgency.CRITICAL), 3.0).urgency is Urgency.CRITICAL
    assert waiting.band is Band.SENIOR


def test_only_a_seniors_call_that_can_wait_is_kept_for_seniors() -> None:
    waiting = Queue(Policy()).put(request("c1", Urgency.MEDIUM), 10.0)
    assert waiting.seniors_until == -math.inf
    waiting.rank(Urgency.HIGH, 90.0, POLICY)
    assert waiting.seniors_until == 20.0
    waiting.rank(Urgency.CRITICAL, 100.0, POLICY)
    assert waiting.seniors_until == -math.inf


def test_callers_on_the_line_go_before_callbacks_and_those_by_their_promise() -> None:
    queue = Queue(Policy())
    queue.put(callback("b1", 900.0), 0.0)
    queue.put(callback("b2", 300.0), 5.0)
    queue.put(request("c1", Urgency.LOW), 100.0)
    assert [waiting.call_id for waiting in queue] == ["c1", "b2", "b1"]
    assert [waiting.is_call for waiting in queue] == [True, False, False]
    assert not any(waiting.critical for waiting in queue)
