from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import pytest

from handoff.events import DialogueFacts, IntentFacts
from tests.support.virtual import InlineExecutor
from voice_hitl.agent.protocol import Exchange, Heard, Sentence, Understanding
from voice_hitl.agent.seats import REMEMBERED, Seat
from voice_hitl.errors import AgentError
from voice_hitl.language import Hypothesis


def heard(text: str) -> Heard:
    return Heard(Hypothesis(text, final=True))


class Talk:
    """Notes everything in order."""

    def __init__(self) -> None:
        self.log: list[object] = []
        self.gate: threading.Event | None = None

    def understand(self, turn: Heard) -> Understanding:
        self.log.append(turn)
        if self.gate is not None:
            assert self.gate.wait(10)
        return Understanding("", IntentFacts(None, 0.0), DialogueFacts(), {})

    def resume(self, note: str) -> list[Sentence]:
        self.log.append(f"resume {note}")
        return []

    def catch_up(self, exchange: Exchange) -> None:
        self.log.append(exchange)


class Deaf:
    """A conversation without `catch_up`."""

    def __init__(self) -> None:
        self.log: list[object] = []

    def understand(self, turn: Heard) -> Understanding:
        self.log.append(turn)
        return Understanding("", IntentFacts(None, 0.0), DialogueFacts(), {})

    def resume(self, note: str) -> list[Sentence]:
        self.log.append(f"resume {note}")
        return []


class Never(Executor):
    """A pool whose threads are all taken."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return Future()


def a_seat(talk: Any, pool: Executor | None = None) -> Seat:
    return Seat("llm", talk, pool or InlineExecutor())


def test_it_is_told_what_it_missed_in_order_before_it_is_asked() -> None:
    talk = Talk()
    seat = a_seat(talk)
    seat.missed(None, "Hello.")
    seat.missed(heard("one"), "It is one.")
    seat.missed_resume("settled")
    seat.missed(None, "")
    seat.ask(heard("two"))
    assert talk.log == [
        Exchange(None, "Hello."),
        Exchange(heard("one"), "It is one."),
        "resume settled",
        heard("two"),
    ]
    seat.ask(heard("three"))
    assert talk.log[4:] == [heard("three")], "told once"


def test_one_without_catch_up_still_hears_of_hand_backs() -> None:
    talk = Deaf()
    seat = a_seat(talk)
    seat.missed(heard("one"), "It is one.")
    seat.missed_resume("go on")
    seat.ask(heard("two"))
    assert talk.log == ["resume go on", heard("two")]


def test_a_busy_one_is_not_asked_and_hears_of_the_turn_later() -> None:
    talk = Talk()
    talk.gate = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        seat = a_seat(talk, pool)
        first = seat.ask(heard("one"))
        with pytest.raises(AgentError, match="busy"):
            seat.ask(heard("two")).result(0)
        assert seat.busy
        talk.gate.set()
        first.result(10)
        assert not seat.busy
        seat.ask(heard("three")).result(10)
    assert talk.log == [heard("one"), Exchange(heard("two"), ""), heard("three")]


def test_what_was_not_begun_is_taken_back_with_what_it_would_have_been_told() -> None:
    talk = Talk()
    seat = a_seat(talk, Never())
    seat.missed(heard("one"), "It is one.")
    seat.ask(heard("two"))
    assert seat.busy
    assert seat.take_back()
    seat.missed(heard("two"), "Two.")
    seat._pool = InlineExecutor()
    seat.ask(heard("three"))
    assert talk.log == [
        Exchange(heard("one"), "It is one."),
        Exchange(heard("two"), "Two."),
        heard("three"),
    ]


def test_what_has_begun_cannot_be_taken_back() -> None:
    seat = a_seat(Talk())
    assert not seat.take_back()
    seat.ask(heard("one"))
    assert not seat.take_back()


def test_it_remembers_a_bounded_number_and_forgets_the_oldest() -> None:
    talk = Talk()
    seat = a_seat(talk)
    for number in range(REMEMBERED + 5):
        seat.missed(None, str(number))
    seat.catch_up()
    assert [each.said for each in talk.log if isinstance(each, Exchange)] == [
        str(number) for number in range(5, REMEMBERED + 5)
    ]
    seat.catch_up()
    assert len(talk.log) == REMEMBERED
