"""Promises to call back: who, by when, and what became of it.

Used by the desk, which finds the operators, and usable alone. A promise waits until it is due, is claimed by
one operator under a fencing epoch, and ends done, failed (too many tries), expired (nobody claimed it in
time) or withdrawn. A claim that nobody closes lapses and counts as a try.

Every change is handed out as `KeepCallback`; `Callbacks(policy, records)` goes on from the open ones. Their
times are the machine's `now`: whoever stores them moves them to the wall clock (`CallbackRecord.shifted`) and
back to the clock of the process that loads them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter, ValidationError

from handoff.commands import KeepCallback, RefuseAccept, RefuseCallback, Urgency
from handoff.errors import ProtocolError, StorageError
from handoff.events import (
    CallbackDone,
    CallbackFailed,
    CallbackPromised,
    CallbackWithdrawn,
    DeadlinePassed,
)
from handoff.policy.floor import CallbackPolicy


class CallbackState(StrEnum):
    """Where a promise stands; the last four are ends."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    DONE = "done"
    FAILED = "failed"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


OPEN = (CallbackState.WAITING, CallbackState.CLAIMED)


@dataclass(frozen=True, slots=True)
class CallbackRecord:
    """A promise as it is kept. Key: `callback_id`."""

    callback_id: str
    call_id: str
    number: str
    reason: str
    urgency: Urgency
    brief: Mapping[str, Any]
    promised_at: float
    not_before: float
    by: float
    skill: str | None = None
    language: str | None = None
    category: str = "general"
    state: CallbackState = CallbackState.WAITING
    tries: int = 0  # claims that are over without the caller reached
    operator_id: str | None = None  # who has it, or had it last
    epoch: int | None = None
    claim_until: float | None = None
    note: str = ""

    @property
    def key(self) -> str:
        """What offers and owners of this are called by."""
        return self.callback_id

    @property
    def skip(self) -> tuple[str, ...]:
        """Who is asked only when nobody else is left: who did not reach the caller last time."""
        return () if self.operator_id is None else (self.operator_id,)

    def shifted(self, seconds: float) -> CallbackRecord:
        """The same with every time moved, from one clock to another."""
        return replace(
            self,
            promised_at=self.promised_at + seconds,
            not_before=self.not_before + seconds,
            by=self.by + seconds,
            claim_until=None if self.claim_until is None else self.claim_until + seconds,
        )

    def as_dict(self) -> dict[str, Any]:
        """JSON values, for a store."""
        values: dict[str, Any] = _RECORDS.dump_python(self, mode="json")
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> CallbackRecord:
        """Read what `as_dict` gave; raises `StorageError` for anything else."""
        try:
            return _RECORDS.validate_python(dict(values))
        except ValidationError as error:
            raise StorageError(f"a callback cannot be read back: {error}") from error


_RECORDS = TypeAdapter(CallbackRecord)


@dataclass(frozen=True, slots=True)
class CallbackClaimed:
    """An operator takes a promise on, under an epoch larger than any before."""

    callback_id: str
    operator_id: str
    epoch: int


CallbackEvent = CallbackClaimed | CallbackDone | CallbackFailed | CallbackWithdrawn
CallbackCommand = KeepCallback | RefuseCallback | RefuseAccept


class Callbacks:
    """The list. Bounded: at most `limit` open promises; one that has ended is forgotten."""

    __slots__ = ("_commands", "_open", "_policy")

    def __init__(self, policy: CallbackPolicy, records: Iterable[CallbackRecord] = ()) -> None:
        """`records`: what was kept last; those that have ended are left out."""
        self._policy = policy
        self._open = {r.callback_id: r for r in records if r.state in OPEN}
        self._commands: list[CallbackCommand] = []

    def handle(self, event: CallbackPromised | CallbackEvent | DeadlinePassed, now: float) -> None:
        """Take in one event; what is due by `now` comes first.

        Raises `ProtocolError` for an unknown type of event.
        """
        self._expire(now)
        match event:
            case CallbackPromised():
                self._promise(event, now)
            case CallbackClaimed() | CallbackDone() | CallbackFailed() | CallbackWithdrawn():
                self._change(event, now)
            case DeadlinePassed():
                pass  # what is due has just been expired
            case _:
                raise ProtocolError(f"callbacks do not know {type(event).__name__}")

    def next_deadline(self, now: float) -> float | None:
        """When to send `DeadlinePassed`: after `now` one falls due, lapses or expires."""
        times = []
        for record in self._open.values():
            if record.claim_until is not None:
                times.append(record.claim_until)
            else:
                times.append(record.not_before if record.not_before > now else record.by)
        return min(times, default=None)

    def take_commands(self) -> list[CallbackCommand]:
        """Hand out what has to be done since the last time, in order."""
        commands, self._commands = self._commands, []
        return commands

    def records(self) -> tuple[CallbackRecord, ...]:
        """The open promises, in the order they were made."""
        return tuple(self._open.values())

    def find(self, callback_id: str) -> CallbackRecord | None:
        """An open promise, or None."""
        return self._open.get(callback_id)

    def due(self, now: float) -> tuple[CallbackRecord, ...]:
        """Those that may be called now and nobody has claimed; the one promised earliest first."""
        waiting = [
            record
            for record in self._open.values()
            if record.state is CallbackState.WAITING and record.not_before <= now < record.by
        ]
        return tuple(sorted(waiting, key=lambda r: (r.by, r.promised_at)))

    # --- changes ----------------------------------------------------------------------------

    def _promise(self, event: CallbackPromised, now: float) -> None:
        not_before = now if event.not_before is None else max(now, event.not_before)
        by = not_before + self._policy.within if event.by is None else event.by
        if event.callback_id in self._open:
            reason = "known"
        elif len(self._open) >= self._policy.limit:
            reason = "full"
        elif by <= not_before:
            reason = "too_late"
        else:
            self._keep(
                CallbackRecord(
                    callback_id=event.callback_id,
                    call_id=event.call_id,
                    number=event.number,
                    reason=event.reason,
                    urgency=event.urgency,
                    brief=event.brief,
                    promised_at=now,
                    not_before=not_before,
                    by=by,
                    skill=event.skill,
                    language=event.language,
                    category=event.category,
                )
            )
            return
        self._commands.append(RefuseCallback(event.callback_id, event.call_id, reason))

    def _change(self, event: CallbackEvent, now: float) -> None:
        record = self._open.get(event.callback_id)
        row = None if record is None else TABLE.get((record.state, type(event)))
        if record is not None and row is not None and _is_owners(record, event):
            self._keep(row(self, record, event, now))
        elif not isinstance(event, CallbackWithdrawn):
            reason = "unknown" if record is None else "stale"
            self._commands.append(RefuseAccept("", event.callback_id, event.operator_id, reason))

    def _keep(self, record: CallbackRecord) -> None:
        if record.state in OPEN:
            self._open[record.callback_id] = record
        else:
            del self._open[record.callback_id]
        self._commands.append(KeepCallback(record))

    def _expire(self, now: float) -> None:
        for record in self.records():
            if record.claim_until is not None and record.claim_until <= now:
                self._keep(self._try_again(record, "nobody said what became of it", now))
            elif record.state is CallbackState.WAITING and record.by <= now:
                self._keep(replace(record, state=CallbackState.EXPIRED))

    def _try_again(self, record: CallbackRecord, note: str, now: float) -> CallbackRecord:
        tries = record.tries + 1
        if tries >= self._policy.tries:
            return replace(
                record, state=CallbackState.FAILED, tries=tries, claim_until=None, note=note
            )
        not_before = now + self._policy.retry
        return replace(
            record,
            state=CallbackState.WAITING,
            tries=tries,
            not_before=not_before,
            by=max(
                record.by, not_before + self._policy.retry
            ),  # tried in time: the promise goes on
            claim_until=None,
            note=note,
        )

    # --- rows of the table ------------------------------------------------------------------

    def _claimed(self, record: CallbackRecord, event: Any, now: float) -> CallbackRecord:
        return replace(
            record,
            state=CallbackState.CLAIMED,
            operator_id=event.operator_id,
            epoch=event.epoch,
            claim_until=now + self._policy.claim,
        )

    def _done(self, record: CallbackRecord, event: Any, _now: float) -> CallbackRecord:
        return replace(record, state=CallbackState.DONE, claim_until=None, note=event.note)

    def _failed(self, record: CallbackRecord, event: Any, now: float) -> CallbackRecord:
        return self._try_again(record, event.note, now)

    def _withdrawn(self, record: CallbackRecord, event: Any, _now: float) -> CallbackRecord:
        return replace(record, state=CallbackState.WITHDRAWN, claim_until=None, note=event.note)


def _is_owners(record: CallbackRecord, event: CallbackEvent) -> bool:
    """Whether an event that only the present owner may send comes from them."""
    if isinstance(event, CallbackDone | CallbackFailed):
        return (event.operator_id, event.epoch) == (record.operator_id, record.epoch)
    if isinstance(event, CallbackClaimed):
        return record.epoch is None or event.epoch > record.epoch
    return True


Change = Callable[[Callbacks, CallbackRecord, Any, float], CallbackRecord]

# What an open promise does on an event; everything else is refused as stale.
TABLE: Mapping[tuple[CallbackState, type], Change] = {
    (CallbackState.WAITING, CallbackClaimed): Callbacks._claimed,
    (CallbackState.WAITING, CallbackWithdrawn): Callbacks._withdrawn,
    (CallbackState.CLAIMED, CallbackDone): Callbacks._done,
    (CallbackState.CLAIMED, CallbackFailed): Callbacks._failed,
    (CallbackState.CLAIMED, CallbackWithdrawn): Callbacks._withdrawn,
}
