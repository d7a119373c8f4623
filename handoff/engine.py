"""The decision engine of one call: events in; risk, decisions and the session's commands out.

Sans-I/O: whoever drives it calls `handle(event, now)`, carries out `take_commands()` in order, and sends
`DeadlinePassed` when `next_deadline()` has come. Time and memory a turn do not grow with the call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from handoff.brief import Memory
from handoff.commands import CallCommand, Decision, KeepDecision, Notice, Reason, Tell, Urgency
from handoff.errors import ProtocolError
from handoff.events import (
    ActionFinished,
    ActionProposed,
    AgentSpoke,
    CallerSilent,
    CallerSpoke,
    CallEvent,
    CallStarted,
    ComponentFailed,
    DigitPressed,
    Effect,
    HandedBack,
    OperatorAssigned,
    StageTimed,
)
from handoff.policy import Policy, Trigger
from handoff.risk import PRIOR, Assessment, Estimator, Latch, Models, simple_value
from handoff.session import CannotGoOn, HandOffDecided, Session, State
from handoff.signals import Reading, Signals

HARD_WEIGHT = 100.0  # outweighs every soft reason; hard triggers are not weighed, they decide

HARD_WORDS: Mapping[str, str] = {
    "explicit_request": "the caller asked for a person",
    "emergency": "there may be danger or fraud under way",
    "regulated": "this needs a decision that the AI may not make",
    "irreversible_failed": "an action that cannot be undone has failed",
    "over_limit": "the request is above what the AI may do alone",
    "two_no_match": "the AI did not understand several times in a row",
    "two_silences": "the caller has gone silent",
    "component_failed": "a part of the AI broke during this call",
    "digit_zero": "the caller pressed 0",
    "takeover": "an operator took the call",
}
HARD_URGENCY: Mapping[str, Urgency] = {
    "emergency": Urgency.CRITICAL,
    "irreversible_failed": Urgency.HIGH,
    "component_failed": Urgency.HIGH,
    "regulated": Urgency.HIGH,
    "two_silences": Urgency.LOW,
}
REFUSALS: Mapping[str, str] = {
    "not_in_charge": "a person is taking or has taken the call",
    "over_limit": "above what the AI may do alone",
    "regulated": "a decision that the AI may not make",
    "safe_mode": "nothing irreversible while the call is in safe mode",
    "risk": "the conversation is too uncertain for something irreversible",
}
_UNSERVED = ("explicit_request", "digit_zero")  # the caller asked: say so when nobody can be asked


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


class CallEngine:
    """Decides for one call; `now` is monotonic seconds, the same clock in every method."""

    __slots__ = (
        "_asked",
        "_assessment",
        "_call",
        "_commands",
        "_estimator",
        "_failures",
        "_irreversible_failures",
        "_latch",
        "_memory",
        "_policy",
        "_reading",
        "_reasons",
        "_refused",
        "_session",
        "_signals",
    )

    def __init__(
        self, call: CallStarted, policy: Policy, now: float, models: Models = PRIOR
    ) -> None:
        self._call = call
        self._policy = policy
        self._memory = Memory(call, policy.brief.exchanges, policy.brief.tried)
        self._signals = Signals(now)
        self._estimator = Estimator(policy, models)
        self._latch = Latch(policy.hysteresis)
        self._session = Session(policy, self._memory)
        self._commands: list[CallCommand] = []
        self._assessment = self._estimator.calm(self._memory.category)
        self._reading: Reading | None = None
        self._reasons: tuple[Reason, ...] = ()
        self._refused: str | None = None  # the last action that was not allowed
        self._asked = 0  # turns in which a person was asked for
        self._irreversible_failures = 0
        self._failures = 0  # broken components

    # --- the machine ------------------------------------------------------------------------

    def handle(self, event: CallEvent, now: float) -> None:
        """Take in one event; raises `ProtocolError` for one of another call or an unknown type."""
        match event:
            case CallStarted():
                if event.call_id != self._call.call_id:
                    raise ProtocolError(
                        f"call {self._call.call_id} was told of call {event.call_id}"
                    )
                return
            case _ if self._session.state is State.ENDED:
                pass  # nothing to learn from a call that is over; the session may have to answer
            case CallerSpoke() | CallerSilent():
                self._memory.note(event)
                self._turn(event, now)
                return
            case DigitPressed() | ActionProposed() | ActionFinished() | ComponentFailed():
                self._memory.note(event)
                self._signals.note(event)
                self._between_turns(event, now)
                return
            case AgentSpoke() | StageTimed():
                self._memory.note(event)
                self._signals.note(event)
                return
            case OperatorAssigned() if self._session.state is State.AI:
                self._taken_over()
        if isinstance(event, _FACTS):
            return
        before = self._session.state
        self._session.handle(event, now)
        if isinstance(event, HandedBack) and before is not self._session.state:
            self._memory.note(event)
            self._start_afresh()
        self._commands += self._session.take_commands()

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
        )

    def allows(self, proposal: ActionProposed) -> tuple[bool, str]:
        """Whether the AI may do this now; ask after `handle(proposal)`.

        Returns (True, "") or (False, a code of `REFUSALS`). A refused action's failure does not count.
        """
        code = self._refusal(proposal)
        if code:
            self._refused = proposal.action_id
        return not code, code

    def _refusal(self, proposal: ActionProposed) -> str:
        if proposal.effect is Effect.READ and not proposal.over_limit and not proposal.regulated:
            return ""
        if self._session.state is not State.AI:
            return "not_in_charge"
        if proposal.over_limit:
            return "over_limit"
        if proposal.regulated:
            return "regulated"
        if proposal.effect is Effect.IRREVERSIBLE:
            if self._session.safe_mode:
                return "safe_mode"
            if self._assessment.risk >= self._policy.thresholds.irreversible_risk:
                return "risk"
        return ""

    # --- judging ----------------------------------------------------------------------------

    def _turn(self, event: CallerSpoke | CallerSilent, now: float) -> None:
        self._reading = self._signals.turn(event, now)
        if self._session.state is not State.AI:
            if isinstance(event, CallerSpoke) and event.dialogue.emergency:
                self._raise_alarm(now)
            return
        category = self._memory.category
        self._assessment = self._estimator.turn(self._reading, category)
        self._reasons = self._assessment.reasons
        value = self._assessment.value
        if self._policy.rule == "simple":
            value = self._simple(event)
            enter = value > 0 and self._latch.armed
            self._latch.turn(value)
        else:
            enter = self._latch.turn(value)
        hard = self._hard_of_turn(event)
        self._decide(hard, soft=enter, value=value, now=now, keep=True)

    def _simple(self, event: CallerSpoke | CallerSilent) -> float:
        if isinstance(event, CallerSilent):
            return 0.0
        facts = event.intent
        return simple_value(self._policy, facts.probability, facts.margin, facts.category)

    def _hard_of_turn(self, event: CallerSpoke | CallerSilent) -> list[str]:
        triggers = self._policy.triggers
        dialogue = self._signals.dialogue
        found: list[str] = []
        if isinstance(event, CallerSpoke):
            if event.dialogue.wants_person >= self._policy.thresholds.wants_person:
                self._asked += 1
            else:
                self._asked = 0
            if event.dialogue.emergency and triggers.emergency.enabled:
                found.append("emergency")
            if event.intent.category in self._policy.regulated and triggers.regulated.enabled:
                found.append("regulated")
            if _fires(triggers.explicit_request, self._asked):
                found.append("explicit_request")
            if _fires(triggers.two_no_match, dialogue.no_matches):
                found.append("two_no_match")
        elif _fires(triggers.two_silences, dialogue.silences):
            found.append("two_silences")
        return found

    def _between_turns(
        self, event: DigitPressed | ActionProposed | ActionFinished | ComponentFailed, now: float
    ) -> None:
        triggers = self._policy.triggers
        hard: list[str] = []
        match event:
            case DigitPressed(digit="0") if triggers.digit_zero.enabled:
                hard = ["digit_zero"]
            case ActionProposed():
                if event.regulated and triggers.regulated.enabled:
                    hard.append("regulated")
                if event.over_limit and triggers.over_limit.enabled:
                    hard.append("over_limit")
            case ActionFinished(effect=Effect.IRREVERSIBLE, ok=False):
                if event.action_id != self._refused:
                    self._irreversible_failures += 1
                    if _fires(triggers.irreversible_failed, self._irreversible_failures):
                        hard = ["irreversible_failed"]
            case ComponentFailed() if event.component != "tool":
                self._failures += 1
                if _fires(triggers.component_failed, self._failures):
                    hard = ["component_failed"]
        if hard and self._session.state is State.AI:
            self._decide(hard, soft=False, value=self._assessment.value, now=now, keep=False)
        if isinstance(event, ComponentFailed):
            self._give_up_if_broken(now)

    def _decide(self, hard: list[str], *, soft: bool, value: float, now: float, keep: bool) -> None:
        wanted = bool(hard) or soft
        possible = self._session.may_request(now, urgent="emergency" in hard)
        decision = self._decision(hard, hand_off=wanted and possible, value=value)
        if decision.reasons:
            self._reasons = decision.reasons
        if keep or decision.hand_off:
            self._commands.append(KeepDecision(self._call.call_id, decision))
        if decision.hand_off:
            self._latch.disarm()
            self._session.handle(HandOffDecided(decision), now)
            self._commands += self._session.take_commands()
        elif any(code in _UNSERVED for code in hard):
            self._commands.append(Tell(self._call.call_id, Notice.NOBODY))

    def _decision(self, hard: list[str], *, hand_off: bool, value: float) -> Decision:
        seen = self._assessment
        first = [
            Reason(code, HARD_WORDS[code], HARD_WEIGHT - place) for place, code in enumerate(hard)
        ]
        return Decision(
            call_id=self._call.call_id,
            turn=self._memory.turns,
            hand_off=hand_off,
            hard=bool(hard),
            confidence=seen.confidence,
            risk=seen.risk,
            breakdown=seen.breakdown,
            error=seen.error,
            value=value,
            reasons=tuple([*first, *seen.reasons][:3]),
            urgency=self._urgency(hard, seen),
        )

    def _urgency(self, hard: list[str], seen: Assessment) -> Urgency:
        ranks = list(Urgency)
        urgencies = [HARD_URGENCY.get(code, Urgency.MEDIUM) for code in hard]
        if seen.reasons and seen.reasons[0].code == "frustration":
            urgencies.append(Urgency.HIGH)
        return max(urgencies, key=ranks.index, default=Urgency.MEDIUM)

    def _raise_alarm(self, now: float) -> None:
        """An emergency while a person is already being called: ring louder."""
        if self._session.state is State.WAITING and self._policy.triggers.emergency.enabled:
            decision = self._decision(["emergency"], hand_off=True, value=self._assessment.value)
            self._reasons = decision.reasons
            self._commands.append(KeepDecision(self._call.call_id, decision))
            self._session.handle(HandOffDecided(decision), now)
            self._commands += self._session.take_commands()

    def _taken_over(self) -> None:
        decision = self._decision(["takeover"], hand_off=True, value=self._assessment.value)
        self._reasons = decision.reasons
        self._latch.disarm()
        self._session.note_takeover(decision)
        self._commands.append(KeepDecision(self._call.call_id, decision))

    def _give_up_if_broken(self, now: float) -> None:
        """Parts keep breaking and no person may be asked: do not leave the caller in silence."""
        broken = self._failures >= self._policy.waiting.max_failures
        if broken and self._session.state is State.AI and not self._session.may_request(now):
            self._session.handle(CannotGoOn("component_failed"), now)
            self._commands += self._session.take_commands()

    def _start_afresh(self) -> None:
        self._signals.forget()
        self._estimator.reset()
        self._assessment = self._estimator.calm(self._memory.category)
        self._reasons = ()
        self._latch.disarm()
        self._asked = self._irreversible_failures = self._failures = 0


def _fires(trigger: Trigger, count: int) -> bool:
    return trigger.enabled and count >= trigger.count


_FACTS = (
    CallerSpoke,
    CallerSilent,
    DigitPressed,
    ActionProposed,
    ActionFinished,
    AgentSpoke,
    StageTimed,
    ComponentFailed,
)
