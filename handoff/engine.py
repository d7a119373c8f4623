"""The decision engine of one call: events in; risk, decisions and the session's commands out.

Sans-I/O: whoever drives it calls `handle(event, now)`, carries out `take_commands()` in order, and sends
`DeadlinePassed` when `next_deadline()` has come. Time and memory a turn do not grow with the call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from handoff.acts import LiveTurns
from handoff.brief import Brief, Memory
from handoff.commands import CallCommand, Decision, DecisionKind, KeepDecision, Notice, Reason, Tell
from handoff.conduct import SHIPPED_ACTION, ConductReader
from handoff.errors import ProtocolError
from handoff.events import (
    ActionFinished,
    ActionProposed,
    ActionRefused,
    AgentSpoke,
    CallerSilent,
    CallerSpoke,
    CallEvent,
    CallStarted,
    ComponentFailed,
    ContentFlagged,
    DeadlinePassed,
    DigitPressed,
    FloorReported,
    HandedBack,
    OperatorAssigned,
    SecondOpinion,
    StageTimed,
)
from handoff.oversight import Circumstances, Proposal, Verdict, judge
from handoff.policy import Policy
from handoff.risk import SHIPPED, Estimator, Latch, Marks, Models, shortfall
from handoff.session import Session
from handoff.signals import Reading, Signals
from handoff.states import CannotGoOn, HandOffDecided, SessionEvent, State
from handoff.triggers import BetweenTurns, Triggers, by_urgency, urgency_of

# The caller asked or is in danger: say so when nobody can be asked now.
_ASKED = ("explicit_request", "digit_zero", "emergency")
# What the next turn may mend, or (an emergency) is held as long as nobody has sorted it out.
_NOT_HELD = ("silences", "no_matches", "emergency")
_MOST_REFUSED = 64  # ids of actions that were not allowed; older ones are forgotten


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a console shows of a call."""

    state: State
    safe_mode: bool
    turn: int
    confidence: float
    risk: float
    reasons: tuple[Reason, ...]
    intent: str | None
    operator_id: str | None
    operator_name: str | None
    epoch: int
    outcome: str | None
    marks: Marks | None  # of risk, for a handoff without a trigger; None: risk does not decide
    low_turns: int  # turns in a row above the low mark that start one; above the high mark, one
    armed: bool  # whether one may start now, or calm turns must come first


class CallEngine:
    """Decides for one call; `now` is monotonic seconds, the same clock in every method."""

    __slots__ = (
        "_assessment",
        "_call",
        "_commands",
        "_conduct",
        "_emergency",
        "_estimator",
        "_foresight",
        "_latch",
        "_memory",
        "_pending",
        "_policy",
        "_reading",
        "_reasons",
        "_refused",
        "_requested",
        "_said",
        "_session",
        "_signals",
        "_speakers",
        "_triggers",
    )

    def __init__(
        self, call: CallStarted, policy: Policy, now: float, models: Models = SHIPPED
    ) -> None:
        self._call = call
        self._policy = policy
        self._memory = Memory(call, policy.brief.exchanges, policy.brief.tried)
        self._signals = Signals(now)
        self._triggers = Triggers(policy)
        self._estimator = Estimator(policy, models)
        self._speakers = LiveTurns()
        self._foresight = models.acts.follow() if models.acts is not None else None
        self._conduct = _conduct(policy)
        self._refused: dict[str, None] = {}  # actions that were not allowed, by id
        self._latch = Latch.of(policy)
        self._session = Session(policy, self._memory)
        self._commands: list[CallCommand] = []
        self._emergency = False  # heard of, and nobody has handed the call back since
        self._pending: list[str] = []  # triggers that fired while nobody could be asked
        self._requested: list[str] = []  # those of the request that waits
        self._assessment = self._estimator.calm(self._memory.category)
        self._reading: Reading | None = None
        self._said: tuple[Mapping[str, Any], ...] = ()  # as dialogue acts, since the turn before
        self._reasons: tuple[Reason, ...] = ()

    # --- the machine ------------------------------------------------------------------------

    def handle(self, event: CallEvent, now: float) -> None:
        """Take in one event; raises `ProtocolError` for one of another call or an unknown type."""
        if isinstance(event, ActionFinished) and not event.ok and event.action_id in self._refused:
            return  # it was not allowed: whatever its agent reports, nothing has failed
        if self._session.state is not State.ENDED:
            self._conduct.handle(event)
            self._speakers.note(event)
        if isinstance(event, ActionProposed):
            self._refused.pop(event.action_id, None)  # proposed anew
        match event:
            case CallStarted():
                if event.call_id != self._call.call_id:
                    raise ProtocolError(f"call {self._call.call_id} was told of {event.call_id}")
            case CallerSpoke() | CallerSilent():
                if self._session.state is not State.ENDED:
                    self._memory.note(event)
                    self._turn(event, now)
            case FloorReported():
                self._estimator.floor(event.expected_wait, event.price)
            case (
                DigitPressed()
                | ActionProposed()
                | ActionFinished()
                | ComponentFailed()
                | SecondOpinion()
                | ContentFlagged()
            ):
                if self._session.state is not State.ENDED:
                    self._memory.note(event)
                    self._signals.note(event)
                    self._between_turns(event, now)
            case ActionRefused():
                self._refused[event.action_id] = None
                if len(self._refused) > _MOST_REFUSED:
                    del self._refused[next(iter(self._refused))]
                self._memory.note(event)
            case AgentSpoke() | StageTimed():
                if self._session.state is not State.ENDED:
                    self._memory.note(event)
                    self._signals.note(event)
            case OperatorAssigned():
                if self._session.state is State.AI and event.epoch > self._session.epoch:
                    self._taken_over()
                self._tell_session(event, now)
            case HandedBack():
                before = self._session.state
                self._tell_session(event, now)
                if before is State.OPERATOR and self._session.state is State.AI:
                    self._memory.note(event)
                    self._start_afresh()
            case DeadlinePassed():
                self._tell_session(event, now)
                if self._pending and self._session.may_request(now):
                    self._decide([], soft=False, now=now)
            case _:
                self._tell_session(event, now)

    def next_deadline(self) -> float | None:
        """When to send `DeadlinePassed`, or None."""
        times = [self._session.next_deadline()]
        if self._pending:
            times.append(self._session.may_request_at())
        return min((time for time in times if time is not None), default=None)

    def take_commands(self) -> list[CallCommand]:
        """Hand out what has to be done since the last time, in order."""
        commands, self._commands = self._commands, []
        return commands

    # --- views ------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """Who talks to the caller."""
        return self._session.state

    @property
    def answering(self) -> bool:
        """Whether the AI answers the caller's turns."""
        return self._session.state is State.AI

    @property
    def safe_mode(self) -> bool:
        """Whether nothing irreversible may be done."""
        return self._session.safe_mode

    @property
    def epoch(self) -> int:
        """The newest fencing number seen."""
        return self._session.epoch

    @property
    def raw_signals(self) -> Mapping[str, float]:
        """The raw signals of the last caller turn, by name; to be logged with the turn."""
        return self._reading.raw if self._reading else {}

    def snapshot(self) -> Snapshot:
        """What a console shows of this call."""
        return Snapshot(
            state=self._session.state,
            safe_mode=self._session.safe_mode,
            turn=self._memory.turns,
            confidence=self._assessment.confidence,
            risk=self._assessment.risk,
            reasons=self._reasons,
            intent=self._memory.intent,
            operator_id=self._session.operator_id,
            operator_name=self._session.operator_name,
            epoch=self._session.epoch,
            outcome=self._session.outcome,
            marks=self._assessment.marks if self._policy.rule == "value" else None,
            low_turns=self._policy.hysteresis.low_turns,
            armed=self._latch.armed,
        )

    def brief(self) -> Brief | None:
        """The call summed up as it stands, for whoever takes it; None while nobody was ever wanted."""
        return self._session.brief()

    def oversee(self, proposal: Proposal) -> Verdict | None:
        """How a proposed action is overseen now; ask after `handle` was told of it.

        None: not at all, because a person is taking or has taken the call: it must not be done.
        """
        if self._session.state is not State.AI:
            return None
        seen, action = self._assessment, self._conduct.risk(proposal.action_id)
        error = max(seen.error, action.probability if action is not None else 0.0)
        call = Circumstances(seen.risk, error, self._session.safe_mode)
        return judge(self._policy, proposal, call)

    def doubts(self, action_id: str) -> tuple[str, ...]:
        """Why a proposed action may be wrong, by how it came about; in words, largest first."""
        action = self._conduct.risk(action_id)
        return () if action is None else tuple(reason.words for reason in action.reasons)

    # --- judging ----------------------------------------------------------------------------

    def _turn(self, event: CallerSpoke | CallerSilent, now: float) -> None:
        self._reading = self._signals.turn(event, now)
        alarm = isinstance(event, CallerSpoke) and event.dialogue.emergency
        alarm = alarm and self._policy.triggers.emergency.enabled
        known, self._emergency = self._emergency, self._emergency or alarm
        if self._session.state is not State.AI:
            if alarm:
                self._raise_alarm(now, known=known)
            return
        self._said = self._speakers.turn(event)
        foreseen = None
        if self._foresight is not None:
            foreseen = self._foresight.turn(self._said, self._reading.recent)
        self._assessment = self._estimator.turn(self._reading, self._memory.category, foreseen)
        self._reasons = self._assessment.reasons
        value = self._assessment.value
        if self._policy.rule == "simple":
            value = shortfall(self._policy, event.intent) if isinstance(event, CallerSpoke) else 0.0
        soft = self._latch.turn(value)
        hard = self._triggers.of_turn(event, self._signals.dialogue)
        self._decide(hard, soft=soft, now=now)

    def _between_turns(self, event: BetweenTurns, now: float) -> None:
        hard = self._triggers.between_turns(event)
        if hard and self._session.state is State.AI:
            self._decide(hard, soft=False, now=now)
        elif self._session.state is State.WAITING and set(hard) - set(self._requested):
            self._renew_request(hard, now)
        if isinstance(event, ComponentFailed):
            self._give_up_if_broken(now)

    def _decide(self, hard: list[str], *, soft: bool, now: float) -> None:
        """Decide on the triggers that have just fired, and on those that wait for a person to be asked."""
        urgent = "emergency" in hard
        if self._session.may_request(now, urgent=urgent):
            hard = by_urgency([*hard, *self._pending])
        soft = soft and self._session.may_request(now, soft=True)
        hand_off = soft or (bool(hard) and self._session.may_request(now, urgent=urgent))
        codes = self._with_emergency(hard) if hand_off else hard
        decision = self._decision(codes, hand_off=hand_off)
        self._reasons = decision.reasons
        self._commands.append(KeepDecision(self._call.call_id, decision))
        if hand_off:
            self._pending, self._requested = [], hard
            self._latch.disarm()
            self._tell_session(HandOffDecided(decision), now)
            return
        self._pending = by_urgency([*self._pending, *(c for c in hard if c not in _NOT_HELD)])
        if any(code in _ASKED for code in hard):
            self._commands.append(Tell(self._call.call_id, Notice.NOBODY))

    def _renew_request(self, hard: list[str], now: float) -> None:
        """More has happened while a person is called: they must read of it, and may have to hurry."""
        self._requested = by_urgency([*hard, *self._requested])
        codes = self._with_emergency(self._requested)
        decision = self._decision(codes, hand_off=True)
        self._reasons = decision.reasons
        self._commands.append(KeepDecision(self._call.call_id, decision))
        self._tell_session(HandOffDecided(decision), now)

    def _decision(
        self, hard: list[str], *, hand_off: bool, kind: DecisionKind | None = None
    ) -> Decision:
        seen = self._assessment
        return Decision(
            call_id=self._call.call_id,
            turn=self._memory.turns,
            hand_off=hand_off,
            kind=kind or (DecisionKind.HARD if hard else DecisionKind.SOFT),
            confidence=seen.confidence,
            risk=seen.risk,
            breakdown=seen.breakdown,
            error=seen.error,
            value=seen.value,
            reasons=tuple([*self._triggers.reasons(hard), *seen.reasons][:3]),
            urgency=urgency_of(hard, seen.reasons),
        )

    def _with_emergency(self, codes: list[str]) -> list[str]:
        """An emergency is not over because the next turn was calm, or because nobody came."""
        if not self._emergency or "emergency" in codes:
            return codes
        return ["emergency", *codes]

    def _raise_alarm(self, now: float, *, known: bool) -> None:
        """An emergency while a person is called: ring louder; while one is there: should they get lost."""
        waiting = self._session.state is State.WAITING
        if known and not waiting:
            return
        codes = self._with_emergency(self._requested if waiting else [])
        decision = self._decision(codes, hand_off=True)
        self._reasons = decision.reasons
        self._commands.append(KeepDecision(self._call.call_id, decision))
        if waiting:
            self._tell_session(HandOffDecided(decision), now)
        else:
            self._session.note_decision(decision)

    def _taken_over(self) -> None:
        self._requested = self._pending  # should the operator get lost
        codes = self._with_emergency(["takeover", *self._pending])
        decision = self._decision(codes, hand_off=True, kind=DecisionKind.TAKEN_OVER)
        self._reasons = decision.reasons
        self._latch.disarm()
        self._session.note_decision(decision)
        self._commands.append(KeepDecision(self._call.call_id, decision))

    def _give_up_if_broken(self, now: float) -> None:
        """Parts keep breaking and no person may be asked: do not leave the caller in silence."""
        broken = self._triggers.failures >= self._policy.waiting.max_failures
        if broken and self._session.state is State.AI and not self._session.may_request(now):
            self._tell_session(CannotGoOn("component_failed"), now)

    def _start_afresh(self) -> None:
        """A person has sorted things out: what was before says nothing about what follows."""
        self._signals.forget()
        self._conduct = _conduct(self._policy)
        self._emergency = False
        self._pending = []
        self._triggers.reset()
        self._speakers = LiveTurns()
        acts = self._estimator.models.acts
        self._foresight = acts.follow() if acts is not None else None
        self._estimator.reset()
        self._assessment = self._estimator.calm(self._memory.category)
        self._reasons = ()

    def _tell_session(self, event: SessionEvent, now: float) -> None:
        before = self._session.state
        self._session.handle(event, now)
        self._commands += self._session.take_commands()
        if self._session.state is State.AI and before not in (State.AI, State.OPERATOR):
            self._latch.arm()  # nobody has helped; asking in vain has pauses and an end


def _conduct(policy: Policy) -> ConductReader:
    """A reader of the agent's conduct, at the share of wrong actions that the policy expects."""
    return ConductReader(SHIPPED_ACTION.at(policy.oversight.wrong))
