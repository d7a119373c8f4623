"""What every store promises of what it is told to forget."""

from __future__ import annotations

from dataclasses import replace

import pytest

from handoff.errors import StorageError
from handoff.labels import Disposition, Label
from handoff.policy import Policy
from handoff.ports import (
    CallRecord,
    DecisionRecord,
    EventRecord,
    FactRecord,
    HandoffRecord,
    MachineRecord,
    ModelRecord,
    PolicyRecord,
    Record,
    Store,
    TurnRecord,
)
from handoff.testing import a_decision


def a_whole_call(
    call_id: str, caller: str = "+15550100", ended: float | None = 9.0, epoch: int | None = None
) -> list[Record]:
    """Everything that is kept of a call, its label last."""
    return [
        CallRecord(call_id, caller, "banking", "en", 1.0, ended_at=ended, outcome="automated"),
        TurnRecord(call_id, 0, 1, "caller", "my number is five five five", 2.0),
        DecisionRecord.of(a_decision(call_id), seq=0, at=3.0, policy_version="p"),
        HandoffRecord(call_id, 0, 4.0, {"caller": caller}, epoch=epoch),
        EventRecord(f"e-{call_id}", 5.0, "server", "offered", call_id, {"x": "y"}),
        FactRecord(call_id, 0, 6.0, "CallerSpoke", {"text": "my number"}),
        MachineRecord("approvals", f"a-{call_id}", 7.0, "closed", False, call_id, {"why": "x"}),
        Disposition(call_id, 0, 1, "needed", "ann", 8.0, note="she was upset"),
        Label(f"l-{call_id}", call_id, 1, "error", True, 1.0, "audit", "ann", 9.0),
    ]


async def kept_of(store: Store, call_id: str) -> list[Record]:
    """What a store knows of a call, labels left out."""
    call = await store.call(call_id)
    machines = await store.machine_records("approvals")
    return [
        *([] if call is None else [call]),
        *await store.turns(call_id),
        *await store.decisions(call_id),
        *await store.handoffs(call_id),
        *await store.events(call_id=call_id),
        *await store.facts(call_id),
        *[record for record in machines if record.call_id == call_id],
        *await store.dispositions(call_id),
    ]


async def test_all_of_a_call_is_forgotten_but_its_labels_and_nothing_of_others(
    store: Store,
) -> None:
    gone, stays = a_whole_call("c1"), a_whole_call("c2")
    policy = PolicyRecord.of(Policy(), 1.0)
    model = ModelRecord("m1", "heads", None, {}, "proposed", {}, 1.0)
    await store.save([*gone, *stays, policy, model])
    assert await kept_of(store, "c1") == gone[:-1]
    await store.forget_calls(["c1", "unknown"])
    assert await kept_of(store, "c1") == []
    assert await kept_of(store, "c2") == stays[:-1]
    assert await store.labels() == [gone[-1], stays[-1]]
    assert await store.policies() == [policy]
    assert await store.models() == [model]
    await store.forget_calls([])
    assert await kept_of(store, "c2") == stays[:-1]


async def test_more_calls_than_one_step_takes_are_forgotten(store: Store) -> None:
    ids = [f"c{number}" for number in range(120)]
    await store.save([record for call_id in ids for record in a_whole_call(call_id)])
    await store.forget_calls(ids)
    assert await store.calls(limit=200) == []
    assert await store.events(limit=200) == []


async def test_no_fencing_number_comes_again_because_its_call_is_forgotten(store: Store) -> None:
    await store.save([*a_whole_call("c1", epoch=7), *a_whole_call("c2", epoch=3)])
    await store.forget_calls(["c1"])
    assert await store.last_epoch() == 7
    await store.forget_calls(["c2"])
    await store.forget_before(1e9)
    assert await store.last_epoch() == 7
    await store.save(a_whole_call("c3", epoch=9))
    assert await store.last_epoch() == 9


async def test_calls_that_are_over_long_are_found_oldest_first(store: Store) -> None:
    ends = {"c1": 5.0, "c2": 4.0, "c3": 6.0, "c4": None, "c5": 4.0}
    calls = [CallRecord(call_id, "+1", "banking", "en", 1.0) for call_id in ends]
    await store.save([replace(call, ended_at=ends[call.call_id]) for call in calls])
    assert await store.calls_ended_before(6.0, limit=9) == ["c2", "c5", "c1"]
    assert await store.calls_ended_before(6.0, limit=2) == ["c2", "c5"]
    assert await store.calls_ended_before(4.0, limit=9) == []


async def test_a_callers_calls_are_those_from_the_number_and_those_it_was_to_be_called_about(
    store: Store,
) -> None:
    theirs = CallRecord("c1", "+15550100", "banking", "en", 1.0)
    newer = replace(theirs, call_id="c2", started_at=2.0)
    other = replace(theirs, call_id="c3", caller="+15550199", started_at=3.0)
    alike = replace(theirs, call_id="c4", caller="+155501000")
    promise = MachineRecord("callbacks", "k1", 1.0, "done", False, "c3", {"number": "+15550100"})
    lost = replace(promise, key="k2", call_id="c9")  # a call whose own row is not there
    numberless = MachineRecord("approvals", "a1", 1.0, "closed", False, "c4", {"number": None})
    await store.save([theirs, newer, other, alike, promise, lost, numberless])
    assert await store.calls_of("+15550100") == ["c1", "c2", "c3", "c9"]
    assert await store.calls_of("+15550198") == []


async def test_what_belongs_to_no_call_is_forgotten_by_its_own_time(store: Store) -> None:
    def machine(key: str, at: float, is_open: bool, call_id: str | None) -> MachineRecord:
        return MachineRecord("m", key, at, "s", is_open, call_id)

    old: list[Record] = [
        EventRecord("e1", 9.0, "ann", "exercise.answered"),
        machine("k1", 9.0, False, None),
        machine("k2", 9.0, True, "c1"),  # written again after its call was forgotten
        Disposition("c1", 0, 1, "needed", "ann", 9.0),
    ]
    stay: list[Record] = [
        EventRecord("e2", 10.0, "ann", "exercise.answered"),
        machine("k3", 9.0, True, None),  # what a machine goes on from
        machine("k4", 10.0, False, None),
        Disposition("c2", 0, 1, "needed", "ann", 10.0),
        Label("l1", "c1", 1, "error", True, 1.0, "audit", "ann", 1.0),
    ]
    await store.save([*old, *stay])
    assert await store.forget_before(10.0) == len(old)
    assert await store.events() == [stay[0]]
    assert await store.machine_records("m") == [stay[1], stay[2]]
    assert await store.dispositions() == [stay[3]]
    assert await store.labels() == [stay[4]]
    assert await store.forget_before(10.0) == 0


async def test_a_closed_store_forgets_nothing(store: Store) -> None:
    await store.aclose()
    with pytest.raises(StorageError):
        await store.forget_calls(["c1"])
    with pytest.raises(StorageError):
        await store.forget_before(1.0)
    with pytest.raises(StorageError):
        await store.calls_of("+1")
    with pytest.raises(StorageError):
        await store.calls_ended_before(1.0, limit=1)
