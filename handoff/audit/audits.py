"""The machine of all audits, and what its records say together."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Literal

from handoff.audit.estimates import Audited, ErrorRate, error_rate
from handoff.audit.messages import (
    AuditCommand,
    AuditEvent,
    AuditItem,
    AuditorAnswers,
    AuditorAsks,
    AuditorLeft,
    AuditRecord,
    AuditState,
    Automated,
    CallHandledBy,
    KeepAudit,
    NothingToAudit,
    Referred,
    RefuseAudit,
    ShowAudit,
    WithdrawAudit,
)
from handoff.audit.sampler import Sampler, SamplerState
from handoff.errors import ProtocolError
from handoff.events import DeadlinePassed
from handoff.labels import AuditAnswer
from handoff.policy import Policy

CLOSED_KEPT = 10_000  # of these, the newest, a repetition is known as one
_OPEN = (AuditState.QUEUED, AuditState.SHOWN)


class Audits:
    """Draws items and hands them to auditors, one at a time, the oldest first."""

    __slots__ = ("_closed", "_commands", "_leases", "_open", "_policy", "_sampler")

    def __init__(self, policy: Policy, *, key: bytes, records: Iterable[AuditRecord] = ()) -> None:
        """`key`: secret bytes for sampling. `records`: what was kept before a restart, oldest item first.

        All that are open, and of the others at least the last: the sampler goes on from it, and what is given
        is known as told. What was shown waits again. Raises `ValueError` for an empty key.
        """
        self._policy = policy.audit
        self._open: dict[str, AuditRecord] = {}  # oldest first
        self._closed: OrderedDict[str, None] = OrderedDict()  # ids, closed longest ago first
        self._leases: dict[str, float] = {}  # shown item -> until when
        self._commands: list[AuditCommand] = []
        state = SamplerState()
        for record in records:
            if record.state in _OPEN:
                self._open[record.item.audit_id] = replace(
                    record, state=AuditState.QUEUED, auditor=None
                )
            else:
                self._close(record.item.audit_id)
            if record.seen >= state.seen:
                state = SamplerState(record.seen, record.mean_risk)
        self._sampler = Sampler(policy, key=key, state=state)

    # --- the machine --------------------------------------------------------------------------

    def handle(self, event: AuditEvent, now: float) -> None:
        """Take in one event.

        Raises `ProtocolError` for an unknown type, `ValueError` for a risk outside [0, 1] or a propensity
        outside (0, 1].
        """
        self._expire(now)
        match event:
            case Automated():
                self._automated(event.item)
            case Referred():
                self._referred(event)
            case AuditorAsks():
                self._show_next(event.auditor_id, now)
            case AuditorAnswers():
                self._answered(event)
            case AuditorLeft():
                self._put_back(lambda record: record.auditor == event.auditor_id, "")
            case CallHandledBy():
                self._handled(event)
            case DeadlinePassed():
                pass  # seen to above
            case _:
                raise ProtocolError(f"audits know nothing of {type(event).__name__}")

    def next_deadline(self) -> float | None:
        """When to send `DeadlinePassed`, or None."""
        return min(self._leases.values(), default=None)

    def take_commands(self) -> list[AuditCommand]:
        """Hand out what has to be done since the last time, in order."""
        commands, self._commands = self._commands, []
        return commands

    @property
    def seen(self) -> int:
        """How many items could have been drawn so far, before restarts as well."""
        return self._sampler.state.seen

    def __len__(self) -> int:
        """How many audits are open."""
        return len(self._open)

    def waits_for(self, auditor_id: str) -> bool:
        """Whether asking would show them something that they do not have in hand already."""
        records = self._open.values()
        return not any(record.auditor == auditor_id for record in records) and any(
            record.state is AuditState.QUEUED and auditor_id not in record.item.handled_by
            for record in records
        )

    # --- actions ------------------------------------------------------------------------------

    def _automated(self, item: AuditItem) -> None:
        if self._is_known(item.audit_id):
            return  # told twice
        if self._is_full():
            self._sampler.propensity(item.risk)  # refuses what is no risk
            self._keep(item, AuditState.SKIPPED, 0.0)
            return
        drawn = self._sampler.draw(item.audit_id, item.risk)
        state = AuditState.QUEUED if drawn.chosen else AuditState.PASSED
        self._keep(item, state, drawn.propensity)

    def _referred(self, event: Referred) -> None:
        if not 0 < event.propensity <= 1:
            raise ValueError("a propensity must be above 0 and at most 1")
        if self._is_known(event.item.audit_id):
            return
        if self._is_full():
            self._keep(event.item, AuditState.SKIPPED, 0.0, referred=True)
        else:
            self._keep(event.item, AuditState.QUEUED, event.propensity, referred=True)

    def _show_next(self, auditor: str, now: float) -> None:
        mine = [r for r in self._open.values() if r.auditor == auditor]
        fit = (
            r
            for r in self._open.values()
            if r.state is AuditState.QUEUED and auditor not in r.item.handled_by
        )
        record = mine[0] if mine else next(fit, None)
        if record is None:
            self._do(NothingToAudit(auditor))
            return
        name = record.item.audit_id
        if not mine:
            self._leases[name] = now + self._policy.lease
            self._put(replace(record, state=AuditState.SHOWN, auditor=auditor))
        self._do(ShowAudit(auditor, record.item, self._leases[name]))

    def _answered(self, event: AuditorAnswers) -> None:
        record = self._open.get(event.audit_id)
        if record is None or record.auditor != event.auditor_id:
            reason = "over" if record is None else "not_yours"
            self._do(RefuseAudit(event.audit_id, event.auditor_id, reason))
            return
        self._leases.pop(event.audit_id, None)
        self._put(replace(record, state=AuditState.DONE, verdict=event.verdict, note=event.note))

    def _handled(self, event: CallHandledBy) -> None:
        for record in list(self._open.values()):
            item = record.item
            if item.call_id == event.call_id and event.operator_id not in item.handled_by:
                handlers = (*item.handled_by, event.operator_id)
                self._put(replace(record, item=replace(item, handled_by=handlers)))
        self._put_back(lambda record: record.auditor in record.item.handled_by, "own")

    def _expire(self, now: float) -> None:
        self._put_back(lambda record: self._leases[record.item.audit_id] <= now, "lapsed")

    # --- the rest -----------------------------------------------------------------------------

    def _put_back(self, which: Callable[[AuditRecord], bool], reason: str) -> None:
        """What was shown waits again, where it stood before; a reason is told to who had it."""
        for name in list(self._leases):
            record = self._open[name]
            if which(record):
                del self._leases[name]
                if reason:
                    self._do(WithdrawAudit(name, record.auditor or "", reason))
                self._put(replace(record, state=AuditState.QUEUED, auditor=None))

    def _is_known(self, audit_id: str) -> bool:
        return audit_id in self._open or audit_id in self._closed

    def _close(self, audit_id: str) -> None:
        self._open.pop(audit_id, None)
        self._closed[audit_id] = None
        if len(self._closed) > CLOSED_KEPT:
            self._closed.popitem(last=False)

    def _is_full(self) -> bool:
        return len(self._open) >= self._policy.max_open

    def _keep(
        self, item: AuditItem, state: AuditState, propensity: float, *, referred: bool = False
    ) -> None:
        seen, mean = self._sampler.state.seen, self._sampler.state.mean_risk
        self._put(AuditRecord(item, state, propensity, seen, mean, referred=referred))

    def _put(self, record: AuditRecord) -> None:
        if record.state in _OPEN:
            self._open[record.item.audit_id] = record
        else:
            self._close(record.item.audit_id)
        self._do(KeepAudit(record))

    def _do(self, command: AuditCommand) -> None:
        self._commands.append(command)


def answer_of(record: AuditRecord, at: float) -> AuditAnswer | None:
    """What learning makes labels of; None without a plain verdict. `at`: seconds since 1970.

    A verdict on a line says what moderation was worth, nothing of the AI's answer: None as well.
    """
    item = record.item
    if record.auditor is None or item.kind == "line" or record.verdict not in ("right", "wrong"):
        return None
    return AuditAnswer(
        item.audit_id,
        item.call_id,
        item.turn,
        "wrong" if record.verdict == "wrong" else "right",
        record.auditor,
        at,
        record.propensity,
    )


def error_rates(
    records: Iterable[AuditRecord], by: Literal["path", "category", "kind"], policy: Policy
) -> dict[str, ErrorRate]:
    """Error rates by path, category or kind, from the newest record of every automated item.

    Items that were skipped are left out: nothing is known of times when too many audits were open. A group
    with items that were drawn elsewhere has no count of all, and so the normalised estimate alone.
    """
    populations: dict[str, int] = {}
    uncounted: set[str] = set()
    drawn: dict[str, list[Audited]] = {}
    for record in records:
        if record.state is AuditState.SKIPPED:
            continue
        group: str = getattr(record.item, by)
        populations[group] = populations.get(group, 0) + 1
        if record.referred:
            uncounted.add(group)
        found = drawn.setdefault(group, [])
        if record.state is not AuditState.PASSED:
            wrong = {"right": False, "wrong": True}.get(record.verdict or "")
            found.append(Audited(record.propensity, wrong))
    return {
        group: error_rate(
            drawn[group], None if group in uncounted else population, clip=policy.audit.clip
        )
        for group, population in sorted(populations.items())
    }
