from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff import events as facts
from handoff.commands import Decision, KeepDecision
from handoff.policy import Policy
from handoff.replay import replay
from handoff.risk import SHIPPED, Models
from handoff.session import State
from handoff.testing import a_call, a_turn
from tests.support.talks import acts_of_talks
from voice_hitl.call.whole_turns import WholeTurnsEngine

UNCLEAR = facts.DialogueFacts(no_match=True)
URGENT = facts.DialogueFacts(emergency=True)


class Call:
    """An engine, and what came of what it was told."""

    def __init__(self, models: Models = SHIPPED) -> None:
        self.engine = WholeTurnsEngine(a_call(), Policy(), 0.0, models)
        self.now = 0.0
        self.known: list[str] = []  # turns, when the core knew them
        self.decisions: list[Decision] = []
        self.facts = self.engine.take_facts()

    def hears(
        self, text: str, dialogue: facts.DialogueFacts = facts.DialogueFacts(), *, goes_on: bool
    ) -> None:
        self.now += 1.0
        turn = replace(a_turn(len(self.known) + 1, text), dialogue=dialogue)
        self.engine.hear(turn, self.now, lambda: self.known.append(text), goes_on=goes_on)
        self.settle()

    def stands(self) -> None:
        self.engine.stands(self.now)
        self.settle()

    def told(self, event: facts.CallEvent) -> None:
        self.engine.handle(event, self.now)
        self.settle()

    def settle(self) -> None:
        self.decisions += [
            each.decision for each in self.engine.take_commands() if isinstance(each, KeepDecision)
        ]
        self.facts += self.engine.take_facts()

    @property
    def spoken(self) -> list[str]:
        return [fact.values["text"] for fact in self.facts if fact.kind == "CallerSpoke"]


@pytest.fixture
def call() -> Call:
    return Call()


def test_a_turn_that_stands_is_decided_on_once(call: Call) -> None:
    call.hears("what is my balance", goes_on=False)
    assert (call.spoken, call.decisions) == ([], [])
    call.stands()
    call.stands()
    assert call.spoken == call.known == ["what is my balance"]
    assert len(call.decisions) == 1


def test_the_whole_is_told_instead_of_its_beginning(call: Call) -> None:
    once = Call()
    once.hears("could you please the thing", UNCLEAR, goes_on=False)
    once.stands()
    call.hears("could you please", UNCLEAR, goes_on=False)
    call.hears("could you please the thing", UNCLEAR, goes_on=True)
    call.stands()
    assert call.spoken == call.known == ["could you please the thing"]
    assert call.decisions == once.decisions
    assert not call.decisions[0].hand_off


def test_what_calls_a_person_is_told_at_once(call: Call) -> None:
    call.hears("there is smoke", URGENT, goes_on=False)
    assert call.known == ["there is smoke"]
    assert [each.hand_off for each in call.decisions] == [True]
    call.hears("in my kitchen", goes_on=False)
    assert call.known[1:] == ["in my kitchen"], "nobody answers it: nothing is to be waited for"


def test_an_emergency_that_nobody_can_come_to_now_is_told_at_once(call: Call) -> None:
    call.hears("a person please", replace(URGENT, wants_person=1.0), goes_on=False)
    call.told(facts.NobodyAvailable(1))
    assert call.engine.state is State.AI
    call.hears("there is fraud", replace(URGENT, wants_person=1.0), goes_on=False)
    assert call.known[1:] == ["there is fraud"]


@pytest.mark.parametrize(
    "event",
    [
        facts.DigitPressed("5"),
        facts.ComponentFailed("agent", "no reply in time"),
        facts.CallerHungUp(speaking=False),
        facts.OperatorAssigned("ana", "Ana", 1),
        facts.CallerSilent(2, 7.0),
    ],
)
def test_whatever_comes_after_a_turn_is_heard_of_after_it(
    call: Call, event: facts.CallEvent
) -> None:
    call.hears("what is my balance", goes_on=False)
    call.told(event)
    assert [fact.kind for fact in call.facts][-2:] == ["CallerSpoke", type(event).__name__]


def test_figures_of_a_turn_do_not_settle_it(call: Call) -> None:
    call.hears("what is my", goes_on=False)
    call.told(facts.StageTimed(1, "decision", 3.0, 50.0))
    call.told(facts.FloorReported(30.0, 1.0))
    assert call.known == []


def test_a_whole_that_was_told_already_is_not_told_again(call: Call) -> None:
    call.hears("what is my balance", goes_on=False)
    call.told(facts.ComponentFailed("recognizer", "lost"))  # of the cough that follows
    call.hears("what is my balance", goes_on=True)
    call.stands()
    assert call.spoken == ["what is my balance"]
    call.hears("what is my balance", goes_on=False)
    call.hears("what is my balance", goes_on=True)
    call.stands()
    assert len(call.spoken) == 2, "the same said later is another turn"


def test_a_console_sees_the_turn_that_may_be_gone_on_with(call: Call) -> None:
    call.hears("mumble", replace(UNCLEAR, frustration=0.1), goes_on=False)
    seen = call.engine.snapshot()
    assert (seen.turn, call.decisions) == (1, [])
    call.stands()
    assert call.engine.snapshot() == seen
    assert call.decisions[0].risk == seen.risk


def test_learned_acts_hear_of_the_whole_alone() -> None:
    models = replace(SHIPPED, acts=acts_of_talks(), source="acts")
    paused, plain = Call(models), Call(models)
    for number in range(6):
        beginning = f"request number {number}"
        paused.hears(beginning, UNCLEAR, goes_on=False)
        for call in (paused, plain):
            call.now = float(number)
            call.hears(f"{beginning} of mine", goes_on=call is paused)
            call.stands()
    assert paused.decisions == plain.decisions
    assert replay(paused.facts, Policy(), models) == paused.decisions


steps = st.sampled_from(["says", "goes_on", "coughs", "answers", "keys", "breaks", "nobody"])
moods = st.sampled_from([facts.DialogueFacts(), UNCLEAR, URGENT])


@given(st.lists(st.tuples(steps, moods), max_size=12))
def test_the_facts_decide_the_call_again_and_each_turn_counts_once(
    story: list[tuple[str, facts.DialogueFacts]],
) -> None:
    call, said = Call(), ""
    for number, (step, mood) in enumerate(story):
        if step == "says" or (not said and step in ("goes_on", "coughs")):
            said = f"word{number} of mine"
            call.hears(said, mood, goes_on=False)
        elif step in ("goes_on", "coughs"):
            said += f" word{number}" if step == "goes_on" else ""
            call.hears(said, mood, goes_on=True)
        elif step == "answers":
            call.stands()
            said = ""
        else:
            events: dict[str, facts.CallEvent] = {
                "keys": facts.DigitPressed("5"),
                "breaks": facts.ComponentFailed("recognizer", "lost"),
                "nobody": facts.NobodyAvailable(1),
            }
            call.told(events[step])
    call.told(facts.CallerHungUp(speaking=False))
    assert call.spoken == list(dict.fromkeys(call.known))
    assert replay(call.facts, Policy(), SHIPPED) == call.decisions
