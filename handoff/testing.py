"""For tests of whoever builds on this package: an in-memory store and builders of plausible facts.

`MemoryStore` passes the same contract tests as the SQL store, so tests may use it in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import TypeVar

from handoff.commands import Decision, DecisionKind, Reason, Urgency
from handoff.errors import StorageError
from handoff.events import (
    ActionProposed,
    CallerSpoke,
    CallStarted,
    DialogueFacts,
    Effect,
    IntentFacts,
    SpeechFacts,
)
from handoff.labels import Disposition, Label
from handoff.ports import (
    TIMED,
    CallRecord,
    DecisionRecord,
    EventRecord,
    FactRecord,
    HandoffRecord,
    MachineRecord,
    ModelRecord,
    OperatorRecord,
    PolicyRecord,
    Record,
    SessionRecord,
    Timed,
    TurnRecord,
    json_ready,
)

R = TypeVar(
    "R",
    CallRecord,
    TurnRecord,
    DecisionRecord,
    HandoffRecord,
    OperatorRecord,
    EventRecord,
    FactRecord,
    MachineRecord,
    PolicyRecord,
    ModelRecord,
    Disposition,
    Label,
)
Key = tuple[type[Record], str, int]


class MemoryStore:
    """A `Store` in memory: same behaviour, gone with the process."""

    def __init__(self) -> None:
        self._records: dict[Key, Record] = {}
        self._closed = False
        self._forgotten_epoch = 0  # the largest of requests that are gone

    async def save(self, records: Sequence[Record]) -> None:
        """Keep all of these or none."""
        self._check()
        after = dict(self._records)
        for record in records:
            after[_key(record)] = _as_kept(record)
        names = [record.name for record in after.values() if isinstance(record, OperatorRecord)]
        if len(names) != len(set(names)):
            raise StorageError("an operator's name is taken")
        states = [record.state for record in after.values() if isinstance(record, ModelRecord)]
        if states.count("active") > 1:
            raise StorageError("another learned version is active")
        self._records = after

    async def call(self, call_id: str) -> CallRecord | None:
        """One call."""
        return next((c for c in self._all(CallRecord) if c.call_id == call_id), None)

    async def calls(self, *, limit: int = 100, before: float | None = None) -> list[CallRecord]:
        """Calls, newest start first."""
        found = [c for c in self._all(CallRecord) if before is None or c.started_at < before]
        return sorted(found, key=lambda c: (-c.started_at, c.call_id))[:limit]

    async def turns(self, call_id: str) -> list[TurnRecord]:
        """A call's transcript in order."""
        found = [turn for turn in self._all(TurnRecord) if turn.call_id == call_id]
        return sorted(found, key=lambda turn: turn.seq)

    async def decisions(self, call_id: str) -> list[DecisionRecord]:
        """A call's decisions in order."""
        found = [d for d in self._all(DecisionRecord) if d.call_id == call_id]
        return sorted(found, key=lambda decision: decision.seq)

    async def handoffs(self, call_id: str) -> list[HandoffRecord]:
        """A call's requests for a person in order."""
        found = [h for h in self._all(HandoffRecord) if h.call_id == call_id]
        return sorted(found, key=lambda handoff: handoff.seq)

    async def events(self, *, call_id: str | None = None, limit: int = 100) -> list[EventRecord]:
        """The audit log, newest first."""
        found = [e for e in self._all(EventRecord) if call_id in (None, e.call_id)]
        return sorted(found, key=lambda e: (-e.at, e.event_id))[:limit]

    async def facts(self, call_id: str) -> list[FactRecord]:
        """What a call's engine was told, in order."""
        found = [fact for fact in self._all(FactRecord) if fact.call_id == call_id]
        return sorted(found, key=lambda fact: fact.seq)

    async def dispositions(self, call_id: str | None = None) -> list[Disposition]:
        """What operators said of handoffs, oldest first."""
        found = [d for d in self._all(Disposition) if call_id in (None, d.call_id)]
        return sorted(found, key=lambda d: (d.at, d.call_id, d.seq))

    async def labels(self, call_id: str | None = None) -> list[Label]:
        """What was judged, oldest first."""
        found = [label for label in self._all(Label) if call_id in (None, label.call_id)]
        return sorted(found, key=lambda label: (label.at, label.label_id))

    async def recent(self, kind: type[Timed], since: float, *, limit: int) -> list[Timed]:
        """What was over at `since` or later, oldest first; the newest `limit`."""
        known = [(getattr(record, TIMED[kind]), record) for record in self._all(kind)]
        found = [(at, _key(record), record) for at, record in known if at is not None]
        found = sorted(each for each in found if each[0] >= since)
        return [record for _, _, record in found[max(0, len(found) - limit) :]]

    async def machine_records(
        self, machine: str, *, open_only: bool = False, since: float | None = None
    ) -> list[MachineRecord]:
        """A machine's records, oldest state first."""
        found = [
            record
            for record in self._all(MachineRecord)
            if record.machine == machine
            and (record.open or not open_only)
            and (since is None or record.at >= since)
        ]
        return sorted(found, key=lambda record: (record.at, record.key))

    async def machine_record(self, machine: str, key: str) -> MachineRecord | None:
        """One record of a machine."""
        found = (record for record in self._all(MachineRecord) if record.machine == machine)
        return next((record for record in found if record.key == key), None)

    async def policy(self, version: str) -> PolicyRecord | None:
        """A policy by its version."""
        return next((p for p in self._all(PolicyRecord) if p.version == version), None)

    async def policies(self) -> list[PolicyRecord]:
        """All policies, oldest first."""
        return sorted(self._all(PolicyRecord), key=lambda p: (p.created_at, p.version))

    async def models(self) -> list[ModelRecord]:
        """All learned versions, oldest proposal first."""
        return sorted(self._all(ModelRecord), key=lambda m: (m.proposed_at, m.version))

    async def operator(self, operator_id: str) -> OperatorRecord | None:
        """An account by its id."""
        return next((o for o in self._all(OperatorRecord) if o.operator_id == operator_id), None)

    async def operator_by_name(self, name: str) -> OperatorRecord | None:
        """An account by its name."""
        return next((o for o in self._all(OperatorRecord) if o.name == name), None)

    async def list_operators(self) -> list[OperatorRecord]:
        """All accounts by name."""
        return sorted(self._all(OperatorRecord), key=lambda o: o.name)

    async def session(self, token_hash: str) -> SessionRecord | None:
        """A sign-in, expired or not."""
        self._check()
        found = self._records.get((SessionRecord, token_hash, 0))
        return found if isinstance(found, SessionRecord) else None

    async def delete_session(self, token_hash: str) -> None:
        """Forget a sign-in."""
        self._check()
        self._records.pop((SessionRecord, token_hash, 0), None)

    async def delete_sessions(self, operator_id: str) -> None:
        """Forget every sign-in of an operator."""
        self._forget(SessionRecord, operator_id)

    async def delete_operator(self, operator_id: str) -> None:
        """Forget an account and its sign-ins."""
        self._forget(SessionRecord, operator_id)
        self._forget(OperatorRecord, operator_id)

    async def delete_expired_sessions(self, now: float) -> int:
        """Forget sign-ins that expired at `now` or earlier."""
        self._check()
        old = [
            key
            for key, record in self._records.items()
            if isinstance(record, SessionRecord) and record.expires_at <= now
        ]
        for key in old:
            del self._records[key]
        return len(old)

    async def calls_of(self, caller: str) -> list[str]:
        """The ids of a caller's calls."""
        promises = (m for m in self._all(MachineRecord) if m.detail.get("number") == caller)
        found = {promise.call_id for promise in promises if promise.call_id is not None}
        return sorted(found | {c.call_id for c in self._all(CallRecord) if c.caller == caller})

    async def calls_ended_before(self, at: float, *, limit: int) -> list[str]:
        """The ids of calls that were over before `at`, longest over first."""
        calls = self._all(CallRecord)
        over = [
            (c.ended_at, c.call_id) for c in calls if c.ended_at is not None and c.ended_at < at
        ]
        return [call_id for _, call_id in sorted(over)[:limit]]

    async def forget_calls(self, call_ids: Sequence[str]) -> None:
        """Forget all that is kept of these calls but their labels."""
        self._forgotten_epoch = await self.last_epoch()
        gone = frozenset(call_ids)
        self._keep_if(lambda r: isinstance(r, Label) or getattr(r, "call_id", None) not in gone)

    async def forget_before(self, at: float) -> int:
        """Forget what is old and goes with no call."""
        before = len(self._records)
        self._keep_if(lambda record: not _is_loose(record, at))
        return before - len(self._records)

    async def last_epoch(self) -> int:
        """The largest fencing number ever stored."""
        known = (h.epoch for h in self._all(HandoffRecord) if h.epoch is not None)
        return max((self._forgotten_epoch, *known))

    async def close_unfinished(self, at: float) -> int:
        """Mark calls without an end as ended by a stop of the server."""
        why = "server_stopped"
        for handoff in self._all(HandoffRecord):
            if handoff.ended_at is None:
                self._records[_key(handoff)] = replace(handoff, ended_at=at, ended_why=why)
        open_calls = [call for call in self._all(CallRecord) if call.ended_at is None]
        for call in open_calls:
            ended = replace(call, ended_at=at, outcome="failed", reason=why)
            self._records[_key(call)] = ended
        return len(open_calls)

    async def aclose(self) -> None:
        """Refuse everything from now on."""
        self._closed = True

    def _forget(self, kind: type[SessionRecord] | type[OperatorRecord], operator_id: str) -> None:
        self._check()
        self._records = {
            key: record
            for key, record in self._records.items()
            if not (isinstance(record, kind) and record.operator_id == operator_id)
        }

    def _keep_if(self, stays: Callable[[Record], bool]) -> None:
        self._check()
        self._records = {key: record for key, record in self._records.items() if stays(record)}

    def _all(self, kind: type[R]) -> list[R]:
        self._check()
        return [record for record in self._records.values() if isinstance(record, kind)]

    def _check(self) -> None:
        if self._closed:
            raise StorageError("the store is closed")


def _is_loose(record: Record, before: float) -> bool:
    """Whether it is old by its own time and goes with no call."""
    match record:
        case EventRecord() | Disposition():
            return record.at < before
        case MachineRecord():
            return record.at < before and (record.call_id is not None or not record.open)
        case _:
            return False


def _as_kept(record: Record) -> Record:
    values = {f.name: getattr(record, f.name) for f in fields(record) if f.name != "reasons"}
    kept = {name: json_ready(value) for name, value in values.items()}
    if isinstance(record, OperatorRecord):
        kept |= {name: tuple(kept[name]) for name in ("skills", "languages")}
    return replace(record, **kept)


def _key(record: Record) -> Key:
    match record:
        case CallRecord():
            return (CallRecord, record.call_id, 0)
        case OperatorRecord():
            return (OperatorRecord, record.operator_id, 0)
        case SessionRecord():
            return (SessionRecord, record.token_hash, 0)
        case EventRecord():
            return (EventRecord, record.event_id, 0)
        case MachineRecord():
            return (MachineRecord, f"{record.machine}\0{record.key}", 0)
        case PolicyRecord() | ModelRecord():
            return (type(record), record.version, 0)
        case Label():
            return (Label, record.label_id, 0)
        case _:
            return (type(record), record.call_id, record.seq)


# --- builders ---------------------------------------------------------------------------------


def a_call(
    call_id: str = "call-1", caller: str = "+15550100", pack: str = "banking"
) -> CallStarted:
    """A call that starts."""
    return CallStarted(call_id, caller, pack)


def a_turn(
    turn: int = 1,
    text: str = "what is my balance",
    *,
    heard: float = 0.95,
    intent: str | None = "balance",
    sure: float = 0.97,
    margin: float = 0.9,
    category: str = "general",
    dialogue: DialogueFacts = DialogueFacts(),
    slots: Mapping[str, str] | None = None,
) -> CallerSpoke:
    """A caller's turn; without arguments one that goes well. `heard`, `sure`, `margin` in [0, 1]."""
    return CallerSpoke(
        turn=turn,
        text=text,
        speech=SpeechFacts(confidence=heard, words=len(text.split()), lowest_word=heard),
        intent=IntentFacts(intent, sure, margin, category=category),
        dialogue=dialogue,
        slots=slots or {},
    )


def a_bad_turn(turn: int = 1, text: str = "the thing with the um you know") -> CallerSpoke:
    """A caller's turn that nobody could make sense of."""
    return a_turn(
        turn,
        text,
        heard=0.2,
        intent=None,
        sure=0.1,
        margin=0.02,
        dialogue=DialogueFacts(frustration=0.7),
    )


def a_decision(call_id: str = "call-1", *, urgency: Urgency = Urgency.MEDIUM) -> Decision:
    """A decision to hand off because the caller asked."""
    return Decision(
        call_id=call_id,
        turn=1,
        hand_off=True,
        kind=DecisionKind.HARD,
        confidence=0.9,
        risk=0.1,
        breakdown=0.05,
        error=0.05,
        value=-2.0,
        reasons=(Reason("explicit_request", "the caller asked for a person", 100.0),),
        urgency=urgency,
    )


def a_proposal(
    name: str = "transfer",
    effect: Effect = Effect.IRREVERSIBLE,
    *,
    action_id: str = "action-1",
    amount: float | None = 50.0,
    over_limit: bool = False,
    regulated: str | None = None,
) -> ActionProposed:
    """An action that the agent wants to take."""
    arguments = {} if amount is None else {"amount": f"{amount:g}"}
    return ActionProposed(action_id, name, arguments, effect, amount, regulated, over_limit)
