from __future__ import annotations

import asyncio
import dataclasses
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.calibration import Platt
from handoff.events import DialogueFacts, IntentFacts
from handoff.ladder import needed_confidence
from handoff.policy import Policy
from voice_hitl.agent.climbing import LadderConversation
from voice_hitl.agent.ladder import LadderAgent
from voice_hitl.agent.protocol import (
    AgentEvent,
    Done,
    Exchange,
    Heard,
    Sentence,
    Understanding,
    Verdict,
)
from voice_hitl.errors import AgentError
from voice_hitl.language import Hypothesis

SORRY = ("Sorry, what was that?", "In other words, please.")


def heard(text: str) -> Heard:
    return Heard(Hypothesis(text, final=True))


def found(
    probability: float, name: str | None = "balance", category: str = "general", **dialogue: Any
) -> Understanding:
    intent = IntentFacts(name, probability, category=category)
    return Understanding("read", intent, DialogueFacts(**dialogue), {})


@dataclass
class Rung:
    """An agent, and its only conversation."""

    name: str = "rung"
    answer: Understanding | Exception = field(default_factory=lambda: found(0.99))
    gate: threading.Event | None = None  # until it is set, `understand` takes
    heard: list[Heard] = field(default_factory=list)
    missed: list[Exchange] = field(default_factory=list)
    resumed: list[str] = field(default_factory=list)
    answered: list[Understanding] = field(default_factory=list)
    verdicts: list[str] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)
    closed: bool = False
    over: bool = False  # its answer has ended, or was broken off

    def converse(self, call_id: str, parameters: Mapping[str, str]) -> Rung:
        return self

    async def aclose(self) -> None:
        self.closed = True

    def greeting(self) -> list[Sentence]:
        return [Sentence(f"Hello from {self.name}.")]

    def understand(self, turn: Heard) -> Understanding:
        self.heard.append(turn)
        self.threads.add(threading.current_thread().name)
        if self.gate is not None:
            assert self.gate.wait(10)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def respond(
        self, understanding: Understanding, *, safe_mode: bool
    ) -> AsyncIterator[AgentEvent]:
        self.answered.append(understanding)
        try:
            yield Sentence(f"{self.name} answers.")
            yield Done(pending=self.name)
        finally:
            self.over = True

    def verdict(self, action_id: str, verdict: Verdict) -> None:
        self.verdicts.append(action_id)

    def resume(self, note: str) -> list[Sentence]:
        self.resumed.append(note)
        return [Sentence(f"{self.name} is back.")]

    def completeness(self, partial: str) -> float:
        return {"cheap": 0.3}.get(self.name, 0.8)

    def catch_up(self, exchange: Exchange) -> None:
        self.missed.append(exchange)


class Scene:
    """Two rungs and a call."""

    def __init__(self, **ladder: Any) -> None:
        rungs = [{"name": "cheap", "share": 1}, {"name": "able", "share": 1}]
        self.policy = Policy.from_mapping({"ladder": {"rungs": rungs, **ladder}}, "test")
        self.cheap, self.able = Rung("cheap"), Rung("able")
        self.agent = LadderAgent(
            {"cheap": self.cheap, "able": self.able}, self.policy, apology=SORRY
        )
        self.call: LadderConversation = self.agent.converse("CA1", {})

    def hears(self, text: str = "what is my balance") -> Understanding:
        return self.call.understand(heard(text))

    def says(self, turn: Understanding, *, safe_mode: bool = False) -> list[AgentEvent]:
        async def all_of_it() -> list[AgentEvent]:
            return [event async for event in self.call.respond(turn, safe_mode=safe_mode)]

        return asyncio.run(all_of_it())


@pytest.fixture
def scene() -> Iterator[Scene]:
    scene = Scene()
    yield scene
    asyncio.run(scene.agent.aclose())


def test_the_first_that_is_sure_answers_and_nobody_else_is_asked(scene: Scene) -> None:
    turn = scene.hears()
    assert turn.intent.name == "balance"
    assert turn.intent.probability == pytest.approx(0.99)
    assert scene.says(turn) == [Sentence("cheap answers."), Done(pending="cheap")]
    assert scene.cheap.answered == [scene.cheap.answer], "it gets its own understanding back"
    assert scene.able.heard == []
    assert scene.agent.stats["cheap"].settled == 1
    assert scene.agent.stats["able"].asked == 0


def test_one_that_is_not_sure_is_followed_by_the_next(scene: Scene) -> None:
    scene.cheap.answer = found(0.6)
    turn = scene.hears()
    assert scene.says(turn)[0] == Sentence("able answers.")
    assert scene.cheap.answered == []
    assert scene.cheap.heard == scene.able.heard == [heard("what is my balance")]
    assert scene.agent.stats["cheap"].insufficient == 1
    scene.call.verdict("a1", Verdict(True))
    assert (scene.cheap.verdicts, scene.able.verdicts) == ([], ["a1"])


def test_each_is_asked_in_a_thread_of_its_own_pool(scene: Scene) -> None:
    scene.cheap.answer = found(0.6)
    scene.hears()
    (cheap,), (able,) = scene.cheap.threads, scene.able.threads
    assert cheap.startswith("rung-cheap")
    assert able.startswith("rung-able")


def test_confidence_counts_after_calibration_and_the_core_is_told_the_calibrated_one() -> None:
    rungs = [{"name": "cheap", "offset": -3.0}, {"name": "able"}]
    scene = Scene(rungs=rungs)
    scene.cheap.answer = found(0.97, "boast")
    scene.able.answer = found(0.95, "balance")
    assert scene.hears().intent.name == "balance"
    scene.able.answer = found(0.2)
    best = scene.hears().intent
    assert best.name == "boast"
    assert best.probability == pytest.approx(0.617, abs=0.001)


def test_a_high_risk_answer_needs_more() -> None:
    scene = Scene()
    scene.cheap.answer = found(0.93, category="financial")
    assert scene.says(scene.hears())[0] == Sentence("able answers.")
    scene.cheap.answer = found(0.93)
    assert scene.says(scene.hears())[0] == Sentence("cheap answers.")


def test_nobody_sure_enough_breaks_the_reply_with_the_best_guess_in_words(scene: Scene) -> None:
    scene.cheap.answer, scene.able.answer = found(0.4, "cards"), found(0.7, "balance")
    turn = scene.hears()
    assert (turn.text, turn.intent.name) == ("read", "balance")
    assert turn.intent.probability == pytest.approx(0.7)
    assert turn.dialogue.no_match
    with pytest.raises(AgentError) as caught:
        scene.says(turn)
    assert str(caught.value) == (
        "nobody was sure enough (cheap 40%, able 70%; 90% needed), best guess: balance"
    )
    assert scene.cheap.answered == scene.able.answered == []


def test_where_nobody_can_come_the_caller_is_asked_again(scene: Scene) -> None:
    scene.cheap.answer = scene.able.answer = found(0.4)
    said = scene.says(scene.hears(), safe_mode=True)
    assert [event.text for event in said if isinstance(event, Sentence)] == list(SORRY)
    assert said[-1] == Done()


def test_what_nobody_could_read_is_asked_again_by_its_first_reader(scene: Scene) -> None:
    scene.cheap.answer = found(0.3, None, no_match=True)
    scene.able.answer = found(0.95, None, no_match=True)
    turn = scene.hears("mumble")
    assert turn.dialogue.no_match
    assert scene.says(turn)[0] == Sentence("cheap answers.")


def test_a_wish_for_a_person_or_danger_is_not_passed_on(scene: Scene) -> None:
    scene.cheap.answer = found(0.3, wants_person=0.9)
    assert scene.hears().dialogue.wants_person == 0.9
    scene.cheap.answer = found(0.3, emergency=True)
    assert scene.hears().dialogue.emergency
    assert scene.able.heard == []


def test_what_one_hears_of_anger_counts_whoever_answers(scene: Scene) -> None:
    scene.cheap.answer = found(0.3, frustration=0.8)
    turn = scene.hears()
    assert turn.dialogue.frustration == 0.8
    assert scene.says(turn)[0] == Sentence("able answers.")


def test_a_broken_one_is_passed_over(scene: Scene) -> None:
    scene.cheap.answer = ZeroDivisionError("a bug")
    assert scene.says(scene.hears())[0] == Sentence("able answers.")
    assert scene.agent.stats["cheap"].failed == 1


def test_where_all_break_the_reply_breaks(scene: Scene) -> None:
    scene.cheap.answer = scene.able.answer = AgentError("no model")
    turn = scene.hears("help me")
    assert (turn.text, turn.intent.name, turn.intent.probability) == ("help me", None, 0.0)
    with pytest.raises(AgentError, match="no agent answered in time"):
        scene.says(turn)


def test_a_slow_one_is_cut_counted_when_late_and_left_alone_until_then() -> None:
    scene = Scene(budget=0.2)
    scene.cheap.gate = threading.Event()
    assert scene.says(scene.hears("one"))[0] == Sentence("able answers.")
    assert scene.agent.stats["cheap"].overran == 1
    assert scene.says(scene.hears("two"))[0] == Sentence("able answers.")
    assert scene.cheap.heard == [heard("one")]
    scene.cheap.gate.set()
    for _ in range(1000):
        if scene.agent.stats["cheap"].late:
            break
        threading.Event().wait(0.005)
    assert scene.agent.stats["cheap"].late == 1
    scene.says(scene.hears("three"))
    assert scene.cheap.heard == [heard("one"), heard("three")]
    assert [each for each in scene.cheap.missed if each.heard == heard("two")], "told of it"
    asyncio.run(scene.agent.aclose())


def test_one_that_was_not_asked_is_told_what_it_missed_before_it_is_asked_again(
    scene: Scene,
) -> None:
    scene.call.greeting()
    scene.says(scene.hears("one"))
    scene.says(scene.hears("two"))
    scene.cheap.answer = found(0.5)
    scene.says(scene.hears("three"))
    assert scene.able.missed == [
        Exchange(None, "Hello from cheap."),
        Exchange(heard("one"), "cheap answers."),
        Exchange(heard("two"), "cheap answers."),
    ]
    assert scene.able.heard == [heard("three")]
    scene.cheap.answer = found(0.99)
    scene.hears("four")
    assert scene.cheap.missed == [Exchange(None, "able answers.")], "it heard the turn itself"


def test_after_a_person_whoever_spoke_last_goes_on_and_others_learn_of_it(scene: Scene) -> None:
    scene.cheap.answer = found(0.5)
    scene.says(scene.hears("one"))
    assert scene.call.resume("settled") == [Sentence("able is back.")]
    assert (scene.cheap.resumed, scene.able.resumed) == ([], ["settled"])
    scene.hears("two")
    assert scene.cheap.resumed == ["settled"]
    assert scene.cheap.missed == [Exchange(None, "able answers."), Exchange(None, "able is back.")]
    assert scene.able.resumed == ["settled"]


def test_silence_goes_to_whoever_spoke_last(scene: Scene) -> None:
    scene.cheap.answer = found(0.5)
    scene.says(scene.hears("one"))
    silence = Heard(silence=7.0)
    scene.says(scene.call.understand(silence))
    assert scene.able.heard == [heard("one"), silence]
    assert scene.cheap.heard == [heard("one")]


def test_a_newer_turn_ends_the_asking_for_an_older_one() -> None:
    scene = Scene(budget=20.0)
    scene.able.gate = threading.Event()
    scene.cheap.answer = found(0.5)
    with ThreadPoolExecutor(1) as pool:
        older = pool.submit(scene.hears, "one")
        while not scene.able.heard:
            threading.Event().wait(0.001)
        scene.cheap.answer = found(0.99)
        assert scene.says(scene.hears("one more"))[0] == Sentence("cheap answers.")
        with pytest.raises(AgentError, match="the caller went on"):
            older.result(5)
    scene.able.gate.set()
    asyncio.run(scene.agent.aclose())


def test_what_nobody_wants_any_more_is_given_up_and_a_busy_agent_is_asked_nothing() -> None:
    scene = Scene(budget=20.0)
    scene.cheap.gate = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        older = pool.submit(scene.hears, "one")
        # It may hear the turn a moment before it counts as busy.
        while not scene.cheap.heard or scene.call.completeness("and") != 0.5:
            assert not older.done()
            threading.Event().wait(0.001)
        scene.call.withdraw()
        with pytest.raises(AgentError, match="the caller went on"):
            older.result(5)
    scene.call.withdraw()
    scene.cheap.gate.set()
    asyncio.run(scene.agent.aclose())


def test_a_turn_that_goes_on_is_told_to_others_once(scene: Scene) -> None:
    scene.hears("one")
    scene.call.understand(dataclasses.replace(heard("one more"), goes_on=True))
    scene.cheap.answer = found(0.1)
    scene.hears("two")
    (exchange,) = scene.able.missed
    assert exchange.heard is not None
    assert exchange.heard.hypothesis == heard("one more").hypothesis


def test_the_cheapest_says_whether_the_caller_has_finished(scene: Scene) -> None:
    assert scene.call.completeness("and") == 0.3


def test_an_understanding_of_somebody_else_is_refused(scene: Scene) -> None:
    with pytest.raises(AgentError, match="not of this agent"):
        scene.says(found(0.9))


async def test_who_is_broken_off_is_told_at_once() -> None:
    scene = Scene()
    events = scene.call.respond(scene.hears(), safe_mode=False)
    assert isinstance(events, AsyncGenerator)
    assert await anext(events) == Sentence("cheap answers.")
    assert not scene.cheap.over
    await events.aclose()
    assert scene.cheap.over
    await scene.agent.aclose()


@given(
    st.lists(
        st.tuples(st.floats(0, 1), st.booleans(), st.sampled_from(["general", "financial"])),
        min_size=2,
        max_size=2,
    )
)
def test_the_first_that_is_sure_for_its_category_answers_or_nobody_does(
    answers: list[tuple[float, bool, str]],
) -> None:
    scene = Scene(budget=20.0)
    rungs = (scene.cheap, scene.able)
    for rung, (probability, lost, category) in zip(rungs, answers, strict=True):
        rung.answer = found(probability, rung.name, category, no_match=lost)
    turn = scene.hears()
    sure = [
        rung.name
        for rung, (probability, lost, category) in zip(rungs, answers, strict=True)
        if not lost and Platt()(probability) >= needed_confidence(scene.policy, category)
    ]
    if sure:
        assert scene.says(turn)[0] == Sentence(f"{sure[0]} answers.")
        assert len(scene.able.heard) == (sure[0] == "able")
    elif all(lost for _, lost, _ in answers):
        assert scene.says(turn)[0] == Sentence("cheap answers.")
    else:
        with pytest.raises(AgentError, match="nobody was sure enough"):
            scene.says(turn)
        assert turn.dialogue.no_match
    asyncio.run(scene.agent.aclose())
