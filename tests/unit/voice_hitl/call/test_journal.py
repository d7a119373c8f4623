from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from handoff.errors import StorageError
from handoff.ports import CallRecord, EventRecord, Record, TurnRecord
from handoff.storage import SqlStore
from handoff.testing import MemoryStore
from tests.support import virtual
from voice_hitl.call import journal as module
from voice_hitl.call.journal import Journal


class FlakyStore(MemoryStore):
    """Fails the first `failures` saves."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self.failures = failures
        self.batches: list[int] = []

    async def save(self, records: Sequence[Record]) -> None:
        if self.failures:
            self.failures -= 1
            raise StorageError("the disk is full")
        self.batches.append(len(records))
        await super().save(records)


def record(number: int) -> CallRecord:
    return CallRecord(f"CA{number}", "+15550100", "test", "en", started_at=float(number))


def test_flush_returns_once_everything_before_it_is_stored() -> None:
    async def main() -> None:
        store = FlakyStore(0)
        journal = Journal(store)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(journal.run())
            journal.put(*(record(n) for n in range(1200)))
            await journal.flush()
            assert len(await store.calls(limit=2000)) == 1200
            assert store.batches == [250, 250, 250, 250, 200]
            running.cancel()

    virtual.run(main())


def test_a_store_that_fails_is_tried_again_and_nothing_is_lost() -> None:
    async def main() -> None:
        store = FlakyStore(3)
        journal = Journal(store)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(journal.run())
            journal.put(record(1))
            await journal.flush()
            assert await store.call("CA1") is not None
            running.cancel()

    virtual.run(main())


class PickyStore(MemoryStore):
    """Takes everything but what begins at 13."""

    async def save(self, records: Sequence[Record]) -> None:
        if any(isinstance(each, CallRecord) and each.started_at == 13.0 for each in records):
            raise StorageError("this cannot be written")
        await super().save(records)


def test_one_bad_record_on_a_quiet_server_is_given_up_after_a_while() -> None:
    async def main() -> None:
        store = PickyStore()
        journal = Journal(store)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(journal.run())
            journal.put(record(13))
            async with asyncio.timeout(10.0):
                await journal.flush()
            assert journal.refused == 1
            journal.put(record(14))
            async with asyncio.timeout(1.0):
                await journal.flush()
            assert [call.call_id for call in await store.calls()] == ["CA14"]
            running.cancel()

    virtual.run(main())


def test_whoever_asks_hears_that_their_record_is_lost_and_others_that_theirs_is_not() -> None:
    async def main() -> None:
        store = PickyStore()
        journal = Journal(store)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(journal.run())
            bad, good = journal.put(record(13)), journal.put(record(14))
            both = journal.put(record(15), record(13))
            assert not await journal.stored(bad)
            assert await journal.stored(good)
            assert not await journal.stored(both)
            assert {call.call_id for call in await store.calls()} == {"CA14", "CA15"}
            running.cancel()

    virtual.run(main())


def test_a_store_that_is_slow_keeps_nobody_waiting() -> None:
    async def main() -> None:
        store = FlakyStore(5)
        journal = Journal(store)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(journal.run())
            ticket = journal.put(record(1))
            assert not await journal.stored(ticket)
            await journal.caught_up()
            await journal.flush()
            assert await journal.stored(ticket), "it was put all the same"
            running.cancel()

    virtual.run(main())


def test_one_bad_record_does_not_take_others_along_when_the_server_stops() -> None:
    async def main() -> None:
        store = PickyStore()
        journal = Journal(store)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(journal.run())
            await asyncio.sleep(0)
            journal.put(record(13))
            running.cancel()
        assert journal.refused == 1

    virtual.run(main())


def test_while_the_store_takes_nothing_no_record_is_given_up() -> None:
    async def main() -> None:
        store = FlakyStore(100)
        journal = Journal(store)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(journal.run())
            journal.put(record(1))
            await asyncio.sleep(20.0)
            assert journal.refused == 0
            store.failures = 0
            await journal.flush()
            assert await store.call("CA1") is not None
            running.cancel()

    virtual.run(main())


async def test_what_no_database_can_write_is_given_up(tmp_path: Path) -> None:
    store = await SqlStore.open(f"sqlite:///{tmp_path / 'calls.db'}")
    journal = Journal(store)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(journal.run())
        await asyncio.sleep(0)
        journal.put(EventRecord("e1", 1.0, "ana", "said", detail={"what": object()}))
        running.cancel()
    assert journal.refused == 1
    await store.aclose()


def test_what_waits_at_the_end_is_still_stored() -> None:
    async def main() -> None:
        store = FlakyStore(0)
        journal = Journal(store)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(journal.run())
            await asyncio.sleep(0)
            running.cancel()
            journal.put(record(1))
        assert await store.call("CA1") is not None

    virtual.run(main())


def test_a_full_journal_refuses_the_newest_and_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CAPACITY", 2)

    async def main() -> None:
        store = FlakyStore(0)
        journal = Journal(store)
        kept = journal.put(record(1), record(2))
        lost = journal.put(record(3))
        assert journal.refused == 1
        assert not await journal.stored(lost)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(journal.run())
            assert await journal.stored(kept)
            running.cancel()
        assert {call.call_id for call in await store.calls()} == {"CA1", "CA2"}

    virtual.run(main())


def test_whoever_listens_hears_of_every_record_once_and_at_once() -> None:
    journal = Journal(MemoryStore())
    heard: list[Record] = []
    journal.on_put = heard.append
    journal.put(record(1), record(2))
    assert heard == [record(1), record(2)]


class ChoosyStore(MemoryStore):
    """Keeps no turns."""

    async def save(self, records: Sequence[Record]) -> None:
        if any(isinstance(each, TurnRecord) for each in records):
            raise StorageError("a bad value")
        await super().save(records)


def test_of_a_record_that_cannot_be_stored_the_log_has_its_name_and_no_words() -> None:
    async def main() -> Journal:
        journal = Journal(ChoosyStore())
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(journal.run())
            journal.put(record(1), TurnRecord("CA1", 7, 1, "caller", "my card is 4111", at=1.0))
            await journal.flush()
            running.cancel()
        return journal

    with capture_logs() as logged:
        journal = virtual.run(main())
    assert journal.refused == 1
    (lost,) = [line for line in logged if "record" in line]
    assert lost["record"] == "TurnRecord CA1 7"
    assert "4111" not in repr(logged)
