from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from handoff.audit import AuditItem, AuditorAnswers, AuditorAsks, AuditorLeft, Audits
from handoff.policy import Policy
from handoff.ports import MachineRecord
from handoff.testing import MemoryStore
from tests.support import virtual
from tests.support.flooring import WorkFloor
from tests.support.world import Screen
from voice_hitl.call.auditing import LAST, MACHINE, AuditService, reopened_audits
from voice_hitl.call.journal import Journal
from voice_hitl.clock import Clock


def item(name: str = "CA1:1", call_id: str = "CA1", risk: float = 0.2) -> AuditItem:
    return AuditItem(name, "decision", call_id, 1, "automatic", "financial", risk, "it said so")


@dataclass
class Shop:
    """The service and its surroundings; `live` calls go on."""

    service: AuditService
    store: MemoryStore
    screen: Screen
    journal: Journal
    live: set[str]

    async def records(self, machine: str = MACHINE) -> dict[str, MachineRecord]:
        await asyncio.sleep(0.1)
        await self.journal.flush()
        return {record.key: record for record in await self.store.machine_records(machine)}


def a_policy(**audit: float) -> Policy:
    rules: Mapping[str, float] = {"uniform": 1, "by_risk": 0} | audit
    return Policy.from_mapping({"audit": rules}, "test")


@asynccontextmanager
async def a_shop(store: MemoryStore | None = None, **audit: float) -> Any:
    store, screen = store or MemoryStore(), Screen()
    journal, live = Journal(store), {"CA1"}
    kept = [
        *await store.machine_records(LAST),
        *await store.machine_records(MACHINE, open_only=True),
    ]
    audits = reopened_audits(a_policy(**audit), b"test", kept)
    service = AuditService(
        audits, Clock(epoch=0.0), journal, screen, live.__contains__, WorkFloor()
    )
    tasks = [asyncio.create_task(journal.run()), asyncio.create_task(service.run())]
    try:
        yield Shop(service, store, screen, journal, live)
        await journal.flush()
    finally:
        for task in reversed(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def test_every_automated_item_is_kept_with_its_propensity() -> None:
    async def main() -> None:
        async with a_shop(uniform=0.6) as shop:
            for turn in (1, 2, 3):
                shop.service.automated(item(f"CA1:{turn}"))
            kept = await shop.records()
            assert {key: record.state for key, record in kept.items()} == {
                "CA1:1": "queued",
                "CA1:2": "passed",
                "CA1:3": "queued",
            }
            assert [record.open for _, record in sorted(kept.items())] == [True, False, True]
            assert {record.detail["propensity"] for record in kept.values()} == {0.6}

    virtual.run(main())


def test_a_judgement_is_stored_and_thanked_for() -> None:
    async def main() -> None:
        async with a_shop() as shop:
            shop.service.automated(item())
            shop.service.post(AuditorAsks("ana"))
            shop.service.post(AuditorAnswers("CA1:1", "ana", "right"))
            shop.service.post(AuditorAnswers("CA1:1", "ana", "wrong"))
            assert (await shop.records())["CA1:1"].state == "done"
            assert shop.screen.audited == [("ana", "answered"), ("ana", "over")]
            (label,) = await shop.store.labels()
            assert (label.label_id, label.value, label.weight) == ("audit:CA1:1", False, 1.0)

    virtual.run(main())


def test_who_had_a_part_in_a_call_is_known_for_what_comes_later() -> None:
    async def main() -> None:
        async with a_shop() as shop:
            shop.service.handled_by("CA1", "ana")
            shop.service.automated(item())
            shop.service.post(AuditorAsks("ana"))
            await shop.records()
            assert shop.screen.audits == {"ana": None}
            shop.live.clear()
            shop.service.call_over("CA1")
            shop.service.handled_by("CA1", "bob")  # late: an approval of the ended call
            shop.service.post(AuditorAsks("bob"))
            kept = await shop.records()
            assert kept["CA1:1"].detail["item"]["handled_by"] == ["ana", "bob"]
            assert shop.screen.audits["bob"] is None
            assert not shop.service._handlers  # nothing is remembered of calls that are over

    virtual.run(main())


def test_after_a_restart_the_sampler_goes_on_from_the_newest_item() -> None:
    async def main() -> None:
        store = MemoryStore()
        async with a_shop(store, uniform=0.6, by_risk=0.03) as shop:
            shop.service.automated(item("CA1:1", risk=0.9))
            shop.service.automated(item("CA1:2", risk=0.1))
            shop.service.handled_by("CA1", "ana")  # keeps the first again: not the newest
            await shop.records()
            mean = shop.service.audits._sampler.state.mean_risk
        (last,) = await store.machine_records(LAST)
        assert (last.detail["seen"], last.open, last.call_id) == (2, True, None)
        assert last.detail["item"]["summary"] == ""  # it outlives its call
        async with a_shop(store, uniform=0.6, by_risk=0.03) as shop:
            assert shop.service.audits.seen == 2
            assert shop.service.audits._sampler.state.mean_risk == mean
            assert len(shop.service.audits) == 1
            shop.service.post(AuditorAsks("bob"))
            shop.service.post(AuditorLeft("bob"))  # keeps an old item again
            shop.service.automated(item("CA2:1", "CA2"))
            assert (await shop.records(LAST))[LAST].detail["seen"] == 3

    virtual.run(main())


def test_what_is_unreadable_is_left() -> None:
    broken = MachineRecord(MACHINE, "CA1:1", 0.0, "queued", detail={"item": None})
    assert len(reopened_audits(a_policy(), b"test", [broken])) == 0
    assert isinstance(reopened_audits(a_policy(), b"test", []), Audits)
