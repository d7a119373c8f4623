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
_NOT_HELD = ("silences", "no_matches")  # what the next turn may mend
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
        self._pending: dict[str, str | None] = {}  # fired while nobody could be asked; their action
        self._requested: list[str] = []  # those of the request, or an emergency that nobody came to
        self._assessment = self._estimator.calm(self._memory.category)
        self._reading: Reading | None = None
        self._said: tuple[Mapping[str, Any], ...] = ()  # as dialogue acts, since the turn before
        self._reasons: tuple[Reason, ...] = ()

    # --- the machine ------------------------------------------------------------------------

    def handle(self, event: CallEvent, now: float) -> None:
        """Take in one event; raises `ProtocolError` for one of another call or an unknown type."""
        if isinstance(event, ActionFinished) and not event.ok and event.action_id in self._refused:
            return  # it was not allowed: whatever its agent reports, nothing has failed
        live = self._session.state is not State.ENDED
        if live:
            self._conduct.handle(event)
            self._speakers.note(event)
            self._signals.note(event)
            if not isinstance(event, HandedBack):  # it may be stale
                self._memory.note(event)
        match event:
            case CallStarted():
                if event.call_id != self._call.call_id:
                    raise ProtocolError(f"call {self._call.call_id} was told of {event.call_id}")
            case FloorReported():
                self._estimator.floor(event.expected_wait, event.price)
            case CallerSpoke() | CallerSilent():
                if live:
                    self._turn(event, now)
            case AgentSpoke() | StageTimed():
                pass  # noted above
            case ActionRefused():
                self._refuse(event.action_id)
            case (
                DigitPressed()
                | ActionProposed()
                | ActionFinished()
                | ComponentFailed()
                | SecondOpinion()
                | ContentFlagged()
            ):
                if live:
                    self._between_turns(event, now)
            case OperatorAssigned() if (
                self._session.state is State.AI and event.epoch > self._session.epoch
            ):
                self._taken_over(event, now)
            case HandedBack():
                before = self._session.state
                self._tell_session(event, now)
                if before is State.OPERATOR and self._session.state is State.AI:
                    self._memory.note(event)
                    self._start_afresh()
            case _:
                self._tell_session(event, now)

    def next_deadline(self) -> float | None:
        """When to send `DeadlinePassed`, or None."""
        return self._session.next_deadline()

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
        hard = self._triggers.of_turn(event, self._signals.dialogue)
        if self._session.state is not State.AI:
            if "emergency" in hard:
                self._ask(["emergency"], now)
            return
        self._said = self._speakers.turn(event)
        foreseen = None
        if self._foresight is not None:
            foreseen = self._foresight.turn(self._said, self._reading.recent)
        self._assessment = self._estimator.turn(self._reading, self._memory.category, foreseen)
        value = self._assessment.value
        if self._policy.rule == "simple":
            value = shortfall(self._policy, event.intent) if isinstance(event, CallerSpoke) else 0.0
        self._decide(hard, soft=self._latch.turn(value), now=now)

    def _between_turns(self, event: BetweenTurns, now: float) -> None:
        if isinstance(event, ActionProposed):
            self._refused.pop(event.action_id, None)  # proposed anew
        if isinstance(event, ActionFinished) and event.ok:
            self._settle(event.action_id)
        hard = self._triggers.between_turns(event)
        if self._session.state is State.WAITING:
            self._ask(hard, now)
        elif hard and self._session.state is State.AI:
            of = event.action_id if isinstance(event, ActionProposed) else None
            self._decide(hard, soft=False, now=now, of=of)
        if isinstance(event, ComponentFailed):
            self._give_up_if_broken(now)

    def _decide(self, hard: list[str], *, soft: bool, now: float, of: str | None = None) -> None:
        """Decide on what has just fired and what waits for a person; `of`: the action it fired for."""
        free = self._session.may_request(now, urgent="emergency" in hard)
        soft = soft and self._session.may_request(now, soft=True)
        if free and (hard or self._pending or soft):
            hard, self._pending = [*self._pending, *hard], {}
            self._latch.disarm()
            self._ask(hard, now)
            return
        self._keep(hard, hand_off=False)
        for code in hard:
            if code not in _NOT_HELD and self._pending.get(code, "") is not None:
                self._pending[code] = of
        if any(code in _ASKED for code in hard):
            self._commands.append(Tell(self._call.call_id, Notice.NOBODY))

    def _ask(self, codes: list[str], now: float) -> None:
        """Ask for a person; whoever is called or there already must know of what is new."""
        if self._session.state is State.AI or set(codes) - set(self._requested):
            self._requested = by_urgency([*self._requested, *codes])
            self._tell_session(self._keep(self._requested), now)

    def _taken_over(self, event: OperatorAssigned, now: float) -> None:
        self._requested, self._pending = by_urgency([*self._requested, *self._pending]), {}
        self._latch.disarm()
        codes = by_urgency(["takeover", *self._requested])
        wanted = self._keep(codes, DecisionKind.TAKEN_OVER)
        self._tell_session(event, now)
        self._tell_session(wanted, now)  # should the operator get lost

    def _keep(
        self, codes: list[str], kind: DecisionKind | None = None, *, hand_off: bool = True
    ) -> HandOffDecided:
        """Make a decision and have it kept; the triggers' codes come the most urgent first."""
        seen = self._assessment
        decision = Decision(
            call_id=self._call.call_id,
            turn=self._memory.turns,
            hand_off=hand_off,
            kind=kind or (DecisionKind.HARD if codes else DecisionKind.SOFT),
            confidence=seen.confidence,
            risk=seen.risk,
            breakdown=seen.breakdown,
            error=seen.error,
            value=seen.value,
            reasons=tuple([*self._triggers.reasons(codes), *seen.reasons][:3]),
            urgency=urgency_of(codes, seen.reasons),
        )
        self._reasons = decision.reasons
        self._commands.append(KeepDecision(self._call.call_id, decision))
        return HandOffDecided(decision, tuple(codes))

    def _refuse(self, action_id: str) -> None:
        self._settle(action_id)
        self._refused[action_id] = None
        if len(self._refused) > _MOST_REFUSED:
            del self._refused[next(iter(self._refused))]

    def _settle(self, action_id: str) -> None:
        """What an action needed a person for is over."""
        self._pending = {code: of for code, of in self._pending.items() if of != action_id}

    def _give_up_if_broken(self, now: float) -> None:
        """Parts keep breaking and no person may be asked: do not leave the caller in silence."""
        broken = self._triggers.failures >= self._policy.waiting.max_failures
        if broken and self._session.state is State.AI and not self._session.may_request(now):
            self._tell_session(CannotGoOn("component_failed"), now)

    def _start_afresh(self) -> None:
        """A person has sorted things out: what was before says nothing about what follows."""
        self._signals.forget()
        self._conduct = _conduct(self._policy)
        self._requested = []
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
        if self._session.state is State.AI and before is not State.AI:
            self._requested = [code for code in self._requested if code == "emergency"]
            if before is not State.OPERATOR:
                self._latch.arm()  # nobody has helped; asking in vain has pauses and an end


def _conduct(policy: Policy) -> ConductReader:
    """A reader of the agent's conduct, at the share of wrong actions that the policy expects."""
    return ConductReader(SHIPPED_ACTION.at(policy.oversight.wrong))
