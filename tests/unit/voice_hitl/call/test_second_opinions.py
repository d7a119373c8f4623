from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from handoff.approvals import digest
from handoff.audit import AuditItem
from handoff.engine import CallEngine
from handoff.events import CallStarted, DialogueFacts, Effect, IntentFacts
from handoff.policy import Policy
from handoff.review import Choice, TurnOpened
from handoff.testing import MemoryStore
from tests.support.world import Screen
from voice_hitl.agent.protocol import Acted, Proposal, Understanding
from voice_hitl.call.book import CallBook
from voice_hitl.call.journal import Journal
from voice_hitl.call.second_opinions import SUMMARY, SecondOpinions
from voice_hitl.clock import Clock
from voice_hitl.language import Hypothesis

PAY = Proposal("a1", "transfer", {"amount": "50"}, Effect.REVERSIBLE, "move 50 dollars")
CARD = "4111 1111 1111 1111"


@dataclass
class Told:
    """What reviews and audits were told."""

    opened_: list[TurnOpened] = field(default_factory=list)
    chosen_: list[tuple[str, int, Choice]] = field(default_factory=list)
    items: list[AuditItem] = field(default_factory=list)
    handlers: list[tuple[str, str]] = field(default_factory=list)

    def opened(self, turn: TurnOpened) -> None:
        self.opened_.append(turn)

    def chosen(self, call_id: str, turn: int, choice: Choice) -> None:
        self.chosen_.append((call_id, turn, choice))

    def automated(self, item: AuditItem) -> None:
        self.items.append(item)

    def referred(self, item: AuditItem, propensity: float) -> None:
        raise AssertionError("moderation refers, not this")

    def handled_by(self, call_id: str, operator_id: str) -> None:
        self.handlers.append((call_id, operator_id))


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
async def book() -> CallBook:
    started = CallStarted("CA1", "+15550100", "test", "en")
    clock = Clock.of_running_loop()
    engine = CallEngine(started, Policy(), 0.0)
    return CallBook(started, engine, clock, Journal(MemoryStore()), Screen(), "p")


@pytest.fixture
async def opinions(book: CallBook, told: Told) -> SecondOpinions:
    return SecondOpinions(CallEngine(book.started, Policy(), 0.0), book, told, told)


def found(text: str, intent: str | None = "balance", **slots: str) -> Understanding:
    facts = IntentFacts(intent, 0.9, category="financial")
    return Understanding(text, facts, DialogueFacts(), slots)


def caller_says(book: CallBook, turn: int, text: str) -> None:
    book.turn_begins(turn)
    book.caller_final(Hypothesis(text, final=True))


async def test_a_reviewer_is_told_what_was_said_and_what_was_known_before(
    opinions: SecondOpinions, book: CallBook, told: Told
) -> None:
    for number in range(4):
        book.heard_all(book.agent_says(f"line {number}"))
    book.heard(book.agent_says("cut off here"), "cut")
    book.system("The caller pressed 5.")
    book.heard(book.agent_says("never heard"), "")
    book.turn_begins(1)
    book.caller_partial("it is")
    book.heard_all(book.agent_says("one moment"))  # while the caller's words were settled
    book.caller_final(Hypothesis(f"it is {CARD}", final=True))
    opinions.opened(found("it is", account="checking"))
    (event,) = told.opened_
    assert event.question.splitlines() == [
        "AI: line 2",
        "AI: line 3",
        "AI: cut",
        "AI: one moment",
        "Caller: it is ••••••••••••1111",
    ]
    assert (event.call_id, event.turn, event.category) == ("CA1", 1, "financial")
    assert 0 <= event.risk <= 1
    caller_says(book, 2, "yes")
    opinions.opened(found("yes", account="checking", amount="50"))
    assert told.opened_[1].question.endswith("Caller: yes\nKnown: account: checking")
    book.turn_begins(3)
    opinions.opened(found("5 5"))  # keys have no line of their own
    assert "\nCaller: yes\nCaller: 5 5\nKnown: " in told.opened_[2].question


async def test_what_the_ai_said_is_its_choice_and_is_audited(
    opinions: SecondOpinions, told: Told
) -> None:
    opinions.opened(found("what is my balance"))
    opinions.said("Five dollars")
    opinions.said(f"on {CARD}.")
    assert told.chosen_ == []
    opinions.over()
    ((call_id, turn, choice),) = told.chosen_
    assert (call_id, turn) == ("CA1", 0)
    assert choice == Choice("balance", None, "Five dollars on ••••••••••••1111.")
    (item,) = told.items
    assert (item.audit_id, item.kind, item.path) == ("CA1:0", "decision", "automatic")
    assert CARD not in item.summary
    opinions.over()
    assert len(told.chosen_) == len(told.items) == 1


async def test_who_says_nothing_has_not_chosen(opinions: SecondOpinions, told: Told) -> None:
    opinions.opened(found("what is my balance"))
    opinions.over()
    assert told.chosen_ == []
    assert told.items == []


async def test_a_proposal_is_the_choice_whatever_is_said_after_it(
    opinions: SecondOpinions, told: Told
) -> None:
    opinions.opened(found("move it", "transfer"))
    opinions.proposed(PAY)
    opinions.said("I am not allowed to do that.")
    opinions.over()
    ((_, _, choice),) = told.chosen_
    assert choice == Choice("transfer", digest("transfer", {"amount": "50"}), "move 50 dollars")


async def test_the_next_turn_ends_the_one_before(
    opinions: SecondOpinions, book: CallBook, told: Told
) -> None:
    caller_says(book, 1, "what is my balance")
    opinions.opened(found("what is my balance"))
    opinions.said("Five")
    caller_says(book, 2, "stop")
    opinions.opened(found("stop"))
    assert [(turn, choice.text) for _, turn, choice in told.chosen_] == [(1, "Five")]
    assert [event.turn for event in told.opened_] == [1, 2]


@pytest.mark.parametrize(("ok", "count"), [(True, 1), (False, 0)])
async def test_an_action_that_was_done_is_audited(
    opinions: SecondOpinions, told: Told, ok: bool, count: int
) -> None:
    opinions.opened(found("move it", "transfer"))
    acted = Acted("a1", "transfer", Effect.REVERSIBLE, ok, f"moved it from {CARD}")
    opinions.acted(acted, PAY.summary, "vetoable", 1.7)
    assert len(told.items) == count
    for item in told.items:
        assert (item.kind, item.path, item.category) == ("action", "vetoable", "financial")
        assert item.risk == 1.0
        assert item.summary == "move 50 dollars: moved it from ••••••••••••1111"


async def test_ids_of_actions_differ_though_the_agent_counts_from_one_each_time(
    opinions: SecondOpinions, told: Told
) -> None:
    opinions.opened(found("move it twice", "transfer"))
    for _ in range(2):
        opinions.acted(
            Acted("a1", "transfer", Effect.REVERSIBLE, True, "moved"), "x", "automatic", 0
        )
    opinions.over()
    assert len({item.audit_id for item in told.items}) == 3


async def test_a_summary_is_one_line_of_some_length(opinions: SecondOpinions, told: Told) -> None:
    opinions.opened(found("hello\nthere"))
    opinions.said("word " * 500)
    opinions.over()
    assert len(told.items[0].summary) == SUMMARY
    assert "\n" not in told.items[0].summary


async def test_without_a_turn_nothing_is_told(opinions: SecondOpinions, told: Told) -> None:
    opinions.said("Hello, how can I help?")
    opinions.proposed(PAY)
    opinions.over()
    assert told == Told()
    opinions.handled_by("ana")
    assert told.handlers == [("CA1", "ana")]
