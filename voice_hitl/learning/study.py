"""Learn from everything that a store holds: labels and facts in, a proposal for a person out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import get_args

from handoff.errors import PolicyError, StorageError
from handoff.labels import Disposition, HeadName, Label
from handoff.learning import (
    ActsTrial,
    CallValues,
    LearningError,
    Marks,
    Row,
    Shortage,
    Told,
    Trial,
    active,
    call_values,
    challenge,
    challenger_models,
    foretell,
    models_of,
    propose,
    propose_marks,
    rows_of_call,
    told,
)
from handoff.policy import Policy
from handoff.ports import CallRecord, ModelRecord, Store
from handoff.risk import Models
from voice_hitl.learning.versions import in_force

RECENT_CALLS = 1000  # the newest, which the marks are judged on
TOLD_CALLS = 2000  # the newest, which dialogue acts are learned from
HEADS: tuple[HeadName, ...] = get_args(HeadName)

Progress = Callable[[str, int, int], None]  # what, how far, of how many


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a run of learning found."""

    champion: str  # version, empty for the shipped models
    labels: Mapping[tuple[str, str, bool], int]  # by head, source, value; withdrawn ones left out
    unusable: int  # labels of calls that cannot be decided again, or of turns nobody decided on
    trials: Mapping[HeadName, Trial | tuple[Shortage, ...]]
    marks: Marks | Shortage | None
    proposal: ModelRecord | None
    changed: tuple[ModelRecord, ...]  # to be saved, with the proposal
    acts: ActsTrial | tuple[Shortage, ...] = ()  # what dialogue acts foretell


async def study(store: Store, base: Policy, at: float, progress: Progress) -> Lesson:
    """Learn; nothing is saved. `base`: the pack's policy; `at`: seconds since the Unix epoch.

    Where *h* goes by dialogue acts, the head that it went by before is left as it is. Raises `StorageError`,
    `LearningError` or `PolicyError` if what is kept cannot be read.
    """
    records = await store.models()
    now = await in_force(store, base)
    labels = [label for label in await store.labels() if label.weight > 0]
    policies = Policies(store)
    known = _models(records)
    rows = await _rows(store, labels, policies, known, progress)
    trials = {
        head: challenge([row for row in rows if row.head == head], getattr(now.models, head))
        for head in HEADS
        if head != "breakdown" or now.models.acts is None
    }
    won = {head: t for head, t in trials.items() if isinstance(t, Trial) and t.wins}
    models = challenger_models(now.models, trials, "challenger")
    acts = foretell(
        await _told(store, policies, known, progress),
        now.models,
        progress=lambda done, total: progress("learning dialogue acts", done, total),
    )
    better = acts if isinstance(acts, ActsTrial) and acts.wins else None
    if better is not None:
        models = replace(models, acts=better.acts, source="challenger")
    marks = propose_marks(await _values(store, now.policy, models, progress), now.policy)
    moved = marks if isinstance(marks, Marks) else None
    anything = won or moved or better
    changed = propose(records, models, won, moved, at, better) if anything else ()
    present = active(records)
    return Lesson(
        champion="" if present is None else present.version,
        labels=Counter((label.head, label.source, label.value) for label in labels),
        unusable=len(labels) - len(rows),
        trials=trials,
        marks=marks,
        proposal=changed[-1] if changed else None,
        changed=changed,
        acts=acts,
    )


class Policies:
    """The policies that calls were decided under, each read once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, Policy | None] = {}

    async def of(self, call: CallRecord) -> Policy | None:
        """The call's own; None where it is not kept, or cannot be read any more."""
        version = call.policy_version
        if version not in self._known:
            kept = await self._store.policy(version)
            try:
                found = None if kept is None else Policy.from_mapping(kept.values, version)
            except PolicyError:  # of an older version of this software
                found = None
            self._known[version] = found
        return self._known[version]


def _models(records: Iterable[ModelRecord]) -> dict[str, Models]:
    """The models of every version that can be read, the shipped ones by the empty name."""
    known = {"": models_of(None)}
    for record in records:
        try:
            known[record.version] = models_of(record)
        except LearningError:
            continue  # of an older version of this software
    return known


async def _rows(
    store: Store,
    labels: Iterable[Label],
    policies: Policies,
    models: Mapping[str, Models],
    progress: Progress,
) -> list[Row]:
    """What the labels teach of calls that can be decided again as they were, by the models they went by."""
    by_call: dict[str, list[Label]] = {}
    for label in labels:
        by_call.setdefault(label.call_id, []).append(label)
    rows: list[Row] = []
    for number, (call_id, said) in enumerate(sorted(by_call.items()), start=1):
        progress("reading labelled calls", number, len(by_call))
        call, facts = await store.call(call_id), await store.facts(call_id)
        if call is None or call.model_version not in models:
            continue  # counted as unusable, as all that is left out here
        policy = await policies.of(call)
        if policy is None:
            continue
        try:
            rows += rows_of_call(said, facts, policy, models[call.model_version])
        except StorageError:
            continue  # no facts, or not to be read any more
    return rows


async def _told(
    store: Store, policies: Policies, models: Mapping[str, Models], progress: Progress
) -> list[Told]:
    """What recent calls tell of dialogue acts; those that cannot be decided again are left out."""
    said: dict[str, list[Disposition]] = {}
    for disposition in await store.dispositions():
        said.setdefault(disposition.call_id, []).append(disposition)
    ended = [c for c in await store.calls(limit=TOLD_CALLS) if c.ended_at is not None]
    found: list[Told] = []
    for number, call in enumerate(ended, start=1):
        progress("reading how calls went", number, len(ended))
        policy = await policies.of(call)
        if call.model_version not in models or policy is None:
            continue
        facts = await store.facts(call.call_id)
        theirs = said.get(call.call_id, ())
        try:
            known = told(call, facts, policy, models[call.model_version], theirs)
        except StorageError:
            continue  # recorded without facts, or not to be read any more
        if known is not None:
            found.append(known)
    return found


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
