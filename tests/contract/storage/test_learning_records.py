"""What every store promises of what is learned from."""

from __future__ import annotations

from dataclasses import replace

import pytest

from handoff.errors import StorageError
from handoff.labels import Disposition, Label, of_disposition
from handoff.policy import Policy
from handoff.ports import FactRecord, MachineRecord, ModelRecord, PolicyRecord, Record, Store
from handoff.testing import MemoryStore


def a_fact(seq: int = 0, call_id: str = "c1") -> FactRecord:
    values = {"turn": 1, "text": "¿cuánto? “now” 😀", "speech": {"confidence": 0.1, "snr_db": None}}
    return FactRecord(call_id, seq, 1234567.000000123, "CallerSpoke", values)


def a_label(number: int = 0, call_id: str = "c1", at: float = 5.0) -> Label:
    return Label(f"l{number}", call_id, 3, "error", number % 2 == 0, 20.0, "audit", "ann", at)


def an_approval(key: str = "a1", at: float = 7.0, *, is_open: bool = True) -> MachineRecord:
    detail = {"arguments": {"amount": "50"}, "risk": 40, "reviewers": ["ann"]}
    return MachineRecord("approvals", key, at, "waiting", is_open, "c1", detail)


def a_model(version: str = "m1", at: float = 8.0) -> ModelRecord:
    values = {"breakdown": {"intercept": -2.8614, "weights": {"repeats": 0.8304}}}
    return ModelRecord(version, "heads", None, values, "proposed", {"rows": 300}, at)


async def test_an_empty_store_has_learned_nothing(store: Store) -> None:
    assert await store.facts("c1") == []
    assert await store.dispositions() == []
    assert await store.labels() == []
    assert await store.machine_records("approvals") == []
    assert await store.policy("abc") is None
    assert await store.policies() == []
    assert await store.models() == []


async def test_what_is_saved_comes_back_exactly(store: Store) -> None:
    disposition = Disposition("c1", 0, 4, "too_late", "ann", 9.5, hard=True, note="I was late")
    policy = PolicyRecord.of(Policy(), 3.0)
    records: list[Record] = [a_fact(), disposition, a_label(), an_approval(), policy, a_model()]
    await store.save(records)
    assert await store.facts("c1") == [a_fact()]
    assert await store.dispositions() == await store.dispositions("c1") == [disposition]
    assert await store.labels() == await store.labels("c1") == [a_label()]
    assert await store.machine_records("approvals") == [an_approval()]
    assert await store.policy(policy.version) == policy
    assert await store.policies() == [policy]
    assert await store.models() == [a_model()]


async def test_a_policy_that_was_kept_is_the_policy_that_it_was(store: Store) -> None:
    policy = Policy(rule="simple", high_risk=frozenset({"b", "a", "c"}))
    await store.save([PolicyRecord.of(policy, 3.0)])
    kept = await store.policy(policy.version)
    assert kept is not None
    again = Policy.from_mapping(kept.values, "the store")
    assert again == policy
    assert again.version == policy.version


async def test_saving_again_replaces(store: Store) -> None:
    answered = replace(an_approval(), state="approved", open=False, at=8.0)
    active = replace(a_model(), state="active", approved_by="ann", approved_at=9.0)
    await store.save([an_approval(), a_model(), a_label()])
    await store.save([answered, active, replace(a_label(), weight=0.0)])
    assert await store.machine_records("approvals") == [answered]
    assert await store.models() == [active]
    assert await store.labels() == [replace(a_label(), weight=0.0)]


async def test_a_changed_mind_leaves_one_judgement(store: Store) -> None:
    first = Disposition("c1", 0, 4, "too_late", "ann", 9.0)
    second = replace(first, verdict="not_needed", at=10.0)
    for said in (first, second):
        await store.save([said, *of_disposition(said)])
    assert await store.dispositions("c1") == [second]
    counted = [label for label in await store.labels("c1") if label.weight > 0]
    assert [(label.turn, label.value) for label in counted] == [(4, False)]


async def test_a_machine_is_rebuilt_from_what_is_open(store: Store) -> None:
    done = an_approval("a2", 3.0, is_open=False)
    other = replace(an_approval("a1", 1.0), machine="board", call_id=None)
    late = an_approval("a3", 9.0)
    await store.save([late, an_approval(), done, other])
    records = await store.machine_records("approvals")
    assert [record.key for record in records] == ["a2", "a1", "a3"]
    assert await store.machine_records("approvals", open_only=True) == [an_approval(), late]
    assert await store.machine_records("approvals", since=7.0) == [an_approval(), late]
    assert await store.machine_records("approvals", open_only=True, since=7.5) == [late]
    assert await store.machine_records("board") == [other]


async def test_one_record_of_a_machine_is_found_by_its_key(store: Store) -> None:
    other = replace(an_approval("a1", 1.0), machine="board")
    await store.save([an_approval("a2", 3.0, is_open=False), an_approval(), other])
    assert await store.machine_record("approvals", "a1") == an_approval()
    assert await store.machine_record("board", "a1") == other
    assert await store.machine_record("board", "a2") is None
    await store.save([an_approval("a1", 9.0)])
    assert await store.machine_record("approvals", "a1") == an_approval("a1", 9.0)


async def test_lists_are_in_order_and_of_the_call_that_was_asked_for(store: Store) -> None:
    await store.save([a_fact(seq) for seq in (2, 0, 11, 1)])
    await store.save([a_fact(0, "c2"), a_label(1, "c2", 3.0), a_label(2, at=9.0), a_label(3)])
    await store.save([a_model("m2", 9.0), a_model("m10", 12.0), a_model()])
    first, second = Policy(name="one"), Policy(name="two")
    await store.save([PolicyRecord.of(second, 2.0), PolicyRecord.of(first, 1.0)])
    await store.save([Disposition(f"c{n}", 0, 1, "needed", "ann", 10.0 - n) for n in (1, 2)])
    assert [fact.seq for fact in await store.facts("c1")] == [0, 1, 2, 11]
    assert [label.label_id for label in await store.labels()] == ["l1", "l3", "l2"]
    assert [label.label_id for label in await store.labels("c1")] == ["l3", "l2"]
    assert [model.version for model in await store.models()] == ["m1", "m2", "m10"]
    assert [policy.name for policy in await store.policies()] == ["one", "two"]
    assert [d.call_id for d in await store.dispositions()] == ["c2", "c1"]


async def test_one_learned_version_at_most_is_active(store: Store) -> None:
    first, second = replace(a_model(), state="active"), replace(a_model("m2"), state="active")
    retired = replace(a_model("m0"), state="retired")
    await store.save([first, retired, replace(a_model("m3"), state="retired")])
    with pytest.raises(StorageError):
        await store.save([second])
    assert [model.version for model in await store.models()] == ["m0", "m1", "m3"]
    await store.save([replace(first, state="retired"), second])
    assert [m.version for m in await store.models() if m.state == "active"] == ["m2"]


async def test_a_stop_of_the_server_leaves_machines_and_labels_alone(store: Store) -> None:
    await store.save([an_approval(), a_label(), a_fact()])
    assert await store.close_unfinished(99.0) == 0
    assert await store.machine_records("approvals", open_only=True) == [an_approval()]
    assert await store.labels() == [a_label()]


@pytest.mark.parametrize("number", [0.1 + 0.2, 1e-300, 1e300, 5e-324, 123456789.123456789])
async def test_numbers_come_back_to_the_last_bit(store: Store, number: float) -> None:
    await store.save([replace(a_fact(), now=number, values={"seconds": number})])
    (fact,) = await store.facts("c1")
    assert fact.now == number
    assert float(fact.values["seconds"]) == number


async def test_a_copy_in_memory_answers_alike(store: Store) -> None:
    """The twin that is shipped for tests gives the same lists as the store beside it."""
    twin = MemoryStore()
    records: list[Record] = [a_fact(1), a_fact(), a_label(1), a_label(2), an_approval(), a_model()]
    for kept in (store, twin):
        await kept.save(records)
    assert await store.facts("c1") == await twin.facts("c1")
    assert await store.labels() == await twin.labels()
    assert await store.machine_records("approvals") == await twin.machine_records("approvals")
    assert await store.models() == await twin.models()
