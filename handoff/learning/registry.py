"""Learned versions: what each holds, who made it active, and the way back.

::

    propose ---> proposed --- approve ---> active --- rollback, or a newer one ---> retired
                    |                        ^                                         |
                    +-- a newer proposal     +------------ rollback of its child ------+
                        --> retired

One version at most is active; with none the shipped models are. Functions take all records and return those
that change, to be saved together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from handoff.errors import HandoffError
from handoff.labels import HeadName
from handoff.learning.foretelling import ActsTrial
from handoff.learning.judging import Contest
from handoff.learning.marks import Marks
from handoff.learning.trials import Trial
from handoff.learning.values import HEADS, models_from_json, models_to_json
from handoff.policy import Policy
from handoff.ports import ModelRecord
from handoff.risk import SHIPPED, Models

# (state, what happens) -> state; what is not here cannot happen.
TABLE: Mapping[tuple[str, str], str] = {
    ("proposed", "approved"): "active",
    ("proposed", "superseded"): "retired",
    ("active", "replaced"): "retired",
    ("active", "rolled_back"): "retired",
    ("retired", "restored"): "active",
}


class LearningError(HandoffError):
    """A learned version cannot do what was asked; the message says why and what to do."""


def active(records: Sequence[ModelRecord]) -> ModelRecord | None:
    """The active version, None for the shipped models."""
    return next((record for record in records if record.state == "active"), None)


def propose(
    records: Sequence[ModelRecord],
    models: Models,
    trials: Mapping[HeadName, Trial],
    marks: Marks | None,
    at: float,
    acts: ActsTrial | None = None,
) -> tuple[ModelRecord, ...]:
    """A new version, to be approved by a person; it takes the place of older proposals.

    `models`: the champion's with the heads of `trials`, and the acts of `acts`, in place of its own; `marks`:
    a change of the policy that goes with them, over the present version's. `at`: seconds since the Unix
    epoch. Raises `LearningError` where nothing would change.
    """
    parent = active(records)
    tried: dict[str, Contest] = {str(name): trial for name, trial in trials.items()}
    if acts is not None:
        tried["acts"] = acts
    if not tried and marks is None:
        raise LearningError("there is nothing to propose: no challenger won and the marks may stay")
    version = f"m{1 + max((_number(record) for record in records), default=0)}"
    present = {} if parent is None else dict(parent.values.get("policy", {}))
    values = {
        "models": models_to_json(replace(models, source=version if tried else models.source)),
        "policy": marks.diff if marks is not None else present,
    }
    evidence = {
        "heads": {name: trial.evidence() for name, trial in tried.items()},
        "marks": None if marks is None else asdict(marks),
    }
    made = ModelRecord(
        version=version,
        kind="heads" if tried else "marks",
        parent=None if parent is None else parent.version,
        values=values,
        state="proposed",
        evidence=evidence,
        proposed_at=at,
    )
    old = [_become(r, "superseded", at) for r in records if r.state == "proposed"]
    return (*old, made)


def approve(
    records: Sequence[ModelRecord], version: str, by: str, at: float
) -> tuple[ModelRecord, ...]:
    """A person makes a proposal active.

    Raises `LearningError` for a version that is unknown or not proposed, without a name, where the active
    version is not the one that it was tried against, or where a head changes that did not win its trial.
    """
    record = _find(records, version)
    if record.state != "proposed":
        raise LearningError(f"{version} is {record.state}: only a proposal can be approved")
    if not by.strip():
        raise LearningError("a version is approved by a person: say who")
    present = active(records)
    tried_against = record.parent or "the shipped models"
    if (None if present is None else present.version) != record.parent:
        raise LearningError(
            f"{version} was tried against {tried_against}, which is not active now: learn again"
        )
    unproven = _unproven(record, present)
    if unproven:
        raise LearningError(
            f"{version} changes {' and '.join(unproven)} without evidence: not approved"
        )
    made = replace(_become(record, "approved", at), approved_by=by, approved_at=at)
    return (made,) if present is None else (_become(present, "replaced", at), made)


def rollback(records: Sequence[ModelRecord], at: float) -> tuple[ModelRecord, ...]:
    """The active version's parent becomes active again; without one, the shipped models.

    Raises `LearningError` where none is active.
    """
    present = active(records)
    if present is None:
        raise LearningError("the shipped models are active: there is nothing to roll back")
    gone = _become(present, "rolled_back", at)
    if present.parent is None:
        return (gone,)
    return (gone, _become(_find(records, present.parent), "restored", at))


def models_of(record: ModelRecord | None) -> Models:
    """The models of a version; None: the shipped ones. Raises `LearningError` if they cannot be read."""
    if record is None:
        return SHIPPED
    try:
        return models_from_json(record.values["models"])
    except (KeyError, TypeError, ValueError) as error:
        raise LearningError(f"the models of {record.version} cannot be read: {error}") from error


def policy_of(record: ModelRecord | None, base: Policy) -> Policy:
    """A policy with a version's changes laid over it. Raises `PolicyError` if they do not fit."""
    if record is None or not record.values.get("policy"):
        return base
    changes = record.values["policy"]
    merged = _laid_over(base.model_dump(mode="json"), changes)
    return Policy.from_mapping(merged, f"version {record.version}")


def _unproven(record: ModelRecord, present: ModelRecord | None) -> list[str]:
    """What differs from the champion's and did not win: heads, learned acts."""
    challenger, champion = models_of(record), models_of(present)
    trials = record.evidence.get("heads", {})
    changed = [name for name in HEADS if getattr(challenger, name) != getattr(champion, name)]
    if _acts(record) != _acts(present):
        changed.append("acts")
    return [name for name in changed if name not in trials or not _won(trials[name])]


def _acts(record: ModelRecord | None) -> Any:
    """What is kept of a version's learned acts."""
    return None if record is None else record.values["models"].get("acts")


def _won(trial: Mapping[str, Any]) -> bool:
    return bool(trial["high"] < 0 and trial["challenger"]["ece"] <= trial["champion"]["ece"])


def _become(record: ModelRecord, event: str, at: float) -> ModelRecord:
    state = TABLE[record.state, event]
    return replace(record, state=state, retired_at=at if state == "retired" else None)


def _find(records: Sequence[ModelRecord], version: str) -> ModelRecord:
    for record in records:
        if record.version == version:
            return record
    known = ", ".join(record.version for record in records) or "none so far"
    raise LearningError(f"there is no version '{version}'; known: {known}")


def _number(record: ModelRecord) -> int:
    return int(record.version.removeprefix("m"))


def _laid_over(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        inner = merged.get(key)
        if isinstance(value, Mapping) and isinstance(inner, Mapping):
            merged[key] = _laid_over(inner, value)
        else:
            merged[key] = value
    return merged
