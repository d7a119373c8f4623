from __future__ import annotations

import pytest

from handoff.events import CallerHungUp, DeadlinePassed, OperatorLost, ServerDraining
from handoff.session import TABLE, State
from handoff.states import LIVE, SESSION_EVENTS


def test_every_event_has_a_row_in_every_state() -> None:
    assert set(TABLE) == {(state, event) for state in State for event in SESSION_EVENTS}


@pytest.mark.parametrize("state", LIVE)
@pytest.mark.parametrize("event", [CallerHungUp, OperatorLost, DeadlinePassed, ServerDraining])
def test_live_states_say_in_their_own_words_what_they_do_on_the_four(
    state: State, event: type
) -> None:
    row = TABLE[state, event]
    assert row.words != "late: has no effect"
    if event is CallerHungUp:
        assert row.targets == {State.ENDED}
