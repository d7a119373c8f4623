"""Parallel review's shell: turns that a person decides beside the AI, who is shown them, what comes of it.

A review is stored before anybody is told of it, and nothing that consoles are given names the AI's choice
before its reviewer has chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Protocol

from handoff import review as said
from handoff.errors import PolicyError, StorageError
from handoff.events import DeadlinePassed, SecondOpinion
from handoff.labels import Label, of_comparison
from handoff.policy import Policy
from handoff.ports import MachineRecord
from voice_hitl.agent.guard import mask
from voice_hitl.call.inbox import FloorSaid
from voice_hitl.call.journal import Journal
from voice_hitl.call.ports import Told, WorkPort
from voice_hitl.call.service import MachineService
from voice_hitl.clock import Clock
from voice_hitl.log import get_logger

log = get_logger(__name__)

MACHINE = "review"


class ReviewConsole(Protocol):
    """The operators' consoles, as reviews see them. Methods never block and never raise."""

    def review_coming(self, review_id: str, call_id: str) -> None:
        """A turn is drawn: until `review_over` nothing shown of its call may tell what the AI makes of it."""

    def review_asked(self, ask: said.ShowReview, seconds: float) -> None:
        """Show a turn to whoever is free; it lapses in `seconds`."""

    def review_revealed(self, reveal: said.RevealChoice, seconds: float) -> None:
        """Show its reviewer what the AI chose, and ask for a verdict."""

    def review_withdrawn(self, review_id: str, reason: str) -> None:
        """Take it from all who still see it; `reason` is taken or an outcome."""

    def review_refused(self, operator_id: str, review_id: str, reason: str) -> None:
        """Their choice or verdict has no effect; `reason` is over, taken or early."""

    def review_over(self, review_id: str, outcome: str, reviewer: str | None) -> None:
        """A review is closed; its reviewer, if it had one, may know how."""


class ReviewService(MachineService[said.ReviewEvent, said.ReviewCommand]):
    """Owns the reviews."""

    def __init__(
        self,
        reviews: said.Reviews,
        clock: Clock,
        journal: Journal,
        consoles: ReviewConsole,
        find_call: Callable[[str], Told[FloorSaid] | None],
        floor: WorkPort,
        intents: Mapping[str, str],
    ) -> None:
        """`floor` is told who has a review in hand; `intents` can be chosen, with a label for people."""
        super().__init__(reviews, clock, wake=DeadlinePassed())
        self.reviews = reviews
        self._journal = journal
        self._consoles = consoles
        self._find_call = find_call
        self._floor = floor
        self._intents = intents

    # --- for calls ---

    def opened(self, turn: said.TurnOpened) -> None:
        """The AI begins to answer a turn. Returns before any of it is shown, even if it is drawn."""
        drawn = self.reviews.draws(turn.call_id, turn.turn, turn.risk)
        if self.post_or_drop(turn) and drawn:
            self._consoles.review_coming(review_id_of(turn.call_id, turn.turn), turn.call_id)

    def chosen(self, call_id: str, turn: int, choice: said.Choice) -> None:
        """The AI has decided what to do with a turn; an intent that nobody can choose is none."""
        known = choice.intent if choice.intent in self._intents else None
        self.post_or_drop(said.AiChose(call_id, turn, replace(choice, intent=known)))

    # --- carrying out ---

    async def _carry_out(self, command: said.ReviewCommand) -> None:
        match command:
            case said.KeepReview(record):
                self._journal.put(self._kept(record), *self._labels(record))
                self._in_hand(record)
                await self._journal.caught_up()
                if record.outcome is not None:
                    self._consoles.review_over(record.review_id, record.outcome, record.reviewer)
            case said.ShowReview():
                self._consoles.review_asked(command, command.deadline - self._clock.now())
            case said.RevealChoice():
                self._consoles.review_revealed(command, command.deadline - self._clock.now())
            case said.WithdrawReview():
                self._consoles.review_withdrawn(command.review_id, command.reason)
            case said.RefuseReview():
                self._consoles.review_refused(
                    command.reviewer_id, command.review_id, command.reason
                )
            case said.SignalDisagreement():
                call = self._find_call(command.call_id)
                if call is not None:
                    words = f"{self._words(command.human)}, not {self._words(command.ai)}"
                    call.post(FloorSaid(SecondOpinion(command.turn, words)))

    def _in_hand(self, record: said.ReviewRecord) -> None:
        """Whoever has chosen has the review in hand until it is closed."""
        if record.reviewer is None:
            return
        if record.state is said.ReviewState.CLOSED:
            self._floor.work_done(record.reviewer, record.review_id)
        else:
            self._floor.work_taken(record.reviewer, record.review_id, "review")

    def _words(self, choice: said.Choice) -> str:
        if choice.intent is not None:
            return self._intents.get(choice.intent, choice.intent)
        return mask(choice.text) or "none of what the AI knows"

    def _kept(self, record: said.ReviewRecord) -> MachineRecord:
        return MachineRecord(
            machine=MACHINE,
            key=record.review_id,
            at=self._clock.wall(),
            state=record.outcome or record.state.value,
            open=record.state is not said.ReviewState.CLOSED,
            call_id=record.call_id,
            detail=record.as_dict(),
        )

    def _labels(self, record: said.ReviewRecord) -> tuple[Label, ...]:
        comparison = said.comparison_of(record, self._clock.wall())
        return () if comparison is None else of_comparison(comparison)


def review_id_of(call_id: str, turn: int) -> str:
    """What reviews are called: one for each turn of a call."""
    return f"{call_id}:{turn}"


def reopened_reviews(
    policy: Policy, key: bytes, records: Iterable[MachineRecord], clock: Clock
) -> said.Reviews:
    """The reviews as the last run of the server left them; one that cannot be read is logged and left.

    Raises `PolicyError` for a comparison that nobody could answer at a console.
    """
    if policy.review.compare == "action":
        raise PolicyError(
            "review.compare: 'action' cannot be answered at a console; use 'intent' or 'verdict'"
        )
    kept = []
    for record in records:
        try:
            kept.append(said.ReviewRecord.from_dict(record.detail))
        except StorageError:
            log.exception("a review of the last run is unreadable", key=record.key)
    return said.Reviews(policy, key=key, records=kept, now=clock.now())
