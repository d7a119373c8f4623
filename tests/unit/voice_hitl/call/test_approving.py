"""The approval gate's shell where whole calls do not reach (`tests/scenarios/test_approvals.py`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from handoff.approvals import (
    Answered,
    Approve,
    Execute,
    ExecutionClaimed,
    Gate,
    Outcome,
    Permit,
    Reject,
    Respond,
    Show,
    TellAgent,
)
from handoff.errors import StorageError
from handoff.events import Effect
from handoff.oversight import Mode, Proposal, Verdict
from handoff.policy import Policy
from handoff.ports import MachineRecord, Record
from handoff.testing import MemoryStore
from tests.support import virtual
from tests.support.flooring import NoExercises, WorkFloor, nothing
from voice_hitl.background import background
from voice_hitl.call.approving import UNSTAFFED, ApprovalService
from voice_hitl.call.inbox import GateSaid
from voice_hitl.call.journal import Journal
from voice_hitl.clock import Clock

PAY = Proposal("a1", "CA1", "transfer", {"amount": "50"}, Effect.IRREVERSIBLE, "move it")
VERDICT = Verdict(Mode.IN, 60, 40.0, ("call_risk",))


class Screens:
    """Consoles that remember what they were shown (`ApprovalConsole`)."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, float]] = []  # operator, seconds
        self.told: list[tuple[str, str]] = []  # operator, status

    def approval_asked(self, ask: Show, seconds: float) -> None:
        self.asked.append((ask.operator_id, round(seconds)))

    def approval_over(self, operator_id: str, approval_id: str, why: str) -> None:
        self.told.append((operator_id, why))

    def answer_taken(self, operator_id: str, approval_id: str, status: str) -> None:
        self.told.append((operator_id, status))

    def answer_refused(self, operator_id: str, approval_id: str, why: str) -> None:
        pass


class HangingStore(MemoryStore):
    """Its disk answers nobody unless it is well."""

    def __init__(self) -> None:
        super().__init__()
        self.well = asyncio.Event()
        self.well.set()

    async def save(self, records: Sequence[Record]) -> None:
        await self.well.wait()
        await super().save(records)


class Call:
    def __init__(self) -> None:
        self.told: list[GateSaid] = []

    def post(self, event: GateSaid) -> None:
        self.told.append(event)


class Office:
    def __init__(self) -> None:
        self.floor = WorkFloor()
        self.screens = Screens()
        self.call = Call()
        self.store = HangingStore()
        self.journal = Journal(self.store)
        self.approvals = ApprovalService(
            Gate(Policy()),
            Clock(epoch=0.0),
            self.journal,
            self.screens,
            lambda call_id: self.call if call_id == "CA1" else None,
            self.floor,
            NoExercises(),
            nothing,
        )

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        async with background() as start:
            start(self.journal.run())
            start(self.approvals.run())
            await asyncio.sleep(0.01)
            yield


def test_who_is_asked_is_who_is_there_when_the_gate_hears_of_it() -> None:
    async def main() -> None:
        office = Office()
        office.floor.there = ("ana",)
        office.approvals.ask(PAY, VERDICT, turn=1)
        office.floor.there = ("bob",)  # before the gate has come to it
        async with office.open():
            await asyncio.sleep(0.1)
        assert office.screens.asked == [("bob", 40)]

    virtual.run(main())


def test_who_came_while_it_waited_has_the_whole_time() -> None:
    async def main() -> None:
        office = Office()
        office.approvals.ask(PAY, VERDICT, turn=1)
        office.floor.there = ("bob",)
        async with office.open():
            await asyncio.sleep(UNSTAFFED + 1.0)
            (record,) = office.approvals.gate.live()
            assert record.status == "open"

    virtual.run(main())


def test_where_the_last_has_left_meanwhile_the_caller_does_not_wait_long() -> None:
    async def main() -> None:
        office = Office()
        office.floor.there = ("ana",)
        office.approvals.ask(PAY, VERDICT, turn=1)
        office.floor.there = ()
        async with office.open():
            await asyncio.sleep(UNSTAFFED + 1.0)
            assert office.approvals.gate.live() == ()

    virtual.run(main())


def test_whoever_comes_and_goes_before_the_gate_looks_is_not_asked() -> None:
    async def main() -> None:
        office = Office()
        async with office.open():
            office.approvals.ask(PAY, VERDICT, turn=1)
            await asyncio.sleep(0.1)
            office.floor.there = ("ana",)
            office.approvals.presence("ana", "available")
            office.floor.there = ("bob",)
            await asyncio.sleep(0.1)
        assert [operator for operator, _ in office.screens.asked] == ["bob"]

    virtual.run(main())


def test_nobody_is_thanked_for_what_could_not_be_stored() -> None:
    async def main() -> None:
        office = Office()
        office.floor.there = ("ana",)
        async with office.open():
            approval_id = office.approvals.ask(PAY, VERDICT, turn=1)
            await asyncio.sleep(0.1)
            (record,) = office.approvals.gate.live()
            office.store.well.clear()
            office.approvals.post(Answered(approval_id, "ana", record.digest, Approve()))
            await asyncio.sleep(5.0)
            assert office.screens.told == [("ana", "interrupted")]
            office.store.well.set()

    virtual.run(main())


def test_nobody_is_thanked_for_what_the_store_refused() -> None:
    async def main() -> None:
        office = Office()
        office.floor.there = ("ana",)
        save = office.store.save

        async def picky(records: Sequence[Record]) -> None:
            if any(isinstance(r, MachineRecord) and r.state == "approved" for r in records):
                raise StorageError("this cannot be written")
            await save(records)

        async with office.open():
            approval_id = office.approvals.ask(PAY, VERDICT, turn=1)
            await asyncio.sleep(0.1)
            (record,) = office.approvals.gate.live()
            office.store.save = picky  # type: ignore[method-assign]
            office.approvals.post(Answered(approval_id, "ana", record.digest, Approve()))
            await asyncio.sleep(0.5)  # less than anybody waits for a slow store
            assert office.journal.refused == 1
            assert office.screens.told == [("ana", "interrupted")]
            office.approvals.post(ExecutionClaimed(approval_id, record.digest))
            await asyncio.sleep(5.0)
            assert Execute not in [type(event.said) for event in office.call.told]

    virtual.run(main())


@pytest.mark.parametrize("answer", [Reject("too much"), Respond("ask for the account first")])
def test_nobody_is_thanked_for_a_no_that_could_not_be_stored(answer: Reject | Respond) -> None:
    async def main() -> None:
        office = Office()
        office.floor.there = ("ana",)
        async with office.open():
            approval_id = office.approvals.ask(PAY, VERDICT, turn=1)
            await asyncio.sleep(0.1)
            (record,) = office.approvals.gate.live()
            office.store.well.clear()
            office.approvals.post(Answered(approval_id, "ana", record.digest, answer))
            await asyncio.sleep(5.0)
            assert office.screens.told == [("ana", "interrupted")]
            (told,) = [each.said for each in office.call.told if isinstance(each.said, TellAgent)]
            assert (told.outcome, told.words) == (Outcome.INTERRUPTED, "")
            office.store.well.set()

    virtual.run(main())


@pytest.mark.parametrize("answer", [Reject("too much"), Respond("ask for the account first")])
def test_a_no_that_was_stored_is_thanked_for_and_passed_on(answer: Reject | Respond) -> None:
    async def main() -> None:
        office = Office()
        office.floor.there = ("ana",)
        async with office.open():
            approval_id = office.approvals.ask(PAY, VERDICT, turn=1)
            await asyncio.sleep(0.1)
            (record,) = office.approvals.gate.live()
            office.approvals.post(Answered(approval_id, "ana", record.digest, answer))
            await asyncio.sleep(0.1)
            status = "rejected" if isinstance(answer, Reject) else "responded"
            assert office.screens.told == [("ana", status)]
            (told,) = [each.said for each in office.call.told if isinstance(each.said, TellAgent)]
            assert told.outcome.value == status

    virtual.run(main())


def test_what_was_withheld_is_not_done_even_if_the_store_is_well_again_when_it_is_claimed() -> None:
    async def main() -> None:
        office = Office()
        office.floor.there = ("ana",)
        async with office.open():
            approval_id = office.approvals.ask(PAY, VERDICT, turn=1)
            await asyncio.sleep(0.1)
            (record,) = office.approvals.gate.live()
            office.store.well.clear()
            office.approvals.post(Answered(approval_id, "ana", record.digest, Approve()))
            office.approvals.post(ExecutionClaimed(approval_id, record.digest))
            asyncio.get_running_loop().call_later(1.05, office.store.well.set)
            await asyncio.sleep(5.0)
            said = [type(event.said) for event in office.call.told]
            assert Permit not in said
            assert Execute not in said
            (undone,) = office.approvals.gate.follow_ups()
            assert undone.status == "interrupted"

    virtual.run(main())
