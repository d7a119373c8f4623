from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from handoff.events import Presence
from handoff.policy import Policy
from handoff.ports import MachineRecord
from handoff.testing import MemoryStore
from tests.support import virtual
from voice_hitl.call.caring import MACHINE, CareService, reopened_care
from voice_hitl.call.journal import Journal
from voice_hitl.clock import Clock

POLICY = Policy.from_mapping({"care": {"work_minutes": 5, "break_minutes": 1}}, "test")


class Screens:
    def __init__(self) -> None:
        self.rests: list[tuple[str, bool, float]] = []

    def rest(self, operator_id: str, resting: bool, worked_minutes: float) -> None:
        self.rests.append((operator_id, resting, worked_minutes))


class Ward:
    def __init__(self, store: MemoryStore, records: list[MachineRecord]) -> None:
        self.store = store
        self.journal = Journal(store)
        self.clock = Clock(epoch=1_700_000_000.0)
        self.screens = Screens()
        care = reopened_care(POLICY, records, self.clock)
        self.changes = 0
        self.service = CareService(care, self.clock, self.journal, self.screens, self._changed)

    def _changed(self) -> None:
        self.changes += 1


@asynccontextmanager
async def running(store: MemoryStore | None = None) -> AsyncIterator[Ward]:
    store = store or MemoryStore()
    ward = Ward(store, await store.machine_records(MACHINE))
    async with asyncio.TaskGroup() as tasks:
        services = [tasks.create_task(ward.journal.run()), tasks.create_task(ward.service.run())]
        try:
            yield ward
            await asyncio.sleep(0.01)
        finally:
            for service in reversed(services):
                service.cancel()


def test_rest_comes_due_by_itself_and_ends_by_itself() -> None:
    async def main() -> None:
        async with running() as ward:
            ward.service.work_started("ana", "CA1", "general")
            await asyncio.sleep(299)
            assert ward.screens.rests == []
            before = ward.changes
            await asyncio.sleep(1.5)
            ((who, resting, minutes),) = ward.screens.rests
            assert (who, resting) == ("ana", True)
            assert minutes == pytest.approx(5.0, abs=0.01)
            assert ward.changes > before, "the floor must look again"
            ward.service.work_ended("ana", "CA1")
            await asyncio.sleep(61)
            assert ward.screens.rests[-1] == ("ana", False, 0.0)
            assert ward.service.care.may_offer("ana", "general", ward.clock.now())

    virtual.run(main())


def test_what_is_kept_goes_on_with_the_time_that_has_passed() -> None:
    store = MemoryStore()

    async def main() -> None:
        async with running(store) as ward:
            ward.service.work_started("ana", "CA1", "abuse")
            await asyncio.sleep(100)
            ward.service.work_ended("ana", "CA1")
        await asyncio.sleep(30)  # the server is down
        async with running(store) as ward:
            now = ward.clock.now()
            assert ward.service.care.minutes_on_shift("ana", now) == pytest.approx(
                130 / 60, abs=0.01
            )
            await asyncio.sleep(31)
            assert ward.service.care.minutes_on_shift("ana", ward.clock.now()) == 0.0

    virtual.run(main())


def test_a_record_that_cannot_be_read_costs_nobody_theirs() -> None:
    store = MemoryStore()

    async def main() -> None:
        async with running(store) as ward:
            ward.service.work_started("ana", "CA1", None)
        (good,) = await store.machine_records(MACHINE)
        bad = replace(good, key="ben", detail={"worked": "long"})
        care = reopened_care(POLICY, [bad, good], Clock(epoch=1_700_000_000.0))
        now = asyncio.get_running_loop().time()
        assert care.minutes_on_shift("ana", now) > 0
        assert care.minutes_on_shift("ben", now) == 0

    virtual.run(main())


def test_a_break_and_a_leaving_reach_the_machine() -> None:
    async def main() -> None:
        async with running() as ward:
            ward.service.presence("ana", Presence.BREAK)
            await asyncio.sleep(0.01)
            assert ward.service.care.resting(ward.clock.now()) == ("ana",)
            ward.service.presence("ana", Presence.AWAY)
            await asyncio.sleep(0.01)
            assert ward.service.care.resting(ward.clock.now()) == ()
            ward.service.presence("ana", Presence.BREAK)
            ward.service.left("ana")
            await asyncio.sleep(0.01)
            assert ward.service.care.resting(ward.clock.now()) == ()

    virtual.run(main())
