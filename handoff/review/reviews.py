"""The machine of all parallel reviews."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from handoff.errors import ProtocolError
from handoff.events import CallOver, DeadlinePassed, ServerDraining
from handoff.labels import Comparison
from handoff.policy import Policy
from handoff.review.messages import (
    AiChose,
    Choice,
    KeepReview,
    RefuseReview,
    RevealChoice,
    ReviewCommand,
    ReviewerChose,
    ReviewEvent,
    ReviewRecord,
    ReviewState,
    ShowReview,
    SignalDisagreement,
    TurnOpened,
    VerdictGiven,
    WithdrawReview,
)
from handoff.sampling import draw


def propensity_of(policy: Policy, risk: float) -> float:
    """P(a turn of this risk is reviewed): a line from `rate` at 0 to `risky_rate` at 1.

    Raises `ValueError` for a risk outside [0, 1].
    """
    if not 0.0 <= risk <= 1.0:
        raise ValueError(f"a risk lies between 0 and 1, not {risk}")
    rules = policy.review
    return rules.rate + (rules.risky_rate - rules.rate) * risk


def comparison_of(record: ReviewRecord, at: float) -> Comparison | None:
    """What learning makes labels of; None unless both chose and were compared. `at`: seconds since 1970."""
    if record.reviewer is None or record.outcome not in ("equal", "different"):
        return None
    return Comparison(
        record.review_id,
        record.call_id,
        record.turn,
        record.outcome == "equal",
        record.reviewer,
        at,
        record.propensity,
    )


class Reviews:
    """The machine of all reviews; `now` is monotonic seconds, the same clock in every method."""

    __slots__ = (
        "_commands",
        "_deadlines",
        "_draining",
        "_key",
        "_open",
        "_policy",
        "_seen",
    )

    def __init__(
        self, policy: Policy, *, key: bytes, records: Iterable[ReviewRecord] = (), now: float = 0.0
    ) -> None:
        """`key`: secret bytes for sampling. `records`: what was kept before a restart, the newest of each.

        Calls do not survive a restart: reviews that still wait for the AI are closed, the rest is shown again
        with a new deadline. Raises `ValueError` for an empty key.
        """
        if not key:
            raise ValueError("the sampling key is empty: give some secret bytes")
        self._policy = policy
        self._key = key
        self._open: dict[str, ReviewRecord] = {}  # oldest first
        self._deadlines: dict[str, float] = {}
        self._seen: dict[str, int] = {}  # live call -> its newest turn
        self._draining = False
        self._commands: list[ReviewCommand] = []
        for record in records:
            if record.state is not ReviewState.CLOSED:
                self._reopen(record, now)

    # --- the machine --------------------------------------------------------------------------

    def handle(self, event: ReviewEvent, now: float) -> None:
        """Take in one event.

        Raises `ProtocolError` for an unknown type, `ValueError` for a risk outside [0, 1].
        """
        self._expire(now)
        match event:
            case TurnOpened():
                self._opened(event, now)
            case AiChose():
                self._to(_name(event.call_id, event.turn), event, now)
            case ReviewerChose() | VerdictGiven():
                if event.review_id in self._open:
                    self._to(event.review_id, event, now)
                else:
                    self._do(RefuseReview(event.review_id, event.reviewer_id, "over"))
            case CallOver():
                self._seen.pop(event.call_id, None)
                for review_id in [k for k, r in self._open.items() if r.call_id == event.call_id]:
                    self._to(review_id, event, now)
            case ServerDraining():
                self._draining = True
            case DeadlinePassed():
                pass  # seen to above
            case _:
                raise ProtocolError(f"reviews know nothing of {type(event).__name__}")

    def next_deadline(self) -> float | None:
        """When to send `DeadlinePassed`, or None."""
        return min(self._deadlines.values(), default=None)

    def take_commands(self) -> list[ReviewCommand]:
        """Hand out what has to be done since the last time, in order."""
        commands, self._commands = self._commands, []
        return commands

    def draws(self, call_id: str, turn: int, risk: float) -> bool:
        """Whether a turn would be drawn now; for whoever shows calls, who must be discreet before that.

        Raises `ValueError` for a risk outside [0, 1].
        """
        propensity = propensity_of(self._policy, risk)
        return not self._draining and draw(self._key, "review", _name(call_id, turn)) < propensity

    def waiting(self) -> tuple[ShowReview, ...]:
        """Reviews that still need a reviewer, oldest first: for one who opens a console."""
        return tuple(self._shown(r) for r in self._open.values() if r.state is ReviewState.OPEN)

    # --- actions of one review ----------------------------------------------------------------

    def _nothing(self, _record: ReviewRecord, _event: Any, _now: float) -> None:
        """This changes nothing."""

    def _ai_chose(self, record: ReviewRecord, event: AiChose, now: float) -> None:
        if record.ai is not None:
            return  # the first choice stands, as it does for the reviewer
        record = replace(record, ai=event.choice)
        if record.state is ReviewState.OPEN:
            self._keep(record)
        else:
            self._compare(record, now)

    def _reviewer_chose(self, record: ReviewRecord, event: ReviewerChose, now: float) -> None:
        record = replace(record, human=event.choice, reviewer=event.reviewer_id)
        self._do(WithdrawReview(record.review_id, "taken"))
        if record.ai is None:
            self._keep(replace(record, state=ReviewState.ANSWERED))
        else:
            self._compare(record, now)

    def _refuse_taken(self, record: ReviewRecord, event: ReviewerChose, _now: float) -> None:
        self._do(RefuseReview(record.review_id, event.reviewer_id, "taken"))

    def _refuse_early(self, record: ReviewRecord, event: VerdictGiven, _now: float) -> None:
        self._do(RefuseReview(record.review_id, event.reviewer_id, "early"))

    def _verdict(self, record: ReviewRecord, event: VerdictGiven, _now: float) -> None:
        if event.reviewer_id == record.reviewer:
            self._close(record, "equal" if event.equal else "different")
        else:
            self._do(RefuseReview(record.review_id, event.reviewer_id, "taken"))

    def _call_over(self, record: ReviewRecord, _event: CallOver, _now: float) -> None:
        if record.ai is None:
            self._close(record, "no_answer")

    def _lapse(self, record: ReviewRecord, _event: DeadlinePassed, _now: float) -> None:
        self._close(record, "lapsed")

    def _unanswered(self, record: ReviewRecord, _event: DeadlinePassed, _now: float) -> None:
        self._close(record, "no_answer")

    def _undecided(self, record: ReviewRecord, _event: DeadlinePassed, _now: float) -> None:
        self._close(record, "undecided")

    # --- the rest -----------------------------------------------------------------------------

    def _to(self, review_id: str, event: ReviewEvent, now: float) -> None:
        record = self._open.get(review_id)
        if record is not None:
            TABLE[record.state, type(event)](self, record, event, now)

    def _expire(self, now: float) -> None:
        for review_id in [k for k, deadline in self._deadlines.items() if deadline <= now]:
            self._to(review_id, DeadlinePassed(), now)

    def _opened(self, event: TurnOpened, now: float) -> None:
        propensity = propensity_of(self._policy, event.risk)
        if event.turn <= self._seen.get(event.call_id, -1):
            return  # told twice
        self._seen[event.call_id] = event.turn
        name = _name(event.call_id, event.turn)
        if not self.draws(event.call_id, event.turn, event.risk):
            return
        record = ReviewRecord(
            name,
            event.call_id,
            event.turn,
            event.question,
            event.category,
            event.risk,
            propensity,
            ReviewState.OPEN,
        )
        if len(self._open) >= self._policy.review.max_open:
            self._close(
                record, "skipped"
            )  # whatever its risk: what is reviewed stays a fair sample
        else:
            self._show(record, now)

    def _show(self, record: ReviewRecord, now: float) -> None:
        self._deadlines[record.review_id] = now + self._policy.review.seconds
        self._keep(record)
        self._do(self._shown(record))

    def _shown(self, record: ReviewRecord) -> ShowReview:
        return ShowReview(
            record.review_id,
            record.call_id,
            record.turn,
            record.question,
            record.category,
            self._deadlines[record.review_id],
        )

    def _compare(self, record: ReviewRecord, now: float) -> None:
        ai, human, reviewer = record.ai, record.human, record.reviewer
        if ai is None or human is None or reviewer is None:
            raise ProtocolError(f"review {record.review_id}: compared before both had chosen")
        match self._policy.review.compare:
            case "intent":
                self._close(record, "equal" if ai.intent == human.intent else "different")
            case "action":
                self._close(record, "equal" if ai.action == human.action else "different")
            case "verdict":
                self._reveal(replace(record, state=ReviewState.REVEALED), ai, human, reviewer, now)

    def _reveal(
        self, record: ReviewRecord, ai: Choice, human: Choice, reviewer: str, now: float
    ) -> None:
        deadline = self._deadlines[record.review_id] = now + self._policy.review.seconds
        self._keep(record)
        self._do(RevealChoice(record.review_id, reviewer, ai, human, deadline))

    def _close(self, record: ReviewRecord, outcome: str) -> None:
        known = self._open.pop(record.review_id, None)
        self._deadlines.pop(record.review_id, None)
        self._do(KeepReview(replace(record, state=ReviewState.CLOSED, outcome=outcome)))
        unanswered = known is not None and record.human is None
        if unanswered or outcome == "undecided":  # somebody still sees it
            self._do(WithdrawReview(record.review_id, outcome))
        if outcome == "different" and record.call_id in self._seen and self._signals(record):
            ai, human = record.ai or Choice(), record.human or Choice()
            self._do(SignalDisagreement(record.call_id, record.turn, record.review_id, ai, human))

    def _signals(self, record: ReviewRecord) -> bool:
        when = self._policy.review.signal
        return when == "always" or (
            when == "high_risk" and record.category in self._policy.high_risk
        )

    def _reopen(self, record: ReviewRecord, now: float) -> None:
        if record.ai is None:
            self._close(record, "no_answer")
        elif record.state is ReviewState.OPEN:
            self._show(record, now)
        else:
            self._compare(record, now)

    def _keep(self, record: ReviewRecord) -> None:
        self._open[record.review_id] = record
        self._do(KeepReview(record))

    def _do(self, command: ReviewCommand) -> None:
        self._commands.append(command)


def _name(call_id: str, turn: int) -> str:
    return f"{call_id}:{turn}"


_Action = Callable[[Reviews, ReviewRecord, Any, float], None]
_OPEN, _ANSWERED, _REVEALED = ReviewState.OPEN, ReviewState.ANSWERED, ReviewState.REVEALED

# What every review that is not closed does on every event that reaches it.
TABLE: Mapping[tuple[ReviewState, type], _Action] = {
    (_OPEN, AiChose): Reviews._ai_chose,
    (_OPEN, ReviewerChose): Reviews._reviewer_chose,
    (_OPEN, VerdictGiven): Reviews._refuse_early,
    (_OPEN, CallOver): Reviews._call_over,
    (_OPEN, DeadlinePassed): Reviews._lapse,
    (_ANSWERED, AiChose): Reviews._ai_chose,
    (_ANSWERED, ReviewerChose): Reviews._refuse_taken,
    (_ANSWERED, VerdictGiven): Reviews._refuse_early,
    (_ANSWERED, CallOver): Reviews._call_over,
    (_ANSWERED, DeadlinePassed): Reviews._unanswered,
    (_REVEALED, AiChose): Reviews._nothing,
    (_REVEALED, ReviewerChose): Reviews._refuse_taken,
    (_REVEALED, VerdictGiven): Reviews._verdict,
    (_REVEALED, CallOver): Reviews._nothing,
    (_REVEALED, DeadlinePassed): Reviews._undecided,
}
