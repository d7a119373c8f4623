"""Whole calls by text: each thing callers come for, told as they tell it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from voice_hitl.agent.protocol import Heard, Verdict
from voice_hitl.agent.testing import Reply, TextCall
from voice_hitl.agent.tools import ToolCall, ToolResult
from voice_hitl.errors import ToolError
from voice_hitl.language import Hypothesis
from voice_hitl.packs.banking.bank import Bank

ALICE = "+15550100"
Dial = Callable[..., TextCall]


async def say_all(call: TextCall, *turns: str) -> list[Reply]:
    return [await call.say(turn) for turn in turns]


# --- each intent, when all goes well ----------------------------------------------------------


async def test_balance(dial: Dial) -> None:
    call = dial()
    assert call.greeting.startswith("Hello")
    reply = await call.say("hi what's the balance of my checking account")
    assert "two thousand eight hundred forty dollars and fifty cents" in reply.text
    assert [each.ok for each in reply.acted] == [True]
    assert reply.proposals == ()
    assert reply.understanding.intent.name == "balance"
    assert reply.understanding.intent.category == "financial"
    end = await call.say("no thanks that's all")
    assert end.done.end_call
    assert "Goodbye" in end.text


async def test_balance_asks_for_the_account_and_owes_on_credit(dial: Dial) -> None:
    call = dial()
    asked, told = await say_all(call, "i want to check my balance", "the credit card")
    assert "Which account" in asked.text
    assert asked.done.pending == "which account"
    assert "savings" in asked.done.expectation.phrases
    assert "You owe three hundred twelve dollars" in told.text


async def test_transfer(dial: Dial, bank: Bank) -> None:
    call = dial()
    asked, read, done = await say_all(
        call,
        "i'd like to transfer two hundred dollars from checking to savings",
        "four three two one",
        "yes please",
    )
    assert "last four digits" in asked.text
    assert read.sentences[0].text == "I'll move two hundred dollars from checking to savings."
    assert set(read.kinds) == {"confirmation"}
    assert read.done.pending == "a yes or no: Move $200.00 from checking to savings"
    assert not read.proposals
    (proposal,) = done.proposals
    assert (proposal.name, proposal.amount, proposal.over_limit) == ("transfer", 200.0, False)
    assert proposal.effect.value == "reversible"
    assert (await bank.facts(ALICE))["savings"] == "6400.00"


async def test_a_transfer_is_proposed_with_the_callers_own_words(dial: Dial) -> None:
    call = dial()
    *_, done = await say_all(
        call, "transfer five hundred dollars from savings", "to checking", "4321", "yes"
    )
    (proposal,) = done.proposals
    assert proposal.reasoning == (
        "The caller said: “transfer five hundred dollars from savings”. "
        "They said yes to: “I'll move $500.00 from savings to checking. Is that right?”"
    )
    assert proposal.alternatives[0] == "Move less than $500.00, by approving it with another amount"


async def test_transfer_slot_by_slot_with_keys(dial: Dial, bank: Bank) -> None:
    call = dial()
    await say_all(call, "i want to move some money", "from savings", "to checking", "fifty dollars")
    first = await call.key("4")
    assert first.sentences == ()
    assert first.done.pending == "the last four digits of the debit card"
    await call.key("32")
    read = await call.key("1")
    assert "I'll move fifty dollars from savings to checking" in read.text
    await call.say("go ahead")
    assert (await bank.facts(ALICE))["savings"] == "6150.00"


async def test_a_second_transfer_needs_no_second_check(dial: Dial) -> None:
    call = dial()
    await say_all(call, "transfer ten dollars from checking to savings", "4321", "yes")
    again = await call.say("transfer another twenty dollars from checking to savings")
    assert "I'll move twenty dollars" in again.text


async def test_lost_card(dial: Dial, bank: Bank) -> None:
    call = dial()
    read, blocked, ordered = await say_all(call, "i lost my debit card", "yes block it", "yes")
    assert "ending in four three two one" in read.text
    assert [each.name for each in blocked.proposals] == ["block_card"]
    assert "Should I send a new one" in blocked.text
    assert "should arrive by march nineteenth" in ordered.text
    facts = await bank.facts(ALICE)
    assert (facts["debit_card"], facts["credit_card"]) == ("blocked", "active")
    assert facts["deliveries"] == "1"


async def test_lost_card_without_a_new_one(dial: Dial, bank: Bank) -> None:
    call = dial()
    *_, end = await say_all(call, "my card was stolen", "credit", "yes", "no")
    assert "no new card for now" in end.text
    facts = await bank.facts(ALICE)
    assert (facts["credit_card"], facts["deliveries"]) == ("blocked", "0")


async def test_disputed_charge(dial: Dial, bank: Bank) -> None:
    call = dial()
    found, mine, why, read, done = await say_all(
        call,
        "i have a question about a charge from the pet palace",
        "yes that's the one",
        "yes",
        "they took too much",
        "yes open it",
    )
    assert "forty six dollars and twenty cents at pet palace" in found.text
    assert "Did you make that purchase yourself?" in mine.text
    assert "What is wrong with it" in why.text
    assert "because the amount is wrong" in read.text
    assert "case number is one zero zero one" in done.text
    assert not any(each.understanding.dialogue.emergency for each in (found, mine, why, read))
    assert (await bank.facts(ALICE))["disputes"] == "1"


async def test_disputed_charge_turns_out_to_be_fraud(dial: Dial, bank: Bank) -> None:
    call = dial()
    _, mine, turned, _, done = await say_all(
        call,
        "i'm calling about a charge from super electronics",
        "yes",
        "no i did not make that purchase",
        "my credit card",
        "yes",
    )
    assert not mine.understanding.dialogue.emergency
    assert turned.understanding.dialogue.emergency
    assert "debit card or your credit card" in turned.text
    (proposal,) = done.proposals
    assert (proposal.regulated, proposal.name) == ("fraud", "report_fraud")
    facts = await bank.facts(ALICE)
    assert (facts["credit_card"], facts["fraud_cases"]) == ("blocked", "1")


@pytest.mark.parametrize(
    "heard",
    [
        "no that was me i never bought anything there",  # "wasn't" misheard
        "no i never bought anything from them",
        "that is not my purchase somebody is using my card",
    ],
)
async def test_not_my_purchase_in_other_or_misheard_words(dial: Dial, heard: str) -> None:
    call = dial()
    await say_all(call, "i'm calling about a charge from golden dragon", "yes that's the one")
    reply = await call.say(heard)
    assert reply.understanding.dialogue.emergency
    assert "debit card or your credit card" in reply.text


async def test_annoyance_is_no_request(dial: Dial) -> None:
    for text in ("this is ridiculous i have been waiting forever", "you never listen to me"):
        reply = await dial().say(text)
        assert reply.understanding.dialogue.no_match
        assert reply.understanding.dialogue.frustration > 0.6
        assert "sorry" in reply.text


async def test_a_yes_with_the_answer_stays_in_its_flow(dial: Dial) -> None:
    call = dial()
    _, reply = await say_all(
        call, "someone is using my card right now", "yes please block my credit card right now"
    )
    assert reply.understanding.intent.name == "fraud"
    assert "open a fraud case" in reply.text


async def test_fraud_under_way(dial: Dial) -> None:
    reply = await dial().say("someone is using my card right now")
    assert reply.understanding.dialogue.emergency
    assert reply.understanding.intent.name == "fraud"


async def test_opening_hours_and_what_follows(dial: Dial) -> None:
    call = dial()
    asked, told, sunday = await say_all(
        call, "what are your opening hours", "downtown", "what about sunday"
    )
    assert "Which branch" in asked.text
    assert "open monday to friday from nine to five" in told.text
    assert "The downtown branch is closed on sunday" in sunday.text


async def test_finding_a_branch(dial: Dial) -> None:
    call = dial()
    every, one = await say_all(call, "where are your branches", "where is the airport branch")
    assert "Our branches are" in every.text
    assert "terminal two" in one.text


async def test_card_delivery(dial: Dial) -> None:
    assert "No card is on its way" in (await dial().say("where is my new card")).text
    waiting = await dial("+15550102").say("when will my new debit card arrive")
    assert "should arrive by march fifteenth" in waiting.text


async def test_asking_for_a_person_when_none_can_come(dial: Dial) -> None:
    call = dial()
    reply = await call.say("let me talk to a real person please")
    assert reply.understanding.dialogue.wants_person > 0.5
    assert "nobody is free" in reply.text
    assert reply.kinds[0] == "apology"


async def test_small_talk(dial: Dial) -> None:
    call = dial()
    hello, thanks, sure, bye = await say_all(
        call, "hello can you hear me", "thank you", "goodbye", "no thanks bye"
    )
    assert not sure.done.end_call
    assert "I'm the automated assistant" in hello.text
    assert "welcome" in thanks.text
    assert bye.done.end_call


# --- corrections, refusals, changes of mind ---------------------------------------------------


@pytest.mark.parametrize(
    ("turn", "read_back"),
    [
        ("no from money market", "two hundred dollars from money market to savings"),
        ("i said three hundred", "three hundred dollars from checking to savings"),
        ("make it fifty dollars", "fifty dollars from checking to savings"),
        ("no to money market please", "two hundred dollars from checking to money market"),
    ],
)
async def test_a_correction_is_read_back(dial: Dial, turn: str, read_back: str) -> None:
    call = dial()
    *_, reply = await say_all(call, "transfer two hundred from checking to savings", "4321", turn)
    assert f"I'll move {read_back}" in reply.text
    assert reply.understanding.dialogue.negation
    assert reply.proposals == ()


async def test_a_plain_no_asks_what_to_change(dial: Dial, bank: Bank) -> None:
    call = dial()
    *_, asked, read, _ = await say_all(
        call,
        "transfer two hundred from checking to savings",
        "4321",
        "no",
        "the amount should be one hundred dollars",
        "yes",
    )
    assert "what should I change" in asked.text
    assert asked.done.pending == "what to change"
    assert "I'll move one hundred dollars" in read.text
    assert (await bank.facts(ALICE))["savings"] == "6300.00"


async def test_both_accounts_the_same(dial: Dial) -> None:
    reply = await dial().say("transfer two hundred from checking to checking")
    assert "Both of those would be checking" in reply.text
    assert "which account should it go to" in reply.text


async def test_cancel_changes_nothing(dial: Dial, bank: Bank) -> None:
    call = dial()
    *_, reply = await say_all(
        call, "transfer two hundred from checking to savings", "4321", "cancel that"
    )
    assert "I've stopped that" in reply.text
    assert (await bank.facts(ALICE))["transfers"] == "0"


async def test_another_charge_than_the_one_found(dial: Dial) -> None:
    call = dial()
    _, other, found = await say_all(
        call, "i want to dispute a charge from corner coffee", "no", "river books"
    )
    assert "let's look for another one" in other.text
    assert "river books" in found.text


async def test_a_question_in_between_and_back(dial: Dial) -> None:
    call = dial()
    _, between, back = await say_all(
        call, "transfer three hundred from checking", "what is my savings balance", "to savings"
    )
    assert "six thousand two hundred dollars" in between.text
    assert "Now back to moving money" in between.text
    assert "last four digits" in back.text
    assert back.understanding.slots["amount"] == "$300.00"


async def test_an_emergency_in_between_is_not_followed_by_the_old_flow(dial: Dial) -> None:
    call = dial()
    *_, done = await say_all(
        call,
        "transfer three hundred from checking",
        "oh no somebody is using my card right now",
        "debit",
        "yes",
    )
    assert "fraud case" in done.text
    assert "Now back to" not in done.text


async def test_say_that_again(dial: Dial) -> None:
    call = dial()
    first, again = await say_all(call, "what is my savings balance", "can you say that again")
    assert again.text == first.text


async def test_help_with_a_slot(dial: Dial) -> None:
    call = dial()
    await say_all(call, "transfer ten dollars from checking to savings")
    reply = await call.say("i don't know")
    assert "last four numbers on the front" in reply.text
    assert reply.done.pending == "the last four digits of the debit card"


async def test_an_unsure_request_is_asked_back(dial: Dial) -> None:
    call = dial()
    asked = await call.say("my card")
    assert asked.done.pending is not None
    assert asked.done.pending.startswith("whether this is about")
    assert asked.text.endswith("?")
    assert "yes" in asked.done.expectation.phrases
    invited = await call.say("no")
    assert invited.done.pending is None
    assert invited.text.endswith("?")


async def test_who_perhaps_wants_a_person_is_asked_first(dial: Dial) -> None:
    call = dial()
    asked, agreed = await say_all(
        call, "it just doesn't work can you get someone to help me", "yes"
    )
    assert "speaking with a person" in asked.text
    assert agreed.understanding.dialogue.wants_person > 0.9


# --- trouble ----------------------------------------------------------------------------------


async def test_silences_are_prompted_differently_and_then_the_call_ends(dial: Dial) -> None:
    call = dial()
    first, second, third = [await call.stay_silent() for _ in range(3)]
    assert first.sentences[0].text != second.sentences[0].text
    assert not second.done.end_call
    assert third.done.end_call


async def test_silence_in_a_flow_repeats_its_question_in_other_words(dial: Dial) -> None:
    call = dial()
    asked = await call.say("transfer ten dollars from checking")
    silent = await call.stay_silent()
    assert silent.done.pending == asked.done.pending
    assert silent.understanding.dialogue.stuck_slot == 1
    assert (await call.stay_silent()).understanding.dialogue.stuck_slot == 2


async def test_no_match_twice_is_answered_differently(dial: Dial) -> None:
    call = dial()
    first, second = await say_all(call, "blah foo", "purple monkey dishwasher")
    assert first.understanding.dialogue.no_match
    assert first.understanding.intent.name is None
    assert first.kinds[0] == second.kinds[0] == "apology"
    assert first.text != second.text


async def test_a_slot_that_never_comes_is_given_up(dial: Dial) -> None:
    call = dial()
    await call.say("transfer ten dollars from checking")
    replies = [await call.say("purple elephant dishwasher") for _ in range(4)]
    assert "aren't getting anywhere" in replies[-1].text
    assert replies[2].understanding.dialogue.stuck_slot == 3


async def test_wrong_digits(dial: Dial) -> None:
    call = dial()
    await call.say("transfer ten dollars from checking to savings")
    wrong = await call.say("nine nine nine nine")
    assert "don't match" in wrong.text
    right = await call.say("four three two one")
    assert "I'll move ten dollars" in right.text


async def test_more_than_there_is(dial: Dial) -> None:
    call = dial()
    _, poor, read = await say_all(
        call, "transfer five thousand dollars from checking to savings", "4321", "one hundred"
    )
    assert "There is only two thousand eight hundred forty dollars" in poor.text
    assert poor.done.pending == "the amount"
    assert "I'll move one hundred dollars" in read.text


async def test_above_the_limit_the_proposal_says_so(dial: Dial, bank: Bank) -> None:
    call = dial(judge=lambda proposal: Verdict(not proposal.over_limit))
    *_, reply = await say_all(
        call, "transfer twenty five hundred dollars from checking to savings", "4321", "yes"
    )
    (proposal,) = reply.proposals
    assert (proposal.over_limit, proposal.effect.value) == (True, "irreversible")
    assert proposal.amount == 2500.0
    assert "can't make that transfer by myself" in reply.text
    assert reply.kinds[0] == "refusal"
    assert (await bank.facts(ALICE))["transfers"] == "0"


async def test_safe_mode_does_nothing_irreversible_and_says_what_instead(
    dial: Dial, bank: Bank
) -> None:
    call = dial(safe_mode=True)
    *_, reply = await say_all(
        call, "transfer twenty five hundred dollars from checking to savings", "4321"
    )
    assert reply.proposals == ()
    assert reply.kinds[0] == "refusal"
    assert "need a colleague" in reply.text
    assert (await bank.facts(ALICE))["transfers"] == "0"


async def test_safe_mode_still_does_what_can_be_undone(dial: Dial, bank: Bank) -> None:
    call = dial(safe_mode=True)
    await say_all(call, "transfer two hundred dollars from checking to savings", "4321", "yes")
    assert (await bank.facts(ALICE))["transfers"] == "1"


async def test_a_refused_action_is_not_done(dial: Dial, bank: Bank) -> None:
    call = dial(judge=lambda proposal: Verdict(False))
    *_, reply = await say_all(call, "i lost my debit card", "yes")
    assert "not allowed to do that by myself" in reply.text
    assert reply.acted == ()
    assert (await bank.facts(ALICE))["debit_card"] == "active"


async def test_a_person_may_change_what_is_done_and_the_caller_is_told_of_that(
    dial: Dial, bank: Bank
) -> None:
    call = dial(judge=lambda p: Verdict(True, arguments={**p.arguments, "amount": "50.00"}))
    await say_all(call, "transfer two hundred from checking to savings", "4321")
    reply = await call.say("yes")
    assert "fifty dollars" in reply.text
    assert "two hundred" not in reply.text
    facts = await bank.facts(ALICE)
    assert (facts["transfers"], facts["savings"]) == ("1", "6250.00")


async def test_what_a_person_changes_to_above_the_limit_is_not_done(dial: Dial, bank: Bank) -> None:
    call = dial(judge=lambda p: Verdict(True, arguments={**p.arguments, "amount": "999999.00"}))
    await say_all(call, "transfer two hundred from checking to savings", "4321")
    reply = await call.say("yes")
    (acted,) = reply.acted
    assert (acted.ok, acted.result) == (False, "Not done: the changed amount is over the limit.")
    assert reply.kinds[0] == "refusal"
    assert (await bank.facts(ALICE))["transfers"] == "0"


async def test_a_person_may_say_what_the_caller_is_told_instead(dial: Dial, bank: Bank) -> None:
    call = dial(judge=lambda p: Verdict(False, advice="Please visit a branch for this one."))
    *_, reply = await say_all(call, "i lost my debit card", "yes")
    assert reply.text.startswith("Please visit a branch for this one.")
    assert reply.acted == ()


async def test_a_tool_that_fails(dial: Dial, bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(call: ToolCall, *, account: str) -> ToolResult:
        raise ToolError("core banking is down")

    monkeypatch.setattr(bank, "get_balance", broken)
    call = dial()
    first, second = await say_all(call, "my checking balance please", "my savings balance please")
    assert [each.ok for each in first.acted] == [False]
    assert first.acted[0].result == "core banking is down"
    assert first.kinds[0] == "apology"
    assert first.sentences[0] != second.sentences[0]


async def test_an_unknown_number_has_no_accounts(dial: Dial) -> None:
    reply = await dial("+49301234567").say("what is my checking balance")
    assert "don't see a checking account" in reply.text


# --- barge-in, doubtful words, a person in between --------------------------------------------


async def test_a_yes_over_an_unheard_read_back_does_not_count(dial: Dial, bank: Bank) -> None:
    call = dial()
    await say_all(call, "transfer two hundred from checking to savings", "4321")
    cut = Heard(Hypothesis("yes"), interruptions=1, interrupted_text="I'll move two hundred")
    again = await call.turn(cut)
    assert again.proposals == ()
    assert "I'll move two hundred dollars from checking to savings" in again.text
    assert again.understanding.dialogue.interruptions == 1
    await call.say("yes")
    assert (await bank.facts(ALICE))["transfers"] == "1"


async def test_a_yes_over_the_last_words_counts(dial: Dial, bank: Bank) -> None:
    call = dial()
    *_, read = await say_all(call, "transfer two hundred from checking to savings", "4321")
    heard = read.text.removesuffix(" that right?")
    await call.turn(Heard(Hypothesis("yes"), interruptions=1, interrupted_text=heard))
    assert (await bank.facts(ALICE))["transfers"] == "1"


async def test_a_hardly_understood_yes_is_asked_for_once_more(dial: Dial, bank: Bank) -> None:
    call = dial()
    await say_all(call, "transfer two hundred from checking to savings", "4321")
    doubted = await call.say("yes", 0.2)
    assert doubted.proposals == ()
    await call.say("yes", 0.2)
    assert (await bank.facts(ALICE))["transfers"] == "1"


async def test_nobody_came_so_the_question_is_asked_again(dial: Dial) -> None:
    call = dial()
    await call.say("transfer ten dollars from checking")
    call.conversation.understand(Heard(Hypothesis("this is ridiculous")))
    (question,) = call.conversation.resume("")
    assert question.text.endswith("?")
    assert "last four" in (await call.say("to savings")).text


async def test_nobody_came_and_the_request_was_not_yet_answered(dial: Dial) -> None:
    call = dial()
    call.conversation.understand(Heard(Hypothesis("someone is using my card right now")))
    (question,) = call.conversation.resume("")
    assert "charges that are not yours" in question.text
    assert "debit card or your credit card" in (await call.say("yes")).text


@pytest.mark.parametrize(
    ("note", "words"),
    [
        ("transfer done", "anything else"),
        ("continue with the transfer", "I'll move two hundred dollars"),
        ("wants to report a lost card", "a lost or stolen card"),
        ("caller was confused about the weather", "anything else"),
    ],
)
async def test_what_an_operator_notes_decides_how_it_goes_on(
    dial: Dial, note: str, words: str
) -> None:
    call = dial()
    await say_all(call, "transfer two hundred from checking to savings", "4321")
    said = " ".join(sentence.text for sentence in call.conversation.resume(note))
    assert "My colleague has filled me in." in said
    assert words in said


async def test_after_a_person_a_yes_confirms_only_what_is_read_again(
    dial: Dial, bank: Bank
) -> None:
    call = dial()
    await say_all(call, "transfer two hundred from checking to savings", "4321")
    call.conversation.resume("please continue")
    reply = await call.say("yes")
    assert [each.name for each in reply.proposals] == ["transfer"]
    assert (await bank.facts(ALICE))["transfers"] == "1"


async def test_a_reply_that_is_cut_off_before_the_verdict_does_nothing(
    dial: Dial, bank: Bank
) -> None:
    call = dial()
    await say_all(call, "transfer two hundred from checking to savings", "4321")
    understanding = call.conversation.understand(Heard(Hypothesis("yes")))
    events = call.conversation.respond(understanding, safe_mode=False)
    await anext(events)
    await events.aclose()  # type: ignore[attr-defined]
    assert (await bank.facts(ALICE))["transfers"] == "0"
    after = await call.say("what is my savings balance")
    assert "six thousand two hundred dollars" in after.text


async def test_replies_are_short(dial: Dial) -> None:
    call = dial()
    for reply in await say_all(
        call,
        "i want to move money",
        "i don't know",
        "checking",
        "savings",
        "help",
        "two hundred",
        "4321",
        "yes",
        "where are your branches",
    ):
        assert 1 <= len(reply.sentences) <= 3, reply.text
        assert all(len(sentence.text.split()) <= 32 for sentence in reply.sentences), reply.text
