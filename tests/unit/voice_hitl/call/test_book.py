from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff.events import DialogueFacts, Effect, IntentFacts
from handoff.testing import a_decision
from tests.support import virtual
from tests.support.booking import Desk
from voice_hitl.agent.guard import HIDDEN
from voice_hitl.agent.numbers import UNITS, spell_digits
from voice_hitl.agent.protocol import Acted, Proposal, Understanding
from voice_hitl.call import book as module
from voice_hitl.call.book import NOTHING_HEARD, UtteranceFacts
from voice_hitl.call.latency import Stage
from voice_hitl.language import Hypothesis, Word

OUTCOMES = ("automated", "handed_off", "abandoned", "failed")


@pytest.fixture
async def desk() -> Desk:
    return Desk()


def said(text: str, confidence: float = 0.9) -> Hypothesis:
    return Hypothesis(text, confidence=confidence, final=True)


def caller_turn(desk: Desk, turn: int, text: str) -> None:
    """A whole turn of the caller, as the runner writes it."""
    desk.book.turn_begins(turn)
    desk.book.utterance(said(text), 1.5)
    desk.book.caller_final(said(text))


async def test_a_new_book_is_stored_as_a_call_that_has_not_ended(desk: Desk) -> None:
    call = await (await desk.stored()).call("CA1")
    assert call is not None
    assert (call.caller, call.outcome, call.ended_at) == ("+15550100", None, None)
    assert call.policy_version == desk.policy.version
    assert desk.book.outcome is None


# --- the caller ---


async def test_an_answer_that_nobody_may_see_is_hidden_until_it_is_understood(desk: Desk) -> None:
    desk.book.awaits_sensitive = True
    desk.book.caller_partial("four three")
    assert desk.shown == {0: HIDDEN}
    caller_turn(desk, 1, "four three two one")
    assert desk.shown == {0: HIDDEN}
    found = Understanding(
        f"it is {HIDDEN}", IntentFacts("pay", 0.9), DialogueFacts(), {}, hides=True
    )
    desk.book.understood(found)
    caller_turn(desk, 2, "what do you mean")
    assert desk.shown[1] == HIDDEN
    desk.book.understood(replace(found, text="what do you mean", hides=False))
    assert desk.shown == {0: f"it is {HIDDEN}", 1: "what do you mean"}
    turns = await (await desk.stored()).turns("CA1")
    assert [turn.text for turn in turns] == [f"it is {HIDDEN}", "what do you mean"]
    assert [turn.intent for turn in turns] == ["pay", "pay"]


async def test_what_the_agent_hides_unasked_is_taken_out_of_the_line(desk: Desk) -> None:
    caller_turn(desk, 1, "my pin is four three two one")
    found = Understanding(f"my pin is {HIDDEN}", IntentFacts("pay", 0.9), DialogueFacts(), {})
    desk.book.understood(found)
    assert desk.shown == {0: "my pin is four three two one"}
    desk.book.understood(replace(found, hides=True))
    assert desk.shown == {0: f"my pin is {HIDDEN}"}


async def test_a_partial_line_is_replaced_by_the_final_one_and_only_that_is_stored(
    desk: Desk,
) -> None:
    desk.book.turn_begins(1)
    desk.book.caller_partial("what is")
    desk.book.caller_partial("what is my balance")
    assert desk.shown == {0: "what is my balance"}
    assert await (await desk.stored()).turns("CA1") == []
    desk.book.utterance(said("what is my balance please", 0.83), 2.0)
    desk.book.caller_final(said("what is my balance please", 0.83))
    assert desk.shown == {0: "what is my balance please"}
    (turn,) = await (await desk.stored()).turns("CA1")
    assert (turn.role, turn.seq, turn.turn) == ("caller", 0, 1)
    assert (turn.text, turn.asr_confidence) == ("what is my balance please", 0.83)


async def test_words_taken_back_are_counted_for_each_utterance(desk: Desk) -> None:
    for text in ("watts", "what is", "what is my", "what was my"):
        desk.book.caller_partial(text)
    desk.book.utterance(said("what was my balance"), 1.0)
    assert desk.book.last_utterance.facts().revisions == 2
    desk.book.caller_partial("yes")
    desk.book.utterance(said("yes"), 0.5)
    assert desk.book.last_utterance.facts().revisions == 0


async def test_what_was_only_noise_takes_its_line_back(desk: Desk) -> None:
    desk.book.caller_partial("uh")
    desk.book.utterance(said("", 0.0), 0.4)
    assert desk.shown == {0: ""}
    caller_turn(desk, 1, "hello")
    assert desk.shown == {0: "", 1: "hello"}
    (turn,) = await (await desk.stored()).turns("CA1")
    assert (turn.seq, turn.text) == (1, "hello")


async def test_dropping_without_a_partial_shows_nothing(desk: Desk) -> None:
    desk.book.drop_partial()
    assert desk.shown == {}


def test_speech_facts_come_from_the_words_and_else_from_the_text() -> None:
    words = (Word("pay", 0.0, 0.3, 0.9), Word("rent", 0.3, 0.7, 0.4))
    facts = UtteranceFacts(
        Hypothesis("pay rent", confidence=0.8, words=words), seconds=0.7, revisions=1
    ).facts()
    assert (facts.words, facts.lowest_word, facts.confidence) == (2, 0.4, 0.8)
    assert (facts.seconds, facts.revisions) == (0.7, 1)
    plain = UtteranceFacts(Hypothesis("one two three")).facts()
    assert (plain.words, plain.lowest_word) == (3, 1.0)
    assert NOTHING_HEARD.facts().words == 0


async def test_a_turn_without_words_is_told_in_words_and_carries_the_turns_figures(
    desk: Desk,
) -> None:
    desk.book.turn_begins(1)
    desk.book.caller_other("The caller said nothing.")
    desk.book.stage(Stage.DECISION, 2.0)
    (turn,) = await (await desk.stored()).turns("CA1")
    assert (turn.role, turn.text) == ("system", "The caller said nothing.")
    assert turn.latency_ms == {"decision": 2.0}


async def test_stages_belong_to_their_turn_whether_they_come_before_or_after_its_line(
    desk: Desk,
) -> None:
    desk.book.turn_begins(1)
    desk.book.stage(Stage.ENDPOINT, 350.12345)
    desk.book.caller_final(said("one"))
    desk.book.stage(Stage.RESPONSE, 500.0)
    desk.book.stage(Stage.RESPONSE, 900.0)  # only the first reply frame counts
    desk.book.turn_begins(2)
    desk.book.stage(Stage.ENDPOINT, 100.0)
    desk.book.caller_final(said("two"))
    one, two = await (await desk.stored()).turns("CA1")
    assert one.latency_ms == {"endpoint": 350.123, "response": 500.0}
    assert two.latency_ms == {"endpoint": 100.0}
    assert desk.screen.measured_ms[Stage.RESPONSE] == [500.0, 900.0]


async def test_the_reading_of_a_turn_is_stored_with_it(desk: Desk) -> None:
    found = Understanding("one", IntentFacts("balance", 0.9), DialogueFacts(), {})
    desk.book.understood(found)  # no turn yet: nothing to write it to
    caller_turn(desk, 1, "one")
    desk.book.understood(found)
    (turn,) = await (await desk.stored()).turns("CA1")
    assert turn.intent == "balance"


# --- the agent ---


CARD = "4532015112830366"
GROUPS = [CARD, "4532 0151 1283 0366", "4532-0151-1283-0366", spell_digits(CARD)]


def texts(value: object) -> list[str]:
    """All strings of records, with digit words as digits and nothing between digits."""
    if isinstance(value, str):
        words = " ".join(str(UNITS.get(word.strip(",."), word)) for word in value.split())
        return [re.sub(r"(?<=\d)[ -](?=\d)", "", words)]
    if is_dataclass(value) and not isinstance(value, type):
        return texts([getattr(value, each.name) for each in fields(value)])
    if isinstance(value, Mapping):
        return texts([*value, *value.values()])
    return [text for each in value for text in texts(each)] if isinstance(value, list) else []


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["hears", "hears all", "says", "other", "reworded", "acts"]),
            st.sampled_from(GROUPS),
            st.integers(0, 160),
        ),
        max_size=6,
    )
)
def test_no_record_of_a_call_holds_a_card_number(steps: list[tuple[str, str, int]]) -> None:
    async def main() -> None:
        desk = Desk()
        book = desk.book
        for what, card, cut in steps:
            text = f"I have your card number {card}, is that right?"
            match what:
                case "hears":
                    book.heard(book.agent_says(text), text[:cut].rstrip())
                case "hears all":
                    book.heard_all(book.agent_says(text))
                case "says":
                    caller_turn(desk, 1, text)
                case "other":
                    book.caller_other(text)
                case "reworded":
                    book.reword(book.system("A key.").seq, text)
                case "acts":
                    book.proposed(Proposal("a1", "pay", {}, Effect.READ, text), "allowed")
                    book.acted(Acted("a1", "pay", Effect.READ, True, text))
        book.ending("automated", "over")
        store = await desk.stored()
        assert steps == [] or await store.turns("CA1")
        kept = texts([*await store.turns("CA1"), *await store.calls(), *await store.events()])
        for at in range(len(CARD) - 4):
            assert not [text for text in kept if CARD[at : at + 5] in text]

    virtual.run(main())


async def test_what_the_caller_heard_of_a_sentence_is_shown_and_stored(desk: Desk) -> None:
    whole = desk.book.agent_says("Good morning.")
    cut = desk.book.agent_says("Your balance is ten dollars.")
    unplayed = desk.book.agent_says("Anything else?")
    desk.book.heard_all(whole)
    desk.book.heard(cut, "Your balance")
    heard = {turn.seq: turn.heard for turn in await (await desk.stored()).turns("CA1")}
    assert heard == {whole: "Good morning.", cut: "Your balance", unplayed: None}
    assert desk.screen.lines["CA1"][cut].heard == "Your balance"
    assert desk.book.as_heard([whole, cut, unplayed]) == "Good morning. Your balance Anything else?"
    desk.book.heard(whole, "")
    assert desk.book.as_heard([whole, cut]) == "Your balance"


async def test_what_the_agent_wanted_and_did_is_told_and_audited(desk: Desk) -> None:
    proposal = Proposal("a1", "transfer", {}, Effect.REVERSIBLE, "move 50 dollars")
    desk.book.proposed(proposal, "allowed")
    desk.book.acted(Acted("a1", "transfer", Effect.REVERSIBLE, False, "the bank refused"))
    assert list(desk.shown.values()) == [
        "The AI wants to move 50 dollars (allowed).",
        "the bank refused",
    ]
    tried, wanted = sorted(
        await (await desk.stored()).events(call_id="CA1"), key=lambda e: e.action, reverse=True
    )
    assert (wanted.action, wanted.detail["verdict"]) == ("action_proposed", "allowed")
    assert (tried.action, tried.detail["ok"]) == ("action_tried", False)


# --- decisions and handoffs ---


async def test_a_decision_is_stored_drawn_and_put_beside_its_turn(desk: Desk) -> None:
    desk.request()  # so that the engine has a turn with signals
    caller_turn(desk, 1, "let me talk to a person")
    desk.book.decided(replace(a_decision("CA1"), confidence=0.7, risk=0.4))
    desk.book.decided(replace(a_decision("CA1"), turn=2, confidence=0.6, risk=0.5))
    store = await desk.stored()
    assert [(d.seq, d.confidence) for d in await store.decisions("CA1")] == [(0, 0.7), (1, 0.6)]
    (turn,) = await store.turns("CA1")
    assert (turn.confidence, turn.risk) == (0.6, 0.5)
    assert set(turn.signals) == set(desk.engine.raw_signals)
    assert turn.signals
    points = desk.screen.calls["CA1"].points
    assert [(p.turn, p.confidence, p.risk) for p in points] == [(1, 0.7, 0.4), (2, 0.6, 0.5)]
    assert len(desk.screen.decisions) == 2


async def test_the_curve_of_a_long_call_is_bounded(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_POINTS", 3)
    for turn in range(1, 6):
        desk.book.decided(replace(a_decision("CA1"), turn=turn))
    assert [point.turn for point in desk.book.snapshot().points] == [3, 4, 5]


# --- the end ---


@pytest.mark.parametrize("outcome", OUTCOMES)
async def test_the_end_closes_what_was_open(desk: Desk, outcome: str) -> None:
    heard = desk.book.agent_says("Hello.")
    unheard = desk.book.agent_says("How can I help?")
    desk.book.heard_all(heard)
    desk.book.requested(desk.request())
    desk.book.ending(outcome, "caller_hung_up")
    store = await desk.stored()
    call = await store.call("CA1")
    assert call is not None
    assert (call.outcome, call.reason) == (outcome, "caller_hung_up")
    assert call.ended_at is not None
    assert call.ended_at >= call.started_at
    (handoff,) = await store.handoffs("CA1")
    assert handoff.ended_why == "caller_hung_up"
    turns = {turn.seq: turn.heard for turn in await store.turns("CA1") if turn.role == "agent"}
    assert turns == {heard: "Hello.", unheard: ""}
    assert desk.screen.ended == {"CA1": outcome}
    assert desk.book.outcome == outcome


async def test_last_words_after_the_end_still_count_as_heard(desk: Desk) -> None:
    goodbye = desk.book.agent_says("Goodbye.")
    desk.book.ending("automated", "agent_ended")
    desk.book.heard_all(goodbye)
    (turn,) = await (await desk.stored()).turns("CA1")
    assert turn.heard == "Goodbye."


async def test_an_ended_call_is_shown_no_more_and_cannot_fail_any_more(desk: Desk) -> None:
    desk.book.changed()
    assert "CA1" in desk.screen.calls
    desk.book.ending("automated", "agent_ended")
    desk.screen.calls.clear()
    desk.book.changed()
    desk.book.fail("too late")
    assert desk.screen.calls == {}
    assert desk.book.outcome == "automated"


async def test_an_accept_that_comes_after_the_end_opens_nothing(desk: Desk) -> None:
    desk.book.requested(desk.request())
    desk.book.ending("abandoned", "caller_hung_up")
    desk.book.accepted("ana", 9)
    (handoff,) = await (await desk.stored()).handoffs("CA1")
    assert (handoff.ended_why, handoff.operator_id) == ("caller_hung_up", None)


async def test_a_call_that_breaks_is_closed_as_failed(desk: Desk) -> None:
    desk.book.requested(desk.request())
    desk.book.fail("an unexpected error")
    desk.book.fail("again")
    store = await desk.stored()
    call = await store.call("CA1")
    assert call is not None
    assert (call.outcome, call.reason) == ("failed", "an unexpected error")
    assert all(handoff.ended_at is not None for handoff in await store.handoffs("CA1"))


async def test_no_card_number_is_stored(desk: Desk) -> None:
    card = "4111 1111 1111 1111"
    caller_turn(desk, 1, f"block my card {card}")
    proposal = Proposal("a1", "block", {"card": card}, Effect.REVERSIBLE, f"block card {card}")
    desk.book.proposed(proposal, "allowed")
    desk.book.acted(Acted("a1", "block", Effect.REVERSIBLE, True, f"blocked {card}"))
    store = await desk.stored()
    hidden = "••••••••••••1111"
    assert [turn.text for turn in await store.turns("CA1")] == [
        f"block my card {hidden}",
        f"The AI wants to block card {hidden} (allowed).",
        f"blocked {hidden}",
    ]
    (tried,) = [event for event in await store.events() if event.action == "action_tried"]
    assert tried.detail["result"] == f"blocked {hidden}"
