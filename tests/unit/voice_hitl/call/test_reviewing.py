from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from handoff.errors import PolicyError
from handoff.events import CallOver, SecondOpinion, ServerDraining
from handoff.policy import Policy
from handoff.ports import MachineRecord
from handoff.review import (
    Choice,
    ReviewerChose,
    Reviews,
    TurnOpened,
    VerdictGiven,
)
from handoff.testing import MemoryStore
from tests.support import virtual
from tests.support.flooring import WorkFloor
from tests.support.world import INTENTS, Screen
from voice_hitl.call import service
from voice_hitl.call.inbox import FloorSaid
from voice_hitl.call.journal import Journal
from voice_hitl.call.reviewing import MACHINE, ReviewService, reopened_reviews, review_id_of
from voice_hitl.clock import Clock

TURN = TurnOpened("CA1", 3, "Caller: move it", "financial", 0.3)


class Call:
    """A live call: what it was told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def post(self, event: FloorSaid) -> None:
        self.told.append(event.event)


class StoredFirst(Screen):
    """A screen that checks that whatever it is shown is in the store already."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__()
        self.store = store
        self.states: list[str] = []

    def review_asked(self, ask: Any, seconds: float) -> None:
        self._look(ask.review_id)
        super().review_asked(ask, seconds)

    def review_over(self, review_id: str, outcome: str, reviewer: str | None) -> None:
        self._look(review_id)
        super().review_over(review_id, outcome, reviewer)

    def _look(self, review_id: str) -> None:
        found = [r for r in self.store._all(MachineRecord) if r.key == review_id]
        self.states.append(found[-1].state if found else "nothing")


@dataclass
class Shop:
    """The service, its surroundings, and one live call."""

    service: ReviewService
    store: MemoryStore
    screen: StoredFirst
    journal: Journal
    call: Call = field(default_factory=Call)

    async def records(self) -> list[MachineRecord]:
        await asyncio.sleep(0.1)
        await self.journal.flush()
        return await self.store.machine_records(MACHINE)


def a_policy(**review: object) -> Policy:
    rules: Mapping[str, object] = {"rate": 1, "risky_rate": 1, "signal": "always"} | review
    return Policy.from_mapping({"review": rules}, "test")


@asynccontextmanager
async def a_shop(**review: object) -> Any:
    store, clock = MemoryStore(), Clock(epoch=0.0)
    journal, screen, call = Journal(store), StoredFirst(store), Call()
    reviews = Reviews(a_policy(**review), key=b"test")
    calls = {"CA1": call}
    service = ReviewService(reviews, clock, journal, screen, calls.get, WorkFloor(), INTENTS)
    tasks = [asyncio.create_task(journal.run()), asyncio.create_task(service.run())]
    try:
        yield Shop(service, store, screen, journal, call)
    finally:
        for task in reversed(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def test_people_are_told_of_nothing_that_is_not_stored() -> None:
    async def main() -> None:
        async with a_shop() as shop:
            shop.service.opened(TURN)
            shop.service.chosen("CA1", 3, Choice("transfer"))
            shop.service.post(ReviewerChose("CA1:3", "ana", Choice("transfer")))
            (record,) = await shop.records()
            assert shop.screen.states == ["open", "equal"]
            assert (record.state, record.open, record.call_id) == ("equal", False, "CA1")
            assert shop.screen.reviewed == [("CA1:3", "equal", "ana")]
            (label,) = await shop.store.labels()
            assert (label.value, label.weight, label.turn) == (False, 0.5, 3)
            assert shop.call.told == []

    virtual.run(main())


def test_screens_are_discreet_before_the_call_is_shown_again() -> None:
    async def main() -> None:
        async with a_shop() as shop:
            shop.service.opened(TURN)
            assert shop.screen.secret == {review_id_of("CA1", 3): "CA1"}  # at once
            shop.service.post(ServerDraining())
            await asyncio.sleep(0.1)
            shop.service.opened(TurnOpened("CA1", 4, "", "general", 0.0))
            assert list(shop.screen.secret) == ["CA1:3"]
        async with a_shop(rate=0, risky_rate=0) as shop:
            shop.service.opened(TURN)
            assert await shop.records() == []
            assert shop.screen.secret == {}

    virtual.run(main())


def test_of_a_turn_that_is_dropped_nothing_stays_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with a_shop() as shop:
            monkeypatch.setattr(service, "INBOX_SIZE", 0)
            shop.service.opened(TURN)
            assert shop.screen.secret == {}

    virtual.run(main())


@pytest.mark.parametrize(
    ("mine", "words"),
    [
        (Choice("balance"), "the balance, not moving money"),
        (Choice(text="card 4111 1111 1111 1111"), "card ••••••••••••1111, not moving money"),
    ],
)
def test_a_disagreement_is_told_to_the_call_in_words(mine: Choice, words: str) -> None:
    async def main() -> None:
        async with a_shop() as shop:
            shop.service.opened(TURN)
            shop.service.chosen("CA1", 3, Choice("transfer"))
            shop.service.post(ReviewerChose("CA1:3", "ana", mine))
            await shop.records()
            assert shop.call.told == [SecondOpinion(3, words)]

    virtual.run(main())


def test_what_nobody_can_choose_is_no_intent() -> None:
    async def main() -> None:
        async with a_shop() as shop:
            shop.service.opened(TURN)
            shop.service.chosen("CA1", 3, Choice("yes"))  # an answer within the dialogue
            shop.service.post(ReviewerChose("CA1:3", "ana", Choice(text="take it as a yes")))
            (record,) = await shop.records()
            assert record.state == "equal"

    virtual.run(main())


def test_a_verdict_is_asked_of_the_reviewer_alone() -> None:
    async def main() -> None:
        async with a_shop(compare="verdict") as shop:
            shop.service.opened(TURN)
            shop.service.chosen("CA1", 3, Choice("transfer", None, "done"))
            shop.service.post(ReviewerChose("CA1:3", "ana", Choice(text="no")))
            (record,) = await shop.records()
            assert (record.state, record.open) == ("revealed", True)
            assert shop.screen.reveals["ana"].ai.text == "done"
            shop.service.post(VerdictGiven("CA1:3", "bob", True))
            shop.service.post(VerdictGiven("CA1:3", "ana", False))
            (record,) = await shop.records()
            assert record.state == "different"
            assert shop.screen.reviewed == [
                ("CA1:3", "taken", "bob"),
                ("CA1:3", "different", "ana"),
            ]

    virtual.run(main())


def test_the_end_of_a_call_that_was_not_answered_takes_the_review_away() -> None:
    async def main() -> None:
        async with a_shop() as shop:
            shop.service.opened(TURN)
            shop.service.post(CallOver("CA1"))
            (record,) = await shop.records()
            assert record.state == "no_answer"
            assert shop.screen.reviews == {}
            assert shop.screen.secret == {}

    virtual.run(main())


def test_what_was_kept_is_gone_on_with_and_what_is_unreadable_is_left() -> None:
    async def main() -> None:
        async with a_shop() as shop:
            shop.service.opened(TURN)
            shop.service.chosen("CA1", 3, Choice("transfer"))
            kept = [
                *await shop.records(),
                MachineRecord(MACHINE, "CA0:1", 0.0, "open", detail={"review_id": 1}),
            ]
            again = reopened_reviews(a_policy(), b"test", kept, Clock(epoch=0.0))
            assert [ask.review_id for ask in again.waiting()] == ["CA1:3"]
            with pytest.raises(PolicyError, match="use 'intent' or 'verdict'"):
                reopened_reviews(a_policy(compare="action"), b"test", (), Clock(epoch=0.0))

    virtual.run(main())
