from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from voice_hitl.agent.flow import FlowAgent, Models
from voice_hitl.agent.pack import load_pack
from voice_hitl.agent.parts import Parts
from voice_hitl.agent.reading import Context, Reader
from voice_hitl.agent.table import Act, State
from voice_hitl.language import Hypothesis

TODAY = dt.date(2025, 3, 12)
WANTED = ("source", "target", "amount", "last_four")


@pytest.fixture(scope="module")
def parts(models: Models, tmp_path_factory: pytest.TempPathFactory) -> Parts:
    folder: Path = tmp_path_factory.mktemp("bank")
    return FlowAgent(load_pack("banking"), folder, models=models)._parts


@pytest.fixture
def reader(parts: Parts) -> Reader:
    return parts.reader


def context(parts: Parts, state: State, pending: str | None = None, **known: str) -> Context:
    slots = parts.completeness._slots
    return Context(
        state,
        TODAY,
        intent="transfer",
        pending=pending,
        wanted=WANTED,
        known={name: slots.make(name, value) for name, value in known.items()},
    )


FREE = Context(State.OPEN, TODAY)
MORE = Context(State.MORE, TODAY)


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("what is my balance", Act.REQUEST),
        ("i want to talk to a human", Act.PERSON),
        ("no thanks", Act.GOODBYE),
        ("okay thank you", Act.THANKS),
        ("that's all", Act.GOODBYE),
        ("hello can you hear me", Act.GREETING),
        ("say that again", Act.REPEAT),
        ("hold on a second", Act.WAIT),
        ("purple monkey dishwasher", Act.NO_MATCH),
        ("", Act.NO_MATCH),
    ],
)
def test_between_requests(reader: Reader, text: str, act: Act) -> None:
    assert reader.read(text, MORE).act is act


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("from checking", Act.INFORM),
        ("savings please", Act.INFORM),
        ("no i said two hundred", Act.CORRECT),
        ("i don't know", Act.UNKNOWN),
        ("cancel", Act.CANCEL),
        ("what do you mean", Act.HELP),
        ("what is the balance of my checking account", Act.REQUEST),
        ("i lost my debit card", Act.REQUEST),
        ("yes", Act.AFFIRM),
        ("i want to transfer money", Act.INFORM),  # what is being done already
        ("let me speak to somebody", Act.PERSON),
        ("gibberish nonsense blah", Act.NO_MATCH),
    ],
)
def test_while_a_slot_is_asked_for(parts: Parts, text: str, act: Act) -> None:
    where = context(parts, State.ASKING, "source", target="savings", amount="300.00")
    if "savings" in text:
        where = context(parts, State.ASKING, "source", amount="300.00")
    assert parts.reader.read(text, where).act is act


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("yes", Act.AFFIRM),
        ("yeah that's right", Act.AFFIRM),
        ("yes from checking to savings", Act.AFFIRM),
        ("no", Act.DENY),
        ("no that's not what i want", Act.DENY),
        ("no from money market", Act.CORRECT),
        ("make it three hundred", Act.CORRECT),
        ("no wait it should be one hundred", Act.CORRECT),
        ("stop", Act.CANCEL),
        ("can you repeat that", Act.REPEAT),
    ],
)
def test_while_something_is_to_be_confirmed(parts: Parts, text: str, act: Act) -> None:
    known = {"source": "checking", "target": "savings", "amount": "200.00"}
    assert parts.reader.read(text, context(parts, State.CONFIRMING, **known)).act is act


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("the first one", "balance"),
        ("the second", "transfer"),
        ("i want to transfer", "transfer"),
        ("my balance", "balance"),
    ],
)
def test_choosing_between_two(reader: Reader, text: str, intent: str) -> None:
    where = Context(State.CLARIFYING, TODAY, candidates=("balance", "transfer"))
    reading = reader.read(text, where)
    assert (reading.act, reading.intent) == (Act.REQUEST, intent)


def test_the_reading_that_makes_sense_here_is_chosen(parts: Parts) -> None:
    asking = context(parts, State.ASKING, "amount", source="checking", target="savings")
    misheard = Hypothesis("to fun dread", 0.4, (), ("two hundred", "too and red"))
    reading = parts.reader.choose(misheard, asking)
    assert (reading.text, reading.values["amount"].value) == ("two hundred", "200.00")


def test_a_sure_recognizer_is_believed(parts: Parts) -> None:
    asking = context(parts, State.ASKING, "amount")
    sure = Hypothesis("two hundred dollars", 0.98, (), ("three hundred dollars",))
    assert parts.reader.choose(sure, asking).text == "two hundred dollars"


def test_a_goodbye_that_was_hardly_heard_is_not_believed(reader: Reader) -> None:
    assert reader.choose(Hypothesis("that's all goodbye", 0.9), MORE).act is Act.GOODBYE
    assert reader.choose(Hypothesis("that's all goodbye", 0.1), MORE).act is Act.NO_MATCH


def test_no_second_best_reading_confirms_an_action(parts: Parts) -> None:
    where = context(parts, State.CONFIRMING, source="checking", target="savings", amount="200.00")
    unclear = Hypothesis("yet", 0.3, (), ("yes",))
    assert parts.reader.choose(unclear, where).act is not Act.AFFIRM


@pytest.mark.parametrize(
    ("text", "emergency"),
    [
        ("someone is using my card right now", True),
        ("there are charges on my card that i did not make", True),
        ("help i am being robbed", True),
        ("i lost my card", False),
        ("my card was stolen", False),
        ("i was charged twice by corner coffee", False),
        ("i was using my card at the gas station yesterday", False),
    ],
)
def test_emergencies(reader: Reader, text: str, emergency: bool) -> None:
    assert reader.read(text, FREE).emergency is emergency


def test_a_slot_can_mean_danger(parts: Parts) -> None:
    where = Context(
        State.ASKING, TODAY, intent="dispute", pending="recognized", wanted=("recognized",)
    )
    assert parts.reader.read("no that wasn't me", where).emergency
    assert not parts.reader.read("yes that was me", where).emergency


def test_an_action_is_never_confirmed_by_a_yes_lost_among_other_words(parts: Parts) -> None:
    where = context(parts, State.CONFIRMING, source="checking", target="savings", amount="200.00")
    for text in ("it is purple on the elephant dishwasher", "right purple elephant over there now"):
        assert parts.reader.read(text, where).act is not Act.AFFIRM
    assert parts.reader.read("yes open it", where).act is Act.AFFIRM


@pytest.mark.parametrize(
    "text", ["my account", "my card", "money", "i have a problem with my card"]
)
def test_what_is_too_vague_starts_nothing(reader: Reader, text: str) -> None:
    reading = reader.read(text, FREE)
    assert reading.act in (Act.UNSURE, Act.NO_MATCH, Act.HELP, Act.GREETING)
    assert not reading.emergency


def test_who_perhaps_wants_a_person_is_asked(reader: Reader) -> None:
    reading = reader.read("it just does not work can you get someone to help me", FREE)
    assert (reading.act, reading.intent) == (Act.UNSURE, "person")
    where = Context(State.CLARIFYING, TODAY, candidates=("person",))
    agreed = reader.read("yes", where)
    assert agreed.act is Act.PERSON
    assert agreed.wants_person > 0.9
    assert reader.read("no", where).act is Act.DENY


def test_keys(parts: Parts) -> None:
    asking = context(parts, State.ASKING, "last_four")
    assert parts.reader.keyed("4321", asking).values["last_four"].value == "4321"
    assert parts.reader.keyed("43", asking).act is Act.KEYS
    assert parts.reader.keyed("1", FREE).act is Act.KEYS
