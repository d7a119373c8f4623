from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.calibration import Platt
from handoff.errors import PolicyError, ProtocolError
from handoff.events import CallerHungUp, CallStarted, DeadlinePassed, ServerDraining
from handoff.ladder import (
    TABLE,
    AskHuman,
    AskRung,
    Attempt,
    CancelRung,
    Climb,
    HumanAnswered,
    HumanUnavailable,
    LadderCommand,
    LadderEvent,
    LateAnswer,
    Phase,
    Rung,
    RungAnswered,
    RungFailed,
    Settle,
    TurnWithdrawn,
    needed_confidence,
    rungs_of,
)
from handoff.policy import Policy

CAUTIOUS = Platt(1.0, -3.0)  # this agent boasts: its 0.9 is worth 0.31
RUNGS = (Rung("flow", 1, Platt()), Rung("small", 3, CAUTIOUS), Rung("large", 6, Platt()))
POLICY = Policy.from_mapping(
    {"ladder": {"budget": 2.0, "human": 5, "by_category": {"chat": 0.5}}}, "test"
)


def near(value: float) -> Any:
    return pytest.approx(value)


def a_climb(category: str = "general", now: float = 100.0) -> Climb:
    return Climb("call-1", 3, category, RUNGS, POLICY, now)


def commands(climb: Climb, *events: tuple[LadderEvent, float]) -> list[LadderCommand]:
    for event, now in events:
        climb.handle(event, now)
    return climb.take_commands()


def test_the_first_rung_is_asked_at_once_for_its_share_of_the_budget() -> None:
    climb = a_climb()
    assert climb.take_commands() == [AskRung("call-1", 3, "flow", near(100.2))]
    assert climb.next_deadline() == near(100.2)


def test_it_stops_at_the_first_rung_that_is_sure_enough() -> None:
    climb = a_climb()
    climb.take_commands()
    assert commands(climb, (RungAnswered("flow", "your balance is 5", 0.93), 100.1)) == [
        Settle(
            "call-1",
            3,
            "answered",
            "your balance is 5",
            "flow",
            near(0.93),
            (Attempt("flow", "settled", near(0.1), 0.93, near(0.93)),),
        )
    ]
    assert climb.next_deadline() is None


def test_a_score_counts_only_after_the_rungs_own_calibration() -> None:
    climb = a_climb()
    climb.take_commands()
    asked = commands(
        climb,
        (RungFailed("flow"), 100.1),
        (RungAnswered("small", "boast", 0.94), 100.3),
    )
    assert [c.rung for c in asked if isinstance(c, AskRung)] == ["small", "large"]


def test_what_a_rung_does_not_use_is_the_next_ones() -> None:
    climb = a_climb()
    climb.take_commands()
    (asked,) = commands(climb, (RungFailed("flow"), 100.05))
    assert asked == AskRung("call-1", 3, "small", near(100.8))  # 0.75 s instead of 0.6


def test_a_rung_that_overruns_is_cut_and_its_late_answer_only_counted() -> None:
    climb = a_climb()
    climb.take_commands()
    assert commands(climb, (DeadlinePassed(), 100.2)) == [
        CancelRung("call-1", 3, "flow", "overran"),
        AskRung("call-1", 3, "small", near(100.8)),
    ]
    late = (RungAnswered("flow", "too late", 1.0), 100.5)
    assert commands(climb, late, late) == [LateAnswer("call-1", 3, "flow", near(0.3))]
    assert climb.phase is Phase.RUNG


def test_an_answer_at_the_deadline_is_late_even_if_the_timer_has_not_fired() -> None:
    climb = a_climb()
    climb.take_commands()
    (cut, asked, late) = commands(climb, (RungAnswered("flow", "x", 1.0), 100.25))
    assert isinstance(cut, CancelRung) and isinstance(asked, AskRung)
    assert isinstance(late, LateAnswer)


def test_rungs_that_a_late_timer_leaves_no_time_are_skipped() -> None:
    climb = a_climb()
    climb.take_commands()
    cut, asked = commands(climb, (DeadlinePassed(), 101.0))
    assert isinstance(cut, CancelRung)
    assert asked == AskRung("call-1", 3, "large", near(102.0))


def test_a_person_gets_the_best_answer_so_far_and_has_their_own_deadline() -> None:
    climb = a_climb("financial")
    climb.take_commands()
    found = commands(
        climb,
        (RungAnswered("flow", "fair", 0.6), 100.1),
        (RungAnswered("small", "boast", 0.94), 100.2),
        (RungFailed("large"), 100.3),
    )
    assert isinstance(found[-1], AskHuman)
    assert found[-1].suggestion is not None and found[-1].suggestion.text == "fair"
    assert found[-1].needed == 0.95
    assert found[-1].deadline == climb.next_deadline() == near(105.3)
    (settled,) = commands(climb, (HumanAnswered("ann", "say this"), 103.0))
    assert isinstance(settled, Settle)
    assert (settled.outcome, settled.text, settled.by) == ("by_human", "say this", "ann")
    assert [a.outcome for a in settled.attempts] == ["insufficient", "insufficient", "failed"]


@pytest.mark.parametrize("event", [HumanUnavailable(), DeadlinePassed()])
def test_without_a_person_nothing_unsure_is_said(event: LadderEvent) -> None:
    climb = Climb("call-1", 3, "general", (), POLICY, 100.0)
    assert isinstance(climb.take_commands()[0], AskHuman)
    (settled,) = commands(climb, (event, 105.0))
    assert isinstance(settled, Settle)
    assert (settled.outcome, settled.text) == ("nobody", None)


def test_a_caller_who_speaks_on_ends_the_climb() -> None:
    climb = a_climb()
    climb.take_commands()
    cut, settled = commands(climb, (TurnWithdrawn(), 100.1))
    assert cut == CancelRung("call-1", 3, "flow", "withdrawn")
    assert isinstance(settled, Settle) and settled.outcome == "withdrawn"


@pytest.mark.parametrize("score", [float("nan"), -0.1, 1.5])
def test_a_score_that_is_none_is_a_failure(score: float) -> None:
    climb = a_climb()
    climb.take_commands()
    commands(climb, (RungAnswered("flow", "x", score), 100.1))
    (_, settled) = commands(climb, (CallerHungUp(), 100.2))
    assert isinstance(settled, Settle)
    assert settled.attempts[0].outcome == "failed"


def test_each_category_has_its_threshold() -> None:
    assert needed_confidence(POLICY, "general") == 0.90
    assert needed_confidence(POLICY, "medical") == 0.95
    assert needed_confidence(POLICY, "chat") == 0.5


def test_rungs_come_from_the_policy_and_need_a_calibration() -> None:
    assert rungs_of(POLICY, {"flow": CAUTIOUS}) == (Rung("flow", 1.0, CAUTIOUS),)
    with pytest.raises(PolicyError, match=r"'ladder.rungs': no calibration for flow"):
        rungs_of(POLICY, {})
    with pytest.raises(PolicyError, match="different names"):
        Policy.from_mapping({"ladder": {"rungs": [{"name": "a"}, {"name": "a"}]}}, "test")


@pytest.mark.parametrize(
    ("rungs", "budget"),
    [
        (RUNGS, -1.0),
        (RUNGS, float("nan")),
        ((*RUNGS, RUNGS[0]), 1.0),
        ((Rung("a", 0, Platt()),), 1),
    ],
)
def test_a_ladder_that_makes_no_sense_is_refused(rungs: tuple[Rung, ...], budget: float) -> None:
    with pytest.raises(ValueError, match="must"):
        Climb("call-1", 1, "general", rungs, POLICY, 0.0, budget=budget)


def test_every_phase_names_what_it_does_on_every_event() -> None:
    events = set(LadderEvent.__args__)
    assert set(TABLE) == {(phase, event) for phase in Phase for event in events}
    assert {CallerHungUp, DeadlinePassed, ServerDraining} <= events
    unknown: Any = CallStarted("call-1", "+1", "banking")
    with pytest.raises(ProtocolError, match="no row for CallStarted"):
        a_climb().handle(unknown, 100.0)


names = st.sampled_from(["flow", "small", "large", "stranger"])
events = st.one_of(
    st.builds(RungAnswered, names, st.just("x"), st.floats(0, 1) | st.just(float("nan"))),
    st.builds(RungFailed, names),
    st.just(DeadlinePassed()),
    st.just(ServerDraining()),
    st.builds(HumanAnswered, st.just("ann"), st.just("y")),
    st.just(HumanUnavailable()),
    st.just(TurnWithdrawn()),
    st.just(CallerHungUp()),
)
steps = st.lists(st.tuples(events, st.floats(0, 1.5)), max_size=20)


@given(steps, st.floats(0, 3), st.sampled_from(["general", "medical", "chat"]))
def test_whatever_happens_it_keeps_to_the_budget_and_settles_once(
    script: list[tuple[LadderEvent, float]], budget: float, category: str
) -> None:
    start = now = 50.0
    climb = Climb("call-1", 1, category, RUNGS, POLICY, now, budget=budget)
    timed = [(now, command) for command in climb.take_commands()]
    for event, wait in script:
        now += wait
        climb.handle(event, now)
        timed += [(now, command) for command in climb.take_commands()]
    while (deadline := climb.next_deadline()) is not None:
        now = max(now, deadline)
        climb.handle(DeadlinePassed(), now)
        timed += [(now, command) for command in climb.take_commands()]

    asked = [(at, c) for at, c in timed if isinstance(c, AskRung)]
    for at, command in asked:
        assert at < command.deadline <= start + budget
    order = ["flow", "small", "large"]
    places = [order.index(c.rung) for _, c in asked]
    assert places == sorted(set(places)), "each rung once, from cheap to capable"
    settles = [place for place, (_, c) in enumerate(timed) if isinstance(c, Settle)]
    assert len(settles) == 1
    assert all(isinstance(c, LateAnswer) for _, c in timed[settles[0] + 1 :])
    settled = timed[settles[0]][1]
    assert isinstance(settled, Settle)
    tried = [a for a in settled.attempts if a.outcome != "skipped"]
    assert [a.rung for a in tried] == [c.rung for _, c in asked]
    if settled.outcome == "answered":
        assert settled.confidence is not None
        assert settled.confidence >= needed_confidence(POLICY, category)
    late = [c for _, c in timed if isinstance(c, LateAnswer)]
    assert len(late) == len({c.rung for c in late})


def test_an_answer_that_says_what_it_is_about_is_measured_by_that() -> None:
    climb = a_climb("chat")
    climb.handle(RungAnswered("flow", "pay it", 0.93, "financial"), 100.1)
    climb.handle(RungAnswered("small", "no", 0.2), 100.2)
    climb.handle(RungAnswered("large", "maybe", 0.3), 100.3)
    ask = climb.take_commands()[-1]
    assert isinstance(ask, AskHuman)
    assert ask.suggestion is not None
    assert (ask.suggestion.rung, ask.needed) == ("flow", 0.95), "what the best answer missed"
    other = a_climb("financial")
    other.handle(RungAnswered("flow", "hello", 0.6, "chat"), 100.1)
    assert isinstance(other.take_commands()[-1], Settle)
