from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from handoff.brief import Memory
from handoff.events import HandoffRequested
from handoff.operators import Operator
from handoff.queue import Waiting
from handoff.routing import choose, fits, may_come
from handoff.testing import a_call, a_decision

SKILLS = st.frozensets(st.sampled_from(["banking", "claims"]))
operators = st.lists(
    st.builds(
        Operator,
        operator_id=st.sampled_from(["ann", "bob", "cyd", "dan", "eve"]),
        name=st.just("x"),
        skills=SKILLS,
        languages=st.just(frozenset[str]()),
        idle_since=st.floats(0, 100),
        wants_calls=st.booleans(),
        offer_id=st.none() | st.just("o"),
        call_id=st.none() | st.just("c"),
    ),
    unique_by=lambda operator: operator.operator_id,
)


def waiting(skill: str | None, skip: tuple[str, ...], tried: list[str]) -> Waiting:
    decision = a_decision()
    brief = Memory(a_call(), 1, 1).brief(decision)
    request = HandoffRequested("call-1", brief, decision, skip, skill)
    return Waiting(request, 0.0, dict.fromkeys(tried))


@given(
    operators,
    st.none() | st.sampled_from(["banking", "claims"]),
    st.lists(st.sampled_from(["ann", "bob"]), unique=True),
    st.lists(st.sampled_from(["cyd", "dan"]), unique=True),
)
def test_the_chosen_one_is_free_fitting_untried_and_idle_for_longest(
    floor: list[Operator], skill: str | None, skip: list[str], tried: list[str]
) -> None:
    call = waiting(skill, tuple(skip), tried)
    chosen = choose(floor, call)
    able = [o for o in floor if o.free and fits(o, call) and o.operator_id not in tried]
    if chosen is None:
        assert able == []
        return
    assert chosen in able
    preferred = [o for o in able if o.operator_id not in skip] or able
    assert chosen in preferred
    assert chosen.idle_since == min(o.idle_since for o in preferred)
    assert not may_come([chosen], call)


@given(operators, st.lists(st.sampled_from(["ann", "bob"]), unique=True))
def test_somebody_may_come_only_if_they_want_calls_and_were_not_asked(
    floor: list[Operator], tried: list[str]
) -> None:
    call = waiting(None, (), tried)
    expected = [o for o in floor if o.wants_calls and not o.free and o.operator_id not in tried]
    assert may_come(floor, call) == bool(expected)
