"""Decide stored calls again, under their own or another policy and model, beside what was decided."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from handoff.commands import Decision
from handoff.errors import PolicyError, StorageError
from handoff.learning import LearningError, models_of, policy_of
from handoff.policy import Policy
from handoff.ports import CallRecord, ModelRecord, Store, TurnRecord
from handoff.replay import Compared, TurnPair, compare, decision_of, replay
from handoff.risk import Models
from voice_hitl.agent.yaml_source import YamlSource
from voice_hitl.errors import ConfigError
from voice_hitl.learning.study import Policies

SHIPPED_NAME = "shipped"


@dataclass(frozen=True, slots=True)
class Question:
    """What to decide again with; None: what the call was decided with.

    A version's marks go with its models, unless a policy is asked for too.
    """

    policy: Policy | None = None
    models: Models | None = None
    version: ModelRecord | None = None  # that the models are of; None: of the shipped ones


@dataclass(frozen=True, slots=True)
class Answer:
    """One call, decided again."""

    call: CallRecord
    turns: Sequence[TurnRecord]
    compared: Compared | None  # None: what it takes to decide it again is not kept, or not readable
    exact: bool = False  # every decision is the same to the last bit
    policy: Policy = field(default_factory=Policy)  # what it was decided under again

    def report(self) -> dict[str, Any]:
        """As JSON values."""
        found: dict[str, Any] = {
            "call_id": self.call.call_id,
            "replayed": self.compared is not None,
        }
        if self.compared is not None:
            found |= {
                "same": self.exact,
                "first_handoff": {"was": self.compared.first_old, "now": self.compared.first_new},
                "turns": [_pair(pair) for pair in self.compared.turns],
            }
        return found


def policy_of_file(name: str) -> Policy | None:
    """The policy in a YAML file, None where there is no such file.

    Raises `PackError` for a file that is not YAML, `PolicyError` for one that is no policy.
    """
    file = Path(name)
    return Policy.from_mapping(YamlSource(file).data, name) if file.is_file() else None


async def question(store: Store, policy: Policy | str | None, model: str | None) -> Question:
    """What the command line asked for: a policy or the version of one, and a model's version.

    Raises `ConfigError` or `LearningError` for a version that is not kept or cannot be read.
    """
    if isinstance(policy, str):
        policy = await _kept_policy(store, policy)
    if model is None:
        return Question(policy)
    version = None if model == SHIPPED_NAME else await _version(store, model)
    return Question(policy, models_of(version), version)


async def answers(
    store: Store, calls: Sequence[CallRecord], asked: Question
) -> AsyncIterator[Answer]:
    """Decide calls again, in the order given."""
    policies = Policies(store)
    for call in calls:
        facts = await store.facts(call.call_id)
        own_policy = await policies.of(call)
        policy = asked.policy or (own_policy and policy_of(asked.version, own_policy))
        models = asked.models
        if models is None:
            own = await _version(store, call.model_version) if call.model_version else None
            models = models_of(own)
        old = [decision_of(record) for record in await store.decisions(call.call_id)]
        turns = [turn for turn in await store.turns(call.call_id) if turn.role == "caller"]
        if policy is None:
            yield Answer(call, turns, None)
            continue
        try:
            new = replay(facts, policy, models)
        except StorageError:
            yield Answer(call, turns, None)
            continue
        yield Answer(call, turns, compare(old, new), exact=old == new, policy=policy)


async def _version(store: Store, version: str) -> ModelRecord:
    records = await store.models()
    for record in records:
        if record.version == version:
            return record
    known = ", ".join([SHIPPED_NAME, *(record.version for record in records)])
    raise LearningError(f"there is no model '{version}'; known: {known}")


async def _kept_policy(store: Store, version: str) -> Policy:
    kept = await store.policy(version)
    if kept is not None:
        try:
            return Policy.from_mapping(kept.values, "its values")
        except PolicyError as error:
            raise ConfigError(f"--policy {version} cannot be read any more: {error}") from error
    known = ", ".join(record.version for record in await store.policies()) or "none"
    raise ConfigError(f"--policy {version}: neither a file nor a version that is kept: {known}")


def _pair(pair: TurnPair) -> dict[str, Any]:
    return {
        "turn": pair.turn,
        "differs": pair.differs,
        "was": _decision(pair.old),
        "now": _decision(pair.new),
    }


def _decision(decision: Decision | None) -> dict[str, Any] | None:
    if decision is None:
        return None
    return {
        "hand_off": decision.hand_off,
        "kind": decision.kind.value,
        "confidence": decision.confidence,
        "risk": decision.risk,
        "value": decision.value,
        "reasons": [reason.code for reason in decision.reasons],
    }
