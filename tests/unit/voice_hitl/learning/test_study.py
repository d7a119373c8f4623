from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from handoff.acts import training
from handoff.labels import Disposition, of_disposition
from handoff.learning import ActsTrial, Shortage, Trial, approve, rollback
from handoff.learning.foretelling import MIN_WELL
from handoff.policy import Policy
from handoff.ports import CallRecord, DecisionRecord, PolicyRecord, Record
from handoff.replay import replay
from handoff.risk import SHIPPED
from handoff.storage import SqlStore
from handoff.testing import MemoryStore
from tests.support.talks import FEW_TREES, talk
from tests.support.talks import QUIET as TALKING
from tests.unit.voice_hitl.learning.conftest import QUIET
from voice_hitl.errors import ConfigError
from voice_hitl.learning.again import Question, answers, question
from voice_hitl.learning.study import Lesson, Policies, study
from voice_hitl.learning.versions import in_force


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


async def test_labelled_calls_are_read_by_the_models_that_decided_them(
    shifted_calls: list[Record],
) -> None:
    def decided_by(version: str) -> list[Record]:
        return [
            replace(record, model_version=version)
            if isinstance(record, CallRecord) and record.call_id == "CA1"
            else record
            for record in shifted_calls
        ]

    assert (await learned(decided_by(""))).unusable == 0
    assert (await learned(decided_by("m9"))).unusable == 3, "nobody knows what it was decided by"


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
    policies = Policies(store)
    call = await store.call("CA1")
    assert call is not None
    assert await policies.of(call) == QUIET
    for version in ("old", "never kept", ""):
        assert await policies.of(replace(call, policy_version=version)) is None


async def test_a_call_whose_policy_cannot_be_read_teaches_nothing(
    shifted_calls: list[Record],
) -> None:
    some = {f"CA{number}" for number in range(MIN_WELL)}
    shifted_calls = [each for each in shifted_calls if getattr(each, "call_id", "CA1") in some]
    changed = [
        replace(record, policy_version="old")
        if isinstance(record, CallRecord) and record.call_id == "CA1"
        else record
        for record in shifted_calls
    ]
    lesson = await learned([*changed, PolicyRecord("old", "old", {"of another": "time"}, 1.0)])
    assert lesson.unusable == 3
    short = Shortage("calls that went well", MIN_WELL - 1, MIN_WELL)
    assert isinstance(lesson.acts, tuple) and short in lesson.acts
    before = await learned(shifted_calls)
    assert isinstance(before.acts, tuple) and short not in before.acts


async def test_a_call_whose_policy_cannot_be_read_is_decided_again_by_another_alone(
    shifted_calls: list[Record],
) -> None:
    store = MemoryStore()
    unreadable = PolicyRecord("old", "old", {"of another": "time"}, 1.0)
    await store.save([*shifted_calls, unreadable])
    call = await store.call("CA1")
    assert call is not None
    call = replace(call, policy_version="old")
    (own,) = [each async for each in answers(store, [call], Question())]
    assert own.compared is None
    (other,) = [each async for each in answers(store, [call], Question(QUIET))]
    assert other.exact
    with pytest.raises(ConfigError, match="--policy old cannot be read any more: its values: "):
        await question(store, "old", None)


async def test_a_new_store_is_decided_with_what_is_shipped() -> None:
    store = MemoryStore()
    now = await in_force(store, Policy())
    assert (now.version, now.policy) == ("", Policy())
    assert now.models is SHIPPED


async def test_acts_are_learned_approved_used_replayed_and_taken_back(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(training, "TREES", FEW_TREES)
    monkeypatch.setattr(training, "FOLDS", 2)
    store = await SqlStore.open(f"sqlite:///{tmp_path / 'calls.sqlite'}")
    told: list[Record] = [PolicyRecord.of(TALKING, 1.0)]
    for number in range(140):
        call, facts = talk(number, foretold=True, started_at=float(number))
        told += [call, *facts]
    await store.save(told)
    lesson = await study(store, Policy(), 5000.0, lambda *_: None)
    assert isinstance(lesson.acts, ActsTrial)
    assert lesson.acts.wins
    assert lesson.proposal is not None
    await store.save(lesson.changed)
    assert (await in_force(store, Policy())).models.acts is None, "a proposal changes nothing"

    await store.save(approve(await store.models(), lesson.proposal.version, "ann", 5001.0))
    now = await in_force(store, Policy())
    assert now.models.acts is not None
    call, facts = talk(500, foretold=True, models=now.models, started_at=6000.0)
    decided = replay(facts, TALKING, now.models)
    assert decided != replay(facts, TALKING, SHIPPED)
    made = [
        DecisionRecord.of(decision, seq=seq, at=1.0, policy_version=TALKING.version)
        for seq, decision in enumerate(decided)
    ]
    await store.save([call, *facts, *made])
    asked = [each async for each in answers(store, [call], Question())]
    assert asked[0].exact

    again = await study(store, Policy(), 7000.0, lambda *_: None)
    assert "breakdown" not in again.trials, "that head does not decide now"
    assert isinstance(again.acts, ActsTrial)
    assert again.acts.calls == lesson.acts.calls + 1
    assert not again.acts.wins, "what is known already is not better than itself"
    await store.save(rollback(await store.models(), 8000.0))
    assert (await in_force(store, Policy())).models.acts is None
    await store.aclose()
