from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from handoff.errors import PolicyError, ProtocolError, StorageError
from handoff.events import CallerHungUp, CallOver, DeadlinePassed, ServerDraining
from handoff.labels import Comparison
from handoff.policy import Policy
from handoff.review import (
    TABLE,
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
    comparison_of,
    propensity_of,
)

KEY = b"a secret"
BALANCE, TRANSFER = Choice("balance"), Choice("transfer", "digest-1", "I will do that")


def a_policy(**review: object) -> Policy:
    rules = {"rate": 1, "risky_rate": 1, "seconds": 60, **review}
    return Policy.from_mapping({"review": rules}, "test")


def run(reviews: Reviews, *events: ReviewEvent, now: float = 10.0) -> list[ReviewCommand]:
    for event in events:
        reviews.handle(event, now)
    return reviews.take_commands()


def opened(turn: int = 1, risk: float = 0.5, category: str = "financial") -> TurnOpened:
    return TurnOpened("call-1", turn, "move it to savings", category, risk)


def last_kept(commands: list[ReviewCommand]) -> ReviewRecord:
    return [c.record for c in commands if isinstance(c, KeepReview)][-1]


AI = AiChose("call-1", 1, TRANSFER)
PERSON = ReviewerChose("call-1:1", "ann", BALANCE)


def test_a_reviewer_is_shown_the_turn_and_not_the_ais_choice() -> None:
    reviews = Reviews(a_policy(), key=KEY)
    kept, shown = run(reviews, opened())
    assert isinstance(kept, KeepReview)
    assert shown == ShowReview("call-1:1", "call-1", 1, "move it to savings", "financial", 70.0)
    (kept,) = run(reviews, AI)
    assert isinstance(kept, KeepReview)
    assert reviews.waiting() == (shown,)


@pytest.mark.parametrize("events", [(AI, PERSON), (PERSON, AI)])
def test_a_disagreement_in_a_high_risk_call_is_signalled(events: tuple[ReviewEvent, ...]) -> None:
    reviews = Reviews(a_policy(), key=KEY)
    commands = run(reviews, opened(), *events)
    record = last_kept(commands)
    assert (record.outcome, record.reviewer, record.propensity) == ("different", "ann", 1.0)
    assert commands[-1] == SignalDisagreement("call-1", 1, "call-1:1", TRANSFER, BALANCE)
    assert comparison_of(record, 5.0) == Comparison("call-1:1", "call-1", 1, False, "ann", 5.0, 1.0)
    assert reviews.next_deadline() is None


@pytest.mark.parametrize(
    ("signal", "category", "over", "told"),
    [
        ("never", "financial", False, False),
        ("high_risk", "general", False, False),
        ("always", "general", False, True),
        ("always", "financial", True, False),
    ],
)
def test_the_policy_says_when_a_call_is_told(
    signal: str, category: str, over: bool, told: bool
) -> None:
    reviews = Reviews(a_policy(signal=signal), key=KEY)
    ends = [CallOver("call-1")] if over else []
    commands = run(reviews, opened(category=category), AI, *ends, PERSON)
    assert last_kept(commands).outcome == "different"
    assert any(isinstance(c, SignalDisagreement) for c in commands) is told


@pytest.mark.parametrize(
    ("compare", "person", "outcome"),
    [
        ("intent", Choice("transfer"), "equal"),
        ("intent", Choice("balance", "digest-1"), "different"),
        ("action", Choice("balance", "digest-1"), "equal"),
        ("action", Choice("transfer", "digest-2"), "different"),
        ("action", Choice("transfer"), "different"),
    ],
)
def test_choices_are_compared_by_what_the_policy_names(
    compare: str, person: Choice, outcome: str
) -> None:
    reviews = Reviews(a_policy(compare=compare), key=KEY)
    commands = run(reviews, opened(), AI, ReviewerChose("call-1:1", "ann", person))
    assert last_kept(commands).outcome == outcome


def test_for_a_free_verdict_the_choice_is_revealed_to_who_has_chosen() -> None:
    reviews = Reviews(a_policy(compare="verdict"), key=KEY)
    early = VerdictGiven("call-1:1", "ann", True)
    commands = run(reviews, opened(), AI, early, PERSON)
    assert RefuseReview("call-1:1", "ann", "early") in commands
    assert commands[-1] == RevealChoice("call-1:1", "ann", TRANSFER, BALANCE, 70.0)
    assert run(reviews, VerdictGiven("call-1:1", "bob", False)) == [
        RefuseReview("call-1:1", "bob", "taken")
    ]
    assert last_kept(run(reviews, VerdictGiven("call-1:1", "ann", True))).outcome == "equal"


def test_first_choices_stand() -> None:
    reviews = Reviews(a_policy(), key=KEY)
    run(reviews, opened(), PERSON)
    again = ReviewerChose("call-1:1", "bob", TRANSFER)
    assert run(reviews, again) == [RefuseReview("call-1:1", "bob", "taken")]
    record = last_kept(run(reviews, AI))
    assert (record.human, record.reviewer) == (BALANCE, "ann")
    assert run(reviews, again) == [RefuseReview("call-1:1", "bob", "over")]

    run(reviews, opened(2), AiChose("call-1", 2, TRANSFER), AiChose("call-1", 2, BALANCE))
    done = run(reviews, ReviewerChose("call-1:2", "ann", BALANCE))
    assert last_kept(done).ai == TRANSFER


@pytest.mark.parametrize(
    ("before", "outcome", "withdrawn"),
    [
        ((), "lapsed", True),
        ((AI,), "lapsed", True),
        ((PERSON,), "no_answer", False),
        ((AI, PERSON), "undecided", True),
    ],
)
def test_what_nobody_finishes_ends_at_its_deadline(
    before: tuple[ReviewEvent, ...], outcome: str, withdrawn: bool
) -> None:
    reviews = Reviews(a_policy(compare="verdict"), key=KEY)
    run(reviews, opened(), *before)
    assert reviews.next_deadline() == 70.0
    commands = run(reviews, DeadlinePassed(), now=70.0)
    record = last_kept(commands)
    assert (record.state, record.outcome) == (ReviewState.CLOSED, outcome)
    assert (WithdrawReview("call-1:1", outcome) in commands) is withdrawn
    assert comparison_of(record, 0.0) is None
    assert reviews.next_deadline() is None


def test_when_the_call_ends_without_the_ais_choice_there_is_nothing_to_compare() -> None:
    reviews = Reviews(a_policy(), key=KEY)
    run(reviews, opened())
    commands = run(reviews, CallOver("call-1"))
    assert last_kept(commands).outcome == "no_answer"
    assert commands[-1] == WithdrawReview("call-1:1", "no_answer")


def test_while_too_many_are_open_the_next_is_skipped_however_risky() -> None:
    reviews = Reviews(a_policy(max_open=2), key=KEY)
    run(reviews, opened(1, 0.4), opened(2, 0.2))
    (kept,) = run(reviews, opened(3, 0.9))
    assert isinstance(kept, KeepReview)
    assert (kept.record.review_id, kept.record.outcome) == ("call-1:3", "skipped")
    assert [shown.review_id for shown in reviews.waiting()] == ["call-1:1", "call-1:2"]
    run(reviews, CallOver("call-1"))
    assert last_kept(run(reviews, opened(4, 0.1))).outcome is None, "there is room again"


def test_what_was_reviewed_speaks_for_all_turns_weighed_by_its_propensity() -> None:
    """On a busy floor as well: half of the turns are risky, and so should be half of the weight."""
    rules = {"review": {"rate": 0.1, "risky_rate": 0.9, "max_open": 3}}
    reviews = Reviews(Policy.from_mapping(rules, "test"), key=KEY)
    weights = {0.0: 0.0, 1.0: 0.0}
    for number, risky in enumerate(np.random.default_rng(1).random(8000) < 0.5):
        call_id, risk = f"call-{number}", float(risky)
        run(reviews, TurnOpened(call_id, 1, "hm", "general", risk), AiChose(call_id, 1, TRANSFER))
        if number % 5 == 0 and (waiting := reviews.waiting()):  # two in five could be answered
            chosen = ReviewerChose(waiting[0].review_id, "ann", TRANSFER)
            record = last_kept(run(reviews, chosen))
            assert record.outcome == "equal"
            weights[record.risk] += 1 / record.propensity
    assert weights[1.0] / sum(weights.values()) == pytest.approx(0.5, abs=0.06)


def test_riskier_turns_are_reviewed_more_often_at_the_logged_rate() -> None:
    policy = Policy()
    assert [propensity_of(policy, risk) for risk in (0.0, 0.5, 1.0)] == pytest.approx(
        [0.01, 0.055, 0.1]
    )
    reviews = Reviews(policy, key=KEY)
    for risk in (0.0, 1.0):
        found = 0
        for number in range(5000):
            call_id = f"call-{risk}-{number}"
            turn = TurnOpened(call_id, 1, "hm", "general", risk)
            records = run(reviews, turn, AiChose(call_id, 1, BALANCE), CallOver(call_id))
            found += any(isinstance(c, ShowReview) for c in records)
            run(reviews, ReviewerChose(f"{call_id}:1", "ann", BALANCE))
        p = propensity_of(policy, risk)
        assert abs(found / 5000 - p) < 4 * (p * (1 - p) / 5000) ** 0.5


def test_a_turn_told_twice_is_reviewed_once() -> None:
    reviews = Reviews(a_policy(), key=KEY)
    run(reviews, opened(), AI, PERSON)
    assert run(reviews, opened()) == []


def test_a_server_that_drains_opens_no_more() -> None:
    reviews = Reviews(a_policy(), key=KEY)
    assert run(reviews, ServerDraining(), opened()) == []


def test_after_a_restart_what_can_still_be_answered_is_shown_again() -> None:
    reviews = Reviews(a_policy(compare="verdict"), key=KEY)
    commands = run(reviews, opened(), AI, opened(2), opened(3), AiChose("call-1", 3, TRANSFER))
    commands += run(reviews, ReviewerChose("call-1:3", "ann", BALANCE))
    newest = {c.record.review_id: c.record for c in commands if isinstance(c, KeepReview)}
    again = Reviews(a_policy(compare="verdict"), key=KEY, records=newest.values(), now=500.0)
    commands = again.take_commands()
    assert [c.review_id for c in commands if isinstance(c, ShowReview)] == ["call-1:1"]
    assert [c.review_id for c in commands if isinstance(c, RevealChoice)] == ["call-1:3"]
    closed = [c.record for c in commands if isinstance(c, KeepReview) and c.record.outcome]
    assert [(r.review_id, r.outcome) for r in closed] == [("call-1:2", "no_answer")]
    assert again.next_deadline() == 560.0
    assert (
        last_kept(run(again, PERSON, VerdictGiven("call-1:1", "ann", False))).outcome == "different"
    )


@pytest.mark.parametrize("risk", [float("nan"), -0.1, 1.1])
def test_a_risk_that_is_none_is_refused(risk: float) -> None:
    with pytest.raises(ValueError, match="a risk lies between 0 and 1"):
        Reviews(a_policy(), key=KEY).handle(opened(risk=risk), 0.0)


def test_a_record_that_is_none_is_refused() -> None:
    with pytest.raises(StorageError, match="a review cannot be read back"):
        ReviewRecord.from_dict({"state": "open"})


def test_bad_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="key is empty"):
        Reviews(Policy(), key=b"")
    with pytest.raises(PolicyError, match="'risky_rate' must not be below"):
        Policy.from_mapping({"review": {"rate": 0.5}}, "test")


def test_every_state_names_what_it_does_on_every_event_that_reaches_it() -> None:
    states = [state for state in ReviewState if state is not ReviewState.CLOSED]
    reach = {AiChose, ReviewerChose, VerdictGiven, CallOver, DeadlinePassed}
    assert set(TABLE) == {(state, event) for state in states for event in reach}
    unknown: Any = CallerHungUp()
    with pytest.raises(ProtocolError, match="CallerHungUp"):
        Reviews(Policy(), key=KEY).handle(unknown, 0.0)


def test_who_asks_beforehand_is_told_what_will_be_reviewed() -> None:
    reviews = Reviews(a_policy(rate=0.2, risky_rate=0.6), key=KEY)
    foreseen = {turn for turn in range(1, 101) if reviews.draws("call-1", turn, 0.5)}
    shown = run(reviews, *(opened(turn) for turn in range(1, 101)))
    records = [c.record for c in shown if isinstance(c, KeepReview)]
    assert {record.turn for record in records} == foreseen
    assert 20 < len(foreseen) < 60
    run(reviews, ServerDraining())
    assert not any(reviews.draws("call-2", turn, 1.0) for turn in range(100))
    with pytest.raises(ValueError, match="risk"):
        reviews.draws("call-1", 1, 1.5)
