from dataclasses import replace

import pytest

from voice_hitl.demo.judging import Outcome, failures, judge
from voice_hitl.demo.measuring import Content
from voice_hitl.simulate.scenario import Expectation

BOTH_WAYS = (Content("to_caller", "words", 0.95), Content("to_operator", "a.wav", 0.9))
ROUTINE = Outcome("automated", (), False, False, (), {}, (), ())
HANDED = Outcome("handed_off", ("explicit_request",), True, True, BOTH_WAYS, {}, (), ())


def wrong(expect: Expectation, came: Outcome) -> list[str]:
    return [check.what for check in failures(judge(expect, came))]


def test_a_routine_call_as_it_should_be() -> None:
    assert wrong(Expectation(outcome="automated"), ROUTINE) == []


def test_another_outcome_is_wrong() -> None:
    assert "outcome" in wrong(Expectation(outcome="automated"), replace(ROUTINE, outcome="failed"))
    assert "outcome" in wrong(Expectation(outcome="automated"), replace(ROUTINE, outcome=None))


def test_a_routine_call_must_not_ask_for_a_person_even_in_vain() -> None:
    asked = replace(ROUTINE, requested=True, reasons=("frustration",))
    assert wrong(Expectation(outcome="automated"), asked) == ["no person asked"]


def test_asking_is_fine_where_the_scenario_wants_it() -> None:
    expect = Expectation(outcome="automated", reasons_any=["explicit_request"])
    asked = replace(ROUTINE, requested=True, reasons=("explicit_request",))
    assert wrong(expect, asked) == []


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        (("approved",), []),
        (("rejected", "approved"), []),
        (("rejected",), ["approval"]),
        ((), ["approval"]),
    ],
)
def test_an_approval_must_have_been_answered_as_the_scenario_says(
    answers: tuple[str, ...], found: list[str]
) -> None:
    expect = Expectation(outcome="automated", approval="approved")
    assert wrong(expect, replace(ROUTINE, approvals=answers)) == found


def test_a_handed_over_call_as_it_should_be() -> None:
    expect = Expectation(outcome="handed_off", reasons_any=["digit_zero", "explicit_request"])
    assert wrong(expect, HANDED) == []


def test_none_of_the_reasons_is_wrong() -> None:
    expect = Expectation(outcome="handed_off", reasons_any=["emergency"])
    assert wrong(expect, HANDED) == ["reason"]


@pytest.mark.parametrize(
    ("contents", "missing"),
    [
        (BOTH_WAYS[:1], "operator hears"),
        (BOTH_WAYS[1:], "caller hears"),
        ((BOTH_WAYS[0], replace(BOTH_WAYS[1], score=0.4)), "operator hears"),
        ((*BOTH_WAYS, Content("to_caller", "words", 0.2)), "caller hears"),
    ],
)
def test_both_voices_must_be_found_at_the_other_end(
    contents: tuple[Content, ...], missing: str
) -> None:
    expect = Expectation(outcome="handed_off")
    assert wrong(expect, replace(HANDED, contents=contents)) == [missing]


def test_facts_of_the_bank_must_hold_and_be_known() -> None:
    expect = Expectation(outcome="automated", bank={"transfers": "1", "savings": "6450.00"})
    assert wrong(expect, replace(ROUTINE, facts={"transfers": 1, "savings": "6450.00"})) == []
    assert wrong(expect, replace(ROUTINE, facts={"transfers": 1})) == ["bank: savings"]


def test_a_console_that_rings_on_is_wrong() -> None:
    expect = Expectation(outcome="abandoned")
    came = replace(ROUTINE, outcome="abandoned", requested=True, still_ringing=("Dana",))
    assert wrong(expect, came) == ["rings after the end"]


def test_every_problem_counts() -> None:
    expect = Expectation(outcome="automated")
    came = replace(ROUTINE, problems=("waited in vain", "stream cut"))
    assert [c.found for c in failures(judge(expect, came))] == ["waited in vain", "stream cut"]
