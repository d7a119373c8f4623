"""Who sees which parallel review: operators who are free and do not know what the AI makes of the turn.

What tells them (the call's transcript, its offer, an approval) takes the review from their screen, and the
list of calls keeps the AI's intent back while a review of the call is open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from handoff.review import Choice, RevealChoice, ShowReview
from voice_hitl.clock import Clock
from voice_hitl.server import wire

OVER_WORDS = {
    "equal": "The AI would have done the same.",
    "different": "The AI chose something else; the difference is noted.",
    "taken": "A colleague was first.",
    "lapsed": "Nobody chose in time.",
    "undecided": "No verdict came in time.",
    "skipped": "Too many reviews were open.",
    "no_answer": "The AI never had to choose.",
    "informed": "You have seen what the AI makes of this call, so others decide.",
    "busy": "Others decide while you are busy.",
    "over": "This review is over.",
    "early": "The AI has not chosen yet.",
}


@dataclass(slots=True)
class _Review:
    """A review that is drawn and not closed."""

    call_id: str
    view: wire.ReviewView | None = None  # None: not shown yet, or chosen
    seeing: set[str] = field(default_factory=set)
    informed: set[str] = field(default_factory=set)


class ReviewScreens:
    """The reviews on all consoles (`ReviewConsole`)."""

    def __init__(
        self,
        clock: Clock,
        intents: Mapping[str, str],
        tell: Callable[[str, wire.WireModel], None],
        watchers: Callable[[str], Iterable[str]],
        show_call: Callable[[str], None],
    ) -> None:
        """`intents`: name and label of what a reviewer can choose; `watchers`: who reads a call's transcript;
        `show_call` shows it anew once a review of it is closed."""
        self._clock = clock
        self._intents = intents
        self._tell = tell
        self._watchers = watchers
        self._show_call = show_call
        self._reviews: dict[str, _Review] = {}
        self._reveals: dict[str, tuple[str, wire.ReviewRevealed]] = {}  # by review: whose
        self._free: set[str] = set()

    # --- what consoles are shown ---

    def is_secret(self, call_id: str) -> bool:
        """Whether what the AI makes of this call must not be shown to everybody now."""
        return any(review.call_id == call_id for review in self._reviews.values())

    def of(self, operator_id: str) -> list[wire.ReviewView]:
        """The reviews on an operator's screen, oldest first."""
        return [
            review.view
            for review in self._reviews.values()
            if review.view is not None and operator_id in review.seeing
        ]

    def reveals(self, operator_id: str) -> list[wire.ReviewRevealed]:
        """What waits for an operator's verdict."""
        return [reveal for whose, reveal in self._reveals.values() if whose == operator_id]

    # --- what happens ---

    def review_coming(self, review_id: str, call_id: str) -> None:
        """A turn is drawn: the list of calls is discreet about its call until the review is over."""
        self._reviews.setdefault(review_id, _Review(call_id))

    def review_asked(self, ask: ShowReview, seconds: float) -> None:
        """Show a turn to whoever is free and does not watch its call."""
        review = self._reviews.setdefault(ask.review_id, _Review(ask.call_id))
        review.informed.update(self._watchers(ask.call_id))
        review.view = wire.ReviewView(
            review_id=ask.review_id,
            call_id=ask.call_id,
            turn=ask.turn,
            question=ask.question,
            choices=[wire.IntentView(intent=i, label=label) for i, label in self._intents.items()],
            expires_at=self._clock.wall() + seconds,
            seconds=seconds,
        )
        for operator_id in sorted(self._free):
            self._show(review, operator_id)

    def freed(self, operator_id: str) -> None:
        """An operator is free now: what is open is for them too."""
        self._free.add(operator_id)
        for review in self._reviews.values():
            self._show(review, operator_id)

    def busy(self, operator_id: str) -> None:
        """An operator is not free any more."""
        self._free.discard(operator_id)
        for review_id, review in self._reviews.items():
            self._hide(review_id, review, operator_id, "busy")

    def informed(self, operator_id: str, call_id: str) -> None:
        """An operator sees what the AI makes of a call: they cannot decide beside it any more."""
        for review_id, review in self._reviews.items():
            if review.call_id == call_id:
                review.informed.add(operator_id)
                self._hide(review_id, review, operator_id, "informed")

    def chooses(self, operator_id: str, choice: wire.ReviewChoice) -> str | None:
        """An operator has chosen; returns why they may not, or None."""
        if choice.intent is not None and choice.intent not in self._intents:
            return "there is no such intent; choose one of the list"
        review = self._reviews.get(choice.review_id)
        if review is None or operator_id not in review.seeing:
            return "this review is over, or not yours to decide"
        review.seeing.discard(operator_id)
        return None

    def review_revealed(self, reveal: RevealChoice, seconds: float) -> None:
        """Show its reviewer what the AI chose."""
        message = wire.ReviewRevealed(
            review_id=reveal.review_id,
            ai=self._choice(reveal.ai),
            mine=self._choice(reveal.human),
            expires_at=self._clock.wall() + seconds,
            seconds=seconds,
        )
        self._reveals[reveal.review_id] = (reveal.reviewer_id, message)
        self._tell(reveal.reviewer_id, message)

    def review_withdrawn(self, review_id: str, reason: str) -> None:
        """Take it from all who still see it."""
        review = self._reviews.get(review_id)
        if review is not None:
            for operator_id in sorted(review.seeing):
                self._hide(review_id, review, operator_id, reason)
            review.view = None

    def review_refused(self, operator_id: str, review_id: str, reason: str) -> None:
        """What they sent had no effect."""
        self._tell(operator_id, _over(review_id, reason))

    def review_over(self, review_id: str, outcome: str, reviewer: str | None) -> None:
        """A review is closed: what its call is about may be shown again."""
        review = self._reviews.pop(review_id, None)
        self._reveals.pop(review_id, None)
        if reviewer is not None:
            self._tell(reviewer, _over(review_id, outcome))
        if review is not None:
            self._show_call(review.call_id)

    # --- the rest ---

    def _show(self, review: _Review, operator_id: str) -> None:
        if review.view is not None and operator_id not in review.informed | review.seeing:
            review.seeing.add(operator_id)
            self._tell(operator_id, wire.ReviewAsked(review=review.view))

    def _hide(self, review_id: str, review: _Review, operator_id: str, reason: str) -> None:
        if operator_id in review.seeing:
            review.seeing.discard(operator_id)
            self._tell(operator_id, _over(review_id, reason))

    def _choice(self, choice: Choice) -> wire.ChoiceView:
        label = self._intents.get(choice.intent or "", "")
        return wire.ChoiceView(intent=choice.intent, label=label, text=choice.text)


def _over(review_id: str, reason: str) -> wire.ReviewOver:
    return wire.ReviewOver(
        review_id=review_id, reason=reason, message=OVER_WORDS.get(reason, "This review is over.")
    )
