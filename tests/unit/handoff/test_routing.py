from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from handoff.brief import Memory
from handoff.commands import Urgency
from handoff.events import HandoffRequested, Seniority
from handoff.operators import Operator
from handoff.policy import Triage
from handoff.queue import Waiting
from handoff.routing import choose, fits, may_ask_again, may_come
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
        seniority=st.sampled_from(Seniority),
        capacity=st.integers(1, 3),
        work=st.dictionaries(st.sampled_from("xy"), st.integers(1, 2)),
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
    kind = chosen.seniority is Seniority.STANDARD
    if not kind:
        assert all(o.seniority is not Seniority.STANDARD for o in preferred), "seniors come second"
    own = [o for o in preferred if (o.seniority is Seniority.STANDARD) == kind]
    least = [o for o in own if o.load == min(other.load for other in own)]
    assert chosen in least
    assert chosen.idle_since == min(o.idle_since for o in least)
    assert not may_come([chosen], call)


@given(operators, st.lists(st.sampled_from(["ann", "bob"]), unique=True))
def test_somebody_may_come_only_if_they_want_calls_and_were_not_asked(
    floor: list[Operator], tried: list[str]
) -> None:
    call = waiting(None, (), tried)
    expected = [o for o in floor if o.wants_calls and not o.free and o.operator_id not in tried]
    assert may_come(floor, call) == bool(expected)


@given(operators, st.sampled_from(["ann", "bob"]), st.dictionaries(st.just("cyd"), st.floats(0, 1)))
def test_nobody_is_asked_who_may_not_be_and_preference_comes_before_idleness(
    floor: list[Operator], rests: str, likes: dict[str, float]
) -> None:
    call = waiting(None, (), [])

    def allowed(operator: Operator, _waiting: Waiting, now: float) -> bool:
        assert now == 5.0
        return operator.operator_id != rests

    def preference(operator: Operator, _waiting: Waiting, _now: float) -> float:
        return likes.get(operator.operator_id, 0.5)

    chosen = choose(floor, call, 5.0, allowed, preference)
    assert chosen is None or chosen.operator_id != rests
    alike = [o for o in floor if o.free and o.operator_id != rests]
    if chosen is not None and len({(o.seniority, o.load) for o in alike}) == 1:
        assert likes.get(chosen.operator_id, 0.5) == min(
            likes.get(o.operator_id, 0.5) for o in alike
        )
    busy = [o for o in floor if o.comes_back and o.operator_id != rests]
    assert may_come(floor, call, 5.0, allowed) == bool(busy)


def an_operator(name: str, seniority: Seniority, **values: object) -> Operator:
    operator = Operator(name, name, frozenset(), frozenset(), 0.0, True, seniority=seniority)
    for field, value in values.items():
        setattr(operator, field, value)
    return operator


def test_a_seniors_call_is_kept_for_seniors_while_one_may_come() -> None:
    call = waiting(None, (), [])
    call.rank(Urgency.MEDIUM, 90.0, Triage())
    ann = an_operator("ann", Seniority.STANDARD)
    bob = an_operator("bob", Seniority.SENIOR, call_id="c")
    assert choose([ann, bob], call, 9.9) is None
    assert choose([ann, bob], call, 10.0) is ann, "rather than waiting for ever"
    assert choose([ann], call, 0.0) is ann, "no senior is there to wait for"
    bob.call_id = None
    assert choose([ann, bob], call, 10.0) is bob
    call.tried["bob"] = None
    assert choose([ann, bob], call, 0.0) is ann, "every senior was asked"
    call.tried.clear()
    call.rank(Urgency.CRITICAL, 100.0, Triage())
    bob.call_id = "c"
    assert choose([ann, bob], call, 0.0) is ann, "critical waits for nobody"


def test_only_who_was_asked_and_still_wants_calls_can_be_asked_again() -> None:
    ann = an_operator("ann", Seniority.STANDARD)
    call = waiting(None, (), [])
    assert not may_ask_again([ann], call, 0.0)
    call.tried["ann"] = None
    assert may_ask_again([ann], call, 0.0)
    ann.wants_calls = False
    assert not may_ask_again([ann], call, 0.0)
