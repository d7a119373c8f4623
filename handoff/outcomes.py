"""What came of what *h* and *q* said in live calls, as facts for `handoff.metrics`.

*h* is the probability that the conversation breaks down within `labels.HORIZON` turns of both speakers,
that is `CALLER_TURNS` of the caller. What a turn said of it comes to nothing when so many turns pass; before
that `labels.broke_down` says what came of it, as it does for learning. Where a handoff itself does not tell,
the operator's word is waited for; where it does, their word would come too late.

*q* is the probability that the next answer or action is wrong: known of turns that somebody judged, which are
the doubtful ones above all, so that its calibration is that of judged turns.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from handoff.commands import DecisionKind
from handoff.errors import ProtocolError
from handoff.labels import CALLER_TURNS, Verdict, broke_down
from handoff.metrics import Outcome, Predicted

CALLS = 2000  # that are remembered; judgements of older ones are too late
TURNS = 200  # of a call


@dataclass(frozen=True, slots=True)
class TurnDecided:
    """What both heads said of a caller's turn, and what was decided; of one turn the last counts."""

    call_id: str
    turn: int
    breakdown: float  # h
    error: float  # q
    hand_off: bool
    kind: DecisionKind
    codes: tuple[str, ...] = ()  # of the reasons


@dataclass(frozen=True, slots=True)
class TakenOver:
    """A person took the call without being asked."""

    call_id: str


@dataclass(frozen=True, slots=True)
class AiResumed:
    """The AI has the call again: the person gave it back, or none came."""

    call_id: str


@dataclass(frozen=True, slots=True)
class HandoffJudged:
    """The operator said what they think of the last handoff of a call."""

    call_id: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class TurnJudged:
    """Somebody found what the AI said or did in a turn right or wrong."""

    call_id: str
    turn: int
    wrong: bool


@dataclass(frozen=True, slots=True)
class CallEnded:
    """A call is over."""

    call_id: str
    outcome: Outcome


OutcomeEvent = TurnDecided | TakenOver | AiResumed | HandoffJudged | TurnJudged | CallEnded


@dataclass(slots=True)
class _Call:
    breakdown: OrderedDict[int, float] = field(default_factory=OrderedDict)  # open, by turn
    error: OrderedDict[int, float] = field(default_factory=OrderedDict)  # not judged, by turn
    unjudged: list[float] = field(default_factory=list)  # that led to the last handoff
    handed: bool = False


class Outcomes:
    """Matches predictions with what followed; the call least lately heard of is forgotten first."""

    __slots__ = ("_calls",)

    def __init__(self) -> None:
        self._calls: OrderedDict[str, _Call] = OrderedDict()

    def handle(self, event: OutcomeEvent) -> list[Predicted]:
        """Take in one event; returns the predictions that it settles.

        Raises `ProtocolError` for an unknown type of event, and for a probability outside [0, 1].
        """
        match event:
            case TurnDecided():
                return self._decided(event)
            case TakenOver(call_id):
                call = self._call(call_id)
                call.handed = True
                return self._settle(call, broke_down(DecisionKind.TAKEN_OVER))
            case AiResumed(call_id):
                self._call(call_id).handed = False
                return []
            case HandoffJudged(call_id, verdict):
                call = self._call(call_id)
                judged, call.unjudged = call.unjudged, []
                came = bool(broke_down(DecisionKind.SOFT, verdict))
                return [Predicted("h", p, came) for p in judged]
            case TurnJudged(call_id, turn, wrong):
                said = self._call(call_id).error.pop(turn, None)
                return [] if said is None else [Predicted("q", said, wrong)]
            case CallEnded(call_id, outcome):
                return self._settle(self._call(call_id), broke_down(outcome))
            case _:
                raise ProtocolError(f"outcomes know no event {type(event).__name__}")

    # --- inside -----------------------------------------------------------------------------

    def _call(self, call_id: str) -> _Call:
        call = self._calls.setdefault(call_id, _Call())
        self._calls.move_to_end(call_id)
        if len(self._calls) > CALLS:
            self._calls.popitem(last=False)
        return call

    def _decided(self, event: TurnDecided) -> list[Predicted]:
        if not (0 <= event.breakdown <= 1 and 0 <= event.error <= 1):
            raise ProtocolError(f"no probabilities: {event.breakdown}, {event.error}")
        call = self._call(event.call_id)
        if call.handed:
            return []  # what a caller says while they wait for a person is no turn of the AI
        call.breakdown[event.turn] = event.breakdown
        call.error[event.turn] = event.error
        if len(call.error) > TURNS:
            call.error.popitem(last=False)
        passed = [turn for turn in call.breakdown if turn < event.turn - CALLER_TURNS]
        settled = [Predicted("h", call.breakdown.pop(turn), False) for turn in passed]
        if event.hand_off:
            call.handed = True
            came = broke_down(event.kind, codes=event.codes)
            if came is not None:
                return settled + self._settle(call, came)
            call.unjudged = list(call.breakdown.values())
            call.breakdown.clear()
        return settled

    @staticmethod
    def _settle(call: _Call, came: bool | None) -> list[Predicted]:
        """What is open came to this; None: nobody can tell."""
        said = list(call.breakdown.values())
        call.breakdown.clear()
        return [] if came is None else [Predicted("h", p, came) for p in said]
