from __future__ import annotations

import pytest

from handoff.errors import UnknownOperator
from handoff.events import OperatorJoined, Presence, Seniority
from handoff.operators import Operator, Roster


def an_operator(**values: object) -> Operator:
    operator = Operator("ann", "Ann", frozenset(), frozenset(), 0.0)
    for name, value in values.items():
        setattr(operator, name, value)
    return operator


@pytest.mark.parametrize(
    ("values", "presence"),
    [
        ({}, "away"),
        ({"wants_calls": True}, "available"),
        ({"wants_calls": True, "offer_id": "o"}, "offered"),
        ({"wants_calls": True, "wrap_up_until": 3.0}, "wrap_up"),
        ({"wants_calls": False, "call_id": "c"}, "in_call"),
        ({"wants_calls": True, "call_id": "c", "offer_id": "o"}, "in_call"),
    ],
)
def test_presence_is_the_strongest_of_what_holds(values: dict[str, object], presence: str) -> None:
    operator = an_operator(**values)
    assert operator.presence == presence
    assert operator.free == (presence == "available")


def test_only_who_wants_calls_comes_back() -> None:
    assert an_operator(wants_calls=True, call_id="c").comes_back
    assert not an_operator(wants_calls=False, call_id="c").comes_back
    assert not an_operator(wants_calls=True).comes_back


def test_joining_again_keeps_what_they_are_doing() -> None:
    roster = Roster()
    operator = roster.join(OperatorJoined("ann", "Ann"), 1.0)
    roster.set_presence(operator, Presence.AVAILABLE, 2.0)
    again = roster.join(OperatorJoined("ann", "Ann B.", frozenset({"claims"})), 9.0)
    assert again is operator
    assert (again.name, again.skills) == ("Ann B.", frozenset({"claims"}))
    assert (again.idle_since, again.wants_calls, len(roster)) == (2.0, True, 1)


def test_presence_said_twice_does_not_restart_idleness() -> None:
    roster = Roster()
    operator = roster.join(OperatorJoined("ann", "Ann"), 0.0)
    assert roster.set_presence(operator, Presence.AVAILABLE, 5.0)
    assert not roster.set_presence(operator, Presence.AVAILABLE, 9.0)
    assert operator.idle_since == 5.0


def test_a_stranger_is_named() -> None:
    roster = Roster()
    assert roster.find("eve") is None
    assert roster.remove("eve") is None
    with pytest.raises(UnknownOperator, match="send OperatorJoined first"):
        roster.get("eve")


def test_a_break_shows_unless_a_call_or_an_offer_is_stronger() -> None:
    roster = Roster()
    operator = roster.join(OperatorJoined("ann", "Ann"), 1.0)
    assert roster.set_presence(operator, Presence.BREAK, 2.0)
    assert not roster.set_presence(operator, Presence.BREAK, 3.0)
    operator.wrap_up_until = 9.0
    assert (operator.presence, operator.free, operator.comes_back) == ("break", False, False)
    operator.call_id = "c"
    assert operator.presence == "in_call"
    assert roster.set_presence(operator, Presence.AWAY, 4.0), "away is not a break"
    assert not operator.on_break


def test_capacity_is_the_operators_own_or_the_floors() -> None:
    roster = Roster()
    assert roster.join(OperatorJoined("ann", "Ann"), 1.0, capacity=3).capacity == 3
    again = OperatorJoined("ann", "Ann", seniority=Seniority.ON_CALL, capacity=5)
    operator = roster.join(again, 2.0, capacity=3)
    assert (operator.capacity, operator.seniority) == (5, "on_call")


@pytest.mark.parametrize(
    ("work", "room", "free"),
    [({}, 3, True), ({"a": 2}, 1, True), ({"a": 2, "b": 1}, 0, False), ({"a": 5}, 0, False)],
)
def test_light_work_takes_room_and_full_hands_take_no_call(
    work: dict[str, int], room: int, free: bool
) -> None:
    operator = an_operator(wants_calls=True, capacity=3, work=work)
    assert (operator.room, operator.free, operator.comes_back) == (room, free, not free)
    assert operator.free_for(critical=True)
    operator.call_id = "c"
    assert not operator.free_for(critical=True)
    assert operator.room == 0


def test_an_empty_list_has_every_skill_and_language() -> None:
    assert an_operator().can("claims", "de")
    assert not an_operator(skills=frozenset({"cards"})).can("claims", None)
    assert not an_operator(languages=frozenset({"en"})).can(None, "de")
    assert an_operator(skills=frozenset({"cards"})).can(None, None)
