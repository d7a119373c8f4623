"""Post-hoc audit's shell: what the AI did alone is drawn for people to judge, and their answers are labels.

Every automated item is kept with the probability of its draw; who had a part in a call never audits it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol

from handoff import audit as said
from handoff.errors import StorageError
from handoff.events import DeadlinePassed
from handoff.labels import Label, of_audit
from handoff.policy import Policy
from handoff.ports import MachineRecord
from voice_hitl.call.exercising_audits import AuditExercises
from voice_hitl.call.journal import Journal
from voice_hitl.call.ports import WorkPort
from voice_hitl.call.service import MachineService
from voice_hitl.clock import Clock
from voice_hitl.log import get_logger

log = get_logger(__name__)

MACHINE = "audit"
LAST = "audit_last"  # the newest item, drawn or not: what the sampler goes on from after a restart
TOLD = (said.AuditState.SHOWN, said.AuditState.DONE)  # states that somebody is told of


class AuditConsole(Protocol):
    """The operators' consoles, as audits see them. Methods never block and never raise."""

    def audit_shown(self, operator_id: str, item: said.AuditItem | None, seconds: float) -> None:
        """What to judge next; None: there is nothing for them."""

    def audit_over(self, operator_id: str, audit_id: str, reason: str) -> None:
        """It needs nothing from them any more; `reason` is answered, lapsed, own, over or not_yours."""


class AuditService(MachineService[said.AuditEvent, said.AuditCommand]):
    """Owns the audits."""

    def __init__(
        self,
        audits: said.Audits,
        clock: Clock,
        journal: Journal,
        consoles: AuditConsole,
        is_live: Callable[[str], bool],
        floor: WorkPort,
        exercises: AuditExercises | None = None,
    ) -> None:
        """`is_live` tells whether a call goes on; `floor` is told who has an audit in hand; `exercises`
        may be shown in place of the next audit."""
        super().__init__(audits, clock, wake=DeadlinePassed())
        self.audits = audits
        self._journal = journal
        self._consoles = consoles
        self._is_live = is_live
        self._floor = floor
        self._exercises = exercises
        self._seen = audits.seen
        self._handlers: defaultdict[str, set[str]] = defaultdict(set)  # by live call

    def post(self, event: said.AuditEvent) -> None:
        """Tell the audits something; they never hear of verdicts on exercises."""
        exercises = self._exercises
        if not (isinstance(event, said.AuditorAnswers) and exercises and exercises.answered(event)):
            super().post(event)

    # --- for calls ---

    def automated(self, item: said.AuditItem) -> None:
        """Something was decided or done; who has had a part in its call so far is added here."""
        self.post_or_drop(said.Automated(self._with_handlers(item)))

    def referred(self, item: said.AuditItem, propensity: float) -> None:
        """Moderation has drawn a line for people to look at, with this probability in (0, 1]."""
        self.post_or_drop(said.Referred(self._with_handlers(item), propensity))

    def _with_handlers(self, item: said.AuditItem) -> said.AuditItem:
        return replace(item, handled_by=tuple(sorted(self._handlers.get(item.call_id, ()))))

    def handled_by(self, call_id: str, operator_id: str) -> None:
        """An operator has a part in a call."""
        if self._is_live(call_id):
            self._handlers[call_id].add(operator_id)
        self.post_always(said.CallHandledBy(call_id, operator_id))

    def call_over(self, call_id: str) -> None:
        """A call has ended: nothing more of it will be automated."""
        self._handlers.pop(call_id, None)

    # --- carrying out ---

    async def _before(self, event: said.AuditEvent) -> said.AuditEvent:
        if isinstance(event, said.AuditorAsks) and self._exercises is not None:
            asks = event.auditor_id
            if await self._exercises.before(asks, real_waits=self.audits.waits_for(asks)):
                return DeadlinePassed()  # for the audits nothing has happened
        return event

    async def _carry_out(self, command: said.AuditCommand) -> None:
        match command:
            case said.KeepAudit(record):
                self._journal.put(*self._kept(record), *self._labels(record))
                if record.state in TOLD:
                    await self._journal.caught_up()
                if record.state is said.AuditState.DONE and record.auditor is not None:
                    self._floor.work_done(record.auditor, record.item.audit_id)
                    self._consoles.audit_over(record.auditor, record.item.audit_id, "answered")
            case said.ShowAudit():
                self._floor.work_taken(command.auditor_id, command.item.audit_id, "audit")
                seconds = command.deadline - self._clock.now()
                self._consoles.audit_shown(command.auditor_id, command.item, seconds)
            case said.NothingToAudit():
                self._consoles.audit_shown(command.auditor_id, None, 0.0)
            case said.WithdrawAudit() | said.RefuseAudit():
                if isinstance(command, said.WithdrawAudit):
                    self._floor.work_done(command.auditor_id, command.audit_id)
                self._consoles.audit_over(command.auditor_id, command.audit_id, command.reason)

    def _kept(self, record: said.AuditRecord) -> tuple[MachineRecord, ...]:
        kept = MachineRecord(
            machine=MACHINE,
            key=record.item.audit_id,
            at=self._clock.wall(),
            state=record.state.value,
            open=record.state in (said.AuditState.QUEUED, said.AuditState.SHOWN),
            call_id=record.item.call_id,
            detail=record.as_dict(),
        )
        if record.seen <= self._seen:
            return (kept,)
        self._seen = record.seen
        # For the sampler alone, which needs it even when the call is forgotten: nothing of what was said.
        item = replace(record.item, call_id="", summary="", handled_by=())
        passed = replace(record, item=item, state=said.AuditState.PASSED).as_dict()
        return kept, replace(kept, machine=LAST, key=LAST, open=True, call_id=None, detail=passed)

    def _labels(self, record: said.AuditRecord) -> tuple[Label, ...]:
        answer = said.answer_of(record, self._clock.wall())
        return () if answer is None else of_audit(answer)


def reopened_audits(policy: Policy, key: bytes, records: Iterable[MachineRecord]) -> said.Audits:
    """The audits as the last run left them, from the open ones and the last; unreadable ones are logged."""
    kept = []
    for record in records:
        try:
            kept.append(said.AuditRecord.from_dict(record.detail))
        except StorageError:
            log.exception("an audit of the last run is unreadable", key=record.key)
    return said.Audits(policy, key=key, records=sorted(kept, key=lambda record: record.seen))
