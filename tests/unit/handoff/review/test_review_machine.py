"""Reviews under any order of events, with crashes: blind until chosen, one outcome, never too many."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from handoff.events import CallOver, DeadlinePassed
from handoff.policy import Policy
from handoff.review import (
    AiChose,
    Choice,
    KeepReview,
    RefuseReview,
    RevealChoice,
    ReviewCommand,
    ReviewerChose,
    ReviewEvent,
    ReviewRecord,
    Reviews,
    ReviewState,
    ShowReview,
    SignalDisagreement,
    TurnOpened,
    VerdictGiven,
    WithdrawReview,
)

SECRET = "the AI's own choice"
AI = Choice(SECRET, SECRET, SECRET)
MAX_OPEN = 3
calls = st.sampled_from(["call-1", "call-2"])
people = st.sampled_from(["ann", "bob"])


def says(value: Any, secret: str) -> bool:
    """Whether a secret is anywhere in a command."""
    if is_dataclass(value):
        return any(says(getattr(value, part.name), secret) for part in fields(value))
    return bool(value == secret)


class ReviewMachine(RuleBasedStateMachine):
    @initialize(compare=st.sampled_from(["intent", "action", "verdict"]))
    def start(self, compare: str) -> None:
        rules = {
            "rate": 0.8,
            "risky_rate": 1,
            "seconds": 30,
            "max_open": MAX_OPEN,
            "compare": compare,
            "signal": "always",
        }
        self.policy = Policy.from_mapping({"review": rules}, "test")
        self.now = 100.0
        self.store: dict[str, ReviewRecord] = {}
        self.outcomes: dict[str, str] = {}
        self.chosen: set[str] = set()  # reviews that have a reviewer's choice
        self.visible: set[str] = set()  # shown to reviewers now
        self.turn = {"call-1": 0, "call-2": 0}
        self.live: set[str] = set()
        self.reviews = Reviews(self.policy, key=b"a secret")

    def say(self, event: ReviewEvent) -> None:
        self.reviews.handle(event, self.now)
        self.carry_out(self.reviews.take_commands())

    def carry_out(self, commands: list[ReviewCommand]) -> None:
        for command in commands:
            match command:
                case KeepReview(record=record):
                    before = self.store.get(record.review_id)
                    assert before is None or before.state is not ReviewState.CLOSED
                    assert (record.outcome is None) == (record.state is not ReviewState.CLOSED)
                    self.store[record.review_id] = record
                    if record.human is not None:
                        self.chosen.add(record.review_id)
                    if record.outcome is not None:
                        assert record.review_id not in self.outcomes, "one outcome"
                        self.outcomes[record.review_id] = record.outcome
                case ShowReview():
                    assert not says(command, SECRET)
                    assert command.deadline > self.now
                    self.visible.add(command.review_id)
                case WithdrawReview():
                    self.visible.discard(command.review_id)
                case RefuseReview():
                    assert not says(command, SECRET)
                case RevealChoice() | SignalDisagreement():
                    assert command.review_id in self.chosen, "blind until the reviewer has chosen"
                    if isinstance(command, SignalDisagreement):
                        assert self.outcomes[command.review_id] == "different"
                        assert command.call_id in self.live

    @rule(call=calls, risk=st.floats(0, 1))
    def turn_opens(self, call: str, risk: float) -> None:
        self.turn[call] += 1
        self.live.add(call)
        self.say(TurnOpened(call, self.turn[call], "hm", "general", risk))

    @rule(call=calls, back=st.integers(0, 2))
    def ai_chooses(self, call: str, back: int) -> None:
        self.say(AiChose(call, self.turn[call] - back, AI))

    @rule(call=calls, back=st.integers(0, 2), who=people, same=st.booleans())
    def reviewer_chooses(self, call: str, back: int, who: str, same: bool) -> None:
        choice = AI if same else Choice("other", "other")
        self.say(ReviewerChose(f"{call}:{self.turn[call] - back}", who, choice))

    @rule(call=calls, back=st.integers(0, 2), who=people, equal=st.booleans())
    def verdict(self, call: str, back: int, who: str, equal: bool) -> None:
        self.say(VerdictGiven(f"{call}:{self.turn[call] - back}", who, equal))

    @rule(call=calls)
    def call_ends(self, call: str) -> None:
        self.live.discard(call)
        self.say(CallOver(call))

    @rule(seconds=st.sampled_from([1.0, 12.0, 31.0]), timer=st.booleans())
    def time_passes(self, seconds: float, timer: bool) -> None:
        self.now += seconds
        if timer:
            self.say(DeadlinePassed())

    @rule()
    def crash_and_reopen(self) -> None:
        self.live.clear()
        self.visible.clear()
        self.now = 7.0  # another process, another clock
        records = [
            ReviewRecord.from_dict(json.loads(json.dumps(record.as_dict())))
            for record in self.store.values()
        ]
        assert records == list(self.store.values())
        self.reviews = Reviews(self.policy, key=b"a secret", records=records, now=self.now)
        self.carry_out(self.reviews.take_commands())
        assert all(record.ai is not None for record in self.store.values() if not record.outcome)

    @invariant()
    def bounded_and_in_step(self) -> None:
        if not hasattr(self, "store"):
            return
        still_open = {name for name, record in self.store.items() if record.outcome is None}
        assert len(still_open) <= MAX_OPEN
        assert {shown.review_id for shown in self.reviews.waiting()} == self.visible
        assert self.visible <= still_open
        deadline = self.reviews.next_deadline()
        assert (deadline is not None) == bool(still_open)

    def teardown(self) -> None:
        if not hasattr(self, "store"):
            return
        while (deadline := self.reviews.next_deadline()) is not None:
            self.now = max(self.now, deadline)
            self.say(DeadlinePassed())
        assert set(self.outcomes) == set(self.store), "every review ends"


TestReviews = ReviewMachine.TestCase
TestReviews.settings = settings(max_examples=150, stateful_step_count=30)
