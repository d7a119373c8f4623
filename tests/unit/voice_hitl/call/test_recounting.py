from __future__ import annotations

import asyncio
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from handoff.audit import AuditItem, AuditRecord, AuditState
from handoff.drift import WarningRaised
from handoff.labels import ApprovalAnswer, Disposition, of_approval
from handoff.metrics import Figures
from handoff.policy import Policy
from handoff.ports import CallRecord, DecisionRecord, HandoffRecord, MachineRecord, Record
from handoff.storage import SqlStore
from handoff.supervision import Supervision
from handoff.testing import MemoryStore, a_decision
from voice_hitl.call import auditing, exercising
from voice_hitl.call.counting import HANDLED, Counting
from voice_hitl.call.recounting import recounted
from voice_hitl.clock import Clock

EPOCH = 1_700_000_000.0
DAY = 86_400.0
POLICY = Policy.from_mapping({"warnings": {"minimum": 2, "ece_minimum": 10}}, "test")


def a_clock() -> Clock:
    """One that shows `EPOCH` now."""
    return Clock(epoch=EPOCH - asyncio.get_running_loop().time())


def an_hour(calls: int = 40) -> list[Record]:
    """What an hour of calls leaves, in the order in which it was kept; each call has a request or none."""
    kept: list[Record] = []
    for number in range(calls):
        call_id, at = f"CA{number}", EPOCH - 3600.0 + 60.0 * number
        call = CallRecord(call_id, "+15550100", "banking", "en", at)
        decided = DecisionRecord.of(a_decision(call_id), seq=0, at=at + 5.0, policy_version="p")
        handed = number % 4 == 0
        kept += [
            call,
            replace(decided, hand_off=handed, kind="hard" if handed else "soft", breakdown=0.3),
        ]
        if handed:
            asked = HandoffRecord(call_id, 0, at + 6.0, {"why": "asked"})
            taken = replace(asked, accepted_at=at + 16.0, operator_id="ana")
            over = replace(taken, ended_at=at + 40.0, ended_why="caller_hung_up")
            kept += [asked, taken, over, a_busy_time(f"h{number}", at + 45.0)]
            kept.append(Disposition(call_id, 0, 1, "needed", "ana", at + 46.0, hard=True))
        answer = ApprovalAnswer(f"ap{number}", call_id, 1, "reject", "ana", at + 20.0)
        kept += [*of_approval(answer), an_audit(f"au{number}", at + 50.0)]
        outcome = "handed_off" if handed else "automated"
        kept.append(replace(call, ended_at=at + 50.0, outcome=outcome))
    return kept


def a_busy_time(key: str, at: float) -> MachineRecord:
    detail = {"operator_id": "ana", "seconds": 29.0}
    return MachineRecord(HANDLED, key, at, "over", open=False, detail=detail)


def an_audit(key: str, at: float) -> MachineRecord:
    item = AuditItem(key, "decision", "CA1", 2, "automatic", "", 0.5, "told the balance")
    done = AuditRecord(item, AuditState.DONE, 0.1, 1, 0.5, auditor="ana", verdict="wrong")
    return MachineRecord(auditing.MACHINE, key, at, "done", open=False, detail=done.as_dict())


def an_exercise(key: str, at: float) -> MachineRecord:
    detail = {"operator_id": f"op{key}", "exercise_id": "e", "minutes": 3.0, "right": True}
    return MachineRecord(exercising.SERVED, key, at, "answered", open=False, detail=detail)


def as_it_ran(kept: list[Record], now: float) -> Supervision:
    """The figures of a server that was never stopped; all of it happened on the way to the store."""
    counting, machine = Counting(), Supervision(POLICY, now - 3600.0)
    for record in kept:
        for event in counting.of(record):
            machine.handle(event, now)
    return machine


def same(found: Figures, wanted: Figures) -> None:
    for name in Figures.__dataclass_fields__:
        assert getattr(found, name) == getattr(wanted, name), name


async def test_figures_and_warnings_are_what_they_were_before_the_stop() -> None:
    store, clock = MemoryStore(), a_clock()
    kept = an_hour()
    await store.save(kept)
    machine, _ = await recounted(POLICY, store, clock)
    now = clock.now()
    before = as_it_ran(kept, now)
    same(machine.figures(now), before.figures(now))
    assert machine.figures(now).routed.value == pytest.approx(0.25)
    assert machine.figures(now).handle_time.n == 10
    assert machine.override_chart == before.override_chart
    (standing,) = machine.warnings
    assert machine.take_commands() == [WarningRaised(standing)]
    assert standing.code.value == "overrides"
    assert now - standing.since == pytest.approx(3280.0, abs=1.0)


async def test_what_was_counted_is_not_counted_again() -> None:
    store, clock = MemoryStore(), a_clock()
    kept = an_hour(4)
    await store.save(kept)
    _, counting = await recounted(POLICY, store, clock)
    last = {(type(record), repr(record)): record for record in kept}.values()
    assert [counting.of(record) for record in last if isinstance(record, CallRecord)] == [[]] * 8
    assert not any(counting.of(r) for r in last if isinstance(r, HandoffRecord | Disposition))


async def test_what_is_older_than_the_window_does_not_count() -> None:
    store, clock = MemoryStore(), a_clock()
    old = CallRecord("CA1", "+1", "p", "en", EPOCH - 2 * DAY, ended_at=EPOCH - 25 * 3600.0)
    new = replace(old, call_id="CA2", ended_at=EPOCH - 23 * 3600.0)
    await store.save([replace(each, outcome="automated") for each in (old, new)])
    machine, _ = await recounted(POLICY, store, clock)
    assert machine.figures(clock.now()).automation_rate.n == 1


async def test_a_request_that_the_stop_cut_off_is_nobodys_lost_patience() -> None:
    store, clock = MemoryStore(), a_clock()
    at = EPOCH - 60.0
    for number in range(4):
        await store.save([CallRecord(f"CA{number}", "+1", "p", "en", at)])
        asked = HandoffRecord(f"CA{number}", 0, at, {"why": "asked"})
        await store.save([replace(asked, accepted_at=at + 5.0 if number < 2 else None)])
    await store.close_unfinished(EPOCH - 1.0)
    machine, _ = await recounted(POLICY, store, clock)
    figures = machine.figures(clock.now())
    assert (figures.queue_time.n, figures.abandonment.value) == (2, 0.0)
    assert figures.failed.value == 1.0


async def test_answers_to_exercises_count_for_as_long_as_they_are_remembered() -> None:
    store, clock = MemoryStore(), a_clock()
    await store.save([an_exercise(str(n), EPOCH - 30 * DAY) for n in range(30)])
    served = MachineRecord(exercising.SERVED, "x", EPOCH, "served", open=False, detail={})
    await store.save([served])
    machine, _ = await recounted(POLICY, store, clock)
    assert machine.shift().bins[0].accuracy.n == 30


KILLED = """
import asyncio, os, signal, sys
from handoff.storage import SqlStore
from tests.unit.voice_hitl.call.test_recounting import an_hour
from voice_hitl.call.journal import Journal

async def main():
    journal = Journal(await SqlStore.open(sys.argv[1]))
    asyncio.create_task(journal.run())
    journal.put(*an_hour())
    await journal.flush()
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_a_killed_server_comes_back_with_its_figures(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/calls.db"
    root = Path(__file__).parents[4]
    killed = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, url, cwd=root)
    assert await killed.wait() == -signal.SIGKILL
    store, clock = await SqlStore.open(url), a_clock()
    try:
        machine, _ = await recounted(POLICY, store, clock)
    finally:
        await store.aclose()
    now = clock.now()
    before = as_it_ran(an_hour(), now)
    same(machine.figures(now), before.figures(now))
    assert [warning.code for warning in machine.warnings] == ["overrides"]
