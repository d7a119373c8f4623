"""Which learned version is in force: what a server asks when it starts."""

from __future__ import annotations

from dataclasses import dataclass

from handoff.learning import active, models_of, policy_of
from handoff.policy import Policy
from handoff.ports import Store
from handoff.risk import Models


@dataclass(frozen=True, slots=True)
class InForce:
    """What new calls are decided with."""

    version: str  # a `ModelRecord`'s, empty for the shipped models: `CallRecord.model_version`
    models: Models
    policy: Policy  # the pack's, with the version's changes laid over it


async def in_force(store: Store, base: Policy) -> InForce:
    """The active version's models and policy; `base`: the pack's policy.

    Raises `StorageError`, `LearningError` or `PolicyError` if they cannot be read.
    """
    record = active(await store.models())
    version = "" if record is None else record.version
    return InForce(version, models_of(record), policy_of(record, base))
