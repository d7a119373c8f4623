from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from handoff.labels import Disposition, of_disposition
from handoff.learning import Shortage, Trial
from handoff.policy import Policy
from handoff.ports import PolicyRecord, Record
from handoff.testing import MemoryStore
from tests.unit.voice_hitl.learning.conftest import QUIET
from voice_hitl.learning.study import Lesson, Policies, study
from voice_hitl.learning.versions import active_models, in_force


async def learned(records: list[Record]) -> Lesson:
    store = MemoryStore()
    await store.save(records)
    return await study(store, Policy(), 5000.0, lambda *_: None)


async def test_labels_are_counted_and_the_unusable_too(shifted_calls: list[Record]) -> None:
    without_facts = of_disposition(Disposition("gone", 0, 3, "too_late", "ann", 1.0))
    late_turn = of_disposition(Disposition("CA1", 0, 99, "needed", "ann", 1.0))
    lesson = await learned([*shifted_calls, *without_facts, *late_turn])
    assert lesson.unusable == 4
    assert lesson.labels["breakdown", "disposition", True] == 4
    assert sum(n for key, n in lesson.labels.items() if key[0] == "error") == 330
    breakdown, error = lesson.trials["breakdown"], lesson.trials["error"]
    assert isinstance(breakdown, tuple)
    assert breakdown[0] == Shortage("labels", 0, 100)
    assert isinstance(error, Trial)
    assert error.rows == 330


async def test_learning_saves_nothing_by_itself(
    shifted_calls: list[Record], tmp_path: Path
) -> None:
    store = MemoryStore()
    await store.save(shifted_calls)
    lesson = await study(store, Policy(), 5000.0, lambda *_: None)
    assert lesson.proposal is not None
    assert (lesson.proposal.state, lesson.proposal.proposed_at) == ("proposed", 5000.0)
    assert lesson.changed[-1] == lesson.proposal
    assert await store.models() == []


async def test_progress_is_told(shifted_calls: list[Record]) -> None:
    store = MemoryStore()
    await store.save(shifted_calls)
    steps: list[tuple[str, int, int]] = []
    await study(store, Policy(), 1.0, lambda what, done, of: steps.append((what, done, of)))
    assert [step for step in steps if step[1] == step[2]] == [
        ("reading labelled calls", 110, 110),
        ("reading how calls went", 110, 110),
        ("deciding recent calls again", 110, 110),
    ]


async def test_a_calls_own_policy_is_used_where_it_is_kept(shifted_calls: list[Record]) -> None:
    store = MemoryStore()
    unreadable = PolicyRecord("old", "old", {"of another": "time"}, 1.0)
    await store.save([*shifted_calls, unreadable])
    policies = Policies(store, Policy())
    call = await store.call("CA1")
    assert call is not None
    assert await policies.of(call) == QUIET
    assert await policies.of(replace(call, policy_version="old")) == Policy()
    assert await policies.of(replace(call, policy_version="")) == Policy()
    assert await policies.of(None) == Policy()


async def test_a_new_store_is_decided_with_what_is_shipped() -> None:
    store = MemoryStore()
    now = await in_force(store, Policy())
    assert (now.version, now.policy) == ("", Policy())
    assert now.models is await active_models(store)
