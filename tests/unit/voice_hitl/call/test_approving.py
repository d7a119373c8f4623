"""The approval gate's shell where whole calls do not reach (`tests/scenarios/test_approvals.py`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from handoff.approvals import Gate, Show
from handoff.events import Effect
from handoff.oversight import Mode, Proposal, Verdict
from handoff.policy import Policy
from handoff.testing import MemoryStore
from tests.support import virtual
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

    def approval_asked(self, ask: Show, seconds: float) -> None:
        self.asked.append((ask.operator_id, round(seconds)))

    def approval_over(self, operator_id: str, approval_id: str, why: str) -> None:
        pass

    def answer_taken(self, operator_id: str, approval_id: str, status: str) -> None:
        pass

    def answer_refused(self, operator_id: str, approval_id: str, why: str) -> None:
        pass


class Call:
    def __init__(self) -> None:
        self.told: list[GateSaid] = []

    def post(self, event: GateSaid) -> None:
        self.told.append(event)


class Office:
    def __init__(self) -> None:
        self.there: list[str] = []
        self.screens = Screens()
        self.call = Call()
        self.journal = Journal(MemoryStore())
        self.approvals = ApprovalService(
            Gate(Policy()),
            Clock(epoch=0.0),
            self.journal,
            self.screens,
            lambda call_id: self.call if call_id == "CA1" else None,
            lambda: self.there,
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
        office.there = ["ana"]
        office.approvals.ask(PAY, VERDICT, turn=1)
        office.there = ["bob"]  # before the gate has come to it
        async with office.open():
            await asyncio.sleep(0.1)
        assert office.screens.asked == [("bob", 40)]

    virtual.run(main())


def test_who_came_while_it_waited_has_the_whole_time() -> None:
    async def main() -> None:
        office = Office()
        office.approvals.ask(PAY, VERDICT, turn=1)
        office.there = ["bob"]
        async with office.open():
            await asyncio.sleep(UNSTAFFED + 1.0)
            (record,) = office.approvals.gate.live()
            assert record.status == "open"

    virtual.run(main())


def test_where_the_last_has_left_meanwhile_the_caller_does_not_wait_long() -> None:
    async def main() -> None:
        office = Office()
        office.there = ["ana"]
        office.approvals.ask(PAY, VERDICT, turn=1)
        office.there = []
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
            office.there = ["ana"]
            office.approvals.presence("ana", "available")
            office.there = ["bob"]
            await asyncio.sleep(0.1)
        assert [operator for operator, _ in office.screens.asked] == ["bob"]

    virtual.run(main())
