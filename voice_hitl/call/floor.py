"""The floor's shell: one inbox and one owner task around `handoff.desk.Desk`.

What the desk wants is carried out in order. A decision is stored before it rings, an accepted offer before
anybody is told.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Protocol

from handoff import commands as core
from handoff import events as facts
from handoff.desk import Desk
from handoff.ports import EventRecord, MachineRecord
from handoff.wiring import call_event, desk_event
from voice_hitl.call.inbox import FloorSaid
from voice_hitl.call.journal import Journal
from voice_hitl.call.ports import ConsolePort, Told
from voice_hitl.call.promising import Promises, kept_callback
from voice_hitl.call.service import MachineService
from voice_hitl.clock import Clock
from voice_hitl.log import get_logger

log = get_logger(__name__)

MACHINE = "floor"
EPOCH = "epoch"  # the newest that a callback was given; those of calls are with their requests
AT_WORK = ("in_call", "wrap_up")


class FloorCall(Told[FloorSaid], Protocol):
    """What the floor needs of a live call."""

    def offered(self, operator_id: str) -> None:
        """An offer for this call was put on a console."""

    def accepted(self, operator_id: str, epoch: int) -> None:
        """An operator accepted; to be stored before they are told."""


class WorkWatch(Protocol):
    """Whoever looks after the operators: what they work at, and when they do not."""

    def work_started(self, operator_id: str, work_id: str, category: str | None) -> None:
        """An operator has something in hand."""

    def work_ended(self, operator_id: str, work_id: str) -> None:
        """They no longer have it, wrap-up included."""

    def presence(self, operator_id: str, presence: facts.Presence) -> None:
        """What an operator said of themselves."""

    def left(self, operator_id: str) -> None:
        """An operator is gone."""


class CostWatch(Protocol):
    """Whoever tells calls what a handoff costs."""

    def began(self, call_id: str, language: str) -> facts.FloorReported:
        """A call begins; returns what it is to be told first."""

    def routed(self, call_id: str, kind: core.DecisionKind) -> None:
        """A call asked for a person, or was taken over."""

    def call_over(self, call_id: str) -> None:
        """A call has ended."""

    def floor_changed(self) -> None:
        """Something on the floor is different."""


class FloorService(MachineService[facts.DeskEvent, core.DeskCommand]):
    """Owns the desk."""

    def __init__(
        self,
        desk: Desk,
        clock: Clock,
        journal: Journal,
        consoles: ConsolePort,
        find_call: Callable[[str], FloorCall | None],
        care: WorkWatch,
        costs: CostWatch,
        on_presence: Callable[[str, str], None],
        on_cleared: Callable[[core.AuditCleared, facts.HandoffRequested], None],
    ) -> None:
        """`on_presence` hears how an operator's presence changed, `on_cleared` what triage left to the AI
        and is drawn for people to look at."""
        super().__init__(desk, clock, wake=facts.DeadlinePassed())
        self.desk = desk
        self._care = care
        self._costs = costs
        self._promises = Promises(self.post)
        self._in_hand: dict[str, str] = {}  # call or callback, by operator
        self._journal = journal
        self._consoles = consoles
        self._find_call = find_call
        self._on_presence = on_presence
        self._on_cleared = on_cleared

    def free(self) -> tuple[str, ...]:
        """Who could look at something now: has room for it and does not rest; the least loaded first."""
        return self.desk.for_work(1, None, None, self._clock.now())

    def work_taken(self, operator_id: str, work_id: str, kind: str, weight: int = 1) -> None:
        """An operator has an approval, a review or the like on their screen."""
        self.post(facts.WorkTaken(operator_id, work_id, weight))
        self._care.work_started(operator_id, work_id, kind)

    def work_done(self, operator_id: str, work_id: str) -> None:
        """It is done, over, or somebody else's."""
        self.post_always(facts.WorkDone(operator_id, work_id))
        self._care.work_ended(operator_id, work_id)

    def began(self, call_id: str, language: str) -> facts.FloorReported:
        """A call begins; returns what a handoff would cost it."""
        return self._costs.began(call_id, language)

    def tell(
        self,
        command: core.RequestOperator
        | core.RequestTakeover
        | core.WithdrawRequest
        | core.DisconnectOperator,
    ) -> None:
        """Pass a call's command on to the desk."""
        if isinstance(command, core.RequestOperator):
            self._costs.routed(command.call_id, command.decision.kind)
        event = desk_event(command)
        if event is not None:
            self.post(event)

    def call_over(self, call_id: str) -> None:
        """A call has ended, however it ended."""
        self.post_always(facts.CallOver(call_id))
        self._costs.call_over(call_id)

    async def run(self) -> None:
        """Own the desk until cancelled."""
        for record in self.desk.callbacks():
            self._consoles.callback_changed(record.shifted(self._clock.epoch))
        await super().run()

    async def _before(self, event: facts.DeskEvent) -> facts.DeskEvent:
        match event:
            case facts.HandoffRequested():
                if self._find_call(event.call_id) is not None:
                    self._promises.asked(event)
                await self._journal.caught_up()
            case facts.OperatorPresence():
                self._care.presence(event.operator_id, event.presence)
            case facts.CallOver():
                self._promises.call_over(event.call_id)
        return event

    def _after(self) -> None:
        offered = {offer.offer_id: offer.operator_id for offer in self.desk.offers()}
        self._consoles.queue(self.desk.waiting(), offered, self._clock.epoch)
        self._costs.floor_changed()

    async def _carry_out(self, command: core.DeskCommand) -> None:
        match command:
            case core.Ring():
                call = self._find_call(command.call_id)
                if call is None:
                    return  # the end of the call is in the inbox and withdraws the request
                self._consoles.ring(command, command.deadline - self._clock.now())
                call.offered(command.operator_id)
            case core.StopRinging():
                self._consoles.offer_over(
                    command.operator_id, command.offer_id, command.call_id, command.reason
                )
            case core.RefuseAccept():
                self._consoles.offer_over(
                    command.operator_id, command.offer_id, command.call_id, command.reason
                )
            case core.Assign():
                await self._assign(command)
            case core.AssignCallback():
                await self._assign_callback(command)
            case core.RingCallback():
                self._consoles.ring_callback(
                    command,
                    command.record.shifted(self._clock.epoch),
                    command.deadline - self._clock.now(),
                )
            case core.GiveUp():
                if self._is_promised(command):
                    self._nobody(command, "callback")
                elif not self._promises.promise(command):
                    self._nobody(command, command.reason)
            case core.KeepCallback():
                await self._keep_callback(command)
            case core.RefuseCallback():
                given_up = self._promises.answered(command.callback_id)
                if given_up is not None:
                    self._nobody(given_up, given_up.reason)
            case core.AlertOnCall():
                self._consoles.alert(command.operator_ids, command.call_id, command.brief)
            case core.AlertOver():
                self._consoles.alert_over(command.operator_ids, command.call_id, command.reason)
            case core.AuditCleared():
                self._log(command)
                request = self._promises.request(command.call_id)
                if request is not None:
                    self._on_cleared(command, request)
            case core.KeepOverride() | core.RefuseOverride():
                self._log(command)
            case core.PresenceChanged():
                self._presence_changed(command)

    def _nobody(self, given_up: core.GiveUp, reason: str) -> None:
        call = self._find_call(given_up.call_id)
        if call is not None:
            call.post(FloorSaid(call_event(replace(given_up, reason=reason))))

    def _presence_changed(self, command: core.PresenceChanged) -> None:
        operator_id, presence = command.operator_id, command.presence
        before = self._in_hand.get(operator_id)
        now = before
        if presence == "in_call":
            now = command.busy_with
        elif presence not in AT_WORK:
            now = None
        if presence == "gone":
            self._in_hand.pop(operator_id, None)
            self._care.left(operator_id)
        elif now != before:
            if before is not None:
                del self._in_hand[operator_id]
                self._care.work_ended(operator_id, before)
            if now is not None:
                self._in_hand[operator_id] = now
                category = self._promises.category(now, self.desk.callbacks())
                self._care.work_started(operator_id, now, category)
        self._consoles.presence(operator_id, presence, command.busy_with, command.load)
        self._on_presence(operator_id, presence)

    # --- callbacks ---

    def _is_promised(self, given_up: core.GiveUp) -> bool:
        """Whether this call's caller will be called back already."""
        return given_up.reason == "nobody" and any(
            record.call_id == given_up.call_id for record in self.desk.callbacks()
        )

    async def _keep_callback(self, command: core.KeepCallback) -> None:
        record = command.record
        ticket = self._journal.put(kept_callback(record, self._clock, self._clock.now()))
        given_up = self._promises.answered(record.callback_id)
        if given_up is not None:  # the caller hears of it once nothing can lose it
            kept = await self._journal.stored(ticket)
            self._nobody(given_up, "callback" if kept else given_up.reason)
        self._consoles.callback_changed(record.shifted(self._clock.epoch))

    async def _assign_callback(self, command: core.AssignCallback) -> None:
        epoch = {"epoch": command.epoch}
        self._journal.put(MachineRecord(MACHINE, EPOCH, self._clock.wall(), "given", detail=epoch))
        await self._journal.caught_up()
        self._consoles.offer_over(
            command.operator_id, command.offer_id, command.callback_id, "accepted"
        )
        for record in self.desk.callbacks():
            if record.callback_id == command.callback_id and self._find_call(record.call_id):
                self._promises.serve_instead(record, command.operator_id)

    # --- the audit log ---

    def _log(self, command: core.AuditCleared | core.KeepOverride | core.RefuseOverride) -> None:
        actor, detail = "server", dict[str, Any]()
        match command:
            case core.AuditCleared():
                action = "audit_cleared"
                detail = {"score": command.score, "propensity": command.propensity}
                detail["request"] = command.request
            case core.KeepOverride():
                actor, action = command.by, command.action.value
                detail = {"why": command.why, "before": command.before, "after": command.after}
            case core.RefuseOverride():
                actor, action = command.by, f"{command.action.value}_refused"
                detail = {"reason": command.reason}
                self._consoles.override_refused(command.by, command.reason)
        self._journal.put(
            EventRecord(
                event_id=uuid.uuid4().hex,
                at=self._clock.wall(),
                actor=actor,
                action=f"triage.{action}",
                call_id=command.call_id,
                detail=detail,
            )
        )

    # --- calls ---

    async def _assign(self, command: core.Assign) -> None:
        call = self._find_call(command.call_id)
        if call is not None:
            call.accepted(command.operator_id, command.epoch)
            await self._journal.caught_up()
        if call is None or self._find_call(command.call_id) is not call:
            self._promises.not_taken(command.call_id)
            self.post_always(
                facts.CallReleased(command.call_id, command.operator_id, command.epoch)
            )
            self._consoles.offer_over(
                command.operator_id, command.offer_id, command.call_id, "caller_gone"
            )
            return
        self._consoles.offer_over(
            command.operator_id, command.offer_id, command.call_id, "accepted"
        )
        self._costs.routed(command.call_id, core.DecisionKind.TAKEN_OVER)  # unless it asked before
        self._promises.taken(command.call_id, self.desk.callbacks())
        call.post(FloorSaid(call_event(command)))


def last_epoch(records: Iterable[MachineRecord]) -> int:
    """The largest epoch that a callback was given in earlier runs; 0 for none."""
    return max((int(r.detail.get("epoch", 0)) for r in records if r.key == EPOCH), default=0)
