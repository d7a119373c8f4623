from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from handoff.brief import Memory
from handoff.commands import Urgency
from handoff.events import HandoffRequested
from handoff.queue import Queue
from handoff.testing import a_call, a_decision

RANKS = list(Urgency)


def request(call_id: str, urgency: Urgency) -> HandoffRequested:
    decision = a_decision(call_id, urgency=urgency)
    return HandoffRequested(call_id, Memory(a_call(call_id), 1, 1).brief(decision), decision)


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(RANKS), st.booleans()), max_size=30))
def test_order_is_urgency_then_age_whatever_comes_and_goes(
    steps: list[tuple[int, Urgency, bool]],
) -> None:
    queue = Queue()
    model: dict[str, tuple[Urgency, int]] = {}
    for now, (number, urgency, stays) in enumerate(steps):
        call_id = f"c{number}"
        if stays:
            queue.put(request(call_id, urgency), float(now))
            model[call_id] = (urgency, model.get(call_id, (urgency, now))[1])
        else:
            assert (queue.remove(call_id) is None) == (model.pop(call_id, None) is None)
    expected = sorted(model, key=lambda c: (-RANKS.index(model[c][0]), model[c][1]))
    assert [waiting.call_id for waiting in queue] == expected
    assert len(queue) == len(model)
    assert all(queue.find(call_id) is not None for call_id in model)


def test_a_renewed_request_keeps_who_was_asked() -> None:
    queue = Queue()
    waiting = queue.put(request("c1", Urgency.LOW), 1.0)
    waiting.tried["ann"] = None
    again = queue.put(request("c1", Urgency.HIGH), 2.0)
    assert again is waiting
    assert again.since == 1.0
    assert again.urgency is Urgency.HIGH
    assert list(again.tried) == ["ann"]
