from __future__ import annotations

from voice_hitl.agent.conversation import _MOVES
from voice_hitl.agent.reading import _RULES
from voice_hitl.agent.table import TABLE, Act, Move, State


def test_every_state_names_what_it_does_on_every_act() -> None:
    assert set(TABLE) == set(State)
    for state, row in TABLE.items():
        assert set(row) == set(Act), state


def test_every_move_is_a_method_and_is_used() -> None:
    assert set(_MOVES) == set(Move)
    assert {move for row in TABLE.values() for move in row.values()} == set(Move)


def test_every_state_has_reading_rules() -> None:
    assert set(_RULES) == set(State)


def test_only_a_confirmation_takes_a_yes_as_a_go_ahead() -> None:
    assert [state for state in State if TABLE[state][Act.AFFIRM] is Move.GO_ON] == [
        State.CONFIRMING
    ]


def test_a_request_for_a_person_is_never_ignored() -> None:
    for state in State:
        if state is not State.ENDED:
            assert TABLE[state][Act.PERSON] is Move.NOBODY
