"""What consoles are shown of approvals and of exercises, which look the same until they are over."""

from __future__ import annotations

from collections.abc import Callable

from handoff.approvals import WHY_NOT, Show
from voice_hitl.clock import Clock
from voice_hitl.server import wire
from voice_hitl.server.views import approval_view

APPROVAL_OVER_WORDS = {
    "approved": "Approved.",
    "rejected": "Rejected.",
    "responded": "The AI passes the answer on.",
    "expired": "Nobody answered in time; it was not done, and a follow-up is queued.",
    "withdrawn": "The caller went on, so the AI no longer wants to do this.",
    "caller_gone": "The caller hung up; it was not done, and a follow-up is queued.",
    "taken_over": "A colleague has the call now and does what is needed.",
    "draining": "The server is shutting down; it was not done, and a follow-up is queued.",
    "interrupted": "This could not be stored, so it was not done; a follow-up is queued.",
    "left": "A colleague is asked instead.",
}
ANSWER_WORDS = {
    "approved": "Approved; the AI goes on.",
    "rejected": "Rejected; the AI tells the caller.",
    "responded": "The AI passes your answer on.",
}
EXERCISE_WORDS = {
    True: "This was an exercise. Your answer agrees with the known one.",
    False: "This was an exercise. The known answer is another one.",
    None: "This was an exercise; nothing was left undone.",
}


class ApprovalScreens:
    """The approvals on all consoles (`ApprovalConsole`, `ExerciseConsole`)."""

    def __init__(
        self,
        clock: Clock,
        tell: Callable[[str, wire.WireModel], None],
        caller_of: Callable[[str], str | None],
        informed: Callable[[str, str], None],
    ) -> None:
        """`caller_of` a live call; `informed`: told which operator sees what the AI wants in a call."""
        self._clock = clock
        self._tell = tell
        self._caller_of = caller_of
        self._informed = informed
        self._approvals: dict[str, dict[str, wire.ApprovalView]] = {}  # by operator, by id

    def of(self, operator_id: str) -> list[wire.ApprovalView]:
        """What one operator's console starts from."""
        return list(self._approvals.get(operator_id, {}).values())

    def approval_asked(self, ask: Show, seconds: float) -> None:
        """Show an approval that expires in `seconds`."""
        self.exercise_asked(ask, seconds, self._caller_of(ask.record.call_id) or "")
        self._informed(ask.operator_id, ask.record.call_id)

    def approval_over(self, operator_id: str, approval_id: str, why: str) -> None:
        """An approval is no longer theirs to answer."""
        self._approvals.get(operator_id, {}).pop(approval_id, None)
        self._tell(
            operator_id,
            wire.ApprovalOver(
                approval_id=approval_id,
                status=why,
                message=APPROVAL_OVER_WORDS.get(why, why.replace("_", " ").capitalize() + "."),
            ),
        )

    def exercise_asked(self, ask: Show, seconds: float, caller: str) -> None:
        """Show an exercise like any other approval."""
        view = approval_view(ask, caller, seconds, self._clock.wall())
        self._approvals.setdefault(ask.operator_id, {})[ask.approval_id] = view
        self._tell(ask.operator_id, wire.ApprovalAsked(approval=view))

    def exercise_over(self, operator_id: str, approval_id: str, right: bool | None) -> None:
        """It was an exercise."""
        self._approvals.get(operator_id, {}).pop(approval_id, None)
        words = EXERCISE_WORDS[right]
        self._tell(
            operator_id,
            wire.ApprovalOver(approval_id=approval_id, status="exercise", message=words)
            if right is None
            else wire.AnswerTaken(approval_id=approval_id, counted=True, message=words),
        )

    def answer_taken(self, operator_id: str, approval_id: str, status: str) -> None:
        """Their answer counts."""
        self._approvals.get(operator_id, {}).pop(approval_id, None)
        words = ANSWER_WORDS.get(status, "Your answer counts.")
        self._tell(
            operator_id,
            wire.AnswerTaken(approval_id=approval_id, counted=True, message=words),
        )

    def answer_refused(self, operator_id: str, approval_id: str, why: str) -> None:
        """Their answer does not count."""
        words = f"Your answer did not count: {WHY_NOT.get(why, why)}."
        self._tell(
            operator_id,
            wire.AnswerTaken(approval_id=approval_id, counted=False, message=words),
        )
