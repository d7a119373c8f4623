from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import pytest

from handoff.events import DialogueFacts, Effect, IntentFacts
from handoff.moderation import Judgement, Route, Speaker
from tests.support import virtual
from tests.support.virtual import InlineExecutor
from voice_hitl.agent.protocol import (
    Acted,
    AgentEvent,
    Done,
    Heard,
    Proposal,
    Sentence,
    Understanding,
    Verdict,
)
from voice_hitl.call.inbox import (
    ActedCame,
    ClipCame,
    InboxEvent,
    LineJudged,
    ProposalCame,
    ReplyBroke,
    ReplyDone,
    UnderstandingCame,
)
from voice_hitl.call.replying import Judge, Replier
from voice_hitl.errors import AgentError, SynthesisError
from voice_hitl.language import Expectation, Hypothesis

HEARD = Heard(Hypothesis("move fifty dollars", final=True))
TRANSFER = Proposal("a1", "transfer", {"amount": "50"}, Effect.REVERSIBLE, "move 50 dollars")
ACTED = Acted("a1", "transfer", Effect.REVERSIBLE, True, "moved 50 dollars")


@dataclass
class Talk:
    """A conversation that answers with what the test put down, errors included."""

    script: list[AgentEvent | Exception] = field(default_factory=list)
    verdicts: list[tuple[str, Verdict]] = field(default_factory=list)
    safe: list[bool] = field(default_factory=list)
    over: bool = False  # its generator was closed
    broken: Exception | None = None

    def greeting(self) -> list[Sentence]:
        return [Sentence("Hello.")]

    def understand(self, heard: Heard) -> Understanding:
        if self.broken is not None:
            raise self.broken
        return Understanding("read", IntentFacts("transfer", 0.9), DialogueFacts(), {}, state=heard)

    async def respond(
        self, understanding: Understanding, *, safe_mode: bool
    ) -> AsyncIterator[AgentEvent]:
        assert understanding.state is HEARD
        self.safe.append(safe_mode)
        try:
            for event in self.script:
                await asyncio.sleep(0.001)
                if isinstance(event, Exception):
                    raise event
                yield event
        finally:
            self.over = True

    def verdict(self, action_id: str, verdict: Verdict) -> None:
        self.verdicts.append((action_id, verdict))

    def resume(self, note: str) -> list[Sentence]:
        return []

    def completeness(self, partial: str) -> float:
        return 1.0


class Voice:
    """A chunk a word; breaks at the word "krk"."""

    name = "test"

    async def synthesize(self, text: str) -> AsyncIterator[bytes]:
        for word in text.split():
            await asyncio.sleep(0.01)
            if word == "krk":
                raise SynthesisError("the worker died twice")
            yield word.encode()

    async def aclose(self) -> None:
        pass


def trust(text: str, before: str) -> None:
    """No moderation."""


@dataclass
class Owner:
    """Stands where the call's owner stands: answers at the two points where it has a say."""

    talk: Talk = field(default_factory=Talk)
    go: bool = True
    verdict: Verdict = Verdict(True)  # noqa: RUF009
    executor: Executor = field(default_factory=InlineExecutor)
    judge: Judge = trust
    posted: list[InboxEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.replier = Replier(self.talk, Voice(), self.executor, self._post, self.judge)

    def _post(self, event: InboxEvent) -> None:
        self.posted.append(event)
        if isinstance(event, UnderstandingCame):
            event.go.set_result(self.go)
        elif isinstance(event, ProposalCame):
            event.verdict.set_result(self.verdict)

    def answers(self, *script: AgentEvent | Exception, safe_mode: bool = False) -> list[InboxEvent]:
        """What is posted of one turn, after its understanding."""
        self.talk.script = list(script)
        virtual.run(self.replier.answer(7, HEARD, safe_mode))
        understood, *rest = self.posted
        assert isinstance(understood, UnderstandingCame)
        assert understood.understanding.text == "read"
        return rest


@pytest.fixture
def owner() -> Owner:
    return Owner()


def clip(sentence: Sentence, chunk: bytes, *, first: bool = False, last: bool = False) -> ClipCame:
    return ClipCame(7, sentence, chunk, first=first, last=last)


def test_a_reply_is_posted_as_it_is_made(owner: Owner) -> None:
    one, two = Sentence("Your balance"), Sentence("Anything?", kind="question")
    done = Done(pending="what else", expectation=Expectation(("yes",)))
    assert owner.answers(one, two, done) == [
        clip(one, b"Your", first=True),
        clip(one, b"balance"),
        clip(one, b"", last=True),
        clip(two, b"Anything?", first=True),
        clip(two, b"", last=True),
        ReplyDone(7, done),
    ]


def test_what_was_keyed_in_is_told_to_nobody_but_the_agent() -> None:
    class Keyed(Talk):
        def understand(self, heard: Heard) -> Understanding:
            facts = IntentFacts("transfer", 0.9)
            return Understanding(heard.digits or "", facts, DialogueFacts(), {}, state=HEARD)

    owner = Owner(Keyed(script=[Done()]))
    virtual.run(owner.replier.answer(7, Heard(digits="4821"), False))
    told = owner.posted[0]
    assert isinstance(told, UnderstandingCame)
    assert told.understanding.text == "••••"
    assert told.understanding.state is HEARD


def test_when_a_person_takes_over_the_turn_is_not_answered(owner: Owner) -> None:
    owner.go = False
    assert owner.answers(Sentence("Hello."), Done()) == [ReplyDone(7, None)]
    assert owner.talk.safe == []


@pytest.mark.parametrize("safe_mode", [False, True])
def test_the_agent_is_told_of_safe_mode(owner: Owner, safe_mode: bool) -> None:
    owner.answers(Done(), safe_mode=safe_mode)
    assert owner.talk.safe == [safe_mode]


@pytest.mark.parametrize("verdict", [Verdict(True), Verdict(False, "over_limit")])
def test_the_agent_hears_the_verdict_before_it_goes_on(owner: Owner, verdict: Verdict) -> None:
    owner.verdict = verdict
    proposed, acted, done = owner.answers(TRANSFER, ACTED, Done())
    assert isinstance(proposed, ProposalCame)
    assert (proposed.task, proposed.proposal) == (7, TRANSFER)
    assert owner.talk.verdicts == [("a1", verdict)]
    assert acted == ActedCame(7, ACTED)
    assert done == ReplyDone(7, Done())


def test_an_agent_without_an_end_still_ends_the_turn(owner: Owner) -> None:
    assert owner.answers() == [ReplyDone(7, None)]


def test_a_sentence_without_sound_says_nothing(owner: Owner) -> None:
    silent = Sentence(" ")
    assert owner.answers(silent) == [clip(silent, b"", last=True), ReplyDone(7, None)]


@pytest.mark.parametrize(
    ("error", "component", "detail"),
    [
        (AgentError("no such account"), "agent", "no such account"),
        (SynthesisError("no voice"), "synthesizer", "no voice"),
        (ZeroDivisionError("a bug"), "agent", "ZeroDivisionError: a bug"),
    ],
)
def test_what_breaks_in_an_answer_is_told_with_its_component(
    owner: Owner, error: Exception, component: str, detail: str
) -> None:
    *before, broke = owner.answers(Sentence("One"), error)
    assert broke == ReplyBroke(7, component, detail)
    assert [type(event) for event in before] == [ClipCame, ClipCame]


def test_a_voice_that_breaks_in_mid_sentence_ends_the_turn(owner: Owner) -> None:
    broken = Sentence("Your krk balance")
    assert owner.answers(broken, Sentence("More"), Done()) == [
        clip(broken, b"Your", first=True),
        ReplyBroke(7, "synthesizer", "the worker died twice"),
    ]


@pytest.mark.parametrize("error", [AgentError("no model"), ZeroDivisionError("a bug")])
def test_an_agent_that_cannot_understand_is_told(owner: Owner, error: Exception) -> None:
    owner.talk.broken = error
    virtual.run(owner.replier.answer(7, HEARD, False))
    (broke,) = owner.posted
    assert isinstance(broke, ReplyBroke)
    assert (broke.task, broke.component) == (7, "agent")
    assert str(error) in broke.detail


async def test_understanding_does_not_run_on_the_event_loop() -> None:
    with ThreadPoolExecutor(1, thread_name_prefix="understanding") as executor:
        owner = Owner(executor=executor)
        await owner.replier.answer(7, HEARD, False)
        assert isinstance(owner.posted[-1], ReplyDone)


def test_saying_needs_no_understanding(owner: Owner) -> None:
    hello = Sentence("Hello there.")
    virtual.run(owner.replier.say(3, [hello], trusted=True))
    assert owner.posted == [
        ClipCame(3, hello, b"Hello", first=True, last=False),
        ClipCame(3, hello, b"there.", first=False, last=False),
        ClipCame(3, hello, b"", first=False, last=True),
        ReplyDone(3, None),
    ]


def test_a_voice_that_breaks_while_saying_is_told(owner: Owner) -> None:
    virtual.run(owner.replier.say(3, [Sentence("krk"), Sentence("Hello.")], trusted=False))
    assert owner.posted == [ReplyBroke(3, "synthesizer", "the worker died twice")]


def test_a_cancelled_turn_posts_nothing_more(owner: Owner) -> None:
    async def main() -> None:
        owner.talk.script = [Sentence("one two three four five six")]
        async with asyncio.TaskGroup() as tasks:
            turn = tasks.create_task(owner.replier.answer(7, HEARD, False))
            await asyncio.sleep(0.03)
            turn.cancel()
            posted = len(owner.posted)
        assert owner.talk.over, "the agent was not told that nobody listens any more"
        await asyncio.sleep(1.0)
        assert turn.cancelled()
        assert len(owner.posted) == posted
        assert posted > 1

    virtual.run(main())


def test_a_turn_that_is_not_judged_waits(owner: Owner) -> None:
    """The agent may do nothing before the decision core has spoken."""

    async def main() -> None:
        silent: list[InboxEvent] = []
        replier = Replier(owner.talk, Voice(), InlineExecutor(), silent.append, trust)
        owner.talk.script = [TRANSFER, ACTED]
        async with asyncio.TaskGroup() as tasks:
            turn = tasks.create_task(replier.answer(7, HEARD, False))
            await asyncio.sleep(30.0)
            (understood,) = silent
            assert isinstance(understood, UnderstandingCame)
            understood.go.set_result(True)
            await asyncio.sleep(30.0)
            assert isinstance(silent[-1], ProposalCame)
            assert owner.talk.verdicts == []
            turn.cancel()

    virtual.run(main())


# --- moderation ---

SAFE = "I can't help with that."


def judged(text: str, before: str) -> Judgement | None:
    """Words in the sentence say what becomes of it; "fixed" is trusted."""
    if "fixed" in text:
        return None
    routes = {"bad": Route.BLOCK, "doubtful": Route.HOLD, "odd": Route.FLAG}
    route = next((route for word, route in routes.items() if word in text), Route.PASS)
    say = SAFE if route in (Route.BLOCK, Route.HOLD) else text
    return Judgement(
        before, "CA1", 1, Speaker.AGENT, route, "test", 0.5, "", say, "drawn" in text, 1.0
    )


@pytest.fixture
def strict() -> Owner:
    return Owner(judge=judged)


def spoken(events: list[InboxEvent]) -> list[str]:
    return [each.sentence.text for each in events if isinstance(each, ClipCame) and each.last]


def noted(events: list[InboxEvent]) -> list[tuple[Route, str]]:
    return [(each.judgement.route, each.text) for each in events if isinstance(each, LineJudged)]


@pytest.mark.parametrize("text", ["bad", "doubtful"])
def test_what_may_not_be_spoken_is_replaced_before_it_is_synthesized(
    strict: Owner, text: str
) -> None:
    events = strict.answers(Sentence(text), Done())
    (judgement,) = (each for each in events if isinstance(each, LineJudged))
    assert judgement.text == text
    assert spoken(events) == [SAFE]
    assert events.index(judgement) == 0, "told before anything is spoken"
    assert {e.sentence.kind for e in events if isinstance(e, ClipCame)} == {"refusal"}


def test_the_safe_line_is_said_once_a_reply_and_the_rest_goes_on(strict: Owner) -> None:
    events = strict.answers(Sentence("bad"), Sentence("good"), Sentence("bad bad"), Done())
    assert spoken(events) == [SAFE, "good"]
    assert noted(events) == [(Route.BLOCK, "bad"), (Route.BLOCK, "bad bad")]


def test_what_is_flagged_or_drawn_is_spoken_and_told(strict: Owner) -> None:
    events = strict.answers(Sentence("odd"), Sentence("drawn"), Sentence("good"), Done())
    assert spoken(events) == ["odd", "drawn", "good"]
    assert noted(events) == [(Route.FLAG, "odd"), (Route.PASS, "drawn")]


def test_a_sentence_is_judged_with_what_was_spoken_before_it(strict: Owner) -> None:
    said = [Sentence(text) for text in ("fixed", "one", "bad", "odd two")]
    events = strict.answers(*said, Done())
    befores = [each.judgement.line_id for each in events if isinstance(each, LineJudged)]
    assert befores == ["fixed one", "fixed one"], "what was stopped and the safe line do not count"


def test_what_is_said_without_a_turn_is_judged_unless_it_is_trusted() -> None:
    for trusted, said in ((True, ["bad"]), (False, [SAFE])):
        owner = Owner(judge=judged)
        virtual.run(owner.replier.say(3, [Sentence("bad")], trusted=trusted))
        assert spoken(owner.posted) == said


class Reader(Talk):
    """Reads a turn, in a thread, until the test lets it; tells what it was asked, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []
        self.begun, self.go = threading.Event(), threading.Event()

    def understand(self, heard: Heard) -> Understanding:
        assert heard.hypothesis is not None
        self.calls.append(f"reads {heard.hypothesis.text}")
        self.begun.set()
        assert self.go.wait(10.0)
        self.calls.append(f"has read {heard.hypothesis.text}")
        return replace(super().understand(heard), text=heard.hypothesis.text)

    async def respond(
        self, understanding: Understanding, *, safe_mode: bool
    ) -> AsyncIterator[AgentEvent]:
        yield Done()

    def resume(self, note: str) -> list[Sentence]:
        self.calls.append(f"resumes {note}")
        return [Sentence("Back.")]

    def completeness(self, partial: str) -> float:
        self.calls.append("judges")
        return 1.0


class Patient(Reader):
    """One that can be told to end."""

    def withdraw(self) -> None:
        self.calls.append("ends")
        self.go.set()


def heard(text: str) -> Heard:
    return Heard(Hypothesis(text, final=True))


@pytest.mark.parametrize("patient", [False, True])
async def test_an_agent_at_work_on_a_turn_that_was_broken_off_is_asked_nothing_else(
    patient: bool,
) -> None:
    talk = Patient() if patient else Reader()
    with ThreadPoolExecutor(2) as pool:
        owner = Owner(talk, executor=pool)
        first = asyncio.create_task(owner.replier.answer(1, heard("fire"), False))
        await asyncio.to_thread(talk.begun.wait, 10.0)
        first.cancel()
        owner.replier.handed_back("all is well")
        second = asyncio.create_task(owner.replier.answer(2, heard("help"), False))
        assert owner.replier.completeness("help") is None
        if not patient:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            talk.go.set()
        await second
    assert [call for call in talk.calls if call != "ends"] == [
        "reads fire",
        "has read fire",
        "resumes all is well",
        "reads help",
        "has read help",
    ]
    assert talk.calls.count("ends") == patient
    found = [each for each in owner.posted if isinstance(each, UnderstandingCame)]
    assert [(each.task, each.understanding.text) for each in found] == [(1, "fire"), (2, "help")]
    assert owner.replier.completeness("help") == 1.0


async def test_a_turn_that_was_broken_off_before_it_was_read_is_not_read() -> None:
    talk = Reader()
    with ThreadPoolExecutor(1) as pool:
        blocked = pool.submit(talk.go.wait, 10.0)
        owner = Owner(talk, executor=pool)
        first = asyncio.create_task(owner.replier.answer(1, heard("fire"), False))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        talk.go.set()
        assert blocked.result()
    assert talk.calls == []
    assert owner.posted == []


class Attentive(Talk):
    """Notes which turns it was told to be gone on with; takes no part in them."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[tuple[str, bool]] = []

    def understand(self, heard: Heard) -> Understanding:
        assert heard.hypothesis is not None
        self.given.append((heard.hypothesis.text, heard.goes_on))
        return super().understand(heard)


def test_a_turn_goes_on_only_with_what_the_agent_was_given() -> None:
    talk = Attentive()
    owner = Owner(talk, go=False)

    def answers(text: str) -> UnderstandingCame:
        given = replace(heard(text), goes_on=True)
        virtual.run(owner.replier.answer(1, given, False))
        return next(e for e in reversed(owner.posted) if isinstance(e, UnderstandingCame))

    virtual.run(owner.replier.answer(1, heard("i lost"), False))
    assert answers("i lost my card").goes_on
    owner.replier.stands()
    assert not answers("yes it was yellow").goes_on, "what came before it was answered"
    assert answers("yes it was yellow and new").goes_on
    assert not answers("another").goes_on, "its beginning was never given"
    assert [goes_on for _, goes_on in talk.given] == [False, True, False, True, False]


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (AgentError("no model"), "no model"),
        (ZeroDivisionError("a bug"), "ZeroDivisionError: a bug"),
    ],
)
def test_an_agent_that_breaks_when_it_is_handed_back_to_costs_no_call(
    owner: Owner, error: Exception, detail: str
) -> None:
    def resume(note: str) -> list[Sentence]:
        raise error

    owner.talk.resume = resume  # type: ignore[method-assign]
    owner.replier.handed_back("done")
    virtual.run(owner.replier.resume(3))
    assert owner.posted == [ReplyBroke(3, "agent", detail)]


def test_what_the_agent_has_to_say_to_a_hand_back_is_spoken(owner: Owner) -> None:
    owner.talk.resume = lambda note: [Sentence(f"Back: {note}")]  # type: ignore[method-assign]
    owner.replier.handed_back("done")
    virtual.run(owner.replier.resume(3))
    *clips, done = owner.posted
    assert {clip.sentence.text for clip in clips if isinstance(clip, ClipCame)} == {"Back: done"}
    assert done == ReplyDone(3, None)
