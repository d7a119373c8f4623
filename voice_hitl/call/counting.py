"""What the records of calls say to the figures of the whole system.

Every record passes here on its way to the store, so that whatever is kept is counted, once, wherever in the
server it was made. Nothing is counted twice: what has been is remembered for the last `REMEMBERED` records.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import get_args

from handoff.audit import AuditRecord, AuditState
from handoff.commands import DecisionKind
from handoff.errors import StorageError
from handoff.labels import Disposition, Label
from handoff.metrics import (
    PATHS,
    CallFinished,
    Disposed,
    Handled,
    Judged,
    Outcome,
    Path,
    ProposalAnswered,
    QueueLeft,
    Reviewed,
)
from handoff.outcomes import (
    AiResumed,
    CallEnded,
    HandoffJudged,
    TakenOver,
    TurnDecided,
    TurnJudged,
)
from handoff.ports import CallRecord, DecisionRecord, HandoffRecord, MachineRecord, Record
from handoff.review import ReviewRecord
from handoff.supervision import SupervisionEvent
from voice_hitl.call import auditing, reviewing
from voice_hitl.log import get_logger

log = get_logger(__name__)

REMEMBERED = 20_000
HANDLED = "handled"  # machine records of the time that operators were busy with a call
NONE_KNOWN = "something else"  # what an answer without an intent counts as
NONE_OF_BOTH = "other words"  # the same intent, and yet not the same
PATHS_BY_NAME: dict[str, Path] = {path: path for path in PATHS}
OUTCOMES: dict[str, Outcome] = {outcome: outcome for outcome in get_args(Outcome)}
AT_A_CALL = ("in_call", "wrap_up")  # presences


class Counting:
    """Turns records, and the presence of operators, into events of `handoff.supervision`."""

    def __init__(self) -> None:
        self._counted: OrderedDict[tuple[str, ...], None] = OrderedDict()
        self._busy_since: dict[str, float] = {}  # by operator

    def of(self, record: Record) -> list[SupervisionEvent]:
        """What a record that is about to be kept says; most say nothing."""
        match record:
            case CallRecord():
                return list(self._call(record))
            case HandoffRecord():
                return list(self._handoff(record))
            case DecisionRecord():
                decided = TurnDecided(
                    record.call_id,
                    record.turn,
                    record.breakdown,
                    record.error,
                    record.hand_off,
                    DecisionKind(record.kind),
                    tuple(reason.code for reason in record.reasons),
                )
                return [decided]
            case Disposition():
                return list(self._disposition(record))
            case Label():
                return list(self._label(record))
            case MachineRecord(machine=auditing.MACHINE, state=AuditState.DONE.value):
                return list(self._audit(record))
            case MachineRecord(machine="handled", detail={"seconds": float() as seconds}):
                return [Handled(seconds)] if self._first(HANDLED, record.key) else []
            case MachineRecord(machine=reviewing.MACHINE, state="equal" | "different"):
                return list(self._review(record))
            case _:
                return []

    def presence(self, operator_id: str, presence: str, now: float) -> list[Handled]:
        """An operator is `presence` now: what they were busy with may be over, wrap-up included."""
        if presence in AT_A_CALL:
            self._busy_since.setdefault(operator_id, now)
            return []
        since = self._busy_since.pop(operator_id, None)
        return [] if since is None else [Handled(now - since)]

    # --- inside -----------------------------------------------------------------------------

    def _first(self, *key: str) -> bool:
        """Whether this has not been counted; it is from now on."""
        if key in self._counted:
            return False
        self._counted[key] = None
        if len(self._counted) > REMEMBERED:
            self._counted.popitem(last=False)
        return True

    def _call(self, record: CallRecord) -> Iterator[SupervisionEvent]:
        outcome = OUTCOMES.get(record.outcome or "")
        if outcome is None or record.ended_at is None or not self._first("call", record.call_id):
            return
        yield CallFinished(outcome, max(0.0, record.ended_at - record.started_at))
        yield CallEnded(record.call_id, outcome)

    def _handoff(self, record: HandoffRecord) -> Iterator[SupervisionEvent]:
        key = (record.call_id, str(record.seq))
        waited = record.accepted_at if record.accepted_at is not None else record.ended_at
        if waited is not None and self._first("queue", *key):
            if record.brief:
                seconds = max(0.0, waited - record.requested_at)
                yield QueueLeft(seconds, answered=record.accepted_at is not None)
            else:
                yield TakenOver(record.call_id)  # nobody was asked: there was no queue
        if record.ended_at is not None and self._first("handoff", *key):
            yield AiResumed(record.call_id)

    def _disposition(self, record: Disposition) -> Iterator[SupervisionEvent]:
        if not self._first("disposition", record.call_id, str(record.seq)):
            return  # a changed mind: the first word counts, for sums cannot be taken back
        yield Disposed(record.verdict)
        yield HandoffJudged(record.call_id, record.verdict)

    def _label(self, record: Label) -> Iterator[SupervisionEvent]:
        if record.head != "error" or record.weight == 0 or not self._first(record.label_id):
            return
        if record.source == "approval":
            yield ProposalAnswered(overridden=record.value)
        yield TurnJudged(record.call_id, record.turn, record.value)

    def _audit(self, record: MachineRecord) -> Iterator[SupervisionEvent]:
        try:
            audit = AuditRecord.from_dict(record.detail)
        except StorageError:
            log.exception("an audit is unreadable and not counted", key=record.key)
            return
        path = PATHS_BY_NAME.get(audit.item.path)
        plain = audit.verdict in ("right", "wrong") and not audit.referred
        # What was drawn elsewhere (a moderated line) is no answer of the AI.
        if path is not None and plain and self._first(auditing.MACHINE, record.key):
            yield Judged(path, audit.verdict == "wrong", audit.propensity)

    def _review(self, record: MachineRecord) -> Iterator[SupervisionEvent]:
        """The AI and a person, neither having seen the other's choice."""
        try:
            review = ReviewRecord.from_dict(record.detail)
        except StorageError:
            log.exception("a review is unreadable and not counted", key=record.key)
            return
        if review.ai is None or review.human is None or not self._first("review", record.key):
            return
        mine, theirs = (each.intent or NONE_KNOWN for each in (review.ai, review.human))
        equal = review.outcome == "equal"
        yield Reviewed(mine, mine if equal else (theirs if theirs != mine else NONE_OF_BOTH))
