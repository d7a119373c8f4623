from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff.callbacks import (
    OPEN,
    TABLE,
    CallbackClaimed,
    CallbackRecord,
    Callbacks,
    CallbackState,
)
from handoff.commands import KeepCallback, RefuseAccept, RefuseCallback, Urgency
from handoff.errors import ProtocolError, StorageError
from handoff.events import (
    CallbackDone,
    CallbackFailed,
    CallbackPromised,
    CallbackWithdrawn,
    DeadlinePassed,
)
from handoff.policy.floor import CallbackPolicy

POLICY = CallbackPolicy(within=600, claim=60, tries=3, retry=100, limit=2)


def promise(name: str = "b1", **more: Any) -> CallbackPromised:
    return CallbackPromised(name, "c1", "+15550100", "asked for a person", Urgency.HIGH, **more)


class List:
    def __init__(self, *records: CallbackRecord) -> None:
        self.machine = Callbacks(POLICY, records)

    def send(self, event: Any, now: float) -> list[Any]:
        self.machine.handle(event, now)
        return self.machine.take_commands()

    def kept(self, event: Any, now: float) -> CallbackRecord:
        (command,) = self.send(event, now)
        assert isinstance(command, KeepCallback)
        return command.record


def test_a_promise_is_due_from_then_until_then() -> None:
    callbacks = List()
    record = callbacks.kept(promise(not_before=150.0, by=400.0), 100.0)
    assert (record.state, record.promised_at) == ("waiting", 100.0)
    assert callbacks.machine.due(149.0) == ()
    assert callbacks.machine.next_deadline(100.0) == 150.0
    assert callbacks.machine.due(150.0) == (record,)
    assert callbacks.machine.next_deadline(150.0) == 400.0
    expired = callbacks.kept(DeadlinePassed(), 400.0)
    assert expired.state is CallbackState.EXPIRED
    assert callbacks.machine.records() == ()
    assert callbacks.machine.next_deadline(400.0) is None


def test_those_promised_earliest_come_first() -> None:
    callbacks = List()
    callbacks.send(promise("b1"), 100.0)
    callbacks.send(promise("b2", by=300.0), 110.0)
    assert [record.callback_id for record in callbacks.machine.due(120.0)] == ["b2", "b1"]


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([promise(), promise()], "known"),
        ([promise("b1"), promise("b2"), promise("b3")], "full"),
        ([promise(by=50.0)], "too_late"),
    ],
)
def test_a_promise_that_cannot_be_kept_is_refused(
    events: list[CallbackPromised], reason: str
) -> None:
    callbacks = List()
    for event in events[:-1]:
        callbacks.kept(event, 100.0)
    assert callbacks.send(events[-1], 100.0) == [
        RefuseCallback(events[-1].callback_id, "c1", reason)
    ]


def test_a_claim_is_one_persons_and_is_closed_once() -> None:
    callbacks = List()
    callbacks.send(promise(), 0.0)
    claimed = callbacks.kept(CallbackClaimed("b1", "ann", 8), 10.0)
    assert (claimed.operator_id, claimed.epoch, claimed.claim_until) == ("ann", 8, 70.0)
    assert callbacks.machine.due(10.0) == ()
    assert callbacks.send(CallbackClaimed("b1", "bob", 9), 11.0) == [
        RefuseAccept("", "b1", "bob", "stale")
    ]
    assert callbacks.send(CallbackDone("b1", "bob", 8), 12.0)[0].reason == "stale"
    done = callbacks.kept(CallbackDone("b1", "ann", 8, "all well"), 20.0)
    assert (done.state, done.note) == ("done", "all well")
    assert callbacks.send(CallbackDone("b1", "ann", 8), 21.0)[0].reason == "unknown"


def test_nobody_reached_is_tried_again_and_then_given_up() -> None:
    callbacks = List()
    now = 0.0
    callbacks.send(promise(by=150.0), now)
    states = []
    for epoch in (1, 2, 3):
        record = callbacks.kept(CallbackClaimed("b1", "ann", epoch), now)
        record = callbacks.kept(CallbackFailed("b1", "ann", epoch, "no answer"), now + 5)
        states.append((record.state.value, record.tries))
        assert record.claim_until is None
        now = record.not_before
    assert states == [("waiting", 1), ("waiting", 2), ("failed", 3)]
    assert record.note == "no answer"
    assert record.by == 105 + 100 + 5 + 100, "tried in time: the promise goes on"


def test_a_claim_that_nobody_closes_lapses_as_a_try() -> None:
    callbacks = List()
    callbacks.send(promise(), 0.0)
    callbacks.send(CallbackClaimed("b1", "ann", 1), 0.0)
    assert callbacks.machine.next_deadline(0.0) == 60.0
    record = callbacks.kept(DeadlinePassed(), 60.0)
    assert (record.state, record.tries, record.skip) == ("waiting", 1, ("ann",))
    assert callbacks.send(CallbackDone("b1", "ann", 1), 61.0)[0].reason == "stale"


@pytest.mark.parametrize("claimed", [True, False])
def test_a_caller_may_change_their_mind(claimed: bool) -> None:
    callbacks = List()
    callbacks.send(promise(), 0.0)
    if claimed:
        callbacks.send(CallbackClaimed("b1", "ann", 1), 0.0)
    assert callbacks.kept(CallbackWithdrawn("b1"), 1.0).state is CallbackState.WITHDRAWN
    assert callbacks.send(CallbackWithdrawn("b1"), 2.0) == [], "twice is harmless"


def test_every_row_starts_from_an_open_state() -> None:
    assert {state for state, _ in TABLE} == set(OPEN)
    with pytest.raises(ProtocolError, match="do not know str"):
        List().send("hello", 0.0)


def test_records_move_between_clocks() -> None:
    record = List().kept(promise(), 100.0)
    assert record.shifted(1e9).shifted(-1e9) == record
    assert record.shifted(50.0).by == record.by + 50.0
    claimed = replace(record, claim_until=130.0)
    assert claimed.shifted(50.0).claim_until == 180.0


def test_records_go_through_json() -> None:
    callbacks = List()
    callbacks.send(promise(brief={"why": "x", "reasons": [{"code": "y"}]}, skill="claims"), 100.0)
    record = callbacks.kept(CallbackClaimed("b1", "ann", 8), 110.0)
    assert CallbackRecord.from_dict(json.loads(json.dumps(record.as_dict()))) == record
    with pytest.raises(StorageError, match="cannot be read back"):
        CallbackRecord.from_dict({"callback_id": "b1"})


steps = st.lists(
    st.tuples(
        st.sampled_from(["promise", "claim", "done", "failed", "withdrawn", "tick", "reopen"]),
        st.sampled_from(["b1", "b2", "b3"]),
        st.sampled_from(["ann", "bob"]),
        st.integers(1, 6),
        st.floats(0, 120),
    ),
    max_size=40,
)


@given(steps)
@settings(deadline=None)
def test_whatever_happens_outcomes_are_final_and_nothing_is_lost(
    sequence: list[tuple[str, str, str, int, float]],
) -> None:
    machine = Callbacks(POLICY)
    kept: dict[str, CallbackRecord] = {}
    now = 0.0
    for what, name, operator, epoch, pause in sequence:
        now += pause
        if what == "reopen":
            machine = Callbacks(POLICY, kept.values())
            continue
        if what == "promise" and name in kept:
            continue  # ids are never used again
        event: Any = {
            "promise": promise(name),
            "claim": CallbackClaimed(name, operator, epoch),
            "done": CallbackDone(name, operator, epoch),
            "failed": CallbackFailed(name, operator, epoch),
            "withdrawn": CallbackWithdrawn(name),
            "tick": DeadlinePassed(),
        }[what]
        machine.handle(event, now)
        for command in machine.take_commands():
            if isinstance(command, KeepCallback):
                record = command.record
                before = kept.get(record.key)
                assert before is None or before.state in OPEN
                if record.state is CallbackState.DONE:
                    assert what == "done"
                    assert before is not None
                    assert (before.operator_id, before.epoch) == (operator, epoch)
                if record.state is CallbackState.CLAIMED:
                    assert before is not None
                    assert (before.epoch or 0) < epoch
                assert record.tries <= POLICY.tries
                kept[record.key] = record
        open_now = {key: record for key, record in kept.items() if record.state in OPEN}
        assert {record.key: record for record in machine.records()} == open_now
        assert len(open_now) <= POLICY.limit
        due = machine.next_deadline(now)
        assert (due is not None) == bool(open_now)
        assert due is None or due > now
