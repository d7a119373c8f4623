"""What is too old goes, a few calls at a time, and a sick store ends nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from handoff.errors import StorageError
from handoff.ports import CallRecord, EventRecord, SessionRecord
from handoff.testing import MemoryStore
from tests.support import virtual
from voice_hitl.clock import Clock
from voice_hitl.errors import ConfigError
from voice_hitl.retention import DAY, erase, keep_no_longer

NOW = 1000.0  # of the virtual clock when it begins


class Disk(MemoryStore):
    """May be sick; remembers how many calls it was told to forget at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.sick = False
        self.steps: list[int] = []

    async def forget_calls(self, call_ids: Sequence[str]) -> None:
        if self.sick:
            raise StorageError("disk I/O error")
        self.steps.append(len(call_ids))
        await super().forget_calls(call_ids)


def call(call_id: str, ended: float | None, caller: str = "+15550100") -> CallRecord:
    return CallRecord(call_id, caller, "banking", "en", 0.0, ended_at=ended)


async def left(store: MemoryStore) -> list[str]:
    return sorted(record.call_id for record in await store.calls())


def a_clock() -> Clock:
    return Clock(epoch=100 * DAY)  # of the wall, beyond the loop's own clock


def test_at_once_and_daily_what_is_too_old_goes() -> None:
    async def main() -> None:
        store, clock = Disk(), a_clock()
        wall = clock.wall()
        await store.save([call("old", wall - 30.5 * DAY), call("new", wall - 29.5 * DAY)])
        await store.save([call("live", None)])
        await store.save([EventRecord("e1", wall - 30.5 * DAY, "ann", "did")])
        await store.save([SessionRecord("t1", "o1", wall - 1), SessionRecord("t2", "o1", wall + 9)])
        task = asyncio.create_task(keep_no_longer(store, clock, 30))
        await asyncio.sleep(1.0)
        assert await left(store) == ["live", "new"]
        assert await store.events() == []
        assert [await store.session(token) is None for token in ("t1", "t2")] == [True, False]
        await asyncio.sleep(DAY)
        assert await left(store) == ["live"]
        assert await store.session("t2") is None
        task.cancel()

    virtual.run(main())


def test_without_a_limit_only_sign_ins_expire() -> None:
    async def main() -> None:
        store, clock = Disk(), a_clock()
        await store.save([call("old", 1.0), SessionRecord("t1", "o1", 1.0)])
        await store.save([EventRecord("e1", 1.0, "ann", "did")])
        task = asyncio.create_task(keep_no_longer(store, clock, 0))
        await asyncio.sleep(DAY)
        assert await left(store) == ["old"]
        assert len(await store.events()) == 1
        assert await store.session("t1") is None
        task.cancel()

    virtual.run(main())


def test_many_calls_go_in_steps() -> None:
    async def main() -> None:
        store, clock = Disk(), a_clock()
        await store.save([call(f"c{number}", float(number)) for number in range(450)])
        task = asyncio.create_task(keep_no_longer(store, clock, 1))
        await asyncio.sleep(60.0)
        assert await left(store) == []
        assert sum(store.steps) == 450
        assert max(store.steps) <= 200
        task.cancel()

    virtual.run(main())


def test_a_sick_store_is_tried_again_the_next_day() -> None:
    async def main() -> None:
        store, clock = Disk(), a_clock()
        store.sick = True
        await store.save([call("old", 1.0)])
        task = asyncio.create_task(keep_no_longer(store, clock, 1))
        await asyncio.sleep(1.0)
        assert await left(store) == ["old"]
        store.sick = False
        await asyncio.sleep(DAY)
        assert await left(store) == []
        task.cancel()

    virtual.run(main())


def test_what_is_asked_for_is_erased() -> None:
    async def main() -> None:
        store = Disk()
        await store.save([call("c1", 1.0), call("c2", 2.0), call("c3", 3.0, "+15550199")])
        assert await erase(store, callers=["+1 555-0100"], call_ids=[]) == ["c1", "c2"]
        assert await left(store) == ["c3"]
        assert await erase(store, callers=[], call_ids=["c3", "c3"]) == ["c3"]
        assert await left(store) == []

    virtual.run(main())


@pytest.mark.parametrize(
    ("callers", "call_ids", "words"),
    [
        ([], [], "say what: give --caller or --call"),
        (["+15550198"], [], "there is no call of +15550198"),
        ([], ["c9"], "there is no call c9"),
        ([], ["live"], "call live is not over"),
        (["+15550199"], ["c1"], "call live is not over"),
    ],
)
def test_what_cannot_be_erased_is_said_and_nothing_is(
    callers: list[str], call_ids: list[str], words: str
) -> None:
    async def main() -> None:
        store = Disk()
        await store.save([call("c1", 1.0), call("live", None, "+15550199")])
        with pytest.raises(ConfigError) as caught:
            await erase(store, callers=callers, call_ids=call_ids)
        assert words in str(caught.value)
        assert await left(store) == ["c1", "live"]

    virtual.run(main())
