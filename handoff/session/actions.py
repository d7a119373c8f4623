"""What a call's session does on an event: one action for each kind of row of the table.

An action takes the event and the time, and returns the next state.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

from handoff.brief import Brief
from handoff.commands import (
    CallCommand,
    ConnectOperator,
    Decision,
    DisconnectOperator,
    EndCall,
    HoldAgent,
    Notice,
    RequestOperator,
    RequestTakeover,
    ResumeAgent,
    Tell,
    Urgency,
    WithdrawRequest,
)
from handoff.events import (
    AgentEndedCall,
    BridgeUp,
    CallerHungUp,
    CallStarted,
    DeadlinePassed,
    HandedBack,
    NobodyAvailable,
    OperatorAssigned,
    OperatorEndedCall,
    OperatorLost,
    ServerDraining,
    TakeoverAsked,
)
from handoff.policy import Policy
from handoff.states import CannotGoOn, HandOffDecided, State

# What a call becomes for whoever takes it, by reason, whatever it was about.
BECOMES = {"emergency": "emergency", "harmful_content": "abuse"}
BACKOFF_LIMIT = 300.0  # seconds; doubling stops here
MAX_REFUSALS = 20  # counting stops here: the largest `waiting.max_requests` there is


class Conversation(Protocol):
    """What the session must know of the conversation: the engine's memory of it."""

    call: CallStarted
    answered: bool
    category: str  # what the call is about

    def brief(self, decision: Decision) -> Brief:
        """Sum the call up for an operator."""


class Actions:
    """A session's memory, and all that it can do."""

    __slots__ = (
        "_backoff_until",
        "_bridge_at",
        "_call_id",
        "_clearings",
        "_codes",
        "_commands",
        "_conversation",
        "_decision",
        "_drain_at",
        "_limit_at",
        "_notice_at",
        "_policy",
        "_refusals",
        "_request_number",
        "_soft_backoff_until",
        "draining",
        "epoch",
        "helped",
        "operator_id",
        "operator_name",
        "outcome",
        "safe_mode",
        "state",
    )

    def __init__(self, policy: Policy, conversation: Conversation) -> None:
        self.state = State.AI
        self.safe_mode = False
        self.operator_id: str | None = None
        self.operator_name: str | None = None
        self.epoch = 0  # the newest fencing number seen
        self.helped = False  # a person has talked to the caller
        self.draining = False
        self.outcome: str | None = None
        self._policy = policy
        self._conversation = conversation
        self._call_id = conversation.call.call_id
        self._commands: list[CallCommand] = []
        self._decision: Decision | None = None  # why a person was asked last
        self._codes: tuple[str, ...] = ()  # its triggers
        self._request_number = 0  # grows with every RequestOperator, newer briefs included
        self._refusals = 0  # how often nobody came, since a person had the call
        self._backoff_until = float("-inf")
        self._clearings = 0  # how often triage left the call to the AI, since a person had it
        self._soft_backoff_until = float("-inf")
        self._notice_at: float | None = None
        self._limit_at: float | None = None
        self._bridge_at: float | None = None
        self._drain_at: float | None = None

    def _nothing(self, _event: Any, _now: float) -> State:
        return self.state

    def _request(self, event: HandOffDecided, now: float) -> State:
        self._do(HoldAgent(self._call_id))
        self._tell(Notice.CONNECTING)
        self._note(event, now)
        return self._ask(event.decision, now)

    def _note(self, event: HandOffDecided, _now: float) -> State:
        """Why an operator has or is taking the call, should they get lost."""
        self._decision, self._codes = event.decision, event.codes
        return self.state

    def _update_request(self, event: HandOffDecided, now: float) -> State:
        known = self._is_emergency
        self._note(event, now)
        if self._limit_at is not None and not known:
            self._limit_at = max(self._limit_at, now + self._least_wait(event.decision))
        self._do(self._request_for(event.decision))
        return State.WAITING

    def _ask_takeover(self, event: TakeoverAsked, _now: float) -> State:
        self._do(RequestTakeover(self._call_id, event.operator_id))
        return self.state

    def _connect(self, event: OperatorAssigned, now: float) -> State:
        if event.epoch <= self.epoch:
            return self.state  # older than what we know: the desk has moved on
        if self.state is State.AI:
            self._do(HoldAgent(self._call_id))
        if self.operator_id is not None:
            self._disconnect("replaced")
        self._stop_waiting()
        self.epoch = event.epoch
        self.operator_id = event.operator_id
        self.operator_name = event.operator_name
        self._bridge_at = now + self._policy.waiting.bridge
        self._do(ConnectOperator(self._call_id, event.operator_id, event.epoch))
        return State.BRIDGING

    def _refuse_late_operator(self, event: OperatorAssigned, _now: float) -> State:
        self._do(DisconnectOperator(self._call_id, event.operator_id, "call_ended", event.epoch))
        return State.ENDED

    def _bridged(self, event: BridgeUp, _now: float) -> State:
        if not self._is_present(event):
            return State.BRIDGING
        self._bridge_at = None
        self.helped = True
        return State.OPERATOR

    def _operator_lost(self, event: OperatorLost, now: float) -> State:
        if not self._is_present(event):
            return self.state
        return self._replace_operator("lost", now)

    def _handed_back(self, event: HandedBack, _now: float) -> State:
        if not self._is_present(event):
            return self.state
        self._disconnect("handed_back")
        self.safe_mode = False  # a person has looked at this call
        self._refusals = self._clearings = 0
        self._backoff_until = self._soft_backoff_until = float("-inf")
        self._tell(Notice.BACK_TO_AI)
        self._do(ResumeAgent(self._call_id, safe_mode=False, note=event.note))
        return State.AI

    def _declined(self, event: HandedBack, now: float) -> State:
        """Whoever accepted gives the call back before they spoke: nobody has helped."""
        if not self._is_present(event):
            return self.state
        self._disconnect("handed_back")
        self._count_refusal(now)
        self._tell(Notice.BACK_TO_AI)
        self._do(ResumeAgent(self._call_id, safe_mode=self.safe_mode, note=event.note))
        return State.AI

    def _operator_ended(self, event: OperatorEndedCall, _now: float) -> State:
        if not self._is_present(event):
            return self.state
        return self._end("handed_off" if self.helped else "failed", "operator_ended")

    def _nobody(self, event: NobodyAvailable, now: float) -> State:
        if event.request not in (None, self._request_number):
            return State.WAITING  # about an earlier request
        if event.reason == "cleared":
            return self._give_back_to_ai(now)
        promised = event.reason == "callback"
        return self._go_on_alone(now, Notice.CALLBACK if promised else Notice.NOBODY)

    def _agent_ended(self, _event: AgentEndedCall, _now: float) -> State:
        return self._end("handed_off" if self.helped else "automated", "agent_ended")

    def _cannot_go_on(self, event: CannotGoOn, _now: float) -> State:
        self._tell(Notice.GOODBYE)
        return self._end("handed_off" if self.helped else "failed", event.reason)

    def _hung_up(self, event: CallerHungUp, _now: float) -> State:
        if self.helped:
            outcome = "handed_off"
        elif self.state is State.AI and self._conversation.answered and not event.speaking:
            outcome = "automated"  # had the answer and saw no need for a goodbye
        else:
            outcome = "abandoned"
        return self._end(outcome, "caller_hung_up", withdraw="caller_gone")

    def _drain(self, _event: ServerDraining, now: float) -> State:
        if not self.draining:
            self.draining = True
            self._drain_at = now + self._policy.waiting.drain
        return self.state

    def _drain_waiting(self, event: ServerDraining, now: float) -> State:
        self._drain(event, now)
        if self._is_emergency:
            return State.WAITING
        self._do(self._withdrawal("withdrawn"))
        return self._go_on_alone(now)

    def _deadline(self, _event: DeadlinePassed, now: float) -> State:
        if self._drain_at is not None and now >= self._drain_at:
            return self._end_drained()
        if self._bridge_at is not None and now >= self._bridge_at:
            return self._replace_operator("bridge_failed", now)
        if self._limit_at is not None and now >= self._limit_at:
            self._do(self._withdrawal("withdrawn"))
            return self._go_on_alone(now)
        if self._notice_at is not None and now >= self._notice_at:
            self._tell(Notice.STILL_CONNECTING)
            self._notice_at = now + self._policy.waiting.notice_every
        return self.state

    # --- what the actions share -------------------------------------------------------------

    def _do(self, command: CallCommand) -> None:
        self._commands.append(command)

    def _tell(self, notice: Notice) -> None:
        self._do(Tell(self._call_id, notice))

    def _is_present(self, event: BridgeUp | OperatorLost | HandedBack | OperatorEndedCall) -> bool:
        return event.operator_id == self.operator_id and event.epoch in (None, self.epoch)

    def _withdrawal(self, reason: str) -> WithdrawRequest:
        return WithdrawRequest(self._call_id, reason, self._request_number)

    def _request_for(self, decision: Decision, skip: tuple[str, ...] = ()) -> RequestOperator:
        self._request_number += 1
        return RequestOperator(
            call_id=self._call_id,
            brief=self._conversation.brief(decision),
            decision=decision,
            skip=skip,
            skill=self._policy.skill,
            language=self._conversation.call.language,
            request=self._request_number,
            epoch=self.epoch,
            category=self._category,
        )

    @property
    def _category(self) -> str:
        """What the call asks of a person: what operator care counts."""
        harsh = (BECOMES[code] for code in self._codes if code in BECOMES)
        return next(harsh, self._conversation.category)

    def _ask(self, decision: Decision, now: float, skip: tuple[str, ...] = ()) -> State:
        self._decision = decision
        self._notice_at = now + self._policy.waiting.notice_every
        self._limit_at = now + max(self._policy.waiting.limit, self._least_wait(decision))
        self._do(self._request_for(decision, skip))
        return State.WAITING

    @property
    def _is_emergency(self) -> bool:
        """Whether the person was wanted for something that even a draining server asks for."""
        return self._decision is not None and self._decision.urgency is Urgency.CRITICAL

    def _least_wait(self, decision: Decision) -> float:
        """Seconds that those whom an emergency alerts have to come."""
        critical = decision.urgency is Urgency.CRITICAL
        return self._policy.triage.on_call_wait if critical else 0.0

    def _replace_operator(self, reason: str, now: float) -> State:
        lost = self.operator_id
        self._disconnect(reason)
        self._tell(Notice.OPERATOR_LOST)
        if self.draining and not self._is_emergency:
            return self._go_on_alone(now)
        if self._decision is None or lost is None:
            return self._go_on_alone(now)
        return self._ask(
            replace(self._decision, urgency=_at_least_high(self._decision)), now, (lost,)
        )

    def _go_on_alone(self, now: float, notice: Notice = Notice.NOBODY) -> State:
        self._stop_waiting()
        self.safe_mode = True
        self._count_refusal(now)
        self._tell(notice)
        self._do(ResumeAgent(self._call_id, safe_mode=True))
        return State.AI

    def _count_refusal(self, now: float) -> None:
        self._backoff_until = now + self._backoff(self._refusals)
        self._refusals = min(self._refusals + 1, MAX_REFUSALS)

    def _backoff(self, times: int) -> float:
        """Seconds before a person is asked for again, after so many times in vain."""
        return min(self._policy.waiting.backoff * 2.0**times, BACKOFF_LIMIT)

    def _give_back_to_ai(self, now: float) -> State:
        """Triage leaves the call to the AI: nobody was asked, so only the soft rule is held back."""
        self._stop_waiting()
        self._soft_backoff_until = now + self._backoff(self._clearings)
        self._clearings = min(self._clearings + 1, MAX_REFUSALS)
        self._tell(Notice.BACK_TO_AI)
        self._do(ResumeAgent(self._call_id, safe_mode=self.safe_mode))
        return State.AI

    def _stop_waiting(self) -> None:
        self._notice_at = self._limit_at = None

    def _disconnect(self, reason: str) -> None:
        if self.operator_id is not None:
            command = DisconnectOperator(self._call_id, self.operator_id, reason, self.epoch)
            self._do(command)
        self.operator_id = self.operator_name = None
        self._bridge_at = None

    def _end_drained(self) -> State:
        self._tell(Notice.DRAINING)
        alone = "automated" if self._conversation.answered else "failed"
        return self._end("handed_off" if self.helped else alone, "server_draining")

    def _end(self, outcome: str, reason: str, withdraw: str = "withdrawn") -> State:
        if self._request_number:  # in any state: a request may still be on its way to the desk
            self._do(self._withdrawal(withdraw))
        self._disconnect(reason)
        self._stop_waiting()
        self._drain_at = None
        self.outcome = outcome
        self._do(EndCall(self._call_id, outcome, reason))
        return State.ENDED


def _at_least_high(decision: Decision) -> Urgency:
    return Urgency.CRITICAL if decision.urgency is Urgency.CRITICAL else Urgency.HIGH
