"""The figures as the last runs of the server left them, counted anew from what they kept.

What the figures look back on (`warnings.window_hours`) is counted, `MOST` records of each kind at most, the
newest; answers to exercises as long as they are remembered. A server counts before it listens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from handoff.labels import Disposition, Label
from handoff.policy import Policy
from handoff.ports import (
    CallRecord,
    DecisionRecord,
    HandoffRecord,
    MachineRecord,
    Record,
    Store,
)
from handoff.shifts import ShiftAnswer
from handoff.supervision import Supervision, SupervisionEvent
from voice_hitl.call import auditing, exercise_bank, exercising, exercising_audits, reviewing
from voice_hitl.call.counting import HANDLED, Counting
from voice_hitl.clock import Clock
from voice_hitl.log import get_logger

log = get_logger(__name__)

MOST = 20_000  # as many as counting remembers
STOPPED = (
    "server_stopped"  # why a request has ended that the last run left open: nobody's patience did
)

Moment = tuple[float, Record]  # Unix seconds


async def recounted(policy: Policy, store: Store, clock: Clock) -> tuple[Supervision, Counting]:
    """Count what the store knows of the policy's window; raises `StorageError`."""
    wall, now = clock.wall(), clock.now()
    since = wall - policy.warnings.window_hours * 3600.0
    found: list[Record] = [
        *await store.recent(DecisionRecord, since, limit=MOST),
        *await store.recent(HandoffRecord, since, limit=MOST),
        *await store.recent(Label, since, limit=MOST),
        *await store.recent(Disposition, since, limit=MOST),
        *await store.recent(CallRecord, since, limit=MOST),
    ]
    for machine in (auditing.MACHINE, reviewing.MACHINE, HANDLED):
        found += (await store.machine_records(machine, since=since))[-MOST:]
    seen_since = wall - exercise_bank.SERVED_FOR
    served = [
        *await store.machine_records(exercising.SERVED, since=seen_since),
        *await store.machine_records(exercising_audits.SERVED, since=seen_since),
    ]
    return _count(policy, found, served, wall, now)


def _count(
    policy: Policy,
    found: Sequence[Record],
    served: Iterable[MachineRecord],
    wall: float,
    now: float,
) -> tuple[Supervision, Counting]:
    counting = Counting()
    told: list[tuple[float, SupervisionEvent]] = []
    for record in served:
        answer = exercise_bank.answered(record)
        if answer is not None:
            told.append((record.at, ShiftAnswer(*answer)))
    moments = [moment for record in found for moment in _moments(record)]
    for at, state in sorted(moments, key=lambda moment: moment[0]):
        told += [(at, event) for event in counting.of(state)]
    told.sort(key=lambda each: each[0])
    shifted = ((now - max(0.0, wall - at), event) for at, event in told)
    supervision = Supervision.reopened(policy, shifted, now)
    log.info("figures are counted anew", records=len(found), events=len(told))
    return supervision, counting


def _moments(record: Record) -> Iterator[Moment]:
    """A record as it was when something happened that counts."""
    match record:
        case CallRecord(ended_at=float() as at):
            yield at, record
        case HandoffRecord(ended_at=float() as at):
            if record.accepted_at is not None:
                yield record.accepted_at, replace(record, ended_at=None)
            if record.accepted_at is not None or record.ended_why != STOPPED:
                yield at, record
        case DecisionRecord() | Label() | Disposition() | MachineRecord():
            yield record.at, record
