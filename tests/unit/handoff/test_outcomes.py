from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff.acts import prefixes
from handoff.commands import DecisionKind
from handoff.errors import ProtocolError
from handoff.labels import CALLER_TURNS, HORIZON, Verdict
from handoff.metrics import Predicted
from handoff.outcomes import (
    CALLS,
    TURNS,
    AiResumed,
    CallEnded,
    HandoffJudged,
    OutcomeEvent,
    Outcomes,
    TakenOver,
    TurnDecided,
    TurnJudged,
)


def turn(
    number: int, h: float = 0.0, *, call: str = "c", off: bool = False, code: str = ""
) -> TurnDecided:
    kind = DecisionKind.HARD if code else DecisionKind.SOFT
    return TurnDecided(call, number, h or number / 100, number / 1000, off, kind, (code,))


def told(outcomes: Outcomes, *events: OutcomeEvent) -> list[Predicted]:
    return [fact for event in events for fact in outcomes.handle(event)]


def h(number: int, outcome: bool) -> Predicted:
    return Predicted("h", number / 100, outcome)


def test_a_turn_that_enough_others_followed_did_not_break_down() -> None:
    outcomes = Outcomes()
    assert told(outcomes, *(turn(number) for number in range(1, CALLER_TURNS + 2))) == []
    assert told(outcomes, turn(CALLER_TURNS + 2)) == [h(1, False)]


def test_live_outcomes_use_the_horizon_that_h_is_trained_with() -> None:
    count = 7
    turns: list[dict[str, Any]] = [
        {"speaker": who, "acts": []} for _ in range(count) for who in ("agent", "caller")
    ]
    call = {"call_id": "c", "turns": turns, "outcome": "handed_off"}
    trained = [prefix.turns // 2 for prefix in prefixes(call) if prefix.label]
    outcomes = Outcomes()
    facts = told(outcomes, *(turn(number) for number in range(1, count)))
    facts += told(outcomes, turn(count, off=True, code="silences"))
    live = [number for number in range(1, count) if h(number, True) in facts]
    assert live == trained == [5, 6]
    assert HORIZON == 2 * CALLER_TURNS


def test_a_hard_trigger_says_that_the_turns_before_it_should_have_shown_it() -> None:
    outcomes = Outcomes()
    facts = told(
        outcomes, *(turn(number) for number in range(1, 6)), turn(6, off=True, code="silences")
    )
    assert facts == [
        *(h(number, False) for number in (1, 2, 3)),
        *(h(number, True) for number in (4, 5, 6)),
    ]
    assert told(outcomes, CallEnded("c", "handed_off")) == []


@pytest.mark.parametrize("code", ["", "over_limit", "emergency"])
def test_what_does_not_tell_by_itself_is_settled_by_the_operators_word(code: str) -> None:
    for verdict in get_args(Verdict):
        outcomes, came = Outcomes(), verdict in ("needed", "too_late")
        assert (
            told(outcomes, turn(1), turn(2, off=True, code=code), CallEnded("c", "handed_off"))
            == []
        )
        assert told(outcomes, HandoffJudged("c", verdict)) == [h(1, came), h(2, came)]
        assert told(outcomes, HandoffJudged("c", verdict)) == []


def test_who_takes_a_call_unasked_and_who_hangs_up_on_the_ai_say_that_it_went_wrong() -> None:
    assert told(Outcomes(), turn(1), TakenOver("c")) == [h(1, True)]
    assert told(Outcomes(), turn(1), CallEnded("c", "abandoned")) == [h(1, True)]


def test_a_finished_call_went_well_and_a_failed_one_says_nothing() -> None:
    assert told(Outcomes(), turn(1), CallEnded("c", "automated")) == [h(1, False)]
    assert told(Outcomes(), turn(1), CallEnded("c", "failed")) == []


def test_what_is_said_while_waiting_for_a_person_is_no_turn_of_the_ai() -> None:
    outcomes = Outcomes()
    told(outcomes, turn(1, off=True, code="silences"))
    assert told(outcomes, turn(2), CallEnded("c", "abandoned")) == []
    told(outcomes, turn(1, off=True, code="silences", call="d"), AiResumed("d"))
    assert told(outcomes, turn(2, call="d"), CallEnded("d", "automated")) == [h(2, False)]


def test_of_one_turn_the_last_decision_counts() -> None:
    facts = told(Outcomes(), turn(1, 0.9), turn(1, 0.2), CallEnded("c", "automated"))
    assert facts == [Predicted("h", 0.2, False)]


def test_a_judged_turn_tells_what_came_of_q_once() -> None:
    outcomes = Outcomes()
    told(outcomes, turn(3))
    assert told(outcomes, TurnJudged("c", 3, True)) == [Predicted("q", 0.003, True)]
    assert told(outcomes, TurnJudged("c", 3, True), TurnJudged("c", 4, True)) == []


def test_the_oldest_calls_and_turns_are_forgotten() -> None:
    outcomes = Outcomes()
    told(outcomes, *(turn(1, call=f"c{number}") for number in range(CALLS + 1)))
    assert told(outcomes, CallEnded("c0", "automated")) == []
    assert told(outcomes, CallEnded(f"c{CALLS}", "automated")) == [h(1, False)]
    told(outcomes, *(turn(number, 0.5, call="long") for number in range(1, TURNS + 2)))
    assert told(outcomes, TurnJudged("long", 1, True)) == []
    assert len(told(outcomes, TurnJudged("long", 2, True))) == 1


@pytest.mark.parametrize(
    "event", ["nonsense", turn(1, 1.5), TurnDecided("c", 1, 0.5, -1, False, DecisionKind.SOFT)]
)
def test_what_is_no_event_or_no_probability_is_refused(event: Any) -> None:
    with pytest.raises(ProtocolError):
        Outcomes().handle(event)


EVENTS = st.lists(
    st.one_of(
        st.builds(
            TurnDecided,
            st.just("c"),
            st.integers(1, 30),
            st.floats(0, 1),
            st.floats(0, 1),
            st.booleans(),
            st.sampled_from(DecisionKind),
            st.sampled_from([(), ("silences",), ("over_limit",)]),
        ),
        st.sampled_from([TakenOver("c"), AiResumed("c"), HandoffJudged("c", "needed")]),
        st.builds(TurnJudged, st.just("c"), st.integers(1, 30), st.booleans()),
    ),
    max_size=60,
)


@given(EVENTS)
@settings(max_examples=200, deadline=None)
def test_no_prediction_is_settled_twice(events: list[OutcomeEvent]) -> None:
    outcomes, settled, decided = Outcomes(), 0, 0
    for event in [*events, CallEnded("c", "automated")]:
        decided += isinstance(event, TurnDecided)
        settled += len([fact for fact in outcomes.handle(event) if fact.head == "h"])
        assert settled <= decided
