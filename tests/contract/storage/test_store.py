"""What every store promises."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from handoff.brief import Memory
from handoff.commands import Reason
from handoff.errors import StorageError
from handoff.labels import Disposition, Label
from handoff.ports import (
    CallRecord,
    DecisionRecord,
    EventRecord,
    HandoffRecord,
    OperatorRecord,
    Record,
    SessionRecord,
    Store,
    TurnRecord,
)
from handoff.testing import a_call, a_decision, a_turn


def a_call_record(call_id: str = "c1", started_at: float = 100.5) -> CallRecord:
    return CallRecord(call_id, "+15550100", "banking", "en", started_at, policy_version="abc")


def a_turn_record(seq: int = 0, call_id: str = "c1") -> TurnRecord:
    return TurnRecord(
        call_id,
        seq,
        turn=seq,
        role="caller",
        text="¿cuánto? 50 € — “now” 😀",
        at=101.25,
        asr_confidence=0.5,
        intent="balance",
        confidence=0.75,
        risk=0.125,
        signals={"speech.confidence": 0.5, "dialogue.turns": 1.0},
        latency_ms={"transcript": 61.5},
    )


def a_handoff(call_id: str = "c1", seq: int = 0, epoch: int | None = None) -> HandoffRecord:
    brief = Memory(a_call(call_id), 3, 3)
    brief.note(a_turn(1, slots={"amount": "50"}))
    return HandoffRecord(
        call_id, seq, 103.0, brief.brief(a_decision(call_id)).as_dict(), epoch=epoch
    )


async def test_an_empty_store_knows_nothing(store: Store) -> None:
    assert await store.call("c1") is None
    assert await store.operator("o1") is None
    assert await store.operator_by_name("Ann") is None
    assert await store.session("t") is None
    for found in (
        await store.calls(),
        await store.turns("c1"),
        await store.decisions("c1"),
        await store.handoffs("c1"),
        await store.events(),
        await store.list_operators(),
    ):
        assert found == []
    assert await store.last_epoch() == 0
    assert await store.close_unfinished(1.0) == 0
    await store.save([])


async def test_what_is_saved_comes_back_exactly(store: Store) -> None:
    decision = DecisionRecord.of(a_decision("c1"), seq=0, at=102.0, policy_version="abc")
    operator = OperatorRecord(
        "o1", "Ann", "$argon2id$...", "supervisor", 9.0, ("banking",), ("en", "es"), "senior"
    )
    session = SessionRecord("digest", "o1", 500.0)
    event = EventRecord("e1", 104.0, "o1", "took", "c1", {"epoch": 3, "list": [1, None, "x"]})
    records: list[Record] = [
        a_call_record(),
        a_turn_record(),
        decision,
        a_handoff(),
        operator,
        session,
        event,
    ]
    await store.save(records)
    assert await store.call("c1") == records[0]
    assert await store.turns("c1") == [records[1]]
    assert await store.decisions("c1") == [decision]
    assert decision.reasons == (Reason("explicit_request", "the caller asked for a person", 100.0),)
    assert await store.handoffs("c1") == [records[3]]
    assert await store.operator("o1") == await store.operator_by_name("Ann") == operator
    assert await store.session("digest") == session
    assert await store.events() == [event]
    assert await store.events(call_id="c1") == [event]
    assert await store.events(call_id="c2") == []


async def test_saving_again_replaces(store: Store) -> None:
    call = a_call_record()
    ended = replace(call, ended_at=200.0, outcome="automated", reason="agent_ended", safe_mode=True)
    await store.save([call])
    await store.save([ended])
    await store.save([ended])
    assert await store.calls() == [ended]


async def test_the_last_of_a_batch_wins(store: Store) -> None:
    call = a_call_record()
    changed = replace(call, outcome="abandoned")
    await store.save([call, a_turn_record(), changed])
    assert await store.call("c1") == changed


async def test_a_batch_is_kept_whole_or_not_at_all(store: Store) -> None:
    await store.save([OperatorRecord("o1", "Ann", "hash", "operator")])
    batch: list[Record] = [
        a_call_record(),
        a_turn_record(),
        OperatorRecord("o2", "Ann", "hash", "operator"),  # the name is taken
    ]
    with pytest.raises(StorageError):
        await store.save(batch)
    assert await store.call("c1") is None
    assert await store.turns("c1") == []
    assert len(await store.list_operators()) == 1
    await store.save(batch[:2])
    assert await store.call("c1") is not None, "the store works on after a refusal"


async def test_an_operators_record_may_be_renewed_and_names_exchanged_in_steps(
    store: Store,
) -> None:
    ann = OperatorRecord("o1", "Ann", "hash", "operator")
    await store.save([ann])
    await store.save([replace(ann, name="Anna", password_hash="new")])
    await store.save([OperatorRecord("o2", "Ann", "hash", "operator")])
    assert [o.operator_id for o in await store.list_operators()] == ["o2", "o1"]
    assert await store.operator_by_name("ann") is None, "names are exact"


async def test_lists_are_in_order(store: Store) -> None:
    await store.save([a_turn_record(seq) for seq in (2, 0, 11, 1)])
    await store.save([a_handoff(seq=seq) for seq in (1, 0)])
    await store.save(
        [
            DecisionRecord.of(a_decision("c1"), seq=seq, at=1.0, policy_version="")
            for seq in (3, 1, 2)
        ]
    )
    assert [turn.seq for turn in await store.turns("c1")] == [0, 1, 2, 11]
    assert [handoff.seq for handoff in await store.handoffs("c1")] == [0, 1]
    assert [decision.seq for decision in await store.decisions("c1")] == [1, 2, 3]


async def test_calls_are_paged_newest_first(store: Store) -> None:
    await store.save([a_call_record(f"c{n}", started_at=float(n)) for n in range(10)])
    first = await store.calls(limit=4)
    assert [call.call_id for call in first] == ["c9", "c8", "c7", "c6"]
    rest = await store.calls(limit=100, before=first[-1].started_at)
    assert [call.call_id for call in rest] == ["c5", "c4", "c3", "c2", "c1", "c0"]


async def test_the_audit_log_is_newest_first(store: Store) -> None:
    await store.save([EventRecord(f"e{n}", float(n), "server", "x") for n in range(6)])
    assert [event.event_id for event in await store.events(limit=2)] == ["e5", "e4"]


async def test_sessions_expire_and_are_deleted(store: Store) -> None:
    await store.save([SessionRecord(f"t{n}", "o1", float(n)) for n in range(5)])
    assert await store.delete_expired_sessions(2.0) == 3
    assert await store.session("t2") is None
    await store.delete_session("t3")
    await store.delete_session("t3")
    assert await store.session("t3") is None
    assert await store.session("t4") is not None


async def test_an_account_goes_with_its_sessions_and_no_others(store: Store) -> None:
    ann, bob = (OperatorRecord(f"o{n}", f"n{n}", "hash", "operator") for n in (1, 2))
    sessions = [SessionRecord(f"t{n}{who}", f"o{who}", 9.0) for n in (1, 2) for who in (1, 2)]
    await store.save([ann, bob, *sessions])
    await store.delete_sessions("o1")
    assert [await store.session(f"t{n}1") for n in (1, 2)] == [None, None]
    assert await store.operator("o1") == ann
    await store.delete_operator("o2")
    await store.delete_operator("o2")
    assert [await store.session(f"t{n}2") for n in (1, 2)] == [None, None]
    assert await store.list_operators() == [ann]


async def test_the_last_epoch_is_the_largest_of_all(store: Store) -> None:
    await store.save([a_handoff(epoch=3), a_handoff(seq=1), a_handoff("c2", epoch=17)])
    assert await store.last_epoch() == 17


async def test_calls_that_a_stop_cut_off_are_closed(store: Store) -> None:
    done = replace(a_call_record("c1"), ended_at=150.0, outcome="automated", reason="agent_ended")
    closed = replace(a_handoff("c1"), ended_at=140.0, ended_why="handed_back")
    await store.save([done, closed, a_call_record("c2"), a_handoff("c2"), a_handoff("c2", 1)])
    assert await store.close_unfinished(999.0) == 1
    call = await store.call("c2")
    assert call is not None
    assert (call.ended_at, call.outcome, call.reason) == (999.0, "failed", "server_stopped")
    for handoff in await store.handoffs("c2"):
        assert (handoff.ended_at, handoff.ended_why) == (999.0, "server_stopped")
    assert await store.call("c1") == done
    assert await store.handoffs("c1") == [closed]
    assert await store.close_unfinished(1000.0) == 0


async def test_writers_and_readers_at_once_see_whole_batches(store: Store) -> None:
    async def write(call_id: str) -> None:
        for step in range(10):
            turns = [a_turn_record(seq, call_id) for seq in range(step + 1)]
            await store.save([replace(a_call_record(call_id), ended_at=float(step)), *turns])

    async def read(call_id: str) -> None:
        for _ in range(10):
            call = await store.call(call_id)
            turns = await store.turns(call_id)
            if call is not None:
                assert len(turns) >= int(call.ended_at or 0) + 1

    names = [f"c{n}" for n in range(5)]
    async with asyncio.TaskGroup() as tasks:
        for name in names:
            tasks.create_task(write(name))
            tasks.create_task(read(name))
    for name in names:
        assert len(await store.turns(name)) == 10


async def test_a_large_batch_is_one_batch(store: Store) -> None:
    await store.save([a_turn_record(seq) for seq in range(2000)])
    assert len(await store.turns("c1")) == 2000


async def test_numbers_that_json_cannot_hold_become_null(store: Store) -> None:
    odd = replace(a_turn_record(), asr_confidence=None, signals={"a": float("nan"), "b": 1.0})
    await store.save([odd])
    (turn,) = await store.turns("c1")
    assert json.dumps(dict(turn.signals), allow_nan=False) == '{"a": null, "b": 1.0}'


async def test_text_that_a_database_cannot_hold_is_mended(store: Store) -> None:
    note = "a\0b \ud83d c"
    odd = EventRecord("e1", 1.0, "o1", note, detail={note: [note]})
    await store.save([odd, replace(a_turn_record(), text=note)])
    mended = "a\ufffdb \ufffd c"
    (event,) = await store.events()
    assert (event.action, event.detail) == (mended, {mended: [mended]})
    assert [turn.text for turn in await store.turns("c1")] == [mended]


async def test_a_closed_store_says_so(store: Store) -> None:
    await store.aclose()
    await store.aclose()
    with pytest.raises(StorageError, match="closed"):
        await store.save([a_call_record()])
    with pytest.raises(StorageError, match="closed"):
        await store.calls()


async def test_what_was_over_lately_is_found_by_its_end_oldest_first(store: Store) -> None:
    ended = [
        replace(a_call_record(f"c{n}"), ended_at=1000.0 + n, outcome="automated") for n in range(5)
    ]
    await store.save([*ended[::-1], a_call_record("open")])
    assert await store.recent(CallRecord, 1002.0, limit=10) == ended[2:]
    assert await store.recent(CallRecord, 0.0, limit=2) == ended[3:]
    assert await store.recent(CallRecord, 2000.0, limit=2) == []
    assert await store.recent(CallRecord, 0.0, limit=0) == []
    over = replace(a_handoff(), ended_at=5.0)
    decided = DecisionRecord.of(a_decision("c1"), seq=0, at=7.0, policy_version="p")
    disposed = Disposition("c1", 0, 1, "needed", "ana", 8.0, hard=False)
    label = Label("l1", "c1", 1, "error", True, 1.0, "approval", "ana", 9.0)
    await store.save([over, a_handoff(seq=1), decided, disposed, label])
    assert await store.recent(HandoffRecord, 5.0, limit=9) == [over]
    assert await store.recent(DecisionRecord, 7.0, limit=9) == [decided]
    assert await store.recent(Disposition, 8.0, limit=9) == [disposed]
    assert await store.recent(Label, 9.0, limit=9) == [label]


async def test_of_many_the_newest_are_found_oldest_first(store: Store) -> None:
    decisions = [
        DecisionRecord.of(a_decision("c1"), seq=n, at=float(n // 3), policy_version="p")
        for n in range(1203)
    ]
    await store.save(decisions)
    assert await store.recent(DecisionRecord, 1.0, limit=5000) == decisions[3:]
    assert await store.recent(DecisionRecord, 1.0, limit=700) == decisions[-700:]
