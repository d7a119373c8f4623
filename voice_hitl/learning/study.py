"""Learn from everything that a store holds: labels and facts in, a proposal for a person out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import get_args

from handoff.errors import PolicyError, StorageError
from handoff.labels import HeadName, Label
from handoff.learning import (
    CallValues,
    Marks,
    Row,
    Shortage,
    Trial,
    active,
    call_values,
    challenge,
    challenger_models,
    propose,
    propose_marks,
    rows_of_call,
)
from handoff.policy import Policy
from handoff.ports import CallRecord, ModelRecord, Store
from handoff.risk import Models
from voice_hitl.learning.versions import in_force

RECENT_CALLS = 1000  # the newest, which the marks are judged on
HEADS: tuple[HeadName, ...] = get_args(HeadName)

Progress = Callable[[str, int, int], None]  # what, how far, of how many


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a run of learning found."""

    champion: str  # version, empty for the shipped models
    labels: Mapping[tuple[str, str, bool], int]  # by head, source, value; withdrawn ones left out
    unusable: (
        int  # labels of calls whose facts are not kept, or of turns that the AI did not decide on
    )
    trials: Mapping[HeadName, Trial | tuple[Shortage, ...]]
    marks: Marks | Shortage | None
    proposal: ModelRecord | None
    changed: tuple[ModelRecord, ...]  # to be saved, with the proposal


async def study(store: Store, base: Policy, at: float, progress: Progress) -> Lesson:
    """Learn; nothing is saved. `base`: the pack's policy; `at`: seconds since the Unix epoch.

    Raises `StorageError`, `LearningError` or `PolicyError` if what is kept cannot be read.
    """
    records = await store.models()
    now = await in_force(store, base)
    labels = [label for label in await store.labels() if label.weight > 0]
    policies = Policies(store, now.policy)
    rows = await _rows(store, labels, policies, progress)
    trials = {
        head: challenge([row for row in rows if row.head == head], getattr(now.models, head))
        for head in HEADS
    }
    won = {head: t for head, t in trials.items() if isinstance(t, Trial) and t.wins}
    models = challenger_models(now.models, trials, "challenger")
    marks = propose_marks(await _values(store, now.policy, models, progress), now.policy)
    moved = marks if isinstance(marks, Marks) else None
    changed = propose(records, models, won, moved, at) if won or moved else ()
    present = active(records)
    return Lesson(
        champion="" if present is None else present.version,
        labels=Counter((label.head, label.source, label.value) for label in labels),
        unusable=len(labels) - len(rows),
        trials=trials,
        marks=marks,
        proposal=changed[-1] if changed else None,
        changed=changed,
    )


class Policies:
    """The policies that calls were decided under, each read once."""

    def __init__(self, store: Store, otherwise: Policy) -> None:
        self._store = store
        self._otherwise = otherwise
        self._known: dict[str, Policy] = {otherwise.version: otherwise}

    async def of(self, call: CallRecord | None) -> Policy:
        """The call's own, or the present one where that is not kept or no longer understood."""
        version = "" if call is None else call.policy_version
        if version not in self._known:
            kept = await self._store.policy(version)
            try:
                found = (
                    self._otherwise
                    if kept is None
                    else Policy.from_mapping(kept.values, f"policy {version}")
                )
            except PolicyError:  # of an older version of this software
                found = self._otherwise
            self._known[version] = found
        return self._known[version]


async def _rows(
    store: Store, labels: Iterable[Label], policies: Policies, progress: Progress
) -> list[Row]:
    by_call: dict[str, list[Label]] = {}
    for label in labels:
        by_call.setdefault(label.call_id, []).append(label)
    rows: list[Row] = []
    for number, (call_id, said) in enumerate(sorted(by_call.items()), start=1):
        progress("reading labelled calls", number, len(by_call))
        facts = await store.facts(call_id)
        policy = await policies.of(await store.call(call_id))
        try:
            rows += rows_of_call(said, facts, policy)
        except StorageError:
            continue  # no facts, or not to be read any more: counted as unusable
    return rows


async def _values(
    store: Store, policy: Policy, models: Models, progress: Progress
) -> list[CallValues]:
    calls = [c for c in await store.calls(limit=RECENT_CALLS) if c.ended_at is not None]
    values: list[CallValues] = []
    for number, call in enumerate(calls, start=1):
        progress("deciding recent calls again", number, len(calls))
        facts = await store.facts(call.call_id)
        try:
            values.append(call_values(facts, policy, models))
        except StorageError:
            continue  # recorded without facts
    return values
