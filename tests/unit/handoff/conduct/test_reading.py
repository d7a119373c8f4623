from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.conduct import CODES, WORDS, Conduct
from handoff.conduct.reading import OPEN, TRIED

PAY = {"payee": "Ann", "amount": 50}


def fact(conduct: Conduct, code: str, **arguments: object) -> float:
    return conduct.facts("pay", arguments or PAY)[CODES.index(code)]


def agreed() -> Conduct:
    conduct = Conduct()
    conduct.caller("Please pay the payee Ann 50 dollars, that is the amount")
    conduct.agent("I will pay Ann $50. Is that right?")
    conduct.caller("Yes, go ahead")
    return conduct


def test_a_well_prepared_action_shows_little() -> None:
    found = dict(zip(CODES, agreed().facts("pay", PAY), strict=True))
    calm = set(CODES) - {"many_details", "figures", "long_talk"}
    assert {code: found[code] for code in calm} == dict.fromkeys(calm, 0.0)


def test_an_action_without_arguments_can_be_judged() -> None:
    found = dict(zip(CODES, Conduct().facts("", {}), strict=True))
    assert {code for code, value in found.items() if value} == {"unconfirmed"}


def test_details_that_the_caller_neither_named_nor_said() -> None:
    conduct = agreed()
    assert fact(conduct, "unspoken_details", payee="Ann", insurance="no") > 0
    assert fact(conduct, "unspoken_details", payee="Bob", note="50") == 0


def test_what_was_understood_counts_as_spoken_of() -> None:
    conduct = Conduct()
    conduct.caller("the usual one", [("source", "checking")])
    assert fact(conduct, "unspoken_details", source="checking") == 0
    assert fact(conduct, "unspoken_details", target="savings") > 0


def test_more_details_weigh_more() -> None:
    few = fact(agreed(), "many_details", a="x", b="y")
    many = fact(agreed(), "many_details", a="x", b="y", c="z", d="u")
    assert 0 < few < many < 1


def test_an_amount_that_was_never_mentioned() -> None:
    conduct = agreed()
    assert fact(conduct, "unsaid_amount", amount=75) == 1
    assert fact(conduct, "unsaid_amount", amount=50.0) == 0
    assert fact(conduct, "unsaid_amount", bags=3) == 0  # a count
    conduct.agent("That comes to $1,075 with the fee.")
    assert fact(conduct, "unsaid_amount", amount="1075.00") == 0


def test_an_argument_known_to_be_money_is_a_figure_and_no_key() -> None:
    conduct = agreed()
    conduct.finished("1", "find", ok=True, result="record AB1234")
    plain_text = conduct.facts("pay", {"amount": "7500"})
    money = conduct.facts("pay", {"amount": "7500"}, 7500.0)
    assert plain_text[CODES.index("invented_id")] == 1
    assert money[CODES.index("invented_id")] == 0
    assert money[CODES.index("unsaid_amount")] == 1


def test_an_id_from_nowhere_counts_once_records_were_shown() -> None:
    conduct = agreed()
    assert fact(conduct, "invented_id", card="card_7334") == 0  # nothing was looked up yet
    conduct.finished("1", "find", ok=True, result='{"cards": ["card_9074831"], "ends": "7334"}')
    assert fact(conduct, "invented_id", card="card_7334") == 1
    assert fact(conduct, "invented_id", card="card_9074831") == 0
    conduct.caller("my number is HAT 266")
    assert fact(conduct, "invented_id", flight="HAT266") == 0


def test_details_that_were_not_read_back() -> None:
    conduct = agreed()
    assert fact(conduct, "unlisted_details", payee="Ann", amount=50) == 0
    assert fact(conduct, "unlisted_details", payee="Ann", account="main") > 0


@pytest.mark.parametrize(
    ("asked", "answer", "expected"),
    [
        ("Shall I do it?", "Yes please", 0),
        ("Please confirm.", "that's right, thanks", 0),
        ("Shall I do it?", "Oh yes, but not the other one", 0),
        ("Shall I do it?", "No, that is not correct", 1),
        ("Shall I do it?", "What would it cost", 1),
        ("Here is the list.", "Yes", 1),
    ],
)
def test_agreement_is_a_yes_to_a_question(asked: str, answer: str, expected: int) -> None:
    conduct = Conduct()
    conduct.agent(asked)
    conduct.caller(answer)
    assert fact(conduct, "unconfirmed") == expected


def test_agreement_ends_with_the_next_question() -> None:
    conduct = agreed()
    conduct.agent("One moment.")
    assert fact(conduct, "unconfirmed") == 0
    conduct.agent("And shall I pay Bob too?")
    assert fact(conduct, "unconfirmed") == 1


def test_failures_of_the_same_and_of_other_actions() -> None:
    conduct = agreed()
    conduct.proposed("1", "pay", PAY)
    conduct.finished("1", "pay", ok=False, result="Error: no money")
    conduct.finished("2", "find", ok=False, result="Error: down")
    conduct.finished("3", "find", ok=False, result="Error: down")
    assert fact(conduct, "failed_before") == 0.5
    assert fact(conduct, "tool_errors") == 1


def test_only_what_was_done_to_the_same_thing_is_a_repeat() -> None:
    conduct = agreed()
    conduct.proposed("1", "pay", {"account": "ACC-1234"})
    conduct.finished("1", "pay", ok=True, result="done")
    assert fact(conduct, "repeated", account="acc-1234") == 1
    assert fact(conduct, "repeated", account="ACC-9999") == 0
    conduct.proposed("2", "pay", {"account": "ACC-9999"})
    conduct.finished("2", "pay", ok=False, result="failed")
    assert fact(conduct, "repeated", account="ACC-9999") == 0


def test_a_refusal_and_pressing_on() -> None:
    conduct = agreed()
    conduct.agent("Unfortunately I cannot change that.")
    assert fact(conduct, "refused_before") == 0.5
    assert fact(conduct, "insisted") == 0
    conduct.caller("But I need it today")
    assert fact(conduct, "insisted") == 0.5


def test_accepting_a_refusal_is_not_pressing_on() -> None:
    conduct = agreed()
    conduct.agent("I am unable to do that. Anything else?")
    conduct.caller("Okay, thanks")
    assert fact(conduct, "insisted") == 0


def test_conditions_and_changes_of_mind() -> None:
    conduct = agreed()
    conduct.caller("only if it is under the limit")
    assert fact(conduct, "conditions") > 0
    assert fact(conduct, "changed_mind") == 0
    conduct.caller("wait, I changed my mind")
    assert fact(conduct, "changed_mind") == 1


def test_a_reply_that_was_cut_short_replaces_the_whole_one() -> None:
    conduct = Conduct()
    conduct.agent("Unfortunately not. It would be $900. Shall I go on?")
    conduct.agent("Well,", again=True)
    assert fact(conduct, "refused_before") == 0
    assert fact(conduct, "unsaid_amount", amount=900) == 1
    conduct.caller("yes")
    assert fact(conduct, "unconfirmed") == 1


def test_only_the_latest_reply_is_replaced() -> None:
    conduct = Conduct()
    conduct.agent("Unfortunately the fee is $700.")
    conduct.agent("Sadly I cannot waive it, so $900.")
    conduct.agent("Sadly I cannot", again=True)
    assert fact(conduct, "refused_before") == 1
    assert fact(conduct, "unsaid_amount", amount=700) == 0
    assert fact(conduct, "unlisted_details", amount=700) == 0
    assert fact(conduct, "unsaid_amount", amount=900) == 1


def test_a_late_correction_leaves_the_callers_answer_alone() -> None:
    conduct = agreed()
    conduct.agent("I will pay Ann $50. Is that", again=True)
    assert fact(conduct, "unconfirmed") == 0


STEPS = st.one_of(
    st.tuples(st.just("caller"), st.text(max_size=60)),
    st.tuples(st.just("agent"), st.text(max_size=60)),
    st.tuples(st.just("again"), st.text(max_size=60)),
    st.tuples(st.just("proposed"), st.sampled_from(["a", "b", "c"])),
    st.tuples(st.just("ok"), st.sampled_from(["a", "b", "c"])),
    st.tuples(st.just("failed"), st.sampled_from(["a", "b", "c"])),
)


@given(st.lists(STEPS, max_size=40))
def test_facts_stay_between_0_and_1_and_never_change_by_asking(
    steps: list[tuple[str, str]],
) -> None:
    conduct = Conduct()
    for kind, text in steps:
        match kind:
            case "caller":
                conduct.caller(text)
            case "agent" | "again":
                conduct.agent(text, again=kind == "again")
            case "proposed":
                conduct.proposed(text, text, {"id": text})
            case _:
                conduct.finished(text, text, ok=kind == "ok", result=text)
        found = conduct.facts("a", {"id": "a", "amount": 30})
        assert len(found) == len(WORDS)
        assert all(0 <= value <= 1 for value in found)
        assert conduct.facts("a", {"id": "a", "amount": 30}) == found


def test_the_oldest_failures_and_open_proposals_are_forgotten() -> None:
    conduct = Conduct()
    conduct.finished("x", "pay", ok=False, result="")
    conduct.proposed("first", "pay", {"account": "ACC-1234"})
    for index in range(max(OPEN, TRIED)):
        conduct.proposed(str(index), "other", {})
        conduct.finished(f"f{index}", f"other{index}", ok=False, result="")
    assert fact(conduct, "failed_before") == 0
    conduct.finished("first", "pay", ok=True, result="")
    assert fact(conduct, "repeated", account="ACC-1234") == 0
