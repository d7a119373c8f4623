from __future__ import annotations

import pytest

from voice_hitl.server import wire
from voice_hitl.server.auth import Identity
from voice_hitl.server.windows import OUTBOX_SIZE, Connection, Windows

ANA = Identity("op_ana", "Ana")
BOSS = Identity("op_boss", "Boss", "supervisor")
MESSAGE = wire.Problem(message="No.")


@pytest.fixture
async def windows() -> Windows:
    return Windows()


def waiting(connection: Connection) -> int:
    return connection._outbox.qsize()


async def test_only_the_last_window_counts_as_leaving(windows: Windows) -> None:
    first, second = windows.add(ANA), windows.add(ANA)
    assert not windows.remove(first)
    assert windows.identity("op_ana") == ANA
    assert windows.remove(second)
    assert windows.identity("op_ana") is None


async def test_a_message_goes_to_every_window_of_whom_it_is_for(windows: Windows) -> None:
    first, second, boss = windows.add(ANA), windows.add(ANA), windows.add(BOSS)
    windows.tell("op_ana", MESSAGE)
    windows.tell("op_nobody", MESSAGE)
    assert [waiting(each) for each in (first, second, boss)] == [1, 1, 0]
    windows.tell_supervisors(MESSAGE)
    assert [waiting(each) for each in (first, second, boss)] == [1, 1, 1]
    windows.tell_all(MESSAGE)
    assert [waiting(each) for each in (first, second, boss)] == [2, 2, 2]
    assert await boss.next_message() == MESSAGE.model_dump_json()


async def test_who_watches_a_call_is_known(windows: Windows) -> None:
    first, second = windows.add(ANA), windows.add(BOSS)
    first.watching, second.watching = "CA1", "CA2"
    assert windows.watching("CA1") == [first]
    assert windows.watching("CA3") == []


async def test_a_window_that_does_not_keep_up_is_marked_for_closing(windows: Windows) -> None:
    ana = windows.add(ANA)
    for _ in range(OUTBOX_SIZE):
        windows.tell_all(MESSAGE)
    assert not ana.overrun
    windows.tell_all(MESSAGE)
    assert ana.overrun
