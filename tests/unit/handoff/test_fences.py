from __future__ import annotations

from handoff import fences
from handoff.brief import Memory
from handoff.events import HandoffRequested
from handoff.fences import Fences
from handoff.testing import a_call, a_decision


def request(number: int | None = None, epoch: int | None = None) -> HandoffRequested:
    decision = a_decision()
    brief = Memory(a_call(), 1, 1).brief(decision)
    return HandoffRequested("call-1", brief, decision, request=number, epoch=epoch)


def test_nothing_is_stale_at_first() -> None:
    memory = Fences()
    assert not memory.is_stale(request())
    assert not memory.is_stale(request(1, 0))
    assert not memory.is_call_over("call-1")
    assert memory.fate_of("call-1.1") == "unknown"


def test_requests_are_stale_up_to_the_newest_that_is_over() -> None:
    memory = Fences()
    memory.request_over("call-1", 3)
    memory.request_over("call-1", 2)
    memory.request_over("call-1", None)
    assert memory.is_stale(request(3))
    assert not memory.is_stale(request(4))
    assert not memory.is_stale(request(None)), "a call that does not number its requests"


def test_requests_from_before_an_assignment_are_stale() -> None:
    memory = Fences()
    memory.assigned("call-1", 7)
    assert memory.is_stale(request(9, epoch=6))
    assert not memory.is_stale(request(9, epoch=7))


def test_a_call_that_is_over_stays_over() -> None:
    memory = Fences()
    memory.call_over("call-1")
    memory.request_over("call-1", 5)
    assert memory.is_call_over("call-1")
    assert memory.is_stale(request(99, 99))
    assert memory.is_stale(request())


def test_memory_is_bounded_and_keeps_the_newest() -> None:
    memory = Fences()
    for number in range(fences.REMEMBERED + 5):
        memory.offer_closed(f"o{number}", "lapsed")
    assert memory.fate_of("o4") == "unknown"
    assert memory.fate_of("o5") == "lapsed"
