"""What the decision core's surroundings must keep, and the protocol of whatever keeps it.

Records are complete rows: saving one again with the same key replaces it, so a writer never has to know what
is stored already. Times are seconds since the Unix epoch. Mappings hold JSON values only. What a database
cannot hold is mended rather than refused, since one bad record must not hold up all others: numbers that are
not finite become null, NUL and lone surrogates in texts the replacement character.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from handoff.commands import Decision, Reason
from handoff.labels import Disposition, Label
from handoff.policy import Policy


@dataclass(frozen=True, slots=True)
class CallRecord:
    """A call. Key: `call_id`."""

    call_id: str
    caller: str
    pack: str
    language: str
    started_at: float
    policy_version: str = ""
    ended_at: float | None = None
    outcome: str | None = None  # automated | handed_off | abandoned | failed
    reason: str | None = None  # why it ended
    safe_mode: bool = False
    model_version: str = ""  # a `ModelRecord`'s; empty: the shipped models


@dataclass(frozen=True, slots=True)
class TurnRecord:
    """One line of a call's transcript, with what was measured. Key: `call_id`, `seq`."""

    call_id: str
    seq: int  # place in the transcript, from 0
    turn: int  # the caller's turn it belongs to, 0 before the first
    role: str  # caller | agent | operator | system
    text: str
    at: float
    heard: str | None = None  # agent lines: what the caller really heard
    asr_confidence: float | None = None
    intent: str | None = None
    confidence: float | None = None
    risk: float | None = None
    signals: Mapping[str, float] = field(default_factory=dict)  # raw, by name
    latency_ms: Mapping[str, float] = field(default_factory=dict)  # by stage


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """A decision and why. Key: `call_id`, `seq`."""

    call_id: str
    seq: int  # number of the decision in its call, from 0
    turn: int
    at: float
    hand_off: bool
    kind: str  # of `DecisionKind`
    confidence: float
    risk: float
    breakdown: float
    error: float
    value: float
    urgency: str
    reasons: tuple[Reason, ...] = ()
    policy_version: str = ""

    @classmethod
    def of(cls, decision: Decision, *, seq: int, at: float, policy_version: str) -> DecisionRecord:
        """The record of a `Decision`."""
        return cls(
            call_id=decision.call_id,
            seq=seq,
            turn=decision.turn,
            at=at,
            hand_off=decision.hand_off,
            kind=decision.kind.value,
            confidence=decision.confidence,
            risk=decision.risk,
            breakdown=decision.breakdown,
            error=decision.error,
            value=decision.value,
            urgency=decision.urgency.value,
            reasons=decision.reasons,
            policy_version=policy_version,
        )


@dataclass(frozen=True, slots=True)
class HandoffRecord:
    """One request for a person, from asking to the end. Key: `call_id`, `seq`."""

    call_id: str
    seq: int  # number of the request in its call, from 0
    requested_at: float
    brief: Mapping[str, Any]  # `Brief.as_dict()`
    offered_at: float | None = None
    accepted_at: float | None = None
    bridged_at: float | None = None
    ended_at: float | None = None
    ended_why: str | None = (
        None  # handed_back | operator_ended | caller_hung_up | lost | nobody | ...
    )
    operator_id: str | None = None
    epoch: int | None = None


@dataclass(frozen=True, slots=True)
class OperatorRecord:
    """An operator's account. Key: `operator_id`; `name` is unique."""

    operator_id: str
    name: str
    password_hash: str  # argon2, encoded
    role: str  # operator | supervisor
    created_at: float = 0.0
    skills: tuple[str, ...] = ()  # none: takes anything
    languages: tuple[str, ...] = ()  # none: speaks what is needed
    seniority: str = "standard"  # a `handoff.events.Seniority`


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A sign-in. Key: `token_hash`."""

    token_hash: str  # SHA-256 of the cookie, hex
    operator_id: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class EventRecord:
    """A line of the audit log: who did what to what. Key: `event_id`."""

    event_id: str
    at: float
    actor: str  # operator id, "server", "caller"
    action: str
    call_id: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FactRecord:
    """One event that a call's engine was handed; all of a call's decide it again. Key: `call_id`, `seq`.

    `handoff.replay` makes them of events, and events of them.
    """

    call_id: str
    seq: int  # order in its call, from 0
    now: float  # monotonic seconds, exactly as the engine was told; only differences mean something
    kind: str  # the event's class
    values: Mapping[str, Any] = field(default_factory=dict)  # its fields


@dataclass(frozen=True, slots=True)
class MachineRecord:
    """The newest state of one thing that a machine looks after, to rebuild it from. Key: `machine`, `key`."""

    machine: str  # approvals | board | review | audit | callbacks | ...
    key: str  # what the machine calls it
    at: float  # of this state
    state: str  # a name from the machine's table
    open: bool = True  # the machine still has to do with it
    call_id: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PolicyRecord:
    """A policy that calls were decided under. Key: `version`."""

    version: str
    name: str
    values: Mapping[str, Any]  # what `Policy.from_mapping` takes
    created_at: float

    @classmethod
    def of(cls, policy: Policy, at: float) -> PolicyRecord:
        """The record of a `Policy`."""
        values = policy.model_dump(mode="json")
        values["high_risk"] = sorted(values["high_risk"])
        return cls(policy.version, policy.name, values, at)


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A learned version: heads, marks, how it came to be. Key: `version`; one at most is active.

    See `handoff.learning`.
    """

    version: str
    kind: str  # heads | marks
    parent: str | None  # the version it was learned from and falls back to; None: the shipped one
    values: Mapping[str, Any]
    state: str  # proposed | active | retired
    evidence: Mapping[str, Any]
    proposed_at: float
    approved_by: str | None = None
    approved_at: float | None = None
    retired_at: float | None = None


Record = (
    CallRecord
    | TurnRecord
    | DecisionRecord
    | HandoffRecord
    | OperatorRecord
    | SessionRecord
    | EventRecord
    | FactRecord
    | MachineRecord
    | PolicyRecord
    | ModelRecord
    | Disposition
    | Label
)

Timed = TypeVar("Timed", CallRecord, HandoffRecord, DecisionRecord, Disposition, Label)
"""Records of something that is over, at a moment that they tell."""

TIMED: Mapping[type, str] = {
    CallRecord: "ended_at",
    HandoffRecord: "ended_at",
    DecisionRecord: "at",
    Disposition: "at",
    Label: "at",
}
"""The field that tells it; calls and requests for a person without one are not over."""


def json_ready(value: Any) -> Any:
    """A JSON value that any database holds: mappings as dicts, sequences as lists, the rest mended."""
    match value:
        case str():
            return _text(value)
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {_text(str(key)): json_ready(item) for key, item in value.items()}
        case tuple() | list():
            return [json_ready(item) for item in value]
        case _:
            return value


def _text(value: str) -> str:
    if value.isascii() and "\0" not in value:
        return value
    whole = value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole.replace("\0", "\ufffd")


class Store(Protocol):
    """Keeps records. Every method raises `StorageError` when it cannot do what it promises."""

    async def save(self, records: Sequence[Record]) -> None:
        """Keep all of these or none. When it returns they survive the death of this process."""

    async def call(self, call_id: str) -> CallRecord | None:
        """One call."""

    async def calls(self, *, limit: int = 100, before: float | None = None) -> list[CallRecord]:
        """Calls, newest start first; `before`: only those that started earlier."""

    async def turns(self, call_id: str) -> list[TurnRecord]:
        """A call's transcript in order."""

    async def decisions(self, call_id: str) -> list[DecisionRecord]:
        """A call's decisions in order."""

    async def handoffs(self, call_id: str) -> list[HandoffRecord]:
        """A call's requests for a person in order."""

    async def events(self, *, call_id: str | None = None, limit: int = 100) -> list[EventRecord]:
        """The audit log, newest first."""

    async def facts(self, call_id: str) -> list[FactRecord]:
        """What a call's engine was told, in order."""

    async def dispositions(self, call_id: str | None = None) -> list[Disposition]:
        """What operators said of handoffs, oldest first; of one call or of all."""

    async def labels(self, call_id: str | None = None) -> list[Label]:
        """What was judged, oldest first; of one call or of all. Withdrawn ones (weight 0) as well."""

    async def recent(self, kind: type[Timed], since: float, *, limit: int) -> list[Timed]:
        """What was over at `since` or later (Unix seconds), oldest first; the newest `limit`."""

    async def machine_records(
        self, machine: str, *, open_only: bool = False, since: float | None = None
    ) -> list[MachineRecord]:
        """A machine's records, oldest state first; `since`: only those of this time or later."""

    async def machine_record(self, machine: str, key: str) -> MachineRecord | None:
        """One record of a machine; None if there is none of this key."""

    async def policy(self, version: str) -> PolicyRecord | None:
        """A policy by its version."""

    async def policies(self) -> list[PolicyRecord]:
        """All policies, oldest first."""

    async def models(self) -> list[ModelRecord]:
        """All learned versions, oldest proposal first."""

    async def operator(self, operator_id: str) -> OperatorRecord | None:
        """An account by its id."""

    async def operator_by_name(self, name: str) -> OperatorRecord | None:
        """An account by its name, exactly as written."""

    async def list_operators(self) -> list[OperatorRecord]:
        """All accounts by name."""

    async def session(self, token_hash: str) -> SessionRecord | None:
        """A sign-in, expired or not."""

    async def delete_session(self, token_hash: str) -> None:
        """Forget a sign-in; nothing happens when there is none."""

    async def delete_sessions(self, operator_id: str) -> None:
        """Forget every sign-in of an operator."""

    async def delete_operator(self, operator_id: str) -> None:
        """Forget an account and its sign-ins; what its operator did stays."""

    async def delete_expired_sessions(self, now: float) -> int:
        """Forget sign-ins that expired at `now` or earlier; returns how many."""

    async def calls_of(self, caller: str) -> list[str]:
        """The ids, sorted, of all calls from this number, and of those of which a machine's record has it as
        `number`, as promises to call back do."""

    async def calls_ended_before(self, at: float, *, limit: int) -> list[str]:
        """The ids of calls that were over before `at` (Unix seconds), longest over first."""

    async def forget_calls(self, call_ids: Sequence[str]) -> None:
        """Forget all that is kept of these calls but their labels, which hold no words.

        One that fails half-way has forgotten some calls whole, and of the others nothing.
        """

    async def forget_before(self, at: float) -> int:
        """Forget what has a time of its own, before `at` (Unix seconds), and goes with no call: lines of the
        audit log, dispositions, machines' records of a call, and those of none that are closed. Returns how
        many."""

    async def last_epoch(self) -> int:
        """The largest fencing number ever stored, 0 for none: what `Desk(last_epoch=...)` starts from."""

    async def close_unfinished(self, at: float) -> int:
        """Mark calls without an end, and their requests, as ended by a stop of the server; returns how many
        calls. To be done once, when a server starts, before it takes calls."""

    async def aclose(self) -> None:
        """Let go of connections and files. Idempotent."""
